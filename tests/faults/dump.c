/*
 * dump - rows of a live store, for tests that must not ask the programs under
 * test: the first column of each row on a line of its own.
 *
 * usage: dump FILE SQL
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int
fail(sqlite3 *h)
{
	(void)fprintf(stderr, "dump: %s\n",
	    h == NULL ? "no memory" : sqlite3_errmsg(h));
	return EXIT_FAILURE;
}

int
main(int argc, char *argv[])
{
	sqlite3 *h = NULL;
	sqlite3_stmt *st;
	int code;

	if (argc != 3 || sqlite3_initialize() != SQLITE_OK)
		return EXIT_FAILURE;
	if (sqlite3_open_v2(argv[1], &h, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK)
		return fail(h);
	(void)sqlite3_busy_timeout(h, 5000);
	if (sqlite3_prepare_v2(h, argv[2], -1, &st, NULL) != SQLITE_OK)
		return fail(h);
	while ((code = sqlite3_step(st)) == SQLITE_ROW)
		(void)printf("%s\n", (const char *)sqlite3_column_text(st, 0));
	if (code != SQLITE_DONE)
		return fail(h);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(h);
	return EXIT_SUCCESS;
}

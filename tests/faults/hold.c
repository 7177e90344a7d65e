/*
 * hold - a foreign program on a live store.
 *
 * usage: hold FILE read              one snapshot, until the end of stdin
 *        hold FILE lock              the writers' lock, as long
 *        hold FILE turn              the turn of our own writers, as long
 *        hold FILE newer             a schema from the future, as long
 *        hold FILE write MS REST N   the writers' lock, for up to MS, N times,
 *                                    and REST ms each time without
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
run(sqlite3 *h, const char *sql)
{
	int code = sqlite3_exec(h, sql, NULL, NULL, NULL);

	if (code != SQLITE_OK && code != SQLITE_BUSY)
		(void)fprintf(stderr, "hold: %s: %s\n", sql, sqlite3_errmsg(h));
	return code;
}

static int
hold_open(void)
{
	(void)printf("held\n");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	return EXIT_SUCCESS;
}

/* The first ticket of the queue (lib/store/lock.c), and not SQLite's lock. */
static int
hold_turn(const char *store)
{
	struct flock first = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s-lock", store);
	fd = open(path, O_RDWR);
	if (fd < 0 || fcntl(fd, F_OFD_SETLKW, &first) != 0)
		return EXIT_FAILURE;
	return hold_open();
}

static int
hold_long(sqlite3 *h, const char *begin)
{
	if (run(h, begin) != SQLITE_OK ||
	    run(h, "SELECT count(*) FROM engine_event") != SQLITE_OK)
		return EXIT_FAILURE;
	return hold_open();
}

static int
hold_newer(sqlite3 *h)
{
	if (run(h, "UPDATE schema_version SET version = version + 100") !=
		SQLITE_OK ||
	    hold_open() != EXIT_SUCCESS)
		return EXIT_FAILURE;
	return run(h, "UPDATE schema_version SET version = version - 100") ==
		SQLITE_OK
	    ? EXIT_SUCCESS
	    : EXIT_FAILURE;
}

static int
write_often(sqlite3 *h, int ms, int rest_ms, int n)
{
	int code;

	while (n > 0) {
		if ((code = run(h, "BEGIN IMMEDIATE")) == SQLITE_BUSY)
			continue;
		if (code != SQLITE_OK)
			return EXIT_FAILURE;
		(void)usleep((useconds_t)(rand() % ms) * 1000);
		(void)run(h, "ROLLBACK");
		(void)usleep((useconds_t)rest_ms * 1000);
		n--;
	}
	return EXIT_SUCCESS;
}

int
main(int argc, char *argv[])
{
	sqlite3 *h = NULL;

	if (argc == 3 && strcmp(argv[2], "turn") == 0)
		return hold_turn(argv[1]);
	if (argc < 3 || sqlite3_initialize() != SQLITE_OK ||
	    sqlite3_open_v2(argv[1], &h, SQLITE_OPEN_READWRITE, NULL) !=
		SQLITE_OK)
		return EXIT_FAILURE;
	(void)sqlite3_busy_timeout(h, 2000);
	if (strcmp(argv[2], "read") == 0)
		return hold_long(h, "BEGIN");
	if (strcmp(argv[2], "lock") == 0)
		return hold_long(h, "BEGIN IMMEDIATE");
	if (strcmp(argv[2], "newer") == 0)
		return hold_newer(h);
	if (argc == 6)
		return write_often(h, atoi(argv[3]), atoi(argv[4]),
		    atoi(argv[5]));
	return EXIT_FAILURE;
}

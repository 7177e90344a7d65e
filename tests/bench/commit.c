/*
 * bench/commit - SQLite's own commit rate: one connection, the settings of
 * lib/store, a row of 1 KB and a counter per transaction.  SQLite checkpoints
 * by itself here, as it does by default.
 *
 * usage: commit NEW-FILE SECONDS; prints commits per second.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_BYTES = 1024, NS_PER_S = 1000000000 };
enum { S_BEGIN, S_INSERT, S_UPDATE, S_COMMIT, S__MAX };

static const char setup[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON;"
    "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
    "CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT NOT NULL);"
    "CREATE TABLE total (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);"
    "INSERT INTO total VALUES (1, 0)";

static const char *const sql[S__MAX] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_INSERT] = "INSERT INTO row (body) VALUES ($1)",
	[S_UPDATE] = "UPDATE total SET n = n + 1 WHERE id = 1",
	[S_COMMIT] = "COMMIT",
};

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void
must(sqlite3 *db, int ok)
{
	if (ok)
		return;
	(void)fprintf(stderr, "commit: %s\n", sqlite3_errmsg(db));
	exit(EXIT_FAILURE);
}

static void
transaction(sqlite3 *db, sqlite3_stmt **st)
{
	int i;

	for (i = 0; i < S__MAX; i++) {
		must(db, sqlite3_step(st[i]) == SQLITE_DONE);
		must(db, sqlite3_reset(st[i]) == SQLITE_OK);
	}
}

int
main(int argc, char *argv[])
{
	static char body[BODY_BYTES];
	sqlite3_stmt *st[S__MAX];
	sqlite3 *db;
	int64_t start, end, n = 0;
	int i;

	if (argc != 3 || sqlite3_initialize() != SQLITE_OK)
		return 2;
	must(NULL, sqlite3_open(argv[1], &db) == SQLITE_OK);
	must(db, sqlite3_exec(db, setup, NULL, NULL, NULL) == SQLITE_OK);
	for (i = 0; i < S__MAX; i++)
		must(db,
		    sqlite3_prepare_v2(db, sql[i], -1, &st[i], NULL) ==
			SQLITE_OK);
	memset(body, 'x', sizeof(body));
	must(db,
	    sqlite3_bind_text(st[S_INSERT], 1, body, BODY_BYTES,
		SQLITE_STATIC) == SQLITE_OK);
	start = now_ns();
	end = start + strtol(argv[2], NULL, 10) * NS_PER_S;
	for (; now_ns() < end; n++)
		transaction(db, st);
	(void)printf("%lld\n", (long long)(n * NS_PER_S / (now_ns() - start)));
	for (i = 0; i < S__MAX; i++)
		(void)sqlite3_finalize(st[i]);
	return sqlite3_close(db) == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

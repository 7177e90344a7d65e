/*
 * tests/fuzz/fuzz_store.h - a directory and a store for harnesses that keep
 * something.  In memory where there is such a place, for one program that never
 * loses its power: no commit waits for a disk, nor asks the kernel who else is
 * there.
 */
#ifndef FUZZ_STORE_H
#define FUZZ_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "store/internal.h"

enum {
	FUZZ_DIR_BYTES = 32,
	FUZZ_PATH_BYTES = 128,
	FUZZ_PAGE_BYTES = 4096 + 512, /* with what SQLite keeps beside one */
	FUZZ_PAGES = 2048,
};

const char *__asan_default_options(void);

/*
 * SQLite frees more than the code under test, and memory that is not used again
 * is cleared by the kernel: so little is kept that the processor's cache has it.
 */
const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

static char fuzz_dir[FUZZ_DIR_BYTES];
static void fuzz_leave(void); /* the harness's: its files go */

/* name below the directory, which is made at the first call; static. */
static const char *
fuzz_path(const char *name)
{
	static char path[FUZZ_PATH_BYTES];

	if (fuzz_dir[0] == '\0') {
		(void)snprintf(fuzz_dir, sizeof(fuzz_dir), "%s/hqfuzz-XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		HQ_ASSERT(mkdtemp(fuzz_dir) != NULL);
		HQ_ASSERT(atexit(fuzz_leave) == 0);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", fuzz_dir, name);
	return path;
}

static void
fuzz_store_remove(void)
{
	static const char *const names[] = { "db", "db-wal", "db-shm",
		"db.lock", "db-lock" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(fuzz_path(names[i]));
}

/* Its pages from a place of their own, before its first use. */
static void
fuzz_store_pages(void)
{
	static _Alignas(16) unsigned char pages[FUZZ_PAGES][FUZZ_PAGE_BYTES];
	static bool done;

	if (!done)
		HQ_ASSERT(sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages,
			      FUZZ_PAGE_BYTES, FUZZ_PAGES) == SQLITE_OK);
	done = true;
}

static struct hq_db *
fuzz_store_open(const struct hq_module *const *modules)
{
	struct hq_db_opts o = { .path = fuzz_path("db"),
		.modules = modules,
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = 5000 };
	static const char quick[] = "PRAGMA locking_mode=EXCLUSIVE;"
				    "PRAGMA journal_mode=MEMORY;"
				    "PRAGMA synchronous=OFF;";
	struct hq_db *db;

	fuzz_store_pages();
	if (hq_db_open(&o, &db, &err) != HQ_OK)
		HQ_BUG(err.msg);
	HQ_ASSERT(sqlite3_exec(db->h, quick, NULL, NULL, NULL) == SQLITE_OK);
	return db;
}

#endif /* FUZZ_STORE_H */

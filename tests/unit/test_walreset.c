/*
 * The race that makes older versions of SQLite lose committed rows: while one
 * connection is about to checkpoint, another commits and so restarts the log;
 * the first then marks frames of the new log as moved that it never moved.
 *
 * A VFS of our own passes every call on, but for one hook: SQLite calls
 * xUnfetch(file, 0, NULL) in a checkpoint right after it has read a changed
 * log header, which is the moment to commit from the other connection.
 */
#include <sqlite3.h>

#include "store/admin.h"
#include "store/internal.h"
#include "test_store_dir.h"

enum { ROWS_BEFORE = 40, ROWS_AFTER = 5 };

struct shim_file {
	sqlite3_file base; /* what SQLite sees; must be first */
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3 *writer;
static bool armed, fired;

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct shim_file *)(void *)f)->real;
}

static void
run(sqlite3 *h, const char *sql)
{
	ck_assert_msg(sqlite3_exec(h, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s: %s", sql, sqlite3_errmsg(h));
}

static int64_t
count_rows(sqlite3 *h)
{
	sqlite3_stmt *st;
	int64_t n;

	ck_assert_int_eq(sqlite3_prepare_v2(h, "SELECT count(*) FROM t", -1,
			     &st, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return n;
}

/* PASS(name, params, args): a method that only passes on. */
#define PASS(name, params, args) \
	static int shim_##name params \
	{ \
		sqlite3_file *r = real_of(f); \
\
		return r->pMethods->name args; \
	}

PASS(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (r, p, n, at))
PASS(xWrite, (sqlite3_file * f, const void *p, int n, sqlite3_int64 at),
    (r, p, n, at))
PASS(xTruncate, (sqlite3_file * f, sqlite3_int64 n), (r, n))
PASS(xSync, (sqlite3_file * f, int flags), (r, flags))
PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *n), (r, n))
PASS(xLock, (sqlite3_file * f, int level), (r, level))
PASS(xUnlock, (sqlite3_file * f, int level), (r, level))
PASS(xCheckReservedLock, (sqlite3_file * f, int *out), (r, out))
PASS(xFileControl, (sqlite3_file * f, int op, void *arg), (r, op, arg))
PASS(xSectorSize, (sqlite3_file * f), (r))
PASS(xDeviceCharacteristics, (sqlite3_file * f), (r))
PASS(xShmMap, (sqlite3_file * f, int pg, int n, int ext, void volatile **out),
    (r, pg, n, ext, out))
PASS(xShmLock, (sqlite3_file * f, int at, int n, int flags), (r, at, n, flags))
PASS(xShmUnmap, (sqlite3_file * f, int del), (r, del))
PASS(xFetch, (sqlite3_file * f, sqlite3_int64 at, int n, void **out),
    (r, at, n, out))

static void
shim_xShmBarrier(sqlite3_file *f)
{
	sqlite3_file *r = real_of(f);

	r->pMethods->xShmBarrier(r);
}

static int
shim_xClose(sqlite3_file *f)
{
	sqlite3_file *r = real_of(f);
	int code = r->pMethods->xClose(r);

	free(r);
	return code;
}

static int
shim_xUnfetch(sqlite3_file *f, sqlite3_int64 at, void *p)
{
	sqlite3_file *r = real_of(f);

	if (armed && at == 0 && p == NULL) {
		armed = false;
		fired = true;
		run(writer, "INSERT INTO t (v) VALUES ('restarts the log')");
	}
	return r->pMethods->xUnfetch(r, at, p);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 3,
	.xClose = shim_xClose,
	.xRead = shim_xRead,
	.xWrite = shim_xWrite,
	.xTruncate = shim_xTruncate,
	.xSync = shim_xSync,
	.xFileSize = shim_xFileSize,
	.xLock = shim_xLock,
	.xUnlock = shim_xUnlock,
	.xCheckReservedLock = shim_xCheckReservedLock,
	.xFileControl = shim_xFileControl,
	.xSectorSize = shim_xSectorSize,
	.xDeviceCharacteristics = shim_xDeviceCharacteristics,
	.xShmMap = shim_xShmMap,
	.xShmLock = shim_xShmLock,
	.xShmBarrier = shim_xShmBarrier,
	.xShmUnmap = shim_xShmUnmap,
	.xFetch = shim_xFetch,
	.xUnfetch = shim_xUnfetch,
};

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *ret_flags)
{
	struct shim_file *s = (struct shim_file *)(void *)f;
	int code;

	(void)vfs;
	s->real = calloc(1, (size_t)real_vfs->szOsFile);
	ck_assert_ptr_nonnull(s->real);
	code = real_vfs->xOpen(real_vfs, name, s->real, flags, ret_flags);
	if (code == SQLITE_OK)
		s->base.pMethods = &shim_methods;
	else
		free(s->real);
	return code;
}

static sqlite3 *
connect_through(const char *vfs)
{
	sqlite3 *h;

	ck_assert_int_eq(sqlite3_open_v2(path, &h,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
	    SQLITE_OK);
	run(h, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
	return h;
}

static void
shim_register(void)
{
	static sqlite3_vfs shim;

	ck_assert_int_eq(sqlite3_initialize(), SQLITE_OK);
	real_vfs = sqlite3_vfs_find(NULL);
	ck_assert_ptr_nonnull(real_vfs);
	shim = *real_vfs;
	shim.zName = "shim";
	shim.szOsFile = (int)sizeof(struct shim_file);
	shim.xOpen = shim_open;
	shim.pNext = NULL;
	ck_assert_int_eq(sqlite3_vfs_register(&shim, 0), SQLITE_OK);
}

/* A log that was moved as a whole, so that the next commit restarts it. */
static void
fill_and_move(void)
{
	int i, frames, moved;

	for (i = 0; i < ROWS_BEFORE; i++)
		run(writer, "INSERT INTO t (v) VALUES (hex(randomblob(200)))");
	ck_assert_int_eq(sqlite3_wal_checkpoint_v2(writer, NULL,
			     SQLITE_CHECKPOINT_PASSIVE, &frames, &moved),
	    SQLITE_OK);
	ck_assert_int_eq(frames, moved);
}

START_TEST(a_commit_in_the_midst_of_a_checkpoint_is_not_lost)
{
	sqlite3 *checkpointer;
	int64_t committed;
	int i;

	shim_register();
	writer = connect_through(NULL);
	run(writer,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
	    "CREATE INDEX i ON t (v)");
	checkpointer = connect_through("shim");
	ck_assert_int_eq(count_rows(checkpointer), 0);
	fill_and_move();
	armed = true;
	HQ_ASSERT(sqlite3_wal_checkpoint_v2(checkpointer, NULL,
		      SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK);
	ck_assert_msg(fired, "the hook was not called");
	for (i = 0; i < ROWS_AFTER; i++)
		run(writer, "INSERT INTO t (v) VALUES ('after')");
	committed = count_rows(writer);
	ck_assert_int_eq(committed, ROWS_BEFORE + 1 + ROWS_AFTER);
	ck_assert_int_eq(sqlite3_close(checkpointer), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(writer), SQLITE_OK);

	writer = connect_through(NULL);
	ck_assert_int_eq(count_rows(writer), committed);
	ck_assert_int_eq(sqlite3_close(writer), SQLITE_OK);
}
END_TEST

START_TEST(the_linked_version_is_a_safe_one)
{
	ck_hq_ok(hq_sqlite_safe(&err));
}
END_TEST

static const struct {
	int version;
	bool safe;
} versions[] = {
	{ 3007000, false },
	{ 3040001, false },
	{ 3044005, false },
	{ 3044006, true },
	{ 3045000, false },
	{ 3046001, false },
	{ 3050006, false },
	{ 3050007, true },
	{ 3051002, false },
	{ 3051003, true },
	{ 3053002, true },
};

START_TEST(only_the_fixed_versions_count_as_safe)
{
	ck_assert_int_eq(hq_store_version_is_safe(versions[_i].version),
	    versions[_i].safe);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("walreset");
	TCase *tc = tcase_create("the linked SQLite");

	tcase_add_checked_fixture(tc, dir_open, dir_close);
	tcase_add_test(tc, a_commit_in_the_midst_of_a_checkpoint_is_not_lost);
	tcase_add_test(tc, the_linked_version_is_a_safe_one);
	tcase_add_loop_test(tc, only_the_fixed_versions_count_as_safe, 0,
	    (int)(sizeof(versions) / sizeof(versions[0])));
	suite_add_tcase(s, tc);
	return run_suite(s);
}

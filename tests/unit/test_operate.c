/* What an operator does to a store: dry runs, questions, restore. */
#include "store/admin.h"
#include "test_store_dir.h"

enum { Q_ADD, Q_COUNT };
static const char *const steps[] = { "CREATE TABLE t (a TEXT)", NULL };
static const char *const sql[] = { "INSERT INTO t (a) VALUES ($1)",
	"SELECT count(*) FROM t", NULL };
static const struct hq_module module = { "t", steps, sql };
static const struct hq_module newer = { "t",
	(const char *const[]){ "CREATE TABLE t (a TEXT)", "CREATE TABLE u (a)",
	    NULL },
	sql };
static const struct hq_module *const list[] = { &module, NULL };
static const struct hq_module *const newer_list[] = { &newer, NULL };

static struct hq_db *
open_as(bool migrate, bool dry_run, bool read_only)
{
	const struct hq_db_opts o = { .path = path,
		.modules = list,
		.migrate = migrate,
		.dry_run = dry_run,
		.read_only = read_only,
		.write_wait_ms = 1000 };
	struct hq_db *db;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	return db;
}

static enum hq_rc
add_tx(void *arg, struct hq_err *e)
{
	return hq_exec(arg, &module, Q_ADD, HQ_BIND(hq_text("x")), NULL, e);
}

static int64_t
rows_in(struct hq_db *db)
{
	int64_t n = -1;
	HQ_CURSOR(row);

	ck_hq_ok(hq_query(db, &module, Q_COUNT, HQ_NO_BIND, &row, &err));
	while (hq_cursor_next(&row))
		n = hq_cursor_i64(&row, 0);
	ck_hq_ok(hq_cursor_done(&row, &err));
	return n;
}

/* A store of one row, closed. */
static void
one_row(void)
{
	struct hq_db *db = open_as(true, false, false);

	ck_hq_ok(hq_db_tx(db, add_tx, db, &err));
	hq_db_close(db);
}

START_TEST(a_dry_run_says_ok_and_keeps_nothing)
{
	struct hq_db *db;

	one_row();
	db = open_as(false, true, false);
	ck_hq_ok(hq_db_tx(db, add_tx, db, &err));
	ck_hq_ok(hq_db_tx(db, add_tx, db, &err));
	ck_assert(hq_db_is_dry(db));
	ck_assert_int_eq(rows_in(db), 1);
	hq_db_close(db);
}
END_TEST

/* ---------------------------------------------------------------- questions -- */

static int n_rows;

static bool
count_row(void *arg, const struct hq_db_row *row)
{
	(void)arg;
	ck_assert_uint_eq(row->n, 1);
	n_rows++;
	return true;
}

static const struct {
	const char *sql;
	bool reads;
} questions[] = {
	{ "SELECT a FROM t; SELECT 1;", true },
	{ "", true },
	{ "-- nothing", true },
	{ "PRAGMA table_info = 1", true },
	{ "INSERT INTO t VALUES ('y')", false },
	{ "SELECT 1; DROP TABLE t", false },
	{ "ATTACH ':memory:' AS x", false },
	{ "BEGIN", false },
	{ "SAVEPOINT x", false },
	{ "VACUUM INTO '/tmp/hq-must-not-be'", false },
	{ "PRAGMA journal_mode = DELETE", false },
	{ "SELEC", false },
};

START_TEST(only_statements_that_read_are_run)
{
	struct hq_db *db;
	enum hq_rc rc;

	one_row();
	db = open_as(false, false, true);
	rc = hq_db_select(db, questions[_i].sql, count_row, NULL, &err);
	ck_assert_int_eq(rc,
	    questions[_i].reads ? HQ_OK : (int)HQ_E_BAD_REQUEST);
	ck_assert_int_eq(rows_in(db), 1);
	hq_db_close(db);
}
END_TEST

START_TEST(nothing_is_run_before_all_of_it_is_seen_to_read)
{
	struct hq_db *db;

	one_row();
	n_rows = 0;
	db = open_as(false, false, true);
	ck_assert_int_eq(hq_db_select(db, "SELECT 1; DELETE FROM t", count_row,
			     NULL, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_int_eq(n_rows, 0);
	hq_db_close(db);
}
END_TEST

/* ------------------------------------------------------------------ restore -- */

static const char *
backup(void)
{
	struct hq_db *db = open_as(false, false, false);
	const char *to = in_dir("backup");

	ck_hq_ok(hq_db_backup(db, to, &err));
	hq_db_close(db);
	return to;
}

static void
add_one(void)
{
	struct hq_db *db = open_as(false, false, false);

	ck_hq_ok(hq_db_tx(db, add_tx, db, &err));
	hq_db_close(db);
}

static int64_t
rows_at(const char *file)
{
	struct hq_db_opts o = { .path = file,
		.modules = list,
		.write_wait_ms = 1000 };
	struct hq_db *db;
	int64_t n;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	n = rows_in(db);
	hq_db_close(db);
	return n;
}

START_TEST(a_restored_store_is_the_backup_and_the_old_one_is_kept_whole)
{
	const char *from;
	char *kept = NULL;

	one_row();
	from = backup();
	add_one(); /* in the WAL: nobody moved it */
	ck_hq_ok(hq_db_restore(path, from, list, false, &kept, &err));
	ck_assert_int_eq(rows_at(path), 1);
	ck_assert_ptr_nonnull(kept);
	ck_assert_int_eq(rows_at(kept), 2);
	free(kept);
}
END_TEST

START_TEST(a_dry_restore_replaces_nothing)
{
	const char *from;
	char *kept = NULL;

	one_row();
	from = backup();
	add_one();
	ck_hq_ok(hq_db_restore(path, from, list, true, &kept, &err));
	ck_assert_ptr_null(kept);
	ck_assert_int_eq(rows_at(path), 2);
}
END_TEST

START_TEST(a_store_that_another_process_has_open_is_not_replaced)
{
	const char *from;
	char *kept = NULL, byte = 0;
	int ready[2], go[2];
	pid_t pid;

	one_row();
	from = backup();
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	if ((pid = fork()) == 0) {
		struct hq_db *db = open_as(false, false, false);

		(void)!write(ready[1], &byte, 1);
		(void)!read(go[0], &byte, 1);
		hq_db_close(db);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(hq_db_restore(path, from, list, false, &kept, &err),
	    HQ_E_CONFLICT);
	ck_assert_int_eq(hq_db_restore(path, from, list, true, &kept, &err),
	    HQ_E_CONFLICT);
	ck_assert_int_eq(write(go[1], &byte, 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_hq_ok(hq_db_restore(path, from, list, false, &kept, &err));
	free(kept);
}
END_TEST

START_TEST(a_damaged_store_can_be_replaced)
{
	const char *from;
	char *kept = NULL;
	FILE *f;

	one_row();
	from = backup();
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	ck_assert_int_gt(fprintf(f, "%0*d", 8192, 0), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_hq_ok(hq_db_restore(path, from, list, false, &kept, &err));
	ck_assert_int_eq(rows_at(path), 1);
	free(kept);
}
END_TEST

START_TEST(a_backup_of_a_newer_program_is_refused)
{
	const struct hq_db_opts o = { .path = path,
		.modules = newer_list,
		.migrate = true,
		.write_wait_ms = 1000 };
	const char *to = in_dir("backup");
	char *kept = NULL;
	struct hq_db *db;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_hq_ok(hq_db_backup(db, to, &err));
	hq_db_close(db);
	ck_assert_int_ne(hq_db_restore(path, to, list, false, &kept, &err),
	    HQ_OK);
	ck_assert_ptr_nonnull(strstr(err.msg, "upgrade the program"));
}
END_TEST

START_TEST(the_store_is_not_a_backup_of_itself)
{
	char *kept = NULL;

	one_row();
	ck_assert_int_eq(hq_db_restore(path, path, list, false, &kept, &err),
	    HQ_E_CONFLICT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("operate");
	TCase *tc = tcase_create("an operator at a store");

	tcase_add_checked_fixture(tc, dir_open, dir_close);
	tcase_add_test(tc, a_dry_run_says_ok_and_keeps_nothing);
	tcase_add_loop_test(tc, only_statements_that_read_are_run, 0,
	    (int)(sizeof(questions) / sizeof(questions[0])));
	tcase_add_test(tc, nothing_is_run_before_all_of_it_is_seen_to_read);
	tcase_add_test(tc,
	    a_restored_store_is_the_backup_and_the_old_one_is_kept_whole);
	tcase_add_test(tc, a_dry_restore_replaces_nothing);
	tcase_add_test(tc,
	    a_store_that_another_process_has_open_is_not_replaced);
	tcase_add_test(tc, a_damaged_store_can_be_replaced);
	tcase_add_test(tc, a_backup_of_a_newer_program_is_refused);
	tcase_add_test(tc, the_store_is_not_a_backup_of_itself);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "store/admin.h"
#include "test_store_dir.h"

static const char *const no_sql[] = { NULL };

static const char *const v1[] = {
	"CREATE TABLE t (a TEXT); CREATE TABLE u (a TEXT)",
	NULL,
};
static const char *const v2[] = {
	"CREATE TABLE t (a TEXT); CREATE TABLE u (a TEXT)",
	"ALTER TABLE t ADD COLUMN b TEXT",
	NULL,
};
static const char *const v2_half[] = {
	"CREATE TABLE t (a TEXT); CREATE TABLE u (a TEXT)",
	"ALTER TABLE t ADD COLUMN b TEXT; ALTER TABLE nothing ADD COLUMN c",
	NULL,
};
static const char *const b_needs_t[] = {
	"CREATE TABLE b (a TEXT); INSERT INTO t (a) VALUES ('from b')",
	NULL,
};
static const char *const select_b[] = { "SELECT b FROM t", NULL };
static const char *const count_t[] = { "SELECT count(*) FROM t", NULL };

static const struct hq_module mod_v1 = { "t", v1, no_sql };
static const struct hq_module mod_v2 = { "t", v2, select_b };
static const struct hq_module mod_half = { "t", v2_half, select_b };
static const struct hq_module mod_b = { "b", b_needs_t, count_t };

static int steps;
static int64_t last_to;

static void
count(void *arg, const char *module, int64_t to)
{
	(void)arg;
	(void)module;
	steps++;
	last_to = to;
}

static enum hq_rc
migrate(const struct hq_module *m)
{
	const struct hq_module *const list[] = { m, m, NULL };

	steps = 0;
	return hq_db_migrate(path, list, count, NULL, &err);
}

static enum hq_rc
open_with(const struct hq_module *m)
{
	const struct hq_module *const list[] = { m, NULL };
	const struct hq_db_opts o = { .path = path,
		.modules = list,
		.write_wait_ms = 1000 };
	struct hq_db *db;
	enum hq_rc rc = hq_db_open(&o, &db, &err);

	if (rc == HQ_OK)
		hq_db_close(db);
	return rc;
}

START_TEST(a_new_store_gets_every_step_once)
{
	ck_hq_ok(migrate(&mod_v2));
	ck_assert_int_eq(steps, 2);
	ck_assert_int_eq(last_to, 2);
	ck_hq_ok(open_with(&mod_v2));
}
END_TEST

START_TEST(a_store_that_is_up_to_date_is_left_alone)
{
	ck_hq_ok(migrate(&mod_v2));
	ck_hq_ok(migrate(&mod_v2));
	ck_assert_int_eq(steps, 0);
}
END_TEST

START_TEST(an_old_store_gets_only_what_it_lacks)
{
	ck_hq_ok(migrate(&mod_v1));
	ck_hq_ok(migrate(&mod_v2));
	ck_assert_int_eq(steps, 1);
	ck_hq_ok(open_with(&mod_v2));
}
END_TEST

START_TEST(a_migration_that_fails_half_way_leaves_the_old_version)
{
	ck_hq_ok(migrate(&mod_v1));
	ck_assert_int_eq(migrate(&mod_half), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_int_eq(steps, 0);
	ck_hq_ok(open_with(&mod_v1));
	ck_hq_ok(migrate(&mod_v2));
	ck_hq_ok(open_with(&mod_v2));
}
END_TEST

START_TEST(an_older_schema_is_refused_with_the_command_to_run)
{
	ck_hq_ok(migrate(&mod_v1));
	ck_assert_int_eq(open_with(&mod_v2), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "run rawr db migrate"));
}
END_TEST

START_TEST(a_newer_schema_is_refused_by_opening)
{
	ck_hq_ok(migrate(&mod_v2));
	ck_assert_int_eq(open_with(&mod_v1), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "upgrade the program"));
}
END_TEST

START_TEST(a_newer_schema_is_refused_by_migrating)
{
	ck_hq_ok(migrate(&mod_v2));
	ck_assert_int_eq(migrate(&mod_v1), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "upgrade the program"));
}
END_TEST

START_TEST(modules_are_brought_up_in_their_order)
{
	const struct hq_module *const list[] = { &mod_v2, &mod_b, &mod_v2,
		NULL };

	ck_hq_ok(hq_db_migrate(path, list, NULL, NULL, &err));
	ck_hq_ok(open_with(&mod_b));
}
END_TEST

enum { MIGRATORS = 4 };

START_TEST(migrators_that_start_together_take_each_step_once)
{
	pid_t pids[MIGRATORS];
	int i, taken = 0;

	for (i = 0; i < MIGRATORS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(migrate(&mod_v2) == HQ_OK ? steps : 100);
	}
	for (i = 0; i < MIGRATORS; i++)
		taken += wait_for(pids[i]);
	ck_assert_int_eq(taken, 2);
	ck_hq_ok(open_with(&mod_v2));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("migrate");
	TCase *tc = tcase_create("schema versions");

	tcase_add_checked_fixture(tc, dir_open, dir_close);
	tcase_add_test(tc, a_new_store_gets_every_step_once);
	tcase_add_test(tc, a_store_that_is_up_to_date_is_left_alone);
	tcase_add_test(tc, an_old_store_gets_only_what_it_lacks);
	tcase_add_test(tc,
	    a_migration_that_fails_half_way_leaves_the_old_version);
	tcase_add_test(tc, an_older_schema_is_refused_with_the_command_to_run);
	tcase_add_test(tc, a_newer_schema_is_refused_by_opening);
	tcase_add_test(tc, a_newer_schema_is_refused_by_migrating);
	tcase_add_test(tc, modules_are_brought_up_in_their_order);
	tcase_add_test(tc, migrators_that_start_together_take_each_step_once);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

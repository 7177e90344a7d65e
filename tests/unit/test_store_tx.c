/*
 * Transactions: what is kept, what is refused, and who writes.
 */
#include <signal.h>
#include <sys/resource.h>

#include "store/admin.h"
#include "storetest.h"

static enum hq_rc
add_and_suspend(void *arg, struct hq_err *e)
{
	HQ_TRY(add(arg, 1, e));
	return HQ_SUSPEND;
}

static enum hq_rc
add_child(void *arg, struct hq_err *e)
{
	return hq_exec(db, &item, Q_ADD_CHILD, HQ_BIND(hq_text(arg)), NULL, e);
}

static enum hq_rc
nested(void *arg, struct hq_err *e)
{
	return hq_db_tx(db, add_one, arg, e);
}

START_TEST(a_transaction_that_says_ok_is_kept)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_transaction_that_fails_leaves_nothing)
{
	ck_assert_int_eq(in_tx(add_and_fail, "a"), HQ_E_NOT_FOUND);
	ck_assert_str_eq(err.msg, "changed my mind");
	ck_assert(!has("a"));
}
END_TEST

START_TEST(a_transaction_that_suspends_leaves_nothing)
{
	ck_assert_int_eq(in_tx(add_and_suspend, "a"), HQ_SUSPEND);
	ck_assert(!has("a"));
}
END_TEST

START_TEST(a_duplicate_key_is_a_conflict)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert_int_eq(in_tx(add_one, "a"), HQ_E_CONFLICT);
}
END_TEST

START_TEST(a_reference_to_nothing_is_a_conflict)
{
	ck_assert_int_eq(in_tx(add_child, "nobody"), HQ_E_CONFLICT);
}
END_TEST

static enum hq_rc
bump_twice(void *arg, struct hq_err *e)
{
	int64_t *ret = arg;
	int i;

	for (i = 0; i < 2; i++) {
		HQ_CURSOR(c);

		HQ_TRY(hq_query(db, &item, Q_RETURNING, HQ_BIND(hq_text("a")),
		    &c, e));
		if (!hq_cursor_next(&c))
			return hq_cursor_done(&c, e);
		*ret = hq_cursor_i64(&c, 0);
	}
	return HQ_OK;
}

START_TEST(a_returning_statement_gives_its_row_and_keeps_its_write)
{
	int64_t n = 0;

	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_db_tx(db, bump_twice, &n, &err));
	ck_assert_int_eq(n, 3);
}
END_TEST

START_TEST(a_write_outside_a_transaction_aborts)
{
	HQ_IGNORE(add("a", 1, &err));
}
END_TEST

START_TEST(a_transaction_within_a_transaction_aborts)
{
	HQ_IGNORE(in_tx(nested, "a"));
}
END_TEST

START_TEST(a_write_within_a_read_transaction_aborts)
{
	HQ_IGNORE(hq_db_read(db, add_one, name_of("a"), &err));
}
END_TEST

START_TEST(a_write_under_an_open_cursor_aborts)
{
	HQ_CURSOR(c);

	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
	ck_assert(hq_cursor_next(&c));
	HQ_IGNORE(in_tx(add_one, "b"));
}
END_TEST

struct look {
	struct hq_db *writer;
	bool before, after;
};

static enum hq_rc
write_between_looks(void *arg, struct hq_err *e)
{
	struct look *l = arg;
	struct hq_db *reader = db;
	enum hq_rc rc;

	l->before = has("b");
	db = l->writer;
	rc = hq_db_tx(db, add_one, name_of("b"), e);
	db = reader;
	l->after = has("b");
	return rc;
}

START_TEST(a_read_transaction_sees_one_moment)
{
	struct hq_db_opts o = opts();
	struct look l = { 0 };

	ck_hq_ok(hq_db_open(&o, &l.writer, &err));
	ck_hq_ok(hq_db_read(db, write_between_looks, &l, &err));
	ck_assert(!l.before);
	ck_assert(!l.after);
	ck_assert(has("b"));
	hq_db_close(l.writer);
}
END_TEST

START_TEST(the_data_version_changes_when_another_connection_commits)
{
	struct hq_db_opts o = opts();
	struct hq_db *mine = db, *other;
	int64_t v0, v1, v2;

	ck_hq_ok(hq_db_open(&o, &other, &err));
	ck_hq_ok(hq_db_data_version(mine, &v0, &err));
	ck_hq_ok(hq_db_data_version(mine, &v1, &err));
	ck_assert_int_eq(v0, v1);
	db = other;
	ck_hq_ok(in_tx(add_one, "a"));
	db = mine;
	ck_hq_ok(hq_db_data_version(mine, &v2, &err));
	ck_assert_int_ne(v1, v2);
	hq_db_close(other);
}
END_TEST

static enum hq_rc
write_elsewhere(void *arg, struct hq_err *e)
{
	struct hq_db *mine = db;
	enum hq_rc *ret = arg, rc;
	struct hq_db_opts o = opts();

	o.write_wait_ms = 20;
	HQ_TRY(hq_db_open(&o, &db, e));
	*ret = rc = in_tx(add_one, "late");
	hq_db_close(db);
	db = mine;
	return rc;
}

START_TEST(a_writer_that_waited_in_vain_is_told_to_try_again)
{
	enum hq_rc inner = HQ_OK;

	HQ_IGNORE(hq_db_tx(db, write_elsewhere, &inner, &err));
	ck_assert_int_eq(inner, HQ_E_SERVICE_UNAVAILABLE);
	ck_assert(!has("late"));
}
END_TEST

/* More pages than a log has that is left as it is. */
static enum hq_rc
fill_long(void *arg, struct hq_err *e)
{
	return hq_exec(db, &item, Q_FILL,
	    HQ_BIND(hq_text(arg), hq_i64(HQ_WAL_FRAMES * INT64_C(4096))), NULL,
	    e);
}

START_TEST(a_log_over_its_limit_refuses_writes_until_it_is_emptied)
{
	struct hq_db_opts o = opts();
	int64_t bytes = -1;

	hq_db_close(db);
	o.wal_max_bytes = 100000;
	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_hq_ok(in_tx(fill, "big"));
	ck_assert_int_eq(in_tx(add_one, "a"), HQ_E_SERVICE_UNAVAILABLE);
	ck_hq_ok(hq_db_checkpoint(db, true, &bytes, &err));
	ck_assert_int_eq(bytes, 0);
	ck_hq_ok(in_tx(add_one, "a"));
}
END_TEST

static off_t
file_bytes(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

START_TEST(a_log_is_moved_when_it_is_long_or_somebody_says_so)
{
	off_t before = file_bytes();
	int64_t bytes = -1;

	ck_hq_ok(in_tx(fill, "one"));
	ck_hq_ok(hq_db_checkpoint(db, false, &bytes, &err));
	ck_assert_int_gt(bytes, 300000);
	ck_assert_int_eq(file_bytes(), before);
	ck_hq_ok(hq_db_checkpoint(db, true, &bytes, &err));
	ck_assert_int_eq(bytes, 0);
	ck_assert_int_gt(file_bytes(), before);
	before = file_bytes();
	ck_hq_ok(in_tx(fill_long, "many"));
	ck_hq_ok(hq_db_checkpoint(db, false, &bytes, &err));
	ck_assert_int_eq(bytes, 0);
	ck_assert_int_gt(file_bytes(), before);
}
END_TEST

START_TEST(a_reader_in_the_way_leaves_the_log_for_later)
{
	struct hq_db_opts o = opts();
	struct hq_db *reader;
	int64_t bytes = 0;
	HQ_CURSOR(c);

	o.checkpointer = false;
	ck_hq_ok(hq_db_open(&o, &reader, &err));
	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_query(reader, &item, Q_ALL, HQ_NO_BIND, &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_hq_ok(in_tx(add_one, "b"));
	ck_hq_ok(hq_db_checkpoint(db, true, &bytes, &err));
	ck_assert_int_gt(bytes, 0);
	hq_cursor_close(&c);
	hq_db_close(reader);
}
END_TEST

/*
 * The file may not grow past what it has: pwrite fails with EFBIG, which SQLite
 * reports as a full disk or an I/O error, as where it happens decides.
 */
START_TEST(a_disk_that_fails_a_write_costs_the_transaction_and_no_more)
{
	const struct rlimit small = { 60000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_ne(in_tx(fill, "big"), HQ_OK);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert(has("a"));
	ck_assert(!has("big"));
}
END_TEST

START_TEST(after_a_commit_that_failed_half_way_nothing_is_written)
{
	const struct rlimit small = { 60000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(in_tx(fill, "big"), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_int_eq(in_tx(add_one, "a"), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "restart the process"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_tx");
	TCase *t = tcase_create("transactions");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_transaction_that_says_ok_is_kept);
	tcase_add_test(t, a_transaction_that_fails_leaves_nothing);
	tcase_add_test(t, a_transaction_that_suspends_leaves_nothing);
	tcase_add_test(t, a_duplicate_key_is_a_conflict);
	tcase_add_test(t, a_reference_to_nothing_is_a_conflict);
	tcase_add_test(t,
	    a_returning_statement_gives_its_row_and_keeps_its_write);
	tcase_add_test_raise_signal(t, a_write_outside_a_transaction_aborts,
	    SIGABRT);
	tcase_add_test_raise_signal(t,
	    a_transaction_within_a_transaction_aborts, SIGABRT);
	tcase_add_test_raise_signal(t, a_write_within_a_read_transaction_aborts,
	    SIGABRT);
	tcase_add_test_raise_signal(t, a_write_under_an_open_cursor_aborts,
	    SIGABRT);
	tcase_add_test(t, a_read_transaction_sees_one_moment);
	tcase_add_test(t,
	    the_data_version_changes_when_another_connection_commits);
	tcase_add_test(t, a_writer_that_waited_in_vain_is_told_to_try_again);
	tcase_add_test(t,
	    a_log_over_its_limit_refuses_writes_until_it_is_emptied);
	tcase_add_test(t, a_log_is_moved_when_it_is_long_or_somebody_says_so);
	tcase_add_test(t, a_reader_in_the_way_leaves_the_log_for_later);
	tcase_add_test(t,
	    a_disk_that_fails_a_write_costs_the_transaction_and_no_more);
	tcase_add_test(t,
	    after_a_commit_that_failed_half_way_nothing_is_written);
	suite_add_tcase(s, t);
	return run_suite(s);
}

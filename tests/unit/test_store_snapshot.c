/*
 * Reads that share a snapshot: one connection reads, another writes.
 */
#include "storetest.h"

static struct hq_db *writer;

static void
shared_open(void)
{
	struct hq_db_opts o = opts();

	setup();
	ck_hq_ok(hq_db_open(&o, &writer, &err));
	hq_db_hold(db);
}

static void
shared_close(void)
{
	hq_db_release(db);
	hq_db_close(writer);
	teardown();
}

static void
other_adds(const char *id)
{
	struct hq_db *mine = db;

	db = writer;
	ck_hq_ok(in_tx(add_one, id));
	db = mine;
}

START_TEST(reads_share_one_snapshot_until_it_is_released)
{
	ck_assert(!has("a"));
	other_adds("a");
	ck_assert(!has("a"));
	hq_db_release(db);
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_shared_snapshot_begins_with_its_first_read)
{
	other_adds("a");
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_write_ends_the_shared_snapshot)
{
	ck_assert(!has("a"));
	other_adds("a");
	ck_hq_ok(in_tx(add_one, "b"));
	ck_assert(has("a"));
	ck_assert(has("b"));
	other_adds("c");
	ck_assert(!has("c"));
}
END_TEST

static enum hq_rc
look_for(void *arg, struct hq_err *e)
{
	(void)e;
	return has(arg) ? HQ_OK : HQ_E_NOT_FOUND;
}

START_TEST(a_read_transaction_has_the_shared_snapshot)
{
	ck_assert(!has("a"));
	other_adds("a");
	ck_assert_int_eq(hq_db_read(db, look_for, name_of("a"), &err),
	    HQ_E_NOT_FOUND);
	ck_assert(!has("a"));
}
END_TEST

START_TEST(a_cursor_left_open_in_a_shared_snapshot_is_noticed)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert(has("a"));
	ck_assert(!hq_db_in_tx(db));
	{
		HQ_CURSOR(c);

		ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
		ck_assert(hq_db_in_tx(db));
	}
	ck_assert(!hq_db_in_tx(db));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_snapshot");
	TCase *t = tcase_create("shared snapshots");

	tcase_add_checked_fixture(t, shared_open, shared_close);
	tcase_add_test(t, reads_share_one_snapshot_until_it_is_released);
	tcase_add_test(t, a_shared_snapshot_begins_with_its_first_read);
	tcase_add_test(t, a_write_ends_the_shared_snapshot);
	tcase_add_test(t, a_read_transaction_has_the_shared_snapshot);
	tcase_add_test(t, a_cursor_left_open_in_a_shared_snapshot_is_noticed);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * Statements, what is bound to them, and cursors.
 */
#include "store/internal.h"
#include "storetest.h"

START_TEST(parameters_go_by_their_number_not_by_their_place)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_SWAPPED, HQ_BIND(hq_i64(1), hq_i64(2)),
	    &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert_int_eq(hq_cursor_i64(&c, 0), 2);
	ck_assert_int_eq(hq_cursor_i64(&c, 1), 1);
	ck_assert_int_eq(hq_cursor_i64(&c, 2), 2);
}
END_TEST

static const char *const bad_statements[] = {
	"SELECT $1, $3",
	"SELECT ?1",
	"SELECT $0",
	"SELECT $a",
	"SELECT 1; SELECT 2",
	"SELECT nothing FROM nowhere",
	"SELECT \"text\"",
	"",
};

START_TEST(a_statement_that_is_not_in_order_stops_the_opening)
{
	const char *const sql[] = { bad_statements[_i], NULL };
	const char *const none[] = { NULL };
	const struct hq_module bad = { "bad", none, sql };
	const struct hq_module *const list[] = { &bad, NULL };
	struct hq_db_opts o = opts();
	struct hq_db *other;

	o.modules = list;
	ck_assert_int_eq(hq_db_open(&o, &other, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

static int
n_prepared(void)
{
	sqlite3_stmt *st = NULL;
	int n = 0;

	while ((st = sqlite3_next_stmt(db->h, st)) != NULL)
		n++;
	return n;
}

START_TEST(a_connection_keeps_those_statements_that_it_has_used)
{
	ck_assert_int_eq(n_prepared(), HQ_CTL__MAX);
	ck_assert(!has("k"));
	ck_assert_int_eq(n_prepared(), HQ_CTL__MAX + 1);
	ck_assert(!has("k"));
	ck_assert_int_eq(n_prepared(), HQ_CTL__MAX + 1);
}
END_TEST

static enum hq_rc
add_typed(void *arg, struct hq_err *e)
{
	const struct hq_val blob = { .type = HQ_VAL_BLOB, .i = 3, .s = "a\0b" };

	(void)arg;
	return hq_exec(db, &item, Q_ADD,
	    HQ_BIND(hq_text("k"), hq_i64(INT64_MIN), blob), NULL, e);
}

START_TEST(values_come_back_as_they_went_in)
{
	const char *blob;
	size_t n;
	HQ_CURSOR(c);

	ck_hq_ok(hq_db_tx(db, add_typed, NULL, &err));
	ck_hq_ok(hq_query(db, &item, Q_GET, HQ_BIND(hq_text("k")), &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert_str_eq(hq_cursor_text(&c, 0, arena), "k");
	ck_assert(hq_cursor_i64(&c, 1) == INT64_MIN);
	ck_assert(!hq_cursor_is_null(&c, 2));
	blob = hq_cursor_peek(&c, 2, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(blob, "a\0b", 3);
}
END_TEST

START_TEST(null_text_is_sql_null)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_SWAPPED,
	    HQ_BIND(hq_text(NULL), hq_text("")), &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert_ptr_null(hq_cursor_text(&c, 1, arena));
	ck_assert(hq_cursor_is_null(&c, 1));
	ck_assert_str_eq(hq_cursor_text(&c, 0, arena), "");
}
END_TEST

START_TEST(a_text_is_copied_whole_or_not_at_all)
{
	char out[4] = "-";
	HQ_CURSOR(c);

	ck_hq_ok(in_tx(add_one, "abc"));
	ck_hq_ok(hq_query(db, &item, Q_GET, HQ_BIND(hq_text("abc")), &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert(!hq_cursor_copy(&c, 0, out, 3));
	ck_assert(!hq_cursor_copy(&c, 2, out, sizeof(out))); /* NULL */
	ck_assert_str_eq(out, "-");
	ck_assert(hq_cursor_copy(&c, 0, out, sizeof(out)));
	ck_assert_str_eq(out, "abc");
}
END_TEST

START_TEST(a_finished_cursor_does_not_start_again)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
	ck_assert(!hq_cursor_next(&c));
	ck_assert(!hq_cursor_next(&c));
	ck_hq_ok(hq_cursor_done(&c, &err));
}
END_TEST

START_TEST(an_open_cursor_is_an_open_transaction)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert(!hq_db_in_tx(db));
	{
		HQ_CURSOR(c);

		ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
		ck_assert(hq_cursor_next(&c));
		ck_assert(hq_db_in_tx(db));
	}
	ck_assert(!hq_db_in_tx(db));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("queries");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, parameters_go_by_their_number_not_by_their_place);
	tcase_add_loop_test(t,
	    a_statement_that_is_not_in_order_stops_the_opening, 0,
	    (int)(sizeof(bad_statements) / sizeof(bad_statements[0])));
	tcase_add_test(t, a_connection_keeps_those_statements_that_it_has_used);
	tcase_add_test(t, values_come_back_as_they_went_in);
	tcase_add_test(t, null_text_is_sql_null);
	tcase_add_test(t, a_text_is_copied_whole_or_not_at_all);
	tcase_add_test(t, a_finished_cursor_does_not_start_again);
	tcase_add_test(t, an_open_cursor_is_an_open_transaction);
	suite_add_tcase(s, t);
	return run_suite(s);
}

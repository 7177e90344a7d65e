/* How often runs may start: the others wait for their time. */
#include "optiontest.h"

#include "engine/api.h"

#define SECOND 1000
#define THROTTLE(more) "\"throttle\":{" more "},"
#define FIVE "\"limit\":1,\"period\":\"5s\""

static void
noting_f(const char *options)
{
	w.host = noting;
	register_fns(
	    hq_arena_printf(arena, "[" FN_WITH("f", "%s") "]", options));
}

START_TEST(runs_start_one_by_one_and_none_is_lost)
{
	int64_t began = w.now_ms;

	noting_f(THROTTLE(FIVE));
	send_some(4, "", run_all);
	ck_assert_str_eq(notes, "f:1;");
	pass(began + 5 * SECOND - 1 - w.now_ms);
	ck_assert_str_eq(notes, "f:1;");
	pass(1);
	ck_assert_str_eq(notes, "f:1;f:2;");
	pass(5 * SECOND - 1);
	ck_assert_str_eq(notes, "f:1;f:2;");
	pass(1);
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;f:4;");
	pass(5 * SECOND);
	ck_assert_int_eq(w.next_ms, INT64_MAX);
}
END_TEST

START_TEST(a_limit_of_two_is_two_in_a_period_one_after_the_other)
{
	noting_f(THROTTLE("\"limit\":2,\"period\":\"5s\""));
	send_some(3, "", run_all);
	ck_assert_str_eq(notes, "f:1;");
	pass(2500);
	ck_assert_str_eq(notes, "f:1;f:2;");
	pass(2500);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;");
}
END_TEST

START_TEST(a_burst_starts_at_once)
{
	noting_f(THROTTLE(FIVE ",\"burst\":2"));
	send_some(5, "", run_all);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;");
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;f:4;");
}
END_TEST

START_TEST(a_rate_above_one_in_a_millisecond_is_one_in_each)
{
	int i;

	noting_f(THROTTLE("\"limit\":10000,\"period\":\"1s\""));
	for (i = 0; i < 100; i++)
		send_event("t/go", NULL, "{\"n\":1}");
	run_all();
	ck_assert_uint_eq(w.total, 1);
	for (i = 0; i < 11; i++)
		pass(1);
	ck_assert_uint_eq(w.total, 12);
}
END_TEST

START_TEST(each_value_of_a_key_has_a_throttle_of_its_own)
{
	noting_f(THROTTLE(FIVE ",\"key\":\"event.data.k\""));
	send_some(2, ",\"k\":1", run_all);
	send_some(2, ",\"k\":2", run_all);
	ck_assert_str_eq(notes, "f:1;f:1;");
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:1;f:2;f:2;");
}
END_TEST

static void
two_steps(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (!has(body, "aa"))
		ops(r, "[{\"op\":\"StepRun\",\"id\":\"aa\",\"data\":1}]");
	else
		noting(x, c, body, r);
}

START_TEST(only_the_start_of_a_run_is_counted)
{
	noting_f(THROTTLE(FIVE) "\"concurrency\":5,");
	w.host = two_steps;
	send_some(1, "", run_all);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(who_waits_to_start_is_not_looked_at_before_its_time)
{
	int64_t began = w.now_ms;

	noting_f(THROTTLE(FIVE));
	send_some(20, "", run_all);
	turn();
	ck_assert_int_eq(w.next_ms, began + 5 * SECOND);
}
END_TEST

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	(void)arg;
	return hq_event_cancel_runs(w.db, &w.env, "second", e);
}

START_TEST(a_run_that_is_cancelled_before_it_starts_uses_up_nothing)
{
	noting_f(THROTTLE(FIVE));
	send_some(1, "", run_all);
	send_event("t/go", "second", "{\"n\":2}");
	run_all();
	send_event("t/go", NULL, "{\"n\":3}");
	run_all();
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, NULL, &err));
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:3;");
}
END_TEST

START_TEST(a_run_that_has_no_place_uses_up_no_start)
{
	w.host = noting;
	register_fns("[" FN_WITH("f", THROTTLE(FIVE) "\"concurrency\":1,") "]");
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	w.now_ms += 5 * SECOND;
	send_event("t/go", NULL, "{\"n\":2}");
	turn(); /* 1 is in flight */
	ck_assert_uint_eq(w.n_calls, 1);
	run_all();
	ck_assert_str_eq(notes, "f:1;f:2;");
	send_event("t/go", NULL, "{\"n\":3}");
	run_all();
	pass(5 * SECOND - 1);
	ck_assert_str_eq(notes, "f:1;f:2;");
	pass(1);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;");
}
END_TEST

START_TEST(a_run_of_higher_priority_starts_first)
{
	noting_f(THROTTLE(FIVE) "\"priority\":{\"run\":\"event.data.n\"},");
	send_some(4, "", run_all);
	pass(5 * SECOND);
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:4;f:3;");
}
END_TEST

START_TEST(a_run_that_waits_for_its_start_too_long_is_cancelled)
{
	noting_f(THROTTLE(FIVE) "\"timeouts\":{\"start\":\"3s\"},");
	send_some(2, "", run_all);
	pass(5 * SECOND);
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(a_throttle_that_is_no_more_lets_all_start)
{
	noting_f(THROTTLE(FIVE));
	send_some(4, "", run_all);
	noting_f("");
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;f:4;");
}
END_TEST

START_TEST(an_engine_that_comes_later_keeps_to_the_times)
{
	noting_f(THROTTLE(FIVE));
	send_some(3, "", run_all);
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "two", 64);
	pass(5 * SECOND);
	pass(SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;");
	pass(4 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;f:3;");
}
END_TEST

START_TEST(a_clock_that_is_set_back_puts_no_start_off)
{
	noting_f(THROTTLE(FIVE));
	send_some(2, "", run_all);
	w.now_ms -= 24 * 3600 * (int64_t)SECOND;
	run_all();
	pass(5 * SECOND);
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;");
}
END_TEST

/* ---------------------------------------------------------- registration -- */

static const struct {
	const char *options, *said;
} wrong[] = {
	{ "\"throttle\":1,", "throttle: limit: not" },
	{ THROTTLE("\"limit\":1"), "throttle: period: not" },
	{ THROTTLE("\"limit\":1,\"period\":\"8d\""), "to 604800 s" },
	{ THROTTLE(FIVE ",\"burst\":-1"), "burst: not a whole number from 0" },
	{ THROTTLE(FIVE ",\"key\":\"x\""), "key: unknown variable \"x\" at 0" },
};

START_TEST(an_option_that_is_not_as_it_should_be_is_refused_by_name)
{
	refuses(wrong[_i].options, wrong[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_throttle");
	TCase *t = tcase_create("throttle");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t, runs_start_one_by_one_and_none_is_lost);
	tcase_add_test(t,
	    a_limit_of_two_is_two_in_a_period_one_after_the_other);
	tcase_add_test(t, a_burst_starts_at_once);
	tcase_add_test(t, a_rate_above_one_in_a_millisecond_is_one_in_each);
	tcase_add_test(t, each_value_of_a_key_has_a_throttle_of_its_own);
	tcase_add_test(t, only_the_start_of_a_run_is_counted);
	tcase_add_test(t, who_waits_to_start_is_not_looked_at_before_its_time);
	tcase_add_test(t,
	    a_run_that_is_cancelled_before_it_starts_uses_up_nothing);
	tcase_add_test(t, a_run_that_has_no_place_uses_up_no_start);
	tcase_add_test(t, a_run_of_higher_priority_starts_first);
	tcase_add_test(t, a_run_that_waits_for_its_start_too_long_is_cancelled);
	tcase_add_test(t, a_throttle_that_is_no_more_lets_all_start);
	tcase_add_test(t, a_clock_that_is_set_back_puts_no_start_off);
	tcase_add_test(t, an_engine_that_comes_later_keeps_to_the_times);
	tcase_add_loop_test(t,
	    an_option_that_is_not_as_it_should_be_is_refused_by_name, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}

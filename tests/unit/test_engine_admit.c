/* Which events start a run: what a function's options say when one is taken. */
#include "optiontest.h"

#include "engine/figures.h"
#include "engine/rate.h"

#define SECOND 1000
#define DAY_MS ((int64_t)24 * 3600 * SECOND)

/* ---------------------------------------------------------------- rates -- */

START_TEST(a_rate_lets_one_through_each_emission_and_a_burst_behind_a_pause)
{
	struct hq_rate r = { .emission_us = 100, .burst = 2 };
	int64_t tat = 0, wait;
	int i;

	for (i = 0; i < 3; i++)
		ck_assert(hq_rate_take(&r, 1000, &tat, &wait));
	ck_assert(!hq_rate_take(&r, 1000, &tat, &wait));
	ck_assert_int_eq(wait, 100);
	ck_assert(!hq_rate_take(&r, 1099, &tat, &wait));
	ck_assert_int_eq(wait, 1);
	ck_assert(hq_rate_take(&r, 1100, &tat, &wait));
	ck_assert(!hq_rate_take(&r, 1199, &tat, &wait));
	for (i = 0; i < 3; i++)
		ck_assert(hq_rate_take(&r, 5000, &tat, &wait));
	ck_assert(!hq_rate_take(&r, 5000, &tat, &wait));
}
END_TEST

START_TEST(a_rate_waits_no_longer_than_its_own_span_when_the_clock_goes_back)
{
	struct hq_rate r = { .emission_us = 100, .burst = 0 };
	int64_t tat = 1000000, wait;

	ck_assert(!hq_rate_take(&r, 500, &tat, &wait));
	ck_assert_int_eq(wait, 100);
	ck_assert(hq_rate_take(&r, 600, &tat, &wait));
}
END_TEST

#define LIMITED(more) FN_WITH("f", "\"rateLimit\":{" more "},")
#define BY_KEY "\"key\":\"event.data.k\""

START_TEST(events_beyond_a_rate_limit_start_nothing)
{
	w.host = noting;
	register_fns("[" LIMITED("\"limit\":1,\"period\":\"10s\"") "]");
	go("{\"n\":1}");
	go("{\"n\":2}");
	pass(9999);
	go("{\"n\":3}");
	pass(1);
	go("{\"n\":4}");
	ck_assert_str_eq(notes, "f:1;f:4;");
}
END_TEST

START_TEST(a_tenth_of_a_rate_limit_and_one_more_may_come_at_once)
{
	int i;

	w.host = noting;
	register_fns("[" LIMITED("\"limit\":20,\"period\":\"20s\"") "]");
	for (i = 0; i < 9; i++)
		go("{\"n\":1}");
	ck_assert_str_eq(notes, "f:1;f:1;f:1;");
	pass(1000);
	go("{\"n\":2}");
	go("{\"n\":3}");
	ck_assert_str_eq(notes, "f:1;f:1;f:1;f:2;");
}
END_TEST

START_TEST(each_value_of_a_key_has_a_rate_limit_of_its_own)
{
	w.host = noting;
	register_fns("[" LIMITED("\"limit\":1,\"period\":\"10s\"," BY_KEY) "]");
	go("{\"n\":1,\"k\":\"a\"}");
	go("{\"n\":2,\"k\":\"b\"}");
	go("{\"n\":3,\"k\":\"a\"}");
	go("{\"n\":4,\"k\":{\"a\":1}}");
	go("{\"n\":5,\"k\":{\"a\":1}}");
	ck_assert_str_eq(notes, "f:1;f:2;f:4;");
}
END_TEST

START_TEST(an_event_without_the_key_is_not_limited)
{
	w.host = noting;
	register_fns("[" LIMITED("\"limit\":1,\"period\":\"10s\"," BY_KEY) "]");
	go("{\"n\":1}");
	go("{\"n\":2}");
	go("{\"n\":3,\"k\":false}");
	go("{\"n\":4,\"k\":false}");
	ck_assert_str_eq(notes, "f:1;f:2;f:3;f:4;");
}
END_TEST

START_TEST(two_functions_have_rate_limits_of_their_own)
{
	w.host = noting;
	register_fns(
	    "[" LIMITED("\"limit\":1,\"period\":\"10s\"") "," FN_WITH("g",
		"\"rateLimit\":{\"limit\":1,\"period\":\"10s\"},") "]");
	go("{\"n\":1}");
	ck_assert(strstr(notes, "f:1;") != NULL && strstr(notes, "g:1;"));
}
END_TEST

START_TEST(an_idempotent_function_runs_once_a_day_for_each_value)
{
	w.host = noting;
	register_fns("[" FN_WITH("f",
	    "\"rateLimit\":{\"limit\":100,\"period\":\"1s\"},"
	    "\"idempotency\":\"event.data.k + '-' + event.data.n\",") "]");
	go("{\"n\":1,\"k\":\"a\"}");
	go("{\"n\":1,\"k\":\"a\"}");
	go("{\"n\":2,\"k\":\"a\"}");
	pass(DAY_MS - 1);
	go("{\"n\":1,\"k\":\"a\"}");
	ck_assert_str_eq(notes, "f:1;f:2;");
	pass(1);
	go("{\"n\":1,\"k\":\"a\"}");
	ck_assert_str_eq(notes, "f:1;f:2;f:1;");
}
END_TEST

START_TEST(an_event_that_is_sent_again_uses_up_nothing_of_a_rate)
{
	w.host = noting;
	register_fns("[" LIMITED("\"limit\":10,\"period\":\"10s\"") "]");
	send_event("t/go", "same", "{\"n\":1}");
	send_event("t/go", "same", "{\"n\":1}");
	run_all();
	go("{\"n\":2}");
	go("{\"n\":3}");
	ck_assert_str_eq(notes, "f:1;f:2;");
}
END_TEST

START_TEST(an_event_that_was_over_a_limit_may_be_sent_again)
{
	w.host = noting;
	register_fns("[" LIMITED("\"limit\":1,\"period\":\"10s\"") "]");
	go("{\"n\":1}");
	send_event("t/go", "same", "{\"n\":2}");
	run_all();
	pass(10000);
	send_event("t/go", "same", "{\"n\":2}");
	run_all();
	ck_assert_str_eq(notes, "f:1;f:2;");
}
END_TEST

static void
invoking(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (!caller_invokes(c, body, "{\"n\":1}", "", r))
		noting(x, c, body, r);
}

START_TEST(who_invokes_a_function_beyond_its_limit_is_told)
{
	w.host = invoking;
	register_fns(
	    "[" CALLER "," LIMITED("\"limit\":1,\"period\":\"10s\"") "]");
	send_event("t/call", NULL, "{}");
	run_all();
	ck_assert_str_eq(notes, "f:1;{\"data\":null};");
	notes[0] = '\0';
	send_event("t/call", NULL, "{}");
	run_all();
	ck_assert_str_eq(notes,
	    "{\"error\":{\"message\":\"invoked function is rate limited\","
	    "\"name\":\"Error\"}};");
}
END_TEST

/* ------------------------------------------------------------ singletons -- */

#define SINGLE(more) "\"singleton\":{" more "},"
#define SKIP "\"mode\":\"skip\""
#define CANCEL "\"mode\":\"cancel\""

/* All but caller sleep for an hour before they note. */
static void
sleeping(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (IS_FN(c, "told"))
		note_event(
		    hq_json_get(hq_json_get(hq_json_get(body, "event"), "data"),
			"event"));
	else if (!IS_FN(c, "caller") && !has(body, "zz"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"1h\"}]");
	else
		invoking(x, c, body, r);
}

#define TOLD FN("told", EVENT("inngest/function.cancelled"), 0)

START_TEST(a_singleton_that_skips_has_no_run_beside_an_open_one)
{
	w.host = sleeping;
	register_fns("[" TOLD "," FN_WITH("f", SINGLE(SKIP)) "]");
	go("{\"n\":1}");
	go("{\"n\":2}");
	pass(3600000);
	ck_assert_str_eq(notes, "f:1;");
	go("{\"n\":3}");
	pass(3600000);
	ck_assert_str_eq(notes, "f:1;f:3;");
}
END_TEST

START_TEST(a_singleton_that_cancels_has_the_newest_run)
{
	w.host = sleeping;
	register_fns("[" TOLD "," FN_WITH("f", SINGLE(CANCEL)) "]");
	go("{\"n\":1}");
	go("{\"n\":2}");
	ck_assert_str_eq(notes, "{\"n\":1};");
	pass(3600000);
	ck_assert_str_eq(notes, "{\"n\":1};f:2;");
}
END_TEST

START_TEST(events_of_one_turn_leave_one_run_of_a_singleton)
{
	int i;

	w.host = sleeping;
	register_fns("[" TOLD "," FN_WITH("f", SINGLE(SKIP)) "]");
	for (i = 0; i < 5; i++)
		send_event("t/go", NULL, "{\"n\":1}");
	run_all();
	ck_assert_uint_eq(w.total, 1);
}
END_TEST

START_TEST(each_value_of_a_key_has_a_singleton_of_its_own)
{
	w.host = sleeping;
	register_fns("[" TOLD "," FN_WITH("f",
	    SINGLE(SKIP ",\"key\":\"event.data.k\"")) "," FN_WITH("g",
	    SINGLE(SKIP ",\"key\":\"event.data.k\"")) "]");
	go("{\"n\":1,\"k\":1}");
	go("{\"n\":2,\"k\":2}");
	go("{\"n\":3,\"k\":1}");
	go("{\"n\":4}");
	go("{\"n\":5}");
	notes[0] = '\0';
	pass(3600000);
	ck_assert_uint_eq(strlen(notes), 2 * strlen("f:1;f:2;f:4;f:5;"));
	ck_assert(strstr(notes, "f:3;") == NULL);
}
END_TEST

START_TEST(a_singleton_whose_call_is_in_flight_is_given_up_for_the_next)
{
	w.host = sleeping;
	register_fns("[" TOLD "," FN_WITH("f", SINGLE(CANCEL)) "]");
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	send_event("t/go", NULL, "{\"n\":2}");
	turn();
	turn();
	ck_assert(w.calls[0].dropped);
}
END_TEST

START_TEST(a_singleton_that_is_invoked_gives_up_the_call_that_is_in_flight)
{
	w.host = sleeping;
	register_fns("[" TOLD "," CALLER "," FN_WITH("f", SINGLE(CANCEL)) "]");
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	send_event("t/call", NULL, "{}");
	turn();
	answer_call(w.engine, &w.calls[1]);
	turn();
	turn();
	ck_assert(w.calls[0].dropped);
}
END_TEST

START_TEST(who_invokes_a_singleton_that_runs_is_told)
{
	w.host = sleeping;
	register_fns("[" TOLD "," CALLER "," FN_WITH("f", SINGLE(SKIP)) "]");
	go("{\"n\":1}");
	send_event("t/call", NULL, "{}");
	run_all();
	ck_assert_str_eq(notes,
	    "{\"error\":{\"message\":\"invoked function is skipped\","
	    "\"name\":\"Error\"}};");
}
END_TEST

/* A run of f invokes f. */
static void
invoking_itself(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	struct json_object *data =
	    hq_json_get(hq_json_get(body, "event"), "data");

	if (hq_json_get(data, "_inngest") != NULL || has(body, "ii"))
		noting(x, c, body, r);
	else
		ops(r,
		    "[{\"op\":\"InvokeFunction\",\"id\":\"ii\",\"opts\":{"
		    "\"function_id\":\"app-f\",\"payload\":{\"data\":"
		    "{\"n\":7}}}}]");
}

START_TEST(a_singleton_that_invokes_itself_makes_way_for_the_new_run)
{
	w.host = invoking_itself;
	register_fns("[" FN_WITH("f", SINGLE(CANCEL)) "]");
	go("{\"n\":1}");
	ck_assert_str_eq(notes, "f:7;");
}
END_TEST

/* ------------------------------------------------------------- priority -- */

#define PRIORITY "\"priority\":{\"run\":\"event.data.p\"},"

/* The order in which runs start where there is one place. */
static void
start_by_priority(void)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "one", 1);
	w.host = noting;
	register_fns("[" FN_WITH("f", PRIORITY) "]");
}

START_TEST(a_run_of_higher_priority_starts_before_older_ones)
{
	start_by_priority();
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	w.now_ms += 10;
	send_event("t/go", NULL, "{\"n\":2,\"p\":0}");
	turn();
	w.now_ms += 10;
	send_event("t/go", NULL, "{\"n\":3,\"p\":100}");
	turn();
	w.now_ms += 10;
	send_event("t/go", NULL, "{\"n\":4,\"p\":99}");
	run_all();
	ck_assert_str_eq(notes, "f:1;f:3;f:4;f:2;");
}
END_TEST

static int64_t
oldest_ms(void)
{
	struct hq_engine_depth d;

	ck_hq_ok(hq_engine_depth(w.db, w.now_ms, &d, &err));
	return d.oldest_ms;
}

START_TEST(a_call_is_no_older_than_its_run_whatever_its_priority)
{
	start_by_priority();
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	send_event("t/go", NULL, "{\"n\":2,\"p\":600}");
	turn();
	ck_assert_int_eq(oldest_ms(), 0);
	w.now_ms += 3;
	ck_assert_int_eq(oldest_ms(), 3);
}
END_TEST

START_TEST(the_oldest_call_that_is_due_is_seen_behind_younger_ones)
{
	start_by_priority();
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	send_event("t/go", NULL, "{\"n\":2}");
	turn();
	w.now_ms += 5;
	send_event("t/go", NULL, "{\"n\":3,\"p\":600}");
	turn();
	ck_assert_int_eq(oldest_ms(), 5);
}
END_TEST

START_TEST(a_run_of_lower_priority_starts_so_much_later)
{
	start_by_priority();
	go("{\"n\":1,\"p\":-10}");
	go("{\"n\":2}");
	pass(9999);
	go("{\"n\":3}");
	pass(1);
	ck_assert_str_eq(notes, "f:2;f:3;f:1;");
}
END_TEST

START_TEST(a_priority_is_held_within_its_bounds)
{
	start_by_priority();
	go("{\"n\":1,\"p\":-1e300}");
	pass(43200 * SECOND - 1);
	ck_assert_str_eq(notes, "");
	pass(1);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(a_priority_that_is_no_number_is_none)
{
	start_by_priority();
	go("{\"n\":1,\"p\":\"-10\"}");
	go("{\"n\":2,\"p\":null}");
	ck_assert_str_eq(notes, "f:1;f:2;");
}
END_TEST

/* --------------------------------------------------------------- memory -- */

/* Data of these bytes, in an engine that has so much for an event. */
static void
go_in_small(int bytes, size_t memory)
{
	w.memory_bytes = memory;
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "small", 64);
	w.host = noting;
	go(hq_arena_printf(arena, "{\"n\":1,\"t\":\"%0*d\"}", bytes, 0));
}

#define KEYED(id) FN_WITH(id, RATE("event.data.n"))
#define RATE(key) \
	"\"rateLimit\":{\"limit\":1,\"period\":\"1h\",\"key\":\"" key "\"},"

START_TEST(functions_with_keys_share_the_memory_for_their_event)
{
	register_fns("[" KEYED("a") "," KEYED("b") "," KEYED("c") "," KEYED(
	    "d") "," KEYED("e") "," KEYED("f") "]");
	go_in_small(1 << 20, 10 << 20);
	ck_assert_str_eq(notes, "a:1;b:1;c:1;d:1;e:1;f:1;");
}
END_TEST

START_TEST(a_key_that_needs_too_much_memory_is_no_other_functions_loss)
{
	register_fns("[" FN_WITH("a",
	    RATE(FIVE_TIMES(FIVE_TIMES("event.data.t")))) "," KEYED("b") "]");
	go_in_small(2 << 20, 32 << 20);
	ck_assert_str_eq(notes, "b:1;");
}
END_TEST

/* ---------------------------------------------------------- registration -- */

static const struct {
	const char *options, *said;
} wrong[] = {
	{ "\"rateLimit\":7,", "function app-f: rateLimit: limit: not a whole" },
	{ "\"rateLimit\":{\"limit\":0,\"period\":\"1s\"},", "limit: not a" },
	{ "\"rateLimit\":{\"limit\":1.5,\"period\":\"1s\"},", "limit: not a" },
	{ "\"rateLimit\":{\"limit\":1},", "period: not a duration" },
	{ "\"rateLimit\":{\"limit\":1,\"period\":\"999ms\"},", "from 1 s to" },
	{ "\"rateLimit\":{\"limit\":1,\"period\":\"25h\"},", "to 86400 s" },
	{ "\"rateLimit\":{\"limit\":1,\"period\":\"1s\",\"key\":7},",
	    "key: not a string" },
	{ "\"rateLimit\":{\"limit\":1,\"period\":\"1s\",\"key\":\"a +\"},",
	    "key: " },
	{ "\"rateLimit\":{\"limit\":1,\"period\":\"1s\",\"key\":"
	  "\"event.id + async.id\"},",
	    "unknown variable \"async\" at 11" },
	{ "\"priority\":7,", "priority: not an object" },
	{ "\"priority\":{\"run\":\"+\"},", "priority: run: " },
	{ "\"singleton\":{},", "singleton: mode: neither skip nor cancel" },
	{ "\"singleton\":{\"mode\":\"skip\",\"key\":\"(\"},", "key: " },
	{ "\"idempotency\":7,", "idempotency: not a string" },
	{ "\"idempotency\":\"event.data.\",", "idempotency: " },
};

START_TEST(an_option_that_is_not_as_it_should_be_is_refused_by_name)
{
	refuses(wrong[_i].options, wrong[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_admit");
	TCase *t = tcase_create("admit");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t,
	    a_rate_lets_one_through_each_emission_and_a_burst_behind_a_pause);
	tcase_add_test(t,
	    a_rate_waits_no_longer_than_its_own_span_when_the_clock_goes_back);
	tcase_add_test(t, events_beyond_a_rate_limit_start_nothing);
	tcase_add_test(t,
	    a_tenth_of_a_rate_limit_and_one_more_may_come_at_once);
	tcase_add_test(t, each_value_of_a_key_has_a_rate_limit_of_its_own);
	tcase_add_test(t, an_event_without_the_key_is_not_limited);
	tcase_add_test(t, two_functions_have_rate_limits_of_their_own);
	tcase_add_test(t,
	    an_idempotent_function_runs_once_a_day_for_each_value);
	tcase_add_test(t,
	    an_event_that_is_sent_again_uses_up_nothing_of_a_rate);
	tcase_add_test(t, an_event_that_was_over_a_limit_may_be_sent_again);
	tcase_add_test(t, who_invokes_a_function_beyond_its_limit_is_told);
	tcase_add_test(t, a_singleton_that_skips_has_no_run_beside_an_open_one);
	tcase_add_test(t, a_singleton_that_cancels_has_the_newest_run);
	tcase_add_test(t, events_of_one_turn_leave_one_run_of_a_singleton);
	tcase_add_test(t, each_value_of_a_key_has_a_singleton_of_its_own);
	tcase_add_test(t,
	    a_singleton_whose_call_is_in_flight_is_given_up_for_the_next);
	tcase_add_test(t,
	    a_singleton_that_is_invoked_gives_up_the_call_that_is_in_flight);
	tcase_add_test(t, who_invokes_a_singleton_that_runs_is_told);
	tcase_add_test(t,
	    a_singleton_that_invokes_itself_makes_way_for_the_new_run);
	tcase_add_test(t, a_run_of_higher_priority_starts_before_older_ones);
	tcase_add_test(t,
	    a_call_is_no_older_than_its_run_whatever_its_priority);
	tcase_add_test(t,
	    the_oldest_call_that_is_due_is_seen_behind_younger_ones);
	tcase_add_test(t, a_run_of_lower_priority_starts_so_much_later);
	tcase_add_test(t, a_priority_is_held_within_its_bounds);
	tcase_add_test(t, a_priority_that_is_no_number_is_none);
	tcase_add_test(t, functions_with_keys_share_the_memory_for_their_event);
	tcase_add_test(t,
	    a_key_that_needs_too_much_memory_is_no_other_functions_loss);
	tcase_add_loop_test(t,
	    an_option_that_is_not_as_it_should_be_is_refused_by_name, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}

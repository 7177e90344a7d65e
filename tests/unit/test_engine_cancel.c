/* What cancels a run from outside: events, and the time. */
#include "optiontest.h"

#define CANCEL(more) "\"cancel\":[{\"event\":\"t/stop\"" more "}],"
#define SAME_K ",\"if\":\"event.data.k == async.data.k\""

/* f sleeps for an hour; what hears of a cancelled run notes whose it was. */
static void
sleeping(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	struct json_object *data =
	    hq_json_get(hq_json_get(body, "event"), "data");

	if (IS_FN(c, "told"))
		note_event(hq_json_get(data, "event"));
	else if (!has(body, "zz"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"1h\"}]");
	else
		noting(x, c, body, r);
}

#define TOLD FN("told", EVENT("inngest/function.cancelled"), 0)

static void
start_sleeping(const char *options)
{
	w.host = sleeping;
	register_fns(hq_arena_printf(arena, "[" TOLD "," FN_WITH("f", "%s") "]",
	    options));
}

START_TEST(an_event_cancels_the_runs_that_it_is_meant_for)
{
	start_sleeping(CANCEL(SAME_K));
	go("{\"k\":\"a\",\"n\":1}");
	go("{\"k\":\"b\",\"n\":2}");
	send_event("t/stop", NULL, "{\"k\":\"a\"}");
	run_all();
	ck_assert_str_eq(notes, "{\"k\":\"a\",\"n\":1};");
	pass(3600000);
	ck_assert_str_eq(notes, "{\"k\":\"a\",\"n\":1};f:2;");
}
END_TEST

START_TEST(an_event_without_a_condition_cancels_all_runs)
{
	int i;

	start_sleeping(CANCEL(""));
	for (i = 0; i < 100; i++) /* more than one page */
		send_event("t/go", NULL, "{\"n\":1}");
	run_all();
	send_event("t/stop", NULL, "{}");
	run_all();
	ck_assert_uint_eq(w.total, 200);
	pass(3600000);
	ck_assert_uint_eq(w.total, 200);
}
END_TEST

START_TEST(one_of_several_events_cancels)
{
	start_sleeping("\"cancel\":[{\"event\":\"t/other\"},"
		       "{\"event\":\"t/stop\",\"if\":\"async.data.n > 1\"}],");
	go("{}");
	send_event("t/stop", NULL, "{\"n\":1}");
	run_all();
	ck_assert_str_eq(notes, "");
	send_event("t/stop", NULL, "{\"n\":2}");
	run_all();
	ck_assert_str_eq(notes, "{};");
}
END_TEST

START_TEST(an_event_cancels_a_run_whose_call_is_in_flight)
{
	start_sleeping(CANCEL(""));
	send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	send_event("t/stop", NULL, "{}");
	turn();
	turn();
	ck_assert(w.calls[0].dropped);
	run_all();
	ck_assert_str_eq(notes, "{};");
}
END_TEST

START_TEST(an_event_cancels_a_run_that_is_to_start_later)
{
	struct hq_event e = { .name = "t/go", .data = json("{\"n\":1}") };

	start_sleeping(CANCEL(""));
	e.ts_ms = w.now_ms + 60000;
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	send_event("t/stop", NULL, "{}");
	run_all();
	pass(3660000);
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

START_TEST(an_event_behind_the_one_that_starts_a_run_cancels_it)
{
	start_sleeping(CANCEL(""));
	send_event("t/go", NULL, "{}");
	send_event("t/stop", NULL, "{}");
	run_all();
	ck_assert_str_eq(notes, "{};");
}
END_TEST

/* caller invokes f at once. */
static void
invoking(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (!IS_FN(c, "caller"))
		sleeping(x, c, body, r);
	else if (!has(body, "ii"))
		ops(r,
		    "[{\"op\":\"InvokeFunction\",\"id\":\"ii\",\"opts\":{"
		    "\"function_id\":\"app-f\",\"payload\":{\"data\":{}}}}]");
}

START_TEST(an_event_that_is_older_than_a_run_does_not_cancel_it)
{
	start_sleeping(CANCEL(""));
	w.host = invoking;
	register_fns("[" FN("caller", EVENT("t/call"),
	    0) "," TOLD "," FN_WITH("f", CANCEL("")) "]");
	send_event("t/call", NULL, "{}");
	turn();
	send_event("t/stop", NULL,
	    "{}"); /* the run is made before it is seen */
	answer_all(w.engine);
	run_all();
	ck_assert_str_eq(notes, "");
	send_event("t/stop", NULL, "{}");
	run_all();
	ck_assert(strstr(notes, "_inngest") != NULL);
}
END_TEST

START_TEST(an_event_behind_its_time_does_not_cancel)
{
	start_sleeping(CANCEL(",\"timeout\":\"10s\""));
	go("{\"n\":1}");
	pass(10000);
	ck_assert_uint_eq(w.total, 1);
	send_event("t/stop", NULL, "{}");
	pass(3600000);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

/* What it waits for is what cancels it, too. */
static void
waiting(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (IS_FN(c, "f") && !has(body, "ww"))
		ops(r,
		    "[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":"
		    "\"t/stop\",\"opts\":{\"timeout\":\"1h\"}}]");
	else
		strcat(notes, IS_FN(c, "f") ? "f;" : "told;");
}

START_TEST(a_run_that_waits_for_what_cancels_it_is_cancelled)
{
	start_sleeping(CANCEL(""));
	w.host = waiting;
	go("{}");
	send_event("t/stop", NULL, "{}");
	run_all();
	ck_assert_str_eq(notes, "told;");
}
END_TEST

static void
giving_nothing(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	(void)x;
	(void)body;
	if (IS_FN(c, "failed"))
		strcat(notes, "failed;");
	else
		ops(r, "[]");
}

START_TEST(what_could_cancel_a_run_is_no_step_of_it)
{
	start_sleeping(CANCEL(""));
	w.host = giving_nothing;
	register_fns("[" FN("failed", EVENT("inngest/function.failed"),
	    0) "," FN_WITH("f", CANCEL("")) "]");
	go("{}");
	ck_assert_str_eq(notes, "failed;");
}
END_TEST

START_TEST(a_run_does_not_wait_for_what_could_cancel_it)
{
	struct hq_run_waits waits;

	start_sleeping(CANCEL(""));
	send_event("t/go", "mine", "{}");
	run_all();
	ck_hq_ok(hq_run_waits(w.db, &w.env, "mine", arena, &waits, &err));
	ck_assert_uint_eq(waits.n, 1);
	ck_assert_int_eq(waits.v[0].what, HQ_WAIT_SLEEP);
}
END_TEST

/* ------------------------------------------------------------- timeouts -- */

#define TIMEOUTS(more) "\"timeouts\":{" more "},"

START_TEST(a_run_that_does_not_end_in_time_is_cancelled)
{
	start_sleeping(TIMEOUTS("\"finish\":\"10m\""));
	go("{\"n\":1}");
	pass(599999);
	ck_assert_str_eq(notes, "");
	pass(1);
	ck_assert_str_eq(notes, "{\"n\":1};");
	pass(3600000);
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

START_TEST(a_run_that_ends_in_time_is_not_cancelled)
{
	start_sleeping(TIMEOUTS("\"start\":\"10m\",\"finish\":\"2h\""));
	go("{\"n\":1}");
	pass(3600000);
	pass(3600000);
	ck_assert_str_eq(notes, "f:1;");
	ck_assert_int_eq(w.next_ms, INT64_MAX);
}
END_TEST

/* The only place is taken by a call of g, which is not answered. */
START_TEST(a_run_that_does_not_start_in_time_is_cancelled)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "one", 1);
	w.host = sleeping;
	register_fns("[" TOLD "," FN("g", EVENT("t/g"), 0) "," FN_WITH("f",
	    TIMEOUTS("\"start\":\"10s\"")) "]");
	send_event("t/g", NULL, "{}");
	turn();
	send_event("t/go", NULL, "{\"n\":1}");
	turn();
	w.now_ms += 9999;
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_int_eq(w.next_ms, w.now_ms + 1);
	w.now_ms += 1;
	turn();
	run_all();
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

START_TEST(a_run_that_is_to_start_later_has_its_time_from_then_on)
{
	struct hq_event e = { .name = "t/go", .data = json("{\"n\":1}") };

	start_sleeping(TIMEOUTS("\"start\":\"10s\""));
	e.ts_ms = w.now_ms + 60000;
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	pass(60000);
	pass(3600000);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(the_time_to_end_counts_from_the_first_call)
{
	struct hq_event e = { .name = "t/go", .data = json("{\"n\":1}") };

	start_sleeping(TIMEOUTS("\"finish\":\"10s\""));
	e.ts_ms = w.now_ms + 60000;
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	pass(60000);
	pass(9999);
	ck_assert_str_eq(notes, "");
	pass(1);
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

/* Runs of 2 MB each, in an engine that has memory for a few of them. */
START_TEST(runs_that_are_out_of_time_together_share_the_memory_for_one)
{
	const char *data =
	    hq_arena_printf(arena, "{\"t\":\"%0*d\"}", 2 << 20, 0);
	int i;

	w.memory_bytes = 24 << 20;
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "small", 64);
	register_fns(
	    "[" FN_WITH("f", "\"timeouts\":{\"finish\":\"10s\"},") "]");
	for (i = 0; i < 8; i++)
		send_event("t/go", NULL, data);
	turn();
	w.now_ms += 10000;
	turn();
	ck_assert_int_eq(hq_engine_counts(w.engine)[HQ_COUNT_CANCELLED], 8);
}
END_TEST

/* ---------------------------------------------------------- registration -- */

static const struct {
	const char *options, *said;
} wrong[] = {
	{ "\"cancel\":{\"event\":\"x\"},", "cancel: not a list" },
	{ "\"cancel\":[7],", "cancel: [0]: event: not an event's name" },
	{ "\"cancel\":[{\"event\":\"x\"},{\"event\":\"a/*\"}],", "[1]: event" },
	{ "\"cancel\":[{\"event\":\"x\",\"timeout\":\"x\"}],", "timeout: not" },
	{ "\"cancel\":[{\"event\":\"x\",\"if\":\"async.\"}],", "if: " },
	{ "\"cancel\":[{\"event\":\"x\",\"if\":\"event.id == x.id\"}],",
	    "unknown variable \"x\" at 12" },
	{ "\"cancel\":[{\"event\":\"x\"},{\"event\":\"x\"},{\"event\":\"x\"},"
	  "{\"event\":\"x\"},{\"event\":\"x\"},{\"event\":\"x\"}],",
	    "more than 5" },
	{ "\"timeouts\":\"10s\",", "timeouts: not an object" },
	{ "\"timeouts\":{\"start\":10},", "timeouts: start: not a" },
	{ "\"timeouts\":{\"finish\":\"366d\"},", "finish: not a" },
};

START_TEST(an_option_that_is_not_as_it_should_be_is_refused_by_name)
{
	refuses(wrong[_i].options, wrong[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_cancel");
	TCase *t = tcase_create("cancel");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t, an_event_cancels_the_runs_that_it_is_meant_for);
	tcase_add_test(t, an_event_without_a_condition_cancels_all_runs);
	tcase_add_test(t, one_of_several_events_cancels);
	tcase_add_test(t, an_event_cancels_a_run_whose_call_is_in_flight);
	tcase_add_test(t, an_event_cancels_a_run_that_is_to_start_later);
	tcase_add_test(t, an_event_behind_the_one_that_starts_a_run_cancels_it);
	tcase_add_test(t, an_event_that_is_older_than_a_run_does_not_cancel_it);
	tcase_add_test(t, an_event_behind_its_time_does_not_cancel);
	tcase_add_test(t, a_run_that_waits_for_what_cancels_it_is_cancelled);
	tcase_add_test(t, what_could_cancel_a_run_is_no_step_of_it);
	tcase_add_test(t, a_run_does_not_wait_for_what_could_cancel_it);
	tcase_add_test(t, a_run_that_does_not_end_in_time_is_cancelled);
	tcase_add_test(t, a_run_that_ends_in_time_is_not_cancelled);
	tcase_add_test(t, a_run_that_does_not_start_in_time_is_cancelled);
	tcase_add_test(t,
	    a_run_that_is_to_start_later_has_its_time_from_then_on);
	tcase_add_test(t, the_time_to_end_counts_from_the_first_call);
	tcase_add_test(t,
	    runs_that_are_out_of_time_together_share_the_memory_for_one);
	tcase_add_loop_test(t,
	    an_option_that_is_not_as_it_should_be_is_refused_by_name, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}

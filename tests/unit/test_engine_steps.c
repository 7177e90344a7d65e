/*
 * Runs and their steps: sequential, parallel, invoked, cancelled.
 */
#include "enginetest.h"

static char log_text[4096];

static void
note(const char *s)
{
	size_t n = strlen(log_text);

	snprintf(log_text + n, sizeof(log_text) - n, "%s ", s);
}

static void
two_steps(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	note(c->step);
	if (!has(body, "aa"))
		ops(r, "[{\"op\":\"StepRun\",\"id\":\"aa\",\"data\":1}]");
	else if (!has(body, "bb"))
		ops(r,
		    "{\"op\":\"StepRun\",\"id\":\"bb\",\"data\":{\"z\":1,"
		    "\"a\":2}}");
	else
		r->body = "\"done\"";
}

START_TEST(steps_run_one_after_the_other)
{
	start_one(two_steps, "{}");
	run_all();
	ck_assert_str_eq(log_text, "step step step ");
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
}
END_TEST

START_TEST(a_call_has_the_canonical_body)
{
	w.host = two_steps;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", "e1", "{\"n\":5}");
	turn();
	answer_all(w.engine);
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_ptr_nonnull(strstr(w.calls[0].body,
	    "\"stack\":{\"current\":1,\"stack\":[\"aa\"]},"
	    "\"step_id\":\"step\",\"use_api\":false},\"defers\":{},"
	    "\"event\":{\"data\":{\"n\":5},\"id\":\"e1\",\"name\":\"t/go\","
	    "\"ts\":1795431217000,\"user\":{}},\"events\":[{\"data\":"
	    "{\"n\":5},\"id\":\"e1\",\"name\":\"t/go\",\"ts\":1795431217000,"
	    "\"user\":{}}],\"steps\":{\"aa\":{\"data\":1}},\"use_api\":false,"
	    "\"version\":1}"));
}
END_TEST

START_TEST(a_body_keeps_the_order_of_what_was_sent)
{
	w.host = two_steps;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", "e1", "{\"z\":\"x\\n\",\"b\":1e21}");
	turn();
	ck_assert_ptr_nonnull(
	    strstr(w.calls[0].body, "\"data\":{\"z\":\"x\\n\",\"b\":1e+21}"));
}
END_TEST

START_TEST(an_event_id_starts_a_function_once_a_day)
{
	w.host = two_steps;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", "same", "{}");
	send_event("t/go", "same", "{}");
	run_all();
	ck_assert_uint_eq(w.total, 3);
	w.now_ms += INT64_C(86400001);
	send_event("t/go", "same", "{}");
	run_all();
	ck_assert_uint_eq(w.total, 6);
}
END_TEST

START_TEST(an_expression_that_is_false_starts_nothing)
{
	w.host = two_steps;
	register_fns("[" FN("f",
	    "{\"event\":\"t/go\",\"expression\":\"event.data.n == 1\"}",
	    3) "]");
	send_event("t/go", NULL, "{\"n\":2}");
	run_all();
	ck_assert_uint_eq(w.total, 0);
	send_event("t/go", NULL, "{\"n\":1}");
	run_all();
	ck_assert_uint_eq(w.total, 3);
}
END_TEST

START_TEST(an_event_from_the_future_starts_its_run_then)
{
	struct hq_event e = { .name = "t/go",
		.data = json("{}"),
		.ts_ms = w.now_ms + 60000 };

	w.host = two_steps;
	register_fns("[" FN("f", EVENT("t/*"), 3) "]");
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	ck_assert_uint_eq(w.total, 0);
	ck_assert_int_eq(w.next_ms, e.ts_ms);
	pass(60000);
	ck_assert_uint_eq(w.total, 3);
}
END_TEST

static void
parallel(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (strcmp(c->step, "step") != 0) {
		note(c->step);
		ops(r,
		    strcmp(c->step, "p1") == 0
			? "[{\"op\":\"StepRun\",\"id\":\"p1\",\"data\":1}]"
			: "[{\"op\":\"StepRun\",\"id\":\"p2\",\"data\":2}]");
		return;
	}
	if (has(body, "p1") && has(body, "p2")) {
		note("end");
		return;
	}
	ops(r,
	    "[{\"op\":\"StepPlanned\",\"id\":\"p1\",\"opts\":{}},"
	    "{\"op\":\"StepPlanned\",\"id\":\"p2\",\"opts\":"
	    "{\"priority\":1}}]");
}

START_TEST(parallel_steps_run_once_each_the_urgent_first)
{
	start_one(parallel, "{}");
	run_all();
	ck_assert_str_eq(log_text, "p2 p1 end ");
}
END_TEST

static void
invoking(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (IS_FN(c, "child")) {
		note("child");
		r->body = "{\"x\":2}";
	} else if (!has(body, "inv")) {
		ops(r,
		    "[{\"op\":\"InvokeFunction\",\"id\":\"inv\",\"opts\":"
		    "{\"function_id\":\"child\",\"payload\":{\"data\":"
		    "{\"k\":1}}}}]");
	} else {
		note(hq_json_text(arena, hq_json_get(body, "steps")));
	}
}

START_TEST(an_invoker_gets_the_invoked_functions_result)
{
	w.host = invoking;
	register_fns("[" FN("f", EVENT("t/go"), 3) "," FN("child", "", 3) "]");
	send_event("t/go", NULL, "{}");
	run_all();
	ck_assert_str_eq(log_text, "child {\"inv\":{\"data\":{\"x\":2}}} ");
}
END_TEST

START_TEST(invoking_an_unknown_function_fails_the_step)
{
	start_one(invoking, "{}");
	run_all();
	ck_assert_str_eq(log_text,
	    "{\"inv\":{\"error\":{\"message\":\"could not find function with "
	    "ID: child\",\"name\":\"Error\"}}} ");
}
END_TEST

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	return hq_event_cancel_runs(w.db, &w.env, arg, e);
}

static void
slow(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (IS_FN(c, "watch")) {
		note(
		    hq_json_str(hq_json_get(hq_json_get(body, "event"), "data"),
			"function_id"));
		return;
	}
	note("call");
	ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"1h\"}]");
}

START_TEST(a_cancelled_run_ends_and_says_so)
{
	char id[] = "e7";

	w.host = slow;
	register_fns("[" FN("f", EVENT("t/go"), 3) "," FN("watch",
	    EVENT("inngest/function.cancelled"), 0) "]");
	send_event("t/go", id, "{}");
	run_all();
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, id, &err));
	pass(7200000);
	ck_assert_str_eq(log_text, "call app-f ");
}
END_TEST

START_TEST(a_cancelled_event_starts_no_run)
{
	char id[] = "e7";

	w.host = slow;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", id, "{}");
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, id, &err));
	run_all();
	ck_assert_uint_eq(w.total, 0);
}
END_TEST

START_TEST(a_call_of_a_cancelled_run_is_given_up)
{
	char id[] = "e7";

	w.host = slow;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", id, "{}");
	turn();
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, id, &err));
	w.now_ms += 1000;
	turn();
	ck_assert(w.calls[0].dropped);
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
}
END_TEST

START_TEST(the_same_functions_again_change_nothing)
{
	bool modified;
	struct json_object *v = json("[" FN("f", EVENT("t/go"), 3) "]");

	ck_hq_ok(hq_engine_register(w.engine, "app", v, &modified, &err));
	ck_assert(modified);
	ck_hq_ok(hq_engine_register(w.engine, "app", v, &modified, &err));
	ck_assert(!modified);
}
END_TEST

START_TEST(a_removed_function_is_started_no_more)
{
	w.host = two_steps;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	register_fns("[" FN("g", EVENT("t/other"), 3) "]");
	send_event("t/go", NULL, "{}");
	run_all();
	ck_assert_uint_eq(w.total, 0);
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
	{ "{}", "functions: not a list" },
	{ "[{}]", "a function has no id" },
	{ "[" FN("f", "{}", 1) "]",
	    "function app-f: triggers[0]: it has either an event or a cron" },
	{ "[" FN("f", EVENT("a*b"), 1) "]",
	    "function app-f: triggers[0]: bad event name \"a*b\"" },
	{ "[" FN("f", EVENT("a"), 21) "]",
	    "function app-f: steps.step.retries.attempts: not 0 to 20" },
	{ "[" FN("f", "{\"cron\":\"61 * * * *\"}", 1) "]",
	    "function app-f: triggers[0]: bad minute in the cron "
	    "\"61 * * * *\"" },
};

START_TEST(a_bad_registration_names_function_and_field)
{
	bool modified;

	ck_assert_int_eq(hq_engine_register(w.engine, "app", json(bad[_i].text),
			     &modified, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_str_eq(err.msg, bad[_i].why);
}
END_TEST

static void
never_the_same(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	static char text[128];

	(void)c;
	(void)body;
	snprintf(text, sizeof(text),
	    "[{\"op\":\"StepRun\",\"id\":\"s%zu\",\"data\":1}]", x->total);
	ops(r, text);
}

START_TEST(a_run_with_too_many_steps_fails)
{
	w.host = never_the_same;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	send_event("t/go", NULL, "{}");
	run_all();
	ck_assert_uint_eq(w.total, 1001);
}
END_TEST

static void
open_fresh(void)
{
	log_text[0] = '\0';
	world_open();
}

int
main(void)
{
	Suite *s = suite_create("engine_steps");
	TCase *t = tcase_create("steps");

	tcase_add_checked_fixture(t, open_fresh, world_close);
	tcase_add_test(t, steps_run_one_after_the_other);
	tcase_add_test(t, a_call_has_the_canonical_body);
	tcase_add_test(t, a_body_keeps_the_order_of_what_was_sent);
	tcase_add_test(t, an_event_id_starts_a_function_once_a_day);
	tcase_add_test(t, an_expression_that_is_false_starts_nothing);
	tcase_add_test(t, an_event_from_the_future_starts_its_run_then);
	tcase_add_test(t, parallel_steps_run_once_each_the_urgent_first);
	tcase_add_test(t, an_invoker_gets_the_invoked_functions_result);
	tcase_add_test(t, invoking_an_unknown_function_fails_the_step);
	tcase_add_test(t, a_cancelled_run_ends_and_says_so);
	tcase_add_test(t, a_cancelled_event_starts_no_run);
	tcase_add_test(t, a_call_of_a_cancelled_run_is_given_up);
	tcase_add_test(t, the_same_functions_again_change_nothing);
	tcase_add_test(t, a_removed_function_is_started_no_more);
	tcase_add_loop_test(t, a_bad_registration_names_function_and_field, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, a_run_with_too_many_steps_fails);
	suite_add_tcase(s, t);
	return run_suite(s);
}

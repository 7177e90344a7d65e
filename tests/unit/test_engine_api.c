/*
 * The engine and the apps of others: what their calls tell, checkpoints and
 * their fence, and what may be asked of runs.
 */
#include "enginetest.h"

#include "engine/api.h"
#include "engine/limits.h"

#define RUN_A "{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}"
#define RUN_B "{\"op\":\"StepRun\",\"id\":\"b\",\"data\":2}"

static const char *const fns = "[" FN("f", EVENT("go"), 1) "]";

/* Another engine on the same store, whose own app is not "app". */
static void
open_foreign(void)
{
	struct hq_engine_opts o = { .db = w.db,
		.env = &w.env,
		.send = world_send,
		.abandon = world_abandon,
		.ctx = &w,
		.own_app = "ours",
		.owner = "two",
		.concurrency = 1,
		.app_concurrency = 1,
		.lease_ms = LEASE_MS,
		.call_timeout_ms = 7200000,
		.retry_interval_ms = w.retry_ms };

	hq_engine_free(w.engine);
	ck_hq_ok(hq_engine_new(&o, &w.engine, &err));
	register_fns(fns);
}

/* Start a run and have its call in flight. */
static struct fake_call *
begin(void)
{
	open_foreign();
	send_event("go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	return &w.calls[0];
}

struct point {
	const char *run;
	int64_t generation;
	const char *steps;
};

static enum hq_rc
point_tx(void *arg, struct hq_err *e)
{
	const struct point *p = arg;
	const struct hq_checkpoint c = { p->run, p->generation,
		json(p->steps) };

	return hq_run_checkpoint(w.db, &w.env, &c, arena, e);
}

static enum hq_rc
checkpoint(const char *run, int64_t generation, const char *steps)
{
	struct point p = { run, generation, steps };

	return hq_db_tx(w.db, point_tx, &p, &err);
}

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	return hq_run_cancel(w.db, &w.env, arg, e);
}

static void
reply(struct fake_call *c, int status, const char *body)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_ANSWER,
		.status = status,
		.sdk = "test:v1",
		.body = body,
		.body_bytes = strlen(body),
		.req_version = "2" };

	hq_engine_reply(w.engine, c->ticket, &r);
	forget_calls(&w);
	turn();
}

static void
died(struct fake_call *c)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_DIED };

	hq_engine_reply(w.engine, c->ticket, &r);
	forget_calls(&w);
	turn();
	w.now_ms += 1000;
	turn();
}

/* The call is refused; how long until the next. */
static int64_t
refuse(void)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_REFUSED };
	int64_t since = w.now_ms;

	ck_assert_uint_eq(w.n_calls, 1);
	hq_engine_reply(w.engine, w.calls[0].ticket, &r);
	forget_calls(&w);
	turn();
	while (w.n_calls == 0) {
		w.now_ms = w.next_ms;
		turn();
	}
	return w.now_ms - since;
}

static enum hq_rc
back_tx(void *arg, struct hq_err *e)
{
	return hq_app_is_back(w.db, &w.env, arg, e);
}

START_TEST(an_app_that_is_away_is_looked_for_less_and_less_often)
{
	int64_t pause = 0, last;
	int i;

	begin();
	for (i = 0; i < 20; i++) {
		last = pause;
		pause = refuse();
		ck_assert_int_ge(pause, last);
	}
	ck_assert_int_eq(pause, HQ_ENGINE_AWAY_MAX_MS);
	ck_assert_int_eq(hq_json_i64(hq_json_get(json(w.calls[0].body), "ctx"),
			     "attempt", -1),
	    0);
}
END_TEST

START_TEST(an_app_that_is_back_is_called_at_once_and_no_other)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_REFUSED };
	char app[] = "app", other[] = "other";
	int i;

	begin();
	for (i = 0; i < 20; i++)
		refuse();
	hq_engine_reply(w.engine, w.calls[0].ticket, &r);
	forget_calls(&w);
	turn();
	ck_hq_ok(hq_db_tx(w.db, back_tx, other, &err));
	turn();
	ck_assert_uint_eq(w.n_calls, 0);
	ck_hq_ok(hq_db_tx(w.db, back_tx, app, &err));
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_int_lt(refuse(), 1000);
}
END_TEST

START_TEST(a_call_of_another_app_names_what_a_checkpoint_needs)
{
	struct fake_call *c = begin();
	struct json_object *ctx = hq_json_get(json(c->body), "ctx");

	ck_assert_uint_eq(strlen(hq_json_str(ctx, "fn_id")), 36);
	ck_assert_uint_gt(strlen(hq_json_str(ctx, "qi_id")), 26);
	ck_assert(!hq_json_bool(ctx, "use_api", true));
}
END_TEST

/* An app's data goes to the functions that it invokes, whoever made it up. */
START_TEST(what_goes_into_the_headers_of_a_call_is_visible_text)
{
	static const struct {
		const char *data, *correlation;
	} rows[] = {
		{ "{\"_rawr\":{\"correlationId\":\"c-1\"}}", "c-1" },
		{ "{\"_rawr\":{\"correlationId\":\"c\\r\\nX: y\"}}", "" },
		{ "{\"_rawr\":{\"correlationId\":\"c 1\"}}", "" },
		{ "{\"_rawr\":{\"correlationId\":\"c\\u0000\"}}", "" },
		{ "{\"_rawr\":{\"correlationId\":\"\\u00e9\"}}", "" },
	};

	open_foreign();
	send_event("go", NULL, rows[_i].data);
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_str_eq(w.calls[0].correlation, rows[_i].correlation);
}
END_TEST

START_TEST(a_call_of_our_own_app_does_not)
{
	struct json_object *ctx;

	register_fns(fns);
	send_event("go", NULL, "{}");
	turn();
	ctx = hq_json_get(json(w.calls[0].body), "ctx");
	ck_assert_ptr_null(hq_json_str(ctx, "fn_id"));
	ck_assert_ptr_null(hq_json_str(ctx, "qi_id"));
}
END_TEST

START_TEST(what_was_checkpointed_is_there_for_the_next_call)
{
	struct fake_call *c = begin();
	struct json_object *body;

	ck_hq_ok(checkpoint(c->run, 1, "[" RUN_A "," RUN_B "]"));
	died(c);
	ck_assert_uint_eq(w.n_calls, 1);
	body = json(w.calls[0].body);
	ck_assert(has(body, "a") && has(body, "b"));
	ck_assert(!hq_json_bool(hq_json_get(body, "ctx"),
	    "disable_immediate_execution", true));
}
END_TEST

START_TEST(a_checkpoint_of_another_generation_is_refused_and_records_nothing)
{
	struct fake_call *c = begin();

	ck_assert_int_eq(checkpoint(c->run, 2, "[" RUN_A "]"), HQ_E_CONFLICT);
	died(c);
	ck_assert(!has(json(w.calls[0].body), "a"));
	ck_assert_int_eq(checkpoint(w.calls[0].run, 1, "[" RUN_A "]"),
	    HQ_E_CONFLICT);
	ck_hq_ok(checkpoint(w.calls[0].run, 2, "[" RUN_A "]"));
}
END_TEST

START_TEST(a_checkpoint_without_a_call_in_flight_is_refused)
{
	struct fake_call *c = begin();
	char run[40];

	memcpy(run, c->run, sizeof(run));
	reply(c, 200, "7");
	ck_assert_int_eq(checkpoint(run, 0, "[" RUN_A "]"), HQ_E_CONFLICT);
	ck_assert_int_eq(checkpoint("none", 0, "[" RUN_A "]"), HQ_E_CONFLICT);
}
END_TEST

START_TEST(the_first_value_of_a_step_stays_whoever_tells_it)
{
	struct fake_call *c = begin();
	const char *steps;
	char run[40];

	memcpy(run, c->run, sizeof(run));
	ck_hq_ok(checkpoint(run, 1, "[" RUN_A "]"));
	ck_hq_ok(checkpoint(run, 1,
	    "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":9}]"));
	ck_hq_ok(hq_run_steps(w.db, run, arena, &steps, &err));
	ck_assert_str_eq(steps, "{\"a\":{\"data\":1}}");
}
END_TEST

START_TEST(a_step_that_has_failed_for_good_is_recorded_with_its_error)
{
	struct fake_call *c = begin();
	const char *steps;

	ck_hq_ok(checkpoint(c->run, 1,
	    "[{\"op\":\"StepFailed\",\"id\":\"a\",\"error\":{\"name\":\"E\"}}]"));
	ck_hq_ok(hq_run_steps(w.db, c->run, arena, &steps, &err));
	ck_assert_str_eq(steps, "{\"a\":{\"error\":{\"name\":\"E\"}}}");
}
END_TEST

START_TEST(a_call_that_stops_behind_its_checkpoints_is_followed_by_another)
{
	struct fake_call *c = begin();

	ck_hq_ok(checkpoint(c->run, 1, "[" RUN_A "]"));
	reply(c, 206, "[" RUN_A "]"); /* it did not hear of its commit */
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert(has(json(w.calls[0].body), "a"));
}
END_TEST

START_TEST(a_call_that_tells_the_same_again_and_again_is_not_followed_for_ever)
{
	struct fake_call *c = begin();

	ck_hq_ok(checkpoint(c->run, 1, "[" RUN_A "]"));
	reply(c, 206, "[" RUN_A "]");
	reply(&w.calls[0], 206, "[" RUN_A "]");
	ck_assert_uint_eq(w.n_calls, 0); /* a failed attempt */
}
END_TEST

START_TEST(a_sleep_behind_checkpoints_is_not_followed_by_a_call)
{
	struct fake_call *c = begin();

	ck_hq_ok(checkpoint(c->run, 1, "[" RUN_A "]"));
	reply(c, 206, "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"1h\"}]");
	ck_assert_uint_eq(w.n_calls, 0);
}
END_TEST

static const char *const bad_steps[] = {
	"[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"1h\"}]",
	"[" RUN_A ",{\"op\":\"StepPlanned\",\"id\":\"z\"}]",
	"[{\"op\":\"RunComplete\",\"id\":\"z\",\"data\":1}]",
	"[{\"op\":\"StepRun\",\"id\":\"step\",\"data\":1}]",
	"[" RUN_A ",7]",
	"{}",
	"null",
};

START_TEST(a_checkpoint_of_anything_but_results_records_nothing)
{
	struct fake_call *c = begin();
	const char *steps;

	ck_assert_int_eq(checkpoint(c->run, 1, bad_steps[_i]),
	    HQ_E_BAD_REQUEST);
	ck_hq_ok(hq_run_steps(w.db, c->run, arena, &steps, &err));
	ck_assert_str_eq(steps, "{}");
}
END_TEST

START_TEST(a_checkpoint_gives_the_attempts_back)
{
	struct fake_call *c = begin();

	reply(c, 500, "{\"message\":\"x\"}");
	w.now_ms += 1000;
	turn();
	ck_hq_ok(checkpoint(w.calls[0].run, 2, "[" RUN_A "]"));
	reply(&w.calls[0], 500, "{\"message\":\"x\"}");
	w.now_ms += 1000;
	turn();
	ck_assert_uint_eq(w.n_calls, 1); /* the second was the last, else */
}
END_TEST

START_TEST(a_state_that_is_too_large_for_a_call_is_left_out_and_can_be_fetched)
{
	struct fake_call *c = begin();
	size_t n = HQ_ENGINE_BODY_BYTES_MAX + 100;
	char *text = malloc(n + 100);
	struct json_object *body;
	const char *steps;

	ck_assert_ptr_nonnull(text);
	strcpy(text, "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":\"");
	memset(text + strlen(text), 'x', n);
	strcpy(text + sizeof("[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":\"") -
		1 + n,
	    "\"}]");
	ck_hq_ok(checkpoint(c->run, 1, text));
	free(text);
	died(c);
	body = json(w.calls[0].body);
	ck_assert(hq_json_bool(body, "use_api", false));
	ck_assert(hq_json_bool(hq_json_get(body, "ctx"), "use_api", false));
	ck_assert(!has(body, "a"));
	ck_assert_ptr_nonnull(hq_json_get(body, "event"));
	ck_hq_ok(hq_run_steps(w.db, w.calls[0].run, arena, &steps, &err));
	ck_assert_uint_gt(strlen(steps), n);
}
END_TEST

START_TEST(a_run_can_be_looked_at_from_its_event_to_its_end)
{
	struct fake_call *c = begin();
	struct hq_run_look run;
	struct hq_run_looks runs;
	const char *event;

	ck_hq_ok(hq_run_look(w.db, c->run, arena, &run, &err));
	ck_assert_str_eq(run.status, "Running");
	ck_assert_int_eq(run.ended_ms, 0);
	ck_hq_ok(hq_event_look(w.db, run.event, arena, &event, &err));
	ck_assert_str_eq(hq_json_str(json(event), "name"), "go");
	reply(c, 200, "7");
	ck_hq_ok(hq_runs_look(w.db, run.event, arena, &runs, &err));
	ck_assert_uint_eq(runs.n, 1);
	ck_assert_str_eq(runs.v[0].status, "Completed");
	ck_assert_str_eq(runs.v[0].output, "7");
	ck_assert_str_eq(runs.v[0].fn, "app-f");
	ck_assert_int_eq(hq_run_look(w.db, "none", arena, &run, &err),
	    HQ_E_NOT_FOUND);
	ck_assert_int_eq(hq_event_look(w.db, "none", arena, &event, &err),
	    HQ_E_NOT_FOUND);
}
END_TEST

START_TEST(a_run_is_cancelled_once)
{
	struct fake_call *c = begin();
	struct hq_run_look run;
	char id[40], none[] = "none";

	memcpy(id, c->run, sizeof(id));
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, id, &err));
	ck_hq_ok(hq_run_look(w.db, id, arena, &run, &err));
	ck_assert_str_eq(run.status, "Cancelled");
	ck_assert_int_eq(hq_db_tx(w.db, cancel_tx, id, &err), HQ_E_CONFLICT);
	ck_assert_int_eq(hq_db_tx(w.db, cancel_tx, none, &err), HQ_E_NOT_FOUND);
	ck_assert_int_eq(checkpoint(id, 1, "[" RUN_A "]"), HQ_E_CONFLICT);
}
END_TEST

static const char *const ours =
    "[{\"id\":\"ours-g\",\"triggers\":[{\"event\":\"go\"}],\"steps\":{\"step\":"
    "{\"runtime\":{\"type\":\"http\",\"url\":\"http://h/ours\"}}}}]";

START_TEST(calls_of_an_app_that_hang_take_no_place_from_ours_nor_ours_from_them)
{
	bool modified;

	open_foreign();
	ck_hq_ok(
	    hq_engine_register(w.engine, "ours", json(ours), &modified, &err));
	send_event("go", NULL, "{}");
	send_event("go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 2); /* one of each, and none is answered */
	ck_assert_ptr_null(strstr(w.calls[0].url, "app-f"));
	ck_assert_ptr_nonnull(strstr(w.calls[1].url, "app-f"));
	turn();
	ck_assert_uint_eq(w.n_calls, 2);
	reply(&w.calls[1], 200, "1");
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_ptr_nonnull(strstr(w.calls[0].url, "app-f"));
}
END_TEST

START_TEST(no_app_takes_a_function_of_another)
{
	bool modified;

	register_fns(fns);
	ck_assert_int_eq(hq_engine_register(w.engine, "ap", json(fns),
			     &modified, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(err.msg, "app-f"));
	register_fns("[]"); /* given up by its app: free */
	ck_hq_ok(
	    hq_engine_register(w.engine, "ap", json(fns), &modified, &err));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine api");
	TCase *tc = tcase_create("apps of others");

	tcase_add_checked_fixture(tc, world_open, world_close);
	tcase_add_test(tc,
	    an_app_that_is_away_is_looked_for_less_and_less_often);
	tcase_add_test(tc, an_app_that_is_back_is_called_at_once_and_no_other);
	tcase_add_test(tc, a_call_of_another_app_names_what_a_checkpoint_needs);
	tcase_add_loop_test(tc,
	    what_goes_into_the_headers_of_a_call_is_visible_text, 0, 5);
	tcase_add_test(tc, a_call_of_our_own_app_does_not);
	tcase_add_test(tc, what_was_checkpointed_is_there_for_the_next_call);
	tcase_add_test(tc,
	    a_checkpoint_of_another_generation_is_refused_and_records_nothing);
	tcase_add_test(tc, a_checkpoint_without_a_call_in_flight_is_refused);
	tcase_add_test(tc, the_first_value_of_a_step_stays_whoever_tells_it);
	tcase_add_test(tc,
	    a_step_that_has_failed_for_good_is_recorded_with_its_error);
	tcase_add_test(tc,
	    a_call_that_stops_behind_its_checkpoints_is_followed_by_another);
	tcase_add_test(tc,
	    a_call_that_tells_the_same_again_and_again_is_not_followed_for_ever);
	tcase_add_test(tc,
	    a_sleep_behind_checkpoints_is_not_followed_by_a_call);
	tcase_add_loop_test(tc,
	    a_checkpoint_of_anything_but_results_records_nothing, 0,
	    sizeof(bad_steps) / sizeof(bad_steps[0]));
	tcase_add_test(tc, a_checkpoint_gives_the_attempts_back);
	tcase_add_test(tc,
	    a_state_that_is_too_large_for_a_call_is_left_out_and_can_be_fetched);
	tcase_add_test(tc, a_run_can_be_looked_at_from_its_event_to_its_end);
	tcase_add_test(tc, a_run_is_cancelled_once);
	tcase_add_test(tc,
	    calls_of_an_app_that_hang_take_no_place_from_ours_nor_ours_from_them);
	tcase_add_test(tc, no_app_takes_a_function_of_another);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

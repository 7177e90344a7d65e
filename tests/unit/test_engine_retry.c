/*
 * Attempts: what fails, what is tried again, and when.
 */
#include "enginetest.h"

#include "engine/retry.h"

static char seen[2048];
static const char *failure; /* the failed event's error */
static int fails;           /* how often the host still fails */

static void
handler(const struct fake_call *c, struct json_object *body)
{
	struct json_object *data;

	(void)c;
	data = hq_json_get(hq_json_get(body, "event"), "data");
	failure = hq_json_text(arena, hq_json_get(data, "error"));
}

static void
note_attempt(struct json_object *body)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "%d ",
	    (int)hq_json_i64(hq_json_get(body, "ctx"), "attempt", -1));
}

#define WITH_HANDLER(retries) \
	"[" FN("f", EVENT("t/go"), retries) "," FN("h", \
	    "{\"event\":\"inngest/function.failed\",\"expression\":" \
	    "\"event.data.function_id == 'app-f'\"}", \
	    0) "]"

static void
step_error(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (IS_FN(c, "h")) {
		handler(c, body);
		return;
	}
	note_attempt(body);
	if (has(body, "bad"))
		r->body = "1";
	else if (fails-- > 0)
		ops(r,
		    "[{\"op\":\"StepError\",\"id\":\"bad\",\"error\":"
		    "{\"name\":\"E\",\"message\":\"m\"}}]");
	else
		ops(r, "[{\"op\":\"StepRun\",\"id\":\"bad\"}]");
}

static void
step_fails(int times, int ms)
{
	int i;

	fails = times;
	w.host = step_error;
	register_fns(WITH_HANDLER(2));
	send_event("t/go", NULL, "{}");
	run_all();
	for (i = 0; i < times; i++)
		pass(ms);
}

START_TEST(a_failed_step_is_tried_again_with_a_fresh_budget_after)
{
	step_fails(2, 1000);
	ck_assert_str_eq(seen, "0 1 2 0 ");
}
END_TEST

START_TEST(a_step_out_of_attempts_gives_its_error_to_the_function)
{
	step_fails(3, 1000);
	ck_assert_str_eq(seen, "0 1 2 0 ");
	ck_assert_ptr_null(failure);
}
END_TEST

START_TEST(a_retry_waits_for_its_time)
{
	step_fails(1, 999);
	ck_assert_str_eq(seen, "0 ");
}
END_TEST

static struct hq_engine_reply always;

static void
one_answer(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (IS_FN(c, "h")) {
		handler(c, body);
		return;
	}
	note_attempt(body);
	*r = always;
}

static const struct {
	struct hq_engine_reply reply;
	const char *attempts, *failure;
} finals[] = {
	{ { .status = 500,
	      .sdk = "t",
	      .body = "{\"name\":\"E\",\"message\":\"m\"}" },
	    "0 1 ", "{\"name\":\"E\",\"message\":\"m\"}" },
	{ { .status = 400,
	      .sdk = "t",
	      .no_retry = "true",
	      .body = "{\"name\":\"E\",\"message\":\"m\"}" },
	    "0 ", "{\"name\":\"E\",\"message\":\"m\"}" },
	{ { .status = 200, .body = "1" }, "0 1 ",
	    "{\"message\":\"The response did not come from an Inngest SDK\","
	    "\"name\":\"Error\"}" },
	{ { .status = 502, .body = "Bad\nGateway" }, "0 1 ",
	    "{\"message\":\"the function host answered 502: Bad?Gateway\","
	    "\"name\":\"Error\"}" },
	{ { .status = 206, .sdk = "t", .body = "[{\"op\":\"Nope\"}]" }, "0 1 ",
	    "{\"message\":\"this engine has no step operation Nope\","
	    "\"name\":\"Error\"}" },
	{ { .status = 206, .sdk = "t", .body = "[]" }, "0 1 ",
	    "{\"message\":\"the function gave neither a result nor a step\","
	    "\"name\":\"Error\"}" },
	{ { .status = 206, .sdk = "t", .body = "[" }, "0 1 ",
	    "{\"message\":\"the step operations are not JSON\","
	    "\"name\":\"Error\"}" },
	{ { .what = HQ_REPLY_TIMEOUT }, "0 1 ",
	    "{\"message\":\"timed out after 7200000 ms\","
	    "\"name\":\"TimeoutError\"}" },
	{ { .what = HQ_REPLY_DIED }, "0 0 0 0 0 0 0 0 ",
	    "{\"message\":\"the function host died 8 times without an "
	    "answer\",\"name\":\"FunctionHostDied\"}" },
};

START_TEST(an_answer_that_stays_wrong_fails_the_run)
{
	int i;

	always = finals[_i].reply;
	w.host = one_answer;
	register_fns(WITH_HANDLER(1));
	send_event("t/go", NULL, "{}");
	run_all();
	for (i = 0; i < 20; i++)
		pass(1000);
	ck_assert_str_eq(seen, finals[_i].attempts);
	ck_assert_str_eq(failure, finals[_i].failure);
}
END_TEST

START_TEST(a_refused_call_uses_no_attempt)
{
	int i;

	always = (struct hq_engine_reply){ .what = HQ_REPLY_REFUSED };
	w.host = one_answer;
	register_fns(WITH_HANDLER(0));
	send_event("t/go", NULL, "{}");
	run_all();
	for (i = 0; i < 20; i++)
		pass(1000);
	ck_assert_uint_eq(w.total, 21);
	ck_assert_ptr_null(failure);
	always =
	    (struct hq_engine_reply){ .status = 200, .sdk = "t", .body = "1" };
	pass(1000);
	pass(100000);
	ck_assert_uint_eq(w.total, 22);
}
END_TEST

START_TEST(retry_after_overrides_the_delay_once)
{
	always = (struct hq_engine_reply){ .status = 500,
		.sdk = "t",
		.body = "{\"message\":\"m\"}",
		.retry_after = "90" };
	w.host = one_answer;
	register_fns(WITH_HANDLER(3));
	send_event("t/go", NULL, "{}");
	run_all();
	pass(89999);
	ck_assert_str_eq(seen, "0 ");
	pass(1);
	ck_assert_str_eq(seen, "0 1 ");
}
END_TEST

static void
planned(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (strcmp(c->step, "slow") == 0) {
		note_attempt(body);
		ck_assert_int_eq(c->timeout_ms, 250);
		r->what = HQ_REPLY_TIMEOUT;
	} else if (has(body, "slow")) {
		failure = hq_json_text(arena, hq_json_get(body, "steps"));
		r->body = "1";
	} else {
		ops(r,
		    "[{\"op\":\"StepPlanned\",\"id\":\"slow\",\"opts\":"
		    "{\"retries\":1,\"timeoutMs\":250}}]");
	}
}

START_TEST(a_planned_step_has_its_own_attempts_and_time)
{
	w.host = planned;
	register_fns("[" FN("f", EVENT("t/go"), 9) "]");
	send_event("t/go", NULL, "{}");
	run_all();
	pass(1000);
	ck_assert_str_eq(seen, "0 1 ");
	ck_assert_str_eq(failure,
	    "{\"slow\":{\"error\":{\"message\":\"timed out after 250 ms\","
	    "\"name\":\"TimeoutError\"}}}");
}
END_TEST

static const struct {
	int attempt;
	int64_t least_ms;
} table[] = { { 0, 15000 }, { 1, 30000 }, { 2, 60000 }, { 8, 3600000 },
	{ 9, 7200000 }, { 30, 7200000 } };

START_TEST(the_delay_is_the_tables_plus_up_to_thirty_seconds)
{
	int64_t d = hq_retry_delay_ms(&w.env, 0, table[_i].attempt);

	ck_assert_int_ge(d, table[_i].least_ms);
	ck_assert_int_le(d, table[_i].least_ms + 30000);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	int64_t ms;
} afters[] = {
	{ "90", true, 90000 },
	{ "0", false, 0 },
	{ "9999999", true, 86400000 },
	{ "12345678", false, 0 },
	{ "2026-11-23T11:30:00.000Z", true, 5000 },
	{ "Mon, 23 Nov 2026 11:30:00 GMT", true, 5000 },
	{ "2020-01-01T00:00:00Z", true, 1000 },
	{ "soon", false, 0 },
};

START_TEST(a_retry_after_is_seconds_or_a_date)
{
	int64_t ms = 0;

	ck_assert_int_eq(hq_retry_after_ms(afters[_i].text,
			     INT64_C(1795433395000), &ms),
	    afters[_i].ok);
	ck_assert_int_eq(ms, afters[_i].ms);
}
END_TEST

static void
open_fresh(void)
{
	seen[0] = '\0';
	failure = NULL;
	world_open();
}

#define ROWS(v) (int)(sizeof(v) / sizeof((v)[0]))

int
main(void)
{
	Suite *s = suite_create("engine_retry");
	TCase *t = tcase_create("retry");

	tcase_add_checked_fixture(t, open_fresh, world_close);
	tcase_add_test(t,
	    a_failed_step_is_tried_again_with_a_fresh_budget_after);
	tcase_add_test(t,
	    a_step_out_of_attempts_gives_its_error_to_the_function);
	tcase_add_test(t, a_retry_waits_for_its_time);
	tcase_add_loop_test(t, an_answer_that_stays_wrong_fails_the_run, 0,
	    ROWS(finals));
	tcase_add_test(t, a_refused_call_uses_no_attempt);
	tcase_add_test(t, retry_after_overrides_the_delay_once);
	tcase_add_test(t, a_planned_step_has_its_own_attempts_and_time);
	tcase_add_loop_test(t,
	    the_delay_is_the_tables_plus_up_to_thirty_seconds, 0, ROWS(table));
	tcase_add_loop_test(t, a_retry_after_is_seconds_or_a_date, 0,
	    ROWS(afters));
	suite_add_tcase(s, t);
	return run_suite(s);
}

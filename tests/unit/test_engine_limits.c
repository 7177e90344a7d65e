/*
 * What is too large: it ends one run, or is refused, and the engine goes on.
 */
#include "enginetest.h"

#include "engine/limits.h"

enum { ENOUGH = 6 << 20 };

static char *text; /* of an answer or an event; ENOUGH bytes */
static char seen[256];
static size_t met, failures;
static struct json_object *told; /* data of the last function.failed */

static void
see(const char *s)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "%s ", s);
}

/* head, n times c, tail. */
static const char *
padded(const char *head, char c, size_t n, const char *tail)
{
	size_t at = strlen(head);

	ck_assert_uint_lt(at + n + strlen(tail), ENOUGH);
	memcpy(text, head, at);
	memset(text + at, c, n);
	strcpy(text + at + n, tail);
	return text;
}

static void
reopen(const char *owner, int concurrency)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, owner, concurrency);
}

/* ------------------------------------------------------------- a run's -- */

#define PLANNED(id) "{\"op\":\"StepPlanned\",\"id\":\"" id "\"}"

/* aa and bb together are too much; cc and dd are under way then. */
static void
overflowing(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	static char large[2][1024], failing[2][160];
	bool first = strcmp(c->step, "aa") == 0 || strcmp(c->step, "cc") == 0;
	char *s;

	(void)x;
	(void)body;
	if (IS_FN(c, "failed")) {
		failures++;
	} else if (strcmp(c->step, "step") == 0) {
		ops(r,
		    "[" PLANNED("aa") "," PLANNED("bb") "," PLANNED(
			"cc") "," PLANNED("dd") "]");
	} else if (c->step[0] <= 'b') {
		s = large[first];
		snprintf(s, sizeof(large[0]),
		    "[{\"op\":\"StepRun\",\"id\":\"%s\",\"data\":\"%0600d\"}]",
		    c->step, 0);
		ops(r, s);
	} else {
		s = failing[first];
		snprintf(s, sizeof(failing[0]),
		    "[{\"op\":\"StepError\",\"id\":\"%s\",\"error\":"
		    "{\"message\":\"m\"}}]",
		    c->step);
		ops(r, s);
	}
}

START_TEST(a_run_that_ends_over_one_of_two_claimed_jobs_takes_the_other_along)
{
	int i;

	w.host = overflowing;
	w.state_bytes_max = 1000;
	reopen("two", 2);
	register_fns("[" FN("f", EVENT("t/go"), 3) "," FN("failed",
	    EVENT("inngest/function.failed"), 0) "]");
	send_event("t/go", NULL, "{}");
	/* The top, aa and bb, cc and dd, and these once more. */
	for (i = 0; i < 4; i++) {
		turn();
		answer_all(w.engine);
		w.now_ms += w.retry_ms;
	}
	run_all();
	ck_assert_uint_eq(failures, 1);
}
END_TEST

static void
failing(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	struct json_object *data =
	    hq_json_get(hq_json_get(body, "event"), "data");

	(void)x;
	ck_assert_uint_le(strlen(c->body), HQ_ENGINE_CALL_BYTES_MAX);
	ck_assert_ptr_nonnull(data);
	if (!IS_FN(c, "failed")) {
		r->status = 500;
		r->body = text;
		return;
	}
	failures++;
	see(c->correlation);
	told = data;
}

static void
register_failing(void)
{
	w.host = failing;
	register_fns("[" FN("f", EVENT("t/go"), 0) "," FN("failed",
	    EVENT("inngest/function.failed"), 0) "]");
}

/* The largest events there are, and the largest error. */
static const struct {
	const char *name, *head;
	char c;
	size_t n;
	const char *tail;
} extremes[] = {
	{ "bytes", "{\"t\":\"", 'x', HQ_ENGINE_EVENT_BYTES_MAX - 8, "\"}" },
	{ "depth", "{\"t\":", '[', HQ_ENGINE_EVENT_DEPTH_MAX - 1, "" },
	{ "arrays", "{\"t\":[", ',', 2 * HQ_ENGINE_EVENT_CONTAINERS_MAX - 5,
	    "[]]}" },
};

/* text becomes extreme i; more: how far past the bound. */
static void
extreme(size_t i, size_t more)
{
	size_t n = extremes[i].n + more, at;

	padded(extremes[i].head, extremes[i].c, n, extremes[i].tail);
	if (extremes[i].c == '[') {
		at = strlen(text);
		memset(text + at, ']', n);
		strcpy(text + at + n, "}");
	}
	if (extremes[i].c == ',') {
		at = strlen(extremes[i].head);
		for (n = 0; n < HQ_ENGINE_EVENT_CONTAINERS_MAX - 2 + more; n++)
			memcpy(text + at + 3 * n, "[],", 3);
		strcpy(text + at + 3 * n - 1, "]}");
	}
}

START_TEST(the_failure_of_a_run_with_the_largest_event_can_be_told)
{
	register_failing();
	extreme((size_t)_i, 0);
	send_event("t/go", "e1", text);
	padded("{\"message\":\"", 'm', HQ_ENGINE_OUTCOME_BYTES_MAX - 14, "\"}");
	run_all();
	ck_assert_uint_eq(failures, 1);
	ck_assert_str_eq(hq_json_str(hq_json_get(told, "event"), "id"), "e1");
	ck_assert_ptr_nonnull(
	    hq_json_get(hq_json_get(hq_json_get(told, "event"), "data"), "t"));
	ck_assert_ptr_null(hq_json_get(told, "events"));
}
END_TEST

START_TEST(an_event_past_a_bound_is_refused)
{
	struct hq_event e = { .name = "t/go" };

	extreme((size_t)_i, 1);
	e.data = json(text);
	ck_assert_int_eq(hq_db_tx(w.db, send_tx, &e, &err),
	    HQ_E_PAYLOAD_TOO_LARGE);
}
END_TEST

START_TEST(a_small_cause_is_told_as_event_and_as_events)
{
	register_failing();
	padded("{\"message\":\"", 'm', 9, "\"}");
	send_event("t/go", "e1", "{\"n\":1}");
	run_all();
	ck_assert_str_eq(json_object_to_json_string_ext(hq_json_get(told,
							    "event"),
			     JSON_C_TO_STRING_PLAIN),
	    json_object_to_json_string_ext(
		json_object_array_get_idx(hq_json_get(told, "events"), 0),
		JSON_C_TO_STRING_PLAIN));
}
END_TEST

START_TEST(an_error_past_its_bound_is_replaced)
{
	register_failing();
	padded("{\"message\":\"", 'm', HQ_ENGINE_OUTCOME_BYTES_MAX, "\"}");
	send_event("t/go", NULL, "{}");
	run_all();
	ck_assert_str_eq(hq_json_str(hq_json_get(told, "error"), "message"),
	    "the error is too large");
}
END_TEST

START_TEST(a_failure_carries_the_correlation_of_its_cause)
{
	struct hq_event e = { .name = "t/go",
		.data = json("{\"t\":{\"_rawr\":1}}"),
		.correlation_id = "corr-1",
		.traceparent = "00-1-2-01" };
	struct json_object *ours;

	register_failing();
	padded("{\"message\":\"", 'm', 9, "\"}");
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	ours = hq_json_get(told, "_rawr");
	ck_assert_str_eq(hq_json_str(ours, "correlationId"), "corr-1");
	ck_assert_str_eq(hq_json_str(ours, "traceparent"), "00-1-2-01");
	ck_assert_str_eq(seen, "corr-1 "); /* and its call */
}
END_TEST

/* --------------------------------------------------------- conditions -- */

static const char *wait_if;
static int waits; /* of a run */

static void
waiting(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	static char op[8192];
	size_t n = 0;
	int i;

	(void)x;
	(void)c;
	if (has(body, "w1")) {
		met++;
		return;
	}
	for (i = 1; i <= waits; i++)
		n += (size_t)snprintf(op + n, sizeof(op) - n,
		    "%c{\"op\":\"WaitForEvent\",\"id\":\"w%d\","
		    "\"name\":\"t/sig\","
		    "\"opts\":{\"timeout\":\"1h\",\"if\":\"%s\"}}",
		    i == 1 ? '[' : ',', i, wait_if);
	ck_assert_uint_lt(n, sizeof(op) - 1);
	strcpy(op + n, "]");
	ops(r, op);
}

static void
wait_with(const char *expression, int n, const char *cause)
{
	wait_if = expression;
	while (n-- > 0) {
		send_event("t/go", NULL, cause);
		hq_arena_reset(arena);
	}
	run_all();
}

static void
signal_large(size_t n)
{
	send_event("t/sig", NULL, padded("{\"id\":1,\"t\":\"", 'x', n, "\"}"));
	run_all();
}

START_TEST(many_waits_with_a_condition_share_the_memory_for_one)
{
	w.memory_bytes = 12 << 20;
	reopen("small", 64);
	w.host = waiting;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	wait_with("async.data.id == event.data.id", 100,
	    padded("{\"id\":2,\"t\":\"", 'x', 512 << 10, "\"}"));
	wait_with(wait_if, 3, "{\"id\":1}");
	signal_large(512 << 10);
	ck_assert_uint_eq(met, 3);
}
END_TEST

/* Begins so, and adds up what is too much where `term` is large. */
static const char *
growing(const char *begin, const char *term, const char *end)
{
	static char grows[4096];
	int i;

	strcpy(grows, begin);
	strcat(grows, term);
	for (i = 0; i < 60; i++) {
		strcat(grows, " + ");
		strcat(grows, term);
	}
	strcat(grows, end);
	return grows;
}

START_TEST(the_waits_of_one_answer_share_the_memory_to_pin_them_down)
{
	w.memory_bytes = 12 << 20;
	reopen("small", 64);
	w.host = waiting;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	waits = 20;
	wait_with("async.data.id == event.data.id", 1,
	    padded("{\"id\":1,\"t\":\"", 'x', 512 << 10, "\"}"));
	signal_large(1);
	ck_assert_uint_eq(met, 1);
}
END_TEST

START_TEST(a_wait_that_needs_too_much_memory_to_pin_it_down_is_in_nobodys_way)
{
	waits = 2;
	w.host = waiting;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	wait_with(growing("async.data.id == ", "event.data.t", ""), 1,
	    padded("{\"t\":\"", 'x', 2 << 20, "\"}"));
	pass(3600000);
	ck_assert_uint_eq(met, 1); /* both are over */
}
END_TEST

START_TEST(a_condition_that_needs_too_much_memory_is_not_met)
{
	w.host = waiting;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	wait_with(growing("size(", "string(async.data)", ") > 1"), 1, "{}");
	wait_with("true", 1, "{}");
	signal_large(2 << 20);
	ck_assert_uint_eq(met, 1);
}
END_TEST

/* ------------------------------------------------------------- memory -- */

START_TEST(an_answer_that_does_not_fit_into_memory_fails_its_run)
{
	w.memory_bytes = 1 << 20;
	reopen("small", 64);
	register_failing();
	padded("{\"message\":\"", 'm', 2 << 20, "\"}");
	send_event("t/go", NULL, "{}");
	run_all();
	ck_assert_uint_eq(failures, 1);
	ck_assert_str_eq(hq_json_str(hq_json_get(told, "error"), "name"),
	    "InngestErrStateOverflowed");
}
END_TEST

START_TEST(an_event_that_does_not_fit_into_memory_is_set_aside)
{
	w.memory_bytes = 1 << 20;
	reopen("small", 64);
	register_failing();
	send_event("t/go", NULL, padded("{\"t\":\"", 'x', 2 << 20, "\"}"));
	padded("{\"message\":\"", 'm', 9, "\"}");
	run_all();
	ck_assert_uint_eq(w.total, 0);
	send_event("t/go", NULL, "{}");
	run_all();
	ck_assert_uint_eq(failures, 1);
}
END_TEST

static void
open_fresh(void)
{
	seen[0] = '\0';
	met = failures = 0;
	waits = 1;
	text = malloc(ENOUGH);
	world_open();
}

static void
close_all(void)
{
	world_close();
	free(text);
}

int
main(void)
{
	Suite *s = suite_create("engine_limits");
	TCase *t = tcase_create("limits");

	tcase_add_checked_fixture(t, open_fresh, close_all);
	tcase_add_test(t,
	    a_run_that_ends_over_one_of_two_claimed_jobs_takes_the_other_along);
	tcase_add_loop_test(t,
	    the_failure_of_a_run_with_the_largest_event_can_be_told, 0, 3);
	tcase_add_loop_test(t, an_event_past_a_bound_is_refused, 0, 3);
	tcase_add_test(t, a_small_cause_is_told_as_event_and_as_events);
	tcase_add_test(t, an_error_past_its_bound_is_replaced);
	tcase_add_test(t, a_failure_carries_the_correlation_of_its_cause);
	tcase_add_test(t, many_waits_with_a_condition_share_the_memory_for_one);
	tcase_add_test(t,
	    the_waits_of_one_answer_share_the_memory_to_pin_them_down);
	tcase_add_test(t,
	    a_wait_that_needs_too_much_memory_to_pin_it_down_is_in_nobodys_way);
	tcase_add_test(t, a_condition_that_needs_too_much_memory_is_not_met);
	tcase_add_test(t,
	    an_answer_that_does_not_fit_into_memory_fails_its_run);
	tcase_add_test(t, an_event_that_does_not_fit_into_memory_is_set_aside);
	suite_add_tcase(s, t);
	return run_suite(s);
}

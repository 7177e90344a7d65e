#include "flowtest.h"

/* ------------------------------------------------------------- functions -- */

static enum hq_rc
two_in_parallel(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	struct hq_branch b[] = { { .id = "a", .fn = give, .in = v },
		{ .id = "b", .fn = give, .in = v } };

	HQ_TRY(hq_parallel(f, b, 2, e));
	*ret_out = b[1].out;
	return HQ_OK;
}

static enum hq_rc
with_policy(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	const struct hq_step_policy p = { .retries = 0,
		.timeout_ms = 500,
		.priority = 1 };

	return hq_step_with(f, "a", &p, give, v, ret_out, e);
}

static enum hq_rc
failing_once_more(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	const struct hq_step_policy p = { .retries = 1 };

	return hq_step_with(f, "a", &p, boom, v, ret_out, e);
}

static enum hq_rc
waiting(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)v;
	return hq_wait_for_event(f, "a", "demo/go",
	    "event.data.id == async.data.id", 3600 * 1000, ret_out, e);
}

static enum hq_rc
looking_back(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)v;
	return hq_wait_for_event_since(f, "a", "demo/go", NULL, 2000,
	    INT64_C(1795431217000), ret_out, e);
}

static enum hq_rc
invoking(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	return hq_invoke(f, "a", "coordination-run", v, ret_out, e);
}

static enum hq_rc
emitting(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	*ret_out = NULL;
	return hq_send_event(f, "a", "demo/go", v, e);
}

static int64_t pause_ms;

static enum hq_rc
pausing(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	*ret_out = v;
	return hq_sleep(f, "a", pause_ms, e);
}

static enum hq_rc
pausing_until(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	*ret_out = v;
	return hq_sleep_until(f, "a", pause_ms, e);
}

/* ----------------------------------------------------------------- tests -- */

START_TEST(branches_are_planned_together)
{
	call(two_in_parallel, "{}");
	ck_ops("StepPlanned a, StepPlanned b");
}
END_TEST

START_TEST(a_branch_that_is_in_flight_is_reported_again)
{
	call(two_in_parallel, "{\"" A "\":{\"data\":1}}");
	ck_ops("StepPlanned b");
}
END_TEST

START_TEST(a_targeted_branch_runs_alone)
{
	given.target = B;
	call(two_in_parallel, "{}");
	ck_ops("StepRun b");
}
END_TEST

START_TEST(branches_are_done_when_all_are)
{
	call(two_in_parallel,
	    "{\"" A "\":{\"data\":1},\"" B "\":{\"data\":2}}");
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_value("2");
}
END_TEST

START_TEST(a_branch_that_failed_waits_for_the_others)
{
	call(two_in_parallel, "{\"" A "\":{\"error\":{\"name\":\"E\"}}}");
	ck_ops("StepPlanned b");
}
END_TEST

START_TEST(a_branch_that_failed_fails_them_all)
{
	call(two_in_parallel,
	    "{\"" A "\":{\"error\":{\"name\":\"E\",\"message\":\"m\"}},\"" B
	    "\":{\"data\":2}}");
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_value("{\"name\":\"E\",\"message\":\"m\"}");
}
END_TEST

START_TEST(a_policy_plans_the_step_with_what_it_sets)
{
	call(with_policy, "{}");
	ck_value("[{\"id\":\"" A "\",\"op\":\"StepPlanned\",\"name\":\"a\","
		 "\"displayName\":\"a\",\"userland\":{\"id\":\"a\"},"
		 "\"data\":null,\"opts\":{\"retries\":0,\"timeoutMs\":500,"
		 "\"priority\":1}}]");
}
END_TEST

START_TEST(a_step_with_a_policy_runs_as_the_target)
{
	given.target = A;
	call(with_policy, "{}");
	ck_ops("StepRun a");
}
END_TEST

START_TEST(a_recorded_input_replaces_the_step_s)
{
	given.target = A;
	call(with_policy, "{\"" A "\":{\"input\":[42]}}");
	ck_ops("StepRun a");
	ck_assert_int_eq(hq_json_i64(json_object_array_get_idx(answer.value, 0),
			     "data", 0),
	    42);
}
END_TEST

static const struct {
	int64_t ms;
	const char *name;
} sleeps[] = {
	{ 2000, "2s" },
	{ 90061000, "1d1h1m1s" },
	{ 3600000, "1h" },
	{ 1500, "1500ms" },
	{ 0, "0s" },
	{ -5, "0s" },
};

START_TEST(a_sleep_has_its_duration_for_name)
{
	pause_ms = sleeps[_i].ms;
	call(pausing, "{}");
	ck_ops("Sleep a");
	ck_assert_str_eq(hq_json_str(json_object_array_get_idx(answer.value, 0),
			     "name"),
	    sleeps[_i].name);
}
END_TEST

START_TEST(a_sleep_until_has_its_time_for_name)
{
	pause_ms = INT64_C(1893456000000);
	call(pausing_until, "{}");
	ck_assert_str_eq(hq_json_str(json_object_array_get_idx(answer.value, 0),
			     "name"),
	    "2030-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(a_sleep_beyond_the_calendar_is_refused)
{
	pause_ms = INT64_MAX;
	call(pausing_until, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
}
END_TEST

START_TEST(a_wait_that_looks_back_tells_since_when)
{
	call(looking_back, "{}");
	ck_value("[{\"id\":\"" A "\",\"op\":\"WaitForEvent\","
		 "\"name\":\"demo/go\",\"displayName\":\"a\","
		 "\"userland\":{\"id\":\"a\"},\"data\":null,"
		 "\"opts\":{\"timeout\":\"2s\","
		 "\"sinceMs\":1795431217000}}]");
}
END_TEST

START_TEST(a_wait_tells_event_expression_and_timeout)
{
	call(waiting, "{}");
	ck_value("[{\"id\":\"" A "\",\"op\":\"WaitForEvent\","
		 "\"name\":\"demo/go\",\"displayName\":\"a\","
		 "\"userland\":{\"id\":\"a\"},\"data\":null,"
		 "\"opts\":{\"timeout\":\"1h\","
		 "\"if\":\"event.data.id == async.data.id\"}}]");
}
END_TEST

static bool
is_ours(void *ctx, const char *id)
{
	(void)ctx;
	return strcmp(id, "coordination-run") == 0;
}

static const struct {
	bool (*own)(void *ctx, const char *id);
	const char *slug;
} invokes[] = {
	{ is_ours, "rawr-coordination-run" },
	{ NULL, "coordination-run" },
};

/* ------------------------------------ an engine that does not look back -- */

static const char *there; /* the event that is there; or NULL */

static enum hq_rc
look(void *ctx, struct json_object *asked, struct json_object **ret,
    struct hq_err *e)
{
	(void)ctx;
	(void)e;
	ck_assert_str_eq(hq_json_text(arena, asked),
	    "{\"name\":\"demo/go\",\"sinceMs\":1795431217000}");
	*ret = there == NULL ? NULL : json(there);
	return HQ_OK;
}

static char past[HQ_SHA1_HEX_BYTES];

static void
without_looking_back(void)
{
	setup();
	there = NULL;
	given.past_event = look;
	hq_sha1_hex("a/past", 6, past);
}

/* {"<a>": wait, "<a/past>": look}; what is NULL is not recorded. */
static const char *
recorded(const char *wait, const char *found)
{
	return hq_arena_printf(arena, "{%s%s%s%s%s%s%s}",
	    wait == NULL ? "" : "\"" A "\":", wait == NULL ? "" : wait,
	    wait == NULL || found == NULL ? "" : ",", found == NULL ? "" : "\"",
	    found == NULL ? "" : past,
	    found == NULL ? "" : "\":", found == NULL ? "" : found);
}

START_TEST(a_wait_is_told_together_with_a_look_that_is_planned)
{
	call(looking_back, "{}");
	ck_ops("WaitForEvent a, StepPlanned a/past");
	ck_assert_str_eq(hq_json_text(arena,
			     hq_json_get(json_object_array_get_idx(answer.value,
					     0),
				 "opts")),
	    "{\"timeout\":\"2s\"}");
	ck_assert_str_eq(hq_json_text(arena,
			     hq_json_get(json_object_array_get_idx(answer.value,
					     1),
				 "opts")),
	    "{\"parallelMode\":\"race\"}");
}
END_TEST

static const char *const waits[] = { NULL, "null", "{\"name\":\"demo/go\"}" };

/* The wait may have ended meanwhile: the look was promised all the same. */
START_TEST(a_look_runs_as_the_target)
{
	there = "{\"name\":\"demo/go\",\"data\":{}}";
	given.target = past;
	call(looking_back, recorded(waits[_i], NULL));
	ck_ops("StepRun a/past");
	ck_assert_str_eq(hq_json_text(arena,
			     hq_json_get(json_object_array_get_idx(answer.value,
					     0),
				 "data")),
	    there);
}
END_TEST

START_TEST(what_the_look_found_ends_the_wait)
{
	call(looking_back, recorded(NULL, "{\"data\":{\"n\":1}}"));
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_assert_str_eq(hq_json_text(arena, answer.value), "{\"n\":1}");
}
END_TEST

START_TEST(a_look_that_found_nothing_leaves_the_wait)
{
	call(looking_back, recorded(NULL, "{\"data\":null}"));
	ck_ops("WaitForEvent a");
	call(looking_back, recorded("{\"n\":2}", "{\"data\":null}"));
	ck_assert_str_eq(hq_json_text(arena, answer.value), "{\"n\":2}");
	call(looking_back, recorded("null", "{\"data\":null}"));
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_assert_ptr_null(answer.value);
}
END_TEST

/* Whatever a call went on with, every later one does. */
START_TEST(of_wait_and_look_the_one_recorded_first_counts)
{
	const char *both = recorded("{\"n\":2}", "{\"data\":{\"n\":1}}");

	given.stack =
	    json(hq_arena_printf(arena, "[\"x\",\"%s\",\"" A "\"]", past));
	call(looking_back, both);
	ck_assert_str_eq(hq_json_text(arena, answer.value), "{\"n\":1}");
	given.stack =
	    json(hq_arena_printf(arena, "[\"" A "\",\"x\",\"%s\"]", past));
	call(looking_back, both);
	ck_assert_str_eq(hq_json_text(arena, answer.value), "{\"n\":2}");
}
END_TEST

/* -------------------------------------------------------------------------- */

START_TEST(a_step_is_not_tried_more_often_than_its_policy_says)
{
	given.target = A;
	given.runtime.attempt = 0;
	call(failing_once_more, "{}");
	ck_ops("StepError a");
	ck_assert(!answer.no_retry);
	given.runtime.attempt = 1;
	call(failing_once_more, "{}");
	ck_ops("StepFailed a");
	ck_assert(answer.no_retry);
}
END_TEST

START_TEST(an_own_function_is_invoked_by_its_slug)
{
	struct json_object *opts;

	given.own_function = invokes[_i].own;
	call(invoking, "{}");
	opts = hq_json_get(json_object_array_get_idx(answer.value, 0), "opts");
	ck_assert_str_eq(hq_json_str(opts, "function_id"), invokes[_i].slug);
	ck_assert_str_eq(hq_json_text(arena, hq_json_get(opts, "payload")),
	    "{\"data\":{\"project\":\"p\"}}");
}
END_TEST

static enum hq_rc
note_event(void *ctx, const char *event_id, const char *name,
    struct json_object *data, struct hq_err *e)
{
	(void)e;
	*(char **)ctx = hq_arena_printf(arena, "%s %s %s", event_id, name,
	    hq_json_str(data, "project"));
	return HQ_OK;
}

START_TEST(an_event_is_sent_under_the_step_s_key)
{
	char *got = NULL;

	given.send_event = note_event;
	given.send_ctx = &got;
	call(emitting, "{}");
	ck_assert_str_eq(got, "01RUN/" A " demo/go p");
	ck_value("[{\"id\":\"" A "\",\"op\":\"StepRun\",\"name\":\"sendEvent\","
		 "\"displayName\":\"a\",\"userland\":{\"id\":\"a\"},"
		 "\"data\":{\"ids\":[\"01RUN/" A "\"]},"
		 "\"opts\":{\"type\":\"step.sendEvent\"}}]");
}
END_TEST

START_TEST(sending_without_a_port_fails_the_step)
{
	call(emitting, "{}");
	ck_ops("StepError a");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flow ops");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, arena_close);
	tcase_add_test(tc, branches_are_planned_together);
	tcase_add_test(tc, a_branch_that_is_in_flight_is_reported_again);
	tcase_add_test(tc, a_targeted_branch_runs_alone);
	tcase_add_test(tc, branches_are_done_when_all_are);
	tcase_add_test(tc, a_branch_that_failed_waits_for_the_others);
	tcase_add_test(tc, a_branch_that_failed_fails_them_all);
	tcase_add_test(tc, a_policy_plans_the_step_with_what_it_sets);
	tcase_add_test(tc, a_step_with_a_policy_runs_as_the_target);
	tcase_add_test(tc, a_recorded_input_replaces_the_step_s);
	tcase_add_loop_test(tc, a_sleep_has_its_duration_for_name, 0,
	    ROWS(sleeps));
	tcase_add_test(tc, a_sleep_until_has_its_time_for_name);
	tcase_add_test(tc, a_sleep_beyond_the_calendar_is_refused);
	tcase_add_test(tc, a_wait_tells_event_expression_and_timeout);
	tcase_add_test(tc, a_wait_that_looks_back_tells_since_when);
	tcase_add_loop_test(tc, an_own_function_is_invoked_by_its_slug, 0,
	    ROWS(invokes));
	tcase_add_test(tc, an_event_is_sent_under_the_step_s_key);
	tcase_add_test(tc, sending_without_a_port_fails_the_step);
	tcase_add_test(tc, a_step_is_not_tried_more_often_than_its_policy_says);
	suite_add_tcase(s, tc);
	tc = tcase_create("looks");
	tcase_add_checked_fixture(tc, without_looking_back, arena_close);
	tcase_add_test(tc, a_wait_is_told_together_with_a_look_that_is_planned);
	tcase_add_loop_test(tc, a_look_runs_as_the_target, 0, ROWS(waits));
	tcase_add_test(tc, what_the_look_found_ends_the_wait);
	tcase_add_test(tc, a_look_that_found_nothing_leaves_the_wait);
	tcase_add_test(tc, of_wait_and_look_the_one_recorded_first_counts);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

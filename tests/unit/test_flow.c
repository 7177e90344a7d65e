#include <signal.h>

#include "flowtest.h"

/* ------------------------------------------------- a function to learn from */

/*
 * Load what has changed, wait a minute, tell a service about it.  A step takes
 * what it needs as `in` and gives what the next one needs.
 */
static int loads, mails;
static const char *mail_key;

static enum hq_rc
load_changes(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *out = json_object_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(f), out, e));
	hq_json_put_str(out, "of", hq_json_str(in, "project"));
	hq_json_put_i64(out, "changes", 3);
	loads++;
	*ret_out = out;
	return HQ_OK;
}

static enum hq_rc
send_mail(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	if (hq_json_i64(in, "changes", 0) == 0)
		return HQ_FAIL_DECLARED(e, HQ_NON_RETRIABLE, NULL,
		    "there is nothing to mail");
	mail_key = hq_flow_key(f); /* what makes a repeated mail one mail */
	mails++;
	*ret_out = in;
	return HQ_OK;
}

static enum hq_rc
digest_run(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *changes;

	HQ_TRY(hq_step(f, "load-changes", load_changes, in, &changes, e));
	HQ_TRY(hq_sleep(f, "cool-off", 60 * 1000, e));
	return hq_step(f, "send-mail", send_mail, changes, ret_out, e);
}

/* ------------------------------------------------------------- functions -- */

static enum hq_rc
fail_for_good(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)f;
	(void)v;
	(void)ret_out;
	return HQ_FAIL_DECLARED(e, HQ_NON_RETRIABLE, NULL, "never");
}

static enum hq_rc
one_failing_for_good(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	return hq_step(f, "a", fail_for_good, v, ret_out, e);
}

static enum hq_rc
catching(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	enum hq_rc rc = hq_step(f, "a", boom, v, ret_out, e);

	if (rc == HQ_E_DECLARED && strcmp(e->name, "TypeError") == 0)
		return hq_step(f, "b", give, v, ret_out, e);
	return rc;
}

static enum hq_rc
three_times(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	int i;

	for (i = 0; i < 3; i++)
		HQ_TRY(hq_step(f, "loop", give, v, ret_out, e));
	return HQ_OK;
}

static enum hq_rc
around_a_taken_name(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	HQ_TRY(hq_step(f, "loop:1", give, v, ret_out, e));
	HQ_TRY(hq_step(f, "loop", give, v, ret_out, e));
	return hq_step(f, "loop", give, v, ret_out, e);
}

static enum hq_rc
without_end(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	for (;;)
		HQ_TRY(hq_step(f, "a", give, v, ret_out, e));
}

static enum hq_rc
deaf(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	if (hq_step(f, "a", give, v, ret_out, e) != HQ_OK)
		HQ_IGNORE(hq_step(f, "b", give, v, ret_out, e)); /* the test */
	*ret_out = NULL;
	return HQ_OK;
}

static enum hq_rc
nesting(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	return hq_step(f, "a", one_failing, v, ret_out, e);
}

static enum hq_rc
filling(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	struct hq_arena *a = hq_flow_arena(f);

	(void)e;
	if (hq_arena_alloc(a, (size_t)1 << 40, 1) == NULL)
		*ret_out = v;
	return HQ_OK;
}

/* ----------------------------------------------------------------- tests -- */

/* Run fn call by call as an engine does, until it ends; count the calls. */
static int
drive(hq_flow_fn *fn)
{
	struct json_object *memo = json("{}"), *op, *v;
	int n;

	for (n = 1; n < 10; n++) {
		given.steps = memo;
		hq_flow_exec(fn, &given, &answer);
		if (answer.what != HQ_EXEC_OPS)
			return n;
		op = json_object_array_get_idx(answer.value, 0);
		v = NULL;
		if (strcmp(hq_json_str(op, "op"), "StepRun") == 0) {
			v = json_object_new_object();
			hq_json_put(v, "data",
			    json_object_get(hq_json_get(op, "data")));
		}
		hq_json_put(memo, hq_json_str(op, "id"), v);
	}
	return n;
}

START_TEST(a_digest_runs_each_step_once_over_four_calls)
{
	ck_assert_int_eq(drive(digest_run), 4);
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_value("{\"of\":\"p\",\"changes\":3}");
	ck_assert_int_eq(loads, 1);
	ck_assert_int_eq(mails, 1);
}
END_TEST

START_TEST(a_key_is_the_run_and_the_step)
{
	(void)drive(digest_run);
	ck_assert_str_eq(mail_key,
	    "01RUN/efac1dd0c127ef59e980f018cb4bca39fe488691");
}
END_TEST

START_TEST(a_new_step_runs_at_once)
{
	call(three_times, "{}");
	ck_value("[{\"id\":\"" LOOP "\",\"op\":\"StepRun\",\"name\":\"loop\","
		 "\"displayName\":\"loop\",\"userland\":{\"id\":\"loop\"},"
		 "\"data\":{\"project\":\"p\"},\"opts\":{}}]");
}
END_TEST

START_TEST(planning_runs_nothing)
{
	given.plan_only = true;
	call(digest_run, "{}");
	ck_ops("StepPlanned load-changes");
	ck_assert_int_eq(loads, 0);
}
END_TEST

START_TEST(a_target_runs_although_planning_is_asked_for)
{
	given.plan_only = true;
	given.target = A;
	call(one_failing, "{}");
	ck_ops("StepError a");
}
END_TEST

static const struct {
	hq_flow_fn *fn;
	int attempt, max_attempts;
	const char *op;
	bool no_retry;
} failures[] = {
	{ one_failing, 0, 3, "StepError a", false },
	{ one_failing, 1, 3, "StepError a", false },
	{ one_failing, 2, 3, "StepFailed a", true },
	{ one_failing, 0, 1, "StepFailed a", true },
	{ one_failing, 7, 0, "StepError a", false },
	{ one_failing_for_good, 0, 3, "StepFailed a", true },
};

START_TEST(a_step_fails_for_good_with_its_last_attempt)
{
	given.runtime.attempt = failures[_i].attempt;
	given.runtime.max_attempts = failures[_i].max_attempts;
	call(failures[_i].fn, "{}");
	ck_ops(failures[_i].op);
	ck_assert_int_eq(answer.no_retry, failures[_i].no_retry);
}
END_TEST

START_TEST(a_failed_step_tells_name_and_message_and_no_more)
{
	call(one_failing, "{}");
	ck_value("[{\"id\":\"" A "\",\"op\":\"StepError\",\"name\":\"a\","
		 "\"displayName\":\"a\",\"userland\":{\"id\":\"a\"},"
		 "\"data\":null,\"opts\":{},\"error\":{\"name\":"
		 "\"SERVICE_UNAVAILABLE\",\"message\":\"boom\"}}]");
}
END_TEST

#define TYPE_ERROR \
	"{\"" A "\":{\"error\":{\"name\":\"TypeError\",\"message\":\"m\"," \
	"\"stack\":\"s\"}}}"

START_TEST(a_recorded_failure_can_be_caught)
{
	call(catching, TYPE_ERROR);
	ck_ops("StepRun b");
}
END_TEST

START_TEST(a_recorded_failure_that_is_not_caught_ends_the_run)
{
	call(one_failing, TYPE_ERROR);
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_assert(answer.no_retry);
	ck_value("{\"name\":\"TypeError\",\"message\":\"m\",\"stack\":\"s\"}");
}
END_TEST

static const struct {
	hq_flow_fn *fn;
	int attempt;
	bool no_retry;
	const char *value;
} fn_failures[] = {
	{ boom, 0, false,
	    "{\"name\":\"SERVICE_UNAVAILABLE\",\"message\":\"boom\"}" },
	{ boom, 2, true,
	    "{\"name\":\"SERVICE_UNAVAILABLE\",\"message\":\"boom\"}" },
	{ fail_for_good, 0, true,
	    "{\"name\":\"NonRetriableError\",\"message\":\"never\"}" },
};

START_TEST(a_function_that_fails_may_be_tried_while_attempts_are_left)
{
	given.runtime.attempt = fn_failures[_i].attempt;
	call(fn_failures[_i].fn, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_assert_int_eq(answer.no_retry, fn_failures[_i].no_retry);
	ck_value(fn_failures[_i].value);
}
END_TEST

static const struct {
	const char *memo, *value;
} memos[] = {
	{ "{\"data\":{\"x\":1}}", "{\"x\":1}" },
	{ "{\"data\":null}", "null" },
	{ "{\"data\":7,\"type\":\"data\"}", "7" },
	{ "{\"data\":7,\"type\":\"other\"}",
	    "{\"data\":7,\"type\":\"other\"}" },
	{ "{\"data\":{\"id\":7},\"name\":\"demo/go\"}",
	    "{\"data\":{\"id\":7},\"name\":\"demo/go\"}" },
	{ "{\"error\":7}", "{\"error\":7}" },
	{ "null", "null" },
	{ "[1]", "[1]" },
};

START_TEST(a_memo_of_any_shape_is_the_result)
{
	char steps[256];

	(void)snprintf(steps, sizeof(steps), "{\"" A "\":%s}", memos[_i].memo);
	call(one_failing, steps);
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_value(memos[_i].value);
}
END_TEST

START_TEST(a_repeated_id_is_numbered)
{
	call(three_times,
	    "{\"" LOOP "\":{\"data\":1},\"" LOOP_1 "\":{\"data\":2}}");
	ck_value("[{\"id\":\"" LOOP_2 "\",\"op\":\"StepRun\",\"name\":\"loop\","
		 "\"displayName\":\"loop\",\"userland\":{\"id\":\"loop\","
		 "\"index\":2},\"data\":{\"project\":\"p\"},\"opts\":{}}]");
}
END_TEST

START_TEST(a_number_that_is_taken_is_skipped)
{
	call(around_a_taken_name,
	    "{\"" LOOP_1 "\":{\"data\":1},\"" LOOP "\":{\"data\":2}}");
	ck_assert_str_eq(hq_json_str(json_object_array_get_idx(answer.value, 0),
			     "id"),
	    LOOP_2);
}
END_TEST

START_TEST(nothing_counts_after_a_suspension)
{
	call(deaf, "{}");
	ck_ops("StepRun a");
}
END_TEST

START_TEST(a_step_that_is_not_met_is_reported_with_what_is)
{
	given.target = LOOP;
	call(one_failing, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_assert(!answer.no_retry);
	ck_assert_str_eq(hq_json_str(answer.value, "requestedStep"), LOOP);
	ck_assert_str_eq(hq_json_text(arena,
			     hq_json_get(answer.value, "foundSteps")),
	    "[{\"id\":\"" A "\",\"name\":\"a\",\"displayName\":\"a\"}]");
}
END_TEST

START_TEST(a_step_that_is_recorded_is_not_run_again)
{
	given.target = A;
	call(one_failing, "{\"" A "\":{\"data\":1}}");
	ck_ops("");
}
END_TEST

START_TEST(a_run_of_too_many_steps_fails_for_good)
{
	struct hq_buf b;
	char id[32], sha[HQ_SHA1_HEX_BYTES];
	int i;

	hq_buf_init(&b, arena);
	hq_buf_puts(&b, "{\"" A "\":null");
	for (i = 1; i < HQ_FLOW_STEPS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "a:%d", i);
		hq_sha1_hex(id, strlen(id), sha);
		hq_buf_printf(&b, ",\"%s\":null", sha);
	}
	hq_buf_putc(&b, '}');
	call(without_end, hq_buf_str(&b));
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_assert(answer.no_retry);
}
END_TEST

START_TEST(a_step_within_a_step_is_a_bug)
{
	call(nesting, "{}");
}
END_TEST

START_TEST(a_full_arena_is_a_failure_that_may_be_tried_again)
{
	call(filling, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_assert(!answer.no_retry);
	ck_assert_ptr_null(answer.value);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flow");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, arena_close);
	tcase_add_test(tc, a_digest_runs_each_step_once_over_four_calls);
	tcase_add_test(tc, a_key_is_the_run_and_the_step);
	tcase_add_test(tc, a_new_step_runs_at_once);
	tcase_add_test(tc, planning_runs_nothing);
	tcase_add_test(tc, a_target_runs_although_planning_is_asked_for);
	tcase_add_loop_test(tc, a_step_fails_for_good_with_its_last_attempt, 0,
	    ROWS(failures));
	tcase_add_test(tc, a_failed_step_tells_name_and_message_and_no_more);
	tcase_add_test(tc, a_recorded_failure_can_be_caught);
	tcase_add_test(tc, a_recorded_failure_that_is_not_caught_ends_the_run);
	tcase_add_loop_test(tc,
	    a_function_that_fails_may_be_tried_while_attempts_are_left, 0,
	    ROWS(fn_failures));
	tcase_add_loop_test(tc, a_memo_of_any_shape_is_the_result, 0,
	    ROWS(memos));
	tcase_add_test(tc, a_repeated_id_is_numbered);
	tcase_add_test(tc, a_number_that_is_taken_is_skipped);
	tcase_add_test(tc, nothing_counts_after_a_suspension);
	tcase_add_test(tc, a_step_that_is_not_met_is_reported_with_what_is);
	tcase_add_test(tc, a_step_that_is_recorded_is_not_run_again);
	tcase_add_test(tc, a_run_of_too_many_steps_fails_for_good);
	tcase_add_test_raise_signal(tc, a_step_within_a_step_is_a_bug, SIGABRT);
	tcase_add_test(tc, a_full_arena_is_a_failure_that_may_be_tried_again);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

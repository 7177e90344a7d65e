/*
 * A function that goes on behind a step within a call.
 */
#include "flowtest.h"

enum { SENT_MAX = 8 };

/* The engine's side: what was sent, and everything that happened, in order. */
static struct {
	char sent[SENT_MAX][256];
	size_t n_sent, takes, waits, hears; /* of sent, and of waits */
	struct hq_buf log;
} engine;

static bool
engine_send(void *ctx, const char *op, size_t bytes)
{
	ck_assert_ptr_eq(ctx, &engine);
	if (engine.n_sent == engine.takes)
		return false;
	ck_assert_uint_lt(engine.n_sent, SENT_MAX);
	(void)snprintf(engine.sent[engine.n_sent++], sizeof(engine.sent[0]),
	    "%.*s", (int)bytes, op);
	hq_buf_puts(&engine.log, "told ");
	return true;
}

static bool
engine_wait(void *ctx)
{
	ck_assert_ptr_eq(ctx, &engine);
	hq_buf_puts(&engine.log, "wait ");
	return engine.waits++ < engine.hears;
}

static const struct hq_checkpoints checkpoints = { engine_send, engine_wait,
	&engine };

static void
open_engine(void)
{
	setup();
	memset(&engine, 0, sizeof(engine));
	engine.takes = engine.hears = SENT_MAX;
	hq_buf_init(&engine.log, arena);
	given.checkpoints = &checkpoints;
}

static void
ck_log(const char *want)
{
	ck_assert_str_eq(hq_buf_str(&engine.log), want);
}

/* ------------------------------------------------------------- functions -- */

static enum hq_rc
noted(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)e;
	hq_buf_printf(&engine.log, "run%d ", hq_flow_runtime(f)->attempt);
	*ret_out = v;
	return HQ_OK;
}

static enum hq_rc
in_a_row(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", noted, v, ret_out, e));
	HQ_TRY(hq_step(f, "b", noted, v, ret_out, e));
	return hq_step(f, "loop", noted, v, ret_out, e);
}

static enum hq_rc
then_fails(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", noted, v, ret_out, e));
	return hq_step(f, "b", boom, v, ret_out, e);
}

static enum hq_rc
then_the_function_fails(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", noted, v, ret_out, e));
	return HQ_FAIL(e, SERVICE_UNAVAILABLE, "boom");
}

static enum hq_rc
then_sleeps(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", noted, v, ret_out, e));
	return hq_sleep(f, "nap", 1000, e);
}

static enum hq_rc
then_waits(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", noted, v, ret_out, e));
	return hq_wait_for_event(f, "word", "t/word", NULL, 1000, ret_out, e);
}

static enum hq_rc
under_a_policy(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	static const struct hq_step_policy policy = { .retries = 1 };

	HQ_TRY(hq_step(f, "a", noted, v, ret_out, e));
	return hq_step_with(f, "b", &policy, noted, v, ret_out, e);
}

static enum hq_rc
deaf(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	HQ_IGNORE(hq_step(f, "a", noted, v, ret_out, e)); /* the test */
	HQ_IGNORE(hq_step(f, "b", noted, v, ret_out, e));
	HQ_IGNORE(hq_step(f, "loop", noted, v, ret_out, e));
	*ret_out = v;
	return HQ_OK;
}

static enum hq_rc
branching(struct hq_flow *f, size_t n, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	struct hq_branch two[] = { { .id = "a", .fn = noted, .in = v },
		{ .id = "b", .fn = noted, .in = v } };

	HQ_TRY(hq_parallel(f, two, n, e));
	*ret_out = two[n - 1].out;
	return HQ_OK;
}

static enum hq_rc
one_branch(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	return branching(f, 1, v, ret_out, e);
}

static enum hq_rc
two_branches(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	return branching(f, 2, v, ret_out, e);
}

/* A value that its JSON text does not give back as it was. */
static enum hq_rc
odd(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	struct json_object *o = json_object_new_object();

	(void)v;
	HQ_TRY(hq_json_own(hq_flow_arena(f), o, e));
	hq_json_put(o, "n", json_object_new_double(3.0));
	*ret_out = o;
	return HQ_OK;
}

static const char *seen;

static enum hq_rc
looking(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", odd, v, ret_out, e));
	seen =
	    json_type_to_name(json_object_get_type(hq_json_get(*ret_out, "n")));
	return hq_step(f, "b", noted, *ret_out, ret_out, e);
}

/* Nested deeper than what may be read back. */
static enum hq_rc
deep(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	struct json_object *o = json_object_new_array(), *around;
	int i;

	(void)v;
	for (i = 0; i < HQ_JSON_DEPTH_MAX; i++) {
		around = json_object_new_array();
		hq_json_push(around, o);
		o = around;
	}
	HQ_TRY(hq_json_own(hq_flow_arena(f), o, e));
	*ret_out = o;
	return HQ_OK;
}

static enum hq_rc
deepening(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	HQ_TRY(hq_step(f, "a", deep, v, ret_out, e));
	return hq_step(f, "b", noted, v, ret_out, e);
}

/* ----------------------------------------------------------------- tests -- */

#define TOLD(hash) \
	"{\"op\":\"StepRun\",\"id\":\"" hash "\",\"data\":" \
	"{\"project\":\"p\"}}"

START_TEST(a_function_goes_on_behind_its_steps_to_its_result)
{
	call(in_a_row, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_value("{\"project\":\"p\"}");
	ck_assert_uint_eq(engine.n_sent, 3);
	ck_assert_str_eq(engine.sent[0], TOLD(A));
	ck_assert_str_eq(engine.sent[1], TOLD(B));
	ck_assert_str_eq(engine.sent[2], TOLD(LOOP));
}
END_TEST

START_TEST(a_steps_code_runs_only_when_the_one_before_is_recorded)
{
	call(in_a_row, "{}");
	ck_log("run0 told wait run0 told wait run0 told ");
}
END_TEST

START_TEST(what_is_recorded_already_is_not_told_of_again)
{
	call(in_a_row, "{\"" A "\":{\"data\":1}}");
	ck_log("run0 told wait run0 told ");
	ck_assert_str_eq(engine.sent[0], TOLD(B));
}
END_TEST

START_TEST(without_checkpoints_a_step_ends_the_call)
{
	given.checkpoints = NULL;
	call(in_a_row, "{}");
	ck_ops("StepRun a");
	ck_log("run0 ");
}
END_TEST

START_TEST(a_step_that_is_not_taken_as_a_checkpoint_ends_the_call_as_an_op)
{
	engine.takes = 1;
	call(in_a_row, "{}");
	ck_ops("StepRun b");
	ck_value("[{\"id\":\"" B "\",\"op\":\"StepRun\",\"name\":\"b\","
		 "\"displayName\":\"b\",\"userland\":{\"id\":\"b\"},"
		 "\"data\":{\"project\":\"p\"},\"opts\":{}}]");
	ck_assert_uint_eq(engine.n_sent, 1);
	ck_log("run0 told wait run0 ");
}
END_TEST

START_TEST(a_call_that_was_given_up_runs_no_further_code)
{
	engine.hears = 1;
	call(in_a_row, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_GIVEN_UP);
	ck_assert_ptr_null(answer.value);
	ck_log("run0 told wait run0 told wait ");
}
END_TEST

START_TEST(a_function_that_overhears_that_it_was_given_up_runs_no_further_code)
{
	engine.hears = 0;
	call(deaf, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_GIVEN_UP);
	ck_log("run0 told wait ");
}
END_TEST

START_TEST(a_function_sees_what_is_recorded_and_not_what_the_step_gave)
{
	call(looking, "{}");
	ck_assert_str_eq(engine.sent[0],
	    "{\"op\":\"StepRun\",\"id\":\"" A "\",\"data\":{\"n\":3}}");
	ck_assert_str_eq(seen, "int");
	call(looking, "{\"" A "\":{\"data\":{\"n\":3}}}");
	ck_assert_str_eq(seen, "int");
}
END_TEST

START_TEST(a_result_that_cannot_be_read_back_makes_no_checkpoint)
{
	call(deepening, "{}");
	ck_ops("StepRun a");
	ck_log("");
}
END_TEST

START_TEST(behind_a_checkpoint_attempts_start_anew)
{
	given.runtime.attempt = 2;
	call(in_a_row, "{}");
	ck_log("run2 told wait run0 told wait run0 told ");
	ck_assert_int_eq(given.runtime.attempt, 2); /* the caller's own */
}
END_TEST

static const struct {
	hq_flow_fn *fn;
	enum { STEP_ERROR, FN_ERROR } how;
} failures[] = {
	{ then_fails, STEP_ERROR },
	{ then_the_function_fails, FN_ERROR },
};

START_TEST(what_fails_behind_a_checkpoint_may_be_tried_again)
{
	given.runtime.attempt = 2; /* the last one, of the step before */
	call(failures[_i].fn, "{}");
	if (failures[_i].how == STEP_ERROR)
		ck_ops("StepError b");
	else
		ck_assert_int_eq(answer.what, HQ_EXEC_FAILED);
	ck_assert(!answer.no_retry);
}
END_TEST

START_TEST(a_step_that_fails_is_no_checkpoint)
{
	call(one_failing, "{}");
	ck_ops("StepError a");
	ck_assert_uint_eq(engine.n_sent, 0);
}
END_TEST

START_TEST(a_step_that_was_asked_for_ends_the_call)
{
	given.target = B;
	call(in_a_row, "{\"" A "\":{\"data\":1}}");
	ck_ops("StepRun b");
	ck_log("run0 ");
}
END_TEST

START_TEST(planning_makes_no_checkpoint)
{
	given.plan_only = true;
	call(in_a_row, "{}");
	ck_ops("StepPlanned a");
	ck_log("");
}
END_TEST

static const struct {
	hq_flow_fn *fn;
	const char *op;
} reports[] = {
	{ then_sleeps, "Sleep nap" },
	{ then_waits, "WaitForEvent word" },
	{ under_a_policy, "StepPlanned b" },
};

/* The engine takes both in one turn: there is nothing to wait for. */
START_TEST(what_the_engine_carries_out_is_told_without_waiting)
{
	call(reports[_i].fn, "{}");
	ck_ops(reports[_i].op);
	ck_assert_uint_eq(engine.n_sent, 1);
	ck_log("run0 told ");
}
END_TEST

START_TEST(a_single_branch_goes_on_like_a_step)
{
	call(one_branch, "{}");
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_value("{\"project\":\"p\"}");
	ck_log("run0 told ");
}
END_TEST

START_TEST(several_branches_are_planned)
{
	call(two_branches, "{}");
	ck_ops("StepPlanned a, StepPlanned b");
	ck_log("");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flow_checkpoints");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, open_engine, arena_close);
	tcase_add_test(tc, a_function_goes_on_behind_its_steps_to_its_result);
	tcase_add_test(tc,
	    a_steps_code_runs_only_when_the_one_before_is_recorded);
	tcase_add_test(tc, what_is_recorded_already_is_not_told_of_again);
	tcase_add_test(tc, without_checkpoints_a_step_ends_the_call);
	tcase_add_test(tc,
	    a_step_that_is_not_taken_as_a_checkpoint_ends_the_call_as_an_op);
	tcase_add_test(tc, a_call_that_was_given_up_runs_no_further_code);
	tcase_add_test(tc,
	    a_function_that_overhears_that_it_was_given_up_runs_no_further_code);
	tcase_add_test(tc,
	    a_function_sees_what_is_recorded_and_not_what_the_step_gave);
	tcase_add_test(tc,
	    a_result_that_cannot_be_read_back_makes_no_checkpoint);
	tcase_add_test(tc, behind_a_checkpoint_attempts_start_anew);
	tcase_add_loop_test(tc,
	    what_fails_behind_a_checkpoint_may_be_tried_again, 0,
	    ROWS(failures));
	tcase_add_test(tc, a_step_that_fails_is_no_checkpoint);
	tcase_add_test(tc, a_step_that_was_asked_for_ends_the_call);
	tcase_add_test(tc, planning_makes_no_checkpoint);
	tcase_add_loop_test(tc,
	    what_the_engine_carries_out_is_told_without_waiting, 0,
	    ROWS(reports));
	tcase_add_test(tc, a_single_branch_goes_on_like_a_step);
	tcase_add_test(tc, several_branches_are_planned);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

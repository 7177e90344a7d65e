#include "coordflow.h"

#define UNEVEN_OK \
	WORKFLOW("wf", "a", \
	    DESK("a", "desk:analysis", "false") "," DESK("b", "desk:qa", \
		"false") "," DESK("c", "desk:qa", "true") "," DESK("d", \
		"desk:qa", "false") "," DESK("j", "desk:join", "false"), \
	    HANDOFF("1", "a", "b") "," HANDOFF("2", "a", "c") "," HANDOFF("3", \
		"c", \
		"d") "," HANDOFF("4", "b", "j") "," HANDOFF("5", "d", "j"))

START_TEST(a_join_behind_uneven_branches_waits_for_both)
{
	struct hq_exec_out out;

	drive(hq_coord_workflow_runner.run, queued(UNEVEN_OK), &out);
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_assert_ptr_nonnull(strstr(status(), "\"status\":\"completed\""));
	ck_assert_ptr_nonnull(strstr(status(),
	    "\"output\":{\"deskId\":\"j\",\"status\":\"joined\",\"merged\":"
	    "{\"b\":{\"deskId\":\"b\""));
	ck_assert_ptr_nonnull(strstr(status(), "\"d\":{\"deskId\":\"d\""));
	ck_assert_str_eq(hq_buf_str(&ids),
	    "coordination/run-start "
	    "desk/a/started desk/a/memory-read desk/a/execute desk/a/completed "
	    "desk/b/started desk/b/memory-read desk/b/execute desk/b/completed "
	    "desk/c/started desk/c/memory-read desk/c/execute "
	    "desk/c/memory-write desk/c/completed "
	    "desk/d/started desk/d/memory-read desk/d/execute desk/d/completed "
	    "desk/j/started desk/j/memory-read desk/j/execute desk/j/completed "
	    "coordination/run-completed ");
}
END_TEST

#define SINGLE \
	WORKFLOW("wf", "solo", DESK("solo", "desk:analysis", "false"), "")
#define POLICY \
	WORKFLOW("wf", "solo", \
	    DESK("solo", "desk:qa", \
		"false},'runtimePolicy':{'retries':1,'timeoutSeconds':5," \
		"'priority':'high'"), \
	    "")

START_TEST(the_timeline_tells_the_run_from_start_to_end)
{
	struct hq_exec_out out;
	const char *got;

	drive(hq_coord_workflow_runner.run, queued(SINGLE), &out);
	got = timeline();
	ck_assert_ptr_nonnull(strstr(got,
	    "\"status\":\"running\",\"detail\":\"Inngest execution started "
	    "(engine-1)\",\"output\":{\"t\":1}}"));
	ck_assert_ptr_nonnull(strstr(got,
	    "\"type\":\"desk.started\",\"deskId\":\"solo\",\"ts\":"
	    "\"2026-11-23T11:09:01.657Z\",\"status\":\"running\",\"detail\":"
	    "\"Desk solo started\",\"output\":{\"t\":1}}"));
	ck_assert_ptr_nonnull(strstr(got,
	    "\"type\":\"run.completed\",\"ts\":\"2026-11-23T11:09:01.657Z\","
	    "\"status\":\"completed\",\"detail\":\"Inngest execution completed "
	    "(engine-1)\",\"output\":{\"deskId\":\"solo\",\"status\":\"ok\","
	    "\"kind\":\"desk:analysis\",\"received\":{\"t\":1},\"memory\":"
	    "null}}]}"));
}
END_TEST

START_TEST(a_desk_with_a_policy_is_planned_and_then_run)
{
	struct hq_exec_out out;

	drive(hq_coord_workflow_runner.run, queued(POLICY), &out);
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_assert_ptr_nonnull(strstr(status(), "\"status\":\"completed\""));
}
END_TEST

START_TEST(a_desk_that_fails_for_good_ends_the_run)
{
	struct hq_exec_out out;
	const char *got;

	fail_step = "desk/solo/execute";
	drive(hq_coord_workflow_runner.run, queued(SINGLE), &out);
	ck_assert_int_eq(out.what, HQ_EXEC_FAILED);
	ck_assert(out.no_retry);
	ck_assert_str_eq(hq_json_str(out.value, "message"), "boom");
	ck_assert_ptr_nonnull(strstr(status(), "\"error\":\"boom\""));
	got = timeline();
	ck_assert(strstr(got, "desk.failed") < strstr(got, "run.failed"));
}
END_TEST

START_TEST(an_event_with_an_invalid_workflow_fails_the_run)
{
	struct json_object *data = queued(SINGLE);
	struct hq_exec_out out;

	hq_json_put(data, "workflow", json_object_get(json("{'desks':[]}")));
	drive(hq_coord_workflow_runner.run, data, &out);
	ck_assert_int_eq(out.what, HQ_EXEC_FAILED);
	ck_assert_ptr_nonnull(strstr(status(), "\"status\":\"failed\""));
}
END_TEST

START_TEST(a_run_cancelled_before_its_start_runs_no_desk)
{
	struct json_object *data = queued(SINGLE);
	struct hq_exec_out out;

	(void)call(hq_coord_cancel_run, json("{'runId':'r'}"));
	drive(hq_coord_workflow_runner.run, data, &out);
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_assert_str_eq(hq_buf_str(&ids), "coordination/run-start ");
}
END_TEST

START_TEST(a_failed_function_marks_its_run_once)
{
	struct json_object *data = json(hq_arena_printf(arena,
	    "{'event':{'data':%s},'error':{'message':'host died'}}",
	    hq_json_text(arena, queued(SINGLE))));
	struct hq_exec_out out;
	const char *before;

	drive(hq_coord_workflow_runner.on_failure, data, &out);
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	before = status();
	ck_assert_ptr_nonnull(strstr(before, "\"error\":\"host died\""));
	memo = json_object_new_object();
	ck_hq_ok(hq_json_own(arena, memo, &err));
	drive(hq_coord_workflow_runner.on_failure, data, &out);
	ck_assert_str_eq(status(), before);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("coordination flow");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, flow_open, domain_close);
	tcase_add_test(tc, a_join_behind_uneven_branches_waits_for_both);
	tcase_add_test(tc, the_timeline_tells_the_run_from_start_to_end);
	tcase_add_test(tc, a_desk_with_a_policy_is_planned_and_then_run);
	tcase_add_test(tc, a_desk_that_fails_for_good_ends_the_run);
	tcase_add_test(tc, an_event_with_an_invalid_workflow_fails_the_run);
	tcase_add_test(tc, a_run_cancelled_before_its_start_runs_no_desk);
	tcase_add_test(tc, a_failed_function_marks_its_run_once);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "coordflow.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "auth/keys.h"
#include "domain/coordination/task.h"

/* A desk with its executor and whatever else, ' for ". */
#define ECHO "'executor':{'kind':'echo'}"
#define AGENT "'executor':{'kind':'agent'}"
#define DESK_OF(id, kind, in, out, more) \
	"{'deskId':'" id "','kind':'" kind "','name':'Desk " id \
	"','responsibility':'r','domain':'d','inputSchema':" in \
	",'outputSchema':" out ",'memoryScope':{'persist':false}" more "}"
#define PLAIN(id, kind) DESK_OF(id, kind, "{}", "{}", "")
#define WITH(id, kind, more) DESK_OF(id, kind, "{}", "{}", "," more)
#define OVER(id, from, to, more) \
	"{'handoffId':'" id "','fromDeskId':'" from "','toDeskId':'" to \
	"'," more "}"

static struct hq_exec_out out;

static void
run(const char *workflow)
{
	drive(hq_coord_workflow_runner.run, queued(workflow), &out);
}

static void
ck_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no %s in\n%s", part, text);
}

static void
ck_has_not(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "%s in\n%s", part, text);
}

/* ' for " in both: what the run's output is. */
static void
ck_output(const char *want)
{
	ck_assert_msg(out.what == HQ_EXEC_DONE, "%s",
	    hq_json_text(arena, out.value));
	ck_assert_str_eq(hq_json_text(arena, out.value),
	    hq_json_text(arena, json(want)));
}

static void
ck_failed(const char *why)
{
	ck_assert_int_eq(out.what, HQ_EXEC_FAILED);
	ck_assert_str_eq(hq_json_str(out.value, "message"), why);
	ck_has(status(), "\"status\":\"failed\"");
}

#define ECHOED(id, kind, received) \
	"{'deskId':'" id "','status':'ok','kind':'" kind \
	"','received':" received ",'memory':null}"

/* ------------------------------------------------- conditions and mappings -- */

#define FORK(executor, c, d) \
	WORKFLOW("wf", "a", \
	    WITH("a", "desk:analysis", executor) "," PLAIN("b", \
		"desk:analysis") "," PLAIN("c", \
		"desk:analysis") "," PLAIN("j", "desk:join"), \
	    OVER("1", "a", "b", "'condition':'" c "'") "," OVER("2", "a", "c", \
		"'condition':'" d \
		"'") "," HANDOFF("3", "b", "j") "," HANDOFF("4", "c", "j"))

START_TEST(a_desk_without_a_taken_handoff_is_skipped_and_says_so)
{
	run(FORK(ECHO, "output.received.t == 1", "input.t > 1"));
	ck_output("{'deskId':'j','status':'joined','merged':{'b':" ECHOED("b",
	    "desk:analysis",
	    ECHOED("a", "desk:analysis", "{'t':1}")) "},'memory':null}");
	ck_has(timeline(),
	    "\"type\":\"desk.completed\",\"deskId\":\"c\",\"ts\":"
	    "\"2026-11-23T11:09:01.657Z\",\"status\":\"running\",\"detail\":"
	    "\"Desk c skipped: no inbound handoff was taken\"}");
	ck_has(hq_buf_str(&ids), " desk/c/skipped ");
	ck_has_not(hq_buf_str(&ids), "desk/c/started");
}
END_TEST

START_TEST(
    behind_a_skipped_desk_desks_are_skipped_and_the_last_one_that_ran_speaks)
{
	run(FORK(ECHO, "false", "desk == 1"));
	ck_output(ECHOED("a", "desk:analysis", "{'t':1}"));
	ck_has(hq_buf_str(&ids),
	    "desk/b/skipped desk/c/skipped desk/j/skipped "
	    "coordination/run-completed ");
}
END_TEST

START_TEST(without_an_executor_conditions_are_ignored)
{
	run(FORK("'runtimePolicy':{}", "false", "$.y"));
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_has_not(hq_buf_str(&ids), "skipped");
	ck_has(hq_buf_str(&ids), "desk/j/completed");
}
END_TEST

#define TWO(a, b, over) WORKFLOW("wf", "a", a "," b, OVER("1", "a", "b", over))

START_TEST(a_mapping_shapes_what_the_target_receives)
{
	run(TWO(WITH("a", "desk:analysis", ECHO),
	    DESK_OF("b", "desk:analysis",
		"{'type':'object','required':['n','from']}", "{}", ""),
	    "'mappingRefs':{'n':'output.received.t + 1','from':'desk',"
	    "'all':'input','no':'output.nothing'}"));
	ck_output(ECHOED("b", "desk:analysis",
	    "{'n':2,'from':'a','all':{'t':1},'no':null}"));
}
END_TEST

START_TEST(an_expression_that_cannot_be_evaluated_fails_the_run_by_name)
{
	run(TWO(WITH("a", "desk:analysis", ECHO), PLAIN("b", "desk:analysis"),
	    "'condition':'input.t < input'"));
	ck_failed("the condition of handoff 1: only two numbers or two strings "
		  "have an order at 8");
	ck_has(timeline(), "\"type\":\"desk.failed\",\"deskId\":\"b\"");
}
END_TEST

/* ----------------------------------------------------------------- schemas -- */

START_TEST(an_input_that_does_not_fit_fails_with_its_path)
{
	run(WORKFLOW("wf", "a",
	    DESK_OF("a", "desk:analysis",
		"{'properties':{'t':{'type':'string'}}}", "{}", "," ECHO),
	    ""));
	ck_failed("desk a: input.t must be string");
}
END_TEST

START_TEST(an_output_that_does_not_fit_fails_with_its_path)
{
	run(WORKFLOW("wf", "a",
	    DESK_OF("a", "desk:analysis", "{}",
		"{'properties':{'received':{'required':['u']}}}", "," ECHO),
	    ""));
	ck_failed("desk a: output.received.u is required");
	ck_has_not(hq_buf_str(&ids), "desk/a/completed");
}
END_TEST

START_TEST(each_part_of_a_join_has_to_fit)
{
	run(WORKFLOW("wf", "a",
	    WITH("a", "desk:analysis", ECHO) "," PLAIN("b",
		"desk:analysis") "," DESK_OF("j", "desk:join",
		"{'properties':{'status':{'enum':['ok']},'kind':{'enum':['x']}}"
		"}",
		"{}", ""),
	    HANDOFF("1", "a", "b") "," HANDOFF("2", "a", "j") "," HANDOFF("3",
		"b", "j")));
	ck_failed("desk j: input[\"a\"].kind must be one of the values of its "
		  "enum");
}
END_TEST

START_TEST(without_an_executor_schemas_are_ignored)
{
	run(WORKFLOW("wf", "a",
	    DESK_OF("a", "desk:analysis", "{'type':'string'}",
		"{'type':'string'}", ""),
	    ""));
	ck_output(ECHOED("a", "desk:analysis", "{'t':1}"));
}
END_TEST

/* ------------------------------------------------------ observer and rework -- */

START_TEST(an_observer_passes_on_what_it_received)
{
	run(WORKFLOW("wf", "a",
	    WITH("a", "desk:analysis", ECHO) "," PLAIN("o",
		"desk:observer") "," PLAIN("b", "desk:analysis"),
	    HANDOFF("1", "a", "o") "," HANDOFF("2", "o", "b")));
	ck_output(ECHOED("b", "desk:analysis",
	    ECHOED("a", "desk:analysis", "{'t':1}")));
	ck_has(timeline(),
	    "\"detail\":\"Desk o completed\",\"output\":{\"deskId\":\"o\"");
}
END_TEST

#define REWORK(when, rounds) \
	WORKFLOW("wf", "a", \
	    PLAIN("a", "desk:analysis") "," PLAIN("b", \
		"desk:execution") "," WITH("q", "desk:qa", \
		ECHO ",'rework':{'toDeskId':'b','when':'" when \
		     "','maxRounds':" rounds \
		     "}") "," PLAIN("z", "desk:analysis"), \
	    HANDOFF("1", "a", "b") "," HANDOFF("2", "b", "q") "," HANDOFF("3", \
		"q", "z"))

START_TEST(a_qa_sends_work_back_until_it_is_content)
{
	const char *got;

	run(REWORK("output.received.received.round != 1", "3"));
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_assert_str_eq(hq_buf_str(&ids),
	    "coordination/run-start "
	    "desk/a/started desk/a/memory-read desk/a/execute desk/a/completed "
	    "desk/b/started desk/b/memory-read desk/b/execute desk/b/completed "
	    "desk/q/started desk/q/memory-read desk/q/execute desk/q/completed "
	    "desk/b/started#2 desk/b/memory-read#2 desk/b/execute#2 "
	    "desk/b/completed#2 "
	    "desk/q/started#2 desk/q/memory-read#2 desk/q/execute#2 "
	    "desk/q/completed#2 "
	    "desk/z/started desk/z/memory-read desk/z/execute desk/z/completed "
	    "coordination/run-completed ");
	got = timeline();
	ck_has(got,
	    "\"Desk q completed; it sends work back to b, round 1 of 3\"");
	ck_has(got,
	    "\"detail\":\"Desk b started\",\"output\":{\"received\":{"
	    "\"deskId\":\"a\"");
	ck_has(got, "\"rework\":{\"deskId\":\"q\"");
	ck_has(got, "\"round\":1}");
}
END_TEST

START_TEST(when_the_rounds_are_spent_the_run_goes_on)
{
	run(REWORK("true", "2"));
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_has(hq_buf_str(&ids), "desk/q/completed#3 desk/z/started ");
	ck_has(timeline(),
	    "\"Desk q completed; it wants rework, but its 2 rounds are spent\"");
}
END_TEST

START_TEST(what_hangs_on_the_desk_that_works_again_works_again_too)
{
	run(WORKFLOW("wf", "a",
	    PLAIN("a", "desk:analysis") "," PLAIN("s",
		"desk:analysis") "," WITH("q", "desk:qa",
		ECHO
		",'rework':{'toDeskId':'a','when':'true','maxRounds':1}") "," PLAIN("j",
		"desk:join"),
	    HANDOFF("1", "a", "s") "," HANDOFF("2", "a", "q") "," HANDOFF("3",
		"s", "j") "," HANDOFF("4", "q", "j")));
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_has(hq_buf_str(&ids), "desk/s/completed#2 desk/q/started#2");
	ck_has(hq_buf_str(&ids), "desk/j/started ");
}
END_TEST

/* --------------------------------------------------------------- executors -- */

START_TEST(a_function_does_the_work_and_its_result_is_checked)
{
	invoke_result = "{'n':2}";
	run(WORKFLOW("wf", "a",
	    WITH("a", "desk:execution",
		"'executor':{'kind':'function','functionId':'double'}"),
	    ""));
	ck_output("{'n':2}");
	ck_assert_str_eq(hq_json_str(invoked, "function_id"), "double");
	ck_has(hq_json_text(arena, invoked), "\"input\":{\"t\":1},\"memory\"");
	ck_has(hq_json_text(arena, invoked), "\"desk\":{\"deskId\":\"a\"");
	ck_has(hq_buf_str(&ids), "desk/a/memory-read desk/a/invoke ");
}
END_TEST

START_TEST(a_functions_result_that_does_not_fit_fails_the_desk)
{
	invoke_result = "{'n':2}";
	run(WORKFLOW("wf", "a",
	    DESK_OF("a", "desk:execution", "{}",
		"{'properties':{'n':{'type':'string'}}}",
		",'executor':{'kind':'function','functionId':'double'}"),
	    ""));
	ck_failed("desk a: output.n must be string");
}
END_TEST

#define HTTP(url) \
	WORKFLOW("wf", "a", \
	    WITH("a", "desk:execution", \
		"'executor':{'kind':'http','url':'" url "'}"), \
	    "")

START_TEST(a_url_that_is_not_on_the_list_is_not_called)
{
	config.s[HQ_SET_RAWR_HTTP_ALLOW] = "http://127.0.0.1:9/ok";
	run(HTTP("http://127.0.0.1:9/no"));
	ck_failed("desk a: its url is not on the list RAWR_HTTP_ALLOW");
}
END_TEST

START_TEST(without_a_key_nothing_is_called)
{
	config.s[HQ_SET_RAWR_HTTP_ALLOW] = "http://127.0.0.1:9";
	run(HTTP("http://127.0.0.1:9/"));
	ck_failed("desk a: there is no http.key in RAWR_KEYS to sign with");
}
END_TEST

START_TEST(a_url_where_nobody_is_fails_the_attempt)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/http.key", tmp_dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	(void)close(fd);
	ck_hq_ok(hq_keys_load(tmp_dir, arena, &keys, &err));
	config.s[HQ_SET_RAWR_HTTP_ALLOW] = "http://127.0.0.1:1";
	run(HTTP("http://127.0.0.1:1/"));
	ck_has(hq_json_str(out.value, "message"), "desk a: ");
	ck_has(status(), "\"status\":\"failed\"");
}
END_TEST

/* ------------------------------------------------------------------- tasks -- */

/* The task that is offered. */
static const char *
task_id(void)
{
	const char *e = hq_json_str(waited, "if"), *from = strchr(e, '\'') + 1;

	return hq_arena_copy(arena, from, strcspn(from, "'"));
}

static struct json_object *
answered(const char *by, const char *more)
{
	const char *got = call(hq_coord_answer_task,
	    json(hq_arena_printf(arena,
		"{'taskId':'%s','by':'%s','output':{'ok':true}%s}", task_id(),
		by, more)));

	ck_assert_msg(got[0] == '{', "%s", got);
	return json("{'name':'e','data':{}}");
}

static struct json_object *
ann_answers(void)
{
	return answered("ann", "");
}

static struct json_object *
claimed(const char *what, const char *more)
{
	struct json_object *task;
	const char *got = call(hq_coord_claim_task, json("{'agentId':'bot'}"));

	task = hq_json_get(json(got), "task");
	ck_assert_str_eq(hq_json_str(task, "taskId"), task_id());
	got = call(strcmp(what, "fail") == 0 ? hq_coord_fail_task
					     : hq_coord_complete_task,
	    json(hq_arena_printf(arena, "{'taskId':'%s','token':%lld,%s}",
		task_id(), (long long)hq_json_i64(task, "token", -1), more)));
	ck_assert_msg(got[0] == '{', "%s", got);
	return json("{'name':'e','data':{}}");
}

static struct json_object *
bot_completes(void)
{
	return claimed("complete", "'output':{'n':1},'memory':{'m':7}");
}

static struct json_object *
bot_fails(void)
{
	return claimed("fail", "'error':'no way','retryable':false");
}

/* The answer comes while the wait ends. */
static struct json_object *
ann_answers_at_the_last_moment(void)
{
	(void)answered("ann", "");
	return NULL;
}

#define ONE(kind, more) WORKFLOW("wf", "a", WITH("a", kind, more), "")

START_TEST(a_human_wait_waits_and_tells_who_answered)
{
	on_wait = ann_answers;
	run(ONE("desk:human-wait", AGENT));
	ck_output("{'ok':true}");
	ck_assert_str_eq(hq_json_str(waited, "timeout"), "365d");
	ck_has(timeline(), "\"detail\":\"Desk a answered by ann\"");
	ck_has(hq_buf_str(&ids),
	    "desk/a/memory-read desk/a/offer desk/a/wait desk/a/outcome "
	    "desk/a/completed ");
}
END_TEST

START_TEST(without_an_executor_a_human_wait_does_not_wait)
{
	run(ONE("desk:human-wait", "'runtimePolicy':{}"));
	ck_output("{'deskId':'a','status':'received','received':{'t':1},"
		  "'memory':null}");
}
END_TEST

START_TEST(what_an_agent_completes_is_the_desks_output_and_memory)
{
	const struct hq_coord_step s = { .db = db,
		.env = &env,
		.arena = arena };
	struct json_object *kept;

	on_wait = bot_completes;
	run(WORKFLOW("wf", "a",
	    DESK("a", "desk:execution", "true},'executor':{'kind':'agent'"),
	    ""));
	ck_output("{'n':1}");
	ck_has(timeline(), "\"detail\":\"Desk a completed by bot\"");
	ck_hq_ok(
	    hq_coord_memory_read(&s, json("{'workflowId':'wf','version':1}"),
		json("{'deskId':'a'}"), &kept, &err));
	ck_assert_str_eq(hq_json_text(arena, kept), "{\"m\":7}");
}
END_TEST

START_TEST(what_an_agent_fails_fails_the_desk)
{
	on_wait = bot_fails;
	run(ONE("desk:execution", AGENT));
	ck_failed("desk a: its task failed: no way");
}
END_TEST

START_TEST(a_task_that_nobody_answers_fails_its_desk_and_is_closed)
{
	run(ONE("desk:human-wait",
	    AGENT ",'runtimePolicy':{'timeoutSeconds':90}"));
	ck_failed("desk a had no answer within 90 s");
	ck_assert_str_eq(hq_json_str(waited, "timeout"), "1m30s");
	ck_has(call(hq_coord_answer_task,
		   json(hq_arena_printf(arena,
		       "{'taskId':'%s','by':'x','output':{}}", task_id()))),
	    "TASK_LEASE_LOST");
}
END_TEST

START_TEST(a_desk_may_go_on_without_an_answer)
{
	run(ONE("desk:human-wait",
	    AGENT ",'runtimePolicy':{'timeoutSeconds':90},"
		  "'onTimeout':'continue'"));
	ck_output("{'deskId':'a','status':'timeout','received':{'t':1},"
		  "'memory':null}");
	ck_has(timeline(), "\"Desk a timed out; the run goes on\"");
}
END_TEST

START_TEST(an_answer_at_the_last_moment_stands)
{
	on_wait = ann_answers_at_the_last_moment;
	run(ONE("desk:human-wait", AGENT));
	ck_output("{'ok':true}");
	ck_has(hq_buf_str(&ids), "desk/a/wait desk/a/close desk/a/completed ");
}
END_TEST

/* ------------------------------------------------------------ a rerun's part -- */

static void
run_with(const char *workflow, const char *reuse)
{
	struct json_object *data = queued(workflow);

	hq_json_put(data, "reuse", json_object_get(json(reuse)));
	drive(hq_coord_workflow_runner.run, data, &out);
}

START_TEST(what_an_earlier_run_has_done_is_not_done_again)
{
	run_with(WORKFLOW("wf", "a",
		     PLAIN("a", "desk:analysis") "," PLAIN("b",
			 "desk:analysis"),
		     HANDOFF("1", "a", "b")),
	    "{'a':7}");
	ck_output(ECHOED("b", "desk:analysis", "7"));
	ck_has(hq_buf_str(&ids), "run-start desk/a/reused desk/b/started ");
	ck_has(timeline(),
	    "\"Desk a taken over from an earlier run\",\"output\":7}");
}
END_TEST

START_TEST(an_observer_of_an_earlier_run_passes_on_what_it_received)
{
	run_with(WORKFLOW("wf", "a",
		     WITH("a", "desk:analysis", ECHO) "," PLAIN("o",
			 "desk:observer") "," PLAIN("b", "desk:analysis"),
		     HANDOFF("1", "a", "o") "," HANDOFF("2", "o", "b")),
	    "{'a':7,'o':{'seen':7}}");
	ck_output(ECHOED("b", "desk:analysis", "7"));
}
END_TEST

START_TEST(work_sent_back_is_done_again_though_an_earlier_run_did_it)
{
	run_with(REWORK("output.received.received.round != 1", "3"),
	    "{'a':1,'b':2}");
	ck_assert_int_eq(out.what, HQ_EXEC_DONE);
	ck_has(hq_buf_str(&ids), "desk/a/reused desk/b/reused desk/q/started ");
	ck_has(hq_buf_str(&ids), "desk/q/completed desk/b/started#2 ");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("desks");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, flow_open, domain_close);
	tcase_add_test(tc,
	    a_desk_without_a_taken_handoff_is_skipped_and_says_so);
	tcase_add_test(tc,
	    behind_a_skipped_desk_desks_are_skipped_and_the_last_one_that_ran_speaks);
	tcase_add_test(tc, without_an_executor_conditions_are_ignored);
	tcase_add_test(tc, a_mapping_shapes_what_the_target_receives);
	tcase_add_test(tc,
	    an_expression_that_cannot_be_evaluated_fails_the_run_by_name);
	tcase_add_test(tc, an_input_that_does_not_fit_fails_with_its_path);
	tcase_add_test(tc, an_output_that_does_not_fit_fails_with_its_path);
	tcase_add_test(tc, each_part_of_a_join_has_to_fit);
	tcase_add_test(tc, without_an_executor_schemas_are_ignored);
	tcase_add_test(tc, an_observer_passes_on_what_it_received);
	tcase_add_test(tc, a_qa_sends_work_back_until_it_is_content);
	tcase_add_test(tc, when_the_rounds_are_spent_the_run_goes_on);
	tcase_add_test(tc,
	    what_hangs_on_the_desk_that_works_again_works_again_too);
	tcase_add_test(tc, a_function_does_the_work_and_its_result_is_checked);
	tcase_add_test(tc, a_functions_result_that_does_not_fit_fails_the_desk);
	tcase_add_test(tc, a_url_that_is_not_on_the_list_is_not_called);
	tcase_add_test(tc, without_a_key_nothing_is_called);
	tcase_add_test(tc, a_url_where_nobody_is_fails_the_attempt);
	tcase_add_test(tc, a_human_wait_waits_and_tells_who_answered);
	tcase_add_test(tc, without_an_executor_a_human_wait_does_not_wait);
	tcase_add_test(tc,
	    what_an_agent_completes_is_the_desks_output_and_memory);
	tcase_add_test(tc, what_an_agent_fails_fails_the_desk);
	tcase_add_test(tc,
	    a_task_that_nobody_answers_fails_its_desk_and_is_closed);
	tcase_add_test(tc, a_desk_may_go_on_without_an_answer);
	tcase_add_test(tc, an_answer_at_the_last_moment_stands);
	tcase_add_test(tc, what_an_earlier_run_has_done_is_not_done_again);
	tcase_add_test(tc,
	    an_observer_of_an_earlier_run_passes_on_what_it_received);
	tcase_add_test(tc,
	    work_sent_back_is_done_again_though_an_earlier_run_did_it);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "coordtest.h"

#include <sys/wait.h>

#include "domain/coordination/execution.h"
#include "domain/coordination/ids.h"

#define SINGLE \
	WORKFLOW("wf", "solo", DESK("solo", "desk:analysis", "false"), "")
#define OTHER \
	WORKFLOW("other", "solo", DESK("solo", "desk:analysis", "false"), "")

static const char *
queue(const char *in)
{
	return call(hq_coord_queue_run, json(in));
}

static const char *
status(const char *run_id)
{
	const char *in = hq_arena_printf(arena, "{'runId':'%s'}", run_id);

	return call(hq_coord_get_run_status, json(in));
}

static const char *
timeline(const char *run_id)
{
	const char *in = hq_arena_printf(arena, "{'runId':'%s'}", run_id);

	return call(hq_coord_get_run_timeline, json(in));
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		n++;
		text++;
	}
	return n;
}

static struct hq_coord_step
step(const char *run_id)
{
	return (struct hq_coord_step){
		.db = db,
		.env = &env,
		.arena = arena,
		.run_id = run_id,
		.engine_run_id = "engine-1",
	};
}

START_TEST(a_queued_run_is_told_as_the_reference_tells_it)
{
	const char *got;

	save(SINGLE);
	got = queue("{'workflowId':'wf','runId':'run-q1','input':{'a':1}}");
	ck_assert_ptr_nonnull(strstr(got,
	    "{\"run\":{\"runId\":\"run-q1\",\"workflowId\":\"wf\","
	    "\"workflowVersion\":1,\"status\":\"queued\","
	    "\"startedAt\":\"2026-11-23T11:09:01.657Z\",\"input\":{\"a\":1},"
	    "\"traceLinks\":[{\"provider\":\"rawr\",\"label\":\"RAWR Run "
	    "Timeline\",\"url\":\"http://localhost:3000/api/orpc/coordination/"
	    "runs/run-q1/timeline\"},{\"provider\":\"inngest\",\"label\":"
	    "\"Inngest Trace\",\"url\":\"http://localhost:8288/events/"
	    "evt-1795432141657-"));
	ck_assert_int_eq(woken, 1);
	got = timeline("run-q1");
	ck_assert_ptr_nonnull(strstr(got,
	    "\"runId\":\"run-q1\",\"workflowId\":\"wf\",\"type\":"
	    "\"run.started\",\"ts\":\"2026-11-23T11:09:01.657Z\",\"status\":"
	    "\"queued\",\"detail\":\"Coordination run queued for Inngest "
	    "execution\",\"output\":{\"a\":1}}]}"));
}
END_TEST

START_TEST(queueing_a_run_again_gives_the_stored_one_and_no_event)
{
	const char *got;

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r','input':1}");
	got = queue("{'workflowId':'wf','runId':' r ','input':2}");
	ck_assert_ptr_nonnull(strstr(got, "\"input\":1"));
	ck_assert_ptr_nonnull(strstr(got, "\"eventIds\":[]"));
	ck_assert_uint_eq(count(timeline("r"), "\"eventId\""), 1);
	ck_assert_int_eq(woken, 1);
}
END_TEST

enum { PROCESSES = 4 };

/* In a process of its own: 1 if it was this one that queued the run. */
static int
queue_alone(unsigned char seed)
{
	const char *got;

	fake.next = seed;
	store_open();
	got = queue("{'workflowId':'wf','runId':'r'}");
	hq_db_close(db);
	return strstr(got, "\"eventIds\":[]") == NULL;
}

START_TEST(many_processes_queue_a_run_exactly_once)
{
	int i, state, queued = 0;

	save(SINGLE);
	hq_db_close(db);
	for (i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			_exit(queue_alone((unsigned char)(i * 50)));
	for (i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&state), 0);
		ck_assert(WIFEXITED(state));
		queued += WEXITSTATUS(state);
	}
	store_open();
	ck_assert_int_eq(queued, 1);
	ck_assert_uint_eq(count(timeline("r"), "\"eventId\""), 1);
}
END_TEST

START_TEST(a_run_id_of_another_workflow_is_refused_and_left_alone)
{
	const char *before, *got;

	save(SINGLE);
	save(OTHER);
	(void)queue("{'workflowId':'wf','runId':'r','input':1}");
	before = status("r");
	got = queue("{'workflowId':'other','runId':'r','input':{'x':1}}");
	ck_assert_ptr_nonnull(strstr(got,
	    "RUN_QUEUE_FAILED runId r is already used by workflow wf {\"run\":"
	    "{\"runId\":\"r\",\"workflowId\":\"other\",\"workflowVersion\":1,"
	    "\"status\":\"failed\""));
	ck_assert_ptr_nonnull(strstr(got, "localhost:8288/runs/r\""));
	ck_assert_str_eq(status("r"), before);
	ck_assert_uint_eq(count(timeline("r"), "\"eventId\""), 1);
}
END_TEST

static const struct {
	const char *in, *want; /* want: the answer begins with it */
} refusals[] = {
	{ "{'workflowId':' '}",
	    "INVALID_WORKFLOW_ID Invalid workflowId format "
	    "{\"workflowId\":\" \"}" },
	{ "{'workflowId':'none'}",
	    "WORKFLOW_NOT_FOUND workflow not found "
	    "{\"workflowId\":\"none\"}" },
	{ "{'workflowId':'wf','runId':' a/b '}",
	    "INVALID_RUN_ID Invalid runId format: a/b {\"runId\":\"a/b\"}" },
};

START_TEST(a_run_that_cannot_be_named_is_refused)
{
	const char *got;

	save(SINGLE);
	got = queue(refusals[_i].in);
	ck_assert_msg(strncmp(got, refusals[_i].want,
			  strlen(refusals[_i].want)) == 0,
	    "%s", got);
	ck_assert_int_eq(woken, 0);
}
END_TEST

static const struct {
	const char *in, *stored;
} inputs[] = {
	{ "{'workflowId':'wf','runId':'r'}", "\"input\":{}," },
	{ "{'workflowId':'wf','runId':'r','input':null}", "\"input\":{}," },
	{ "{'workflowId':'wf','runId':'r','input':false}", "\"input\":false," },
	{ "{'workflowId':'wf','runId':'r','input':''}", "\"input\":\"\"," },
	{ "{'workflowId':'wf','runId':'r','input':[{'2':1,'1':1e21}]}",
	    "\"input\":[{\"1\":1e+21,\"2\":1}]," },
};

START_TEST(an_input_is_kept_as_json_keeps_it)
{
	save(SINGLE);
	(void)queue(inputs[_i].in);
	ck_assert_ptr_nonnull(strstr(status("r"), inputs[_i].stored));
}
END_TEST

START_TEST(an_input_with_a_bigint_is_a_bad_request)
{
	struct json_object *in = json("{'workflowId':'wf','runId':'r'}");

	save(SINGLE);
	hq_json_put(in, "input",
	    hq_js_tag(json_object_new_string("12"), HQ_JS_BIGINT));
	ck_assert_int_eq(strncmp(call(hq_coord_queue_run, in), "BAD_REQUEST",
			     11),
	    0);
	ck_assert_int_eq(strncmp(status("r"), "RUN_NOT_FOUND", 13), 0);
}
END_TEST

START_TEST(an_input_that_is_nested_too_deeply_is_a_bad_request)
{
	struct json_object *deep = json_object_new_array();
	struct json_object *in = json("{'workflowId':'wf','runId':'r'}");
	int i;

	save(SINGLE);
	for (i = 0; i < 512; i++) {
		struct json_object *outer = json_object_new_array();

		hq_json_push(outer, deep);
		deep = outer;
	}
	hq_json_put(in, "input", json_object_get(deep));
	ck_assert_ptr_nonnull(
	    strstr(call(hq_coord_queue_run, in), "\"status\":\"queued\""));
	hq_json_put(in, "input", json_object_new_array());
	hq_json_push(hq_json_get(in, "input"), deep);
	ck_assert_int_eq(strncmp(call(hq_coord_queue_run, in), "BAD_REQUEST",
			     11),
	    0);
}
END_TEST

START_TEST(a_saved_workflow_is_echoed_and_its_copy_is_dated)
{
	const char *in = "{'workflow':{'workflowId':'u','version':1,"
			 "'updatedAt':'x','name':'W','entryDeskId':'a','desks':"
			 "[" DESK("a", "desk:qa", "false") "],'handoffs':[]}}";
	const char *got = call(hq_coord_save_workflow, json(in));

	ck_assert_str_eq(got, hq_json_text(arena, json(in)));
	got = call(hq_coord_get_workflow, json("{'workflowId':' u\\n'}"));
	ck_assert_ptr_nonnull(strstr(got,
	    "\"version\":1,\"updatedAt\":\"2026-11-23T11:09:01.657Z\","
	    "\"name\""));
}
END_TEST

START_TEST(a_workflow_is_stored_as_json_and_answered_as_it_came)
{
	struct json_object *in = json("{'workflow':" WORKFLOW("w", "a",
	    DESK("a", "desk:qa", "false"), "") "}");
	struct json_object *workflow = hq_json_get(in, "workflow"), *out;
	struct json_object *schema =
	    hq_json_get(json_object_array_get_idx(hq_json_get(workflow,
						      "desks"),
			    0),
		"inputSchema");

	hq_json_put(workflow, "updatedAt", hq_js_undefined());
	hq_json_put(schema, "when",
	    hq_js_tag(json_object_new_string("2026-01-01T00:00:00.000Z"),
		HQ_JS_DATE));
	hq_json_put(schema, "gone", hq_js_undefined());
	hq_json_put(schema, "set",
	    hq_js_tag(json_object_new_array(), HQ_JS_SET));
	ck_hq_ok(hq_coord_save_workflow(&boundary, in, &out, &err));
	ck_assert_ptr_eq(hq_json_get(out, "workflow"), workflow);
	ck_assert_ptr_null(hq_js_kept_text(workflow));
	ck_assert_str_eq(call(hq_coord_get_workflow,
			     json("{'workflowId':'w'}")),
	    "{\"workflow\":{\"workflowId\":\"w\",\"version\":1,\"name\":\"W\","
	    "\"entryDeskId\":\"a\",\"desks\":[{\"deskId\":\"a\",\"kind\":"
	    "\"desk:qa\",\"name\":\"Desk a\",\"responsibility\":\"r\","
	    "\"domain\":\"d\",\"inputSchema\":{\"type\":\"object\",\"when\":"
	    "\"2026-01-01T00:00:00.000Z\",\"set\":{}},\"outputSchema\":"
	    "{\"type\":\"object\"},\"memoryScope\":{\"persist\":false}}],"
	    "\"handoffs\":[],\"updatedAt\":\"2026-11-23T11:09:01.657Z\"}}");
	hq_json_put(schema, "when",
	    hq_js_tag(json_object_new_string("1"), HQ_JS_BIGINT));
	ck_assert_int_eq(strncmp(call(hq_coord_save_workflow, in),
			     "BAD_REQUEST workflow holds a BigInt", 35),
	    0);
}
END_TEST

START_TEST(an_invalid_workflow_is_not_saved)
{
	const char *got = call(hq_coord_save_workflow,
	    json("{'workflow':" WORKFLOW("w", "ghost", "", "") "}"));

	ck_assert_int_eq(strncmp(got,
			     "WORKFLOW_VALIDATION_FAILED Workflow "
			     "validation failed {\"ok\":false,",
			     64),
	    0);
	ck_assert_str_eq(call(hq_coord_list_workflows, json("{}")),
	    "{\"workflows\":[]}");
}
END_TEST

START_TEST(a_run_and_its_timeline_keep_the_correlation_of_their_requests)
{
	HQ_CURSOR(row);

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	boundary.correlation_id = "other";
	(void)call(hq_coord_cancel_run, json("{'runId':'r'}"));
	ck_hq_ok(hq_query(db, &probe, PROBE_TRACE, HQ_BIND(hq_text("r")), &row,
	    &err));
	ck_assert(hq_cursor_next(&row));
	ck_assert_str_eq(hq_cursor_text(&row, 0, arena), "c 00-0-0-00 other");
	ck_assert(hq_cursor_next(&row));
	ck_assert_str_eq(hq_cursor_text(&row, 0, arena), "c 00-0-0-00 -");
}
END_TEST

static enum hq_rc
damage(void *arg, struct hq_err *e)
{
	return hq_exec(db, &probe, *(size_t *)arg, HQ_NO_BIND, NULL, e);
}

/* What shows the text that was damaged. */
static const char *
shown(size_t q)
{
	if (q == PROBE_DAMAGE_WORKFLOW)
		return call(hq_coord_list_workflows, json("{}"));
	if (q == PROBE_DAMAGE_RUN || q == PROBE_DAMAGE_IMPORTED_RUN)
		return status("r");
	return timeline("r");
}

START_TEST(a_stored_text_that_is_no_json_is_an_internal_error)
{
	size_t q = (size_t)_i;

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r','input':{'a':1}}");
	ck_hq_ok(hq_db_tx(db, damage, &q, &err));
	ck_assert_str_eq(shown(q),
	    "INTERNAL_SERVER_ERROR the store holds a text that is no JSON ");
}
END_TEST

START_TEST(a_cancelled_run_has_failed_and_takes_nothing_more)
{
	struct hq_coord_step s = step("r");
	bool active, found;
	const char *got;

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	got = call(hq_coord_cancel_run, json("{'runId':'r','reason':'why'}"));
	ck_assert_ptr_nonnull(strstr(got, "\"status\":\"failed\""));
	ck_assert_ptr_nonnull(
	    strstr(got, "\"error\":\"cancelled by local: why\""));
	ck_hq_ok(hq_coord_run_started(&s, NULL, &active, &found, &err));
	ck_assert(found && !active);
	ck_hq_ok(hq_coord_run_completed(&s, json("1"), &err));
	ck_assert_ptr_nonnull(strstr(status("r"), "\"status\":\"failed\""));
	ck_assert_uint_eq(count(timeline("r"), "\"eventId\""), 2);
	got = call(hq_coord_cancel_run, json("{'runId':'r'}"));
	ck_assert_int_eq(strncmp(got, "RUN_ALREADY_ENDED", 17), 0);
}
END_TEST

START_TEST(a_step_that_runs_again_writes_nothing_again)
{
	struct hq_coord_step s = step("r");
	struct json_object *desk = json(DESK("solo", "desk:qa", "false"));
	const struct hq_coord_desk_news started = { .desk = desk };
	const struct hq_coord_desk_news completed = { .desk = desk,
		.completed = true,
		.payload = json("1") };
	bool active, found;
	int i;

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	for (i = 0; i < 2; i++) {
		ck_hq_ok(hq_coord_run_started(&s, json("{}"), &active, &found,
		    &err));
		ck_assert(active);
		ck_hq_ok(hq_coord_desk_event(&s, &started, &err));
		ck_hq_ok(hq_coord_desk_event(&s, &completed, &err));
	}
	for (i = 0; i < 2; i++)
		ck_hq_ok(hq_coord_run_completed(&s, json("1"), &err));
	ck_assert_uint_eq(count(timeline("r"), "\"eventId\""), 5);
	ck_assert_ptr_nonnull(strstr(status("r"), "\"output\":1,"));
	ck_assert_ptr_nonnull(strstr(status("r"),
	    "Inngest Trace (engine-1)\",\"url\":\"http://localhost:8288/runs/"
	    "engine-1\""));
}
END_TEST

START_TEST(a_second_engine_run_does_not_take_over_a_run)
{
	struct hq_coord_step s = step("r");
	bool active, found;

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	ck_hq_ok(hq_coord_run_started(&s, NULL, &active, &found, &err));
	s.engine_run_id = "engine-2";
	ck_hq_ok(hq_coord_run_started(&s, NULL, &active, &found, &err));
	ck_assert(found && !active);
	s.run_id = "unknown";
	ck_hq_ok(hq_coord_run_started(&s, NULL, &active, &found, &err));
	ck_assert(!found);
}
END_TEST

START_TEST(a_failed_desk_is_named_before_the_failed_run)
{
	struct hq_coord_step s = step("r");
	const char *got;

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	ck_hq_ok(hq_coord_run_failed(&s, "boom", "solo", json("{}"), &err));
	ck_hq_ok(hq_coord_run_failed(&s, "other", NULL, NULL, &err));
	got = timeline("r");
	ck_assert_uint_eq(count(got, "\"eventId\""), 3);
	ck_assert(strstr(got, "desk.failed") < strstr(got, "run.failed"));
	ck_assert_ptr_nonnull(strstr(status("r"), "\"error\":\"boom\""));
}
END_TEST

START_TEST(memory_lasts_for_its_time_to_live_and_its_version)
{
	struct hq_coord_step s = step("r");
	struct json_object *w = json(SINGLE), *got;
	struct json_object *desk =
	    json(DESK("solo", "desk:qa", "true,'ttlSeconds':10"));

	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	ck_hq_ok(hq_coord_memory_read(&s, w, desk, &got, &err));
	ck_assert_ptr_null(got);
	ck_hq_ok(hq_coord_memory_write(&s, w, desk, json("{'n':1}"), &err));
	fake.now_ms += 9999;
	ck_hq_ok(hq_coord_memory_read(&s, w, desk, &got, &err));
	ck_assert_str_eq(hq_json_text(arena, got), "{\"n\":1}");
	fake.now_ms += 1;
	ck_hq_ok(hq_coord_memory_read(&s, w, desk, &got, &err));
	ck_assert_ptr_null(got);
	fake.now_ms -= 1;
	hq_json_put_i64(w, "version", 2);
	ck_hq_ok(hq_coord_memory_read(&s, w, desk, &got, &err));
	ck_assert_ptr_null(got);
}
END_TEST

START_TEST(memory_past_its_limit_forgets_what_was_before)
{
	struct hq_coord_step s = step("r");
	struct json_object *w = json(SINGLE), *got;
	struct json_object *desk = json(DESK("solo", "desk:qa", "true"));
	struct json_object *out = json("{'n':1}");
	char *big = HQ_NEW(arena, char, HQ_COORD_MEMORY_BYTES_MAX + 1);

	memset(big, 'x', HQ_COORD_MEMORY_BYTES_MAX);
	hq_json_put_str(out, "memory", big);
	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	ck_hq_ok(hq_coord_memory_write(&s, w, desk, out, &err));
	ck_hq_ok(hq_coord_memory_read(&s, w, desk, &got, &err));
	ck_assert_str_eq(hq_json_text(arena, got), "{\"n\":1,\"memory\":null}");
}
END_TEST

START_TEST(memory_past_its_limit_that_has_no_before_is_kept)
{
	struct hq_coord_step s = step("r");
	struct json_object *w = json(SINGLE), *got, *out;
	struct json_object *desk = json(DESK("solo", "desk:qa", "true"));
	char *big = HQ_NEW(arena, char, HQ_COORD_MEMORY_BYTES_MAX + 1);

	memset(big, 'x', HQ_COORD_MEMORY_BYTES_MAX);
	out = hq_json_new_string_len(big, HQ_COORD_MEMORY_BYTES_MAX);
	ck_hq_ok(hq_json_own(arena, out, &err));
	save(SINGLE);
	(void)queue("{'workflowId':'wf','runId':'r'}");
	ck_hq_ok(hq_coord_memory_write(&s, w, desk, out, &err));
	ck_hq_ok(hq_coord_memory_read(&s, w, desk, &got, &err));
	ck_assert_str_eq(json_object_get_string(got), big);
}
END_TEST

START_TEST(a_join_receives_every_input_by_its_source)
{
	struct json_object *w = json(WORKFLOW("w", "a",
	    DESK("a", "desk:qa", "false") "," DESK("b", "desk:qa",
		"false") "," DESK("j", "desk:join", "false"),
	    HANDOFF("1", "a", "b") "," HANDOFF("2", "b", "j") "," HANDOFF("3",
		"a", "j")));
	struct json_object *outputs[3] = { json("1"), json("2"), NULL };
	struct hq_coord_handed handed = { json("{}"), outputs };
	struct json_object *got;
	struct hq_graph g;
	int *order;

	ck_hq_ok(hq_coord_plan(arena, w, &g, &order, &err));
	ck_assert_int_eq(order[2], hq_graph_find(&g, "j"));
	ck_hq_ok(hq_coord_received(arena, &g, order[2], &handed, &got, &err));
	ck_assert_str_eq(hq_json_text(arena, got), "{\"b\":2,\"a\":1}");
	ck_hq_ok(hq_coord_received(arena, &g, order[1], &handed, &got, &err));
	ck_assert_str_eq(hq_json_text(arena, got), "1");
	ck_hq_ok(hq_coord_received(arena, &g, order[0], &handed, &got, &err));
	ck_assert_str_eq(hq_json_text(arena, got), "{}");
}
END_TEST

static const struct {
	const char *kind, *want;
} kinds[] = {
	{ "desk:human-wait",
	    "{\"deskId\":\"d\",\"status\":\"received\","
	    "\"received\":1,\"memory\":null}" },
	{ "desk:join",
	    "{\"deskId\":\"d\",\"status\":\"joined\",\"merged\":1,"
	    "\"memory\":null}" },
	{ "desk:qa",
	    "{\"deskId\":\"d\",\"status\":\"ok\",\"kind\":"
	    "\"desk:qa\",\"received\":1,\"memory\":null}" },
};

START_TEST(each_kind_of_desk_has_its_answer)
{
	struct json_object *desk = json(DESK("d", "desk:qa", "false")), *got;

	hq_json_put_str(desk, "kind", kinds[_i].kind);
	ck_hq_ok(
	    hq_coord_desk_output(arena, desk, json("1"), NULL, &got, &err));
	ck_assert_str_eq(hq_json_text(arena, got), kinds[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("coordination");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, domain_open, domain_close);
	tcase_add_test(tc, a_queued_run_is_told_as_the_reference_tells_it);
	tcase_add_test(tc,
	    queueing_a_run_again_gives_the_stored_one_and_no_event);
	tcase_add_test(tc, many_processes_queue_a_run_exactly_once);
	tcase_add_test(tc,
	    a_run_id_of_another_workflow_is_refused_and_left_alone);
	tcase_add_loop_test(tc, a_run_that_cannot_be_named_is_refused, 0,
	    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_loop_test(tc, an_input_is_kept_as_json_keeps_it, 0,
	    sizeof(inputs) / sizeof(inputs[0]));
	tcase_add_test(tc, an_input_with_a_bigint_is_a_bad_request);
	tcase_add_test(tc, an_input_that_is_nested_too_deeply_is_a_bad_request);
	tcase_add_test(tc, a_saved_workflow_is_echoed_and_its_copy_is_dated);
	tcase_add_test(tc,
	    a_workflow_is_stored_as_json_and_answered_as_it_came);
	tcase_add_test(tc, an_invalid_workflow_is_not_saved);
	tcase_add_test(tc,
	    a_run_and_its_timeline_keep_the_correlation_of_their_requests);
	tcase_add_loop_test(tc,
	    a_stored_text_that_is_no_json_is_an_internal_error,
	    PROBE_DAMAGE_RUN, PROBE_DAMAGE_WORKFLOW + 1);
	tcase_add_test(tc, a_cancelled_run_has_failed_and_takes_nothing_more);
	tcase_add_test(tc, a_step_that_runs_again_writes_nothing_again);
	tcase_add_test(tc, a_second_engine_run_does_not_take_over_a_run);
	tcase_add_test(tc, a_failed_desk_is_named_before_the_failed_run);
	tcase_add_test(tc, memory_lasts_for_its_time_to_live_and_its_version);
	tcase_add_test(tc, memory_past_its_limit_forgets_what_was_before);
	tcase_add_test(tc, memory_past_its_limit_that_has_no_before_is_kept);
	tcase_add_test(tc, a_join_receives_every_input_by_its_source);
	tcase_add_loop_test(tc, each_kind_of_desk_has_its_answer, 0,
	    sizeof(kinds) / sizeof(kinds[0]));
	suite_add_tcase(s, tc);
	return run_suite(s);
}

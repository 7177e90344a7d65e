/*
 * Runs as a list, once more, and explained.
 */
#include "coordtest.h"

#include "domain/coordination/execution.h"

static struct hq_coord_step step;

static const char *
run_at(const char *run, int64_t ms)
{
	fake.now_ms = ms;
	return call(hq_coord_queue_run,
	    json(hq_arena_printf(arena,
		"{'workflowId':'w','runId':'%s','input':{'q':1}}", run)));
}

static void
open_all(void)
{
	domain_open();
	save(WORKFLOW("w", "a",
	    DESK("a", "desk:analysis", "false") "," DESK("b", "desk:analysis",
		"false") "," DESK("c", "desk:analysis", "false"),
	    HANDOFF("h", "a", "b") "," HANDOFF("i", "a", "c")));
	step = (struct hq_coord_step){
		.db = db,
		.env = &env,
		.arena = arena,
		.run_id = "r",
		.engine_run_id = "e",
	};
}

static void
did(const char *desk, const char *output)
{
	struct hq_coord_desk_news n = {
		.desk = json(
		    hq_arena_printf(arena, "{'deskId':'%s','name':'n'}", desk)),
		.completed = true,
		.payload = json(output),
	};

	ck_hq_ok(hq_coord_desk_event(&step, &n, &err));
}

/* A run of three desks of which the last failed. */
static void
failed_run(void)
{
	bool active, found;

	run_at("r", 1000);
	ck_hq_ok(
	    hq_coord_run_started(&step, json("{}"), &active, &found, &err));
	did("a", "{'from':'a'}");
	did("b", "{'from':'b'}");
	ck_hq_ok(hq_coord_run_failed(&step, "no", "c", json("{}"), &err));
}

/* The data of the event that started a run. */
static struct json_object *
event_of(const char *run)
{
	static const char *const sql[] = {
		"SELECT data FROM engine_event"
		" WHERE json_extract(data, '$.runId') = $1",
		NULL,
	};
	static const char *const none[] = { NULL };
	static const struct hq_module reading = {
		.name = "reading",
		.migrations = none,
		.sql = sql,
	};
	static const struct hq_module *const modules[] = { &reading, NULL };
	struct hq_db_opts o = {
		.path = store_path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 10000,
	};
	struct hq_db *other;
	const char *text;

	ck_hq_ok(hq_db_open(&o, &other, &err));
	{
		HQ_CURSOR(row);

		ck_hq_ok(hq_query(other, &reading, 0, HQ_BIND(hq_text(run)),
		    &row, &err));
		ck_assert(hq_cursor_next(&row));
		text = hq_cursor_text(&row, 0, arena);
	}
	hq_db_close(other);
	return json(text);
}

static const char *
text_of(struct json_object *o, const char *key)
{
	return hq_json_text(arena, hq_json_get(o, key));
}

/* "id id id+" of a page; + where there is more. */
static const char *
page(const char *in)
{
	struct json_object *out, *v;
	const char *text = "";
	size_t i;

	ck_hq_ok(hq_coord_list_runs(&boundary, json(in), &out, &err));
	v = hq_json_get(out, "runs");
	for (i = 0; i < json_object_array_length(v); i++)
		text = hq_arena_printf(arena, "%s%s%s", text, i > 0 ? " " : "",
		    hq_json_str(json_object_array_get_idx(v, i), "runId"));
	if (hq_json_str(out, "nextCursor") == NULL)
		return text;
	return hq_arena_printf(arena, "%s+%s", text,
	    hq_json_str(out, "nextCursor"));
}

START_TEST(runs_are_listed_newest_first_a_page_at_a_time)
{
	run_at("r1", 1000);
	run_at("r2", 2000);
	run_at("r3", 2000);
	run_at("r4", 3000);
	ck_assert_str_eq(page("{}"), "r4 r3 r2 r1");
	ck_assert_str_eq(page("{'limit':'2'}"), "r4 r3+2000.r3");
	ck_assert_str_eq(page("{'limit':2,'cursor':'2000.r3'}"), "r2 r1");
	ck_assert_str_eq(page("{'since':'1970-01-01T00:00:02Z'}"), "r4 r3 r2");
	ck_assert_str_eq(page("{'workflowId':'v'}"), "");
	ck_assert_str_eq(page("{'status':'queued','limit':1}"), "r4+3000.r4");
}
END_TEST

START_TEST(a_listed_run_leaves_out_what_it_was_given)
{
	struct json_object *out;

	run_at("r1", 1000);
	ck_hq_ok(hq_coord_list_runs(&boundary, json("{}"), &out, &err));
	ck_assert_ptr_null(
	    strstr(hq_json_text(arena, out), "\"input\":{\"q\""));
}
END_TEST

START_TEST(a_retried_run_has_the_workflow_and_the_input_of_the_first)
{
	struct json_object *event;

	failed_run();
	save(WORKFLOW("w", "z", DESK("z", "desk:analysis", "false"), ""));
	call(hq_coord_retry_run, json("{'runId':'r','newRunId':'r2'}"));
	event = event_of("r2");
	ck_assert_str_eq(text_of(event, "input"), "{\"q\":1}");
	ck_assert_str_eq(hq_json_str(hq_json_get(event, "workflow"),
			     "entryDeskId"),
	    "a");
	ck_assert_ptr_null(hq_json_get(event, "reuse"));
}
END_TEST

static const struct {
	const char *from, *reuse;
} froms[] = {
	{ "a", "{}" },
	{ "b", "{\"a\":{\"from\":\"a\"}}" },
	{ "c", "{\"a\":{\"from\":\"a\"},\"b\":{\"from\":\"b\"}}" },
};

START_TEST(a_rerun_takes_over_what_does_not_come_behind_its_desk)
{
	failed_run();
	call(hq_coord_rerun_run,
	    json(hq_arena_printf(arena,
		"{'runId':'r','newRunId':'r2','fromDeskId':'%s'}",
		froms[_i].from)));
	ck_assert_str_eq(text_of(event_of("r2"), "reuse"), froms[_i].reuse);
}
END_TEST

START_TEST(the_retry_of_a_rerun_takes_over_the_same)
{
	failed_run();
	call(hq_coord_rerun_run,
	    json("{'runId':'r','newRunId':'r2','fromDeskId':'b'}"));
	call(hq_coord_cancel_run, json("{'runId':'r2'}"));
	call(hq_coord_retry_run, json("{'runId':'r2','newRunId':'r3'}"));
	ck_assert_str_eq(text_of(event_of("r3"), "reuse"),
	    "{\"a\":{\"from\":\"a\"}}");
}
END_TEST

static const struct {
	hq_handler *fn;
	const char *in, *code;
} refused[] = {
	{ hq_coord_retry_run, "{'runId':'none'}", "RUN_NOT_FOUND" },
	{ hq_coord_retry_run, "{'runId':'../x'}", "INVALID_RUN_ID" },
	{ hq_coord_retry_run, "{'runId':'r','newRunId':'r'}", "BAD_REQUEST" },
	{ hq_coord_retry_run, "{'runId':'r','newRunId':'!'}",
	    "INVALID_RUN_ID" },
	{ hq_coord_retry_run, "{'runId':'open'}", "RUN_NOT_ENDED" },
	{ hq_coord_rerun_run, "{'runId':'r','fromDeskId':'z'}",
	    "DESK_NOT_FOUND" },
	{ hq_coord_explain_run, "{'runId':'none'}", "RUN_NOT_FOUND" },
	{ hq_coord_list_runs, "{'since':'now'}", "BAD_REQUEST" },
	{ hq_coord_list_runs, "{'cursor':'x'}", "BAD_REQUEST" },
};

START_TEST(what_cannot_be_is_refused)
{
	const char *got;

	failed_run();
	run_at("open", 2000);
	got = call(refused[_i].fn, json(refused[_i].in));
	ck_assert_msg(strncmp(got, refused[_i].code,
			  strlen(refused[_i].code)) == 0,
	    "%s", got);
}
END_TEST

START_TEST(a_queued_run_waits_for_the_runner)
{
	run_at("r", 1000);
	ck_assert_str_eq(call(hq_coord_explain_run, json("{'runId':'r'}")),
	    "{\"runId\":\"r\",\"status\":\"queued\",\"waiting\":[{\"for\":"
	    "\"queue\",\"since\":\"1970-01-01T00:00:01.000Z\",\"detail\":"
	    "\"the runner has not started it yet\"}]}");
}
END_TEST

START_TEST(a_run_that_has_ended_waits_for_nothing)
{
	failed_run();
	ck_assert_str_eq(call(hq_coord_explain_run, json("{'runId':'r'}")),
	    "{\"runId\":\"r\",\"status\":\"failed\",\"waiting\":[]}");
}
END_TEST

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("runs");
	TCase *t = tcase_create("runs");

	tcase_add_checked_fixture(t, open_all, domain_close);
	tcase_add_test(t, runs_are_listed_newest_first_a_page_at_a_time);
	tcase_add_test(t, a_listed_run_leaves_out_what_it_was_given);
	tcase_add_test(t,
	    a_retried_run_has_the_workflow_and_the_input_of_the_first);
	tcase_add_loop_test(t,
	    a_rerun_takes_over_what_does_not_come_behind_its_desk, 0,
	    ROWS(froms));
	tcase_add_test(t, the_retry_of_a_rerun_takes_over_the_same);
	tcase_add_loop_test(t, what_cannot_be_is_refused, 0, ROWS(refused));
	tcase_add_test(t, a_queued_run_waits_for_the_runner);
	tcase_add_test(t, a_run_that_has_ended_waits_for_nothing);
	suite_add_tcase(s, t);
	return run_suite(s);
}

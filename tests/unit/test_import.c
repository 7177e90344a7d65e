#include "coordtest.h"

#include "domain/coordination/import.h"

#define WF_NAMED(id) WORKFLOW(id, "a", DESK("a", "desk:qa", "false"), "")
#define RUN(id, status) \
	"{'runId':'" id \
	"','workflowId':'wf','workflowVersion':3,'status':'" status \
	"','startedAt':'2026-01-01T00:00:00.000Z','output':{'2':1}," \
	"'traceLinks':[{'provider':'rawr','label':'L','url':'http://old/x'}]}"
#define EVENT(id, ts) \
	"{'ts':'" ts "','eventId':'" id "','runId':'run-1','workflowId':'wf'," \
	"'type':'run.started','status':'queued'}"

static char rawr[96], reported[4096];
static struct hq_coord_counts counts;

static void
put_file(const char *path, const char *text)
{
	char full[256], cmd[600], *p, *copy = strdup(text);
	FILE *f;

	for (p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	(void)snprintf(full, sizeof(full), "%s/%s", rawr, path);
	(void)snprintf(cmd, sizeof(cmd), "mkdir -p $(dirname %s)", full);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_ptr_nonnull(f = fopen(full, "w"));
	ck_assert_int_ge(fputs(copy, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	free(copy);
}

static void
import_open(void)
{
	domain_open();
	(void)snprintf(rawr, sizeof(rawr), "%s/.rawr", tmp_dir);
	reported[0] = '\0';
	put_file("coordination/workflows/wf.json", WF_NAMED("wf"));
	put_file("coordination/runs/run-1.json", RUN("run-1", "completed"));
	put_file("coordination/timelines/run-1.json",
	    "[" EVENT("e1", "2026-01-01T00:00:00.000Z") "," EVENT("e2",
		"2026-01-01T00:00:00.000Z") "]");
	put_file("coordination/memory/wf/a.json",
	    "{'workflowId':'wf','workflowVersion':3,'deskId':'a','memoryKey':"
	    "'default','data':{'k':1},'updatedAt':'2026-01-01T00:00:00.000Z'}");
}

static void
report(void *arg, const char *path, const char *reason)
{
	size_t n = strlen(reported);

	(void)arg;
	(void)snprintf(reported + n, sizeof(reported) - n, "%s: %s\n",
	    path + strlen(rawr) + 1, reason);
}

static const struct hq_coord_watch watch = { .report = report };

static void
import(void)
{
	ck_hq_ok(hq_coord_import(db, rawr, &watch, &counts, &err));
}

START_TEST(what_was_imported_comes_back_byte_for_byte)
{
	import();
	ck_assert_str_eq(reported, "");
	ck_assert_uint_eq(counts.workflows, 1);
	ck_assert_uint_eq(counts.runs, 1);
	ck_assert_uint_eq(counts.events, 2);
	ck_assert_uint_eq(counts.memories, 1);
	ck_assert_str_eq(call(hq_coord_get_run_status,
			     json("{'runId':'run-1'}")),
	    hq_json_text(arena, json("{'run':" RUN("run-1", "completed") "}")));
	ck_assert_str_eq(call(hq_coord_get_run_timeline,
			     json("{'runId':'run-1'}")),
	    hq_json_text(arena,
		json("{'runId':'run-1','timeline':[" EVENT("e1",
		    "2026-01-01T00:00:00.000Z") "," EVENT("e2",
		    "2026-01-01T00:00:00.000Z") "]}")));
	ck_assert_str_eq(call(hq_coord_get_workflow,
			     json("{'workflowId':'wf'}")),
	    hq_json_text(arena, json("{'workflow':" WF_NAMED("wf") "}")));
}
END_TEST

START_TEST(a_second_import_changes_nothing)
{
	const char *before;

	import();
	before = call(hq_coord_get_run_timeline, json("{'runId':'run-1'}"));
	import();
	ck_assert_str_eq(reported, "");
	ck_assert_uint_eq(counts.runs, 1);
	ck_assert_str_eq(call(hq_coord_get_run_timeline,
			     json("{'runId':'run-1'}")),
	    before);
}
END_TEST

START_TEST(what_is_newer_here_is_kept_and_told)
{
	save(WF_NAMED("wf"));
	(void)call(hq_coord_queue_run,
	    json("{'workflowId':'wf','runId':'run-1'}"));
	import();
	ck_assert_uint_eq(counts.kept, 2);
	ck_assert_uint_eq(counts.runs + counts.workflows, 0);
	ck_assert_ptr_nonnull(strstr(reported, "runs/run-1.json: the stored"));
	ck_assert_ptr_nonnull(
	    strstr(call(hq_coord_get_run_status, json("{'runId':'run-1'}")),
		"\"queued\""));
}
END_TEST

static const struct {
	const char *path, *text, *reason;
} faults[] = {
	{ "coordination/workflows/x.json", "{", "x.json: " },
	{ "coordination/workflows/x.json", "[]", "it is not an object" },
	{ "coordination/workflows/x.json", WF_NAMED("y"),
	    "workflowId is not the file's name" },
	{ "coordination/workflows/x.txt", "", "it is not a .json file" },
	{ "coordination/workflows/%x.json", "", "its name is no id" },
	{ "coordination/runs/r.json", RUN("r", "odd"),
	    "status is none that a run can have" },
	{ "coordination/runs/r.json", "{'runId':'r'}",
	    "workflowId is not a text" },
	{ "coordination/timelines/r.json", "[]",
	    "there is no run of this timeline" },
	{ "coordination/timelines/run-1.json", "[{}]",
	    "an event's eventId is not a text" },
	{ "coordination/memory/wf/b.json", "{'workflowId':'wf'}",
	    "workflowVersion is not a whole number from 1" },
	{ "coordination/odd/x.json", "{}", "it is not part of this layout" },
};

START_TEST(what_cannot_be_taken_over_is_told)
{
	put_file(faults[_i].path, faults[_i].text);
	import();
	ck_assert_uint_eq(counts.refused, 1);
	ck_assert_msg(strstr(reported, faults[_i].reason) != NULL, "%s",
	    reported);
	ck_assert_uint_eq(counts.runs, 1);
}
END_TEST

START_TEST(an_imported_run_that_had_not_ended_can_be_cancelled)
{
	const char *got;

	put_file("coordination/runs/r.json", RUN("r", "running"));
	import();
	ck_assert_ptr_nonnull(strstr(reported, "nothing will finish it"));
	got = call(hq_coord_cancel_run, json("{'runId':'r'}"));
	ck_assert_ptr_nonnull(strstr(got, "\"error\":\"cancelled by local\""));
	ck_assert_ptr_nonnull(strstr(got, "http://old/x"));
	import();
	ck_assert_str_eq(call(hq_coord_get_run_status, json("{'runId':'r'}")),
	    got);
}
END_TEST

START_TEST(a_directory_without_coordination_is_not_found)
{
	ck_assert_int_eq(hq_coord_import(db, "/nonexistent", &watch, &counts,
			     &err),
	    HQ_E_NOT_FOUND);
}
END_TEST

static const struct {
	const char *text;
	bool imported;
} states[] = {
	{ "{'version':1,'plugins':{'enabled':['a'],'disabled':[],"
	  "'lastUpdatedAt':'2026-02-18T00:00:00.000Z'}}",
	    true },
	{ "{'version':2,'plugins':{'enabled':[],'lastUpdatedAt':'x'}}", false },
	{ "{'version':1,'plugins':{'enabled':{},'lastUpdatedAt':'x'}}", false },
	{ "{'version':1,'plugins':{'enabled':[1],'lastUpdatedAt':'x'}}",
	    false },
	{ "nonsense", false },
};

START_TEST(a_state_is_taken_over_whole_or_told_of)
{
	bool imported;

	put_file("state/state.json", states[_i].text);
	ck_hq_ok(hq_state_import(db, rawr, report, NULL, &imported, &err));
	ck_assert(imported == states[_i].imported);
	ck_assert((reported[0] == '\0') == imported);
	if (imported)
		ck_assert_str_eq(call(hq_state_get_runtime_state, json("{}")),
		    hq_json_text(arena,
			json(hq_arena_printf(arena, "{'state':%s}",
			    states[_i].text))));
}
END_TEST

START_TEST(a_later_state_is_kept)
{
	bool imported;

	put_file("state/state.json", states[0].text);
	ck_hq_ok(hq_state_set(db, &env, arena, "b", true, &err));
	ck_hq_ok(hq_state_import(db, rawr, report, NULL, &imported, &err));
	ck_assert(!imported);
	ck_assert_ptr_nonnull(strstr(reported, "newer"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("import");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, import_open, domain_close);
	tcase_add_test(tc, what_was_imported_comes_back_byte_for_byte);
	tcase_add_test(tc, a_second_import_changes_nothing);
	tcase_add_test(tc, what_is_newer_here_is_kept_and_told);
	tcase_add_loop_test(tc, what_cannot_be_taken_over_is_told, 0,
	    sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tc, an_imported_run_that_had_not_ended_can_be_cancelled);
	tcase_add_test(tc, a_directory_without_coordination_is_not_found);
	tcase_add_loop_test(tc, a_state_is_taken_over_whole_or_told_of, 0,
	    sizeof(states) / sizeof(states[0]));
	tcase_add_test(tc, a_later_state_is_kept);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

/*
 * Tasks: who gets one, who keeps it, and that each ends once.
 */
#include "coordtest.h"

#include "domain/coordination/task.h"

static struct hq_coord_step step;
static struct json_object *workflow;

static void
open_all(void)
{
	domain_open();
	workflow =
	    json(WORKFLOW("w", "d", DESK("d", "desk:agent", "false"), ""));
	step = (struct hq_coord_step){
		.db = db,
		.env = &env,
		.arena = arena,
		.run_id = "run-1",
		.engine_run_id = "e",
	};
}

/* Offer work of a run; its id. */
static const char *
offer(const char *run, int priority, int attempts)
{
	struct hq_coord_offer o = {
		.workflow = workflow,
		.desk =
		    json_object_array_get_idx(hq_json_get(workflow, "desks"),
			0),
		.kind = "review",
		.input = json("{'n':1}"),
		.max_attempts = attempts,
		.priority = priority,
	};
	const char *id;
	int64_t created;

	step.run_id = run;
	ck_hq_ok(hq_coord_task_offer(&step, &o, &id, &created, &err));
	return id;
}

static const char *
offer_human(void)
{
	struct hq_coord_offer o = {
		.workflow = workflow,
		.desk =
		    json_object_array_get_idx(hq_json_get(workflow, "desks"),
			0),
		.kind = "desk:human-wait",
		.human = true,
		.input = json("{}"),
		.max_attempts = 1,
	};
	const char *id;
	int64_t created;

	ck_hq_ok(hq_coord_task_offer(&step, &o, &id, &created, &err));
	return id;
}

/* The claimed task; NULL if there was none. */
static struct json_object *
claim_as(const char *agent, const char *more)
{
	struct json_object *out;

	ck_hq_ok(hq_coord_claim_task(&boundary,
	    json(hq_arena_printf(arena, "{'agentId':'%s'%s}", agent, more)),
	    &out, &err));
	return hq_json_get(out, "task");
}

static const char *
claimed_id(const char *more)
{
	struct json_object *t = claim_as("a", more);

	return t == NULL ? "none" : hq_json_str(t, "taskId");
}

static long long
token(struct json_object *t)
{
	return (long long)hq_json_i64(t, "token", 0);
}

/* Call with {taskId, token, ...}. */
static const char *
act(hq_handler *fn, const char *id, long long with, const char *more)
{
	return call(fn,
	    json(hq_arena_printf(arena, "{'taskId':'%s','token':%lld%s}", id,
		with, more)));
}

static const char *
state_of(const char *id)
{
	struct json_object *o;

	ck_hq_ok(hq_coord_task_outcome(&step, id, &o, &err));
	return o == NULL ? "none" : hq_json_text(arena, o);
}

static int64_t
count(size_t q, const char *of)
{
	static const char *const sql[] = {
		"SELECT count(*) FROM engine_event WHERE client_id = $1",
		"SELECT count(*) FROM engine_event WHERE name = $1",
		"SELECT max(json_extract(data, '$.dueMs')) FROM engine_event"
		" WHERE name = $1",
		NULL,
	};
	static const char *const none[] = { NULL };
	static const struct hq_module counting = {
		.name = "counting",
		.migrations = none,
		.sql = sql,
	};
	static const struct hq_module *const modules[] = { &counting, NULL };
	struct hq_db_opts o = {
		.path = store_path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 10000,
	};
	struct hq_db *other;
	int64_t n;

	ck_hq_ok(hq_db_open(&o, &other, &err));
	{
		HQ_CURSOR(row);

		ck_hq_ok(hq_query(other, &counting, q, HQ_BIND(hq_text(of)),
		    &row, &err));
		ck_assert(hq_cursor_next(&row));
		n = hq_cursor_i64(&row, 0);
	}
	hq_db_close(other);
	return n;
}

/* How many events tell the end of a task. */
static int
events(const char *id)
{
	return (int)count(0, hq_arena_printf(arena, "%s-ended", id));
}

static int
watches(void)
{
	return (int)count(1, HQ_COORD_TASK_WATCH);
}

/* As the last watch that was started does, when it is due. */
static void
reap(void)
{
	int64_t n, due = count(2, HQ_COORD_TASK_WATCH);

	if (fake.now_ms < due)
		fake.now_ms = due;
	ck_hq_ok(hq_coord_task_look(&step, due, &n, &err));
}

/* -------------------------------------------------------------- offering -- */

START_TEST(work_is_offered_once_however_often_it_is_asked)
{
	const char *first = offer("run-1", 0, 1);

	fake.now_ms += 1000;
	ck_assert_str_eq(offer("run-1", 0, 1), first);
	ck_assert_str_ne(offer("run-2", 0, 1), first);
}
END_TEST

START_TEST(a_claim_gets_the_most_urgent_then_the_oldest)
{
	const char *low = offer("run-1", -1, 1);
	const char *old = offer("run-2", 0, 1), *young;
	const char *high;

	fake.now_ms -= 3600000; /* the clock may go back */
	young = offer("run-3", 0, 1);
	high = offer("run-4", 1, 1);
	ck_assert_str_eq(claimed_id(""), high);
	ck_assert_str_eq(claimed_id(""), old);
	ck_assert_str_eq(claimed_id(""), young);
	ck_assert_str_eq(claimed_id(""), low);
	ck_assert_str_eq(claimed_id(""), "none");
}
END_TEST

static const struct {
	const char *filter;
	bool fits;
} filters[] = {
	{ ",'workflowId':'w'", true },
	{ ",'workflowId':'v'", false },
	{ ",'deskId':'d'", true },
	{ ",'deskId':'e'", false },
	{ ",'kind':'review'", true },
	{ ",'kind':'desk:agent'", false },
	{ ",'workflowId':'w','deskId':'d','kind':'review'", true },
	{ ",'workflowId':'w','deskId':'e','kind':'review'", false },
};

START_TEST(a_claim_takes_only_what_it_asks_for)
{
	const char *id = offer("run-1", 0, 1);

	ck_assert_str_eq(claimed_id(filters[_i].filter),
	    filters[_i].fits ? id : "none");
}
END_TEST

START_TEST(a_person_s_task_is_not_claimed)
{
	offer_human();
	ck_assert_str_eq(claimed_id(""), "none");
}
END_TEST

START_TEST(a_task_comes_with_what_it_needs)
{
	struct json_object *t;
	const char *id = offer("run-1", 0, 3);

	t = claim_as("ann", ",'leaseSeconds':5");
	ck_assert_str_eq(hq_json_str(t, "taskId"), id);
	ck_assert_str_eq(hq_json_text(arena, hq_json_get(t, "input")),
	    "{\"n\":1}");
	ck_assert_ptr_nonnull(
	    strstr(hq_json_text(arena, hq_json_get(t, "desk")),
		"\"deskId\":\"d\""));
	ck_assert_str_eq(hq_json_str(t, "by"), "ann");
	ck_assert_str_eq(hq_json_str(t, "leaseUntil"),
	    "2026-11-23T11:09:06.657Z");
	ck_assert_int_eq(hq_json_i64(t, "attempt", 0), 1);
	ck_assert_int_eq(token(t), 1);
}
END_TEST

/* ---------------------------------------------------------------- leases -- */

START_TEST(a_lease_that_ran_out_gives_the_task_to_the_next)
{
	const char *id = offer("run-1", 0, 2);
	struct json_object *first = claim_as("a", ""), *second;

	fake.now_ms += HQ_COORD_TASK_LEASE_S * 1000 - 1;
	ck_assert_str_eq(claimed_id(""), "none");
	fake.now_ms++;
	second = claim_as("b", "");
	ck_assert_str_eq(hq_json_str(second, "taskId"), id);
	ck_assert_int_gt(token(second), token(first));
	ck_assert_int_eq(hq_json_i64(second, "attempt", 0), 2);
}
END_TEST

START_TEST(a_task_whose_leases_all_ran_out_fails)
{
	const char *id = offer("run-1", 0, 2);

	claimed_id("");
	fake.now_ms += HQ_COORD_TASK_LEASE_S * 1000;
	claimed_id("");
	fake.now_ms += HQ_COORD_TASK_LEASE_S * 1000;
	woken = 0;
	ck_assert_str_eq(claimed_id(""), "none");
	ck_assert_str_eq(state_of(id),
	    "{\"state\":\"failed\",\"error\":\"lease expired 2 times\","
	    "\"by\":\"a\"}");
	ck_assert_int_eq(events(id), 1);
	ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(the_watch_takes_back_what_ran_out_and_then_rests)
{
	const char *id = offer("run-1", 0, 1);

	ck_assert_int_eq(watches(), 0);
	woken = 0;
	claimed_id("");
	ck_assert_int_eq(watches(), 1);
	ck_assert_int_eq(woken, 1);
	reap();
	reap();
	ck_assert_ptr_nonnull(strstr(state_of(id), "failed"));
	ck_assert_int_eq(events(id), 1);
	ck_assert_int_eq(watches(), 1);
}
END_TEST

START_TEST(one_watch_follows_the_other_while_a_lease_is_kept)
{
	const char *id = offer("run-1", 0, 1);
	struct json_object *t = claim_as("a", "");

	offer("run-2", 0, 1);
	claimed_id("");
	ck_assert_int_eq(watches(), 1);
	fake.now_ms += 59000;
	act(hq_coord_heartbeat_task, id, token(t), "");
	reap();
	ck_assert_ptr_nonnull(strstr(state_of(id), "claimed"));
	ck_assert_int_eq(watches(), 2);
	ck_assert_int_eq(count(2, HQ_COORD_TASK_WATCH), fake.now_ms + 59000);
}
END_TEST

START_TEST(a_shorter_lease_is_watched_sooner_and_only_the_last_watch_goes_on)
{
	int64_t first, n;

	offer("run-1", 0, 9);
	offer("run-2", 0, 9);
	claimed_id("");
	first = count(2, HQ_COORD_TASK_WATCH);
	claimed_id(",'leaseSeconds':5");
	ck_assert_int_eq(watches(), 2);
	offer("run-3", 0, 9);
	claimed_id(",'leaseSeconds':3600");
	fake.now_ms = first;
	ck_hq_ok(hq_coord_task_look(&step, first, &n, &err));
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(watches(), 2);
}
END_TEST

START_TEST(a_watch_that_is_lost_is_replaced_by_the_next_claim)
{
	offer("run-1", 0, 9);
	claimed_id("");
	fake.now_ms += (HQ_COORD_TASK_LEASE_S + 61) * 1000;
	claimed_id("");
	ck_assert_int_eq(watches(), 2);
}
END_TEST

START_TEST(a_heartbeat_keeps_the_lease)
{
	const char *id = offer("run-1", 0, 2);
	struct json_object *t = claim_as("a", "");

	fake.now_ms += 59000;
	ck_assert_str_eq(act(hq_coord_heartbeat_task, id, token(t), ""),
	    "{\"leaseUntil\":\"2026-11-23T11:11:00.657Z\"}");
	fake.now_ms += 59000;
	ck_assert_str_eq(claimed_id(""), "none");
	ck_assert_str_eq(act(hq_coord_heartbeat_task, id, token(t),
			     ",'leaseSeconds':3600"),
	    "{\"leaseUntil\":\"2026-11-23T12:10:59.657Z\"}");
}
END_TEST

/* ----------------------------------------------------------------- ends -- */

START_TEST(a_completed_task_has_its_output_and_ends_once)
{
	const char *id = offer("run-1", 0, 1), *got;
	struct json_object *t = claim_as("ann", "");

	woken = 0;
	got = act(hq_coord_complete_task, id, token(t),
	    ",'output':{'ok':true},'memory':{'seen':1}");
	ck_assert_msg(strncmp(got, "{\"task\"", 7) == 0, "%s", got);
	ck_assert_str_eq(state_of(id),
	    "{\"state\":\"completed\",\"output\":{\"ok\":true},"
	    "\"by\":\"ann\",\"memory\":{\"seen\":1}}");
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(events(id), 1);
	ck_assert_str_eq(act(hq_coord_complete_task, id, token(t),
			     ",'output':2"),
	    hq_arena_printf(arena,
		"TASK_LEASE_LOST the task is not yours to answer any more: it "
		"is completed {\"taskId\":\"%s\",\"state\":\"completed\"}",
		id));
	ck_assert_int_eq(events(id), 1);
}
END_TEST

START_TEST(a_failed_attempt_is_offered_again_while_there_are_attempts)
{
	const char *id = offer("run-1", 0, 2);

	act(hq_coord_fail_task, id, token(claim_as("a", "")), ",'error':'e1'");
	ck_assert_ptr_nonnull(strstr(state_of(id), "\"open\""));
	ck_assert_int_eq(events(id), 0);
	act(hq_coord_fail_task, id, token(claim_as("a", "")), ",'error':'e2'");
	ck_assert_str_eq(state_of(id),
	    "{\"state\":\"failed\",\"error\":\"e2\",\"by\":\"a\"}");
	ck_assert_int_eq(events(id), 1);
}
END_TEST

START_TEST(a_failure_that_is_not_retryable_is_the_end)
{
	const char *id = offer("run-1", 0, 5);

	act(hq_coord_fail_task, id, token(claim_as("a", "")),
	    ",'error':'never','retryable':false");
	ck_assert_ptr_nonnull(strstr(state_of(id), "\"failed\""));
	ck_assert_int_eq(events(id), 1);
}
END_TEST

static hq_handler *const acts[] = { hq_coord_heartbeat_task,
	hq_coord_complete_task, hq_coord_fail_task };
#define EVERYTHING ",'output':1,'error':'e'"

START_TEST(a_late_answer_is_refused)
{
	const char *id = offer("run-1", 0, 3), *got;
	long long mine = token(claim_as("a", ""));

	fake.now_ms += HQ_COORD_TASK_LEASE_S * 1000;
	got = act(acts[_i], id, mine, EVERYTHING);
	ck_assert_msg(strncmp(got, "TASK_LEASE_LOST", 15) == 0, "%s", got);
	ck_assert_ptr_nonnull(strstr(got, "\"state\":\"open\""));
	claim_as("b", "");
	got = act(acts[_i], id, mine, EVERYTHING);
	ck_assert_msg(strncmp(got, "TASK_LEASE_LOST", 15) == 0, "%s", got);
	ck_assert_ptr_nonnull(strstr(state_of(id), "\"by\":\"b\""));
}
END_TEST

START_TEST(a_closed_task_takes_no_answer)
{
	const char *id = offer("run-1", 0, 3), *got;
	long long mine = token(claim_as("a", ""));

	ck_hq_ok(hq_coord_task_close(&step, id, "timed out", &err));
	got = act(acts[_i], id, mine, EVERYTHING);
	ck_assert_msg(strncmp(got, "TASK_LEASE_LOST", 15) == 0, "%s", got);
	ck_assert_ptr_nonnull(strstr(state_of(id), "timed out"));
	ck_assert_int_eq(events(id), 0);
}
END_TEST

START_TEST(a_task_that_is_not_there_is_not_found)
{
	ck_assert_str_eq(act(acts[_i], "task-0", 1, EVERYTHING),
	    "TASK_NOT_FOUND task not found {\"taskId\":\"task-0\"}");
}
END_TEST

#define STRICT \
	"{'type':'object','required':['ok']," \
	"'properties':{'ok':{'type':'boolean'}}}"

static void
be_strict(void)
{
	hq_json_put(json_object_array_get_idx(hq_json_get(workflow, "desks"),
			0),
	    "outputSchema", json_object_get(json(STRICT)));
}

START_TEST(an_output_that_does_not_fit_fails_the_attempt)
{
	const char *id, *got;

	be_strict();
	id = offer("run-1", 0, 2);
	got = act(hq_coord_complete_task, id, token(claim_as("a", "")),
	    ",'output':{'ok':1}");
	ck_assert_str_eq(got,
	    "TASK_OUTPUT_INVALID the output does not fit the desk: output.ok "
	    "must be boolean {\"path\":\"output.ok\",\"message\":"
	    "\"output.ok must be boolean\"}");
	ck_assert_ptr_nonnull(strstr(state_of(id), "\"open\""));
	act(hq_coord_complete_task, id, token(claim_as("a", "")),
	    ",'output':{}");
	ck_assert_ptr_nonnull(strstr(state_of(id), "\"failed\""));
	ck_assert_int_eq(events(id), 1);
}
END_TEST

START_TEST(an_answer_that_does_not_fit_leaves_the_question_open)
{
	const char *id, *got;

	be_strict();
	id = offer_human();
	got = call(hq_coord_answer_task,
	    json(hq_arena_printf(arena,
		"{'taskId':'%s','output':{},'by':'maria'}", id)));
	ck_assert_int_eq(strncmp(got, "TASK_OUTPUT_INVALID", 19), 0);
	ck_assert_str_eq(state_of(id), "{\"state\":\"open\"}");
}
END_TEST

START_TEST(a_person_s_answer_ends_a_task_once_and_says_who)
{
	const char *id = offer_human();
	const char *in = hq_arena_printf(arena,
	    "{'taskId':'%s','output':{'yes':1},'by':'maria'}", id);

	call(hq_coord_answer_task, json(in));
	ck_assert_str_eq(state_of(id),
	    "{\"state\":\"completed\",\"output\":{\"yes\":1},"
	    "\"by\":\"maria\"}");
	ck_assert_int_eq(strncmp(call(hq_coord_answer_task, json(in)),
			     "TASK_LEASE_LOST", 15),
	    0);
	ck_assert_int_eq(events(id), 1);
}
END_TEST

START_TEST(an_agent_s_task_is_not_a_person_s)
{
	const char *got = call(hq_coord_answer_task,
	    json(hq_arena_printf(arena,
		"{'taskId':'%s','output':1,'by':'maria'}",
		offer("run-1", 0, 1))));

	ck_assert_int_eq(strncmp(got, "TASK_NOT_HUMAN", 14), 0);
}
END_TEST

static const char *const too_much[] = {
	"{'agentId':'a','waitSeconds':31}",
	"{'agentId':'a','leaseSeconds':3601}",
};

START_TEST(a_claim_may_not_ask_for_more_than_there_is)
{
	ck_assert_int_eq(strncmp(call(hq_coord_claim_task, json(too_much[_i])),
			     "BAD_REQUEST", 11),
	    0);
}
END_TEST

/* ----------------------------------------------------------------- lists -- */

static const char *const fill_sql[] = {
	"INSERT INTO coordination_task (task_id, run_id, workflow_id, desk_id,"
	" round, state, kind, human, priority, attempt, max_attempts, expiries,"
	" lease_ms, token, desk, input, created_ms, ended_ms)"
	" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	" WHERE i < $1) SELECT 't' || i, 'r' || i, 'w', 'd', 0, 'closed',"
	" CASE WHEN i % $2 = 0 THEN 'k' ELSE 'other' END, 0, 0, 0, 1, 0, 1, 0,"
	" '{}', '{}', 1, 2 FROM n",
	NULL,
};
static const char *const fill_none[] = { NULL };
static const struct hq_module filling = { "filling", fill_none, fill_sql };

enum { FEW = 7, BETWEEN = 2000 }; /* of BETWEEN tasks one is of kind k */

static enum hq_rc
fill_tx(void *arg, struct hq_err *e)
{
	return hq_exec(arg, &filling, 0,
	    HQ_BIND(hq_i64(FEW * BETWEEN), hq_i64(BETWEEN)), NULL, e);
}

START_TEST(a_list_finds_the_few_among_the_many_page_by_page)
{
	static const struct hq_module *const modules[] = { &filling, NULL };
	struct hq_db_opts o = { .path = store_path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 10000 };
	struct json_object *out;
	const char *cursor = "";
	int found = 0, pages = 0;
	struct hq_db *other;

	ck_hq_ok(hq_db_open(&o, &other, &err));
	ck_hq_ok(hq_db_tx(other, fill_tx, other, &err));
	hq_db_close(other);
	do {
		ck_hq_ok(hq_coord_list_tasks(&boundary,
		    json(hq_arena_printf(arena, "{'kind':'k'%s}", cursor)),
		    &out, &err));
		found +=
		    (int)json_object_array_length(hq_json_get(out, "tasks"));
		cursor = hq_json_str(out, "nextCursor");
		if (cursor != NULL)
			cursor =
			    hq_arena_printf(arena, ",'cursor':'%s'", cursor);
		pages++;
	} while (cursor != NULL && pages < 100);
	ck_assert_int_eq(found, FEW);
	ck_assert_int_eq(pages,
	    (FEW * BETWEEN + HQ_COORD_TASK_LOOK_MAX - 1) /
		HQ_COORD_TASK_LOOK_MAX);
}
END_TEST

/* --------------------------------------------------------------- waiting -- */

START_TEST(a_claim_waits_until_its_time_is_over)
{
	struct json_object *in = json("{'agentId':'a','waitSeconds':30}"), *out;

	boundary.arrived_ms = fake.now_ms;
	ck_assert_int_eq(hq_coord_claim_task(&boundary, in, &out, &err),
	    HQ_SUSPEND);
	ck_assert_int_eq(boundary.park_ms, 30000);
	fake.now_ms += 29900;
	ck_assert_int_eq(hq_coord_claim_task(&boundary, in, &out, &err),
	    HQ_SUSPEND);
	ck_assert_int_eq(boundary.park_ms, 100);
	fake.now_ms += 100;
	ck_assert_str_eq(call(hq_coord_claim_task, in), "{\"task\":null}");
}
END_TEST

START_TEST(a_claim_that_may_not_wait_answers)
{
	boundary.arrived_ms = fake.now_ms;
	boundary.last = true;
	ck_assert_str_eq(call(hq_coord_claim_task,
			     json("{'agentId':'a','waitSeconds':30}")),
	    "{\"task\":null}");
}
END_TEST

/* ----------------------------------------------------------------- lists -- */

START_TEST(a_list_of_tasks_goes_on_where_it_stopped)
{
	struct json_object *out, *v;
	const char *in = "{'limit':'2'}", *ids[3];
	int i, n = 0;

	for (i = 0; i < 3; i++)
		ids[i] = offer(hq_arena_printf(arena, "run-%d", i), 0, 1);
	for (;;) {
		ck_hq_ok(hq_coord_list_tasks(&boundary, json(in), &out, &err));
		v = hq_json_get(out, "tasks");
		for (i = 0; i < (int)json_object_array_length(v); i++)
			ck_assert_str_eq(
			    hq_json_str(json_object_array_get_idx(v, (size_t)i),
				"taskId"),
			    ids[2 - n++]);
		if (hq_json_str(out, "nextCursor") == NULL)
			break;
		in = hq_arena_printf(arena, "{'limit':2,'cursor':'%s'}",
		    hq_json_str(out, "nextCursor"));
	}
	ck_assert_int_eq(n, 3);
}
END_TEST

static const char *const bad_pages[] = {
	"{'limit':'x'}",
	"{'limit':0}",
	"{'limit':201}",
	"{'limit':1.5}",
	"{'cursor':'-'}",
};

START_TEST(a_page_that_is_none_is_refused)
{
	ck_assert_int_eq(strncmp(call(hq_coord_list_tasks, json(bad_pages[_i])),
			     "BAD_REQUEST", 11),
	    0);
}
END_TEST

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("task");
	TCase *t = tcase_create("task");

	tcase_add_checked_fixture(t, open_all, domain_close);
	tcase_add_test(t, work_is_offered_once_however_often_it_is_asked);
	tcase_add_test(t, a_claim_gets_the_most_urgent_then_the_oldest);
	tcase_add_loop_test(t, a_claim_takes_only_what_it_asks_for, 0,
	    ROWS(filters));
	tcase_add_test(t, a_person_s_task_is_not_claimed);
	tcase_add_test(t, a_task_comes_with_what_it_needs);
	tcase_add_test(t, a_lease_that_ran_out_gives_the_task_to_the_next);
	tcase_add_test(t, a_task_whose_leases_all_ran_out_fails);
	tcase_add_test(t, the_watch_takes_back_what_ran_out_and_then_rests);
	tcase_add_test(t, one_watch_follows_the_other_while_a_lease_is_kept);
	tcase_add_test(t,
	    a_shorter_lease_is_watched_sooner_and_only_the_last_watch_goes_on);
	tcase_add_test(t, a_list_finds_the_few_among_the_many_page_by_page);
	tcase_add_test(t, a_watch_that_is_lost_is_replaced_by_the_next_claim);
	tcase_add_test(t, a_heartbeat_keeps_the_lease);
	tcase_add_test(t, a_completed_task_has_its_output_and_ends_once);
	tcase_add_test(t,
	    a_failed_attempt_is_offered_again_while_there_are_attempts);
	tcase_add_test(t, a_failure_that_is_not_retryable_is_the_end);
	tcase_add_loop_test(t, a_late_answer_is_refused, 0, ROWS(acts));
	tcase_add_loop_test(t, a_closed_task_takes_no_answer, 0, ROWS(acts));
	tcase_add_loop_test(t, a_task_that_is_not_there_is_not_found, 0,
	    ROWS(acts));
	tcase_add_test(t, an_output_that_does_not_fit_fails_the_attempt);
	tcase_add_test(t, an_answer_that_does_not_fit_leaves_the_question_open);
	tcase_add_test(t, a_person_s_answer_ends_a_task_once_and_says_who);
	tcase_add_test(t, an_agent_s_task_is_not_a_person_s);
	tcase_add_loop_test(t, a_claim_may_not_ask_for_more_than_there_is, 0,
	    ROWS(too_much));
	tcase_add_test(t, a_claim_waits_until_its_time_is_over);
	tcase_add_test(t, a_claim_that_may_not_wait_answers);
	tcase_add_test(t, a_list_of_tasks_goes_on_where_it_stopped);
	tcase_add_loop_test(t, a_page_that_is_none_is_refused, 0,
	    ROWS(bad_pages));
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * How SQLite runs every statement of every module: none reads a table that
 * grows from end to end, none sorts one, and none is planned anew for what is
 * bound to it.
 */
#include <sqlite3.h>

#include "domain/coordination/export.h"
#include "domain/coordination/store.h"
#include "domain/state/state.h"
#include "engine/sql.h"
#include "proto/contract.h"
#include "store/internal.h"
#include "test_store_dir.h"

enum { MODULES_MAX = 64 };

/* What may be scanned or sorted: steps of a plan, and why that is bounded. */
static const struct {
	const char *sql;  /* how the statement begins */
	const char *step; /* how the step begins */
	const char *why;
} allowed[] = {
	{ "SELECT seq, event FROM engine_inbox ORDER BY seq LIMIT 1",
	    "SCAN engine_inbox", "reads one row" },
	{ "SELECT event < $1 FROM engine_inbox", "SCAN engine_inbox",
	    "reads those apart, which stand there for days" },
	{ "UPDATE engine_inbox SET apart = 1", "SCAN engine_inbox",
	    "the same" },
	{ "SELECT count(*) FROM (SELECT 1 FROM engine_", "SCAN seen",
	    "counts what a search found, up to a limit" },
	{ "SELECT coalesce(sum(rev), 0) FROM engine_app", "SCAN engine_app",
	    "a row per app" },
	{ "SELECT slug, app, config, archived FROM engine_fn", "SCAN engine_fn",
	    "a row per function" },
	{ "SELECT EXISTS (SELECT 1 FROM engine_fn", "SCAN engine_fn",
	    "a row per function" },
	{ "UPDATE engine_fn SET archived = 1", "SCAN engine_fn",
	    "a row per function" },
	{ "SELECT id FROM engine_event ORDER BY id DESC LIMIT 1",
	    "SCAN engine_event", "reads one row" },
	{ "SELECT fn, expr, next_ms FROM engine_cron", "SCAN engine_cron",
	    "a row per trigger" },
	{ "DELETE FROM engine_cron", "SCAN engine_cron", "a row per trigger" },
	{ "SELECT workflow_id, body FROM coordination_workflow",
	    "SCAN coordination_workflow", "all of them are asked for" },
	{ "DELETE FROM engine_inbox WHERE client_id = $1", "SCAN engine_inbox",
	    "a queue that the runner empties, and a cancel is rare" },
	{ "SELECT i.seq, e.id, e.client_id, e.name, e.data, e.ts_ms"
	  " FROM engine_inbox i",
	    "SCAN i", "reads as many rows as one request has" },
	{ "SELECT count(*), coalesce(min(e.received_ms), 0)", "SCAN i",
	    "who asks why a queue is not emptied counts it" },
	{ "SELECT e.received_ms, NULL FROM engine_inbox i", "SCAN ",
	    "the same; and what is parked is bounded" },
	{ "SELECT count(*) FROM engine_job WHERE step = 'step'",
	    "SCAN engine_job",
	    "open runs of an engine that stands still: the doctor asks" },
	{ "SELECT count(*) FROM engine_parked", "SCAN engine_parked",
	    "HQ_OUTBOX_PARKED_MAX rows" },
	{ "SELECT p.event, e.name, p.why, p.parked_ms", "SCAN p", "the same" },
	{ "INSERT INTO engine_inbox (event, client_id, apart) SELECT",
	    "SCAN engine_parked", "the same" },
	{ "DELETE FROM engine_parked", "SCAN engine_parked", "the same" },
	{ "SELECT since_ms, why FROM engine_trouble", "SCAN engine_trouble",
	    "one row" },
	{ "UPDATE engine_debounce SET until_ms = max(", "SCAN engine_debounce",
	    "the clock was set back: each of them is pending, and moves" },
	{ "SELECT j.kind, j.due_ms, j.attempt", "USE TEMP B-TREE",
	    "the jobs of the runs of one event" },
	{ "SELECT event_id, type, desk_id, ts_ms", "USE TEMP B-TREE",
	    "the timeline of one run" },
	{ "SELECT seq, task_id, run_id", "USE TEMP B-TREE",
	    "the tasks of one run" },
	{ "SELECT task_id FROM coordination_task WHERE state = 'open' AND"
	  " human = 0 AND ($1 IS NULL OR workflow_id = $1) AND ($2 IS NULL OR"
	  " desk_id = $2) AND ($3 IS NULL OR kind = $3)",
	    "SCAN coordination_task USING INDEX coordination_task_offered",
	    "reads one row: it is for a claim without a filter" },
	{ "WITH RECURSIVE d (day) AS (SELECT min(day) FROM engine_seen",
	    "SCAN d", "a row per day" },
	{ "SELECT id FROM engine_run WHERE num IN (WITH", "SCAN d",
	    "a row per day" },
	{ "SELECT j.kind, j.due_ms, j.attempt", "SCAN d", "a row per day" },
	{ "SELECT l.lane, coalesce(", "SCAN l", "a row per lane" },
	{ "SELECT id, fn, event, state, created_ms",
	    "USE TEMP B-TREE FOR ORDER", "an event begins a run per function" },
	{ "SELECT (SELECT COUNT(*) FROM coordination_workflow)", "SCAN ",
	    "an export counts what it is going to write" },
};

static const struct hq_module *modules[MODULES_MAX + 1];
static sqlite3 *raw;

static void
collect(void)
{
	const struct hq_composed *p;
	size_t i, n = 0;

	modules[n++] = &hq_engine_store;
	modules[n++] = &hq_state_store;
	for (p = hq_composition; p->plugin != NULL; p++)
		for (i = 0; p->plugin->modules != NULL &&
		     p->plugin->modules[i] != NULL;
		     i++)
			modules[n++] = p->plugin->modules[i];
	modules[n++] = &hq_coordination_export;
	ck_assert_uint_le(n, MODULES_MAX);
	modules[n] = NULL;
}

static struct hq_db *
open_store(void)
{
	struct hq_db_opts o = { .path = path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 1000 };
	struct hq_db *db;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	return db;
}

static void
setup(void)
{
	dir_open();
	collect();
	hq_db_close(open_store());
	ck_assert_int_eq(sqlite3_open(path, &raw), SQLITE_OK);
}

static void
teardown(void)
{
	sqlite3_close(raw);
	dir_close();
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* A scan of rows that are no table's: constants, and lists of values. */
static bool
is_harmless(const char *step)
{
	return begins(step, "SCAN CONSTANT ROW") ||
	    begins(step, "SCAN (subquery");
}

static bool
is_allowed(const char *sql, const char *step)
{
	size_t i;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (begins(sql, allowed[i].sql) &&
		    begins(step, allowed[i].step))
			return true;
	return false;
}

/* How many steps of the statement's plan may not be. */
static int
faults(const char *sql)
{
	sqlite3_stmt *st;
	const char *step;
	char text[8192];
	int n = 0;

	snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
	ck_assert_msg(sqlite3_prepare_v2(raw, text, -1, &st, NULL) == SQLITE_OK,
	    "%s: %s", sqlite3_errmsg(raw), sql);
	while (sqlite3_step(st) == SQLITE_ROW) {
		step = (const char *)sqlite3_column_text(st, 3);
		if (!begins(step, "SCAN ") && !begins(step, "USE TEMP B-TREE"))
			continue;
		if (is_harmless(step) || is_allowed(sql, step))
			continue;
		fprintf(stderr, "%s\n\tin %s\n", step, sql);
		n++;
	}
	sqlite3_finalize(st);
	return n;
}

/* Several plugins may use one module. */
static bool
is_repeated(const struct hq_module **m)
{
	const struct hq_module **before;

	for (before = modules; before < m; before++)
		if (*before == *m)
			return true;
	return false;
}

static bool
uses(const struct hq_module *m, size_t q, const char *index)
{
	sqlite3_stmt *st;
	char text[8192];
	bool found = false;

	snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", m->sql[q]);
	ck_assert_int_eq(sqlite3_prepare_v2(raw, text, -1, &st, NULL),
	    SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		if (strstr((const char *)sqlite3_column_text(st, 3), index) !=
		    NULL)
			found = true;
	sqlite3_finalize(st);
	return found;
}

START_TEST(what_a_list_or_a_claim_filters_by_has_an_index)
{
	static const struct {
		enum hq_coord_q q;
		const char *index;
	} v[] = {
		{ HQ_CQ_RUN_LIST, "coordination_run_started" },
		{ HQ_CQ_RUN_LIST_WORKFLOW, "coordination_run_of_workflow" },
		{ HQ_CQ_RUN_LIST_STATUS, "coordination_run_not_completed" },
		{ HQ_CQ_TASK_LIST_RUN, "(run_id=?)" },
		{ HQ_CQ_TASK_LIST_LIVE, "coordination_task_live" },
		{ HQ_CQ_TASK_OFFERED, "coordination_task_offered" },
		{ HQ_CQ_TASK_OFFERED_WORKFLOW,
		    "coordination_task_of_workflow" },
		{ HQ_CQ_TASK_OFFERED_DESK, "coordination_task_of_desk" },
		{ HQ_CQ_TASK_OFFERED_KIND, "coordination_task_of_kind" },
	};
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		ck_assert_msg(uses(&hq_coordination_store, v[i].q, v[i].index),
		    "%s", v[i].index);
	ck_assert(uses(&hq_engine_store, Q_EVENTS_SINCE, "engine_event_name"));
}
END_TEST

START_TEST(no_statement_of_any_module_reads_a_growing_table_from_end_to_end)
{
	const struct hq_module **m;
	size_t q;
	int n = 0;

	for (m = modules; *m != NULL; m++) {
		if (is_repeated(m))
			continue;
		for (q = 0; (*m)->sql[q] != NULL; q++)
			n += faults((*m)->sql[q]);
	}
	ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(a_statement_that_scans_or_sorts_is_found)
{
	ck_assert_int_eq(faults("SELECT id FROM engine_run WHERE fn = $1"), 1);
	ck_assert_int_eq(faults("SELECT id FROM engine_event WHERE id > $1"
				" ORDER BY ts_ms"),
	    1);
	ck_assert_int_eq(faults("SELECT id FROM engine_event WHERE id > $1"),
	    0);
}
END_TEST

/* Run it with v, or with NULL, in the place of each parameter. */
static void
run_with(const struct hq_stmt *s, const char *v)
{
	int i;

	for (i = 1; i <= s->n; i++)
		ck_assert_int_eq(v == NULL
			? sqlite3_bind_null(s->st, i)
			: sqlite3_bind_text(s->st, i, v, -1, SQLITE_STATIC),
		    SQLITE_OK);
	while (sqlite3_step(s->st) == SQLITE_ROW)
		;
	(void)sqlite3_reset(s->st); /* a constraint may refuse it */
}

/* How often it was prepared again over several values. */
static int
times_prepared_again(const struct hq_stmt *s)
{
	static const char *const values[] = { "open", NULL, "completed", "1",
		"", "a%" };
	size_t i;
	int n;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		run_with(s, values[i]);
	n = sqlite3_stmt_status(s->st, SQLITE_STMTSTATUS_REPREPARE, 0);
	if (n > 0)
		fprintf(stderr, "%d times: %s\n", n, sqlite3_sql(s->st));
	return n;
}

START_TEST(no_statement_of_any_module_is_prepared_again_for_what_is_bound)
{
	struct hq_db *db = open_store();
	size_t i, q;
	int n = 0;

	ck_assert_int_eq(hq_store_control(db, HQ_CTL_BEGIN_WRITE), SQLITE_OK);
	for (i = 0; i < db->nsets; i++)
		for (q = 0; q < db->sets[i].n; q++) {
			ck_hq_ok(
			    hq_store_prepare(db, &db->sets[i].stmts[q], &err));
			n += times_prepared_again(&db->sets[i].stmts[q]);
		}
	ck_assert_int_eq(hq_store_control(db, HQ_CTL_ROLLBACK), SQLITE_OK);
	hq_db_close(db);
	ck_assert_int_eq(n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plans");
	TCase *t = tcase_create("plans");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    no_statement_of_any_module_reads_a_growing_table_from_end_to_end);
	tcase_add_test(t, what_a_list_or_a_claim_filters_by_has_an_index);
	tcase_add_test(t, a_statement_that_scans_or_sorts_is_found);
	tcase_add_test(t,
	    no_statement_of_any_module_is_prepared_again_for_what_is_bound);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * plugins/workflows/bench - a durable function of five steps that do nothing,
 * and procedures that start it and see it end.  Only the benchmark's copy of
 * the tree has this plugin.
 */
#include <string.h>
#include <time.h>

#include "base/ids.h"
#include "domain/coordination/store.h"
#include "engine/event.h"
#include "flow/flow.h"
#include "proto/contract.h"

#define EVENT "rawr/bench.run"
#define NAP "rawr/bench.nap"

enum {
	STEPS = 5,
	STATE_BYTES_MAX = 65536,
	LOOK_EVERY_NS = 50000,
	GIVE_UP_US = 10000000,
	US_PER_S = 1000000,
	NS_PER_US = 1000,
};

/* ---------------------------------------------------------- the function -- */

/* A value of as many bytes as the event asks for; none: null. */
static enum hq_rc
no_op(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	static char text[STATE_BYTES_MAX];
	int64_t n = hq_json_i64(in, "bytes", 0);

	*ret_out = NULL;
	if (n <= 0)
		return HQ_OK;
	if (n > STATE_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "bytes: too many");
	memset(text, 'x', (size_t)n);
	*ret_out = hq_json_new_string_len(text, (int)n);
	return hq_json_own(hq_flow_arena(f), *ret_out, err);
}

static enum hq_rc
five_steps(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	static const char *const ids[STEPS] = { "one", "two", "three", "four",
		"five" };
	struct json_object *out;
	int i;

	for (i = 0; i < STEPS; i++)
		HQ_TRY(hq_step(f, ids[i], no_op, in, &out, err));
	*ret_out = NULL;
	return HQ_OK;
}

/* Sleeps until the event's atMs, then has ended. */
static enum hq_rc
nap(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	*ret_out = NULL;
	return hq_sleep_until(f, "nap", hq_json_i64(in, "atMs", 0), err);
}

static const struct hq_trigger nap_triggers[] = {
	{ .event = NAP },
	{ 0 },
};

static const struct hq_function sleeper = {
	.id = "nap",
	.name = "One sleep",
	.triggers = nap_triggers,
	.run = nap,
};

static const struct hq_trigger triggers[] = {
	{ .event = EVENT },
	{ 0 },
};

static const struct hq_function five = {
	.id = "bench",
	.name = "Five steps",
	.triggers = triggers,
	.run = five_steps,
};

/* ------------------------------------------------------------- the store -- */

enum {
	Q_PENDING,
	Q_COMPLETED,
	Q_GROW,
	Q_GROW_RUN,
	Q_GROW_MEMO,
	Q_NAP_RUN,
	Q_NAP_JOB,
	Q_NAP_LATE,
	Q__MAX
};

#define NUMBERS \
	"WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n" \
	" WHERE i + 1 < $2) "
#define SOME_RUN \
	"(SELECT id FROM engine_run WHERE fn = 'rawr-bench' AND state = 1" \
	" LIMIT 1)"

#define NAPPING \
	"(SELECT id FROM engine_run WHERE fn = 'rawr-nap' AND state = 0" \
	" AND id NOT LIKE 'NAP%' LIMIT 1)"

static const char *const migrations[] = { NULL };

static const char *const sql[Q__MAX + 1] = {
	/* A run that has not ended has jobs. */
	[Q_PENDING] = "SELECT (SELECT count(*) FROM engine_inbox) +"
		      " (SELECT count(*) FROM engine_job)",
	[Q_COMPLETED] = "SELECT count(*) FROM engine_run"
			" WHERE fn = 'rawr-bench' AND state = 1",
	[Q_GROW] = "INSERT INTO coordination_run (run_id, workflow_id,"
		   " workflow_version, status, started_ms, finished_ms, input,"
		   " output, engine_run_id, event_id) " NUMBERS
		   "SELECT 'grown-' || i, workflow_id, workflow_version,"
		   " status, started_ms, finished_ms, input, output,"
		   " engine_run_id, event_id FROM n, coordination_run"
		   " WHERE run_id = $3",
	[Q_GROW_RUN] =
	    "INSERT INTO engine_run (id, fn, event, state, req_version,"
	    " force_plan, created_ms, ended_ms, output) " NUMBERS
	    "SELECT 'grown-' || i, fn, event, state, req_version, force_plan,"
	    " created_ms, ended_ms, output FROM n, engine_run"
	    " WHERE id = " SOME_RUN,
	[Q_GROW_MEMO] =
	    "INSERT INTO engine_memo (run, step, value) " NUMBERS
	    "SELECT r.num, m.step, m.value FROM n, engine_memo m"
	    " JOIN engine_run r ON r.id = 'grown-' || i WHERE m.run ="
	    " (SELECT num FROM engine_run WHERE id = " SOME_RUN ")",
	/* The only run that sleeps, many times; each has its time in its id. */
	[Q_NAP_RUN] =
	    "INSERT INTO engine_run (id, fn, event, state,"
	    " req_version, force_plan, created_ms) " NUMBERS
	    "SELECT printf('NAP%013d%010d', $3 + i * $4, i), fn, event,"
	    " state, req_version, force_plan, created_ms"
	    " FROM n, engine_run WHERE id = " NAPPING,
	[Q_NAP_JOB] = "INSERT INTO engine_job (run, step, kind, lane, due_ms,"
		      " max_attempts, generation, armed_ms) " NUMBERS
		      "SELECT r.num, step, kind, lane,"
		      " CASE WHEN kind = 1 THEN $3 + i * $4 ELSE due_ms END,"
		      " max_attempts, generation, armed_ms FROM n, engine_job"
		      " JOIN engine_run r ON r.id ="
		      " printf('NAP%013d%010d', $3 + i * $4, i) WHERE run ="
		      " (SELECT num FROM engine_run WHERE id = " NAPPING ")",
	/* Late by so much; $1: how many of every 100 are not later. */
	[Q_NAP_LATE] =
	    "SELECT ended_ms - CAST(substr(id, 4, 13) AS INTEGER) AS late,"
	    " (SELECT count(*) FROM engine_run WHERE id LIKE 'NAP%'"
	    " AND state = 1) FROM engine_run WHERE id LIKE 'NAP%'"
	    " AND state = 1 ORDER BY late LIMIT 1 OFFSET"
	    " (SELECT count(*) * $1 / 100 FROM engine_run"
	    " WHERE id LIKE 'NAP%' AND state = 1)",
};

static const struct hq_module store = {
	.name = "bench",
	.migrations = migrations,
	.sql = sql,
};

static enum hq_rc
ask(struct hq_boundary *c, size_t q, int64_t *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(c->db, &store, q, HQ_NO_BIND, &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_i64(&row, 0);
	return HQ_OK;
}

/* --------------------------------------------------------- the procedures -- */

struct start {
	struct hq_boundary *c;
	struct json_object *data;
	int64_t runs;
};

static enum hq_rc
start_tx(void *arg, struct hq_err *err)
{
	const struct start *s = arg;
	struct hq_event e = { .name = EVENT, .data = s->data };
	int64_t i;

	for (i = 0; i < s->runs; i++) {
		e.id = hq_random_hex(s->c->env, s->c->arena, 16);
		HQ_TRY(hq_event_send(s->c->db, s->c->env, &e, NULL, s->c->arena,
		    err));
	}
	return HQ_OK;
}

static enum hq_rc
send_events(struct hq_boundary *c, struct json_object *in, int64_t runs,
    struct json_object **ret_out, struct hq_err *err)
{
	struct start s = { .c = c, .data = in, .runs = runs };

	*ret_out = hq_json_new_object();
	HQ_TRY(hq_json_own(c->arena, *ret_out, err));
	HQ_TRY(hq_db_tx(c->db, start_tx, &s, err));
	c->wake_runner(c->wake_ctx);
	return HQ_OK;
}

/* bench.start - returns once the events are on disk. */
static enum hq_rc
start(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	return send_events(c, in, hq_json_i64(in, "runs", 1), ret_out, err);
}

static int64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / NS_PER_US;
}

/* bench.one - from the accepted event to its run's end. */
static enum hq_rc
one(struct hq_boundary *c, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_NS };
	int64_t pending = 1, since;

	HQ_TRY(send_events(c, in, 1, ret_out, err));
	since = now_us();
	while (pending > 0 && now_us() - since < GIVE_UP_US) {
		(void)nanosleep(&pause, NULL);
		HQ_TRY(ask(c, Q_PENDING, &pending, err));
	}
	if (pending > 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no end in sight");
	hq_json_put_i64(*ret_out, "us", now_us() - since);
	return HQ_OK;
}

/* bench.counts - completed, only if all are asked for: it is a scan. */
static enum hq_rc
counts(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	int64_t n;

	*ret_out = hq_json_new_object();
	HQ_TRY(hq_json_own(c->arena, *ret_out, err));
	HQ_TRY(ask(c, Q_PENDING, &n, err));
	hq_json_put_i64(*ret_out, "pending", n);
	if (!hq_json_bool(in, "all", false))
		return HQ_OK;
	HQ_TRY(ask(c, Q_COMPLETED, &n, err));
	hq_json_put_i64(*ret_out, "completed", n);
	return HQ_OK;
}

struct growth {
	struct hq_db *db;
	const char *run_id;
	int64_t from, to;
};

static enum hq_rc
grow_tx(void *arg, struct hq_err *err)
{
	const struct growth *g = arg;
	struct hq_val from = hq_i64(g->from), to = hq_i64(g->to);

	HQ_TRY(hq_exec(g->db, &store, Q_GROW,
	    HQ_BIND(from, to, hq_text(g->run_id)), NULL, err));
	HQ_TRY(
	    hq_exec(g->db, &store, Q_GROW_RUN, HQ_BIND(from, to), NULL, err));
	return hq_exec(g->db, &store, Q_GROW_MEMO, HQ_BIND(from, to), NULL,
	    err);
}

/* bench.grow - copies number from to from + copies - 1. */
static enum hq_rc
grow(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct growth g = { .db = c->db,
		.run_id = hq_json_str(in, "runId"),
		.from = hq_json_i64(in, "from", 0) };

	g.to = g.from + hq_json_i64(in, "copies", 0);
	*ret_out = hq_json_new_object();
	HQ_TRY(hq_json_own(c->arena, *ret_out, err));
	return hq_db_tx(c->db, grow_tx, &g, err);
}

struct naps {
	struct hq_boundary *c;
	struct json_object *in;
};

/* The first is a real one; copies number from to to - 1, by every ms. */
static enum hq_rc
naps_tx(void *arg, struct hq_err *err)
{
	const struct naps *n = arg;
	struct hq_event e = { .name = NAP, .data = n->in };
	struct hq_val v[] = { hq_i64(hq_json_i64(n->in, "from", 0)),
		hq_i64(hq_json_i64(n->in, "to", 0)),
		hq_i64(hq_json_i64(n->in, "atMs", 0)),
		hq_i64(hq_json_i64(n->in, "every", 0)) };

	if (v[1].i == 0)
		return hq_event_send(n->c->db, n->c->env, &e, NULL, n->c->arena,
		    err);
	HQ_TRY(hq_exec(n->c->db, &store, Q_NAP_RUN, v, 4, NULL, err));
	return hq_exec(n->c->db, &store, Q_NAP_JOB, v, 4, NULL, err);
}

/* bench.naps */
static enum hq_rc
naps(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct naps n = { c, in };

	*ret_out = hq_json_new_object();
	HQ_TRY(hq_json_own(c->arena, *ret_out, err));
	HQ_TRY(hq_db_tx(c->db, naps_tx, &n, err));
	c->wake_runner(c->wake_ctx);
	return HQ_OK;
}

/* bench.late - of the copies that have ended. */
static enum hq_rc
late(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret_out = hq_json_new_object();
	HQ_TRY(hq_json_own(c->arena, *ret_out, err));
	HQ_TRY(hq_query(c->db, &store, Q_NAP_LATE,
	    HQ_BIND(hq_i64(hq_json_i64(in, "percent", 99))), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	hq_json_put_i64(*ret_out, "ms", hq_cursor_i64(&row, 0));
	hq_json_put_i64(*ret_out, "ended", hq_cursor_i64(&row, 1));
	return HQ_OK;
}

/* -------------------------------------------------------------- the plugin -- */

static const struct hq_binding handlers[] = {
	{ "start", start },
	{ "one", one },
	{ "counts", counts },
	{ "grow", grow },
	{ "naps", naps },
	{ "late", late },
	{ 0 },
};

static const struct hq_function *const functions[] = { &five, &sleeper, NULL };

static const struct hq_module *const modules[] = {
	&hq_coordination_store,
	&hq_engine_store,
	&store,
	NULL,
};

extern const struct hq_plugin hq_plugin_workflows_bench;

const struct hq_plugin hq_plugin_workflows_bench = {
	.handlers = handlers,
	.functions = functions,
	.modules = modules,
};

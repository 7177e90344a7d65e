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
	*ret_out = json_object_new_string_len(text, (int)n);
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

enum { Q_PENDING, Q_COMPLETED, Q_GROW, Q_GROW_RUN, Q_GROW_MEMO, Q__MAX };

#define NUMBERS \
	"WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n" \
	" WHERE i + 1 < $2) "
#define SOME_RUN \
	"(SELECT id FROM engine_run WHERE fn = 'rawr-bench' AND state = 1" \
	" LIMIT 1)"

static const char *const migrations[] = { NULL };

static const char *const sql[Q__MAX + 1] = {
	/* Every event has an id, so the partial index answers this. */
	[Q_PENDING] = "SELECT (SELECT count(*) FROM engine_inbox) +"
		      " (SELECT count(*) FROM engine_run"
		      " WHERE state = 0 AND event_client IS NOT NULL)",
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
	    "INSERT INTO engine_memo (run, step, seq, value) " NUMBERS
	    "SELECT 'grown-' || i, step, seq, value FROM n, engine_memo"
	    " WHERE run = " SOME_RUN,
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

	*ret_out = json_object_new_object();
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

	*ret_out = json_object_new_object();
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
	*ret_out = json_object_new_object();
	HQ_TRY(hq_json_own(c->arena, *ret_out, err));
	return hq_db_tx(c->db, grow_tx, &g, err);
}

/* -------------------------------------------------------------- the plugin -- */

static const struct hq_binding handlers[] = {
	{ "start", start },
	{ "one", one },
	{ "counts", counts },
	{ "grow", grow },
	{ 0 },
};

static const struct hq_function *const functions[] = { &five, NULL };

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

/*
 * tests/unit/coordflow.h - the runner's function, driven by hand: every step is
 * recorded as the engine records it, waits and invocations answer as a test
 * wants them to.
 */
#ifndef COORDFLOW_H
#define COORDFLOW_H

#include "coordtest.h"

#include "flow/exec.h"
#include "plugins/workflows/coordination/functions.h"

enum { CALLS_MAX = 100 };

static struct json_object *memo;
static struct hq_buf ids; /* of the steps that ran, in order */
static const char *fail_step;
/* What came over the world's side of a run: */
static struct json_object *invoked; /* opts of the last invocation */
static struct json_object *waited;  /* opts of the last wait */
/* An invocation's result, as JSON text; NULL: null. */
static const char *invoke_result UNUSED;
/* Called at a wait; gives the event, or NULL: the time ran out. */
static struct json_object *(*on_wait)(void);
static const struct hq_keys *keys;

static UNUSED void
flow_open(void)
{
	domain_open();
	hq_buf_init(&ids, arena);
	fail_step = NULL;
	invoked = waited = NULL;
	invoke_result = NULL;
	on_wait = NULL;
	keys = NULL;
	config.s[HQ_SET_RAWR_HTTP_ALLOW] = "";
	memo = json_object_new_object();
	ck_hq_ok(hq_json_own(arena, memo, &err));
}

/* What the engine's part of a step comes to. */
static struct json_object *
outside(const char *what, struct json_object *op)
{
	if (strcmp(what, "InvokeFunction") == 0) {
		invoked = hq_json_get(op, "opts");
		return invoke_result == NULL
		    ? NULL
		    : json_object_get(json(invoke_result));
	}
	if (strcmp(what, "WaitForEvent") == 0) {
		waited = hq_json_get(op, "opts");
		return on_wait == NULL ? NULL : json_object_get(on_wait());
	}
	return hq_json_clone(hq_json_get(op, "data"));
}

/* Record what a call told, as the engine does.  The target, if planned. */
static const char *
record(struct json_object *ops)
{
	struct json_object *op = json_object_array_get_idx(ops, 0);
	const char *hash = hq_json_str(op, "id"), *what = hq_json_str(op, "op");
	const char *name = hq_json_str(op, "displayName");
	struct json_object *m;

	ck_assert_uint_eq(json_object_array_length(ops), 1);
	if (strcmp(what, "StepPlanned") == 0)
		return hash;
	hq_buf_printf(&ids, "%s ", name);
	m = json_object_new_object();
	if (fail_step != NULL && strcmp(name, fail_step) == 0)
		hq_json_put(m, "error",
		    json_object_get(json("{'name':'Error','message':'boom'}")));
	else if (hq_json_get(op, "error") != NULL)
		hq_json_put(m, "error",
		    json_object_get(hq_json_get(op, "error")));
	else
		hq_json_put(m, "data", outside(what, op));
	hq_json_put(memo, hash, m);
	return NULL;
}

/* Call the function until it ends. */
static UNUSED void
drive(hq_flow_fn *fn, struct json_object *data, struct hq_exec_out *out)
{
	struct hq_exec_in in = {
		.arena = arena,
		.runtime = {
			.run_id = "engine-1",
			.function_id = "f",
			.max_attempts = 3,
			.db = db,
			.env = &env,
			.config = &config,
			.keys = keys,
		},
		.steps = memo,
	};
	int i;

	in.runtime.event = json_object_new_object();
	ck_hq_ok(hq_json_own(arena, in.runtime.event, &err));
	hq_json_put(in.runtime.event, "data", json_object_get(data));
	in.runtime.events = json_object_new_array();
	ck_hq_ok(hq_json_own(arena, in.runtime.events, &err));
	for (i = 0; i < CALLS_MAX; i++) {
		hq_flow_exec(fn, &in, out);
		if (out->what != HQ_EXEC_OPS)
			return;
		in.target = record(out->value);
	}
	ck_abort_msg("it does not end");
}

static UNUSED struct json_object *
queued(const char *workflow)
{
	save(workflow);
	(void)call(hq_coord_queue_run,
	    json("{'workflowId':'wf','runId':'r','input':{'t':1}}"));
	return json(hq_arena_printf(arena,
	    "{'runId':'r','workflow':%s,'input':{'t':1}}", workflow));
}

static UNUSED const char *
status(void)
{
	return call(hq_coord_get_run_status, json("{'runId':'r'}"));
}

static UNUSED const char *
timeline(void)
{
	return call(hq_coord_get_run_timeline, json("{'runId':'r'}"));
}

#endif /* COORDFLOW_H */

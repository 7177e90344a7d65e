#include "plugins/workflows/coordination/functions.h"

#include <string.h>

#include "domain/coordination/execution.h"
#include "flow/flow.h"

enum {
	RUN_RETRIES = 2,
	DESK_RETRIES_MAX = 20,     /* the engine's bound */
	DESK_TIMEOUT_S_MAX = 7200, /* the longest function call */
	MS_PER_S = 1000,
};

/* One execution of the function. */
struct execution {
	struct hq_flow *flow;
	struct json_object *event; /* data: {runId, workflow, input} */
	struct json_object *workflow;
	struct hq_graph graph;
	int *order;
	struct json_object **outputs; /* [node]; NULL until its desk is done */
	const char *failed_desk;
};

/* ------------------------------------------------------------ the steps */

/* What every step's `in` carries: the event's data, and its own members. */
static struct hq_coord_step
step_of(struct hq_flow *f, struct json_object *in)
{
	const struct hq_runtime *r = hq_flow_runtime(f);

	return (struct hq_coord_step){
		.db = r->db,
		.env = r->env,
		.arena = hq_flow_arena(f),
		.run_id = hq_json_str(in, "runId"),
		.engine_run_id = r->run_id,
	};
}

static enum hq_rc
run_start(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);
	struct json_object *out;
	bool active, found;

	HQ_TRY(hq_coord_run_started(&s, hq_json_get(in, "input"), &active,
	    &found, err));
	if (!found)
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL,
		    "run %s is not known", s.run_id);
	out = json_object_new_object();
	HQ_TRY(hq_json_own(s.arena, out, err));
	hq_json_put_bool(out, "active", active);
	*ret_out = out;
	return HQ_OK;
}

static enum hq_rc
run_completed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);

	*ret_out = NULL;
	return hq_coord_run_completed(&s, hq_json_get(in, "output"), err);
}

static enum hq_rc
run_failed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);

	*ret_out = NULL;
	return hq_coord_run_failed(&s, hq_json_str(in, "error"),
	    hq_json_str(in, "deskId"), hq_json_get(in, "input"), err);
}

static enum hq_rc
desk_started(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);

	*ret_out = NULL;
	return hq_coord_desk_event(&s, hq_json_get(in, "desk"), false,
	    hq_json_get(in, "received"), err);
}

static enum hq_rc
desk_completed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);

	*ret_out = NULL;
	return hq_coord_desk_event(&s, hq_json_get(in, "desk"), true,
	    hq_json_get(in, "output"), err);
}

static enum hq_rc
memory_read(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);

	return hq_coord_memory_read(&s, hq_json_get(in, "workflow"),
	    hq_json_get(in, "desk"), ret_out, err);
}

static enum hq_rc
memory_write(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = step_of(f, in);

	*ret_out = NULL;
	return hq_coord_memory_write(&s, hq_json_get(in, "workflow"),
	    hq_json_get(in, "desk"), hq_json_get(in, "output"), err);
}

static enum hq_rc
desk_execute(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_err why;
	enum hq_rc rc;

	rc = hq_coord_desk_output(hq_flow_arena(f), hq_json_get(in, "desk"),
	    hq_json_get(in, "received"), hq_json_get(in, "memory"), ret_out,
	    &why);
	if (rc != HQ_OK) /* it would be as large in every attempt */
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL, "%s",
		    why.msg);
	return HQ_OK;
}

/* -------------------------------------------------------------- the function */

/* A step's input: runId, input and workflow of the event, without copying. */
static enum hq_rc
step_input(struct execution *x, struct json_object **ret, struct hq_err *err)
{
	struct json_object *in = json_object_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(x->flow), in, err));
	hq_json_put_str(in, "runId", hq_json_str(x->event, "runId"));
	hq_json_put(in, "input",
	    json_object_get(hq_json_get(x->event, "input")));
	hq_json_put(in, "workflow", json_object_get(x->workflow));
	*ret = in;
	return HQ_OK;
}

static const struct {
	const char *name;
	int priority;
} priorities[] = {
	{ "low", -1 },
	{ "normal", 0 },
	{ "high", 1 },
};

static int64_t
clamp(int64_t v, int64_t max)
{
	if (v < 0)
		return 0;
	return v < max ? v : max;
}

static struct hq_step_policy
policy_of(struct json_object *policy)
{
	const char *priority = hq_json_str(policy, "priority");
	struct hq_step_policy p = { .retries = -1 };
	size_t i;

	if (hq_json_get(policy, "retries") != NULL)
		p.retries = (int)clamp(hq_json_i64(policy, "retries", 0),
		    DESK_RETRIES_MAX);
	p.timeout_ms = MS_PER_S *
	    clamp(hq_json_i64(policy, "timeoutSeconds", 0), DESK_TIMEOUT_S_MAX);
	for (i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++)
		if (priority != NULL &&
		    strcmp(priority, priorities[i].name) == 0)
			p.priority = priorities[i].priority;
	return p;
}

/* One of a desk's steps: "desk/<id>/<what>". */
static enum hq_rc
desk_step(struct execution *x, const char *what, hq_flow_fn *fn,
    struct json_object *in, struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *desk = hq_json_get(in, "desk");
	struct json_object *policy = hq_json_get(desk, "runtimePolicy");
	struct hq_step_policy p;
	const char *id;

	id = hq_arena_printf(hq_flow_arena(x->flow), "desk/%s/%s",
	    hq_json_str(desk, "deskId"), what);
	if (id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	if (policy == NULL || strcmp(what, "execute") != 0)
		return hq_step(x->flow, id, fn, in, ret_out, err);
	p = policy_of(policy);
	return hq_step_with(x->flow, id, &p, fn, in, ret_out, err);
}

/* What the steps of a desk are given. */
static enum hq_rc
desk_input(struct execution *x, int node, struct json_object **ret,
    struct hq_err *err)
{
	struct hq_coord_handed handed = { hq_json_get(x->event, "input"),
		x->outputs };
	struct json_object *received;

	HQ_TRY(step_input(x, ret, err));
	HQ_TRY(hq_coord_received(hq_flow_arena(x->flow), &x->graph, node,
	    &handed, &received, err));
	hq_json_put(*ret, "desk", json_object_get(x->graph.desk[node]));
	hq_json_put(*ret, "received", json_object_get(received));
	return HQ_OK;
}

static enum hq_rc
run_desk(struct execution *x, int node, struct hq_err *err)
{
	struct json_object *in, *memory, *output, *none;

	HQ_TRY(desk_input(x, node, &in, err));
	HQ_TRY(desk_step(x, "started", desk_started, in, &none, err));
	HQ_TRY(desk_step(x, "memory-read", memory_read, in, &memory, err));
	hq_json_put(in, "memory", json_object_get(memory));
	HQ_TRY(desk_step(x, "execute", desk_execute, in, &output, err));
	x->outputs[node] = output;
	hq_json_put(in, "output", json_object_get(output));
	if (hq_coord_desk_persists(x->graph.desk[node]))
		HQ_TRY(
		    desk_step(x, "memory-write", memory_write, in, &none, err));
	return desk_step(x, "completed", desk_completed, in, &none, err);
}

/* Every desk in order, then the end; the last desk's output is the run's. */
static enum hq_rc
run_desks(struct execution *x, struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *in, *none;
	enum hq_rc rc;
	size_t i;

	HQ_TRY(hq_coord_plan(hq_flow_arena(x->flow), x->workflow, &x->graph,
	    &x->order, err));
	x->outputs = HQ_NEW(hq_flow_arena(x->flow), struct json_object *,
	    x->graph.n_nodes);
	if (x->outputs == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	for (i = 0; i < x->graph.n_nodes; i++) {
		rc = run_desk(x, x->order[i], err);
		if (rc != HQ_OK && rc != HQ_SUSPEND)
			x->failed_desk = x->graph.id[x->order[i]];
		if (rc != HQ_OK)
			return rc;
	}
	*ret_out = x->outputs[x->order[i - 1]];
	HQ_TRY(step_input(x, &in, err));
	hq_json_put(in, "output", json_object_get(*ret_out));
	return hq_step(x->flow, "coordination/run-completed", run_completed, in,
	    &none, err);
}

/*
 * Put the failure on record as a step, then fail with it for good: a retry
 * would only read the recorded steps again.
 */
static enum hq_rc
record_failure(struct execution *x, const char *why, struct hq_err *err)
{
	struct json_object *in, *none;

	HQ_TRY(step_input(x, &in, err));
	hq_json_put_str(in, "error", why);
	if (x->failed_desk != NULL)
		hq_json_put_str(in, "deskId", x->failed_desk);
	HQ_TRY(hq_step(x->flow, "coordination/run-failed", run_failed, in,
	    &none, err));
	return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL, "%s", why);
}

static enum hq_rc
execute(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	struct execution x = { .flow = f, .event = in };
	struct json_object *start_in, *started;
	struct hq_err why = { 0 };
	enum hq_rc rc;

	*ret_out = NULL;
	if (hq_json_str(in, "runId") == NULL)
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL,
		    "the event carries no runId");
	x.workflow = hq_json_get(in, "workflow");
	HQ_TRY(step_input(&x, &start_in, err));
	HQ_TRY(hq_step(f, "coordination/run-start", run_start, start_in,
	    &started, err));
	if (!hq_json_bool(started, "active", false))
		return HQ_OK;
	rc = run_desks(&x, ret_out, &why);
	if (rc == HQ_OK || rc == HQ_SUSPEND)
		return rc;
	*ret_out = NULL;
	return record_failure(&x, why.msg, err);
}

/*
 * The run failed where the function could not say so (its host died too often,
 * the event was not one): a run always ends.
 */
static enum hq_rc
on_failure(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *data =
	    hq_json_get(hq_json_get(in, "event"), "data");
	const char *message = hq_json_str(hq_json_get(in, "error"), "message");
	struct json_object *step_in = json_object_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(f), step_in, err));
	*ret_out = NULL;
	if (hq_json_str(data, "runId") == NULL)
		return HQ_OK;
	hq_json_put_str(step_in, "runId", hq_json_str(data, "runId"));
	hq_json_put(step_in, "input",
	    json_object_get(hq_json_get(data, "input")));
	hq_json_put_str(step_in, "error",
	    message == NULL ? "Unknown error" : message);
	return hq_step(f, "coordination/run-failed", run_failed, step_in,
	    ret_out, err);
}

static const struct hq_trigger triggers[] = {
	{ .event = "rawr/coordination.workflow.run" },
	{ 0 },
};

const struct hq_function hq_coord_workflow_runner = {
	.id = "coordination-workflow-runner",
	.name = "Coordination Workflow Runner",
	.triggers = triggers,
	.retries = RUN_RETRIES,
	.run = execute,
	.on_failure = on_failure,
};

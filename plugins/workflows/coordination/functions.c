#include "plugins/workflows/coordination/functions.h"

#include "domain/coordination/store.h"
#include "plugins/workflows/coordination/desk.h"
#include "plugins/workflows/coordination/steps.h"

/* Every desk, then the end; *ret_out is the run's output. */
static enum hq_rc
run_desks(struct hq_execution *x, struct json_object **ret_out,
    struct hq_err *err)
{
	struct json_object *in, *none;

	HQ_TRY(hq_coord_plan(hq_flow_arena(x->flow), x->workflow, &x->graph,
	    &x->order, err));
	x->outputs = HQ_NEW(hq_flow_arena(x->flow), struct json_object *,
	    x->graph.n_nodes);
	if (x->outputs == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	if (hq_coord_is_live(x->workflow))
		HQ_TRY(hq_run_live(x, ret_out, err));
	else
		HQ_TRY(hq_run_plain(x, ret_out, err));
	HQ_TRY(hq_step_input(x, &in, err));
	hq_json_put(in, "output", json_object_get(*ret_out));
	return hq_step(x->flow, "coordination/run-completed",
	    hq_do_run_completed, in, &none, err);
}

/*
 * Put the failure on record as a step, then fail with it for good: a retry
 * would only read the recorded steps again.
 */
static enum hq_rc
record_failure(struct hq_execution *x, const char *why, struct hq_err *err)
{
	struct json_object *in, *none;

	HQ_TRY(hq_step_input(x, &in, err));
	hq_json_put_str(in, "error", why);
	if (x->failed_desk != NULL)
		hq_json_put_str(in, "deskId", x->failed_desk);
	HQ_TRY(hq_step(x->flow, "coordination/run-failed", hq_do_run_failed, in,
	    &none, err));
	return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL, "%s", why);
}

static enum hq_rc
execute(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	struct hq_execution x = { .flow = f, .event = in };
	struct json_object *start_in, *started;
	struct hq_err why = { 0 };
	enum hq_rc rc;

	*ret_out = NULL;
	if (hq_json_str(in, "runId") == NULL)
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL,
		    "the event carries no runId");
	x.workflow = hq_json_get(in, "workflow");
	HQ_TRY(hq_step_input(&x, &start_in, err));
	HQ_TRY(hq_step(f, "coordination/run-start", hq_do_run_start, start_in,
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
	struct json_object *step_in = hq_json_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(f), step_in, err));
	*ret_out = NULL;
	if (hq_json_str(data, "runId") == NULL)
		return HQ_OK;
	hq_json_put_str(step_in, "runId", hq_json_str(data, "runId"));
	hq_json_put(step_in, "input",
	    json_object_get(hq_json_get(data, "input")));
	hq_json_put_str(step_in, "error",
	    message == NULL ? "Unknown error" : message);
	return hq_step(f, "coordination/run-failed", hq_do_run_failed, step_in,
	    ret_out, err);
}

static const struct hq_trigger triggers[] = {
	{ .event = "rawr/coordination.workflow.run" },
	{ 0 },
};

static const struct hq_cancel cancel_on[] = {
	{ HQ_COORD_RUN_CANCELLED, "event.data.runId == async.data.runId" },
	{ 0 },
};

const struct hq_function hq_coord_workflow_runner = {
	.id = "coordination-workflow-runner",
	.name = "Coordination Workflow Runner",
	.triggers = triggers,
	.retries = HQ_DESK_RETRIES,
	.run = execute,
	.on_failure = on_failure,
	.cancel_on = cancel_on,
};

/*
 * A run once more: from its start, or from one of its desks on.
 */
#include <string.h>

#include "domain/coordination/graph.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/workflow.h"

struct again {
	struct hq_boundary *c;
	struct hq_coord_run run; /* the ended one */
	struct hq_coord_order order;
};

/* Only an imported run, or one older than this table, keeps no workflow. */
static enum hq_rc
workflow_of(struct again *g, struct hq_err *err)
{
	struct hq_boundary *c = g->c;
	struct json_object *in;
	const char *version;

	if (g->run.workflow != NULL)
		return hq_coord_parse(c->arena, g->run.workflow,
		    &g->order.workflow, err);
	HQ_TRY(hq_coord_object(c->arena, &in, err));
	hq_json_put_str(in, "workflowId", g->run.workflow_id);
	HQ_TRY(hq_coord_workflow_of(c, in, &g->order.workflow_id,
	    &g->order.workflow, err));
	HQ_TRY(hq_coord_text(c->arena, "version",
	    hq_json_get(g->order.workflow, "version"), &version, err));
	if (strcmp(version, g->run.version) == 0)
		return HQ_OK;
	return HQ_FAIL_DECLARED(err, "WORKFLOW_NOT_FOUND", in,
	    "version %s of the workflow is not kept", g->run.version);
}

static enum hq_rc
input_of(struct again *g, struct hq_err *err)
{
	struct json_object *doc;

	if (g->run.imported == NULL)
		return g->run.input == NULL
		    ? HQ_OK
		    : hq_coord_parse(g->c->arena, g->run.input, &g->order.input,
			  err);
	HQ_TRY(hq_coord_parse(g->c->arena, g->run.imported, &doc, err));
	g->order.input = hq_json_get(doc, "input");
	return HQ_OK;
}

static enum hq_rc
not_ended(struct again *g, struct hq_err *err)
{
	struct json_object *data, *run;

	HQ_TRY(
	    hq_coord_run_json(&g->run, g->c->config, g->c->arena, &run, err));
	HQ_TRY(hq_coord_object(g->c->arena, &data, err));
	hq_json_put(data, "run", json_object_get(run));
	return HQ_FAIL_DECLARED(err, "RUN_NOT_ENDED", data,
	    "run has not ended: cancel it first");
}

/* The ended run of the input, and an order that is the same again. */
static enum hq_rc
open_again(struct again *g, struct json_object *in, struct hq_err *err)
{
	struct hq_boundary *c = g->c;
	const char *id, *sent = hq_json_str(in, "newRunId");
	bool found;

	HQ_TRY(hq_coord_run_id_of(c, in, &id, err));
	HQ_TRY(hq_coord_run_load(c->db, c->arena, id, &g->run, &found, err));
	if (!found)
		return hq_coord_run_not_found(c, id, err);
	if (hq_coord_run_active(&g->run))
		return not_ended(g, err);
	g->order.run_id = sent == NULL ? "" : hq_coord_trim(c->arena, sent);
	if (g->order.run_id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "newRunId is too long");
	if (strcmp(g->order.run_id, id) == 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "newRunId is the id of the run itself");
	g->order.workflow_id = g->run.workflow_id;
	HQ_TRY(hq_coord_run_load_origin(c->db, c->arena, &g->run, err));
	HQ_TRY(workflow_of(g, err));
	return input_of(g, err);
}

/*
 * retryRun - INVALID_RUN_ID, RUN_NOT_FOUND, RUN_NOT_ENDED; WORKFLOW_NOT_FOUND
 * if nobody kept what it ran; else as queueRun.
 */
enum hq_rc
hq_coord_retry_run(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct again g = { .c = c };

	HQ_TRY(open_again(&g, in, err));
	if (g.run.reuse != NULL)
		HQ_TRY(
		    hq_coord_parse(c->arena, g.run.reuse, &g.order.reuse, err));
	return hq_coord_queue(c, &g.order, ret_out, err);
}

/* ----------------------------------------------------------- from a desk -- */

static enum hq_rc
take_output(const struct hq_cursor *row, struct hq_arena *a,
    struct json_object *all, struct hq_err *err)
{
	const char *desk = hq_cursor_text(row, 0, a);
	const char *text = hq_cursor_text(row, 1, a);
	struct json_object *v;

	if (desk == NULL || text == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	HQ_TRY(hq_coord_parse(a, text, &v, err));
	hq_json_put(all, desk, json_object_get(v));
	return HQ_OK;
}

/* Of every desk the last output of this run, or what it was given. */
static enum hq_rc
outputs_of(struct again *g, struct json_object **ret, struct hq_err *err)
{
	struct hq_arena *a = g->c->arena;
	struct json_object *all;
	HQ_CURSOR(row);

	HQ_TRY(hq_coord_object(a, &all, err));
	if (g->run.reuse != NULL)
		HQ_TRY(hq_coord_parse(a, g->run.reuse, &all, err));
	HQ_TRY(HQ_COORD_QUERY(g->c->db, HQ_CQ_TIMELINE_OUTPUTS, &row, err,
	    hq_text(g->run.run_id)));
	while (hq_cursor_next(&row))
		HQ_TRY(take_output(&row, a, all, err));
	HQ_TRY(hq_cursor_done(&row, err));
	*ret = all;
	return HQ_OK;
}

static enum hq_rc
desk_not_found(struct again *g, const char *desk, struct hq_err *err)
{
	struct json_object *data;

	HQ_TRY(hq_coord_object(g->c->arena, &data, err));
	hq_json_put_str(data, "deskId", desk);
	return HQ_FAIL_DECLARED(err, "DESK_NOT_FOUND", data,
	    "the run's workflow has no desk %s", desk);
}

/* Of all outputs those of desks that are not after. */
static void
keep_outputs(const struct hq_graph *g, const bool *after,
    struct json_object *all, struct json_object *kept)
{
	struct json_object *v;
	size_t i;

	for (i = 0; i < g->n_nodes; i++)
		if (!after[i] && json_object_object_get_ex(all, g->id[i], &v))
			hq_json_put(kept, g->id[i], json_object_get(v));
}

/* What the desk cannot change: outputs of desks that do not come after it. */
static enum hq_rc
reuse_before(struct again *g, const char *desk, struct hq_err *err)
{
	struct hq_arena *a = g->c->arena;
	struct json_object *all;
	struct hq_graph graph;
	bool *after;
	int from;

	HQ_TRY(hq_graph_make(a, g->order.workflow, &graph, err));
	from = hq_graph_find(&graph, desk);
	if (from == HQ_COORD_NO_NODE)
		return desk_not_found(g, desk, err);
	HQ_TRY(hq_graph_reach(a, &graph, from, &after, err));
	HQ_TRY(outputs_of(g, &all, err));
	HQ_TRY(hq_coord_object(a, &g->order.reuse, err));
	keep_outputs(&graph, after, all, g->order.reuse);
	return HQ_OK;
}

/* rerunRun - as retryRun; DESK_NOT_FOUND. */
enum hq_rc
hq_coord_rerun_run(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct again g = { .c = c };

	HQ_TRY(open_again(&g, in, err));
	HQ_TRY(reuse_before(&g, hq_json_str(in, "fromDeskId"), err));
	return hq_coord_queue(c, &g.order, ret_out, err);
}

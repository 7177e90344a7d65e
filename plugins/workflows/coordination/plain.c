/*
 * A workflow without executors, as the reference runs it: every desk, over
 * every handoff, echoes.
 */
#include "plugins/workflows/coordination/desk.h"
#include "plugins/workflows/coordination/steps.h"

static enum hq_rc
run_desk(struct hq_execution *x, int node, struct hq_err *err)
{
	struct hq_turn t;

	HQ_TRY(hq_turn_init(&t, x, node, err));
	if (hq_turn_done_before(&t)) {
		HQ_TRY(hq_turn_reuse(&t, err));
		x->outputs[node] = t.output;
		return HQ_OK;
	}
	HQ_TRY(hq_coord_received(hq_flow_arena(x->flow), &x->graph, node,
	    hq_json_get(x->event, "input"), x->outputs, &t.received, err));
	HQ_TRY(hq_turn_start(&t, err));
	HQ_TRY(hq_turn_run(&t, "execute", hq_do_desk_echo, &t.output, err));
	HQ_TRY(hq_turn_end(&t, NULL, err));
	x->outputs[node] = t.output;
	return HQ_OK;
}

enum hq_rc
hq_run_plain(struct hq_execution *x, struct json_object **ret_out,
    struct hq_err *err)
{
	enum hq_rc rc;
	size_t i;

	for (i = 0; i < x->graph.n_nodes; i++) {
		rc = run_desk(x, x->order[i], err);
		if (rc != HQ_OK && rc != HQ_SUSPEND)
			x->failed_desk = x->graph.id[x->order[i]];
		if (rc != HQ_OK)
			return rc;
	}
	*ret_out = x->outputs[x->order[i - 1]];
	return HQ_OK;
}

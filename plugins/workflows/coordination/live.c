/*
 * A workflow whose desks do the work they name: over the handoffs that are
 * taken, through the executors, and back where a desk:qa says so.
 */
#include <string.h>

#include "domain/coordination/jsonschema.h"
#include "plugins/workflows/coordination/desk.h"
#include "plugins/workflows/coordination/steps.h"

struct live {
	struct hq_execution *x;
	struct hq_arena *arena;
	struct hq_coord_work work;
	bool *ran;      /* [node]: it has an output */
	bool *done;     /* [node]: it ran, or was skipped */
	int *turns;     /* [node]: how often it ran */
	int *sent_back; /* [node]: rounds of rework it asked for */
	/* [node]: what comes with its next turn, {rework, round}; or NULL. */
	struct json_object **again;
};

static enum hq_rc
live_init(struct live *l, struct hq_execution *x, struct hq_err *err)
{
	struct hq_arena *a = hq_flow_arena(x->flow);
	size_t n = x->graph.n_nodes;

	*l = (struct live){
		.x = x,
		.arena = a,
		.ran = HQ_NEW(a, bool, n),
		.done = HQ_NEW(a, bool, n),
		.turns = HQ_NEW(a, int, n),
		.sent_back = HQ_NEW(a, int, n),
		.again = HQ_NEW(a, struct json_object *, n),
		.work = {
			.graph = &x->graph,
			.workflow = x->workflow,
			.input = hq_json_get(x->event, "input"),
			.outputs = x->outputs,
		},
	};
	l->work.ran = l->ran;
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return HQ_OK;
}

/* -------------------------------------------------------------- one desk -- */

static enum hq_rc
object(const struct live *l, struct json_object **ret, struct hq_err *err)
{
	*ret = hq_json_new_object();
	return hq_json_own(l->arena, *ret, err);
}

static enum hq_rc
skip(struct hq_turn *t, struct hq_err *err)
{
	struct json_object *none;
	const char *detail;

	detail = hq_arena_printf(hq_flow_arena(t->x->flow),
	    "%s skipped: no inbound handoff was taken",
	    hq_coord_desk_name(t->desk));
	hq_json_put_str(t->in, "detail", detail);
	hq_json_put_bool(t->in, "skipped", true);
	if (t->round > 0)
		hq_json_put_i64(t->in, "round", t->round);
	return hq_turn_step(t, "skipped", hq_do_desk_completed, &none, err);
}

/* The outputs of the desks that lead to this one, by id. */
static enum hq_rc
upstream_of(const struct live *l, int node, struct json_object **ret,
    struct hq_err *err)
{
	const struct hq_graph *g = &l->x->graph;
	bool *reached;
	size_t i;

	HQ_TRY(object(l, ret, err));
	for (i = 0; i < g->n_nodes; i++) {
		int from = l->x->order[i];

		if (!l->ran[from] || from == node)
			continue;
		HQ_TRY(hq_graph_reach(l->arena, g, from, &reached, err));
		if (reached[node])
			hq_json_put(*ret, g->id[from],
			    json_object_get(l->x->outputs[from]));
	}
	return HQ_OK;
}

/* A desk that work was sent back to sees what for: {received, rework, round}. */
static enum hq_rc
wrap(struct live *l, int node, struct json_object *received,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *out, *again = l->again[node];

	*ret = received;
	if (again == NULL)
		return HQ_OK;
	l->again[node] = NULL;
	HQ_TRY(object(l, &out, err));
	hq_json_put(out, "received", json_object_get(received));
	hq_json_put(out, "rework",
	    json_object_get(hq_json_get(again, "rework")));
	hq_json_put(out, "round", json_object_get(hq_json_get(again, "round")));
	*ret = out;
	return HQ_OK;
}

static enum hq_rc
check_input(struct hq_turn *t, struct json_object *received, struct hq_err *err)
{
	const char *what = hq_coord_input_fault(hq_flow_arena(t->x->flow),
	    &t->x->graph, t->node, received);

	if (what == NULL)
		return HQ_OK;
	return HQ_FAIL(err, UNPROCESSABLE_CONTENT, "desk %s: %s",
	    t->x->graph.id[t->node], what);
}

static enum hq_rc
check_output(struct hq_turn *t, struct hq_err *err)
{
	const char *what;

	if (t->timed_out)
		return HQ_OK;
	what = hq_coord_schema_fault(hq_flow_arena(t->x->flow),
	    hq_json_get(t->desk, "outputSchema"), "output", t->output, NULL);
	if (what == NULL)
		return HQ_OK;
	return HQ_FAIL(err, UNPROCESSABLE_CONTENT, "desk %s: %s",
	    t->x->graph.id[t->node], what);
}

/* ------------------------------------------------------------------ rework -- */

/* How a turn ends: what the timeline says, and whether work goes back. */
struct end {
	const char *detail; /* NULL: the usual */
	int back;           /* node; or HQ_COORD_NO_NODE */
};

static const char *
who(const struct hq_turn *t)
{
	const char *kind = hq_json_str(t->desk, "kind");
	const char *name = hq_coord_desk_name(t->desk);
	struct hq_arena *a = hq_flow_arena(t->x->flow);

	if (t->timed_out)
		return hq_arena_printf(a, "%s timed out; the run goes on",
		    name);
	if (t->by == NULL)
		return hq_arena_printf(a, "%s completed", name);
	if (strcmp(kind, "desk:human-wait") == 0)
		return hq_arena_printf(a, "%s answered by %s", name, t->by);
	return hq_arena_printf(a, "%s completed by %s", name, t->by);
}

static enum hq_rc
judge(struct live *l, struct hq_turn *t, struct end *ret, struct hq_err *err)
{
	struct json_object *rework = hq_json_get(t->desk, "rework");
	const char *to = hq_json_str(rework, "toDeskId");
	int64_t max = hq_json_i64(rework, "maxRounds", 0);
	bool wanted;

	*ret = (struct end){ who(t), HQ_COORD_NO_NODE };
	HQ_TRY(
	    hq_coord_wants_rework(l->arena, &l->work, t->node, &wanted, err));
	if (!wanted || t->timed_out)
		return HQ_OK;
	if (l->sent_back[t->node] >= max) {
		ret->detail = hq_arena_printf(l->arena,
		    "%s; it wants rework, but its %lld rounds are spent",
		    ret->detail, (long long)max);
		return HQ_OK;
	}
	ret->back = hq_graph_find(&l->x->graph, to);
	ret->detail = hq_arena_printf(l->arena,
	    "%s; it sends work back to %s, round %d of %lld", ret->detail, to,
	    l->sent_back[t->node] + 1, (long long)max);
	return HQ_OK;
}

/* What depends on the target, up to the desk that judged, is to run again. */
static enum hq_rc
send_back(struct live *l, size_t *at, int target, struct hq_err *err)
{
	int node, judge_node = l->x->order[*at];
	struct json_object *again;
	bool *reached;
	size_t i;

	HQ_TRY(hq_graph_reach(l->arena, &l->x->graph, target, &reached, err));
	HQ_TRY(object(l, &again, err));
	hq_json_put(again, "rework",
	    json_object_get(l->x->outputs[judge_node]));
	hq_json_put_i64(again, "round", ++l->sent_back[judge_node]);
	for (i = *at + 1; i-- > 0;) {
		node = l->x->order[i];
		if (!reached[node])
			continue;
		l->done[node] = l->ran[node] = false;
		if (node == target)
			*at = i;
	}
	l->again[target] = again;
	return HQ_OK;
}

/* ---------------------------------------------------------------- the turn -- */

static bool
observes(const struct hq_turn *t)
{
	return strcmp(hq_json_str(t->desk, "kind"), "desk:observer") == 0;
}

/* Up to the desk's own output, which fits. */
static enum hq_rc
produce(struct live *l, struct hq_turn *t, struct json_object *received,
    struct hq_err *err)
{
	HQ_TRY(wrap(l, t->node, received, &t->received, err));
	if (hq_coord_executor_of(t->desk) == HQ_COORD_EXEC_AGENT)
		HQ_TRY(upstream_of(l, t->node, &t->upstream, err));
	HQ_TRY(hq_turn_start(t, err));
	HQ_TRY(check_input(t, received, err));
	HQ_TRY(hq_turn_execute(t, err));
	return check_output(t, err);
}

static enum hq_rc
work(struct live *l, struct hq_turn *t, struct json_object *received,
    struct end *ret, struct hq_err *err)
{
	HQ_TRY(produce(l, t, received, err));
	l->x->outputs[t->node] = observes(t) ? received : t->output;
	HQ_TRY(judge(l, t, ret, err));
	return hq_turn_end(t, ret->detail, err);
}

/* What an earlier run has done: an observer passed on what it received. */
static enum hq_rc
take_over(struct live *l, struct hq_turn *t, struct hq_err *err)
{
	struct json_object *received;
	bool taken;

	HQ_TRY(hq_turn_reuse(t, err));
	l->x->outputs[t->node] = t->output;
	if (observes(t)) {
		HQ_TRY(hq_coord_take(l->arena, &l->work, t->node, &taken,
		    &received, err));
		l->x->outputs[t->node] = received;
	}
	l->done[t->node] = l->ran[t->node] = true;
	return HQ_OK;
}

static enum hq_rc
run_desk(struct live *l, int node, struct end *ret, struct hq_err *err)
{
	struct json_object *received;
	struct hq_turn t;
	bool taken;

	*ret = (struct end){ .back = HQ_COORD_NO_NODE };
	HQ_TRY(hq_turn_init(&t, l->x, node, err));
	t.round = l->turns[node]++;
	if (t.round == 0 && hq_turn_done_before(&t))
		return take_over(l, &t, err);
	HQ_TRY(hq_coord_take(l->arena, &l->work, node, &taken, &received, err));
	if (taken)
		HQ_TRY(work(l, &t, received, ret, err));
	else
		HQ_TRY(skip(&t, err));
	l->done[node] = true;
	l->ran[node] = taken;
	return HQ_OK;
}

/* The last desk that ran; the entry always has. */
static struct json_object *
last_output(const struct live *l)
{
	size_t i = l->x->graph.n_nodes;

	while (i-- > 0)
		if (l->ran[l->x->order[i]])
			return l->x->outputs[l->x->order[i]];
	HQ_BUG("no desk ran");
}

enum hq_rc
hq_run_live(struct hq_execution *x, struct json_object **ret_out,
    struct hq_err *err)
{
	struct live l;
	struct end end;
	enum hq_rc rc;
	size_t i = 0;

	HQ_TRY(live_init(&l, x, err));
	while (i < x->graph.n_nodes) {
		if (l.done[x->order[i]]) {
			i++;
			continue;
		}
		rc = run_desk(&l, x->order[i], &end, err);
		if (rc != HQ_OK && rc != HQ_SUSPEND)
			x->failed_desk = x->graph.id[x->order[i]];
		if (rc != HQ_OK)
			return rc;
		if (end.back != HQ_COORD_NO_NODE)
			HQ_TRY(send_back(&l, &i, end.back, err));
	}
	*ret_out = last_output(&l);
	return HQ_OK;
}

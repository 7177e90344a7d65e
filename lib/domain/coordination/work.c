#include "domain/coordination/work.h"

#include <string.h>

#include "domain/coordination/jsonschema.h"
#include "domain/coordination/run.h"
#include "expr/expr.h"

static const char *const executors[HQ_COORD_EXEC__MAX] = {
	[HQ_COORD_EXEC_NONE] = "",
	[HQ_COORD_EXEC_ECHO] = "echo",
	[HQ_COORD_EXEC_AGENT] = "agent",
	[HQ_COORD_EXEC_FUNCTION] = "function",
	[HQ_COORD_EXEC_HTTP] = "http",
};

enum hq_coord_executor
hq_coord_executor_of(struct json_object *desk)
{
	struct json_object *executor = hq_json_get(desk, "executor");
	const char *kind;
	enum hq_coord_executor e;

	if (!json_object_is_type(executor, json_type_object))
		return HQ_COORD_EXEC_NONE;
	kind = hq_json_str(executor, "kind");
	for (e = HQ_COORD_EXEC_ECHO; e < HQ_COORD_EXEC__MAX; e++)
		if (kind != NULL && strcmp(executors[e], kind) == 0)
			break;
	return e;
}

bool
hq_coord_is_live(struct json_object *workflow)
{
	struct json_object *desks = hq_json_get(workflow, "desks");
	size_t i;

	if (!json_object_is_type(desks, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(desks); i++)
		if (hq_coord_executor_of(json_object_array_get_idx(desks, i)) !=
		    HQ_COORD_EXEC_NONE)
			return true;
	return false;
}

struct json_object *
hq_coord_mapping(struct json_object *handoff)
{
	struct json_object *refs = hq_json_get(handoff, "mappingRefs");

	if (!json_object_is_type(refs, json_type_object) ||
	    json_object_object_length(refs) == 0)
		return NULL;
	return refs;
}

const char *
hq_coord_condition(struct json_object *handoff)
{
	const char *text = hq_json_str(handoff, "condition");

	return text == NULL || text[0] == '\0' ? NULL : text;
}

/* ------------------------------------------------------------- expressions -- */

/* {output, input, desk} of one source. */
static enum hq_rc
vars_of(struct hq_arena *a, const struct hq_coord_work *w, int source,
    struct json_object **ret, struct hq_err *err)
{
	HQ_TRY(hq_coord_object(a, ret, err));
	hq_json_put(*ret, "output", json_object_get(w->outputs[source]));
	hq_json_put(*ret, "input", json_object_get(w->input));
	hq_json_put_str(*ret, "desk", w->graph->id[source]);
	return HQ_OK;
}

/* what: whose expression it is, for the message. */
static enum hq_rc
evaluate(struct hq_arena *a, const char *what, const char *text,
    struct json_object *vars, struct json_object **ret, struct hq_err *err)
{
	const struct hq_expr *e;
	struct hq_err why = { 0 };

	if (hq_expr_parse(a, text, &e, NULL, &why) != HQ_OK ||
	    hq_expr_eval(e, vars, a, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", what, why.msg);
	return HQ_OK;
}

/* ---------------------------------------------------------------- handoffs -- */

/* Another desk's part, on its way over one handoff. */
struct passage {
	struct hq_arena *arena;
	struct json_object *handoff, *vars;
};

static enum hq_rc
passage_of(struct hq_arena *a, const struct hq_coord_work *w, size_t edge,
    struct passage *ret, struct hq_err *err)
{
	struct json_object *handoffs = hq_json_get(w->workflow, "handoffs");

	ret->arena = a;
	ret->handoff = json_object_array_get_idx(handoffs, edge);
	return vars_of(a, w, w->graph->from[edge], &ret->vars, err);
}

static const char *
said_of(const struct passage *p, const char *what, const char *key)
{
	const char *said = hq_arena_printf(p->arena, "%s%s of handoff %s", what,
	    key, hq_json_str(p->handoff, "handoffId"));

	return said == NULL ? what : said;
}

static enum hq_rc
is_open(const struct passage *p, bool *ret, struct hq_err *err)
{
	const char *text = hq_coord_condition(p->handoff);
	struct json_object *v;

	*ret = true;
	if (text == NULL)
		return HQ_OK;
	HQ_TRY(evaluate(p->arena, said_of(p, "the condition", ""), text,
	    p->vars, &v, err));
	*ret = hq_expr_true(v);
	return HQ_OK;
}

static enum hq_rc
carried(const struct passage *p, struct json_object **ret, struct hq_err *err)
{
	struct json_object *refs = hq_coord_mapping(p->handoff), *out, *v;
	struct json_object_iter it;

	*ret = hq_json_get(p->vars, "output");
	if (refs == NULL)
		return HQ_OK;
	HQ_TRY(hq_coord_object(p->arena, &out, err));
	json_object_object_foreachC(refs, it)
	{
		HQ_TRY(evaluate(p->arena, said_of(p, "the mapping of ", it.key),
		    json_object_get_string(it.val), p->vars, &v, err));
		hq_json_put(out, it.key, json_object_get(v));
	}
	*ret = out;
	return HQ_OK;
}

enum hq_rc
hq_coord_take(struct hq_arena *a, const struct hq_coord_work *w, int node,
    bool *ret_taken, struct json_object **ret, struct hq_err *err)
{
	const struct hq_graph *g = w->graph;
	size_t e, first = g->in_start[node], end = g->in_start[node + 1];
	struct json_object *parts, *part = NULL;
	struct passage p;
	bool open;

	*ret_taken = first == end;
	*ret = w->input;
	HQ_TRY(hq_coord_object(a, &parts, err));
	for (e = first; e < end; e++) {
		if (!w->ran[g->from[g->in[e]]])
			continue;
		HQ_TRY(passage_of(a, w, g->in[e], &p, err));
		HQ_TRY(is_open(&p, &open, err));
		if (!open)
			continue;
		HQ_TRY(carried(&p, &part, err));
		hq_json_put(parts, g->id[g->from[g->in[e]]],
		    json_object_get(part));
		*ret_taken = true;
	}
	if (first < end)
		*ret = end - first == 1 ? part : parts;
	return HQ_OK;
}

enum hq_rc
hq_coord_wants_rework(struct hq_arena *a, const struct hq_coord_work *w,
    int node, bool *ret, struct hq_err *err)
{
	struct json_object *rework =
	    hq_json_get(w->graph->desk[node], "rework");
	struct json_object *vars, *v;
	const char *what;

	*ret = false;
	if (rework == NULL)
		return HQ_OK;
	HQ_TRY(vars_of(a, w, node, &vars, err));
	what = hq_arena_printf(a, "rework.when of desk %s", w->graph->id[node]);
	HQ_TRY(evaluate(a, what == NULL ? "rework.when" : what,
	    hq_json_str(rework, "when"), vars, &v, err));
	*ret = hq_expr_true(v);
	return HQ_OK;
}

/* ----------------------------------------------------------------- schemas -- */

const char *
hq_coord_input_fault(struct hq_arena *a, const struct hq_graph *g, int node,
    struct json_object *received)
{
	struct json_object *schema = hq_json_get(g->desk[node], "inputSchema");
	struct json_object_iter it;
	const char *name, *what;

	if (g->in_start[node + 1] - g->in_start[node] < 2)
		return hq_coord_schema_fault(a, schema, "input", received,
		    NULL);
	json_object_object_foreachC(received, it)
	{
		name = hq_arena_printf(a, "input[\"%s\"]", it.key);
		what = hq_coord_schema_fault(a, schema,
		    name == NULL ? "input" : name, it.val, NULL);
		if (what != NULL)
			return what;
	}
	return NULL;
}

#include "domain/coordination/validation_work.h"

#include <string.h>

#include "domain/coordination/task.h"
#include "domain/coordination/work.h"
#include "expr/expr.h"
#include "proto/http/allow.h"

struct checks {
	struct hq_arena *arena;
	const struct hq_graph *graph;
	struct json_object *errors;
};

/* A message text in the arena. */
#define SAY(c, ...) hq_arena_printf((c)->arena, __VA_ARGS__)

/* Variables of every expression. */
static const char *const names[] = { "output", "input", "desk", NULL };

static const char *
str_of(struct json_object *o, const char *key)
{
	const char *s = hq_json_str(o, key);

	return s == NULL ? "" : s;
}

/* NULL, or what is wrong with the text; it ends in "at <offset>". */
static const char *
expression_fault(const struct checks *c, const char *text)
{
	struct hq_err why = { 0 };
	const struct hq_expr *e;
	const char *name;
	size_t at;

	if (hq_expr_parse(c->arena, text, &e, NULL, &why) != HQ_OK)
		return SAY(c, "%s", why.msg);
	name = hq_expr_stranger(e, names, &at);
	if (name == NULL)
		return NULL;
	return SAY(c, "%s is not output, input or desk at %zu", name, at);
}

/* ------------------------------------------------------------------- desks -- */

/* NULL, or the end of a message that begins with "Desk <id> ". */
typedef const char *executor_fn(const struct checks *c,
    struct json_object *executor);

static const char *
agent_fault(const struct checks *c, struct json_object *executor)
{
	int64_t s = hq_json_i64(executor, "leaseSeconds",
	    hq_json_get(executor, "leaseSeconds") == NULL ? 1 : 0);

	if (s >= 1 && s <= HQ_COORD_TASK_LEASE_S_MAX)
		return NULL;
	return SAY(c, "executor leaseSeconds must be 1 to %d",
	    HQ_COORD_TASK_LEASE_S_MAX);
}

static const char *
function_fault(const struct checks *c, struct json_object *executor)
{
	(void)c;
	if (str_of(executor, "functionId")[0] != '\0')
		return NULL;
	return "executor names no functionId";
}

static const char *
http_fault(const struct checks *c, struct json_object *executor)
{
	const char *url = str_of(executor, "url");

	if (hq_url_plain(url))
		return NULL;
	return SAY(c, "executor url is not a plain http or https URL: %s", url);
}

static const char *
unknown_fault(const struct checks *c, struct json_object *executor)
{
	return SAY(c, "executor kind is unknown: %s", str_of(executor, "kind"));
}

static executor_fn *const executor_faults[HQ_COORD_EXEC__MAX + 1] = {
	[HQ_COORD_EXEC_AGENT] = agent_fault,
	[HQ_COORD_EXEC_FUNCTION] = function_fault,
	[HQ_COORD_EXEC_HTTP] = http_fault,
	[HQ_COORD_EXEC__MAX] = unknown_fault,
};

static void
check_executor(const struct checks *c, struct json_object *desk)
{
	executor_fn *fault = executor_faults[hq_coord_executor_of(desk)];
	const char *id = str_of(desk, "deskId"), *what;

	if (fault == NULL)
		return;
	what = fault(c, hq_json_get(desk, "executor"));
	if (what != NULL)
		hq_coord_issue(c->errors, "INVALID_EXECUTOR", NULL, id,
		    SAY(c, "Desk %s %s", id, what));
}

/* The target comes before the desk. */
static enum hq_rc
is_before(const struct checks *c, const char *target, int node, bool *ret,
    struct hq_err *err)
{
	int to = hq_graph_find(c->graph, target);
	bool *reached;

	HQ_TRY(hq_graph_reach(c->arena, c->graph, to, &reached, err));
	*ret = to != node && reached[node];
	return HQ_OK;
}

static void
add_rework(const struct checks *c, const char *id, const char *what)
{
	hq_coord_issue(c->errors, "INVALID_REWORK", NULL, id,
	    SAY(c, "Desk %s %s", id, what));
}

static enum hq_rc
check_rework(const struct checks *c, struct json_object *desk, int node,
    struct hq_err *err)
{
	struct json_object *rework = hq_json_get(desk, "rework");
	const char *id = str_of(desk, "deskId"), *to, *what;
	int64_t rounds = hq_json_i64(rework, "maxRounds", 0);
	bool before;

	if (rework == NULL)
		return HQ_OK;
	if (strcmp(str_of(desk, "kind"), "desk:qa") != 0)
		add_rework(c, id, "has rework and is not kind desk:qa");
	to = str_of(rework, "toDeskId");
	HQ_TRY(is_before(c, to, node, &before, err));
	if (!before)
		add_rework(c, id,
		    SAY(c, "rework.toDeskId is no desk before it: %s", to));
	if (rounds < 1 || rounds > HQ_COORD_REWORK_ROUNDS_MAX)
		add_rework(c, id,
		    SAY(c, "rework.maxRounds must be 1 to %d",
			HQ_COORD_REWORK_ROUNDS_MAX));
	what = expression_fault(c, str_of(rework, "when"));
	if (what != NULL)
		add_rework(c, id, SAY(c, "rework.when is invalid: %s", what));
	return HQ_OK;
}

/* ---------------------------------------------------------------- handoffs -- */

static void
check_condition(const struct checks *c, struct json_object *handoff)
{
	const char *id = str_of(handoff, "handoffId");
	const char *text = hq_coord_condition(handoff), *what;

	if (text == NULL || (what = expression_fault(c, text)) == NULL)
		return;
	hq_coord_issue(c->errors, "INVALID_CONDITION", id, NULL,
	    SAY(c, "Handoff %s condition is invalid: %s", id, what));
}

static void
add_mapping(const struct checks *c, struct json_object *handoff,
    const char *what)
{
	const char *id = str_of(handoff, "handoffId");

	hq_coord_issue(c->errors, "INVALID_MAPPING", id, NULL,
	    SAY(c, "Handoff %s %s", id, what));
}

/* What the target's inputSchema requires has to come from somewhere. */
static void
check_mapped(const struct checks *c, struct json_object *handoff,
    struct json_object *refs, struct json_object *target)
{
	struct json_object *required =
	    hq_json_get(hq_json_get(target, "inputSchema"), "required");
	struct json_object *key;
	size_t i;

	if (!json_object_is_type(required, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(required); i++) {
		key = json_object_array_get_idx(required, i);
		if (json_object_is_type(key, json_type_string) &&
		    !json_object_object_get_ex(refs,
			json_object_get_string(key), NULL))
			add_mapping(c, handoff,
			    SAY(c, "does not map %s, which desk %s requires",
				json_object_get_string(key),
				str_of(target, "deskId")));
	}
}

static void
check_mapping(const struct checks *c, struct json_object *handoff, int to)
{
	struct json_object *refs = hq_coord_mapping(handoff);
	struct json_object_iter it;
	const char *what;

	if (refs == NULL)
		return;
	if (json_object_object_length(refs) > HQ_COORD_MAPPING_KEYS_MAX) {
		add_mapping(c, handoff,
		    SAY(c, "maps over %d keys", HQ_COORD_MAPPING_KEYS_MAX));
		return;
	}
	json_object_object_foreachC(refs, it)
	{
		what = "it is not a string at 0";
		if (json_object_is_type(it.val, json_type_string))
			what =
			    expression_fault(c, json_object_get_string(it.val));
		if (what != NULL)
			add_mapping(c, handoff,
			    SAY(c, "mapping of %s is invalid: %s", it.key,
				what));
	}
	if (to != HQ_COORD_NO_NODE)
		check_mapped(c, handoff, refs, c->graph->desk[to]);
}

enum hq_rc
hq_coord_validate_work(struct hq_arena *a, struct json_object *workflow,
    const struct hq_graph *g, struct json_object *errors, struct hq_err *err)
{
	const struct checks c = { a, g, errors };
	struct json_object *list;
	size_t i;

	list = hq_json_get(workflow, "desks");
	for (i = 0; i < g->n_desks; i++) {
		struct json_object *desk = json_object_array_get_idx(list, i);

		check_executor(&c, desk);
		HQ_TRY(check_rework(&c, desk, g->desk_node[i], err));
	}
	list = hq_json_get(workflow, "handoffs");
	for (i = 0; i < g->n_edges; i++) {
		struct json_object *h = json_object_array_get_idx(list, i);

		check_condition(&c, h);
		check_mapping(&c, h, g->to[i]);
	}
	return HQ_OK;
}

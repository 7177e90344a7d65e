#include "domain/coordination/validation.h"

#include <math.h>
#include <string.h>

#include "domain/coordination/graph.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/validation_work.h"
#include "domain/coordination/work.h"

struct checks {
	struct hq_arena *arena;
	struct json_object *workflow;
	struct json_object *desks, *handoffs; /* arrays, or NULL */
	struct json_object *errors;
	struct hq_graph graph;
	const char *entry;
	bool live;
};

static const char *const desk_kinds[] = {
	"desk:analysis",
	"desk:execution",
	"desk:qa",
	"desk:join",
	"desk:human-wait",
	"desk:observer",
	NULL,
};

void
hq_coord_issue(struct json_object *errors, const char *code,
    const char *handoff_id, const char *desk_id, const char *message)
{
	struct json_object *e = hq_json_new_object();

	hq_json_put_str(e, "code", code);
	hq_json_put_str(e, "message", message);
	if (handoff_id != NULL)
		hq_json_put_str(e, "handoffId", handoff_id);
	if (desk_id != NULL)
		hq_json_put_str(e, "deskId", desk_id);
	hq_json_push(errors, e);
}

static void
add(struct checks *c, const char *code, const char *handoff_id,
    const char *desk_id, const char *message)
{
	hq_coord_issue(c->errors, code, handoff_id, desk_id, message);
}

/* A message text in the arena. */
#define SAY(c, ...) hq_arena_printf((c)->arena, __VA_ARGS__)

static struct json_object *
object_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		v = hq_json_get(o, key);
	return json_object_is_type(v, json_type_object) ? v : NULL;
}

static struct json_object *
array_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		v = hq_json_get(o, key);
	return json_object_is_type(v, json_type_array) ? v : NULL;
}

static const char *
str_of(struct json_object *o, const char *key)
{
	const char *s = NULL;

	if (json_object_is_type(o, json_type_object))
		s = hq_json_str(o, key);
	return s == NULL ? "" : s;
}

static size_t
len(struct json_object *array)
{
	return array == NULL ? 0 : json_object_array_length(array);
}

/* Every key that the input requires: declared by both, and assignable. */
static bool
object_assignable(struct json_object *output, struct json_object *input)
{
	struct json_object *required = array_of(input, "required");
	struct json_object *have = object_of(output, "properties");
	struct json_object *want = object_of(input, "properties");
	size_t i;

	for (i = 0; i < len(required); i++) {
		struct json_object *k = json_object_array_get_idx(required, i);
		struct json_object *from, *to;

		if (!json_object_is_type(k, json_type_string) || have == NULL ||
		    want == NULL)
			return false;
		from = object_of(have, json_object_get_string(k));
		to = object_of(want, json_object_get_string(k));
		if (from == NULL || to == NULL ||
		    !hq_coord_assignable(from, to))
			return false;
	}
	return true;
}

bool
hq_coord_assignable(struct json_object *output, struct json_object *input)
{
	const char *to = str_of(input, "type");
	const char *from = str_of(output, "type");
	struct json_object *items;

	if (to[0] == '\0')
		return true;
	if (strcmp(from, "integer") == 0 && strcmp(to, "number") == 0)
		return true;
	if (strcmp(from, to) != 0)
		return false;
	if (strcmp(to, "object") == 0)
		return object_assignable(output, input);
	if (strcmp(to, "array") != 0)
		return true;
	items = object_of(input, "items");
	if (items == NULL)
		return true;
	return object_of(output, "items") != NULL &&
	    hq_coord_assignable(object_of(output, "items"), items);
}

static enum hq_rc
check_workflow(struct checks *c, struct hq_err *err)
{
	const char *id = str_of(c->workflow, "workflowId");
	const char *trimmed = hq_coord_trim(c->arena, id);

	if (trimmed == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the workflow is too large");
	if (trimmed[0] == '\0')
		add(c, "MISSING_WORKFLOW_ID", NULL, NULL,
		    "Workflow is missing workflowId");
	else if (!hq_coord_id_ok(id))
		add(c, "INVALID_WORKFLOW_ID_FORMAT", NULL, NULL,
		    SAY(c,
			"Workflow workflowId contains unsupported characters: %s",
			id));
	if (hq_graph_find(&c->graph, c->entry) == HQ_COORD_NO_NODE)
		add(c, "MISSING_ENTRY_DESK", NULL, c->entry,
		    SAY(c, "Entry desk %s is missing from desks[]", c->entry));
	return HQ_OK;
}

static bool
positive_integer(struct json_object *v)
{
	double d;

	if (!json_object_is_type(v, json_type_double) &&
	    !json_object_is_type(v, json_type_int))
		return false;
	d = json_object_get_double(v);
	return isfinite(d) && d > 0 && floor(d) >= d;
}

static void
check_memory_scope(struct checks *c, struct json_object *desk, const char *id)
{
	struct json_object *scope = object_of(desk, "memoryScope");
	struct json_object *ttl;

	if (scope == NULL ||
	    !json_object_is_type(hq_json_get(scope, "persist"),
		json_type_boolean)) {
		add(c, "INVALID_MEMORY_SCOPE", NULL, id,
		    SAY(c,
			"Desk %s has invalid memoryScope.persist; expected boolean",
			id));
		return;
	}
	if (json_object_object_get_ex(scope, "ttlSeconds", &ttl) &&
	    !positive_integer(ttl))
		add(c, "INVALID_MEMORY_SCOPE", NULL, id,
		    SAY(c,
			"Desk %s has invalid ttlSeconds; expected positive integer",
			id));
}

static bool
kind_known(const char *kind)
{
	size_t i;

	for (i = 0; desk_kinds[i] != NULL; i++)
		if (strcmp(kind, desk_kinds[i]) == 0)
			return true;
	return false;
}

static void
check_desks(struct checks *c, bool *seen)
{
	size_t i;

	HQ_ASSERT(c->graph.n_desks == len(c->desks));
	for (i = 0; i < c->graph.n_desks; i++) {
		struct json_object *d = json_object_array_get_idx(c->desks, i);
		const char *id = str_of(d, "deskId");

		if (seen[c->graph.desk_node[i]])
			add(c, "DUPLICATE_DESK_ID", NULL, id,
			    SAY(c, "Duplicate deskId detected: %s", id));
		seen[c->graph.desk_node[i]] = true;
		if (!hq_coord_id_ok(id))
			add(c, "INVALID_DESK_ID_FORMAT", NULL, id,
			    SAY(c,
				"Desk id contains unsupported characters: %s",
				id));
		check_memory_scope(c, d, id);
		if (!kind_known(str_of(d, "kind")))
			add(c, "UNKNOWN_DESK_KIND", NULL, id,
			    SAY(c, "Unknown desk kind for %s: %s", id,
				str_of(d, "kind")));
	}
}

static void
check_handoff(struct checks *c, size_t i)
{
	struct json_object *h = json_object_array_get_idx(c->handoffs, i);
	const char *id = str_of(h, "handoffId");
	const char *from = str_of(h, "fromDeskId");
	const char *to = str_of(h, "toDeskId");
	const struct hq_graph *g = &c->graph;

	if (!hq_coord_id_ok(id))
		add(c, "INVALID_HANDOFF_ID_FORMAT", id, NULL,
		    SAY(c, "Handoff id contains unsupported characters: %s",
			id));
	if (g->from[i] == HQ_COORD_NO_NODE) {
		add(c, "EDGE_UNKNOWN_SOURCE", id, from,
		    SAY(c, "Handoff %s source desk does not exist: %s", id,
			from));
		return;
	}
	if (g->to[i] == HQ_COORD_NO_NODE) {
		add(c, "EDGE_UNKNOWN_TARGET", id, to,
		    SAY(c, "Handoff %s target desk does not exist: %s", id,
			to));
		return;
	}
	if (c->live && hq_coord_mapping(h) != NULL)
		return; /* what arrives is not what the source gave */
	if (!hq_coord_assignable(object_of(g->desk[g->from[i]], "outputSchema"),
		object_of(g->desk[g->to[i]], "inputSchema")))
		add(c, "INCOMPATIBLE_HANDOFF", id, NULL,
		    SAY(c,
			"Handoff %s is incompatible: %s output does not satisfy %s "
			"input",
			id, from, to));
}

static void
check_fan_in(struct checks *c)
{
	size_t i;

	for (i = 0; i < len(c->desks); i++) {
		struct json_object *d = json_object_array_get_idx(c->desks, i);
		int node = c->graph.desk_node[i];
		size_t inbound =
		    c->graph.in_start[node + 1] - c->graph.in_start[node];

		if (inbound < 2 || strcmp(str_of(d, "kind"), "desk:join") == 0)
			continue;
		add(c, "ILLEGAL_FAN_IN_WITHOUT_JOIN", NULL, c->graph.id[node],
		    SAY(c,
			"Desk %s has %zu inbound handoffs and must be kind "
			"desk:join",
			c->graph.id[node], inbound));
	}
}

static enum hq_rc
check_ways(struct checks *c, struct hq_err *err)
{
	size_t i, ordered;
	bool *reached;
	int *order;

	HQ_TRY(hq_graph_order(c->arena, &c->graph, &order, &ordered, err));
	if (ordered < c->graph.n_nodes)
		add(c, "CYCLE_DETECTED", NULL, NULL,
		    "Workflow graph contains a cycle");
	HQ_TRY(hq_graph_reach(c->arena, &c->graph,
	    hq_graph_find(&c->graph, c->entry), &reached, err));
	for (i = 0; i < c->graph.n_desks; i++) {
		int node = c->graph.desk_node[i];

		if (!reached[node])
			add(c, "DISCONNECTED_DESK", NULL, c->graph.id[node],
			    SAY(c,
				"Desk %s is not reachable from entry desk %s",
				c->graph.id[node], c->entry));
	}
	return HQ_OK;
}

static enum hq_rc
check_all(struct checks *c, struct hq_err *err)
{
	bool *seen;
	size_t i;

	if (json_object_is_type(c->workflow, json_type_object))
		HQ_TRY(hq_graph_make(c->arena, c->workflow, &c->graph, err));
	seen = HQ_NEW(c->arena, bool, c->graph.n_nodes + 1);
	if (seen == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the workflow is too large");
	HQ_TRY(check_workflow(c, err));
	check_desks(c, seen);
	for (i = 0; i < len(c->handoffs); i++)
		check_handoff(c, i);
	check_fan_in(c);
	HQ_TRY(check_ways(c, err));
	if (!c->live)
		return HQ_OK;
	return hq_coord_validate_work(c->arena, c->workflow, &c->graph,
	    c->errors, err);
}

enum hq_rc
hq_coord_validate(struct hq_arena *a, struct json_object *workflow,
    struct json_object **ret, struct hq_err *err)
{
	struct checks c = { .arena = a, .workflow = workflow };
	struct json_object *out = hq_json_new_object();

	HQ_TRY(hq_json_own(a, out, err));
	c.errors = hq_json_new_array();
	hq_json_put_bool(out, "ok", false);
	hq_json_put(out, "errors", c.errors);
	c.desks = array_of(workflow, "desks");
	c.handoffs = array_of(workflow, "handoffs");
	c.entry = str_of(workflow, "entryDeskId");
	c.live = hq_coord_is_live(workflow);
	HQ_TRY(check_all(&c, err));
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the workflow is too large");
	hq_json_put_bool(out, "ok", json_object_array_length(c.errors) == 0);
	*ret = out;
	return HQ_OK;
}

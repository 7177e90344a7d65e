/*
 * A workflow: validation takes any JSON and says the same of its copy; what is
 * valid has an order for every desk, and each is reached from the entry.  Every
 * desk is handed what the others passed on: the workflow itself.
 */
#include "domain/coordination/validation.h"
#include "domain/coordination/work.h"
#include "fuzz.h"

static struct json_object *
validated(struct json_object *v)
{
	struct json_object *ret = NULL, *errors, *e;
	size_t i;

	if (hq_coord_validate(arena, v, &ret, &err) != HQ_OK) {
		HQ_ASSERT(err.code == HQ_E_PAYLOAD_TOO_LARGE);
		return NULL;
	}
	errors = hq_json_get(ret, "errors");
	HQ_ASSERT(hq_js_type(errors) == HQ_JS_ARRAY);
	HQ_ASSERT(hq_json_bool(ret, "ok", false) ==
	    (json_object_array_length(errors) == 0));
	for (i = 0; i < json_object_array_length(errors); i++) {
		e = json_object_array_get_idx(errors, i);
		HQ_ASSERT(hq_json_str(e, "code") != NULL);
		HQ_ASSERT(hq_json_str(e, "message") != NULL);
	}
	return ret;
}

static void
check_desk(const struct hq_coord_work *work, int node)
{
	struct json_object *received = NULL;
	bool taken, again;
	enum hq_rc rc;

	rc = hq_coord_take(arena, work, node, &taken, &received, &err);
	HQ_ASSERT(rc == HQ_OK || rc == HQ_E_BAD_REQUEST || !hq_arena_ok(arena));
	if (rc == HQ_OK && taken)
		(void)hq_coord_input_fault(arena, work->graph, node, received);
	rc = hq_coord_wants_rework(arena, work, node, &again, &err);
	HQ_ASSERT(rc == HQ_OK || rc == HQ_E_BAD_REQUEST || !hq_arena_ok(arena));
}

/* A run in which every desk ran. */
static void
check_work(struct json_object *v, const struct hq_graph *g)
{
	struct hq_coord_work work = { .graph = g, .workflow = v, .input = v };
	struct json_object **outputs =
	    HQ_NEW(arena, struct json_object *, g->n_nodes + 1);
	bool *ran = HQ_NEW(arena, bool, g->n_nodes + 1);
	size_t i;

	if (outputs == NULL || ran == NULL)
		return;
	for (i = 0; i < g->n_nodes; i++) {
		outputs[i] = v;
		ran[i] = true;
	}
	work.outputs = outputs;
	work.ran = ran;
	for (i = 0; i < g->n_nodes; i++)
		check_desk(&work, (int)i);
}

static void
check_graph(struct json_object *v, bool ok)
{
	const char *entry = hq_json_str(v, "entryDeskId");
	struct hq_graph g;
	size_t i, n_order;
	bool *reached;
	int *order;

	if (hq_graph_make(arena, v, &g, &err) != HQ_OK ||
	    hq_graph_order(arena, &g, &order, &n_order, &err) != HQ_OK ||
	    hq_graph_reach(arena, &g,
		entry == NULL ? HQ_COORD_NO_NODE : hq_graph_find(&g, entry),
		&reached, &err) != HQ_OK)
		return;
	HQ_ASSERT(n_order <= g.n_nodes && g.n_nodes <= g.n_desks);
	for (i = 0; i < n_order; i++)
		HQ_ASSERT(order[i] >= 0 && (size_t)order[i] < g.n_nodes);
	for (i = 0; ok && i < g.n_nodes; i++)
		HQ_ASSERT(n_order == g.n_nodes && reached[i]);
	if (ok)
		check_work(v, &g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_object *v, *copy, *one, *two;

	fuzz_begin();
	if (hq_json_parse(arena, (const char *)data, n, &v, &err) != HQ_OK)
		return 0;
	one = validated(v);
	if (one == NULL)
		return 0;
	copy = hq_json_clone(v);
	if (copy != NULL && hq_json_own(arena, copy, &err) != HQ_OK)
		return 0;
	two = validated(copy);
	HQ_ASSERT(two != NULL &&
	    strcmp(hq_json_text(arena, one), hq_json_text(arena, two)) == 0);
	check_graph(v, hq_json_bool(one, "ok", false));
	return 0;
}

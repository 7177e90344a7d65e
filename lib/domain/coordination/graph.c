#include "domain/coordination/graph.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static enum hq_rc
full(struct hq_err *err)
{
	return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the workflow is too large");
}

/* The array under key; NULL if it is none. */
static struct json_object *
array_of(struct json_object *o, const char *key)
{
	struct json_object *v = hq_json_get(o, key);

	return json_object_is_type(v, json_type_array) ? v : NULL;
}

static size_t
array_len(struct json_object *v)
{
	return v == NULL ? 0 : json_object_array_length(v);
}

static const char *
str_of(struct json_object *o, const char *key)
{
	const char *s = NULL;

	if (json_object_is_type(o, json_type_object))
		s = hq_json_str(o, key);
	return s == NULL ? "" : s;
}

/* A desk id and where it stands, for sorting. */
struct place {
	const char *id;
	size_t at;
};

static int
place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	if (order != 0)
		return order;
	return (x->at > y->at) - (x->at < y->at);
}

static int
node_find(const struct place *sorted, size_t n, const char *id)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(sorted[mid].id, id);

		if (order == 0)
			return (int)sorted[mid].at;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return HQ_COORD_NO_NODE;
}

/*
 * Give every distinct id a node number in order of first appearance, and make
 * places a sorted index of the nodes (n_nodes of them).
 */
static void
number_nodes(struct hq_graph *g, struct place *places,
    struct json_object *desks)
{
	size_t i, first = 0;

	for (i = 0; i < g->n_desks; i++) {
		if (i > 0 && strcmp(places[i].id, places[first].id) != 0)
			first = i;
		g->desk_node[places[i].at] = (int)places[first].at;
	}
	g->n_nodes = 0;
	for (i = 0; i < g->n_desks; i++) {
		int of = g->desk_node[i];

		if ((size_t)of == i) {
			g->id[g->n_nodes] =
			    str_of(json_object_array_get_idx(desks, i),
				"deskId");
			g->desk_node[i] = (int)g->n_nodes++;
		} else {
			g->desk_node[i] = g->desk_node[of];
		}
		g->desk[g->desk_node[i]] = json_object_array_get_idx(desks, i);
	}
	for (i = 0; i < g->n_nodes; i++)
		places[i] = (struct place){ g->id[i], i };
	qsort(places, g->n_nodes, sizeof(*places), place_compare);
}

static enum hq_rc
read_desks(struct hq_arena *a, struct json_object *desks, struct hq_graph *g,
    struct place **ret_sorted, struct hq_err *err)
{
	struct place *places;
	size_t i, n = array_len(desks);

	if (n > INT_MAX)
		return full(err);
	g->n_desks = n;
	g->id = HQ_NEW(a, const char *, n + 1);
	g->desk = HQ_NEW(a, struct json_object *, n + 1);
	g->desk_node = HQ_NEW(a, int, n + 1);
	places = HQ_NEW(a, struct place, n + 1);
	if (!hq_arena_ok(a))
		return full(err);
	for (i = 0; i < n; i++) {
		places[i].id =
		    str_of(json_object_array_get_idx(desks, i), "deskId");
		places[i].at = i;
	}
	qsort(places, n, sizeof(*places), place_compare);
	number_nodes(g, places, desks);
	*ret_sorted = places;
	return HQ_OK;
}

/*
 * Sort the edges by the node at one end, keeping their order: start[i] is
 * where node i's begin in edges.  used is zeroed scratch, one per node.
 */
static void
bucket(const struct hq_graph *g, const int *node_of, size_t *start,
    size_t *edges, size_t *used)
{
	size_t e, i;

	for (e = 0; e < g->n_edges; e++)
		if (node_of[e] != HQ_COORD_NO_NODE)
			start[node_of[e] + 1]++;
	for (i = 0; i < g->n_nodes; i++)
		start[i + 1] += start[i];
	for (e = 0; e < g->n_edges; e++) {
		int node = node_of[e];

		if (node != HQ_COORD_NO_NODE)
			edges[start[node] + used[node]++] = e;
	}
}

static enum hq_rc
read_handoffs(struct hq_arena *a, struct json_object *handoffs,
    const struct place *sorted, struct hq_graph *g, struct hq_err *err)
{
	size_t e, n = array_len(handoffs);
	size_t *out_used = HQ_NEW(a, size_t, g->n_nodes + 1);
	size_t *in_used = HQ_NEW(a, size_t, g->n_nodes + 1);

	g->n_edges = n;
	g->from = HQ_NEW(a, int, n + 1);
	g->to = HQ_NEW(a, int, n + 1);
	g->out_start = HQ_NEW(a, size_t, g->n_nodes + 1);
	g->in_start = HQ_NEW(a, size_t, g->n_nodes + 1);
	g->out = HQ_NEW(a, size_t, n + 1);
	g->in = HQ_NEW(a, size_t, n + 1);
	if (!hq_arena_ok(a))
		return full(err);
	for (e = 0; e < n; e++) {
		struct json_object *h = json_object_array_get_idx(handoffs, e);

		g->from[e] =
		    node_find(sorted, g->n_nodes, str_of(h, "fromDeskId"));
		g->to[e] = node_find(sorted, g->n_nodes, str_of(h, "toDeskId"));
	}
	bucket(g, g->from, g->out_start, g->out, out_used);
	bucket(g, g->to, g->in_start, g->in, in_used);
	return HQ_OK;
}

enum hq_rc
hq_graph_make(struct hq_arena *a, struct json_object *workflow,
    struct hq_graph *ret, struct hq_err *err)
{
	struct place *sorted;

	*ret = (struct hq_graph){ 0 };
	HQ_TRY(read_desks(a, array_of(workflow, "desks"), ret, &sorted, err));
	return read_handoffs(a, array_of(workflow, "handoffs"), sorted, ret,
	    err);
}

int
hq_graph_find(const struct hq_graph *g, const char *id)
{
	size_t i;

	for (i = 0; i < g->n_nodes; i++)
		if (strcmp(g->id[i], id) == 0)
			return (int)i;
	return HQ_COORD_NO_NODE;
}

enum hq_rc
hq_graph_order(struct hq_arena *a, const struct hq_graph *g, int **ret,
    size_t *ret_n, struct hq_err *err)
{
	int *order = HQ_NEW(a, int, g->n_nodes + 1);
	size_t *waits = HQ_NEW(a, size_t, g->n_nodes + 1);
	size_t e, i, n = 0;

	if (!hq_arena_ok(a))
		return full(err);
	for (e = 0; e < g->n_edges; e++)
		if (g->from[e] != HQ_COORD_NO_NODE &&
		    g->to[e] != HQ_COORD_NO_NODE)
			waits[g->to[e]]++;
	for (i = 0; i < g->n_nodes; i++)
		if (waits[i] == 0)
			order[n++] = (int)i;
	for (i = 0; i < n; i++) {
		for (e = g->out_start[order[i]]; e < g->out_start[order[i] + 1];
		     e++) {
			int to = g->to[g->out[e]];

			if (to != HQ_COORD_NO_NODE && --waits[to] == 0)
				order[n++] = to;
		}
	}
	*ret = order;
	*ret_n = n;
	return HQ_OK;
}

enum hq_rc
hq_graph_reach(struct hq_arena *a, const struct hq_graph *g, int entry,
    bool **ret_reached, struct hq_err *err)
{
	bool *reached = HQ_NEW(a, bool, g->n_nodes + 1);
	int *queue = HQ_NEW(a, int, g->n_nodes + 1);
	size_t e, i, n = 0;

	if (!hq_arena_ok(a))
		return full(err);
	if (entry != HQ_COORD_NO_NODE) {
		reached[entry] = true;
		queue[n++] = entry;
	}
	for (i = 0; i < n; i++) {
		for (e = g->out_start[queue[i]]; e < g->out_start[queue[i] + 1];
		     e++) {
			int to = g->to[g->out[e]];

			if (to == HQ_COORD_NO_NODE || reached[to])
				continue;
			reached[to] = true;
			queue[n++] = to;
		}
	}
	*ret_reached = reached;
	return HQ_OK;
}

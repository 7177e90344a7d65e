/*
 * domain/coordination/graph.h - the desks of a workflow as a directed graph.
 *
 * Nodes are the distinct desk ids in the order in which they first appear; of
 * desks with one id the last is the node's.  Works on any JSON: what has not
 * the shape of a workflow gives a smaller graph.
 */
#ifndef HQ_DOMAIN_COORDINATION_GRAPH_H
#define HQ_DOMAIN_COORDINATION_GRAPH_H

#include "json/json.h"

enum { HQ_COORD_NO_NODE = -1 };

struct hq_graph {
	size_t n_nodes;
	const char **id;           /* [n_nodes]; borrowed from the workflow */
	struct json_object **desk; /* [n_nodes] */
	size_t n_desks;
	int *desk_node; /* [n_desks]: node of desks[i] */
	size_t n_edges; /* handoffs */
	int *from, *to; /* [n_edges]; HQ_COORD_NO_NODE: unknown */
	/* Handoffs by source and by target, each in handoff order. */
	size_t *out_start, *out; /* [n_nodes + 1], [n_edges]: edge numbers */
	size_t *in_start, *in;
};

/* PAYLOAD_TOO_LARGE if the arena is full.  Borrows from workflow. */
enum hq_rc hq_graph_make(struct hq_arena *a, struct json_object *workflow,
    struct hq_graph *ret, struct hq_err *err) HQ_MUST;

/* The node of a desk id, or HQ_COORD_NO_NODE. */
int hq_graph_find(const struct hq_graph *g, const char *id);

/*
 * Kahn's order: a queue that starts with the desks nobody hands to, in desk
 * order, and takes a desk in once all its inputs are out, in handoff order.
 * *ret_n < n_nodes if there is a cycle.  *ret: n_nodes places in the arena.
 */
enum hq_rc hq_graph_order(struct hq_arena *a, const struct hq_graph *g,
    int **ret, size_t *ret_n, struct hq_err *err) HQ_MUST;

/* reached[node]: there is a way from the entry (HQ_COORD_NO_NODE: none). */
enum hq_rc hq_graph_reach(struct hq_arena *a, const struct hq_graph *g,
    int entry, bool **ret_reached, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_GRAPH_H */

/*
 * domain/coordination/work.h - workflows whose desks do the work they name.
 *
 * A workflow is live if at least one of its desks has an `executor` (an
 * {"kind":"echo"} does, and changes nothing else).  Only in a live workflow do
 * conditions, mappingRefs, rework, onTimeout, schemas and the pass-through of
 * desk:observer mean anything; in any other they are stored and ignored, as
 * they always were.
 *
 * Expressions (expr/expr.h) see three variables: `output`, what the source desk
 * passed on; `input`, the run's; `desk`, the source's id.
 */
#ifndef HQ_DOMAIN_COORDINATION_WORK_H
#define HQ_DOMAIN_COORDINATION_WORK_H

#include "domain/coordination/graph.h"

enum {
	HQ_COORD_REWORK_ROUNDS_MAX = 10,
	HQ_COORD_MAPPING_KEYS_MAX = 100, /* of one handoff */
};

/* What a desk's executor is; NONE: it has none. */
enum hq_coord_executor {
	HQ_COORD_EXEC_NONE,
	HQ_COORD_EXEC_ECHO,
	HQ_COORD_EXEC_AGENT,
	HQ_COORD_EXEC_FUNCTION,
	HQ_COORD_EXEC_HTTP,
	HQ_COORD_EXEC__MAX /* one that nobody knows */
};
enum hq_coord_executor hq_coord_executor_of(struct json_object *desk);

/* Works on any JSON. */
bool hq_coord_is_live(struct json_object *workflow);

/* The mappingRefs of a handoff; NULL if it has none, or an empty one. */
struct json_object *hq_coord_mapping(struct json_object *handoff);

/* The condition of a handoff; NULL if it has none, or an empty one. */
const char *hq_coord_condition(struct json_object *handoff);

/* A live run between two of its desks.  All borrowed. */
struct hq_coord_work {
	const struct hq_graph *graph;
	struct json_object *workflow;
	struct json_object *input;          /* the run's */
	struct json_object *const *outputs; /* [node]: what it passed on */
	const bool *ran; /* [node]: not skipped, and not still to come */
};

/*
 * What a desk receives over the handoffs that were taken: those whose source
 * ran and whose condition is true.  One inbound handoff: what that carries;
 * several: an object by source id of those taken; none: the run's input.
 * *ret_taken is false if there are inbound handoffs and none was taken.
 * BAD_REQUEST names the handoff whose expression cannot be evaluated.
 */
enum hq_rc hq_coord_take(struct hq_arena *a, const struct hq_coord_work *w,
    int node, bool *ret_taken, struct json_object **ret, struct hq_err *err)
    HQ_MUST;

/* Does the desk want its work done again?  BAD_REQUEST as above. */
enum hq_rc hq_coord_wants_rework(struct hq_arena *a,
    const struct hq_coord_work *w, int node, bool *ret, struct hq_err *err)
    HQ_MUST;

/*
 * NULL, or how what a desk received does not fit its inputSchema.  With several
 * inbound handoffs each part has to fit, as each handoff was checked at save.
 */
const char *hq_coord_input_fault(struct hq_arena *a, const struct hq_graph *g,
    int node, struct json_object *received);

#endif /* HQ_DOMAIN_COORDINATION_WORK_H */

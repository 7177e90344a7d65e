/*
 * domain/coordination/execution.h - what the steps of a run write and compute.
 *
 * The workflows plugin strings these together as durable steps; a step's code
 * may run more than once, so each of these may be repeated: a timeline event
 * has its key, and a run that has ended (cancelled, failed) takes nothing more.
 */
#ifndef HQ_DOMAIN_COORDINATION_EXECUTION_H
#define HQ_DOMAIN_COORDINATION_EXECUTION_H

#include "domain/coordination/coordination.h"
#include "domain/coordination/graph.h"

enum {
	/* A desk's output as JSON; joins of joins grow fast. */
	HQ_COORD_OUTPUT_BYTES_MAX = 4 << 20,
	/* A desk's memory as JSON; past it, what it remembers is dropped. */
	HQ_COORD_MEMORY_BYTES_MAX = 256 << 10,
};

/* What a step needs.  engine_run_id is the durable engine's. */
struct hq_coord_step {
	struct hq_db *db;
	const struct hq_env *env;
	struct hq_arena *arena;
	const char *run_id;
	const char *engine_run_id;
};

/*
 * The graph of an event's workflow and the order of its desks (n_nodes of
 * them).  BAD_REQUEST if it is not one that can run.
 */
enum hq_rc hq_coord_plan(struct hq_arena *a, struct json_object *workflow,
    struct hq_graph *ret_graph, int **ret_order, struct hq_err *err) HQ_MUST;

/*
 * What a desk receives: the run's input if nobody hands to it; one source's
 * output; or of several an object by source.  outputs[node] are borrowed.
 */
enum hq_rc hq_coord_received(struct hq_arena *a, const struct hq_graph *g,
    int node, struct json_object *input, struct json_object *const *outputs,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/*
 * The run is running from now on, in this engine run.  *ret_active is false if
 * it has ended or belongs to another engine run: then do nothing more;
 * *ret_found is false if there is no such run.
 */
enum hq_rc hq_coord_run_started(const struct hq_coord_step *s,
    struct json_object *input, bool *ret_active, bool *ret_found,
    struct hq_err *err) HQ_MUST;

/* "desk.started" with what it received, or "desk.completed" with its output. */
struct hq_coord_desk_news {
	struct json_object *desk;
	bool completed;
	bool skipped;       /* completed without an output */
	int round;          /* 0, then how often the desk was sent work again */
	const char *detail; /* NULL: "<name> started", "<name> completed" */
	struct json_object *payload;
};
enum hq_rc hq_coord_desk_event(const struct hq_coord_step *s,
    const struct hq_coord_desk_news *n, struct hq_err *err) HQ_MUST;

/* The desk's name, for people; its id if it has none. */
const char *hq_coord_desk_name(struct json_object *desk);

enum hq_rc hq_coord_run_completed(const struct hq_coord_step *s,
    struct json_object *output, struct hq_err *err) HQ_MUST;

/* desk_id: whose fault it was; or NULL.  input: the run's; may be NULL. */
enum hq_rc hq_coord_run_failed(const struct hq_coord_step *s, const char *error,
    const char *desk_id, struct json_object *input, struct hq_err *err) HQ_MUST;

/*
 * The desk's own work: what each kind of desk answers.  PAYLOAD_TOO_LARGE if
 * that is over HQ_COORD_OUTPUT_BYTES_MAX.
 */
enum hq_rc hq_coord_desk_output(struct hq_arena *a, struct json_object *desk,
    struct json_object *received, struct json_object *memory,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* What this desk of this version kept; *ret is NULL if nothing, or expired. */
enum hq_rc hq_coord_memory_read(const struct hq_coord_step *s,
    struct json_object *workflow, struct json_object *desk,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
enum hq_rc hq_coord_memory_write(const struct hq_coord_step *s,
    struct json_object *workflow, struct json_object *desk,
    struct json_object *output, struct hq_err *err) HQ_MUST;

/* The desk keeps its output for the next run. */
bool hq_coord_desk_persists(struct json_object *desk);

#endif /* HQ_DOMAIN_COORDINATION_EXECUTION_H */

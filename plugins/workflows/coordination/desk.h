/*
 * One execution of the runner, and one desk's turn in it.
 *
 * desk.c has what every desk does; plain.c runs a workflow as the reference
 * does, live.c one whose desks do the work they name (domain work.h), with an
 * executor.c row for each kind of executor.
 */
#ifndef HQ_PLUGINS_WORKFLOWS_COORDINATION_DESK_H
#define HQ_PLUGINS_WORKFLOWS_COORDINATION_DESK_H

#include "domain/coordination/execution.h"
#include "domain/coordination/work.h"
#include "flow/flow.h"

enum {
	HQ_DESK_RETRIES = 2,          /* of the function, and so of a desk */
	HQ_DESK_RETRIES_MAX = 20,     /* the engine's bound */
	HQ_DESK_TIMEOUT_S_MAX = 7200, /* the longest function call */
	HQ_DESK_HTTP_TIMEOUT_S = 30,  /* where the desk names none */
	HQ_DESK_HTTP_REPLY_MAX = 1 << 20, /* bytes */
	HQ_DESK_WAIT_DAYS_MAX = 365,      /* for a task's end */
};

struct hq_execution {
	struct hq_flow *flow;
	struct json_object *event; /* data: {runId, workflow, input, reuse?} */
	struct json_object *workflow;
	struct hq_graph graph;
	int *order;
	struct json_object **outputs; /* [node]; NULL until its desk is done */
	const char *failed_desk;
};

/* One desk's turn.  in is the input of its steps; it grows with them. */
struct hq_turn {
	struct hq_execution *x;
	int node;
	int round; /* 0, then how often the desk was sent work again */
	struct json_object *desk, *in;
	struct json_object *received, *memory, *output;
	/* Of live desks only: */
	struct json_object *upstream; /* outputs before it, by desk id */
	const char *by;               /* who answered; or NULL */
	bool timed_out;               /* output says so, and nothing else */
	bool has_keep;                /* keep is to be remembered, not output */
	struct json_object *keep;
};

/* A step's input: runId, input and workflow of the event, without copying. */
enum hq_rc hq_step_input(struct hq_execution *x, struct json_object **ret,
    struct hq_err *err) HQ_MUST;

enum hq_rc hq_turn_init(struct hq_turn *t, struct hq_execution *x, int node,
    struct hq_err *err) HQ_MUST;

/* "desk/<id>/<what>", from the second round on with "#<turn>" behind. */
const char *hq_turn_step_id(const struct hq_turn *t, const char *what);

/*
 * One of the desk's steps.  run: the desk's runtimePolicy holds for it.
 */
enum hq_rc hq_turn_step(struct hq_turn *t, const char *what, hq_flow_fn *fn,
    struct json_object **ret_out, struct hq_err *err) HQ_MUST;
enum hq_rc hq_turn_run(struct hq_turn *t, const char *what, hq_flow_fn *fn,
    struct json_object **ret_out, struct hq_err *err) HQ_MUST;

/* What the desk's runtimePolicy says; timeout_ms is not bounded. */
struct hq_step_policy hq_policy_of(struct json_object *desk);

/* The beginning and the end of a turn: t->memory; t->output is told. */
enum hq_rc hq_turn_start(struct hq_turn *t, struct hq_err *err) HQ_MUST;
enum hq_rc hq_turn_end(struct hq_turn *t, const char *detail,
    struct hq_err *err) HQ_MUST;

/*
 * The event's data.reuse has the desk's output of an earlier run.  Then reuse
 * sets t->output and tells the timeline, in the place of the turn.
 */
bool hq_turn_done_before(const struct hq_turn *t);
enum hq_rc hq_turn_reuse(struct hq_turn *t, struct hq_err *err) HQ_MUST;

/* Every desk; *ret_out is the run's output. */
enum hq_rc hq_run_plain(struct hq_execution *x, struct json_object **ret_out,
    struct hq_err *err) HQ_MUST;
enum hq_rc hq_run_live(struct hq_execution *x, struct json_object **ret_out,
    struct hq_err *err) HQ_MUST;

/* The executor of a live desk: sets output, and by, timed_out, keep. */
enum hq_rc hq_turn_execute(struct hq_turn *t, struct hq_err *err) HQ_MUST;
enum hq_rc hq_turn_execute_agent(struct hq_turn *t, struct hq_err *err) HQ_MUST;

#endif /* HQ_PLUGINS_WORKFLOWS_COORDINATION_DESK_H */

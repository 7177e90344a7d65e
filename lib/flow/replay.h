/*
 * flow/replay.h - private to lib/flow: the state of one execution.
 *
 * A function comes to steps one after the other.  Each is either recorded (its
 * memo is given back) or new.  A new one that was run becomes a checkpoint, and
 * the function goes on; or it ends the execution: it is reported as an op, and
 * from then on every flow call gives HQ_SUSPEND and whatever the function still
 * does or returns has no effect.
 */
#ifndef HQ_FLOW_REPLAY_H
#define HQ_FLOW_REPLAY_H

#include "base/ids.h"
#include "flow/exec.h"

struct hq_flow {
	struct hq_exec_in *in;
	struct json_object *root; /* the arena's; owns the four below */
	struct json_object *ops;  /* array: the answer */
	struct json_object *seen; /* set of the ids used so far */
	struct json_object
	    *found; /* array: new steps that are not the target */
	struct json_object *error; /* object: of a failure */
	size_t n_met;
	bool unrecorded; /* the last of them may not be on disk yet */
	bool given_up;   /* by the engine */
	bool suspended;
	bool no_retry;   /* the step that ran has failed for good */
	const char *key; /* set while a step's code runs */
};

/* A step the function has come to. */
struct hq_met {
	const char *id; /* as the function calls it; in the arena */
	size_t index;   /* 0; n of the n-th repetition of the id */
	char hash[HQ_SHA1_HEX_BYTES];
	enum { HQ_MET_NEW, HQ_MET_DONE, HQ_MET_FAILED } state;
	/* DONE: the result.  FAILED: the error.  NEW: see has_input. */
	struct json_object *value;
	bool has_input; /* NEW: value replaces what the function hands in */
};

/*
 * Name the step and look its memo up.  HQ_SUSPEND once the execution has ended;
 * DECLARED (HQ_NON_RETRIABLE) past HQ_FLOW_STEPS_MAX.
 */
enum hq_rc hq_flow_meet(struct hq_flow *f, const char *id, struct hq_met *ret,
    struct hq_err *err) HQ_MUST;

/* What a recorded step gives its function: HQ_OK, or DECLARED. */
enum hq_rc hq_flow_recall(const struct hq_met *m, struct json_object **ret_out,
    struct hq_err *err) HQ_MUST;

/* True if err is a recorded step's failure that nobody has caught. */
bool hq_flow_is_step_failure(const struct hq_err *err);

/* Is it the step that this call is to run? */
bool hq_flow_is_target(const struct hq_flow *f, const struct hq_met *m);

/* -- answers: HQ_SUSPEND is the end of the execution ----------------------- */

/*
 * Report a step that the engine carries out.  name may be NULL; takes the
 * reference to opts (NULL: {}).
 */
enum hq_rc hq_flow_report(struct hq_flow *f, const struct hq_met *m,
    const char *op, const char *name, struct json_object *opts) HQ_MUST;

struct hq_todo {
	hq_flow_fn *fn;
	struct json_object *in;
	const char *name;         /* on the wire; NULL: the step's id */
	struct json_object *opts; /* borrowed; NULL: {} */
	bool plan;                /* do not run it before it is the target */
};

/*
 * Run the step's code now, or plan it, as this call asks.  HQ_OK: it has run,
 * the call goes on, and m is as if it had been recorded.
 */
enum hq_rc hq_flow_advance(struct hq_flow *f, struct hq_met *m,
    const struct hq_todo *t) HQ_MUST;

/* Fill e with the name and message of a failure; rc is not OK or SUSPEND. */
void hq_flow_error(struct json_object *e, enum hq_rc rc,
    const struct hq_err *err);

/* True if a failure may be tried again: of its kind, and attempts are left. */
bool hq_flow_may_retry(const struct hq_runtime *r, const struct hq_err *err);

#endif /* HQ_FLOW_REPLAY_H */

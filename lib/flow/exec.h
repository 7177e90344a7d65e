/*
 * flow/exec.h - one call of a durable function: replay what is recorded, run
 * or plan what is new, and tell what came of it in Inngest's step operations.
 * With checkpoints, a call goes on behind a step that it ran.
 *
 * No HTTP here: proto/inngest turns requests into this and this into replies.
 */
#ifndef HQ_FLOW_EXEC_H
#define HQ_FLOW_EXEC_H

#include "flow/flow.h"

/*
 * How a function goes on behind a step without another call: the engine records
 * the step's result meanwhile, and the next step's code waits for that.
 */
struct hq_checkpoints {
	/*
	 * op: the step operation, JSON text.  False if the call is to end with
	 * it instead; then nothing was sent.
	 */
	bool (*send)(void *ctx, const char *op, size_t bytes);
	/* Until it is recorded; false: the engine has given the call up. */
	bool (*wait)(void *ctx);
	void *ctx;
};

struct hq_exec_in {
	struct hq_arena *arena;
	struct hq_runtime runtime;
	struct json_object *steps; /* memo: step hash -> recorded value */
	const char *target;        /* step hash to run, or NULL: discover */
	bool plan_only;            /* ctx.disable_immediate_execution */
	/* Array: hashes of recorded steps, as they were recorded; or NULL. */
	struct json_object *stack;
	const struct hq_checkpoints *checkpoints; /* NULL: a step ends a call */
	/* Port of hq_send_event(): store the event; NULL: it fails. */
	enum hq_rc (*send_event)(void *ctx, const char *event_id,
	    const char *name, struct json_object *data, struct hq_err *err);
	void *send_ctx;
	/*
	 * Port of hq_wait_for_event_since() for an engine that does not look
	 * back: the first such event since then, or NULL.  NULL: it does.
	 */
	enum hq_rc (*past_event)(void *ctx, struct json_object *asked,
	    struct json_object **ret, struct hq_err *err);
	void *past_ctx;
	/* True if the id is a function of this app; NULL: none is known. */
	bool (*own_function)(void *ctx, const char *id);
	void *own_ctx;
};

struct hq_exec_out {
	enum {
		HQ_EXEC_DONE,     /* .value is the function's result */
		HQ_EXEC_OPS,      /* .value is an array of ops, perhaps empty */
		HQ_EXEC_FAILED,   /* .value is {"name","message",...} */
		HQ_EXEC_GIVEN_UP, /* nobody waits for what came of it */
	} what;
	/* Owned by the arena; NULL is JSON null, with FAILED a full arena. */
	struct json_object *value;
	bool no_retry; /* with FAILED, or with a failed step */
};

/* Never fails by itself: a failure of the function is an outcome. */
void hq_flow_exec(hq_flow_fn *fn, const struct hq_exec_in *in,
    struct hq_exec_out *ret);

#endif /* HQ_FLOW_EXEC_H */

/*
 * flow/flow.h - writing a durable function in C.
 *
 * A durable function is an ordinary C function that the host calls again and
 * again until it gives HQ_OK or fails.  The first time a step is met it runs
 * and its result is recorded; in every later call it gives back the recorded
 * result without running.  So between its steps a function is deterministic:
 * no clock, no random, no I/O.  A step's code runs at least once: give what it
 * touches hq_flow_key(), which is the same in every attempt.
 *
 *	static enum hq_rc
 *	digest_run(struct hq_flow *f, struct json_object *in,
 *	    struct json_object **ret_out, struct hq_err *err)
 *	{
 *		struct json_object *changes;
 *
 *		HQ_TRY(hq_step(f, "load-changes", load_changes, in, &changes,
 *		    err));
 *		HQ_TRY(hq_sleep(f, "cool-off", 60 * 1000, err));
 *		return hq_step(f, "send-mail", send_mail, changes, ret_out,
 *		    err);
 *	}
 *
 * HQ_SUSPEND travels up like an error and is not one.  A step that failed for
 * good gives HQ_E_DECLARED with the step's name for code; a function may catch
 * it and go on.  Ids are unique within one execution of a function; using one
 * again yields "<id>:1", "<id>:2", as the Inngest SDK does.
 */
#ifndef HQ_FLOW_FLOW_H
#define HQ_FLOW_FLOW_H

#include <stddef.h>

#include "base/env.h"
#include "flow/function.h"
#include "store/db.h"

enum {
	HQ_FLOW_STEPS_MAX = 1000, /* steps one execution may come to */
};

/* ------------------------------------------------------- the runtime context */

struct hq_keys; /* auth/keys.h */

/* Everything a function may know about its run.  Strings are borrowed. */
struct hq_runtime {
	const char *run_id;
	const char *function_id;
	int attempt; /* 0-based, of this call */
	int max_attempts;
	struct json_object *event;  /* the trigger event, whole */
	struct json_object *events; /* all events of a batch */
	const char *correlation_id; /* from the event's data._rawr; or NULL */
	const char *traceparent;    /* the same */
	/* For steps only: */
	struct hq_db *db;
	const struct hq_env *env;
	const struct hq_config *config;
	const struct hq_keys *keys;
};
const struct hq_runtime *hq_flow_runtime(const struct hq_flow *f);
struct hq_arena *hq_flow_arena(struct hq_flow *f);

/* Within a step: "<run id>/<step hash>", the same in every attempt. */
const char *hq_flow_key(const struct hq_flow *f);

/* A log line with run, function, attempt, correlation id and traceparent. */
void hq_flow_log(const struct hq_flow *f, const char *event,
    const char *message);

/* -------------------------------------------------------------------- steps */

/*
 * Run fn to success once per run; later executions get what it gave.
 * id: not empty; copied.  in: handed to fn; borrowed.
 */
enum hq_rc hq_step(struct hq_flow *f, const char *id, hq_flow_fn *fn,
    struct json_object *in, struct json_object **ret_out, struct hq_err *err)
    HQ_MUST;

/*
 * The same under a policy of its own: the step is planned first and then runs
 * as a job with its own attempts, time limit and priority.
 */
struct hq_step_policy {
	int retries;        /* attempts - 1; -1: the function's */
	int64_t timeout_ms; /* of one attempt; 0: none.  Counts as a failure. */
	int priority;       /* -1 low, 0 normal, 1 high */
};
enum hq_rc hq_step_with(struct hq_flow *f, const char *id,
    const struct hq_step_policy *policy, hq_flow_fn *fn, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err) HQ_MUST;

/*
 * Several steps that may run at the same time; HQ_OK when all are done.  If one
 * has failed for good, that is given once the others have ended too.
 */
struct hq_branch {
	const char *id;
	hq_flow_fn *fn;
	struct json_object *in;
	struct json_object *out; /* set on HQ_OK */
};
enum hq_rc hq_parallel(struct hq_flow *f, struct hq_branch *branches, size_t n,
    struct hq_err *err) HQ_MUST;

/* HQ_OK once ms have passed since it was first reached. */
enum hq_rc hq_sleep(struct hq_flow *f, const char *id, int64_t ms,
    struct hq_err *err) HQ_MUST;
enum hq_rc hq_sleep_until(struct hq_flow *f, const char *id, int64_t unix_ms,
    struct hq_err *err) HQ_MUST;

/*
 * The next event of that name for which the expression is true (over `event`,
 * the trigger, and `async`, the one that came; NULL: any).  *ret_event is NULL
 * after timeout_ms.
 */
enum hq_rc hq_wait_for_event(struct hq_flow *f, const char *id,
    const char *event_name, const char *expression, int64_t timeout_ms,
    struct json_object **ret_event, struct hq_err *err) HQ_MUST;

/*
 * The same, and also an event that came since_ms (hq_event_clock() at that
 * time, read in the step that asks) or later: for an answer to something that an
 * earlier step asked, which may be faster than the wait.
 * An extension of ours (opts.sinceMs); another engine ignores it.
 */
enum hq_rc hq_wait_for_event_since(struct hq_flow *f, const char *id,
    const char *event_name, const char *expression, int64_t timeout_ms,
    int64_t since_ms, struct json_object **ret_event, struct hq_err *err)
    HQ_MUST;

/* Another function's result.  function: "<app>-<id>" or an id of this app. */
enum hq_rc hq_invoke(struct hq_flow *f, const char *id, const char *function,
    struct json_object *data, struct json_object **ret_out, struct hq_err *err)
    HQ_MUST;

/* Send one event; its id is derived from hq_flow_key(), so it is sent once. */
enum hq_rc hq_send_event(struct hq_flow *f, const char *id, const char *name,
    struct json_object *data, struct hq_err *err) HQ_MUST;

/* Fail now and for good: HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, ...). */
#define HQ_NON_RETRIABLE "NonRetriableError"

#endif /* HQ_FLOW_FLOW_H */

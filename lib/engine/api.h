/*
 * engine/api.h - what a program beside the engine may ask and do on behalf of
 * SDK apps: the store's side of the engine API.
 *
 * Ids of runs and events are ULIDs.  What is not there is NOT_FOUND.
 */
#ifndef HQ_ENGINE_API_H
#define HQ_ENGINE_API_H

#include "engine/register.h"

enum {
	HQ_API_RUNS_MAX = 1000, /* of one event, in one answer */
};

struct hq_run_look {
	const char *id, *fn, *event;
	const char *status; /* "Running", "Completed", "Failed", "Cancelled" */
	int64_t created_ms, ended_ms; /* ended: 0 while it runs */
	const char *output;           /* JSON text, or NULL */
};

/* Strings in a. */
enum hq_rc hq_run_look(struct hq_db *db, const char *run, struct hq_arena *a,
    struct hq_run_look *ret, struct hq_err *err) HQ_MUST;

/* The runs that an event (its internal id) has started, the oldest first. */
struct hq_run_looks {
	const struct hq_run_look *v;
	size_t n;
};
enum hq_rc hq_runs_look(struct hq_db *db, const char *event, struct hq_arena *a,
    struct hq_run_looks *ret, struct hq_err *err) HQ_MUST;

/* An event as an SDK sees it, JSON text; by its internal id. */
enum hq_rc hq_event_look(struct hq_db *db, const char *event,
    struct hq_arena *a, const char **ret, struct hq_err *err) HQ_MUST;

/* What a call leaves out where it is too large: the list `events`. */
enum hq_rc hq_run_events(struct hq_db *db, const char *run, struct hq_arena *a,
    const char **ret, struct hq_err *err) HQ_MUST;
/* And the object `steps`. */
enum hq_rc hq_run_steps(struct hq_db *db, const char *run, struct hq_arena *a,
    const char **ret, struct hq_err *err) HQ_MUST;

/* End a run as cancelled, inside hq_db_tx(); CONFLICT if it has ended. */
enum hq_rc hq_run_cancel(struct hq_db *db, const struct hq_env *env,
    const char *run, struct hq_err *err) HQ_MUST;

/*
 * An app has said that it is there, inside hq_db_tx(): calls of its functions
 * that nobody took are made now.
 */
enum hq_rc hq_app_is_back(struct hq_db *db, const struct hq_env *env,
    const char *app, struct hq_err *err) HQ_MUST;

/*
 * Steps that a call in flight has finished, inside hq_db_tx(): recorded once
 * each, and what the call answers later may repeat them.  CONFLICT if that call
 * is not the run's any more (fenced by its generation; 0: not known).
 * BAD_REQUEST if there is anything but results among them, PAYLOAD_TOO_LARGE if
 * the run would have too many or too large ones: nothing is recorded then.
 */
struct hq_checkpoint {
	const char *run;
	int64_t generation;
	struct json_object *steps; /* a list of step operations */
};
enum hq_rc hq_run_checkpoint(struct hq_db *db, const struct hq_env *env,
    const struct hq_checkpoint *c, struct hq_arena *a, struct hq_err *err)
    HQ_MUST;

#endif /* HQ_ENGINE_API_H */

/*
 * engine/event.h - events: what starts and resumes runs.
 */
#ifndef HQ_ENGINE_EVENT_H
#define HQ_ENGINE_EVENT_H

#include "base/env.h"
#include "store/db.h"
#include "json/json.h"

/* Tables and statements of the whole engine; every composition has it. */
extern const struct hq_module hq_engine_store;

struct hq_event {
	const char
	    *id; /* the sender's; unique per function for 24 h; or NULL */
	const char *name;           /* "rawr/coordination.workflow.run" */
	struct json_object *data;   /* object; borrowed */
	int64_t ts_ms;              /* 0: now; in the future: runs start then */
	const char *correlation_id; /* stored into data._rawr; or NULL */
	const char *traceparent;    /* the same */
};

/*
 * Record an event, inside the caller's hq_db_tx(): it is acknowledged when that
 * commits, and the runner takes it from there (wake it after the commit).
 * ret_id receives the event's internal ULID; may be NULL.
 */
enum hq_rc hq_event_send(struct hq_db *db, const struct hq_env *env,
    const struct hq_event *e, char *ret_id, struct hq_arena *a,
    struct hq_err *err) HQ_MUST;

/*
 * How far the events have come: the time that the last one's id tells.  Ids
 * never go back, whatever the clock does, so every event that is recorded from
 * now on is of this time or later.  0: there is none.
 */
enum hq_rc hq_event_clock(struct hq_db *db, int64_t *ret_ms, struct hq_err *err)
    HQ_MUST;

/*
 * The first event of this name that came since then (hq_event_clock) and makes
 * the expression true, as a function sees it; NULL: there is none.  For a run
 * that an Inngest server has: its waits do not look back.  *ret is a's.
 */
struct hq_past {
	const char *name;
	const char *expression;    /* over `event` and `async`; or NULL */
	struct json_object *event; /* that began the run; borrowed */
	int64_t since_ms;
};
enum hq_rc hq_event_past(struct hq_db *db, const struct hq_past *past,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err) HQ_MUST;

/*
 * End every unfinished engine run that an event of this sender's id started,
 * as cancelled; inside the caller's hq_db_tx().  Also marks the event so that
 * a run it has not started yet never starts.
 */
enum hq_rc hq_event_cancel_runs(struct hq_db *db, const struct hq_env *env,
    const char *event_id, struct hq_err *err) HQ_MUST;

/* Why an engine run does not go on: one of its jobs. */
struct hq_run_wait {
	enum hq_run_wait_for {
		HQ_WAIT_QUEUE, /* due; for a free place */
		HQ_WAIT_CALL,  /* a function call is in flight */
		HQ_WAIT_RETRY, /* an attempt failed; the next is at until_ms */
		HQ_WAIT_SLEEP,
		HQ_WAIT_EVENT,
		HQ_WAIT_INVOKE, /* another function's result */
		HQ_WAIT__MAX
	} what;
	const char *event; /* name, with HQ_WAIT_EVENT */
	int attempt;       /* 0-based */
	int64_t since_ms, until_ms;
};

struct hq_run_waits {
	const struct hq_run_wait *v; /* by time */
	size_t n;
};

/*
 * What the open runs wait for that an event of this sender's id started; none
 * if it has not started one yet, or they have ended.  ret->v in a.
 */
enum hq_rc hq_run_waits(struct hq_db *db, const struct hq_env *env,
    const char *event_id, struct hq_arena *a, struct hq_run_waits *ret,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_ENGINE_EVENT_H */

/*
 * engine/inside.h - what the engine's files share; not for other rooms.
 *
 * Everything here runs inside the caller's hq_db_tx().  An error means that
 * the store failed, and rolls the whole transaction back: what is merely wrong
 * with an answer or an event has an outcome of its own and gives HQ_OK.  Or
 * t->a is full (hq_arena_ok): then this one run or event is too large, and the
 * turn fails that run and goes on.
 */
#ifndef HQ_ENGINE_INSIDE_H
#define HQ_ENGINE_INSIDE_H

#include "base/digest.h"
#include "base/env.h"
#include "base/ids.h"
#include "engine/figures.h"
#include "engine/functions.h"
#include "engine/limits.h"
#include "engine/sql.h"
#include "json/json.h"

/* The step that stands for "run the function from the top". */
#define HQ_ENG_DISCOVERY "step"

/* The time of a job that waits for something to happen. */
#define HQ_ENG_PARKED INT64_MAX

#define HQ_ENG_FINISHED "inngest/function.finished"
#define HQ_ENG_FAILED "inngest/function.failed"
#define HQ_ENG_CANCELLED "inngest/function.cancelled"

/* A job whose answer is being taken. */
struct hq_eng_job {
	const char *run, *step;
	int64_t generation;
	int attempt, max_attempts, crashes, refusals;
	int64_t timeout_ms; /* of one attempt; 0: the engine's */
	int req_version;    /* that its call was made with; -1: not known */
	bool discovery;
	bool foreign; /* of an app that is not ours */
	bool again;   /* something new was recorded meanwhile */
	bool told;    /* and it was this call that told of it */
	bool settled; /* a retry is scheduled: leave it as it is */
	bool first;   /* call of its run */
	bool over;    /* its run has ended */
	const char *place[HQ_ENGINE_PLACES_MAX]; /* its call's; NULL: none */
};

struct hq_eng_tx {
	struct hq_db *db;
	const struct hq_env *env;
	struct hq_arena *a; /* the item's: an event, an answer, a timer */
	int64_t now_ms;
	int64_t retry_interval_ms;
	size_t state_bytes_max;
	const struct hq_fns *fns; /* NULL outside the engine */
	struct hq_eng_job *job;   /* whose answer is taken; or NULL */
	bool ended;               /* a run ended while more of it was planned */
	int64_t *counts;          /* HQ_COUNT__MAX; NULL outside the engine */
};

/* n more of it; a copy of a struct hq_eng_tx counts with its origin. */
void hq_eng_count(struct hq_eng_tx *t, enum hq_engine_count what, int64_t n);

/* --------------------------------------------------------------- events -- */

struct hq_eng_event {
	const char *id;        /* internal */
	const char *client_id; /* or NULL */
	const char *name;
	const char *data; /* JSON text */
	int64_t ts_ms, received_ms;
};

/*
 * Store an event; inbox: it may start runs and resume waits.  e->id and
 * e->received_ms are filled in.
 */
enum hq_rc hq_eng_event_put(struct hq_eng_tx *t, struct hq_eng_event *e,
    bool inbox, struct hq_err *err) HQ_MUST;
/* An event that is not there is a broken store. */
enum hq_rc hq_eng_event_get(struct hq_eng_tx *t, const char *id,
    struct hq_eng_event *ret, struct hq_err *err) HQ_MUST;
/* The row of Q_EVENT_GET or Q_EVENTS_SINCE, in t->a. */
void hq_eng_event_row(struct hq_eng_tx *t, const struct hq_cursor *row,
    struct hq_eng_event *ret);
/* As a function sees it: {data, id, name, ts, user}. */
void hq_eng_event_write(struct hq_buf *b, const struct hq_eng_event *e);
/* The same as a value of t->a; NULL if it is too deep to be read again. */
enum hq_rc hq_eng_event_value(struct hq_eng_tx *t, const struct hq_eng_event *e,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* {event, async} for an expression; async: or NULL. */
enum hq_rc hq_eng_event_vars(struct hq_eng_tx *t, struct json_object *event,
    struct json_object *async, struct json_object **ret, struct hq_err *err)
    HQ_MUST;

/* An event that came: what all share that look at it. */
struct hq_eng_arrival {
	struct hq_eng_tx *t; /* in its memory */
	const struct hq_eng_event *e;
	bool parsed;
	struct json_object *value; /* once parsed; as hq_eng_event_value() */
	struct json_object *vars;  /* {event}; NULL: not made yet */
};
/* Parse it; make the vars: once, when first needed. */
enum hq_rc hq_eng_arrival_parse(struct hq_eng_arrival *in, struct hq_err *err)
    HQ_MUST;
enum hq_rc hq_eng_arrival_vars(struct hq_eng_arrival *in, struct hq_err *err)
    HQ_MUST;

/* Is data (JSON text) within what an event may have? */
bool hq_eng_event_fits(const char *data);

/* What ties a run to the request that caused it. */
struct hq_eng_trace {
	const char *correlation_id, *traceparent; /* or NULL */
};
/* Of an event's data._rawr, in t->a; none where that is not ours. */
struct hq_eng_trace hq_eng_event_trace(struct hq_eng_tx *t, const char *data);

/* Start runs and resume waits for one event (match.c). */
enum hq_rc hq_eng_match(struct hq_eng_tx *t, const struct hq_eng_event *e,
    struct hq_err *err) HQ_MUST;

/*
 * What an event must hold for a wait's expression to be true: this string at
 * this path.  Both "" where it cannot be said; never NULL.
 */
struct hq_eng_pin {
	const char *path, *value;
};
#define HQ_ENG_NO_PIN ((struct hq_eng_pin){ "", "" })
/* x: the expression of a wait of that run.  Strings in t->a. */
enum hq_rc hq_eng_pin_of(struct hq_eng_tx *t, const char *run,
    const struct hq_expr *x, struct hq_eng_pin *ret, struct hq_err *err)
    HQ_MUST;

/* A wait that has just been armed. */
struct hq_eng_wait {
	const char *run, *step;
	const char *event, *expression; /* expression: or NULL */
	int64_t since_ms;               /* by hq_event_clock() */
};
/* Resume it at once if such an event has come since then; the oldest. */
enum hq_rc hq_eng_look_back(struct hq_eng_tx *t, const struct hq_eng_wait *past,
    struct hq_err *err) HQ_MUST;

/* ----------------------------------------------------------------- runs -- */

struct hq_eng_run {
	const char *id, *fn, *event;
	const char *invoker; /* "<run>.<step>"; HQ_ENG_INVOKERS; or NULL */
	int state;           /* enum hq_run_state */
	int req_version;
	bool force_plan;
};

/* What an event's run is counted by; "" : it is not (admit.c). */
enum { HQ_ENG_KEY_BYTES = 1 + HQ_SHA1_HEX_BYTES };
/* How the keys begin that have a time (wake.c). */
#define HQ_ENG_THROTTLE 't'
#define HQ_ENG_DEBOUNCE 'd'
#define HQ_ENG_BATCH 'b'

/*
 * An invoker that stands for those of a batch, should it have any: so a run that
 * has it began with a batch, whatever its function asks for now.
 */
#define HQ_ENG_INVOKERS "*"
struct hq_eng_keys {
	char single[HQ_ENG_KEY_BYTES];
	const char *gates; /* keys apart by blanks; or NULL */
};

struct hq_eng_start {
	const struct hq_fn *fn;
	const struct hq_eng_event *event;
	const char *seen_key; /* starts once per function and day; or NULL */
	const char *invoker;  /* or NULL */
	const char *batch;    /* key of the events it begins with; or NULL */
	const struct hq_eng_keys *keys; /* or NULL */
	int64_t ahead_ms; /* in the queue, if it starts now; below 0: behind */
	struct hq_eng_arrival *arrival; /* of the event; NULL: it is alone */
};
/* What cancels a run of a function with options is armed when it starts (cancel.c). */
struct hq_eng_armed {
	const struct hq_fn *fn;
	const char *run;
	int64_t due_ms; /* when its first call is */
};
enum hq_rc hq_eng_arm(struct hq_eng_tx *t, const struct hq_eng_armed *r,
    struct hq_err *err) HQ_MUST;
/* Its first call is made. */
enum hq_rc hq_eng_started(struct hq_eng_tx *t, const struct hq_fn *fn,
    const char *run, struct hq_err *err) HQ_MUST;
/* End a run as cancelled; it may have ended. */
enum hq_rc hq_eng_cancel(struct hq_eng_tx *t, const char *run,
    struct hq_err *err) HQ_MUST;

/* What the function's options make of it: a run, now or later, or none (admit.c). */
enum hq_rc hq_eng_admit(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err) HQ_MUST;
/* The same, behind what delays it: a single run, its keys, its priority. */
enum hq_rc hq_eng_admit_late(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err) HQ_MUST;
/* The same, behind a batch: also the rate. */
enum hq_rc hq_eng_admit_batch(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err) HQ_MUST;
/*
 * The event waits for others (batch.c); key: of wake.c.  Then its run's invoker is
 * HQ_ENG_INVOKERS, and hq_eng_batch_ended() tells those of them that have one.
 */
enum hq_rc hq_eng_batch(struct hq_eng_tx *t, const struct hq_eng_start *s,
    const char *key, struct hq_err *err) HQ_MUST;
/* They have waited long enough. */
enum hq_rc hq_eng_batch_wake(struct hq_eng_tx *t, const char *key,
    struct hq_err *err) HQ_MUST;
/* Nor do they start a run: who invoked with one of them is told why. */
enum hq_rc hq_eng_batch_drop(struct hq_eng_tx *t, const char *key,
    const char *why, struct hq_err *err) HQ_MUST;
enum hq_rc hq_eng_batch_ended(struct hq_eng_tx *t, const char *run,
    enum hq_run_state state, const char *output, struct hq_err *err) HQ_MUST;
/* The events of a run that began with several, apart by commas. */
enum hq_rc hq_eng_events_write(struct hq_eng_tx *t, const char *run,
    struct hq_buf *b, bool *ret_any, struct hq_err *err) HQ_MUST;
/* Has the function had the event, within a day? */
enum hq_rc hq_eng_was_seen(struct hq_eng_tx *t, const struct hq_eng_start *s,
    bool *ret, struct hq_err *err) HQ_MUST;
/* It has now, and no run tells of that yet. */
enum hq_rc hq_eng_seen(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err) HQ_MUST;
/* The event waits for the silence behind it (debounce.c); key: of wake.c. */
enum hq_rc hq_eng_debounce(struct hq_eng_tx *t, const struct hq_eng_start *s,
    const char *key, struct hq_err *err) HQ_MUST;
/* It has come. */
enum hq_rc hq_eng_debounce_wake(struct hq_eng_tx *t, const char *key,
    struct hq_err *err) HQ_MUST;
/* Nor does it start a run: who invoked with it is told why. */
enum hq_rc hq_eng_debounce_drop(struct hq_eng_tx *t, const char *key,
    const char *why, struct hq_err *err) HQ_MUST;
/* A run, now. */
enum hq_rc hq_eng_run_start(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err) HQ_MUST;
/* *ret_found is false if there is no such run. */
enum hq_rc hq_eng_run_get(struct hq_eng_tx *t, const char *id,
    struct hq_eng_run *ret, bool *ret_found, struct hq_err *err) HQ_MUST;

/*
 * The error, JSON text in t->a, that ends a run which has recorded more than it
 * may; NULL: it has not.
 */
const char *hq_eng_overflow(struct hq_eng_tx *t, size_t n_steps,
    size_t state_bytes);

/*
 * Record a step's value (JSON text): the first one stays.  Ends the step's job
 * and, if it is new, has the run look further.
 */
enum hq_rc hq_eng_memo(struct hq_eng_tx *t, const char *run, const char *step,
    const char *value, struct hq_err *err) HQ_MUST;
/* The same with {"error": error}. */
enum hq_rc hq_eng_memo_error(struct hq_eng_tx *t, const char *run,
    const char *step, const char *error, struct hq_err *err) HQ_MUST;

/*
 * End a run, once: drops its jobs, tells its invoker, sends the events.
 * output: JSON text of the result, or of the error.  An error that is too large
 * (HQ_ENGINE_OUTCOME_...) is replaced by one that says so; a result is only left
 * out of the event.
 */
enum hq_rc hq_eng_finish(struct hq_eng_tx *t, const char *id,
    enum hq_run_state state, const char *output, struct hq_err *err) HQ_MUST;

/*
 * For a run whose answer, call or timer does not fit into t->a, which is reset:
 * `run` is not in it.  err: what did not fit.
 */
enum hq_rc hq_eng_fail_large(struct hq_eng_tx *t, const char *run,
    struct hq_err *err) HQ_MUST;

/* The step that invoked a run gets its outcome; invoker: as hq_eng_run has it. */
enum hq_rc hq_eng_tell_invoker(struct hq_eng_tx *t, const char *invoker,
    enum hq_run_state state, const char *output, struct hq_err *err) HQ_MUST;

/* {"message", "name"} as JSON text in t->a. */
const char *hq_eng_error(struct hq_eng_tx *t, const char *name,
    const char *message);
/* Canonical JSON text of a value in t->a. */
const char *hq_eng_text(struct hq_eng_tx *t, struct json_object *v);

/*
 * Once more, of what `key` names among the rates of fn?  *ret_wait_ms: 0, or how
 * long not (rate.c).
 */
enum hq_rc hq_eng_rate_take(struct hq_eng_tx *t, const char *fn,
    const struct hq_fn_rate *rate, const char *key, int64_t *ret_wait_ms,
    struct hq_err *err) HQ_MUST;

/*
 * May a claimed call be made now (gate.c)?  Then j->place is what it holds, in
 * `keep`; else the job waits, unclaimed.  fn has options.
 */
enum hq_rc hq_eng_gate_pass(struct hq_eng_tx *t, const struct hq_fn *fn,
    struct hq_arena *keep, struct hq_eng_job *j, bool *ret, struct hq_err *err)
    HQ_MUST;
/* n places of that key have been given back, or n that were let go are gone. */
enum hq_rc hq_eng_gate_open(struct hq_eng_tx *t, const char *key, int64_t n,
    struct hq_err *err) HQ_MUST;
/* The time of a throttle's gate has come, at due_ms. */
enum hq_rc hq_eng_gate_wake(struct hq_eng_tx *t, const char *gate,
    int64_t due_ms, struct hq_err *err) HQ_MUST;
/* Look at some gates behind `at`, and remember there which; "" at the end. */
enum hq_rc hq_eng_gates_check(struct hq_eng_tx *t, char at[HQ_ENG_KEY_BYTES],
    struct hq_err *err) HQ_MUST;

/* -------------------------------------------------------------- answers -- */

struct hq_eng_answer {
	int status;
	const char *body;
	size_t body_bytes;
	const char *sdk; /* NULL: not an SDK */
	bool no_retry;
	const char *retry_after; /* or NULL */
	int req_version;         /* -1: not told */
};

/* Take an answer, or the lack of one, to t->job (answer.c). */
struct hq_engine_reply;
enum hq_rc hq_eng_answer(struct hq_eng_tx *t, const struct hq_engine_reply *r,
    struct hq_err *err) HQ_MUST;

/*
 * A failed attempt of t->job: there is another one, or the error (JSON text)
 * becomes the step's, or, where step is NULL, the run's.
 */
enum hq_rc hq_eng_attempt_failed(struct hq_eng_tx *t,
    const struct hq_eng_answer *an, const char *error, const char *step,
    struct hq_err *err) HQ_MUST;

/*
 * Carry out the step operations of a 206 (ops.c), a list or a single one.  *ret_wrong is set, and
 * nothing done, if they are not understood.
 */
enum hq_rc hq_eng_ops(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    struct json_object *list, const char **ret_wrong, struct hq_err *err)
    HQ_MUST;

/*
 * Is the call of j (its run, step and generation; 0: whichever it is) still the
 * job's, and that owner's (NULL: whoever's)?  Then fill in what else is known of
 * the job; else somebody has it now, or it is gone (ops.c).
 */
enum hq_rc hq_eng_held(struct hq_eng_tx *t, const char *owner,
    struct hq_eng_job *j, bool *ret, struct hq_err *err) HQ_MUST;

/*
 * Record the result of a step that t->job's call tells of on its way (ops.c):
 * the job starts its attempts anew, and its `again` says whether there is
 * anything new.  *ret_wrong as for hq_eng_ops(); *ret_bytes: of what was
 * recorded.
 */
enum hq_rc hq_eng_checkpoint(struct hq_eng_tx *t, struct json_object *op,
    const char **ret_wrong, size_t *ret_bytes, struct hq_err *err) HQ_MUST;

/* ---------------------------------------------------------------- times -- */

/* Fire due sleeps and timeouts; *ret_n: how many (timer.c). */
enum hq_rc hq_eng_timers(struct hq_eng_tx *t, int *ret_n, struct hq_err *err)
    HQ_MUST;
/*
 * When the last turn was, as far as the store tells: the events' clock, or, where
 * the wall clock was set back and has not come there again, the time it went to.
 */
enum hq_rc hq_eng_clock_last(struct hq_eng_tx *t, int64_t *ret_ms,
    struct hq_err *err) HQ_MUST;
/*
 * The wall clock has gone back from from_ms to t->now_ms (clock.c).  May be told
 * of it twice; lease_ms: the longest lease.
 */
enum hq_rc hq_eng_clock_back(struct hq_eng_tx *t, int64_t from_ms,
    int64_t lease_ms, struct hq_err *err) HQ_MUST;
/* Times that are no run's (wake.c); *ret_n: how many had come. */
enum hq_rc hq_eng_wakes(struct hq_eng_tx *t, int *ret_n, struct hq_err *err)
    HQ_MUST;
/* Set such a time, in place of the one of that name. */
enum hq_rc hq_eng_wake_at(struct hq_eng_tx *t, const char *name, int64_t due_ms,
    struct hq_err *err) HQ_MUST;
enum hq_rc hq_eng_wake_drop(struct hq_eng_tx *t, const char *name,
    struct hq_err *err) HQ_MUST;
/* It has come already; in memory of its own, and `name` is not in that. */
enum hq_rc hq_eng_wake_now(struct hq_eng_tx *t, const char *name,
    struct hq_err *err) HQ_MUST;
/* Start the runs of due cron ticks. */
enum hq_rc hq_eng_ticks(struct hq_eng_tx *t, struct hq_err *err) HQ_MUST;

/* ---------------------------------------------------------------- calls -- */

struct hq_eng_call {
	struct hq_eng_job job; /* strings in the arena of the turn */
	const char *url, *body, *request_id;
	size_t body_bytes;
	size_t n_steps, state_bytes; /* that are in it */
	bool foreign;
	char fn_id[HQ_UUID_BYTES];
	struct hq_eng_trace trace;
};

/*
 * Make the call for a claimed job; strings go into `keep`.  *ret_made is false
 * if the run has ended, maybe over it (call.c).
 */
enum hq_rc hq_eng_call_make(struct hq_eng_tx *t, struct hq_arena *keep,
    struct hq_eng_call *c, bool *ret_made, struct hq_err *err) HQ_MUST;

#endif /* HQ_ENGINE_INSIDE_H */

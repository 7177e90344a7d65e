/*
 * engine/options.h - what a function asks for beside its triggers: when an
 * event starts it, and when its calls are made (facts: Inngest, option table).
 */
#ifndef HQ_ENGINE_OPTIONS_H
#define HQ_ENGINE_OPTIONS_H

#include "engine/limits.h"
#include "expr/expr.h"

/* So many in a period, for each value of the key. */
struct hq_fn_rate {
	int64_t limit; /* 0: the function does not ask for it */
	int64_t period_ms, burst;
	const struct hq_expr *key; /* over the event; NULL: one for all */
};

/* Such an event cancels a run that its cause is older than. */
struct hq_fn_cancel {
	const char *event;
	const char *expression; /* over event and async; or NULL: always */
	const struct hq_expr *parsed;
	int64_t timeout_ms; /* from the run's start: none after it */
};

/* Events of each value of the key start a run together. */
struct hq_fn_batch {
	int64_t size;              /* 0: the function does not ask for it */
	int64_t timeout_ms;        /* from the first event */
	const struct hq_expr *key; /* over the event; NULL: one for all */
	const struct hq_expr
	    *eligible; /* NULL: all; others start a run alone */
};

/* The last event of each value of the key starts a run, after a silence. */
struct hq_fn_debounce {
	int64_t period_ms;  /* 0: the function does not ask for it */
	int64_t timeout_ms; /* from the first event, at most; 0: no end */
	const struct hq_expr *key; /* over the event; NULL: one for all */
};

/* One open run of each value of the key: what an event does that finds one. */
struct hq_fn_single {
	enum { HQ_SINGLE_OFF, HQ_SINGLE_SKIP, HQ_SINGLE_CANCEL } mode;
	const struct hq_expr *key; /* over the event; NULL: one of all */
};

/* So many calls in flight at once, for each value of the key. */
struct hq_fn_places {
	int64_t limit;
	/* Of this function, or of all that name the value in that scope. */
	enum { HQ_SCOPE_FN, HQ_SCOPE_ENV, HQ_SCOPE_ACCOUNT } scope;
	const struct hq_expr *key; /* over the event; NULL: one for all */
};

struct hq_fn_options {
	struct hq_fn_batch batch;
	struct hq_fn_rate rate; /* what comes beyond starts no run */
	struct hq_fn_debounce debounce;
	struct hq_fn_single single;
	struct hq_fn_rate throttle; /* what comes beyond starts later */
	struct hq_fn_places places[HQ_ENGINE_PLACES_MAX];
	size_t n_places;
	const struct hq_expr *priority; /* seconds ahead of others; or NULL */
	struct hq_fn_cancel *cancels;
	size_t n_cancels;
	/* 0: none.  A run that has not started, or ended, by then is cancelled. */
	int64_t start_ms, finish_ms;
};

/*
 * Of one function of a register payload, checked; *ret in the arena, NULL if it
 * asks for nothing.  BAD_REQUEST names the option and the member.
 */
enum hq_rc hq_fn_options_read(struct json_object *o, struct hq_arena *a,
    const struct hq_fn_options **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_ENGINE_OPTIONS_H */

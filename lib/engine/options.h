/*
 * engine/options.h - what a function asks for beside its triggers: when an
 * event starts it, and when its calls are made (facts: Inngest, option table).
 */
#ifndef HQ_ENGINE_OPTIONS_H
#define HQ_ENGINE_OPTIONS_H

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

struct hq_fn_options {
	struct hq_fn_rate rate; /* what comes beyond starts no run */
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

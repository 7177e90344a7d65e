/*
 * engine/functions.h - the registered functions, as the engine reads them.
 */
#ifndef HQ_ENGINE_FUNCTIONS_H
#define HQ_ENGINE_FUNCTIONS_H

#include "engine/options.h"
#include "store/db.h"

struct hq_fn_trigger {
	const char *event;            /* name or wildcard; or NULL */
	const char *cron;             /* or NULL */
	const char *expression;       /* or NULL: always */
	const struct hq_expr *parsed; /* of expression */
};

struct hq_fn {
	const char *slug, *app;
	const char *url; /* NULL: what is stored of it cannot be read */
	int max_attempts;
	bool archived; /* removed: its runs go on, nothing starts one */
	bool foreign;  /* of another app than own_app */
	struct hq_fn_trigger *triggers;
	size_t n_triggers;
	const struct hq_fn_options *options; /* NULL: none */
};

/* All functions; strings and expressions live in the arena. */
struct hq_fns {
	const char *own_app; /* NULL: all apps are ours; outlives this */
	struct hq_arena *arena;
	struct hq_fn *v; /* by slug */
	size_t n;
	bool gated;  /* a job may be held at a gate */
	bool timed;  /* engine_wake may have a row */
	int64_t rev; /* of the tables when this was read; -1: never */
};

/* Read the tables again if they have changed. */
enum hq_rc hq_fns_refresh(struct hq_fns *f, struct hq_db *db,
    struct hq_err *err) HQ_MUST;

/* NULL if there is none. */
const struct hq_fn *hq_fns_find(const struct hq_fns *f, const char *slug);

/* Does a trigger's name ("app/user.*" too) take in this event's? */
bool hq_trigger_matches(const char *trigger, const char *event);

/*
 * One function of a register payload, checked; *ret in the arena, strings
 * borrowed from o.  BAD_REQUEST names the function and the field.
 */
enum hq_rc hq_fn_read(struct json_object *o, struct hq_arena *a,
    struct hq_fn *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_ENGINE_FUNCTIONS_H */

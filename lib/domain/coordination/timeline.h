/*
 * domain/coordination/timeline.h - what happened to a run, in order.
 */
#ifndef HQ_DOMAIN_COORDINATION_TIMELINE_H
#define HQ_DOMAIN_COORDINATION_TIMELINE_H

#include "domain/coordination/store.h"

/* Unset strings are NULL.  All borrowed. */
struct hq_coord_event {
	const char *key; /* unique within the run: a repeat writes nothing */
	const char *type;
	const char *desk_id;
	const char *status;
	const char *detail;
	const char *output; /* JSON text */
	int64_t ts_ms;
	/* Of the request behind it, where that is not the run's; or NULL. */
	const char *correlation_id, *traceparent;
	bool any_state; /* also if the run is neither queued nor running */
};

/* Append, inside hq_db_tx(). */
enum hq_rc hq_coord_timeline_add(struct hq_db *db, const struct hq_env *env,
    struct hq_arena *a, const char *run_id, const struct hq_coord_event *e,
    struct hq_err *err) HQ_MUST;

/* The document of a row with the columns of HQ_CQ_TIMELINE_GET.  Owned by a. */
struct hq_coord_run;
enum hq_rc hq_coord_event_json(const struct hq_cursor *row,
    const struct hq_coord_run *r, struct hq_arena *a, struct json_object **ret,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_TIMELINE_H */

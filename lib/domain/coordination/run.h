/*
 * domain/coordination/run.h - a stored run, and how it looks to a caller.
 */
#ifndef HQ_DOMAIN_COORDINATION_RUN_H
#define HQ_DOMAIN_COORDINATION_RUN_H

#include "domain/coordination/store.h"

enum {
	/* Nesting of a run's input and of a saved workflow. */
	HQ_COORD_DEPTH_MAX = 512,
};

/*
 * JSON members are texts, as they are stored; NULL where there is none.
 * Everything is borrowed, or the arena's.
 */
struct hq_coord_run {
	const char *run_id;
	const char *workflow_id;
	const char *version;
	const char *status;
	int64_t started_ms;
	bool finished;
	int64_t finished_ms;
	const char *input, *output;
	const char *error;
	const char *engine_run_id, *event_id;
	const char *imported; /* the whole document of an imported run */
	/* With hq_coord_run_load_origin() only, for they never change: */
	const char *workflow; /* as it was when the run was queued */
	const char *reuse;    /* outputs by desk that the run starts with */
};

/* "queued" or "running". */
bool hq_coord_run_active(const struct hq_coord_run *r);

/* One keyed SELECT.  *ret_found tells; r is set if it is true. */
enum hq_rc hq_coord_run_load(struct hq_db *db, struct hq_arena *a,
    const char *run_id, struct hq_coord_run *r, bool *ret_found,
    struct hq_err *err) HQ_MUST;

/* Its .workflow and .reuse. */
enum hq_rc hq_coord_run_load_origin(struct hq_db *db, struct hq_arena *a,
    struct hq_coord_run *r, struct hq_err *err) HQ_MUST;

/*
 * The document: Run in types.json, on its way out (hq_coord_put_stored).  Owned
 * by a.
 */
enum hq_rc hq_coord_run_json(const struct hq_coord_run *r,
    const struct hq_config *config, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/*
 * The input's runId, trimmed.  INVALID_RUN_ID (data as sent) if it is no id.
 */
enum hq_rc hq_coord_run_id_of(struct hq_boundary *c, struct json_object *in,
    const char **ret, struct hq_err *err) HQ_MUST;

/* A run that is to be queued; unset members are NULL. */
struct hq_coord_order {
	const char *workflow_id;
	struct json_object *workflow; /* the body that runs */
	const char *run_id;           /* NULL or "": a new one */
	struct json_object *input;
	struct json_object *reuse; /* {deskId: output}: not to be done again */
};

/*
 * Queue it, exactly once per run id: {run, eventIds}.  INVALID_RUN_ID,
 * RUN_QUEUE_FAILED; BAD_REQUEST for an input that JSON cannot hold.
 */
enum hq_rc hq_coord_queue(struct hq_boundary *c, const struct hq_coord_order *o,
    struct json_object **ret_out, struct hq_err *err) HQ_MUST;

/* RUN_NOT_FOUND with its data. */
enum hq_rc hq_coord_run_not_found(struct hq_boundary *c, const char *run_id,
    struct hq_err *err) HQ_MUST;

/*
 * v as JSON text in the arena.  BAD_REQUEST if it holds a bigint or is nested
 * deeper than HQ_COORD_DEPTH_MAX; PAYLOAD_TOO_LARGE if the arena is full.
 * what: "input", for the message.
 */
enum hq_rc hq_coord_text(struct hq_arena *a, const char *what,
    struct json_object *v, const char **ret, struct hq_err *err) HQ_MUST;

/*
 * The same into *ret, which is initialised here, with what look->key asks for;
 * look->special: v is not plain JSON, so its text does not stand for it.
 */
enum hq_rc hq_coord_write(struct hq_arena *a, const char *what,
    struct json_object *v, struct hq_buf *ret, struct hq_json_look *look,
    struct hq_err *err) HQ_MUST;

/* Nested deeper than HQ_COORD_DEPTH_MAX? */
bool hq_coord_too_deep(struct json_object *v);

/*
 * Parse what the store holds; owned by a.  INTERNAL_SERVER_ERROR where that is
 * no JSON: the file is damaged.
 */
enum hq_rc hq_coord_parse(struct hq_arena *a, const char *text,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
/* The same for a document on its way out: hq_json_parse_top().  text: a's. */
enum hq_rc hq_coord_parse_top(struct hq_arena *a, const char *text,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
/* The same, and nothing is made. */
enum hq_rc hq_coord_check(struct hq_arena *a, const char *text,
    struct hq_err *err) HQ_MUST;

/* Put a stored JSON text under key; nothing if there is none. */
enum hq_rc hq_coord_put_text(struct hq_arena *a, struct json_object *o,
    const char *key, const char *text, struct hq_err *err) HQ_MUST;

/*
 * The same for a document on its way out (hq_json_add): the text, which lives as
 * long as that, goes there as it stands (hq_js_json), and nobody looks into it.
 */
enum hq_rc hq_coord_put_stored(struct hq_arena *a, struct json_object *o,
    const char *key, const char *text, struct hq_err *err) HQ_MUST;

/* An object that the arena owns. */
enum hq_rc hq_coord_object(struct hq_arena *a, struct json_object **ret,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_RUN_H */

/*
 * domain/coordination/task_row.h - a task's row and its moves; for task*.c.
 */
#ifndef HQ_DOMAIN_COORDINATION_TASK_ROW_H
#define HQ_DOMAIN_COORDINATION_TASK_ROW_H

#include "domain/coordination/store.h"
#include "domain/coordination/task.h"

enum {
	HQ_COORD_TASK_EXPIRE_BATCH = 256, /* leases taken back at a time */
};

/* Columns of HQ_CQ_TASK_GET and HQ_CQ_TASK_LIST. */
enum {
	HQ_COL_TASK_SEQ,
	HQ_COL_TASK_ID,
	HQ_COL_TASK_RUN_ID,
	HQ_COL_TASK_WORKFLOW_ID,
	HQ_COL_TASK_DESK_ID,
	HQ_COL_TASK_ROUND,
	HQ_COL_TASK_STATE,
	HQ_COL_TASK_KIND,
	HQ_COL_TASK_HUMAN,
	HQ_COL_TASK_PRIORITY,
	HQ_COL_TASK_ATTEMPT,
	HQ_COL_TASK_MAX_ATTEMPTS,
	HQ_COL_TASK_EXPIRIES,
	HQ_COL_TASK_LEASE_UNTIL_MS,
	HQ_COL_TASK_TOKEN,
	HQ_COL_TASK_CLAIMED_BY,
	HQ_COL_TASK_DESK,
	HQ_COL_TASK_INPUT,
	HQ_COL_TASK_MEMORY,
	HQ_COL_TASK_UPSTREAM,
	HQ_COL_TASK_OUTPUT,
	HQ_COL_TASK_NEW_MEMORY,
	HQ_COL_TASK_ERROR,
	HQ_COL_TASK_CREATED_MS,
	HQ_COL_TASK_DUE_MS,
	HQ_COL_TASK_ENDED_MS,
};

/* JSON members are texts; NULL and 0 where there is none. */
struct hq_coord_task {
	int64_t seq;
	const char *id, *run_id, *workflow_id, *desk_id;
	int64_t round;
	const char *state, *kind;
	bool human;
	int64_t priority, attempt, max_attempts, expiries;
	int64_t lease_until_ms, token;
	const char *claimed_by; /* also who completed or answered it */
	const char *desk, *input, *memory, *upstream;
	const char *output, *new_memory, *error;
	int64_t created_ms, due_ms, ended_ms;
};

/* Everything is copied into a. */
void hq_coord_task_read(const struct hq_cursor *row, struct hq_arena *a,
    struct hq_coord_task *ret);
enum hq_rc hq_coord_task_load(struct hq_db *db, struct hq_arena *a,
    const char *id, struct hq_coord_task *ret, bool *ret_found,
    struct hq_err *err) HQ_MUST;

/* "open" or "claimed". */
bool hq_coord_task_live(const struct hq_coord_task *t);

/* Where a move is made: inside hq_db_tx(). */
struct hq_coord_task_tx {
	struct hq_db *db;
	const struct hq_env *env;
	struct hq_arena *arena;
	int64_t now_ms;
	bool ended; /* set: an event was sent, so the runner has work */
};

/* How a task ends; completed or failed. */
struct hq_coord_task_end {
	const char *task_id, *run_id;
	const char *state;
	const char *output, *memory, *error, *by; /* or NULL */
};

/* End a task that has not ended, and tell the run that waits for it. */
enum hq_rc hq_coord_task_end(struct hq_coord_task_tx *x,
    const struct hq_coord_task_end *e, struct hq_err *err) HQ_MUST;

/*
 * An attempt of a claimed task was in vain: it is offered again, or fails with
 * this error if it has no attempts left or !retryable.  *ret_state: "open" or
 * "failed".
 */
enum hq_rc hq_coord_task_attempt_failed(struct hq_coord_task_tx *x,
    const struct hq_coord_task *t, const char *error, bool retryable,
    const char **ret_state, struct hq_err *err) HQ_MUST;

/* Take back what has run out; *ret_n leases. */
enum hq_rc hq_coord_task_take_back(struct hq_coord_task_tx *x, int64_t *ret_n,
    struct hq_err *err) HQ_MUST;

/* After a claim: see that its lease is looked at when it ends. */
enum hq_rc hq_coord_task_watch(struct hq_coord_task_tx *x, struct hq_err *err)
    HQ_MUST;

/* Has any lease run out?  Only reads. */
enum hq_rc hq_coord_task_any_expired(struct hq_db *db, int64_t now_ms,
    bool *ret, struct hq_err *err) HQ_MUST;

/*
 * The task as callers see it: Task in the contract.  whole: with input, memory,
 * upstream, desk and output; fenced: with its token.
 */
enum hq_rc hq_coord_task_json(const struct hq_coord_task *t, bool whole,
    bool fenced, struct hq_arena *a, struct json_object **ret,
    struct hq_err *err) HQ_MUST;

/* TASK_NOT_FOUND with its data. */
enum hq_rc hq_coord_task_not_found(struct hq_arena *a, const char *id,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_TASK_ROW_H */

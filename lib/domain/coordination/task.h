/*
 * domain/coordination/task.h - tasks: a desk's work that somebody outside does.
 *
 * A desk whose executor is "agent" offers its work as a task.  An agent claims
 * it under a lease and a fencing token, keeps the lease by heartbeats, and
 * completes or fails it.  Whoever dies loses the lease and the work is offered
 * again, up to the task's attempts; a late answer is refused.  The end of a
 * task is an event that the waiting run wakes up on.
 *
 *   open -> claimed -> completed | failed | open (again)      any -> closed
 */
#ifndef HQ_DOMAIN_COORDINATION_TASK_H
#define HQ_DOMAIN_COORDINATION_TASK_H

#include "domain/coordination/execution.h"

/* Sent once per task, in the transaction that ends it; data {taskId, runId}. */
#define HQ_COORD_TASK_ENDED "rawr/coordination.task.ended"

/* Somebody has to look at leases; data {dueMs}: when. */
#define HQ_COORD_TASK_WATCH "rawr/coordination.task.watch"

enum {
	HQ_COORD_TASK_LEASE_S = 60, /* default lease */
	HQ_COORD_TASK_LEASE_S_MAX = 3600,
	HQ_COORD_TASK_ATTEMPTS_MAX = 21,
	HQ_COORD_TASK_WAIT_S_MAX = 30,       /* long poll */
	HQ_COORD_TASK_AGENT_BYTES_MAX = 128, /* agentId, by */
	HQ_COORD_TASK_ERROR_BYTES_MAX = 4096,
	HQ_COORD_TASK_LIST_MAX = 200, /* rows per page */
	/* Rows that a page of a filtered list looks at. */
	HQ_COORD_TASK_LOOK_MAX = 5000,
};

struct hq_coord_offer {
	struct json_object *workflow, *desk; /* as saved */
	int round;        /* 0, then how often the desk was sent work again */
	const char *kind; /* executor.taskKind, else the desk's kind */
	bool human; /* answered by a person: answerTask, no claim needed */
	struct json_object *input, *memory,
	    *upstream; /* upstream: by desk id */
	int max_attempts;
	int priority;     /* -1, 0, 1 */
	int64_t lease_ms; /* 0: the default */
	int64_t due_ms;   /* answer wanted by then (Unix ms); 0: whenever */
};

/*
 * Offer the work, once per (run, desk, round): asked again it gives the same
 * task.  *ret_id in s->arena.  *ret_since_ms: hq_event_clock() when it was first
 * offered; the event of its end comes after that.
 */
enum hq_rc hq_coord_task_offer(const struct hq_coord_step *s,
    const struct hq_coord_offer *o, const char **ret_id, int64_t *ret_since_ms,
    struct hq_err *err) HQ_MUST;

/*
 * How the task stands: {"state", "output"?, "error"?, "by"?, "memory"?};
 * state as above.  NULL if there is no such task.
 */
enum hq_rc hq_coord_task_outcome(const struct hq_coord_step *s,
    const char *task_id, struct json_object **ret, struct hq_err *err) HQ_MUST;

/* Nobody waits any more: answers are refused from now on. */
enum hq_rc hq_coord_task_close(const struct hq_coord_step *s,
    const char *task_id, const char *reason, struct hq_err *err) HQ_MUST;

/* The run has ended: so do its tasks, without an event.  In a transaction. */
enum hq_rc hq_coord_task_close_run(struct hq_db *db, const char *run_id,
    int64_t now_ms, struct hq_err *err) HQ_MUST;

/*
 * Take back leases that have run out and fail tasks whose attempts are spent;
 * *ret_n of them.  The function that HQ_COORD_TASK_WATCH starts calls it at the
 * event's dueMs; it has the next one started while anything is claimed.
 */
enum hq_rc hq_coord_task_look(const struct hq_coord_step *s, int64_t due_ms,
    int64_t *ret_n, struct hq_err *err) HQ_MUST;

/* Procedures of the workflows plugin. */
hq_handler hq_coord_claim_task;
hq_handler hq_coord_heartbeat_task;
hq_handler hq_coord_complete_task;
hq_handler hq_coord_fail_task;
hq_handler hq_coord_answer_task;
hq_handler hq_coord_list_tasks;
hq_handler hq_coord_get_task;

#endif /* HQ_DOMAIN_COORDINATION_TASK_H */

/*
 * engine/sql.h - the engine's statements, by number.  Texts: sql.c; tables:
 * schema.c.
 */
#ifndef HQ_ENGINE_SQL_H
#define HQ_ENGINE_SQL_H

#include "engine/event.h" /* hq_engine_store */

/* engine_job.kind; up to the last of a step, it is about one. */
enum hq_job_kind {
	HQ_JOB_CALL,
	HQ_JOB_SLEEP,
	HQ_JOB_WAIT,
	HQ_JOB_INVOKE,
	HQ_JOB_OF_STEP = HQ_JOB_INVOKE,
	HQ_JOB_CANCEL,  /* an event that cancels the run */
	HQ_JOB_OVERDUE, /* a time that does */
};

/*
 * engine_job.lane: calls by priority, then everything that is only a time; and
 * calls of foreign apps.
 */
enum {
	HQ_LANE_HIGH,
	HQ_LANE_NORMAL,
	HQ_LANE_LOW,
	HQ_LANE_TIMER,
	HQ_LANE_APPS,
	HQ_LANE__MAX
};

/* Added to the lane of a job that is held at a gate (gate.c). */
enum { HQ_LANE_HELD = 8 };

/* engine_job.again of a call in flight: something was recorded meanwhile. */
enum {
	HQ_AGAIN = 1,     /* it does not know: another has to follow */
	HQ_AGAIN_TOLD = 2 /* checkpoints of its own, and nothing else */
};

/* engine_run.state */
enum hq_run_state {
	HQ_RUN_OPEN,
	HQ_RUN_COMPLETED,
	HQ_RUN_FAILED,
	HQ_RUN_CANCELLED
};

enum {
	Q_EVENT_ADD,
	Q_EVENT_GET,
	Q_EVENT_LAST,
	Q_EVENTS_SINCE,
	Q_INBOX_ADD,
	Q_INBOX_HEAD,
	Q_INBOX_DROP,
	Q_INBOX_CANCEL,
	Q_SEEN_ADD,
	Q_SEEN_HAS,
	Q_SEEN_KEEP,
	Q_RATE_GET,
	Q_RATE_SET,
	Q_SINGLE_FIND,
	Q_JOB_KEYS,
	Q_JOB_GATE,
	Q_JOB_HOLD,
	Q_JOB_PUT_OFF,
	Q_PLACES_TAKEN,
	Q_PLACES_TAKE,
	Q_GATE_OPEN,
	Q_GATE_NEXT,
	Q_GATE_FIRST,
	Q_GATES_ANY,
	Q_BATCH_ALL,
	Q_BATCH_ADD,
	Q_BATCH_OWN,
	Q_BATCH_DROP,
	Q_BATCH_INVOKERS,
	Q_BATCH_EVENTS,
	Q_DEBOUNCE_GET,
	Q_DEBOUNCE_SET,
	Q_DEBOUNCE_DROP,
	Q_WAKE_SET,
	Q_WAKE_SOONER,
	Q_WAKE_BACK,
	Q_DEBOUNCE_BACK,
	Q_CLOCK_SET,
	Q_CLOCK_GET,
	Q_WAKE_DROP,
	Q_WAKES_DUE,
	Q_WAKE_NEXT,
	Q_WAKES_ANY,
	Q_RUN_ADD,
	Q_RUN_GET,
	Q_RUN_VERSION,
	Q_RUN_PLAN,
	Q_RUN_END,
	Q_RUNS_OF_EVENT,
	Q_RUN_WAITS,
	Q_MEMO_ADD,
	Q_MEMO_HAS,
	Q_MEMO_ALL,
	Q_JOB_PLAN,
	Q_JOB_DISCOVER,
	Q_JOB_DROP,
	Q_JOB_DROP_RUN,
	Q_JOB_CLAIM,
	Q_JOB_HELD,
	Q_JOB_RENEW,
	Q_JOB_RELEASE,
	Q_JOB_RETRY,
	Q_JOB_AGAIN,
	Q_JOB_ANEW,
	Q_JOB_BACK_AGAIN,
	Q_JOB_TOLD,
	Q_MEMO_SIZE,
	Q_RUN_LOOK,
	Q_RUNS_BY_CAUSE,
	Q_FN_OTHER,
	Q_JOB_OTHERS,
	Q_JOB_BACK,
	Q_LANES,
	Q_JOB_COUNT,
	Q_JOB_OLDEST,
	Q_INBOX_COUNT,
	Q_TIMERS_DUE,
	Q_WAITS,
	Q_WAIT_PATH,
	Q_APP_GET,
	Q_APP_SET,
	Q_APPS_REV,
	Q_FN_SET,
	Q_FN_ARCHIVE,
	Q_FNS,
	Q_FINISH_HEARD,
	Q_CRON_ADD,
	Q_CRON_PRUNE,
	Q_CRON_DUE,
	Q_CRON_SET,
	Q_CRON_ALL,
	Q_CRON_NEXT,
	Q_INBOX_OLD,
	Q_INBOX_APART,
	Q_OUT_NEXT,
	Q_OUT_DROP,
	Q_OUT_COUNT,
	Q_OUT_WHERE,
	Q_PARKED_ADD,
	Q_PARKED_COUNT,
	Q_PARKED_ALL,
	Q_PARKED_BACK,
	Q_PARKED_DROP,
	Q_PARKED_CANCEL,
	Q_TROUBLE_SET,
	Q_TROUBLE_GET,
	Q_TROUBLE_DROP,
	Q_RUNS_OPEN,
	Q_RETAIN_RUNS,
	Q_RETAIN_MEMOS,
	Q_RETAIN_BATCH,
	Q_RETAIN_RUN,
	Q_RETAIN_EVENTS,
	Q_RETAIN_EVENT,
	Q_RETAIN_SEEN_LOOK,
	Q_RETAIN_SEEN,
	Q_RETAIN_RATE_LOOK,
	Q_RETAIN_RATE,
	Q__MAX
};

extern const char *const hq_engine_migrations[]; /* ends with NULL */

#endif /* HQ_ENGINE_SQL_H */

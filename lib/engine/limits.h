/*
 * engine/limits.h - every bound of the engine (facts: Inngest limits, 6.7),
 * but for HQ_ENGINE_CALL_BYTES_MAX, which engine.h has.
 */
#ifndef HQ_ENGINE_LIMITS_H
#define HQ_ENGINE_LIMITS_H

enum {
	HQ_ENGINE_SLUG_BYTES_MAX = 255,
	HQ_ENGINE_TRIGGERS_MAX = 10, /* of one function */
	HQ_ENGINE_TRIGGER_BYTES_MAX = 255,
	HQ_ENGINE_RETRIES_MAX = 20,
	HQ_ENGINE_RETRIES_DEFAULT = 4,    /* where the payload names none */
	HQ_ENGINE_PERIOD_MIN_MS = 1000,   /* of what an option counts in */
	HQ_ENGINE_CANCELS_MAX = 5,        /* events that cancel a run */
	HQ_ENGINE_PRIORITY_MAX_S = 43200, /* ahead of others, or behind */
	HQ_ENGINE_PLACES_MAX = 2,         /* limits on calls in flight */
	HQ_ENGINE_BATCH_SIZE_MAX = 100,   /* events of one run */
	HQ_ENGINE_RATE_MAX = 1000000,     /* in one period */
	HQ_ENGINE_STEPS_MAX = 1000,       /* recorded steps of one run */
	HQ_ENGINE_OPS_MAX = 1000,         /* in one answer */
	HQ_ENGINE_STEP_ID_MAX = 64,
	HQ_ENGINE_STATE_BYTES_MAX = 4 << 20,  /* recorded values of one run */
	HQ_ENGINE_ANSWER_BYTES_MAX = 8 << 20, /* of one call */
	HQ_ENGINE_CRASHES_MAX = 8,            /* deaths of one job's host */
	HQ_ENGINE_CRASH_DELAY_MS = 100,       /* doubles with each */
	HQ_ENGINE_REFUSED_MIN_MS = 50,        /* doubles up to the next */
	HQ_ENGINE_REFUSED_MAX_MS = 1000,
	HQ_ENGINE_AWAY_MAX_MS = 30000, /* the same where an app is away */
	HQ_ENGINE_FUTURE_MS = 2000,    /* an event further ahead is delayed */
	HQ_ENGINE_WAIT_SLACK_MS =
	    5000, /* an event this much older than a wait */
	HQ_ENGINE_PIN_BYTES_MAX = 128, /* of what a wait is found by */
	HQ_ENGINE_BACK_MS = 1000,      /* a clock set back by more is noticed */
	HQ_ENGINE_BATCH = 256,         /* events, timers, ticks in one turn */
	HQ_ENGINE_CLAIM = 16,          /* jobs claimed by one statement */
	HQ_ENGINE_CHECK_MS = 1000,     /* between looks at our own leases */
	HQ_ENGINE_NAME_BYTES_MAX = 512, /* of an event */

	/*
	 * What is sent in: an event's data as JSON text.  With these a call
	 * whose event is the failure of a run that such an event started still
	 * fits what the function host reads.
	 */
	HQ_ENGINE_EVENT_BYTES_MAX = 3 << 20,
	HQ_ENGINE_EVENT_CONTAINERS_MAX = 24576,
	HQ_ENGINE_EVENT_DEPTH_MAX = 16384,

	/* A run's error, and the result in the event that tells of its end. */
	HQ_ENGINE_OUTCOME_BYTES_MAX = 512 << 10,
	HQ_ENGINE_OUTCOME_CONTAINERS_MAX = 1024,

	/*
	 * The data of the events that tell of a run's end.  They carry what
	 * started the run as "event", and again as "events" (the protocol's
	 * batch) only where it is small: so they are never larger than one
	 * event, one outcome and a few names.
	 */
	HQ_ENGINE_TWICE_BYTES_MAX = 64 << 10,
	HQ_ENGINE_TWICE_CONTAINERS_MAX = 1024,
	HQ_ENGINE_END_BYTES_MAX = 4 << 20,
	HQ_ENGINE_END_CONTAINERS_MAX = 28672,
	HQ_ENGINE_END_DEPTH_MAX = 20480,

	/*
	 * Events and state in a call to a foreign app: beyond it they are left
	 * out, and its SDK fetches them.
	 */
	HQ_ENGINE_BODY_BYTES_MAX = 3 << 20,

	/* Beside events and state in a call: ids, names, the steps' stack. */
	HQ_ENGINE_FRAME_BYTES_MAX = 512 << 10,
};

#define HQ_ENGINE_DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define HQ_ENGINE_PERIOD_MAX_MS (7 * HQ_ENGINE_DAY_MS)
#define HQ_ENGINE_BATCH_MS ((int64_t)10 * 60 * 1000) /* a batch waits */
#define HQ_ENGINE_SLEEP_MAX_MS (366 * HQ_ENGINE_DAY_MS)
#define HQ_ENGINE_CANCEL_MS (365 * HQ_ENGINE_DAY_MS) /* a run is cancelled */
#define HQ_ENGINE_INVOKE_MS (365 * HQ_ENGINE_DAY_MS) /* default timeout */

/* What one turn may hold in memory; claiming stops at the first. */
#define HQ_ENGINE_TURN_BYTES ((size_t)64 << 20)
#define HQ_ENGINE_TURN_BYTES_MAX ((size_t)1 << 30)

#endif /* HQ_ENGINE_LIMITS_H */

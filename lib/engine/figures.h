/*
 * engine/figures.h - what the engine has done, and what it has before it.
 */
#ifndef HQ_ENGINE_FIGURES_H
#define HQ_ENGINE_FIGURES_H

#include "store/db.h"

/* What one engine has done since it began; what was not committed is not in. */
enum hq_engine_count {
	HQ_COUNT_EVENTS, /* taken up */
	HQ_COUNT_STARTED,
	HQ_COUNT_COMPLETED, /* and two more, as enum hq_run_state has them */
	HQ_COUNT_FAILED,
	HQ_COUNT_CANCELLED,
	HQ_COUNT_STEPS,    /* recorded */
	HQ_COUNT_RETRIES,  /* failed attempts that are made again */
	HQ_COUNT_ANSWERED, /* calls, as struct hq_engine_reply has them */
	HQ_COUNT_DIED,
	HQ_COUNT_REFUSED,
	HQ_COUNT_TIMED_OUT,
	HQ_COUNT__MAX
};

enum { HQ_ENGINE_DEPTH_MAX = 20000 }; /* rows of a kind that are counted */
enum { HQ_ENGINE_OLDEST_MAX = 100 };  /* whose age is looked at */

/* Of the store, whoever asks; each at most HQ_ENGINE_DEPTH_MAX (per lane). */
struct hq_engine_depth {
	int64_t inbox;  /* events that nobody has taken up */
	int64_t due;    /* calls that could be made now */
	int64_t later;  /* calls in flight, or to be made at a time to come */
	int64_t held;   /* calls that flow control keeps back */
	int64_t timers; /* sleeps, and waits that end at some time */
	int64_t idle;   /* until something happens */
	/*
	 * For how long one of `due` has been: the longest, among the first
	 * HQ_ENGINE_OLDEST_MAX of each lane; or 0.
	 */
	int64_t oldest_ms;
};
enum hq_rc hq_engine_depth(struct hq_db *db, int64_t now_ms,
    struct hq_engine_depth *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_ENGINE_FIGURES_H */

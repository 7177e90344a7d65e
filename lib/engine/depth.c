/*
 * How much there is to do.  Every question is answered from an index, and counts
 * only so far: a queue of a million is not read to be shown.
 */
#include "engine/figures.h"
#include "engine/inside.h"

/* Jobs of a lane that are due after `after`, and not after `until`. */
static enum hq_rc
add_jobs(struct hq_db *db, int lane, int64_t after, int64_t until, int64_t *sum,
    struct hq_err *err)
{
	int64_t n = 0;

	HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_JOB_COUNT,
	    HQ_BIND(hq_i64(lane), hq_i64(after), hq_i64(until),
		hq_i64(HQ_ENGINE_DEPTH_MAX)),
	    &n, err));
	*sum += n;
	return HQ_OK;
}

/* Claimed or not: an expired lease is due as well. */
static enum hq_rc
look_at_oldest(struct hq_db *db, int lane, int64_t now, int64_t *oldest_ms,
    struct hq_err *err)
{
	int64_t since;
	int unclaimed;

	for (unclaimed = 0; unclaimed <= 1; unclaimed++) {
		since = now;
		HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_JOB_OLDEST,
		    HQ_BIND(hq_i64(lane), hq_i64(unclaimed), hq_i64(now),
			hq_i64(HQ_ENGINE_OLDEST_MAX)),
		    &since, err));
		if (now - since > *oldest_ms)
			*oldest_ms = now - since;
	}
	return HQ_OK;
}

static enum hq_rc
look_at_calls(struct hq_db *db, int lane, int64_t now,
    struct hq_engine_depth *d, struct hq_err *err)
{
	HQ_TRY(add_jobs(db, lane, INT64_MIN, now, &d->due, err));
	HQ_TRY(add_jobs(db, lane, now, HQ_ENG_PARKED - 1, &d->later, err));
	HQ_TRY(add_jobs(db, lane, HQ_ENG_PARKED - 1, HQ_ENG_PARKED, &d->idle,
	    err));
	HQ_TRY(add_jobs(db, lane + HQ_LANE_HELD, INT64_MIN, HQ_ENG_PARKED,
	    &d->held, err));
	return look_at_oldest(db, lane, now, &d->oldest_ms, err);
}

enum hq_rc
hq_engine_depth(struct hq_db *db, int64_t now_ms, struct hq_engine_depth *ret,
    struct hq_err *err)
{
	struct hq_engine_depth d = { 0 };
	int lane;

	HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_INBOX_COUNT,
	    HQ_BIND(hq_i64(HQ_ENGINE_DEPTH_MAX)), &d.inbox, err));
	for (lane = 0; lane < HQ_LANE__MAX; lane++)
		if (lane != HQ_LANE_TIMER)
			HQ_TRY(look_at_calls(db, lane, now_ms, &d, err));
	HQ_TRY(add_jobs(db, HQ_LANE_TIMER, INT64_MIN, HQ_ENG_PARKED - 1,
	    &d.timers, err));
	HQ_TRY(add_jobs(db, HQ_LANE_TIMER, HQ_ENG_PARKED - 1, HQ_ENG_PARKED,
	    &d.idle, err));
	*ret = d;
	return HQ_OK;
}

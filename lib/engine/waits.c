/*
 * What a run waits for, read from its jobs.
 */
#include <string.h>

#include "engine/inside.h"

/* Columns of Q_RUN_WAITS. */
enum { COL_KIND, COL_DUE_MS, COL_ATTEMPT, COL_OWNED, COL_EVENT, COL_ARMED_MS };

static enum hq_run_wait_for
what_for(const struct hq_cursor *row, int64_t now_ms)
{
	switch ((enum hq_job_kind)hq_cursor_i64(row, COL_KIND)) {
	case HQ_JOB_SLEEP:
		return HQ_WAIT_SLEEP;
	case HQ_JOB_WAIT:
		return HQ_WAIT_EVENT;
	case HQ_JOB_INVOKE:
		return HQ_WAIT_INVOKE;
	case HQ_JOB_CALL:
	case HQ_JOB_CANCEL: /* are not asked for */
	case HQ_JOB_OVERDUE:
		break;
	}
	if (hq_cursor_i64(row, COL_OWNED) != 0)
		return HQ_WAIT_CALL;
	if (hq_cursor_i64(row, COL_DUE_MS) > now_ms)
		return HQ_WAIT_RETRY;
	return HQ_WAIT_QUEUE;
}

static struct hq_run_wait
wait_of(const struct hq_cursor *row, int64_t now_ms, struct hq_arena *a)
{
	return (struct hq_run_wait){
		.what = what_for(row, now_ms),
		.event = hq_cursor_text(row, COL_EVENT, a),
		.attempt = (int)hq_cursor_i64(row, COL_ATTEMPT),
		.since_ms = hq_cursor_i64(row, COL_ARMED_MS),
		.until_ms = hq_cursor_i64(row, COL_DUE_MS),
	};
}

enum hq_rc
hq_run_waits(struct hq_db *db, const struct hq_env *env, const char *event_id,
    struct hq_arena *a, struct hq_run_waits *ret, struct hq_err *err)
{
	int64_t now_ms = hq_now_ms(env);
	struct hq_run_wait w, *v;
	struct hq_buf found;
	HQ_CURSOR(row);

	hq_buf_init(&found, a);
	HQ_TRY(hq_query(db, &hq_engine_store, Q_RUN_WAITS,
	    HQ_BIND(hq_text(event_id)), &row, err));
	while (hq_cursor_next(&row)) {
		w = wait_of(&row, now_ms, a);
		hq_buf_put(&found, &w, sizeof(w));
	}
	HQ_TRY(hq_cursor_done(&row, err));
	ret->n = found.n / sizeof(w);
	v = HQ_NEW(a, struct hq_run_wait, ret->n + 1);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many waits");
	if (found.n > 0)
		memcpy(v, found.p, found.n);
	ret->v = v;
	return HQ_OK;
}

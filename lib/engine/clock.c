/*
 * The wall clock was set back.  What has a time of its own, a sleep, a timeout,
 * a run that is to start then, keeps it.  Everything else would stand still
 * until the clock has come where it was: calls that were ready, attempts,
 * leases of whoever died, ticks, and what functions ask for (wake.c).
 *
 * The events' clock stays ahead until the wall clock has come there.  So that an
 * engine which starts meanwhile does not take it for the time of the last turn,
 * and move once more what was set since, engine_clock has where the wall clock
 * went, for as long as the events stand where they stood.
 */
#include <string.h>

#include "engine/cron.h"
#include "engine/inside.h"

struct tick {
	const char *fn, *expr;
	int64_t next_ms;
};

static enum hq_rc
read_ticks(struct hq_eng_tx *t, struct hq_buf *ticks, struct hq_err *err)
{
	struct tick k;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_CRON_ALL, HQ_NO_BIND, &row,
	    err));
	while (hq_cursor_next(&row)) {
		k.fn = hq_cursor_text(&row, 0, t->a);
		k.expr = hq_cursor_text(&row, 1, t->a);
		k.next_ms = hq_cursor_i64(&row, 2);
		hq_buf_put(ticks, &k, sizeof(k));
	}
	HQ_TRY(hq_cursor_done(&row, err));
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "too many ticks");
	return HQ_OK;
}

/* A tick that has been is known by its time, and not repeated. */
static enum hq_rc
plan_tick(struct hq_eng_tx *t, const struct tick *k, struct hq_err *err)
{
	struct hq_cron c;
	int64_t next;

	if (hq_cron_parse(k->expr, &c, NULL) != HQ_OK)
		return HQ_OK;
	next = hq_cron_next(&c, t->now_ms);
	if (next >= k->next_ms)
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_CRON_SET,
	    HQ_BIND(hq_text(k->fn), hq_text(k->expr), hq_i64(next)), NULL, err);
}

enum hq_rc
hq_eng_clock_last(struct hq_eng_tx *t, int64_t *ret_ms, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_event_clock(t->db, ret_ms, err));
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_CLOCK_GET,
	    HQ_BIND(hq_i64(*ret_ms)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret_ms = hq_cursor_i64(&row, 0);
	return HQ_OK;
}

static enum hq_rc
keep_time(struct hq_eng_tx *t, struct hq_err *err)
{
	int64_t events_ms;

	HQ_TRY(hq_event_clock(t->db, &events_ms, err));
	return hq_exec(t->db, &hq_engine_store, Q_CLOCK_SET,
	    HQ_BIND(hq_i64(events_ms), hq_i64(t->now_ms)), NULL, err);
}

/* What functions ask for. */
static enum hq_rc
move_wakes(struct hq_eng_tx *t, int64_t from_ms, struct hq_err *err)
{
	if (!t->fns->timed)
		return HQ_OK;
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_WAKE_BACK,
	    HQ_BIND(hq_i64(t->now_ms), hq_i64(from_ms)), NULL, err));
	return hq_exec(t->db, &hq_engine_store, Q_DEBOUNCE_BACK,
	    HQ_BIND(hq_i64(t->now_ms), hq_i64(from_ms)), NULL, err);
}

enum hq_rc
hq_eng_clock_back(struct hq_eng_tx *t, int64_t from_ms, int64_t lease_ms,
    struct hq_err *err)
{
	struct hq_buf ticks;
	struct tick k;
	size_t at;

	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_BACK,
	    HQ_BIND(hq_i64(t->now_ms), hq_i64(from_ms), hq_i64(lease_ms),
		hq_i64(HQ_LANE_HIGH), hq_i64(HQ_LANE_NORMAL),
		hq_i64(HQ_LANE_LOW), hq_i64(HQ_LANE_APPS)),
	    NULL, err));
	HQ_TRY(keep_time(t, err));
	HQ_TRY(move_wakes(t, from_ms, err));
	hq_buf_init(&ticks, t->a);
	HQ_TRY(read_ticks(t, &ticks, err));
	for (at = 0; at < ticks.n; at += sizeof(k)) {
		memcpy(&k, ticks.p + at, sizeof(k));
		HQ_TRY(plan_tick(t, &k, err));
	}
	return HQ_OK;
}

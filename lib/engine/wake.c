/*
 * Times of what functions ask for that are no run's: so they are no jobs.  Only
 * looked at where a function asks for such, or one is left (hq_fns.timed).
 */
#include <string.h>

#include "base/log.h"
#include "engine/inside.h"

struct wake {
	const char *name;
	int64_t due_ms;
};

enum hq_rc
hq_eng_wake_at(struct hq_eng_tx *t, const char *name, int64_t due_ms,
    struct hq_err *err)
{
	return hq_exec(t->db, &hq_engine_store, Q_WAKE_SET,
	    HQ_BIND(hq_text(name), hq_i64(due_ms)), NULL, err);
}

enum hq_rc
hq_eng_wake_drop(struct hq_eng_tx *t, const char *name, struct hq_err *err)
{
	return hq_exec(t->db, &hq_engine_store, Q_WAKE_DROP,
	    HQ_BIND(hq_text(name)), NULL, err);
}

static enum hq_rc
due_wakes(struct hq_eng_tx *t, struct wake *v, int *ret_n, struct hq_err *err)
{
	int n = 0;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_WAKES_DUE,
	    HQ_BIND(hq_i64(t->now_ms), hq_i64(HQ_ENGINE_BATCH)), &row, err));
	for (; n < HQ_ENGINE_BATCH && hq_cursor_next(&row); n++) {
		v[n].name = hq_cursor_text(&row, 0, t->a);
		v[n].due_ms = hq_cursor_i64(&row, 1);
	}
	*ret_n = n;
	return n == HQ_ENGINE_BATCH ? HQ_OK : hq_cursor_done(&row, err);
}

static enum hq_rc
wake(struct hq_eng_tx *t, const struct wake *v, struct hq_err *err)
{
	switch (v->name[0]) {
	case HQ_ENG_THROTTLE:
		return hq_eng_gate_wake(t, v->name, v->due_ms, err);
	case HQ_ENG_BATCH:
		return hq_eng_batch_wake(t, v->name, err);
	case HQ_ENG_DEBOUNCE:
		return hq_eng_debounce_wake(t, v->name, err);
	}
	HQ_BUG("a time of nothing");
}

/*
 * It does not fit into memory.  What waited starts nothing; those at a gate are
 * let go by its next time, or they would stand there for ever.
 */
static enum hq_rc
give_up(struct hq_eng_tx *t, const struct wake *v, struct hq_err *err)
{
	static const char why[] = "the event needs too much memory";

	hq_log(HQ_ERROR, "wake_too_large", HQ_LSTR("name", v->name),
	    HQ_LSTR("why", err->msg), HQ_LSTR("where", err->where));
	hq_arena_reset(t->a);
	switch (v->name[0]) {
	case HQ_ENG_BATCH:
		return hq_eng_batch_drop(t, v->name, why, err);
	case HQ_ENG_DEBOUNCE:
		return hq_eng_debounce_drop(t, v->name, why, err);
	}
	return hq_eng_wake_at(t, v->name, t->now_ms + HQ_ENGINE_CHECK_MS, err);
}

static enum hq_rc
wake_or_give_up(struct hq_eng_tx *t, const struct wake *v, struct hq_err *err)
{
	enum hq_rc rc = wake(t, v, err);

	return rc == HQ_OK || hq_arena_ok(t->a) ? rc : give_up(t, v, err);
}

enum hq_rc
hq_eng_wake_now(struct hq_eng_tx *t, const char *name, struct hq_err *err)
{
	struct hq_eng_tx own = *t; /* its memory: it may not fit */
	struct wake v = { .name = name, .due_ms = t->now_ms };
	enum hq_rc rc;

	own.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = wake_or_give_up(&own, &v, err);
	hq_arena_free(own.a);
	t->ended |= own.ended;
	return rc;
}

enum hq_rc
hq_eng_wakes(struct hq_eng_tx *t, int *ret_n, struct hq_err *err)
{
	struct hq_eng_tx each = *t; /* memory of one after the other */
	struct wake v[HQ_ENGINE_BATCH];
	enum hq_rc rc = HQ_OK;
	int i;

	*ret_n = 0;
	if (!t->fns->timed)
		return HQ_OK;
	HQ_TRY(due_wakes(t, v, ret_n, err));
	if (*ret_n == 0)
		return HQ_OK;
	each.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	for (i = 0; rc == HQ_OK && i < *ret_n; i++) {
		rc = wake_or_give_up(&each, &v[i], err);
		hq_arena_reset(each.a);
	}
	hq_arena_free(each.a);
	t->ended |= each.ended;
	return rc;
}

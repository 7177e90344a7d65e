/*
 * Times of what functions ask for that are no run's: so they are no jobs.  Only
 * looked at where a function asks for such, or one is left (hq_fns.timed).
 */
#include <string.h>

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

enum hq_rc
hq_eng_wakes(struct hq_eng_tx *t, int *ret_n, struct hq_err *err)
{
	struct wake v[HQ_ENGINE_BATCH];
	int i;

	*ret_n = 0;
	if (!t->fns->timed)
		return HQ_OK;
	HQ_TRY(due_wakes(t, v, ret_n, err));
	for (i = 0; i < *ret_n; i++)
		HQ_TRY(hq_eng_gate_wake(t, v[i].name, v[i].due_ms, err));
	return HQ_OK;
}

#include "engine/rate.h"

#include "engine/inside.h"

bool
hq_rate_take(const struct hq_rate *r, int64_t now_us, int64_t *tat_us,
    int64_t *ret_wait_us)
{
	int64_t span = r->emission_us * (r->burst + 1), tat = *tat_us;

	if (tat < now_us)
		tat = now_us;
	if (tat > now_us + span)
		*tat_us = tat = now_us + span;
	tat += r->emission_us;
	*ret_wait_us = tat - span - now_us;
	if (*ret_wait_us > 0)
		return false;
	*ret_wait_us = 0;
	*tat_us = tat;
	return true;
}

/* ---------------------------------------------------------- in the store -- */

static enum hq_rc
remembered(struct hq_eng_tx *t, const char *fn, const char *key,
    int64_t *ret_tat_us, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret_tat_us = 0;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_RATE_GET,
	    HQ_BIND(hq_text(fn), hq_text(key)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret_tat_us = hq_cursor_i64(&row, 0);
	return HQ_OK;
}

enum hq_rc
hq_eng_rate_take(struct hq_eng_tx *t, const char *fn,
    const struct hq_fn_rate *rate, const char *key, int64_t *ret_wait_ms,
    struct hq_err *err)
{
	struct hq_rate r = { .emission_us =
				 rate->period_ms * 1000 / rate->limit,
		.burst = rate->burst };
	int64_t tat_us, wait_us, was;
	bool taken;

	HQ_TRY(remembered(t, fn, key, &tat_us, err));
	was = tat_us;
	taken = hq_rate_take(&r, t->now_ms * 1000, &tat_us, &wait_us);
	*ret_wait_ms = taken ? 0 : (wait_us + 999) / 1000;
	if (tat_us == was)
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_RATE_SET,
	    HQ_BIND(hq_text(fn), hq_text(key), hq_i64(tat_us)), NULL, err);
}

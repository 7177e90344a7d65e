/*
 * Times that have come: sleeps, timeouts, cron ticks.
 */
#include <string.h>

#include "engine/cron.h"
#include "engine/inside.h"

struct timer {
	const char *run, *step;
	int kind;
};

struct tick {
	const char *fn, *expr;
	int64_t at_ms;
};

/* ------------------------------------------------------------- timers -- */

static enum hq_rc
due_timers(struct hq_eng_tx *t, struct timer *v, int *ret_n, struct hq_err *err)
{
	int n = 0;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_TIMERS_DUE,
	    HQ_BIND(hq_i64(HQ_LANE_TIMER), hq_i64(t->now_ms),
		hq_i64(HQ_ENGINE_BATCH)),
	    &row, err));
	for (; n < HQ_ENGINE_BATCH && hq_cursor_next(&row); n++) {
		v[n].run = hq_cursor_text(&row, 0, t->a);
		v[n].step = hq_cursor_text(&row, 1, t->a);
		v[n].kind = (int)hq_cursor_i64(&row, 2);
	}
	*ret_n = n;
	return n == HQ_ENGINE_BATCH ? HQ_OK : hq_cursor_done(&row, err);
}

/* What a step becomes when its time has come. */
static const char *
value_of(int kind)
{
	if (kind != HQ_JOB_INVOKE)
		return "null";
#define WHY "Timed out waiting for invoked function to complete"
	return "{\"error\":{\"error\":\"InngestInvokeTimeoutError: " WHY
	       "\",\"message\":\"" WHY
	       "\",\"name\":\"InngestInvokeTimeoutError\"}}";
#undef WHY
}

static enum hq_rc
fire(struct hq_eng_tx *t, const struct timer *v, struct hq_err *err)
{
	if (v->kind <= HQ_JOB_OF_STEP)
		return hq_eng_memo(t, v->run, v->step, value_of(v->kind), err);
	if (v->kind == HQ_JOB_OVERDUE)
		return hq_eng_cancel(t, v->run, err);
	/* An event would have cancelled the run until now. */
	return hq_exec(t->db, &hq_engine_store, Q_JOB_DROP,
	    HQ_BIND(hq_text(v->run), hq_text(v->step)), NULL, err);
}

/* Should it not fit, it is over all the same: else it would be due for ever. */
static enum hq_rc
fire_or_fail(struct hq_eng_tx *t, const struct timer *v, struct hq_err *err)
{
	enum hq_rc rc = fire(t, v, err);

	if (rc == HQ_OK || hq_arena_ok(t->a))
		return rc;
	HQ_TRY(hq_eng_fail_large(t, v->run, err));
	return hq_exec(t->db, &hq_engine_store, Q_JOB_DROP,
	    HQ_BIND(hq_text(v->run), hq_text(v->step)), NULL, err);
}

enum hq_rc
hq_eng_timers(struct hq_eng_tx *t, int *ret_n, struct hq_err *err)
{
	struct hq_eng_tx each = *t; /* memory of one after the other */
	struct timer v[HQ_ENGINE_BATCH];
	enum hq_rc rc = HQ_OK;
	int i;

	HQ_TRY(due_timers(t, v, ret_n, err));
	if (*ret_n == 0)
		return HQ_OK;
	each.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	for (i = 0; rc == HQ_OK && i < *ret_n; i++) {
		rc = fire_or_fail(&each, &v[i], err);
		hq_arena_reset(each.a);
	}
	hq_arena_free(each.a);
	t->ended |= each.ended;
	return rc;
}

/* --------------------------------------------------------------- ticks -- */

static enum hq_rc
due_ticks(struct hq_eng_tx *t, struct tick *v, int *ret_n, struct hq_err *err)
{
	int n = 0;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_CRON_DUE,
	    HQ_BIND(hq_i64(t->now_ms), hq_i64(HQ_ENGINE_BATCH)), &row, err));
	for (; n < HQ_ENGINE_BATCH && hq_cursor_next(&row); n++) {
		v[n].fn = hq_cursor_text(&row, 0, t->a);
		v[n].expr = hq_cursor_text(&row, 1, t->a);
		v[n].at_ms = hq_cursor_i64(&row, 2);
	}
	*ret_n = n;
	return n == HQ_ENGINE_BATCH ? HQ_OK : hq_cursor_done(&row, err);
}

static enum hq_rc
start_tick(struct hq_eng_tx *t, const struct hq_fn *fn, const struct tick *k,
    struct hq_err *err)
{
	char at[HQ_ISO_BYTES], now[HQ_ISO_BYTES];
	struct hq_eng_event e = { .client_id = at,
		.name = "inngest/scheduled.timer" };
	struct hq_eng_start start = { .fn = fn, .event = &e };
	struct hq_buf b;

	hq_iso_from_ms(k->at_ms, at);
	hq_iso_from_ms(t->now_ms, now);
	hq_buf_init(&b, t->a);
	hq_buf_puts(&b, "{\"cron\":");
	hq_json_write_string(&b, k->expr);
	hq_buf_printf(&b, ",\"fireAt\":\"%s\",\"scheduledAt\":\"%s\"}", now,
	    at);
	e.data = hq_buf_str(&b);
	start.seen_key = hq_arena_printf(t->a, "cron %s %s", k->expr, at);
	HQ_TRY(hq_eng_event_put(t, &e, false, err));
	return hq_eng_admit(t, &start, err);
}

/* However many ticks were missed, one run makes up for them. */
static enum hq_rc
fire_tick(struct hq_eng_tx *t, const struct tick *k, struct hq_err *err)
{
	const struct hq_fn *fn = hq_fns_find(t->fns, k->fn);
	int64_t next = HQ_ENG_PARKED;
	struct hq_cron c;

	if (hq_cron_parse(k->expr, &c, NULL) == HQ_OK)
		next = hq_cron_next(&c, t->now_ms);
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_CRON_SET,
	    HQ_BIND(hq_text(k->fn), hq_text(k->expr), hq_i64(next)), NULL,
	    err));
	if (fn == NULL || fn->archived)
		return HQ_OK;
	return start_tick(t, fn, k, err);
}

enum hq_rc
hq_eng_ticks(struct hq_eng_tx *t, struct hq_err *err)
{
	struct tick v[HQ_ENGINE_BATCH];
	int i, n;

	HQ_TRY(due_ticks(t, v, &n, err));
	for (i = 0; i < n; i++)
		HQ_TRY(fire_tick(t, &v[i], err));
	return HQ_OK;
}

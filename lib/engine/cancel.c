/*
 * What cancels a run from outside.  Each of it is a job of the run beside its
 * steps: so it ends with the run, and an event or the time finds it like a wait.
 */
#include <string.h>

#include "engine/inside.h"

/* Steps that are no step's: their ids have no dot. */
#define START "timeout.start"
#define FINISH "timeout.finish"

/* An event that ends the run, as a wait. */
static enum hq_rc
arm_event(struct hq_eng_tx *t, const struct hq_eng_armed *r,
    const struct hq_fn_cancel *c, size_t i, struct hq_err *err)
{
	struct hq_eng_pin pin = HQ_ENG_NO_PIN;

	if (c->parsed != NULL)
		HQ_TRY(hq_eng_pin_of(t, r->run, c->parsed, &pin, err));
	return hq_exec(t->db, &hq_engine_store, Q_JOB_PLAN,
	    HQ_BIND(hq_text(r->run),
		hq_text(hq_arena_printf(t->a, "cancel.%zu", i)),
		hq_i64(HQ_JOB_CANCEL), hq_i64(HQ_LANE_TIMER),
		hq_i64(t->now_ms + c->timeout_ms), hq_i64(1), hq_i64(0),
		hq_text(c->event), hq_text(c->expression), hq_i64(t->now_ms),
		hq_i64(0), hq_text(pin.path), hq_text(pin.value)),
	    NULL, err);
}

static enum hq_rc
arm_time(struct hq_eng_tx *t, const char *run, const char *step, int64_t due_ms,
    struct hq_err *err)
{
	return hq_exec(t->db, &hq_engine_store, Q_JOB_PLAN,
	    HQ_BIND(hq_text(run), hq_text(step), hq_i64(HQ_JOB_OVERDUE),
		hq_i64(HQ_LANE_TIMER), hq_i64(due_ms), hq_i64(1), hq_i64(0),
		hq_null(), hq_null(), hq_i64(t->now_ms), hq_i64(0), hq_text(""),
		hq_text("")),
	    NULL, err);
}

enum hq_rc
hq_eng_arm(struct hq_eng_tx *t, const struct hq_eng_armed *r,
    struct hq_err *err)
{
	const struct hq_fn_options *o = r->fn->options;
	size_t i;

	for (i = 0; i < o->n_cancels; i++)
		HQ_TRY(arm_event(t, r, &o->cancels[i], i, err));
	if (o->start_ms == 0)
		return HQ_OK;
	return arm_time(t, r->run, START, r->due_ms + o->start_ms, err);
}

enum hq_rc
hq_eng_started(struct hq_eng_tx *t, const struct hq_fn *fn, const char *run,
    struct hq_err *err)
{
	const struct hq_fn_options *o = fn->options;

	if (o->start_ms != 0)
		HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_DROP,
		    HQ_BIND(hq_text(run), hq_text(START)), NULL, err));
	if (o->finish_ms == 0)
		return HQ_OK;
	return arm_time(t, run, FINISH, t->now_ms + o->finish_ms, err);
}

enum hq_rc
hq_eng_cancel(struct hq_eng_tx *t, const char *run, struct hq_err *err)
{
	return hq_eng_finish(t, run, HQ_RUN_CANCELLED,
	    hq_eng_error(t, "Error", "function cancelled"), err);
}

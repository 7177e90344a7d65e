/*
 * Runs of long ago, where RAWR_RETAIN_WORK says that they may go: the timeline
 * first, a few events at a time, then the tasks and the run itself.
 */
#include "domain/coordination/retain.h"

#include <string.h>

#include "domain/coordination/store.h"

enum { RUNS, REJECTED, OVER };

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

/* One run that may go, and what is dropped of it. */
struct sweep {
	struct hq_retain *r;
	int64_t before_ms;
	bool found, may_go, whole;
	int64_t started_ms;
	char id[HQ_RETAIN_PLACE], workflow[HQ_RETAIN_PLACE];
	int64_t dropped;
};

/* The next run that may go, past those of the next few that may not. */
static enum hq_rc
next_run(struct sweep *s, struct hq_err *err)
{
	int looked = 0;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(s->r->db, HQ_CQ_RETAIN_LOOK, &row, err,
	    hq_i64(s->r->place_ms), hq_text(s->r->place), hq_i64(s->before_ms),
	    hq_i64(HQ_RETAIN_LOOK)));
	while (
	    !s->may_go && looked++ < HQ_RETAIN_LOOK && hq_cursor_next(&row)) {
		s->found = true;
		HQ_ASSERT(hq_cursor_copy(&row, 0, s->id, sizeof(s->id)));
		s->started_ms = hq_cursor_i64(&row, 1);
		s->may_go = hq_cursor_i64(&row, 2) != 0;
	}
	return HQ_OK;
}

static enum hq_rc
drop(struct sweep *s, enum hq_coord_q q, const struct hq_val *vals, size_t n,
    struct hq_err *err)
{
	int changes;

	HQ_TRY(hq_exec(s->r->db, &hq_coordination_store, q, vals, n, &changes,
	    err));
	s->dropped += changes;
	return HQ_OK;
}

static enum hq_rc
drop_run(void *arg, struct hq_err *err)
{
	struct sweep *s = arg;

	HQ_TRY(drop(s, HQ_CQ_RETAIN_TIMELINE,
	    HQ_BIND(hq_text(s->id), hq_i64(HQ_RETAIN_DROP)), err));
	if (s->dropped == HQ_RETAIN_DROP)
		return HQ_OK; /* there is more of it */
	s->whole = true;
	HQ_TRY(drop(s, HQ_CQ_RETAIN_TASKS, HQ_BIND(hq_text(s->id)), err));
	return drop(s, HQ_CQ_RETAIN_RUN,
	    HQ_BIND(hq_text(s->id), hq_i64(s->before_ms)), err);
}

static enum hq_rc
sweep_run(struct sweep *s, struct hq_err *err)
{
	HQ_TRY(next_run(s, err));
	s->whole = !s->may_go;
	if (s->may_go)
		HQ_TRY(hq_db_tx(s->r->db, drop_run, s, err));
	if (s->found && s->whole) {
		s->r->place_ms = s->started_ms;
		memcpy(s->r->place, s->id, sizeof(s->id));
	}
	return HQ_OK;
}

static enum hq_rc
drop_rejected(void *arg, struct hq_err *err)
{
	struct sweep *s = arg;

	return drop(s, HQ_CQ_RETAIN_REJECTED,
	    HQ_BIND(hq_text(s->id), hq_text(s->workflow), hq_i64(s->before_ms)),
	    err);
}

static enum hq_rc
sweep_rejected(struct sweep *s, struct hq_err *err)
{
	int looked = 0;

	{
		HQ_CURSOR(row);

		HQ_TRY(HQ_COORD_QUERY(s->r->db, HQ_CQ_RETAIN_REJECTED_LOOK,
		    &row, err, hq_text(s->r->place), hq_text(s->r->place2),
		    hq_i64(s->before_ms), hq_i64(HQ_RETAIN_LOOK)));
		while (!s->may_go && looked++ < HQ_RETAIN_LOOK &&
		    hq_cursor_next(&row)) {
			s->found = true;
			HQ_ASSERT(
			    hq_cursor_copy(&row, 0, s->id, sizeof(s->id)));
			HQ_ASSERT(hq_cursor_copy(&row, 1, s->workflow,
			    sizeof(s->workflow)));
			s->may_go = hq_cursor_i64(&row, 2) != 0;
		}
	}
	if (s->may_go)
		HQ_TRY(hq_db_tx(s->r->db, drop_rejected, s, err));
	if (s->found) {
		memcpy(s->r->place, s->id, sizeof(s->id));
		memcpy(s->r->place2, s->workflow, sizeof(s->workflow));
	}
	return HQ_OK;
}

enum hq_rc
hq_coord_retain(struct hq_retain *r, bool *ret_more, struct hq_err *err)
{
	int64_t days = r->config->i[HQ_SET_RAWR_RETAIN_WORK];
	struct sweep s = { .r = r,
		.before_ms = hq_now_ms(r->env) - days * DAY_MS };

	*ret_more = false;
	if (days == 0 || r->phase == OVER)
		return HQ_OK;
	if (r->phase == RUNS)
		HQ_TRY(sweep_run(&s, err));
	else
		HQ_TRY(sweep_rejected(&s, err));
	r->dropped += s.dropped;
	if (!s.found) {
		r->phase++;
		r->place[0] = '\0';
	}
	*ret_more = r->phase < OVER;
	return HQ_OK;
}

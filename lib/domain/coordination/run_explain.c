/*
 * Why a run is not done: its tasks, and what its engine run waits for.
 */
#include <string.h>

#include "base/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/task_row.h"
#include "engine/event.h"
#include "engine/outbox.h"

struct explain {
	struct hq_boundary *c;
	struct hq_coord_run run;
	struct json_object *waiting; /* array */
	const char *desk;            /* that has begun and not ended; or NULL */
	bool has_tasks;
};

/* Unset members are left out. */
struct reason {
	const char *what, *desk, *task, *detail;
	int64_t since_ms, until_ms;
};

static void
put_time(struct json_object *o, const char *key, int64_t ms)
{
	char iso[HQ_ISO_BYTES];

	if (ms <= 0)
		return;
	hq_iso_from_ms(ms, iso);
	hq_json_put_str(o, key, iso);
}

static enum hq_rc
add(struct explain *x, const struct reason *r, struct hq_err *err)
{
	struct json_object *o;

	if (r->detail == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many reasons");
	HQ_TRY(hq_coord_object(x->c->arena, &o, err));
	hq_json_put_str(o, "for", r->what);
	if (r->desk != NULL)
		hq_json_put_str(o, "deskId", r->desk);
	if (r->task != NULL)
		hq_json_put_str(o, "taskId", r->task);
	put_time(o, "since", r->since_ms);
	put_time(o, "until", r->until_ms);
	hq_json_put_str(o, "detail", r->detail);
	hq_json_push(x->waiting, json_object_get(o));
	return HQ_OK;
}

/* ----------------------------------------------------------------- tasks -- */

static enum hq_rc
add_task(struct explain *x, const struct hq_coord_task *t, struct hq_err *err)
{
	struct hq_arena *a = x->c->arena;
	bool claimed = strcmp(t->state, "claimed") == 0;
	struct reason r = {
		.what = "task",
		.desk = t->desk_id,
		.task = t->id,
		.since_ms = t->created_ms,
		.until_ms = claimed ? t->lease_until_ms : t->due_ms,
	};

	if (t->human)
		r.detail = "a person has to answer it";
	else if (claimed)
		r.detail =
		    hq_arena_printf(a, "%s works on it, attempt %d of %d",
			t->claimed_by, (int)t->attempt, (int)t->max_attempts);
	else
		r.detail = hq_arena_printf(a,
		    "an agent has to claim it: kind %s, %d of %d attempts used",
		    t->kind, (int)t->attempt, (int)t->max_attempts);
	return add(x, &r, err);
}

static enum hq_rc
add_tasks(struct explain *x, struct hq_err *err)
{
	struct hq_coord_task t;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(x->c->db, HQ_CQ_TASK_LIVE, &row, err,
	    hq_text(x->run.run_id)));
	while (hq_cursor_next(&row)) {
		hq_coord_task_read(&row, x->c->arena, &t);
		if (!hq_arena_ok(x->c->arena))
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "the run has too many tasks");
		x->has_tasks = true;
		HQ_TRY(add_task(x, &t, err));
	}
	return hq_cursor_done(&row, err);
}

/* ---------------------------------------------------------------- engine -- */

static enum hq_rc
find_desk(struct explain *x, struct hq_err *err)
{
	const char *type;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(x->c->db, HQ_CQ_TIMELINE_DESK, &row, err,
	    hq_text(x->run.run_id)));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	type = hq_cursor_text(&row, 1, x->c->arena);
	if (type != NULL && strcmp(type, "desk.started") == 0)
		x->desk = hq_cursor_text(&row, 0, x->c->arena);
	return HQ_OK;
}

static const struct {
	const char *what, *detail;
} reasons[HQ_WAIT__MAX] = {
	[HQ_WAIT_QUEUE] = { "queue", "a free place to go on" },
	[HQ_WAIT_CALL] = { "call", "its function is being called" },
	[HQ_WAIT_RETRY] = { "retry", "an attempt failed, the next comes" },
	[HQ_WAIT_SLEEP] = { "sleep", "it sleeps" },
	[HQ_WAIT_EVENT] = { "event", NULL },
	[HQ_WAIT_INVOKE] = { "call", "another function's result" },
};

static enum hq_rc
add_wait(struct explain *x, const struct hq_run_wait *w, struct hq_err *err)
{
	struct reason r = {
		.what = reasons[w->what].what,
		.desk = x->desk,
		.detail = reasons[w->what].detail,
		.since_ms = w->since_ms,
		.until_ms = w->what == HQ_WAIT_QUEUE ? 0 : w->until_ms,
	};

	/* Of that wait the task itself has told more. */
	if (w->what == HQ_WAIT_EVENT && x->has_tasks &&
	    strcmp(w->event, HQ_COORD_TASK_ENDED) == 0)
		return HQ_OK;
	if (w->what == HQ_WAIT_EVENT)
		r.detail =
		    hq_arena_printf(x->c->arena, "an event %s", w->event);
	if (w->what == HQ_WAIT_RETRY)
		r.detail = hq_arena_printf(x->c->arena, "%s after attempt %d",
		    reasons[w->what].detail, w->attempt);
	return add(x, &r, err);
}

static enum hq_rc
add_waits(struct explain *x, struct hq_err *err)
{
	struct reason start = {
		.what = "queue",
		.detail = "the runner has not started it yet",
		.since_ms = x->run.started_ms,
	};
	struct hq_run_waits waits = { 0 };
	size_t i;

	if (x->run.event_id != NULL)
		HQ_TRY(hq_run_waits(x->c->db, x->c->env, x->run.event_id,
		    x->c->arena, &waits, err));
	for (i = 0; i < waits.n; i++)
		HQ_TRY(add_wait(x, &waits.v[i], err));
	if (waits.n == 0 && strcmp(x->run.status, "queued") == 0)
		return add(x, &start, err);
	return HQ_OK;
}

/* -------------------------------------------------------- Inngest server -- */

/* Its event has not left us. */
static enum hq_rc
add_place(struct explain *x, const struct hq_outbox_place *p,
    struct hq_err *err)
{
	struct reason r = { .what = "queue", .since_ms = p->since_ms };

	if (p->where == HQ_OUTBOX_PARKED)
		r.detail = hq_arena_printf(x->c->arena,
		    "the Inngest server refused its event: %s; see rawr "
		    "events parked",
		    p->why);
	else
		r.detail = hq_arena_printf(x->c->arena,
		    "its event waits for the Inngest server%s%s",
		    p->why == NULL ? "" : ": ", p->why == NULL ? "" : p->why);
	return add(x, &r, err);
}

static enum hq_rc
add_server(struct explain *x, struct hq_err *err)
{
	struct hq_arena *a = x->c->arena;
	const char *run = x->run.engine_run_id;
	struct reason r = { .what = "server",
		.desk = x->desk,
		.since_ms = x->run.started_ms };
	struct hq_outbox_look look;
	const char *trouble = "";

	HQ_TRY(hq_outbox_look(x->c->db, a, &look, err));
	if (look.waiting > 0 && look.why != NULL)
		trouble = hq_arena_printf(a, "; %lld events wait for it: %s",
		    (long long)look.waiting, look.why);
	if (run == NULL)
		r.detail = hq_arena_printf(a,
		    "the Inngest server has its event and has not started "
		    "it yet%s",
		    trouble);
	else
		r.detail = hq_arena_printf(a,
		    "the Inngest server has it, as its run %s%s", run, trouble);
	return add(x, &r, err);
}

/* What is known here of a run that is elsewhere. */
static enum hq_rc
add_outside(struct explain *x, struct hq_err *err)
{
	struct reason ours = { .what = "queue",
		.detail = "our own engine has it, and stands still: "
			  "RAWR_ENGINE is inngest" };
	struct hq_outbox_place place;
	struct hq_run_waits waits;

	if (x->run.event_id == NULL)
		return HQ_OK;
	HQ_TRY(hq_run_waits(x->c->db, x->c->env, x->run.event_id, x->c->arena,
	    &waits, err));
	if (waits.n > 0)
		return add(x, &ours, err);
	HQ_TRY(hq_outbox_where(x->c->db, x->run.event_id, x->c->arena, &place,
	    err));
	if (place.where != HQ_OUTBOX_GONE)
		return add_place(x, &place, err);
	return x->has_tasks ? HQ_OK : add_server(x, err);
}

/* All of one moment. */
static enum hq_rc
explain(void *arg, struct hq_err *err)
{
	struct explain *x = arg;
	const char *id = x->run.run_id;
	bool found;

	HQ_TRY(
	    hq_coord_run_load(x->c->db, x->c->arena, id, &x->run, &found, err));
	if (!found)
		return hq_coord_run_not_found(x->c, id, err);
	if (!hq_coord_run_active(&x->run))
		return HQ_OK;
	HQ_TRY(add_tasks(x, err));
	HQ_TRY(find_desk(x, err));
	if (hq_config_is_inngest(x->c->config))
		return add_outside(x, err);
	return add_waits(x, err);
}

/* explainRun - INVALID_RUN_ID, RUN_NOT_FOUND. */
enum hq_rc
hq_coord_explain_run(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct explain x = { .c = c, .waiting = hq_json_new_array() };
	struct json_object *out;

	HQ_TRY(hq_json_own(c->arena, x.waiting, err));
	HQ_TRY(hq_coord_run_id_of(c, in, &x.run.run_id, err));
	HQ_TRY(hq_db_read(c->db, explain, &x, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put_str(out, "runId", x.run.run_id);
	hq_json_put_str(out, "status", x.run.status);
	hq_json_put(out, "waiting", json_object_get(x.waiting));
	*ret_out = out;
	return HQ_OK;
}

#include "domain/coordination/task.h"

#include <string.h>

#include "base/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/task_row.h"
#include "engine/event.h"

enum { MS_PER_S = 1000 };

/* ---------------------------------------------------------------- the row -- */

void
hq_coord_task_read(const struct hq_cursor *row, struct hq_arena *a,
    struct hq_coord_task *ret)
{
	*ret = (struct hq_coord_task){
		.seq = hq_cursor_i64(row, HQ_COL_TASK_SEQ),
		.id = hq_cursor_text(row, HQ_COL_TASK_ID, a),
		.run_id = hq_cursor_text(row, HQ_COL_TASK_RUN_ID, a),
		.workflow_id = hq_cursor_text(row, HQ_COL_TASK_WORKFLOW_ID, a),
		.desk_id = hq_cursor_text(row, HQ_COL_TASK_DESK_ID, a),
		.round = hq_cursor_i64(row, HQ_COL_TASK_ROUND),
		.state = hq_cursor_text(row, HQ_COL_TASK_STATE, a),
		.kind = hq_cursor_text(row, HQ_COL_TASK_KIND, a),
		.human = hq_cursor_i64(row, HQ_COL_TASK_HUMAN) != 0,
		.priority = hq_cursor_i64(row, HQ_COL_TASK_PRIORITY),
		.attempt = hq_cursor_i64(row, HQ_COL_TASK_ATTEMPT),
		.max_attempts = hq_cursor_i64(row, HQ_COL_TASK_MAX_ATTEMPTS),
		.expiries = hq_cursor_i64(row, HQ_COL_TASK_EXPIRIES),
		.lease_until_ms =
		    hq_cursor_i64(row, HQ_COL_TASK_LEASE_UNTIL_MS),
		.token = hq_cursor_i64(row, HQ_COL_TASK_TOKEN),
		.claimed_by = hq_cursor_text(row, HQ_COL_TASK_CLAIMED_BY, a),
		.desk = hq_cursor_text(row, HQ_COL_TASK_DESK, a),
		.input = hq_cursor_text(row, HQ_COL_TASK_INPUT, a),
		.memory = hq_cursor_text(row, HQ_COL_TASK_MEMORY, a),
		.upstream = hq_cursor_text(row, HQ_COL_TASK_UPSTREAM, a),
		.output = hq_cursor_text(row, HQ_COL_TASK_OUTPUT, a),
		.new_memory = hq_cursor_text(row, HQ_COL_TASK_NEW_MEMORY, a),
		.error = hq_cursor_text(row, HQ_COL_TASK_ERROR, a),
		.created_ms = hq_cursor_i64(row, HQ_COL_TASK_CREATED_MS),
		.due_ms = hq_cursor_i64(row, HQ_COL_TASK_DUE_MS),
		.ended_ms = hq_cursor_i64(row, HQ_COL_TASK_ENDED_MS),
	};
}

enum hq_rc
hq_coord_task_load(struct hq_db *db, struct hq_arena *a, const char *id,
    struct hq_coord_task *ret, bool *ret_found, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(db, HQ_CQ_TASK_GET, &row, err, hq_text(id)));
	*ret_found = hq_cursor_next(&row);
	if (!*ret_found)
		return hq_cursor_done(&row, err);
	hq_coord_task_read(&row, a, ret);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the task is too large");
	return HQ_OK;
}

bool
hq_coord_task_live(const struct hq_coord_task *t)
{
	return strcmp(t->state, "open") == 0 ||
	    strcmp(t->state, "claimed") == 0;
}

/* ------------------------------------------------------------- offering -- */

struct offer {
	const struct hq_coord_step *s;
	const struct hq_coord_offer *o;
	const char *id, *workflow_id, *desk_id;
	const char *desk, *input, *memory, *upstream;
	int64_t now_ms, since_ms;
};

static int64_t
within(int64_t v, int64_t min, int64_t max)
{
	if (v < min)
		return min;
	return v < max ? v : max;
}

static int64_t
lease_of(const struct hq_coord_offer *o)
{
	int64_t ms = o->lease_ms > 0
	    ? o->lease_ms
	    : (int64_t)HQ_COORD_TASK_LEASE_S * MS_PER_S;

	return within(ms, 1, (int64_t)HQ_COORD_TASK_LEASE_S_MAX * MS_PER_S);
}

static enum hq_rc
offer_tx(void *arg, struct hq_err *err)
{
	struct offer *x = arg;
	const struct hq_coord_offer *o = x->o;
	const struct hq_coord_step *s = x->s;
	int64_t heard_ms;
	HQ_CURSOR(row);

	HQ_TRY(hq_event_clock(s->db, &heard_ms, err));
	HQ_TRY(HQ_COORD_EXEC(s->db, HQ_CQ_TASK_ADD, NULL, err, hq_text(x->id),
	    hq_text(s->run_id), hq_text(x->workflow_id), hq_text(x->desk_id),
	    hq_i64(o->round), hq_text(o->kind), hq_i64(o->human),
	    hq_i64(o->priority),
	    hq_i64(within(o->max_attempts, 1, HQ_COORD_TASK_ATTEMPTS_MAX)),
	    hq_i64(lease_of(o)), hq_text(x->desk), hq_text(x->input),
	    hq_text(x->memory), hq_text(x->upstream), hq_i64(x->now_ms),
	    o->due_ms == 0 ? hq_null() : hq_i64(o->due_ms), hq_i64(heard_ms)));
	HQ_TRY(HQ_COORD_QUERY(s->db, HQ_CQ_TASK_OF, &row, err,
	    hq_text(s->run_id), hq_text(x->desk_id), hq_i64(o->round)));
	HQ_ASSERT(hq_cursor_next(&row));
	x->id = hq_cursor_text(&row, 0, s->arena);
	x->since_ms = hq_cursor_i64(&row, 1);
	if (x->id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the task is too large");
	return HQ_OK;
}

/* NULL stays NULL. */
static enum hq_rc
text_of(struct hq_arena *a, struct json_object *v, const char **ret,
    struct hq_err *err)
{
	*ret = NULL;
	return v == NULL ? HQ_OK : hq_coord_text(a, "task", v, ret, err);
}

enum hq_rc
hq_coord_task_offer(const struct hq_coord_step *s,
    const struct hq_coord_offer *o, const char **ret_id, int64_t *ret_since_ms,
    struct hq_err *err)
{
	struct offer x = {
		.s = s,
		.o = o,
		.id = hq_stamped_id(s->env, s->arena, "task"),
		.workflow_id = hq_json_str(o->workflow, "workflowId"),
		.desk_id = hq_json_str(o->desk, "deskId"),
		.now_ms = hq_now_ms(s->env),
	};

	HQ_TRY(text_of(s->arena, o->desk, &x.desk, err));
	HQ_TRY(hq_coord_text(s->arena, "input", o->input, &x.input, err));
	HQ_TRY(text_of(s->arena, o->memory, &x.memory, err));
	HQ_TRY(text_of(s->arena, o->upstream, &x.upstream, err));
	HQ_TRY(hq_db_tx(s->db, offer_tx, &x, err));
	*ret_id = x.id;
	*ret_since_ms = x.since_ms;
	return HQ_OK;
}

/* ------------------------------------------------------------- its state -- */

enum hq_rc
hq_coord_task_outcome(const struct hq_coord_step *s, const char *task_id,
    struct json_object **ret, struct hq_err *err)
{
	struct hq_coord_task t;
	struct json_object *out;
	bool found;

	HQ_TRY(hq_coord_task_load(s->db, s->arena, task_id, &t, &found, err));
	*ret = NULL;
	if (!found)
		return HQ_OK;
	HQ_TRY(hq_coord_object(s->arena, &out, err));
	hq_json_put_str(out, "state", t.state);
	HQ_TRY(hq_coord_put_text(s->arena, out, "output", t.output, err));
	if (t.error != NULL)
		hq_json_put_str(out, "error", t.error);
	if (t.claimed_by != NULL)
		hq_json_put_str(out, "by", t.claimed_by);
	HQ_TRY(hq_coord_put_text(s->arena, out, "memory", t.new_memory, err));
	*ret = out;
	return HQ_OK;
}

struct close {
	const struct hq_coord_step *s;
	const char *id, *reason;
};

static enum hq_rc
close_tx(void *arg, struct hq_err *err)
{
	struct close *x = arg;

	return HQ_COORD_EXEC(x->s->db, HQ_CQ_TASK_END, NULL, err,
	    hq_text("closed"), hq_null(), hq_null(), hq_text(x->reason),
	    hq_i64(hq_now_ms(x->s->env)), hq_null(), hq_text(x->id));
}

enum hq_rc
hq_coord_task_close(const struct hq_coord_step *s, const char *task_id,
    const char *reason, struct hq_err *err)
{
	struct close x = { s, task_id, reason };

	return hq_db_tx(s->db, close_tx, &x, err);
}

enum hq_rc
hq_coord_task_close_run(struct hq_db *db, const char *run_id, int64_t now_ms,
    struct hq_err *err)
{
	return HQ_COORD_EXEC(db, HQ_CQ_TASK_CLOSE_RUN, NULL, err,
	    hq_text("the run has ended"), hq_i64(now_ms), hq_text(run_id));
}

/* ----------------------------------------------------------------- moves -- */

enum hq_rc
hq_coord_task_end(struct hq_coord_task_tx *x, const struct hq_coord_task_end *e,
    struct hq_err *err)
{
	struct hq_event event = { .name = HQ_COORD_TASK_ENDED };
	int changed;

	HQ_TRY(HQ_COORD_EXEC(x->db, HQ_CQ_TASK_END, &changed, err,
	    hq_text(e->state), hq_text(e->output), hq_text(e->memory),
	    hq_text(e->error), hq_i64(x->now_ms), hq_text(e->by),
	    hq_text(e->task_id)));
	if (changed == 0)
		return HQ_OK;
	event.id = hq_arena_printf(x->arena, "%s-ended", e->task_id);
	if (event.id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the task is too large");
	HQ_TRY(hq_coord_object(x->arena, &event.data, err));
	hq_json_put_str(event.data, "taskId", e->task_id);
	hq_json_put_str(event.data, "runId", e->run_id);
	x->ended = true;
	return hq_event_send(x->db, x->env, &event, NULL, x->arena, err);
}

static enum hq_rc
reopen(struct hq_coord_task_tx *x, const char *task_id, int expired,
    const char *error, struct hq_err *err)
{
	return HQ_COORD_EXEC(x->db, HQ_CQ_TASK_REOPEN, NULL, err,
	    hq_i64(expired), hq_text(error), hq_text(task_id));
}

enum hq_rc
hq_coord_task_attempt_failed(struct hq_coord_task_tx *x,
    const struct hq_coord_task *t, const char *error, bool retryable,
    const char **ret_state, struct hq_err *err)
{
	const struct hq_coord_task_end e = {
		.task_id = t->id,
		.run_id = t->run_id,
		.state = "failed",
		.error = error,
	};

	if (retryable && t->attempt < t->max_attempts) {
		*ret_state = "open";
		return reopen(x, t->id, 0, error, err);
	}
	*ret_state = "failed";
	return hq_coord_task_end(x, &e, err);
}

/* ---------------------------------------------------------------- leases -- */

/* Columns of HQ_CQ_TASK_EXPIRED. */
enum { COL_ID, COL_RUN_ID, COL_ATTEMPT, COL_MAX_ATTEMPTS, COL_EXPIRIES };

enum hq_rc
hq_coord_task_any_expired(struct hq_db *db, int64_t now_ms, bool *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(db, HQ_CQ_TASK_EXPIRED, &row, err, hq_i64(now_ms),
	    hq_i64(1)));
	*ret = hq_cursor_next(&row);
	return *ret ? HQ_OK : hq_cursor_done(&row, err);
}

static enum hq_rc
expired(struct hq_coord_task_tx *x, struct hq_coord_task *v, size_t *ret_n,
    struct hq_err *err)
{
	size_t n = 0;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(x->db, HQ_CQ_TASK_EXPIRED, &row, err,
	    hq_i64(x->now_ms), hq_i64(HQ_COORD_TASK_EXPIRE_BATCH)));
	for (; hq_cursor_next(&row); n++)
		v[n] = (struct hq_coord_task){
			.id = hq_cursor_text(&row, COL_ID, x->arena),
			.run_id = hq_cursor_text(&row, COL_RUN_ID, x->arena),
			.attempt = hq_cursor_i64(&row, COL_ATTEMPT),
			.max_attempts = hq_cursor_i64(&row, COL_MAX_ATTEMPTS),
			.expiries = hq_cursor_i64(&row, COL_EXPIRIES),
		};
	*ret_n = n;
	return hq_cursor_done(&row, err);
}

static enum hq_rc
take_back(struct hq_coord_task_tx *x, const struct hq_coord_task *t,
    struct hq_err *err)
{
	struct hq_coord_task_end e = {
		.task_id = t->id,
		.run_id = t->run_id,
		.state = "failed",
	};
	long long times = (long long)t->expiries + 1;

	e.error = hq_arena_printf(x->arena, "lease expired %lld time%s", times,
	    times == 1 ? "" : "s");
	if (e.error == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many leases");
	if (t->attempt < t->max_attempts)
		return reopen(x, t->id, 1, e.error, err);
	return hq_coord_task_end(x, &e, err);
}

enum hq_rc
hq_coord_task_take_back(struct hq_coord_task_tx *x, int64_t *ret_n,
    struct hq_err *err)
{
	struct hq_coord_task *v;
	size_t i, n;

	*ret_n = 0;
	v = HQ_NEW(x->arena, struct hq_coord_task, HQ_COORD_TASK_EXPIRE_BATCH);
	if (v == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no room for leases");
	do {
		HQ_TRY(expired(x, v, &n, err));
		for (i = 0; i < n; i++)
			HQ_TRY(take_back(x, &v[i], err));
		*ret_n += (int64_t)n;
	} while (n == HQ_COORD_TASK_EXPIRE_BATCH);
	return HQ_OK;
}

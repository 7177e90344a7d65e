#include "engine/api.h"

#include <string.h>

#include "engine/inside.h"

/* Columns of Q_RUN_LOOK and Q_RUNS_BY_CAUSE. */
enum {
	COL_ID,
	COL_FN,
	COL_EVENT,
	COL_STATE,
	COL_CREATED_MS,
	COL_ENDED_MS,
	COL_OUTPUT
};

static const char *const statuses[] = {
	[HQ_RUN_OPEN] = "Running",
	[HQ_RUN_COMPLETED] = "Completed",
	[HQ_RUN_FAILED] = "Failed",
	[HQ_RUN_CANCELLED] = "Cancelled",
};

static enum hq_rc
too_large(struct hq_err *err)
{
	return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "it does not fit into memory");
}

/* -------------------------------------------------------------- looking -- */

static struct hq_run_look
look_of(const struct hq_cursor *row, struct hq_arena *a)
{
	return (struct hq_run_look){
		.id = hq_cursor_text(row, COL_ID, a),
		.fn = hq_cursor_text(row, COL_FN, a),
		.event = hq_cursor_text(row, COL_EVENT, a),
		.status = statuses[hq_cursor_i64(row, COL_STATE)],
		.created_ms = hq_cursor_i64(row, COL_CREATED_MS),
		.ended_ms = hq_cursor_is_null(row, COL_ENDED_MS)
		    ? 0
		    : hq_cursor_i64(row, COL_ENDED_MS),
		.output = hq_cursor_text(row, COL_OUTPUT, a),
	};
}

enum hq_rc
hq_run_look(struct hq_db *db, const char *run, struct hq_arena *a,
    struct hq_run_look *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(db, &hq_engine_store, Q_RUN_LOOK, HQ_BIND(hq_text(run)),
	    &row, err));
	if (!hq_cursor_next(&row)) {
		HQ_TRY(hq_cursor_done(&row, err));
		return HQ_FAIL(err, NOT_FOUND, "no run %.40s", run);
	}
	*ret = look_of(&row, a);
	return hq_arena_ok(a) ? HQ_OK : too_large(err);
}

enum hq_rc
hq_runs_look(struct hq_db *db, const char *event, struct hq_arena *a,
    struct hq_run_looks *ret, struct hq_err *err)
{
	struct hq_run_look *v = HQ_NEW(a, struct hq_run_look, HQ_API_RUNS_MAX);
	size_t n = 0;
	HQ_CURSOR(row);

	if (v == NULL)
		return too_large(err);
	HQ_TRY(hq_query(db, &hq_engine_store, Q_RUNS_BY_CAUSE,
	    HQ_BIND(hq_text(event), hq_i64(HQ_API_RUNS_MAX)), &row, err));
	while (n < HQ_API_RUNS_MAX && hq_cursor_next(&row))
		v[n++] = look_of(&row, a);
	if (!hq_arena_ok(a))
		return too_large(err);
	*ret = (struct hq_run_looks){ v, n };
	return n == HQ_API_RUNS_MAX ? HQ_OK : hq_cursor_done(&row, err);
}

enum hq_rc
hq_event_look(struct hq_db *db, const char *event, struct hq_arena *a,
    const char **ret, struct hq_err *err)
{
	struct hq_eng_tx t = { .db = db, .a = a };
	struct hq_eng_event e;
	struct hq_buf b;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(db, &hq_engine_store, Q_EVENT_GET,
	    HQ_BIND(hq_text(event)), &row, err));
	if (!hq_cursor_next(&row)) {
		HQ_TRY(hq_cursor_done(&row, err));
		return HQ_FAIL(err, NOT_FOUND, "no event %.40s", event);
	}
	hq_eng_event_row(&t, &row, &e);
	if (!hq_arena_ok(a))
		return too_large(err);
	hq_buf_init(&b, a);
	hq_eng_event_write(&b, &e);
	*ret = hq_buf_str(&b);
	return hq_arena_ok(a) ? HQ_OK : too_large(err);
}

enum hq_rc
hq_run_events(struct hq_db *db, const char *run, struct hq_arena *a,
    const char **ret, struct hq_err *err)
{
	struct hq_eng_tx t = { .db = db, .a = a };
	struct hq_run_look look;
	const char *one;
	struct hq_buf b;
	bool any;

	hq_buf_init(&b, a);
	hq_buf_putc(&b, '[');
	HQ_TRY(hq_eng_events_write(&t, run, &b, &any, err));
	if (!any) {
		HQ_TRY(hq_run_look(db, run, a, &look, err));
		HQ_TRY(hq_event_look(db, look.event, a, &one, err));
		hq_buf_puts(&b, one);
	}
	hq_buf_putc(&b, ']');
	*ret = hq_buf_str(&b);
	return hq_arena_ok(a) ? HQ_OK : too_large(err);
}

enum hq_rc
hq_run_steps(struct hq_db *db, const char *run, struct hq_arena *a,
    const char **ret, struct hq_err *err)
{
	const char *name, *value;
	size_t n;
	struct hq_buf b;
	HQ_CURSOR(row);

	hq_buf_init(&b, a);
	HQ_TRY(hq_query(db, &hq_engine_store, Q_MEMO_ALL, HQ_BIND(hq_text(run)),
	    &row, err));
	hq_buf_putc(&b, '{');
	while (hq_cursor_next(&row)) {
		name = hq_cursor_peek(&row, 0, &n);
		hq_buf_puts(&b, b.n == 1 ? "\"" : ",\"");
		hq_buf_put(&b, name, n);
		hq_buf_puts(&b, "\":");
		value = hq_cursor_peek(&row, 2, &n);
		hq_buf_put(&b, value, n);
	}
	hq_buf_putc(&b, '}');
	HQ_TRY(hq_cursor_done(&row, err));
	*ret = hq_buf_str(&b);
	return hq_arena_ok(a) ? HQ_OK : too_large(err);
}

/* --------------------------------------------------------------- ending -- */

enum hq_rc
hq_run_cancel(struct hq_db *db, const struct hq_env *env, const char *run,
    struct hq_err *err)
{
	struct hq_eng_tx t = { .db = db, .env = env, .now_ms = hq_now_ms(env) };
	struct hq_eng_run r;
	enum hq_rc rc;
	bool found;

	HQ_ASSERT(hq_db_in_tx(db));
	t.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = hq_eng_run_get(&t, run, &r, &found, err);
	if (rc == HQ_OK && !found)
		rc = HQ_FAIL(err, NOT_FOUND, "no run %.40s", run);
	else if (rc == HQ_OK && r.state != HQ_RUN_OPEN)
		rc = HQ_FAIL(err, CONFLICT, "cannot cancel an ended run");
	else if (rc == HQ_OK)
		rc = hq_eng_cancel(&t, run, err);
	hq_arena_free(t.a);
	return rc;
}

enum hq_rc
hq_app_is_back(struct hq_db *db, const struct hq_env *env, const char *app,
    struct hq_err *err)
{
	HQ_ASSERT(hq_db_in_tx(db));
	return hq_exec(db, &hq_engine_store, Q_JOB_BACK_AGAIN,
	    HQ_BIND(hq_text(app), hq_i64(hq_now_ms(env)), hq_i64(HQ_LANE_APPS),
		hq_i64(HQ_ENGINE_AWAY_MAX_MS)),
	    NULL, err);
}

/* ---------------------------------------------------------- checkpoints -- */

static enum hq_rc
check(const struct hq_checkpoint *c, struct hq_err *err)
{
	if (!json_object_is_type(c->steps, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "steps: not a list");
	if (json_object_array_length(c->steps) > HQ_ENGINE_OPS_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many steps");
	return HQ_OK;
}

/* Is the call the one in flight?  Whoever makes it. */
static enum hq_rc
fence(struct hq_eng_tx *t, struct hq_err *err)
{
	bool held;

	HQ_TRY(hq_eng_held(t, NULL, t->job, &held, err));
	if (!held)
		return HQ_FAIL(err, CONFLICT, "this call is not the run's");
	return HQ_OK;
}

static enum hq_rc
bound(struct hq_eng_tx *t, const char *run, struct hq_err *err)
{
	int64_t n, bytes;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_MEMO_SIZE,
	    HQ_BIND(hq_text(run)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	n = hq_cursor_i64(&row, 0);
	bytes = hq_cursor_i64(&row, 1);
	if (n > HQ_ENGINE_STEPS_MAX || bytes > HQ_ENGINE_STATE_BYTES_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "a run has at most %d steps and %d bytes of state",
		    HQ_ENGINE_STEPS_MAX, HQ_ENGINE_STATE_BYTES_MAX);
	return HQ_OK;
}

static enum hq_rc
record(struct hq_eng_tx *t, const struct hq_checkpoint *c, struct hq_err *err)
{
	size_t i, bytes, n = json_object_array_length(c->steps);
	const char *wrong;

	for (i = 0; i < n; i++) {
		HQ_TRY(
		    hq_eng_checkpoint(t, json_object_array_get_idx(c->steps, i),
			&wrong, &bytes, err));
		if (wrong != NULL)
			return HQ_FAIL(err, BAD_REQUEST, "steps[%zu]: %s", i,
			    wrong);
	}
	return HQ_OK;
}

enum hq_rc
hq_run_checkpoint(struct hq_db *db, const struct hq_env *env,
    const struct hq_checkpoint *c, struct hq_arena *a, struct hq_err *err)
{
	struct hq_eng_job job = { .run = c->run,
		.step = HQ_ENG_DISCOVERY,
		.generation = c->generation,
		.discovery = true };
	struct hq_eng_tx t = { .db = db,
		.env = env,
		.a = a,
		.now_ms = hq_now_ms(env),
		.state_bytes_max = HQ_ENGINE_STATE_BYTES_MAX,
		.job = &job };

	HQ_ASSERT(hq_db_in_tx(db));
	HQ_TRY(check(c, err));
	HQ_TRY(fence(&t, err));
	HQ_TRY(record(&t, c, err));
	HQ_TRY(bound(&t, c->run, err));
	if (!job.again)
		return HQ_OK;
	return hq_exec(db, &hq_engine_store, Q_JOB_TOLD,
	    HQ_BIND(hq_text(c->run), hq_text(HQ_ENG_DISCOVERY)), NULL, err);
}

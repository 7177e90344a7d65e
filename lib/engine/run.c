/*
 * Runs: how they start, what they remember.
 */
#include <string.h>

#include "engine/inside.h"

void
hq_eng_count(struct hq_eng_tx *t, enum hq_engine_count what, int64_t n)
{
	if (t->counts != NULL)
		t->counts[what] += n;
}

enum hq_rc
hq_eng_seen(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err)
{
	if (s->seen_key == NULL)
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_SEEN_KEEP,
	    HQ_BIND(hq_text(s->seen_key), hq_text(s->fn->slug),
		hq_i64(t->now_ms)),
	    NULL, err);
}

enum hq_rc
hq_eng_was_seen(struct hq_eng_tx *t, const struct hq_eng_start *s, bool *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = false;
	if (s->seen_key == NULL)
		return HQ_OK;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_SEEN_HAS,
	    HQ_BIND(hq_text(s->seen_key), hq_text(s->fn->slug),
		hq_i64(t->now_ms - HQ_ENGINE_DAY_MS)),
	    &row, err));
	*ret = hq_cursor_next(&row);
	return *ret ? HQ_OK : hq_cursor_done(&row, err);
}

static struct hq_val
key_or_null(const char *key)
{
	return key[0] == '\0' ? hq_null() : hq_text(key);
}

static enum hq_rc
put_keys(struct hq_eng_tx *t, const char *run, const struct hq_eng_keys *k,
    struct hq_err *err)
{
	if (k == NULL || (k->single[0] == '\0' && k->gates == NULL))
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_JOB_KEYS,
	    HQ_BIND(hq_text(run), key_or_null(k->single), hq_text(k->gates)),
	    NULL, err);
}

/* When its first call is due. */
static int64_t
due_ms(const struct hq_eng_tx *t, const struct hq_eng_start *s)
{
	const struct hq_eng_event *e = s->event;

	/* Ahead of the clock that it came by. */
	if (e->ts_ms > e->received_ms + HQ_ENGINE_FUTURE_MS &&
	    e->ts_ms > t->now_ms)
		return e->ts_ms;
	return t->now_ms - s->ahead_ms;
}

static enum hq_rc
add_run(struct hq_eng_tx *t, const struct hq_eng_start *s, const char *id,
    struct hq_err *err)
{
	const char *key =
	    s->seen_key != NULL ? s->seen_key : s->event->client_id;

	hq_eng_count(t, HQ_COUNT_STARTED, 1);
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_RUN_ADD,
	    HQ_BIND(hq_text(id), hq_text(s->fn->slug), hq_text(s->event->id),
		hq_text(s->invoker), hq_i64(t->now_ms)),
	    NULL, err));
	if (s->batch != NULL)
		HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_BATCH_OWN,
		    HQ_BIND(hq_text(s->batch), hq_text(id)), NULL, err));
	if (key == NULL)
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_SEEN_ADD,
	    HQ_BIND(hq_text(id), hq_text(key)), NULL, err);
}

enum hq_rc
hq_eng_run_start(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err)
{
	struct hq_eng_armed armed = { .fn = s->fn, .due_ms = due_ms(t, s) };
	char id[HQ_ULID_BYTES];
	bool seen;

	HQ_TRY(hq_eng_was_seen(t, s, &seen, err));
	if (seen)
		return HQ_OK;
	hq_ulid(t->env, id);
	HQ_TRY(add_run(t, s, id, err));
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_PLAN,
	    HQ_BIND(hq_text(id), hq_text(HQ_ENG_DISCOVERY), hq_i64(HQ_JOB_CALL),
		hq_i64(s->fn->foreign ? HQ_LANE_APPS : HQ_LANE_NORMAL),
		hq_i64(armed.due_ms), hq_i64(s->fn->max_attempts), hq_i64(0),
		hq_null(), hq_null(), hq_i64(t->now_ms), hq_i64(0), hq_text(""),
		hq_text("")),
	    NULL, err));
	if (s->fn->options == NULL)
		return HQ_OK;
	HQ_TRY(put_keys(t, id, s->keys, err));
	armed.run = id;
	if (armed.due_ms < t->now_ms)
		armed.due_ms = t->now_ms;
	return hq_eng_arm(t, &armed, err);
}

enum hq_rc
hq_eng_run_get(struct hq_eng_tx *t, const char *id, struct hq_eng_run *ret,
    bool *ret_found, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_RUN_GET,
	    HQ_BIND(hq_text(id)), &row, err));
	*ret_found = hq_cursor_next(&row);
	if (!*ret_found)
		return hq_cursor_done(&row, err);
	ret->id = id;
	ret->fn = hq_cursor_text(&row, 0, t->a);
	ret->event = hq_cursor_text(&row, 1, t->a);
	ret->invoker = hq_cursor_text(&row, 2, t->a);
	ret->state = (int)hq_cursor_i64(&row, 3);
	ret->req_version = (int)hq_cursor_i64(&row, 4);
	ret->force_plan = hq_cursor_i64(&row, 5) != 0;
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	return HQ_OK;
}

/* -------------------------------------------------------------- memory -- */

/* Have the run look further: now, or once its discovery is back. */
static enum hq_rc
discover(struct hq_eng_tx *t, const char *run, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;

	if (j != NULL && j->discovery && strcmp(j->run, run) == 0) {
		j->again = true;
		return HQ_OK;
	}
	return hq_exec(t->db, &hq_engine_store, Q_JOB_DISCOVER,
	    HQ_BIND(hq_text(run), hq_i64(t->now_ms)), NULL, err);
}

/* *ret_new is false if there was a value already. */
static enum hq_rc
record(struct hq_eng_tx *t, const char *run, const char *step,
    const char *value, bool *ret_new, struct hq_err *err)
{
	int changes;

	if (!hq_arena_ok(t->a)) /* the value may be cut */
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "step too large");
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_MEMO_ADD,
	    HQ_BIND(hq_text(run), hq_text(step), hq_text(value)), &changes,
	    err));
	*ret_new = changes > 0;
	hq_eng_count(t, HQ_COUNT_STEPS, changes);
	return HQ_OK;
}

enum hq_rc
hq_eng_memo(struct hq_eng_tx *t, const char *run, const char *step,
    const char *value, struct hq_err *err)
{
	bool is_new;

	HQ_TRY(record(t, run, step, value, &is_new, err));
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_DROP,
	    HQ_BIND(hq_text(run), hq_text(step)), NULL, err));
	return is_new ? discover(t, run, err) : HQ_OK;
}

enum hq_rc
hq_eng_memo_error(struct hq_eng_tx *t, const char *run, const char *step,
    const char *error, struct hq_err *err)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_buf_puts(&b, "{\"error\":");
	hq_buf_puts(&b, error);
	hq_buf_putc(&b, '}');
	return hq_eng_memo(t, run, step, hq_buf_str(&b), err);
}

/* --------------------------------------------------------------- texts -- */

const char *
hq_eng_text(struct hq_eng_tx *t, struct json_object *v)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_json_write(&b, v);
	return hq_buf_str(&b);
}

const char *
hq_eng_error(struct hq_eng_tx *t, const char *name, const char *message)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_buf_puts(&b, "{\"message\":");
	hq_json_write_string(&b, message);
	hq_buf_puts(&b, ",\"name\":");
	hq_json_write_string(&b, name);
	hq_buf_putc(&b, '}');
	return hq_buf_str(&b);
}

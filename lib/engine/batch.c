/*
 * Events that start a function together.  They stand in engine_batch under the
 * batch's key until there are enough or its time has come (wake.c); then, in the
 * same transaction, a run is made and they stand under its id, and go with it.
 */
#include <string.h>

#include "engine/inside.h"

/* What a batch holds so far. */
struct batch {
	int64_t n, bytes;
	const char *fn, *event; /* of the first one */
};

static enum hq_rc
find(struct hq_eng_tx *t, const char *key, struct batch *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = (struct batch){ 0 };
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_BATCH_ALL,
	    HQ_BIND(hq_text(key)), &row, err));
	for (; hq_cursor_next(&row); ret->n++) {
		if (ret->n == 0) {
			ret->fn = hq_cursor_text(&row, 0, t->a);
			ret->event = hq_cursor_text(&row, 1, t->a);
		}
		ret->bytes += hq_cursor_i64(&row, 2);
	}
	HQ_TRY(hq_cursor_done(&row, err));
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "event too large");
	return HQ_OK;
}

/* ------------------------------------------------------------- invokers -- */

/* Those of the rows of q, which names a batch by $1. */
static enum hq_rc
invokers(struct hq_eng_tx *t, size_t q, const char *owner, struct hq_buf *ret,
    struct hq_err *err)
{
	const char *s;
	HQ_CURSOR(row);

	hq_buf_init(ret, t->a);
	HQ_TRY(hq_query(t->db, &hq_engine_store, q, HQ_BIND(hq_text(owner)),
	    &row, err));
	while (hq_cursor_next(&row)) {
		s = hq_cursor_text(&row, 0, t->a);
		if (s != NULL)
			hq_buf_put(ret, &s, sizeof(s));
	}
	return hq_cursor_done(&row, err);
}

static enum hq_rc
tell_all(struct hq_eng_tx *t, const struct hq_buf *list,
    enum hq_run_state state, const char *output, struct hq_err *err)
{
	const char *s;
	size_t at;

	for (at = 0; at < list->n; at += sizeof(s)) {
		memcpy(&s, list->p + at, sizeof(s));
		HQ_TRY(hq_eng_tell_invoker(t, s, state, output, err));
	}
	return HQ_OK;
}

enum hq_rc
hq_eng_batch_ended(struct hq_eng_tx *t, const char *run,
    enum hq_run_state state, const char *output, struct hq_err *err)
{
	struct hq_buf list;

	HQ_TRY(invokers(t, Q_BATCH_INVOKERS, run, &list, err));
	return tell_all(t, &list, state, output, err);
}

/* ------------------------------------------------------------- starting -- */

/* What is left of it started no run. */
static enum hq_rc
drop_rest(struct hq_eng_tx *t, const char *key, const char *why,
    struct hq_err *err)
{
	struct hq_buf list;

	HQ_TRY(invokers(t, Q_BATCH_DROP, key, &list, err));
	return tell_all(t, &list, HQ_RUN_FAILED, hq_eng_error(t, "Error", why),
	    err);
}

enum hq_rc
hq_eng_batch_drop(struct hq_eng_tx *t, const char *key, const char *why,
    struct hq_err *err)
{
	HQ_TRY(hq_eng_wake_drop(t, key, err));
	return drop_rest(t, key, why, err);
}

enum hq_rc
hq_eng_batch_wake(struct hq_eng_tx *t, const char *key, struct hq_err *err)
{
	struct hq_eng_event e;
	struct hq_eng_start s = { .event = &e,
		.batch = key,
		.invoker = HQ_ENG_INVOKERS };
	struct batch b;

	HQ_TRY(find(t, key, &b, err));
	s.fn = b.n == 0 ? NULL : hq_fns_find(t->fns, b.fn);
	if (s.fn == NULL || s.fn->archived)
		return hq_eng_batch_drop(t, key, "invoked function is removed",
		    err);
	HQ_TRY(hq_eng_event_get(t, b.event, &e, err));
	HQ_TRY(hq_eng_admit_batch(t, &s, err));
	return hq_eng_batch_drop(t, key, "invoked function is not started",
	    err);
}

enum hq_rc
hq_eng_batch(struct hq_eng_tx *t, const struct hq_eng_start *s, const char *key,
    struct hq_err *err)
{
	const struct hq_fn_batch *o = &s->fn->options->batch;
	int64_t bytes = (int64_t)strlen(s->event->data);
	struct batch b;

	HQ_TRY(hq_eng_seen(t, s, err));
	HQ_TRY(find(t, key, &b, err));
	if (b.n > 0 && b.bytes + bytes > HQ_ENGINE_EVENT_BYTES_MAX) {
		HQ_TRY(hq_eng_wake_now(t, key, err));
		b = (struct batch){ 0 };
	}
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_BATCH_ADD,
	    HQ_BIND(hq_text(key), hq_i64(b.n), hq_text(s->fn->slug),
		hq_text(s->event->id), hq_text(s->invoker), hq_i64(bytes)),
	    NULL, err));
	if (b.n + 1 >= o->size)
		return hq_eng_wake_now(t, key, err);
	return b.n > 0 ? HQ_OK
		       : hq_eng_wake_at(t, key, t->now_ms + o->timeout_ms, err);
}

/* --------------------------------------------------------------- events -- */

enum hq_rc
hq_eng_events_write(struct hq_eng_tx *t, const char *run, struct hq_buf *b,
    bool *ret_any, struct hq_err *err)
{
	struct hq_eng_event e;
	HQ_CURSOR(row);

	*ret_any = false;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_BATCH_EVENTS,
	    HQ_BIND(hq_text(run)), &row, err));
	while (hq_cursor_next(&row)) {
		hq_eng_event_row(t, &row, &e);
		if (!hq_arena_ok(t->a))
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "out of memory");
		if (*ret_any)
			hq_buf_putc(b, ',');
		hq_eng_event_write(b, &e);
		*ret_any = true;
	}
	return hq_cursor_done(&row, err);
}

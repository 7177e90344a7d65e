/*
 * Events that start a function when no other has come for a while: the last one
 * does.  One row for each value of the key, and a time of that name (wake.c); both
 * are gone in the transaction that starts the run.
 */
#include <string.h>

#include "engine/inside.h"

/* A row of engine_debounce. */
struct pending {
	bool any;
	const char *fn, *event, *invoker; /* invoker: or NULL */
	int64_t until_ms;
};

static enum hq_rc
find(struct hq_eng_tx *t, const char *key, struct pending *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = (struct pending){ 0 };
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_DEBOUNCE_GET,
	    HQ_BIND(hq_text(key)), &row, err));
	ret->any = hq_cursor_next(&row);
	if (!ret->any)
		return hq_cursor_done(&row, err);
	ret->fn = hq_cursor_text(&row, 0, t->a);
	ret->event = hq_cursor_text(&row, 1, t->a);
	ret->invoker = hq_cursor_text(&row, 2, t->a);
	ret->until_ms = hq_cursor_i64(&row, 3);
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "event too large");
	return HQ_OK;
}

enum hq_rc
hq_eng_debounce(struct hq_eng_tx *t, const struct hq_eng_start *s,
    const char *key, struct hq_err *err)
{
	const struct hq_fn_debounce *d = &s->fn->options->debounce;
	int64_t due_ms = t->now_ms + d->period_ms;
	struct pending p;

	HQ_TRY(hq_eng_seen(t, s, err));
	HQ_TRY(find(t, key, &p, err));
	if (!p.any)
		p.until_ms =
		    d->timeout_ms == 0 ? INT64_MAX : t->now_ms + d->timeout_ms;
	else if (p.invoker != NULL)
		HQ_TRY(hq_eng_tell_invoker(t, p.invoker, HQ_RUN_FAILED,
		    hq_eng_error(t, "Error", "invoked function is debounced"),
		    err));
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_DEBOUNCE_SET,
	    HQ_BIND(hq_text(key), hq_text(s->fn->slug), hq_text(s->event->id),
		hq_text(s->invoker), hq_i64(p.until_ms)),
	    NULL, err));
	return hq_eng_wake_at(t, key, due_ms < p.until_ms ? due_ms : p.until_ms,
	    err);
}

static enum hq_rc
forget(struct hq_eng_tx *t, const char *key, struct hq_err *err)
{
	HQ_TRY(hq_eng_wake_drop(t, key, err));
	return hq_exec(t->db, &hq_engine_store, Q_DEBOUNCE_DROP,
	    HQ_BIND(hq_text(key)), NULL, err);
}

enum hq_rc
hq_eng_debounce_drop(struct hq_eng_tx *t, const char *key, const char *why,
    struct hq_err *err)
{
	struct pending p;

	HQ_TRY(find(t, key, &p, err));
	HQ_TRY(forget(t, key, err));
	if (p.invoker == NULL)
		return HQ_OK;
	return hq_eng_tell_invoker(t, p.invoker, HQ_RUN_FAILED,
	    hq_eng_error(t, "Error", why), err);
}

enum hq_rc
hq_eng_debounce_wake(struct hq_eng_tx *t, const char *key, struct hq_err *err)
{
	struct hq_eng_event e;
	struct hq_eng_start s = { .event = &e };
	struct pending p;

	HQ_TRY(find(t, key, &p, err));
	s.fn = p.any ? hq_fns_find(t->fns, p.fn) : NULL;
	if (s.fn == NULL || s.fn->archived)
		return hq_eng_debounce_drop(t, key,
		    "invoked function is removed", err);
	s.invoker = p.invoker;
	HQ_TRY(hq_eng_event_get(t, p.event, &e, err));
	HQ_TRY(hq_eng_admit_late(t, &s, err));
	return forget(t, key, err);
}

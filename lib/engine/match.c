/*
 * What an event does: it resumes the waits and starts the functions that ask
 * for it.  An expression that fails is not true.
 */
#include <string.h>

#include "engine/inside.h"

struct wait {
	const char *run, *step;
	const char *expression; /* or NULL */
	int64_t armed_ms;
	const char *cause; /* event that started the run */
};

static bool
is_true(struct hq_eng_tx *t, const struct hq_expr *x, struct json_object *vars)
{
	struct json_object *v;

	return hq_expr_eval(x, vars, t->a, &v, NULL) == HQ_OK &&
	    hq_expr_true(v);
}

/* {event: cause, async: event}; async may be NULL. */
static enum hq_rc
variables(struct hq_eng_tx *t, struct json_object *event,
    struct json_object *async, struct json_object **ret, struct hq_err *err)
{
	struct json_object *vars = json_object_new_object();

	hq_json_put(vars, "event", json_object_get(event));
	if (async != NULL)
		hq_json_put(vars, "async", json_object_get(async));
	*ret = vars;
	return hq_json_own(t->a, vars, err);
}

/* --------------------------------------------------------------- waits -- */

static enum hq_rc
wait_is_met(struct hq_eng_tx *t, const struct wait *w,
    const struct hq_eng_event *e, bool *ret, struct hq_err *err)
{
	struct json_object *event, *async, *vars;
	struct hq_eng_event cause;
	const struct hq_expr *x;

	*ret = false;
	if (strcmp(w->cause, e->id) == 0 ||
	    e->received_ms < w->armed_ms - HQ_ENGINE_WAIT_SLACK_MS)
		return HQ_OK;
	if (w->expression == NULL) {
		*ret = true;
		return HQ_OK;
	}
	HQ_TRY(hq_eng_event_get(t, w->cause, &cause, err));
	HQ_TRY(hq_eng_event_value(t, &cause, &event, err));
	HQ_TRY(hq_eng_event_value(t, e, &async, err));
	HQ_TRY(variables(t, event, async, &vars, err));
	if (hq_expr_parse(t->a, w->expression, &x, NULL, NULL) == HQ_OK)
		*ret = is_true(t, x, vars);
	return HQ_OK;
}

/* The waits for this name, collected: resuming one changes the table. */
static enum hq_rc
waits_for(struct hq_eng_tx *t, const char *name, struct hq_buf *b,
    struct hq_err *err)
{
	struct wait w;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_WAITS,
	    HQ_BIND(hq_text(name)), &row, err));
	while (hq_cursor_next(&row)) {
		w.run = hq_cursor_text(&row, 0, t->a);
		w.step = hq_cursor_text(&row, 1, t->a);
		w.expression = hq_cursor_text(&row, 2, t->a);
		w.armed_ms = hq_cursor_i64(&row, 3);
		w.cause = hq_cursor_text(&row, 4, t->a);
		hq_buf_put(b, &w, sizeof(w));
	}
	return hq_cursor_done(&row, err);
}

static enum hq_rc
resume_waits(struct hq_eng_tx *t, const struct hq_eng_event *e,
    struct hq_err *err)
{
	struct hq_buf found, value;
	struct wait w;
	size_t at;
	bool met;

	hq_buf_init(&found, t->a);
	HQ_TRY(waits_for(t, e->name, &found, err));
	if (found.n == 0)
		return HQ_OK;
	hq_buf_init(&value, t->a);
	hq_eng_event_write(&value, e);
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "too many waits for event %s", e->name);
	for (at = 0; at < found.n; at += sizeof(w)) {
		memcpy(&w, found.p + at, sizeof(w));
		HQ_TRY(wait_is_met(t, &w, e, &met, err));
		if (met)
			HQ_TRY(hq_eng_memo(t, w.run, w.step, hq_buf_str(&value),
			    err));
	}
	return HQ_OK;
}

/* ----------------------------------------------------------- looking back -- */

static int64_t
fixed_now(void *ctx)
{
	return *(int64_t *)ctx;
}

static void
zeros(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0, n);
}

/* The least id that an event of this time can have. */
static void
first_id(int64_t ms, char out[HQ_ULID_BYTES])
{
	const struct hq_env then = { .ctx = &ms,
		.now_ms = fixed_now,
		.mono_ms = fixed_now,
		.random = zeros };

	if (ms < 0)
		ms = 0;
	hq_ulid(&then, out);
}

/* *ret_value: the event that meets the wait, in `keep`; NULL if none does. */
static enum hq_rc
find_past(struct hq_eng_tx *t, const struct hq_eng_wait *past, struct wait *w,
    struct hq_arena *keep, const char **ret_value, struct hq_err *err)
{
	char from[HQ_ULID_BYTES];
	struct hq_eng_event e;
	struct hq_buf value;
	bool met = false;
	HQ_CURSOR(row);

	first_id(past->since_ms - HQ_ENGINE_WAIT_SLACK_MS, from);
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_EVENTS_SINCE,
	    HQ_BIND(hq_text(from), hq_text(past->event),
		hq_i64(past->since_ms)),
	    &row, err));
	while (!met && hq_cursor_next(&row)) {
		hq_arena_reset(t->a);
		hq_eng_event_row(t, &row, &e);
		HQ_TRY(wait_is_met(t, w, &e, &met, err));
	}
	*ret_value = NULL;
	if (!met)
		return hq_cursor_done(&row, err);
	hq_buf_init(&value, keep);
	hq_eng_event_write(&value, &e);
	*ret_value = hq_buf_str(&value);
	return HQ_OK;
}

enum hq_rc
hq_eng_look_back(struct hq_eng_tx *t, const struct hq_eng_wait *past,
    struct hq_err *err)
{
	struct wait w = { .run = past->run,
		.step = past->step,
		.expression = past->expression,
		.armed_ms = past->since_ms };
	struct hq_eng_tx each = *t; /* memory of one event after the other */
	struct hq_eng_run run;
	const char *value;
	enum hq_rc rc;
	bool found;

	HQ_TRY(hq_eng_run_get(t, past->run, &run, &found, err));
	HQ_ASSERT(found);
	w.cause = run.event;
	each.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = find_past(&each, past, &w, t->a, &value, err);
	hq_arena_free(each.a);
	if (rc != HQ_OK || value == NULL)
		return rc;
	return hq_eng_memo(t, past->run, past->step, value, err);
}

/* ----------------------------------------------------------- functions -- */

/* vars is made when the first expression needs it. */
static enum hq_rc
wants(struct hq_eng_tx *t, const struct hq_fn *f, const struct hq_eng_event *e,
    struct json_object **vars, bool *ret, struct hq_err *err)
{
	const struct hq_fn_trigger *g;
	struct json_object *event;

	*ret = false;
	for (g = f->triggers; g < f->triggers + f->n_triggers; g++) {
		if (g->event == NULL || !hq_trigger_matches(g->event, e->name))
			continue;
		if (g->parsed != NULL && *vars == NULL) {
			HQ_TRY(hq_eng_event_value(t, e, &event, err));
			HQ_TRY(variables(t, event, NULL, vars, err));
		}
		if (g->parsed == NULL || is_true(t, g->parsed, *vars)) {
			*ret = true;
			return HQ_OK;
		}
	}
	return HQ_OK;
}

enum hq_rc
hq_eng_match(struct hq_eng_tx *t, const struct hq_eng_event *e,
    struct hq_err *err)
{
	struct hq_eng_start start = { .event = e, .seen_key = e->client_id };
	struct json_object *vars = NULL;
	bool wanted;
	size_t i;

	HQ_TRY(resume_waits(t, e, err));
	for (i = 0; i < t->fns->n; i++) {
		start.fn = &t->fns->v[i];
		if (start.fn->archived)
			continue;
		HQ_TRY(wants(t, start.fn, e, &vars, &wanted, err));
		if (wanted)
			HQ_TRY(hq_eng_run_start(t, &start, err));
	}
	return HQ_OK;
}

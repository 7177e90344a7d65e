/*
 * What an event does: it resumes the waits and starts the functions that ask
 * for it.  An expression that fails is not true.
 */
#include <string.h>

#include "base/log.h"
#include "engine/inside.h"
#include "json/value.h"

struct wait {
	const char *run, *step;
	const char *expression; /* or NULL */
	int kind;               /* enum hq_job_kind */
	int64_t heard_ms;       /* how far events had come when it was armed */
	const char *cause;      /* event that started the run */
};

/* Waits that are looked at together; a full page is followed by another. */
enum { WAITS_PAGE = 64 };

struct wait_page {
	struct hq_arena *a;
	struct wait v[WAITS_PAGE];
	size_t n;
	char
	    run[HQ_ULID_BYTES]; /* the last one's: the next page begins there */
	char step[HQ_ENGINE_STEP_ID_MAX + 1];
};

static bool
is_true(struct hq_eng_tx *t, const struct hq_expr *x, struct json_object *vars)
{
	struct json_object *v;

	return hq_expr_eval(x, vars, t->a, &v, NULL) == HQ_OK &&
	    hq_expr_true(v);
}

/* --------------------------------------------------------------- waits -- */

static enum hq_rc
evaluate(struct hq_eng_tx *t, const struct wait *w, struct json_object *async,
    bool *ret, struct hq_err *err)
{
	struct json_object *event, *vars;
	struct hq_eng_event cause;
	const struct hq_expr *x;

	HQ_TRY(hq_eng_event_get(t, w->cause, &cause, err));
	HQ_TRY(hq_eng_event_value(t, &cause, &event, err));
	HQ_TRY(hq_eng_event_vars(t, event, async, &vars, err));
	if (hq_expr_parse(t->a, w->expression, &x, NULL, NULL) == HQ_OK)
		*ret = is_true(t, x, vars);
	return HQ_OK;
}

/* What cancels a run comes behind its cause, in the order of the events. */
static bool
is_young(const struct wait *w, const struct hq_eng_event *e)
{
	int order = strcmp(e->id, w->cause);

	if (w->kind == HQ_JOB_CANCEL)
		return order > 0;
	return order != 0 &&
	    hq_ulid_ms(e->id) >= w->heard_ms - HQ_ENGINE_WAIT_SLACK_MS;
}

/*
 * t->a is this wait's alone: an expression that does not get by with it is not
 * true either.
 */
static enum hq_rc
wait_is_met(struct hq_eng_tx *t, const struct wait *w,
    struct hq_eng_arrival *in, bool *ret, struct hq_err *err)
{
	enum hq_rc rc;

	*ret = false;
	if (!is_young(w, in->e))
		return HQ_OK;
	if (w->expression == NULL) {
		*ret = true;
		return HQ_OK;
	}
	HQ_TRY(hq_eng_arrival_parse(in, err));
	rc = evaluate(t, w, in->value, ret, err);
	if (rc != HQ_OK && !hq_arena_ok(t->a)) {
		*ret = false;
		return HQ_OK;
	}
	return rc;
}

/* The next waits for this name, of this pin: resuming one changes the table. */
static enum hq_rc
waits_for(struct hq_eng_tx *t, const char *name, const struct hq_eng_pin *pin,
    struct wait_page *p, struct hq_err *err)
{
	struct wait *w;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_WAITS,
	    HQ_BIND(hq_text(name), hq_text(pin->path), hq_text(pin->value),
		hq_text(p->run), hq_text(p->step), hq_i64(WAITS_PAGE)),
	    &row, err));
	hq_arena_reset(p->a);
	for (p->n = 0; p->n < WAITS_PAGE && hq_cursor_next(&row); p->n++) {
		w = &p->v[p->n];
		w->run = hq_cursor_text(&row, 0, p->a);
		w->step = hq_cursor_text(&row, 1, p->a);
		w->expression = hq_cursor_text(&row, 2, p->a);
		w->heard_ms = hq_cursor_i64(&row, 3);
		w->cause = hq_cursor_text(&row, 4, p->a);
		w->kind = (int)hq_cursor_i64(&row, 5);
	}
	HQ_ASSERT(hq_arena_ok(p->a)); /* expressions are short */
	if (p->n < WAITS_PAGE)
		return hq_cursor_done(&row, err);
	w = &p->v[p->n - 1];
	HQ_ASSERT(strlen(w->run) < sizeof(p->run) &&
	    strlen(w->step) < sizeof(p->step));
	memcpy(p->run, w->run, strlen(w->run) + 1);
	memcpy(p->step, w->step, strlen(w->step) + 1);
	return HQ_OK;
}

static enum hq_rc
resume(struct hq_eng_tx *each, const struct wait *w,
    const struct hq_eng_event *e, struct hq_err *err)
{
	struct hq_buf value;

	if (w->kind == HQ_JOB_CANCEL)
		return hq_eng_cancel(each, w->run, err);
	hq_buf_init(&value, each->a);
	hq_eng_event_write(&value, e);
	return hq_eng_memo(each, w->run, w->step, hq_buf_str(&value), err);
}

static enum hq_rc
resume_page(struct hq_eng_tx *each, const struct wait_page *p,
    struct hq_eng_arrival *in, struct hq_err *err)
{
	size_t i;
	bool met;

	for (i = 0; i < p->n; i++) {
		hq_arena_reset(each->a);
		HQ_TRY(wait_is_met(each, &p->v[i], in, &met, err));
		if (!met)
			continue;
		hq_arena_reset(each->a);
		HQ_TRY(resume(each, &p->v[i], in->e, err));
	}
	return HQ_OK;
}

static enum hq_rc
resume_pinned(struct hq_eng_tx *each, struct hq_eng_arrival *in,
    const struct hq_eng_pin *pin, struct hq_err *err)
{
	struct wait_page p = { .n = WAITS_PAGE };
	enum hq_rc rc = HQ_OK;

	p.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	while (rc == HQ_OK && p.n == WAITS_PAGE) {
		rc = waits_for(in->t, in->e->name, pin, &p, err);
		if (rc == HQ_OK)
			rc = resume_page(each, &p, in, err);
	}
	hq_arena_free(p.a);
	return rc;
}

/* Behind `path`, in t->a; NULL: there is no other. */
static enum hq_rc
next_path(struct hq_eng_tx *t, const char *name, const char *path,
    const char **ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = NULL;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_WAIT_PATH,
	    HQ_BIND(hq_text(name), hq_text(path)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_text(&row, 0, t->a);
	return HQ_OK;
}

/*
 * Those that any event may meet, and of the others those that pin down what
 * this one has: waits for an answer to one question of thousands do not look at
 * the answers to the others.
 */
static enum hq_rc
resume_waits(struct hq_eng_tx *each, struct hq_eng_arrival *in,
    struct hq_err *err)
{
	struct hq_eng_pin pin = HQ_ENG_NO_PIN;

	HQ_TRY(resume_pinned(each, in, &pin, err));
	for (;;) {
		HQ_TRY(next_path(in->t, in->e->name, pin.path, &pin.path, err));
		if (pin.path == NULL)
			return HQ_OK;
		HQ_TRY(hq_eng_arrival_parse(in, err));
		pin.value = hq_expr_string_at(in->value, pin.path);
		if (pin.value != NULL)
			HQ_TRY(resume_pinned(each, in, &pin, err));
	}
}

/* The value of x as a string, in keep; NULL: it is none.  event: or NULL. */
static enum hq_rc
string_of(struct hq_eng_tx *t, const struct hq_expr *x,
    struct json_object *event, struct hq_arena *keep, const char **ret,
    struct hq_err *err)
{
	struct json_object *vars, *v = NULL;
	const char *s;

	*ret = NULL;
	HQ_TRY(hq_eng_event_vars(t, event, NULL, &vars, err));
	if (hq_expr_eval(x, vars, t->a, &v, NULL) != HQ_OK ||
	    hq_js_type(v) != HQ_JS_STRING)
		return HQ_OK;
	s = json_object_get_string(v);
	if (strlen(s) <= HQ_ENGINE_PIN_BYTES_MAX)
		*ret = hq_arena_copy(keep, s, strlen(s));
	return HQ_OK;
}

/*
 * An event is parsed only for an expression that mentions it: it may be large,
 * and there may be many waits.
 */
static enum hq_rc
pinned_value(struct hq_eng_tx *t, const char *run, const struct hq_expr *x,
    struct hq_arena *keep, const char **ret, struct hq_err *err)
{
	static const char *const none[] = { NULL };
	struct json_object *event = NULL;
	struct hq_eng_event cause;
	struct hq_eng_run r;
	bool found;
	size_t at;

	if (hq_expr_stranger(x, none, &at) == NULL)
		return string_of(t, x, NULL, keep, ret, err);
	HQ_TRY(hq_eng_run_get(t, run, &r, &found, err));
	HQ_ASSERT(found);
	HQ_TRY(hq_eng_event_get(t, r.event, &cause, err));
	HQ_TRY(hq_eng_event_value(t, &cause, &event, err));
	return string_of(t, x, event, keep, ret, err);
}

enum hq_rc
hq_eng_pin_of(struct hq_eng_tx *t, const char *run, const struct hq_expr *x,
    struct hq_eng_pin *ret, struct hq_err *err)
{
	struct hq_eng_tx own = *t; /* its memory: the event is given back */
	const char *path, *value = NULL;
	enum hq_rc rc;

	*ret = HQ_ENG_NO_PIN;
	x = hq_expr_pin(x, "async", t->a, &path);
	if (x == NULL || strlen(path) > HQ_ENGINE_PIN_BYTES_MAX)
		return HQ_OK;
	own.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = pinned_value(&own, run, x, t->a, &value, err);
	if (rc != HQ_OK && !hq_arena_ok(own.a))
		rc = HQ_OK; /* it is looked at for every event, then */
	hq_arena_free(own.a);
	if (rc == HQ_OK && value != NULL)
		*ret = (struct hq_eng_pin){ path, value };
	return rc;
}

/* ----------------------------------------------------------- looking back -- */

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

	hq_ulid_least(past->since_ms, from);
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_EVENTS_SINCE,
	    HQ_BIND(hq_text(past->event), hq_text(from)), &row, err));
	while (!met && hq_cursor_next(&row)) {
		hq_arena_reset(t->a);
		hq_eng_event_row(t, &row, &e);
		HQ_TRY(wait_is_met(t, w,
		    &(struct hq_eng_arrival){ .t = t, .e = &e }, &met, err));
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
		.kind = HQ_JOB_WAIT,
		.expression = past->expression,
		.heard_ms = past->since_ms };
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

static enum hq_rc
wants(struct hq_eng_tx *each, const struct hq_fn *f, struct hq_eng_arrival *in,
    bool *ret, struct hq_err *err)
{
	const struct hq_fn_trigger *g;

	*ret = false;
	for (g = f->triggers; g < f->triggers + f->n_triggers; g++) {
		if (g->event == NULL ||
		    !hq_trigger_matches(g->event, in->e->name))
			continue;
		if (g->parsed != NULL)
			HQ_TRY(hq_eng_arrival_vars(in, err));
		hq_arena_reset(each->a);
		if (g->parsed == NULL || is_true(each, g->parsed, in->vars)) {
			*ret = true;
			return HQ_OK;
		}
	}
	return HQ_OK;
}

/* What needs too much memory is nobody else's loss. */
static enum hq_rc
admit(struct hq_eng_tx *each, const struct hq_eng_start *s, struct hq_err *err)
{
	enum hq_rc rc;

	hq_arena_reset(each->a);
	rc = hq_eng_admit(each, s, err);
	if (rc == HQ_OK || hq_arena_ok(each->a))
		return rc;
	hq_log(HQ_ERROR, "event_too_large", HQ_LSTR("id", s->event->id),
	    HQ_LSTR("fn", s->fn->slug), HQ_LSTR("why", err->msg),
	    HQ_LSTR("where", err->where));
	return HQ_OK;
}

static enum hq_rc
start_functions(struct hq_eng_tx *each, struct hq_eng_arrival *in,
    struct hq_err *err)
{
	struct hq_eng_start start = { .event = in->e,
		.seen_key = in->e->client_id,
		.arrival = in };
	bool wanted;
	size_t i;

	for (i = 0; i < in->t->fns->n; i++) {
		start.fn = &in->t->fns->v[i];
		if (start.fn->archived)
			continue;
		HQ_TRY(wants(each, start.fn, in, &wanted, err));
		if (wanted)
			HQ_TRY(admit(each, &start, err));
	}
	return HQ_OK;
}

enum hq_rc
hq_eng_match(struct hq_eng_tx *t, const struct hq_eng_event *e,
    struct hq_err *err)
{
	struct hq_eng_arrival in = { .t = t, .e = e };
	struct hq_eng_tx each = *t; /* memory of one wait after the other */
	enum hq_rc rc;

	each.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = resume_waits(&each, &in, err);
	if (rc == HQ_OK)
		rc = start_functions(&each, &in, err);
	t->ended |= each.ended;
	hq_arena_free(each.a);
	return rc;
}

/*
 * Whether an event that a function asks for starts a run of it, and which: the
 * part of a function's options that acts when the event is taken (facts: Inngest,
 * order at ingest).  All of it is in the transaction that takes the event from
 * the inbox, so a death in between leaves it to be taken again.
 *
 * An expression that fails has no value.
 */
#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "engine/inside.h"
#include "engine/rate.h"
#include "json/value.h"

struct admission {
	struct hq_eng_tx *t;
	const struct hq_eng_start *s;
	struct hq_eng_arrival *event; /* what the options are looked up in */
	struct hq_eng_arrival alone;  /* the same, where it is nobody else's */
	struct hq_eng_keys keys;
};

static void
begin(struct admission *in, struct hq_eng_tx *t, const struct hq_eng_start *s)
{
	*in = (struct admission){ .t = t,
		.s = s,
		.alone = { .t = t, .e = s->event } };
	in->event = s->arrival != NULL ? s->arrival : &in->alone;
}

/* *ret_none: there is no such value, or it is false. */
static enum hq_rc
value_of(struct admission *in, const struct hq_expr *x, const char **ret,
    bool *ret_none, struct hq_err *err)
{
	struct json_object *v = NULL;

	*ret = "";
	*ret_none = false;
	if (x == NULL)
		return HQ_OK;
	HQ_TRY(hq_eng_arrival_vars(in->event, err));
	if (hq_expr_eval(x, in->event->vars, in->t->a, &v, NULL) != HQ_OK)
		v = NULL;
	*ret_none = v == NULL ||
	    (json_object_is_type(v, json_type_boolean) &&
		!json_object_get_boolean(v));
	*ret = hq_expr_text(in->t->a, v);
	return HQ_OK;
}

/* What something is remembered by: a letter for what, and a digest. */
static enum hq_rc
digest(struct hq_eng_tx *t, char what, const char *whose, const char *value,
    char out[HQ_ENG_KEY_BYTES], struct hq_err *err)
{
	const char *text = hq_arena_printf(t->a, "%s\n%s", whose, value);

	if (text == NULL || !hq_arena_ok(t->a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "event too large");
	out[0] = what;
	hq_sha1_hex(text, strlen(text), out + 1);
	return HQ_OK;
}

/* A key of the function. */
static enum hq_rc
key_of(struct admission *in, char what, const struct hq_expr *x,
    char out[HQ_ENG_KEY_BYTES], bool *ret_none, struct hq_err *err)
{
	const char *value;

	HQ_TRY(value_of(in, x, &value, ret_none, err));
	return digest(in->t, what, in->s->fn->slug, value, out, err);
}

/*
 * No run comes of it: whoever invoked the function is told; of a batch, by
 * batch.c.
 */
static enum hq_rc
drop(struct admission *in, const char *why, struct hq_err *err)
{
	if (in->s->invoker == NULL || in->s->batch != NULL)
		return HQ_OK;
	return hq_eng_tell_invoker(in->t, in->s->invoker, HQ_RUN_FAILED,
	    hq_eng_error(in->t, "Error", why), err);
}

/* ---------------------------------------------------------------- rates -- */

static enum hq_rc
within_rate(struct admission *in, bool *ret, struct hq_err *err)
{
	const struct hq_fn_rate *r = &in->s->fn->options->rate;
	char key[HQ_ENG_KEY_BYTES];
	int64_t wait_ms;
	bool none;

	*ret = true;
	if (r->limit == 0)
		return HQ_OK;
	HQ_TRY(key_of(in, 'r', r->key, key, &none, err));
	if (none)
		return HQ_OK;
	HQ_TRY(hq_eng_rate_take(in->t, in->s->fn->slug, r, key, &wait_ms, err));
	*ret = wait_ms == 0;
	return HQ_OK;
}

/* ------------------------------------------------------------ singletons -- */

/* The open run of that key, in t->a; or NULL. */
static enum hq_rc
find_single(struct hq_eng_tx *t, const char *key, const char **ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = NULL;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_SINGLE_FIND,
	    HQ_BIND(hq_text(key)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_text(&row, 0, t->a);
	if (*ret == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "event too large");
	return HQ_OK;
}

/* *ret_skip: there is a run that this one would be beside. */
static enum hq_rc
make_single(struct admission *in, bool *ret_skip, struct hq_err *err)
{
	const struct hq_fn_single *single = &in->s->fn->options->single;
	char *key = in->keys.single;
	const char *run;
	bool none;

	*ret_skip = false;
	if (single->mode == HQ_SINGLE_OFF)
		return HQ_OK;
	HQ_TRY(key_of(in, 's', single->key, key, &none, err));
	if (none) {
		key[0] = '\0';
		return HQ_OK;
	}
	HQ_TRY(find_single(in->t, key, &run, err));
	*ret_skip = run != NULL && single->mode == HQ_SINGLE_SKIP;
	if (run == NULL || *ret_skip)
		return HQ_OK;
	return hq_eng_cancel(in->t, run, err);
}

/* ----------------------------------------------------------------- gates -- */

/*
 * Of the function alone, a key for each of its limits; else one for all functions
 * that give the value in that scope.
 */
static enum hq_rc
place_key(struct admission *in, const struct hq_fn_places *p, size_t i,
    char out[HQ_ENG_KEY_BYTES], struct hq_err *err)
{
	static const char letters[] = { [HQ_SCOPE_FN] = 'f',
		[HQ_SCOPE_ENV] = 'e',
		[HQ_SCOPE_ACCOUNT] = 'a' };
	const char *whose = "", *value;
	bool none;

	if (p->scope == HQ_SCOPE_FN)
		whose = hq_arena_printf(in->t->a, "%s %zu", in->s->fn->slug, i);
	HQ_TRY(value_of(in, p->key, &value, &none, err));
	return digest(in->t, letters[p->scope], whose, value, out, err);
}

/* The gates that the run's calls may stand at; a throttle's is the last. */
static enum hq_rc
name_gates(struct admission *in, struct hq_err *err)
{
	const struct hq_fn_options *o = in->s->fn->options;
	char key[HQ_ENG_KEY_BYTES];
	struct hq_buf b;
	bool none;
	size_t i;

	if (o->n_places == 0 && o->throttle.limit == 0)
		return HQ_OK;
	hq_buf_init(&b, in->t->a);
	for (i = 0; i < o->n_places; i++) {
		HQ_TRY(place_key(in, &o->places[i], i, key, err));
		hq_buf_printf(&b, "%s ", key);
	}
	if (o->throttle.limit > 0) {
		HQ_TRY(key_of(in, HQ_ENG_THROTTLE, o->throttle.key, key, &none,
		    err));
		hq_buf_puts(&b, key);
	}
	in->keys.gates = hq_buf_str(&b);
	return HQ_OK;
}

/* ------------------------------------------------------------- priority -- */

static enum hq_rc
ahead(struct admission *in, int64_t *ret_ms, struct hq_err *err)
{
	const struct hq_expr *x = in->s->fn->options->priority;
	struct json_object *v = NULL;
	double s;

	*ret_ms = 0;
	if (x == NULL)
		return HQ_OK;
	HQ_TRY(hq_eng_arrival_vars(in->event, err));
	if (hq_expr_eval(x, in->event->vars, in->t->a, &v, NULL) != HQ_OK ||
	    hq_js_type(v) != HQ_JS_NUMBER)
		return HQ_OK;
	s = json_object_get_double(v);
	if (isnan(s))
		return HQ_OK;
	if (s > HQ_ENGINE_PRIORITY_MAX_S)
		s = HQ_ENGINE_PRIORITY_MAX_S;
	if (s < -HQ_ENGINE_PRIORITY_MAX_S)
		s = -HQ_ENGINE_PRIORITY_MAX_S;
	*ret_ms = (int64_t)s * 1000;
	return HQ_OK;
}

/* ------------------------------------------------------------ admission -- */

enum hq_rc
hq_eng_admit_late(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err)
{
	struct admission in;
	struct hq_eng_start now = *s;
	bool skip;

	if (s->fn->options == NULL)
		return hq_eng_run_start(t, s, err);
	begin(&in, t, s);
	HQ_TRY(make_single(&in, &skip, err));
	if (skip)
		return drop(&in, "invoked function is skipped", err);
	HQ_TRY(name_gates(&in, err));
	HQ_TRY(ahead(&in, &now.ahead_ms, err));
	now.keys = &in.keys;
	return hq_eng_run_start(t, &now, err);
}

static enum hq_rc
debounce(struct admission *in, struct hq_err *err)
{
	char key[HQ_ENG_KEY_BYTES];
	bool none;

	HQ_TRY(key_of(in, HQ_ENG_DEBOUNCE, in->s->fn->options->debounce.key,
	    key, &none, err));
	return hq_eng_debounce(in->t, in->s, key, err);
}

enum hq_rc
hq_eng_admit_batch(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err)
{
	struct admission in;
	struct hq_eng_start late = *s;
	bool within = true;

	begin(&in, t, s);
	if (s->fn->options != NULL)
		HQ_TRY(within_rate(&in, &within, err));
	if (!within)
		return drop(&in, "invoked function is rate limited", err);
	late.arrival = in.event;
	/* A batch has waited: its function may have got other options since. */
	if (s->fn->options != NULL && s->batch == NULL &&
	    s->fn->options->debounce.period_ms > 0)
		return debounce(&in, err);
	return hq_eng_admit_late(t, &late, err);
}

/* *ret_key: "" where the event starts a run alone. */
static enum hq_rc
batch_key(struct admission *in, char ret_key[HQ_ENG_KEY_BYTES],
    struct hq_err *err)
{
	const struct hq_fn_batch *b = &in->s->fn->options->batch;
	struct json_object *v = NULL;
	bool none;

	ret_key[0] = '\0';
	if (b->size == 0)
		return HQ_OK;
	if (b->eligible != NULL) {
		HQ_TRY(hq_eng_arrival_vars(in->event, err));
		if (hq_expr_eval(b->eligible, in->event->vars, in->t->a, &v,
			NULL) != HQ_OK ||
		    !hq_expr_true(v))
			return HQ_OK;
	}
	return key_of(in, HQ_ENG_BATCH, b->key, ret_key, &none, err);
}

enum hq_rc
hq_eng_admit(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err)
{
	struct admission in;
	struct hq_eng_start behind = *s;
	char key[HQ_ENG_KEY_BYTES];
	bool seen;

	if (s->fn->options == NULL)
		return hq_eng_run_start(t, s, err);
	/* An event that is sent again uses up nothing. */
	HQ_TRY(hq_eng_was_seen(t, s, &seen, err));
	if (seen)
		return HQ_OK;
	begin(&in, t, s);
	HQ_TRY(batch_key(&in, key, err));
	if (key[0] != '\0')
		return hq_eng_batch(t, s, key, err);
	behind.arrival = in.event;
	return hq_eng_admit_batch(t, &behind, err);
}

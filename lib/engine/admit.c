/*
 * Whether an event that a function asks for starts a run of it, and which: the
 * part of a function's options that acts when the event is taken (facts: Inngest,
 * order at ingest).  All of it is in the transaction that takes the event from
 * the inbox, so a death in between leaves it to be taken again.
 *
 * An expression that fails has no value.
 */
#include <string.h>

#include "base/digest.h"
#include "engine/inside.h"
#include "engine/rate.h"

/* What a key's value is remembered by: one letter for what, and its digest. */
enum { KEY_BYTES = 1 + HQ_SHA1_HEX_BYTES };

struct admission {
	struct hq_eng_tx *t;
	const struct hq_eng_start *s;
	struct json_object *vars; /* {event}, once made */
};

static enum hq_rc
make_vars(struct admission *in, struct hq_err *err)
{
	struct json_object *event = NULL;

	if (in->vars != NULL)
		return HQ_OK;
	HQ_TRY(hq_eng_event_value(in->t, in->s->event, &event, err));
	return hq_eng_event_vars(in->t, event, NULL, &in->vars, err);
}

/* *ret_none: there is no such value, or it is false. */
static enum hq_rc
key_of(struct admission *in, char what, const struct hq_expr *x,
    char out[KEY_BYTES], bool *ret_none, struct hq_err *err)
{
	struct json_object *v = NULL;
	const char *text = "";

	*ret_none = false;
	if (x != NULL) {
		HQ_TRY(make_vars(in, err));
		if (hq_expr_eval(x, in->vars, in->t->a, &v, NULL) != HQ_OK)
			v = NULL;
		*ret_none = v == NULL ||
		    (json_object_is_type(v, json_type_boolean) &&
			!json_object_get_boolean(v));
		text = hq_expr_text(in->t->a, v);
	}
	if (!hq_arena_ok(in->t->a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "event too large");
	out[0] = what;
	hq_sha1_hex(text, strlen(text), out + 1);
	return HQ_OK;
}

/* No run comes of it: whoever invoked the function is told. */
static enum hq_rc
drop(struct admission *in, const char *why, struct hq_err *err)
{
	if (in->s->invoker == NULL)
		return HQ_OK;
	return hq_eng_tell_invoker(in->t, in->s->invoker, HQ_RUN_FAILED,
	    hq_eng_error(in->t, "Error", why), err);
}

static enum hq_rc
was_seen(struct admission *in, bool *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = false;
	if (in->s->seen_key == NULL)
		return HQ_OK;
	HQ_TRY(hq_query(in->t->db, &hq_engine_store, Q_SEEN_HAS,
	    HQ_BIND(hq_text(in->s->seen_key), hq_text(in->s->fn->slug),
		hq_i64(in->t->now_ms - HQ_ENGINE_DAY_MS)),
	    &row, err));
	*ret = hq_cursor_next(&row);
	return *ret ? HQ_OK : hq_cursor_done(&row, err);
}

/* ---------------------------------------------------------------- rates -- */

static enum hq_rc
within_rate(struct admission *in, bool *ret, struct hq_err *err)
{
	const struct hq_fn_rate *r = &in->s->fn->options->rate;
	char key[KEY_BYTES];
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

/* ------------------------------------------------------------ admission -- */

enum hq_rc
hq_eng_admit(struct hq_eng_tx *t, const struct hq_eng_start *s,
    struct hq_err *err)
{
	struct admission in = { .t = t, .s = s, .vars = s->vars };
	bool seen, within;

	if (s->fn->options == NULL)
		return hq_eng_run_start(t, s, err);
	/* An event that is sent again uses up nothing. */
	HQ_TRY(was_seen(&in, &seen, err));
	if (seen)
		return HQ_OK;
	HQ_TRY(within_rate(&in, &within, err));
	if (!within)
		return drop(&in, "invoked function is rate limited", err);
	return hq_eng_run_start(t, s, err);
}

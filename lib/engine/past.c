/*
 * Looking back on behalf of a run that our own engine does not have.
 */
#include <string.h>

#include "engine/inside.h"
#include "expr/expr.h"

struct look {
	struct hq_eng_tx t; /* t.a: one event after the other */
	const struct hq_past *past;
	const struct hq_expr *x; /* or NULL */
};

static bool
is_its_own(const struct look *l, const struct hq_eng_event *e)
{
	const char *id = hq_json_str(l->past->event, "id");

	return id != NULL &&
	    strcmp(id, e->client_id != NULL ? e->client_id : e->id) == 0;
}

static enum hq_rc
is_met(struct look *l, const struct hq_eng_event *e, bool *ret,
    struct hq_err *err)
{
	struct json_object *async, *vars, *v;

	*ret = l->past->expression == NULL;
	if (*ret || l->x == NULL)
		return HQ_OK;
	HQ_TRY(hq_eng_event_value(&l->t, e, &async, err));
	vars = hq_json_new_object();
	hq_json_put(vars, "event", json_object_get(l->past->event));
	hq_json_put(vars, "async", json_object_get(async));
	HQ_TRY(hq_json_own(l->t.a, vars, err));
	*ret = hq_expr_eval(l->x, vars, l->t.a, &v, NULL) == HQ_OK &&
	    hq_expr_true(v);
	return HQ_OK;
}

/* The first, as JSON text in keep; NULL: none. */
static enum hq_rc
find(struct look *l, struct hq_arena *keep, const char **ret,
    struct hq_err *err)
{
	char from[HQ_ULID_BYTES];
	struct hq_eng_event e;
	struct hq_buf value;
	bool met = false;
	HQ_CURSOR(row);

	*ret = NULL;
	hq_ulid_least(l->past->since_ms, from);
	HQ_TRY(hq_query(l->t.db, &hq_engine_store, Q_EVENTS_SINCE,
	    HQ_BIND(hq_text(l->past->name), hq_text(from)), &row, err));
	while (!met && hq_cursor_next(&row)) {
		hq_arena_reset(l->t.a);
		hq_eng_event_row(&l->t, &row, &e);
		if (!is_its_own(l, &e))
			HQ_TRY(is_met(l, &e, &met, err));
	}
	if (!met)
		return hq_cursor_done(&row, err);
	hq_buf_init(&value, keep);
	hq_eng_event_write(&value, &e);
	*ret = hq_buf_str(&value);
	return HQ_OK;
}

enum hq_rc
hq_event_past(struct hq_db *db, const struct hq_past *past, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err)
{
	struct look l = { .t = { .db = db }, .past = past };
	const char *text;
	enum hq_rc rc;

	if (past->expression != NULL)
		HQ_IGNORE(hq_expr_parse(a, past->expression, &l.x, NULL, NULL));
	l.t.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = find(&l, a, &text, err);
	hq_arena_free(l.t.a);
	HQ_TRY(rc);
	*ret = NULL;
	return text == NULL ? HQ_OK
			    : hq_json_parse(a, text, strlen(text), ret, err);
}

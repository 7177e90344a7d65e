#include "engine/functions.h"

#include <string.h>

#include "base/log.h"
#include "engine/cron.h"
#include "engine/limits.h"
#include "engine/sql.h"

enum { FNS_BYTES_MAX = 64 << 20 };

/* ------------------------------------------------------------- checking -- */

/* "*" stands only at the end, and only behind "/" or "." or alone. */
static bool
is_event_pattern(const char *s)
{
	const char *star = strchr(s, '*');

	if (*s == '\0' || strlen(s) > HQ_ENGINE_TRIGGER_BYTES_MAX)
		return false;
	if (star == NULL)
		return true;
	return star[1] == '\0' &&
	    (star == s || star[-1] == '/' || star[-1] == '.');
}

static enum hq_rc
read_trigger(struct json_object *o, struct hq_arena *a,
    struct hq_fn_trigger *ret, struct hq_err *err)
{
	struct hq_fn_trigger t = { .event = hq_json_str(o, "event"),
		.cron = hq_json_str(o, "cron"),
		.expression = hq_json_str(o, "expression") };
	struct hq_cron cron;

	if ((t.event == NULL) == (t.cron == NULL))
		return HQ_FAIL(err, BAD_REQUEST,
		    "it has either an event or a cron");
	if (t.event != NULL && !is_event_pattern(t.event))
		return HQ_FAIL(err, BAD_REQUEST, "bad event name \"%.100s\"",
		    t.event);
	if (t.cron != NULL && strlen(t.cron) > HQ_ENGINE_TRIGGER_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "a cron expression has at most %d bytes",
		    HQ_ENGINE_TRIGGER_BYTES_MAX);
	if (t.cron != NULL)
		HQ_TRY(hq_cron_parse(t.cron, &cron, err));
	if (t.expression != NULL && t.expression[0] == '\0')
		t.expression = NULL;
	if (t.expression != NULL)
		HQ_TRY(hq_expr_parse(a, t.expression, &t.parsed, NULL, err));
	*ret = t;
	return HQ_OK;
}

static enum hq_rc
read_triggers(struct json_object *o, struct hq_arena *a, struct hq_fn *ret,
    struct hq_err *err)
{
	struct json_object *list = hq_json_get(o, "triggers");
	struct hq_err why = { 0 };
	size_t i, n;

	if (!json_object_is_type(list, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %s: triggers: not a list", ret->slug);
	n = json_object_array_length(list);
	if (n > HQ_ENGINE_TRIGGERS_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %s: triggers: more than %d", ret->slug,
		    HQ_ENGINE_TRIGGERS_MAX);
	ret->triggers = HQ_NEW(a, struct hq_fn_trigger, n + 1);
	if (ret->triggers == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many functions");
	for (i = 0; i < n; i++) {
		if (read_trigger(json_object_array_get_idx(list, i), a,
			&ret->triggers[i], &why) != HQ_OK)
			return HQ_FAIL(err, BAD_REQUEST,
			    "function %.60s: triggers[%zu]: %s", ret->slug, i,
			    why.msg);
	}
	ret->n_triggers = n;
	return HQ_OK;
}

static enum hq_rc
read_step(struct json_object *o, struct hq_fn *ret, struct hq_err *err)
{
	struct json_object *step, *retries;
	int64_t n;

	step = hq_json_get(hq_json_get(o, "steps"), "step");
	ret->url = hq_json_str(hq_json_get(step, "runtime"), "url");
	if (ret->url == NULL || ret->url[0] == '\0')
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %s: steps.step.runtime.url is missing",
		    ret->slug);
	retries = hq_json_get(hq_json_get(step, "retries"), "attempts");
	n = retries == NULL
	    ? HQ_ENGINE_RETRIES_DEFAULT
	    : hq_json_i64(hq_json_get(step, "retries"), "attempts", -1);
	if (n < 0 || n > HQ_ENGINE_RETRIES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %s: steps.step.retries.attempts: not 0 to %d",
		    ret->slug, HQ_ENGINE_RETRIES_MAX);
	ret->max_attempts = (int)n + 1;
	return HQ_OK;
}

enum hq_rc
hq_fn_read(struct json_object *o, struct hq_arena *a, struct hq_fn *ret,
    struct hq_err *err)
{
	struct hq_fn f = { .slug = hq_json_str(o, "id") };
	struct hq_err why;

	if (f.slug == NULL || f.slug[0] == '\0')
		return HQ_FAIL(err, BAD_REQUEST, "a function has no id");
	if (strlen(f.slug) > HQ_ENGINE_SLUG_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %.60s...: id: more than %d bytes", f.slug,
		    HQ_ENGINE_SLUG_BYTES_MAX);
	HQ_TRY(read_triggers(o, a, &f, err));
	HQ_TRY(read_step(o, &f, err));
	if (hq_fn_options_read(o, a, &f.options, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "function %.60s: %s", f.slug,
		    why.msg);
	*ret = f;
	return HQ_OK;
}

/* -------------------------------------------------------------- reading -- */

static enum hq_rc
revision(struct hq_db *db, int64_t *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = 0;
	HQ_TRY(
	    hq_query(db, &hq_engine_store, Q_APPS_REV, HQ_NO_BIND, &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_i64(&row, 0);
	return HQ_OK;
}

static enum hq_rc
read_config(const struct hq_cursor *row, struct hq_arena *a, struct hq_fn *ret,
    struct hq_err *err)
{
	struct json_object *config;
	const char *text;
	size_t n;

	text = hq_cursor_peek(row, 2, &n);
	HQ_TRY(hq_json_parse(a, text, n, &config, err));
	return hq_fn_read(config, a, ret, err);
}

/*
 * What another version has stored, or a disk has spoilt, is in the way of no
 * other function.
 */
static enum hq_rc
read_row(const struct hq_cursor *row, struct hq_fns *f, struct hq_fn *ret,
    struct hq_err *err)
{
	struct hq_arena *a = f->arena;
	struct hq_err why = { 0 };

	if (read_config(row, a, ret, &why) != HQ_OK) {
		*ret = (struct hq_fn){ .slug = hq_cursor_text(row, 0, a),
			.max_attempts = HQ_ENGINE_RETRIES_DEFAULT + 1 };
		if (!hq_arena_ok(a))
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "the functions do not fit into memory");
		hq_log(HQ_ERROR, "function_unreadable",
		    HQ_LSTR("function", ret->slug), HQ_LSTR("why", why.msg));
	}
	ret->app = hq_cursor_text(row, 1, a);
	ret->archived = hq_cursor_i64(row, 3) != 0;
	ret->foreign = f->own_app != NULL && ret->app != NULL &&
	    strcmp(ret->app, f->own_app) != 0;
	return HQ_OK;
}

static enum hq_rc
read_all(struct hq_fns *f, struct hq_db *db, struct hq_err *err)
{
	struct hq_fn fn;
	struct hq_buf b;
	HQ_CURSOR(row);

	hq_buf_init(&b, f->arena);
	HQ_TRY(hq_query(db, &hq_engine_store, Q_FNS, HQ_NO_BIND, &row, err));
	while (hq_cursor_next(&row)) {
		memset(&fn, 0, sizeof(fn));
		HQ_TRY(read_row(&row, f, &fn, err));
		hq_buf_put(&b, &fn, sizeof(fn));
	}
	HQ_TRY(hq_cursor_done(&row, err));
	f->n = b.n / sizeof(fn);
	f->v = HQ_NEW(f->arena, struct hq_fn, f->n + 1);
	if (f->v == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "the functions do not fit into memory");
	if (b.n > 0)
		memcpy(f->v, b.p, b.n);
	return HQ_OK;
}

/* What has to be looked at: also for an option that is no more. */
static enum hq_rc
look_at_options(struct hq_fns *f, struct hq_db *db, struct hq_err *err)
{
	const struct hq_fn_options *o;
	int64_t held = 0, waits = 0;
	size_t i;

	HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_GATES_ANY, HQ_NO_BIND,
	    &held, err));
	HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_WAKES_ANY, HQ_NO_BIND,
	    &waits, err));
	f->gated = held != 0;
	f->timed = waits != 0;
	for (i = 0; i < f->n; i++) {
		o = f->v[i].options;
		if (o == NULL)
			continue;
		f->gated |= o->n_places > 0;
		f->timed |= o->throttle.limit > 0 ||
		    o->debounce.period_ms > 0 || o->batch.size > 0;
	}
	return HQ_OK;
}

enum hq_rc
hq_fns_refresh(struct hq_fns *f, struct hq_db *db, struct hq_err *err)
{
	int64_t rev = 0;
	enum hq_rc rc;

	HQ_TRY(revision(db, &rev, err));
	if (f->arena != NULL && f->rev == rev)
		return HQ_OK;
	if (f->arena == NULL)
		f->arena = hq_arena_new(FNS_BYTES_MAX);
	hq_arena_reset(f->arena);
	f->v = NULL;
	f->n = 0;
	rc = read_all(f, db, err);
	if (rc == HQ_OK)
		rc = look_at_options(f, db, err);
	f->rev = rc == HQ_OK ? rev : -1;
	return rc;
}

const struct hq_fn *
hq_fns_find(const struct hq_fns *f, const char *slug)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->v[i].slug, slug) == 0)
			return &f->v[i];
	return NULL;
}

bool
hq_trigger_matches(const char *trigger, const char *event)
{
	size_t n = strlen(trigger);

	if (trigger[n - 1] == '*')
		return strncmp(trigger, event, n - 1) == 0;
	return strcmp(trigger, event) == 0;
}

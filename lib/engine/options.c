#include "engine/options.h"

#include <string.h>

#include "engine/duration.h"

/* An option of the payload; only called for one that is there. */
typedef enum hq_rc read_fn(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err);

/* What an expression is over. */
static const char *const starting[] = { "event", NULL };
static const char *const waiting[] = { "event", "async", NULL };

static enum hq_rc
parse(const char *text, const char *const *names, struct hq_arena *a,
    const struct hq_expr **ret, struct hq_err *err)
{
	const char *stranger;
	size_t at;

	HQ_TRY(hq_expr_parse(a, text, ret, NULL, err));
	stranger = hq_expr_stranger(*ret, names, &at);
	if (stranger != NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "unknown variable \"%.40s\" at %zu", stranger, at);
	return HQ_OK;
}

/* v's member of that name; NULL if it has none. */
static enum hq_rc
read_expression(struct json_object *v, const char *name,
    const char *const *names, struct hq_arena *a, const struct hq_expr **ret,
    struct hq_err *err)
{
	const char *text = hq_json_str(v, name);
	struct hq_err why;

	*ret = NULL;
	if (hq_json_get(v, name) == NULL || (text != NULL && text[0] == '\0'))
		return HQ_OK;
	if (text == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "%s: not a string", name);
	if (parse(text, names, a, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", name, why.msg);
	return HQ_OK;
}

static enum hq_rc
read_key(struct json_object *v, struct hq_arena *a, const struct hq_expr **ret,
    struct hq_err *err)
{
	return read_expression(v, "key", starting, a, ret, err);
}

/* A member that is a duration; what: its bounds, for the message. */
static enum hq_rc
read_span(struct json_object *v, const char *name, int64_t most_ms,
    int64_t *ret_ms, struct hq_err *err)
{
	int64_t ms;

	if (!hq_duration_ms(hq_json_str(v, name), &ms) ||
	    ms < HQ_ENGINE_PERIOD_MIN_MS || ms > most_ms)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: not a duration from %d s to %lld s", name,
		    HQ_ENGINE_PERIOD_MIN_MS / 1000, (long long)most_ms / 1000);
	*ret_ms = ms;
	return HQ_OK;
}

/* A whole number from `least` to `most`. */
static enum hq_rc
read_number(struct json_object *v, const char *name, int64_t least,
    int64_t most, int64_t *ret, struct hq_err *err)
{
	int64_t n = hq_json_i64(v, name, least - 1);

	if (n < least || n > most)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: not a whole number from %lld to %lld", name,
		    (long long)least, (long long)most);
	*ret = n;
	return HQ_OK;
}

static enum hq_rc
read_rate_limit(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	struct hq_fn_rate *r = &ret->rate;

	HQ_TRY(read_number(v, "limit", 1, HQ_ENGINE_RATE_MAX, &r->limit, err));
	HQ_TRY(read_span(v, "period", HQ_ENGINE_DAY_MS, &r->period_ms, err));
	r->burst = r->limit / 10; /* as the protocol's own engine has it */
	return read_key(v, a, &r->key, err);
}

static enum hq_rc
read_throttle(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	struct hq_fn_rate *r = &ret->throttle;

	HQ_TRY(read_number(v, "limit", 1, HQ_ENGINE_RATE_MAX, &r->limit, err));
	HQ_TRY(read_span(v, "period", HQ_ENGINE_PERIOD_MAX_MS, &r->period_ms,
	    err));
	if (hq_json_get(v, "burst") != NULL)
		HQ_TRY(read_number(v, "burst", 0, HQ_ENGINE_RATE_MAX, &r->burst,
		    err));
	return read_key(v, a, &r->key, err);
}

static enum hq_rc
read_idempotency(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	ret->rate =
	    (struct hq_fn_rate){ .limit = 1, .period_ms = HQ_ENGINE_DAY_MS };
	if (!json_object_is_type(v, json_type_string))
		return HQ_FAIL(err, BAD_REQUEST, "not a string");
	return parse(json_object_get_string(v), starting, a, &ret->rate.key,
	    err);
}

static enum hq_rc
read_debounce(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	struct hq_fn_debounce *d = &ret->debounce;

	HQ_TRY(read_span(v, "period", HQ_ENGINE_PERIOD_MAX_MS, &d->period_ms,
	    err));
	if (hq_json_get(v, "timeout") != NULL)
		HQ_TRY(read_span(v, "timeout", HQ_ENGINE_PERIOD_MAX_MS,
		    &d->timeout_ms, err));
	return read_key(v, a, &d->key, err);
}

static enum hq_rc
read_singleton(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	const char *mode = hq_json_str(v, "mode");

	if (mode != NULL && strcmp(mode, "skip") == 0)
		ret->single.mode = HQ_SINGLE_SKIP;
	else if (mode != NULL && strcmp(mode, "cancel") == 0)
		ret->single.mode = HQ_SINGLE_CANCEL;
	else
		return HQ_FAIL(err, BAD_REQUEST,
		    "mode: neither skip nor cancel");
	return read_key(v, a, &ret->single.key, err);
}

static enum hq_rc
read_priority(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	if (!json_object_is_type(v, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "not an object");
	return read_expression(v, "run", starting, a, &ret->priority, err);
}

static enum hq_rc
read_scope(struct json_object *v, struct hq_fn_places *p, struct hq_err *err)
{
	const char *scope = hq_json_str(v, "scope");

	if (hq_json_get(v, "scope") == NULL ||
	    (scope != NULL && strcmp(scope, "fn") == 0))
		p->scope = HQ_SCOPE_FN;
	else if (scope != NULL && strcmp(scope, "env") == 0)
		p->scope = HQ_SCOPE_ENV;
	else if (scope != NULL && strcmp(scope, "account") == 0)
		p->scope = HQ_SCOPE_ACCOUNT;
	else
		return HQ_FAIL(err, BAD_REQUEST,
		    "scope: neither fn nor env nor account");
	if (p->scope != HQ_SCOPE_FN && p->key == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "scope: it needs a key");
	return HQ_OK;
}

/* One limit; 0 is none. */
static enum hq_rc
add_places(struct json_object *v, struct hq_arena *a, struct hq_fn_options *ret,
    struct hq_err *err)
{
	struct hq_fn_places p = { 0 };

	if (!json_object_is_type(v, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST,
		    "neither a number nor an object");
	HQ_TRY(read_number(v, "limit", 0, HQ_ENGINE_RATE_MAX, &p.limit, err));
	HQ_TRY(read_key(v, a, &p.key, err));
	HQ_TRY(read_scope(v, &p, err));
	if (p.limit > 0)
		ret->places[ret->n_places++] = p;
	return HQ_OK;
}

/* A number stands for an object that has no other member than its limit. */
static enum hq_rc
add_limit(struct json_object *v, struct hq_arena *a, struct hq_fn_options *ret,
    struct hq_err *err)
{
	struct json_object *o;

	if (!json_object_is_type(v, json_type_int))
		return add_places(v, a, ret, err);
	o = hq_json_new_object();
	HQ_TRY(hq_json_own(a, o, err));
	hq_json_put(o, "limit", json_object_get(v));
	return add_places(o, a, ret, err);
}

static enum hq_rc
read_concurrency(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	struct hq_err why;
	size_t i, n;

	if (!json_object_is_type(v, json_type_array))
		return add_limit(v, a, ret, err);
	n = json_object_array_length(v);
	if (n > HQ_ENGINE_PLACES_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d",
		    HQ_ENGINE_PLACES_MAX);
	for (i = 0; i < n; i++)
		if (add_limit(json_object_array_get_idx(v, i), a, ret, &why) !=
		    HQ_OK)
			return HQ_FAIL(err, BAD_REQUEST, "[%zu]: %s", i,
			    why.msg);
	return HQ_OK;
}

static enum hq_rc
read_batch(struct json_object *v, struct hq_arena *a, struct hq_fn_options *ret,
    struct hq_err *err)
{
	struct hq_fn_batch *b = &ret->batch;

	HQ_TRY(read_number(v, "maxSize", 2, HQ_ENGINE_BATCH_SIZE_MAX, &b->size,
	    err));
	HQ_TRY(
	    read_span(v, "timeout", HQ_ENGINE_BATCH_MS, &b->timeout_ms, err));
	HQ_TRY(read_expression(v, "if", starting, a, &b->eligible, err));
	return read_key(v, a, &b->key, err);
}

/* ----------------------------------------------------------- the run's end -- */

static enum hq_rc
read_cancel(struct json_object *v, struct hq_arena *a, struct hq_fn_cancel *ret,
    struct hq_err *err)
{
	struct hq_fn_cancel c = { .event = hq_json_str(v, "event"),
		.expression = hq_json_str(v, "if"),
		.timeout_ms = HQ_ENGINE_CANCEL_MS };
	size_t n = c.event == NULL ? 0 : strlen(c.event);

	if (n == 0 || n > HQ_ENGINE_TRIGGER_BYTES_MAX ||
	    strchr(c.event, '*') != NULL)
		return HQ_FAIL(err, BAD_REQUEST, "event: not an event's name");
	if (hq_json_get(v, "timeout") != NULL)
		HQ_TRY(read_span(v, "timeout", HQ_ENGINE_CANCEL_MS,
		    &c.timeout_ms, err));
	HQ_TRY(read_expression(v, "if", waiting, a, &c.parsed, err));
	if (c.parsed == NULL)
		c.expression = NULL;
	*ret = c;
	return HQ_OK;
}

static enum hq_rc
read_cancels(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	struct hq_err why;
	size_t i, n;

	if (!json_object_is_type(v, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "not a list");
	n = json_object_array_length(v);
	if (n > HQ_ENGINE_CANCELS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d",
		    HQ_ENGINE_CANCELS_MAX);
	ret->cancels = HQ_NEW(a, struct hq_fn_cancel, n + 1);
	if (ret->cancels == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many functions");
	for (i = 0; i < n; i++)
		if (read_cancel(json_object_array_get_idx(v, i), a,
			&ret->cancels[i], &why) != HQ_OK)
			return HQ_FAIL(err, BAD_REQUEST, "[%zu]: %s", i,
			    why.msg);
	ret->n_cancels = n;
	return HQ_OK;
}

static enum hq_rc
read_timeouts(struct json_object *v, struct hq_arena *a,
    struct hq_fn_options *ret, struct hq_err *err)
{
	(void)a;
	if (!json_object_is_type(v, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "not an object");
	if (hq_json_get(v, "start") != NULL)
		HQ_TRY(read_span(v, "start", HQ_ENGINE_CANCEL_MS,
		    &ret->start_ms, err));
	if (hq_json_get(v, "finish") == NULL)
		return HQ_OK;
	return read_span(v, "finish", HQ_ENGINE_CANCEL_MS, &ret->finish_ms,
	    err);
}

static const struct {
	const char *name;
	read_fn *read;
} kinds[] = {
	{ "batchEvents", read_batch },
	{ "rateLimit", read_rate_limit },
	{ "idempotency", read_idempotency }, /* takes rateLimit's place */
	{ "debounce", read_debounce },
	{ "singleton", read_singleton },
	{ "throttle", read_throttle },
	{ "concurrency", read_concurrency },
	{ "priority", read_priority },
	{ "cancel", read_cancels },
	{ "timeouts", read_timeouts },
};

/* What a batch has no meaning for: there is no one event. */
static enum hq_rc
check_batch(const struct hq_fn_options *o, struct hq_err *err)
{
	const char *other = NULL;

	if (o == NULL || o->batch.size == 0)
		return HQ_OK;
	if (o->n_cancels > 0)
		other = "cancelOn";
	if (o->debounce.period_ms > 0)
		other = "debounce";
	if (o->single.mode != HQ_SINGLE_OFF)
		other = "singleton";
	if (o->priority != NULL)
		other = "priority";
	if (other != NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "batchEvents: not together with %s", other);
	return HQ_OK;
}

enum hq_rc
hq_fn_options_read(struct json_object *o, struct hq_arena *a,
    const struct hq_fn_options **ret, struct hq_err *err)
{
	struct hq_fn_options *mine = NULL;
	struct json_object *v;
	struct hq_err why;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		v = hq_json_get(o, kinds[i].name);
		if (v == NULL)
			continue;
		if (mine == NULL)
			mine = HQ_NEW(a, struct hq_fn_options, 1);
		if (mine == NULL)
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "too many functions");
		if (kinds[i].read(v, a, mine, &why) != HQ_OK)
			return HQ_FAIL(err, BAD_REQUEST, "%s: %s",
			    kinds[i].name, why.msg);
	}
	HQ_TRY(check_batch(mine, err));
	*ret = mine;
	return HQ_OK;
}

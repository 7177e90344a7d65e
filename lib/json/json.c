#include <math.h>
#include <string.h>

#include "json/json.h"
#include "json/value.h"

enum { SMALL_OBJECT = 10 }; /* members */

#define INT64_END 9223372036854775808.0 /* 2 to the 63 */

static void
put_ref(void *p)
{
	(void)json_object_put(p);
}

static struct json_object *
made(struct json_object *o)
{
	if (o == NULL)
		HQ_BUG("out of memory");
	return o;
}

struct json_object *
hq_json_new_object(void)
{
	return made(json_object_new_object());
}

struct json_object *
hq_json_new_array(void)
{
	return made(json_object_new_array());
}

struct json_object *
hq_json_new_array_of(int n)
{
	return made(json_object_new_array_ext(n));
}

struct json_object *
hq_json_new_string(const char *s)
{
	return made(json_object_new_string(s));
}

struct json_object *
hq_json_new_string_len(const char *s, int n)
{
	return made(json_object_new_string_len(s, n));
}

struct json_object *
hq_json_new_int64(int64_t i)
{
	return made(json_object_new_int64(i));
}

struct json_object *
hq_json_new_double(double d)
{
	return made(json_object_new_double(d));
}

struct json_object *
hq_json_new_boolean(bool v)
{
	return made(json_object_new_boolean(v));
}

enum hq_rc
hq_json_own(struct hq_arena *a, struct json_object *o, struct hq_err *err)
{
	HQ_ASSERT(o != NULL);
	return hq_arena_defer(a, put_ref, o, err);
}

char *
hq_json_text(struct hq_arena *a, struct json_object *v)
{
	struct hq_buf b;

	hq_buf_init(&b, a);
	hq_json_write(&b, v);
	return hq_arena_ok(a) ? b.p : NULL;
}

static struct json_object *
clone_object(struct json_object *v)
{
	struct json_object *to = hq_json_new_object();
	struct json_object *member;
	struct lh_entry *e;

	for (e = json_object_get_object(v)->head; e != NULL; e = e->next) {
		member = (struct json_object *)lh_entry_v(e);
		if (!hq_js_is_undefined(member))
			hq_json_put(to, lh_entry_k(e), hq_json_clone(member));
	}
	return to;
}

static struct json_object *
clone_array(struct json_object *v)
{
	size_t i, n = json_object_array_length(v);
	struct json_object *to = hq_json_new_array_of((int)n);

	for (i = 0; i < n; i++)
		hq_json_push(to,
		    hq_json_clone(json_object_array_get_idx(v, i)));
	return to;
}

static struct json_object *
clone_number(struct json_object *v)
{
	double d;

	if (json_object_is_type(v, json_type_int))
		return hq_json_new_int64(json_object_get_int64(v));
	d = json_object_get_double(v);
	return isfinite(d) ? hq_json_new_double(d) : NULL;
}

static struct json_object *
clone_string(struct json_object *v)
{
	return hq_json_new_string_len(json_object_get_string(v),
	    json_object_get_string_len(v));
}

/* Ours is JSON, and no larger than what was parsed or written before. */
static struct json_object *
clone_json(struct json_object *v)
{
	struct hq_arena *a = hq_arena_new(SIZE_MAX / 2);
	struct json_object *to;
	const char *text;
	size_t n;

	text = hq_js_json_text(v, &n);
	if (hq_json_parse(a, text, n, &to, NULL) != HQ_OK)
		HQ_BUG("a value's own text is not JSON");
	to = json_object_get(to);
	hq_arena_free(a);
	return to;
}

struct json_object *
hq_json_clone(struct json_object *v)
{
	switch (hq_js_type(v)) {
	case HQ_JS_NULL:
	case HQ_JS_NAN:
	case HQ_JS_UNDEFINED:
		return NULL;
	case HQ_JS_BOOLEAN:
		return hq_json_new_boolean(json_object_get_boolean(v));
	case HQ_JS_NUMBER:
		return clone_number(v);
	case HQ_JS_DATE:
		if (json_object_get_string_len(v) == 0)
			return NULL;
		return clone_string(v);
	case HQ_JS_STRING:
	case HQ_JS_URL:
		return clone_string(v);
	case HQ_JS_JSON:
		return clone_json(v);
	case HQ_JS_ARRAY:
		return clone_array(v);
	case HQ_JS_OBJECT:
		return clone_object(v);
	case HQ_JS_REGEXP:
	case HQ_JS_SET:
	case HQ_JS_MAP:
	case HQ_JS_FILE:
		return hq_json_new_object();
	case HQ_JS_BIGINT:
	case HQ_JS__MAX:
		break;
	}
	HQ_BUG("a bigint has no JSON");
}

/* A small object's keys are looked through faster than one is hashed. */
static struct json_object *
find(struct json_object *o, const char *key)
{
	struct lh_table *t = json_object_get_object(o);
	struct json_object *v = NULL;
	const char *k;
	struct lh_entry *e;

	if (t == NULL || lh_table_length(t) > SMALL_OBJECT) {
		(void)json_object_object_get_ex(o, key, &v);
		return v;
	}
	for (e = lh_table_head(t); e != NULL; e = lh_entry_next(e)) {
		k = lh_entry_k(e);
		if (*k == *key && strcmp(k, key) == 0)
			return lh_entry_v(e);
	}
	return NULL;
}

struct json_object *
hq_json_get(struct json_object *o, const char *key)
{
	struct json_object *v = find(o, key);

	return v != NULL && hq_js_is_undefined(v) ? NULL : v;
}

const char *
hq_json_str(struct json_object *o, const char *key)
{
	struct json_object *v = hq_json_get(o, key);

	return hq_js_type(v) == HQ_JS_STRING ? json_object_get_string(v) : NULL;
}

int64_t
hq_json_i64(struct json_object *o, const char *key, int64_t dflt)
{
	struct json_object *v = hq_json_get(o, key);
	double d;

	if (json_object_is_type(v, json_type_int))
		return json_object_get_int64(v);
	if (hq_js_type(v) != HQ_JS_NUMBER)
		return dflt;
	d = json_object_get_double(v);
	if (d != floor(d) || fabs(d) >= INT64_END)
		return dflt;
	return (int64_t)d;
}

bool
hq_json_bool(struct json_object *o, const char *key, bool dflt)
{
	struct json_object *v = hq_json_get(o, key);

	return hq_js_type(v) == HQ_JS_BOOLEAN ? json_object_get_boolean(v) != 0
					      : dflt;
}

void
hq_json_put(struct json_object *o, const char *key, struct json_object *v)
{
	HQ_ASSERT(json_object_is_type(o, json_type_object));
	if (json_object_object_add(o, key, v) != 0)
		HQ_BUG("out of memory");
}

void
hq_json_add(struct json_object *o, const char *key, struct json_object *v)
{
	const unsigned flags =
	    JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;

	HQ_ASSERT(json_object_is_type(o, json_type_object));
	if (json_object_object_add_ex(o, key, v, flags) != 0)
		HQ_BUG("out of memory");
}

void
hq_json_add_str(struct json_object *o, const char *key, const char *s)
{
	hq_json_add(o, key, s == NULL ? NULL : hq_json_new_string(s));
}

void
hq_json_put_str(struct json_object *o, const char *key, const char *s)
{
	hq_json_put(o, key, s == NULL ? NULL : hq_json_new_string(s));
}

void
hq_json_put_i64(struct json_object *o, const char *key, int64_t i)
{
	hq_json_put(o, key, hq_json_new_int64(i));
}

void
hq_json_put_bool(struct json_object *o, const char *key, bool v)
{
	hq_json_put(o, key, hq_json_new_boolean(v));
}

void
hq_json_push(struct json_object *array, struct json_object *v)
{
	HQ_ASSERT(json_object_is_type(array, json_type_array));
	if (json_object_array_add(array, v) != 0)
		HQ_BUG("out of memory");
}

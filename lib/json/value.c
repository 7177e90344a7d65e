#include "json/value.h"

#include <string.h>

/* A tag is a place in this array; a parsed double has userdata of its own. */
static char tags[HQ_JS__MAX];

static const json_type below[HQ_JS__MAX] = {
	[HQ_JS_JSON] = json_type_string,
	[HQ_JS_BIGINT] = json_type_string,
	[HQ_JS_DATE] = json_type_string,
	[HQ_JS_NAN] = json_type_double,
	[HQ_JS_UNDEFINED] = json_type_boolean,
	[HQ_JS_URL] = json_type_string,
	[HQ_JS_REGEXP] = json_type_string,
	[HQ_JS_SET] = json_type_array,
	[HQ_JS_MAP] = json_type_array,
	[HQ_JS_FILE] = json_type_object,
};

static const enum hq_js plain[] = {
	[json_type_null] = HQ_JS_NULL,
	[json_type_boolean] = HQ_JS_BOOLEAN,
	[json_type_double] = HQ_JS_NUMBER,
	[json_type_int] = HQ_JS_NUMBER,
	[json_type_object] = HQ_JS_OBJECT,
	[json_type_array] = HQ_JS_ARRAY,
	[json_type_string] = HQ_JS_STRING,
};

enum hq_js
hq_js_type(struct json_object *v)
{
	json_type t = json_object_get_type(v);
	uintptr_t at;

	if (t == json_type_null || t == json_type_int)
		return plain[t];
	at = (uintptr_t)json_object_get_userdata(v) - (uintptr_t)tags;
	return at < sizeof(tags) ? (enum hq_js)at : plain[t];
}

struct json_object *
hq_js_tag(struct json_object *v, enum hq_js type)
{
	HQ_ASSERT(type > HQ_JS_OBJECT && type < HQ_JS__MAX);
	HQ_ASSERT(json_object_is_type(v, below[type]));
	json_object_set_serializer(v, NULL, &tags[type], NULL);
	return v;
}

/* What the string below HQ_JS_JSON holds. */
struct own_text {
	const char *p;
	size_t n;
};

struct json_object *
hq_js_json(const char *text, size_t n)
{
	const struct own_text own = { text, n };
	struct json_object *v =
	    hq_json_new_string_len((const char *)&own, sizeof(own));

	return hq_js_tag(v, HQ_JS_JSON);
}

const char *
hq_js_json_text(struct json_object *v, size_t *ret_n)
{
	struct own_text own;

	HQ_ASSERT(json_object_get_string_len(v) == sizeof(own));
	memcpy(&own, json_object_get_string(v), sizeof(own));
	*ret_n = own.n;
	return own.p;
}

void
hq_js_json_end(struct json_object *v, const char *end)
{
	struct own_text own;

	own.p = hq_js_json_text(v, &own.n);
	own.n = (size_t)(end - own.p);
	if (json_object_set_string_len(v, (const char *)&own, sizeof(own)) != 1)
		HQ_BUG("out of memory");
}

/* An object that is not tagged has no other use for its userdata. */
void
hq_js_keep_text(struct json_object *o, char *text)
{
	HQ_ASSERT(hq_js_type(o) == HQ_JS_OBJECT);
	json_object_set_userdata(o, text, NULL);
}

const char *
hq_js_kept_text(struct json_object *o)
{
	return json_object_get_userdata(o);
}

struct json_object *
hq_js_undefined(void)
{
	return hq_js_tag(hq_json_new_boolean(false), HQ_JS_UNDEFINED);
}

static bool
array_has_bigint(struct json_object *v)
{
	size_t i, n = json_object_array_length(v);

	for (i = 0; i < n; i++)
		if (hq_js_has_bigint(json_object_array_get_idx(v, i)))
			return true;
	return false;
}

/* What is written as {} (a Set, a Map) is not looked into. */
bool
hq_js_has_bigint(struct json_object *v)
{
	struct lh_entry *e;
	enum hq_js t = hq_js_type(v);

	if (t == HQ_JS_ARRAY)
		return array_has_bigint(v);
	if (t != HQ_JS_OBJECT)
		return t == HQ_JS_BIGINT;
	for (e = json_object_get_object(v)->head; e != NULL; e = e->next)
		if (hq_js_has_bigint((struct json_object *)lh_entry_v(e)))
			return true;
	return false;
}

/*
 * json/value.h - the JavaScript values that JSON cannot write.
 *
 * oRPC's RPC protocol carries dates, big integers, undefined, ... beside plain
 * JSON.  Here they are json-c values with a tag (json-c's userdata): the value
 * below the tag is what oRPC puts into its `json` member.
 */
#ifndef HQ_JSON_VALUE_H
#define HQ_JSON_VALUE_H

#include "json/json.h"

enum hq_js {
	HQ_JS_NULL,
	HQ_JS_BOOLEAN,
	HQ_JS_NUMBER,
	HQ_JS_STRING,
	HQ_JS_ARRAY,
	HQ_JS_OBJECT,
	/* tagged; what json-c holds */
	HQ_JS_JSON,      /* string: where a value's text is, see hq_js_json() */
	HQ_JS_BIGINT,    /* string of decimal digits */
	HQ_JS_DATE,      /* ISO string; "" for an invalid date */
	HQ_JS_NAN,       /* double NaN */
	HQ_JS_UNDEFINED, /* boolean false */
	HQ_JS_URL,       /* string */
	HQ_JS_REGEXP,    /* string "/source/flags" */
	HQ_JS_SET,       /* array */
	HQ_JS_MAP,       /* array of [key, value] */
	HQ_JS_FILE,      /* object {name, type, size}; bytes are not kept */
	HQ_JS__MAX
};

enum hq_js hq_js_type(struct json_object *v); /* NULL is HQ_JS_NULL */

/* Tag v (its json-c type must be the one named above).  Returns v. */
struct json_object *hq_js_tag(struct json_object *v, enum hq_js type);

/* A new reference to an undefined value. */
struct json_object *hq_js_undefined(void);

/*
 * A value that has a text of its own and is never taken apart: what the store
 * holds goes out as it stands.  text: n bytes of what hq_json_write() gave, and
 * from a file only after hq_json_check(); borrowed for as long as the value
 * lives, so it is mostly the arena's.  Only for what is on its way out: whoever
 * reads values does not look inside.  A new reference.
 */
struct json_object *hq_js_json(const char *text, size_t n);
/* That text of an HQ_JS_JSON; not NUL-terminated. */
const char *hq_js_json_text(struct json_object *v, size_t *ret_n);
/* For a text whose end was not known when the value was made. */
void hq_js_json_end(struct json_object *v, const char *end);

/*
 * The same for an object that has a text already and is looked into on its way:
 * hq_json_write() copies the text.  text: what hq_json_write() gives of it,
 * borrowed for as long as o lives and never written; o holds plain JSON and is
 * not changed any more.
 */
void hq_js_keep_text(struct json_object *o, char *text);
/* That text; NULL if there is none.  o is an HQ_JS_OBJECT. */
const char *hq_js_kept_text(struct json_object *o);

/* Tagged, but nothing that JSON cannot write. */
static inline bool
hq_js_is_special(enum hq_js type)
{
	return type > HQ_JS_JSON;
}

static inline bool
hq_js_is_undefined(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_UNDEFINED;
}

/*
 * How JSON.stringify sees tagged values, and so hq_json_write(): undefined is
 * dropped from objects and null in arrays; a date is its ISO string (null if
 * invalid); NaN null; URL its text; RegExp, Set, Map and File {}.
 * A bigint throws there: hq_js_has_bigint() tells beforehand; hq_json_write
 * asserts that there is none.
 */
bool hq_js_has_bigint(struct json_object *v);

#endif /* HQ_JSON_VALUE_H */

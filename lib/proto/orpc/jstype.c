#include <math.h>
#include <string.h>

#include "proto/orpc/jsdate.h"
#include "proto/orpc/jstype.h"
#include "proto/orpc/url.h"

static const char *
text_of(struct json_object *form)
{
	if (hq_js_type(form) != HQ_JS_STRING)
		return NULL;
	return json_object_get_string(form);
}

static struct json_object *
tagged_text(const char *s, enum hq_js type)
{
	return hq_js_tag(hq_json_new_string(s), type);
}

static hq_jstype_fn to_bigint, to_date, to_nan, to_undefined, to_url, to_regexp,
    to_set, to_map;

static struct json_object *
to_bigint(struct hq_arena *a, struct json_object *form)
{
	const char *s = text_of(form), *digits;
	size_t n;

	(void)a;
	if (s == NULL)
		return NULL;
	digits = *s == '-' ? s + 1 : s;
	n = strlen(digits);
	if (n == 0 || n > HQ_JSTYPE_BIGINT_DIGITS_MAX ||
	    strspn(digits, "0123456789") != n || (*digits == '0' && n > 1))
		return NULL;
	return tagged_text(*digits == '0' ? digits : s, HQ_JS_BIGINT);
}

static struct json_object *
to_date(struct hq_arena *a, struct json_object *form)
{
	const char *s = text_of(form);
	char iso[HQ_JSDATE_BYTES];

	(void)a;
	if (s == NULL && form != NULL)
		return NULL;
	if (s == NULL || !hq_jsdate_iso(s, iso))
		return tagged_text("", HQ_JS_DATE);
	return tagged_text(iso, HQ_JS_DATE);
}

static struct json_object *
to_nan(struct hq_arena *a, struct json_object *form)
{
	(void)a;
	if (form != NULL)
		return NULL;
	return hq_js_tag(hq_json_new_double((double)NAN), HQ_JS_NAN);
}

static struct json_object *
to_undefined(struct hq_arena *a, struct json_object *form)
{
	(void)a;
	return form == NULL ? hq_js_undefined() : NULL;
}

static struct json_object *
to_url(struct hq_arena *a, struct json_object *form)
{
	const char *s = text_of(form);
	struct hq_url url;

	if (s == NULL || !hq_url_parse(a, s, &url))
		return NULL;
	return tagged_text(url.href, HQ_JS_URL);
}

/* Each at most once, and not both of u and v. */
static bool
is_flags(const char *s)
{
	static const char known[] = "dgimsuvy";
	unsigned seen = 0, bit;
	const char *at;

	for (; *s != '\0'; s++) {
		at = strchr(known, *s);
		if (at == NULL)
			return false;
		bit = 1U << (unsigned)(at - known);
		if (seen & bit)
			return false;
		seen |= bit;
	}
	bit = 1U << 5 | 1U << 6;
	return (seen & bit) != bit;
}

/* As a RegExp shows its source: an empty one, and "/" outside of a class. */
static const char *
source_of(struct hq_arena *a, const char *s, const char *end)
{
	bool escaped = false, in_class = false;
	struct hq_buf b;

	if (s == end)
		return "(?:)";
	hq_buf_init(&b, a);
	for (; s < end; s++) {
		if (*s == '/' && !escaped && !in_class)
			hq_buf_putc(&b, '\\');
		if (!escaped && (*s == '[' || *s == ']'))
			in_class = *s == '[';
		escaped = *s == '\\' && !escaped;
		hq_buf_putc(&b, *s);
	}
	return hq_buf_str(&b);
}

/*
 * "/source/flags" on one line.  The source is not compiled: nothing here runs
 * an expression that a client sent.
 */
static struct json_object *
to_regexp(struct hq_arena *a, struct json_object *form)
{
	const char *s = text_of(form), *last;

	if (s == NULL || *s != '/')
		return NULL;
	last = strrchr(s, '/');
	if (last == s || !is_flags(last + 1) || strpbrk(s, "\n\r") != NULL ||
	    strstr(s, "\xe2\x80\xa8") != NULL ||
	    strstr(s, "\xe2\x80\xa9") != NULL)
		return NULL;
	s = hq_arena_printf(a, "/%s%s", source_of(a, s + 1, last), last);
	return s != NULL ? tagged_text(s, HQ_JS_REGEXP) : NULL;
}

/*
 * A name that is equal for what SameValueZero calls equal; NULL for objects,
 * which are equal to nothing else.  Every name begins with its type, so that
 * the text "1" is not the number 1.
 */
static const char *
identity(struct hq_arena *a, struct json_object *v)
{
	static const char *const prefixes[HQ_JS__MAX] = {
		[HQ_JS_NULL] = "l",
		[HQ_JS_BOOLEAN] = "b",
		[HQ_JS_NUMBER] = "n",
		[HQ_JS_STRING] = "s",
		[HQ_JS_BIGINT] = "i",
		[HQ_JS_NAN] = "N",
		[HQ_JS_UNDEFINED] = "u",
	};
	const char *prefix = prefixes[hq_js_type(v)], *text = "";

	if (prefix == NULL)
		return NULL;
	if (*prefix == 's' || *prefix == 'i')
		text = json_object_get_string(v);
	else if (*prefix == 'n' || *prefix == 'b')
		text = hq_json_text(a, v);
	return hq_arena_printf(a, "%s%s", prefix, text != NULL ? text : "");
}

static struct json_object *
to_set(struct hq_arena *a, struct json_object *form)
{
	struct json_object *out, *seen, *v;
	const char *name;
	size_t i;

	if (hq_js_type(form) != HQ_JS_ARRAY)
		return NULL;
	out = hq_json_new_array();
	seen = hq_json_new_object();
	for (i = 0; i < json_object_array_length(form); i++) {
		v = json_object_array_get_idx(form, i);
		name = identity(a, v);
		if (name != NULL && json_object_object_get_ex(seen, name, NULL))
			continue;
		if (name != NULL)
			hq_json_put(seen, name, NULL);
		hq_json_push(out, json_object_get(v));
	}
	json_object_put(seen);
	return hq_js_tag(out, HQ_JS_SET);
}

/* entry[0] or entry[1]: a new reference. */
static struct json_object *
part(struct json_object *entry, size_t i)
{
	struct json_object *v;

	if (hq_js_type(entry) == HQ_JS_ARRAY) {
		if (i >= json_object_array_length(entry))
			return hq_js_undefined();
		return json_object_get(json_object_array_get_idx(entry, i));
	}
	if (hq_js_type(entry) != HQ_JS_OBJECT ||
	    !json_object_object_get_ex(entry, i == 0 ? "0" : "1", &v))
		return hq_js_undefined();
	return json_object_get(v);
}

/* The last value of a key stands at the key's first place. */
static void
map_put(struct hq_arena *a, struct json_object *map, struct json_object *seen,
    struct json_object *entry)
{
	struct json_object *pair, *key = part(entry, 0);
	const char *name = identity(a, key);

	if (name != NULL && json_object_object_get_ex(seen, name, &pair)) {
		json_object_put(key);
		HQ_ASSERT(
		    json_object_array_put_idx(pair, 1, part(entry, 1)) == 0);
		return;
	}
	pair = hq_json_new_array();
	hq_json_push(pair, key);
	hq_json_push(pair, part(entry, 1));
	hq_json_push(map, pair);
	if (name != NULL)
		hq_json_put(seen, name, json_object_get(pair));
}

/* Anything but a primitive may be an entry. */
static bool
is_entry(struct json_object *v)
{
	static const bool yes[HQ_JS__MAX] = {
		[HQ_JS_ARRAY] = true,
		[HQ_JS_OBJECT] = true,
		[HQ_JS_DATE] = true,
		[HQ_JS_URL] = true,
		[HQ_JS_REGEXP] = true,
		[HQ_JS_SET] = true,
		[HQ_JS_MAP] = true,
		[HQ_JS_FILE] = true,
	};

	return yes[hq_js_type(v)];
}

static struct json_object *
to_map(struct hq_arena *a, struct json_object *form)
{
	struct json_object *out, *seen, *entry;
	size_t i;

	if (hq_js_type(form) != HQ_JS_ARRAY)
		return NULL;
	for (i = 0; i < json_object_array_length(form); i++)
		if (!is_entry(json_object_array_get_idx(form, i)))
			return NULL;
	out = hq_json_new_array();
	seen = hq_json_new_object();
	for (i = 0; i < json_object_array_length(form); i++) {
		entry = json_object_array_get_idx(form, i);
		map_put(a, out, seen, entry);
	}
	json_object_put(seen);
	return hq_js_tag(out, HQ_JS_MAP);
}

/* By the numbers of the wire. */
static hq_jstype_fn *const converts[] = { to_bigint, to_date, to_nan,
	to_undefined, to_url, to_regexp, to_set, to_map };
enum { CONVERTS_MAX = sizeof(converts) / sizeof(converts[0]) };

hq_jstype_fn *
hq_jstype(struct json_object *code)
{
	double d;
	size_t i;

	if (hq_js_type(code) != HQ_JS_NUMBER)
		return NULL;
	d = json_object_get_double(code);
	for (i = 0; i < CONVERTS_MAX; i++)
		if (d >= (double)i && d <= (double)i)
			return converts[i];
	return NULL;
}

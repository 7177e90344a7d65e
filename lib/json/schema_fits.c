/*
 * The quick answer of a schema: most values fit, and then nobody asks for
 * issues.  It knows the common kinds of values and looks each member up where
 * the last one stood in the schema; what it does not know it leaves to the
 * slow answer, so false only means "look closer".
 */
#include <string.h>

#include "json/grapheme.h"
#include "json/schema_node.h"

/* The property of that name, mostly the one behind the last; NULL if none. */
static const struct hq_property *
find(const struct hq_schema *s, const char *key, size_t *next)
{
	size_t i, n;

	for (n = 0, i = *next; n < s->n_props; n++, i++) {
		if (i >= s->n_props)
			i = 0;
		if (s->props[i].key != key && strcmp(s->props[i].key, key) != 0)
			continue;
		*next = i + 1;
		return &s->props[i];
	}
	return NULL;
}

static bool value_fits(const struct hq_schema *s, enum hq_js t,
    struct json_object *v);

static bool
member_fits(const struct hq_schema *s, const struct hq_property *p,
    struct json_object *v)
{
	enum hq_js t = hq_js_type(v);

	if (t == HQ_JS_UNDEFINED)
		return false;
	if (s->pattern != NULL && !value_fits(s->pattern, t, v))
		return false;
	if (p != NULL)
		return value_fits(p->schema, t, v);
	if (s->pattern != NULL)
		return true;
	return !s->closed && (s->extra == NULL || value_fits(s->extra, t, v));
}

static bool
object_fits(const struct hq_schema *s, struct json_object *v)
{
	const struct hq_property *p;
	size_t next = 0, found = 0;
	struct lh_entry *e;

	if (s->required_elsewhere)
		return false;
	for (e = json_object_get_object(v)->head; e != NULL; e = e->next) {
		p = find(s, lh_entry_k(e), &next);
		if (!member_fits(s, p, (struct json_object *)lh_entry_v(e)))
			return false;
		found += p != NULL && p->required;
	}
	return found == s->n_required;
}

static bool
array_fits(const struct hq_schema *s, struct json_object *v)
{
	size_t i, n = json_object_array_length(v);

	for (i = 0; s->items != NULL && i < n; i++)
		if (!hq_schema_fits(s->items, json_object_array_get_idx(v, i)))
			return false;
	return true;
}

/* What is asked of a value of this kind, besides its type and choices. */
static bool
kind_fits(const struct hq_schema *s, enum hq_js t, struct json_object *v)
{
	if (t == HQ_JS_OBJECT)
		return object_fits(s, v);
	if (t == HQ_JS_ARRAY)
		return array_fits(s, v);
	if (t == HQ_JS_STRING)
		/* The shortest text that is not empty has one. */
		return s->min_length <=
		    (size_t)(json_object_get_string_len(v) > 0) ||
		    hq_text_has_min_length(json_object_get_string(v),
			s->min_length);
	if (t == HQ_JS_NUMBER)
		return !s->has_minimum ||
		    json_object_get_double(v) >= s->minimum;
	return t == HQ_JS_NULL || t == HQ_JS_BOOLEAN;
}

static bool
choice_fits(const struct hq_schema *s, enum hq_js t, struct json_object *v)
{
	size_t i, n = json_object_array_length(s->choices);

	for (i = 0; i < n; i++)
		if (hq_schema_same(json_object_array_get_idx(s->choices, i), t,
			v))
			return true;
	return false;
}

static bool
any_fits(const struct hq_schema *s, enum hq_js t, struct json_object *v)
{
	size_t i;

	for (i = 0; i < s->n_any; i++)
		if (value_fits(s->any[i], t, v))
			return true;
	return false;
}

/* A value's own text is taken apart where the schema asks for anything. */
static __attribute__((noinline)) bool
json_fits(const struct hq_schema *s, struct json_object *v)
{
	struct json_object *apart = hq_json_clone(v);
	bool ok = hq_schema_fits(s, apart);

	(void)json_object_put(apart);
	return ok;
}

/* t is v's type, which many ask for. */
static bool
value_fits(const struct hq_schema *s, enum hq_js t, struct json_object *v)
{
	if (s->takes_all)
		return true;
	if (t == HQ_JS_JSON)
		return json_fits(s, v);
	return hq_schema_has_type(s->type, t, v) && kind_fits(s, t, v) &&
	    (!s->has_const || hq_schema_same(s->constant, t, v)) &&
	    (s->choices == NULL || choice_fits(s, t, v)) &&
	    (s->n_any == 0 || any_fits(s, t, v));
}

bool
hq_schema_fits(const struct hq_schema *s, struct json_object *v)
{
	return value_fits(s, hq_js_type(v), v);
}

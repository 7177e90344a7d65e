#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/grapheme.h"
#include "json/schema_node.h"

enum { PATH_NUMBER_DIGITS = 15 }; /* exact as a double */

/* One step of the path to the value at hand; the root has up == NULL. */
struct place {
	const struct place *up;
	const char *key; /* NULL: index */
	size_t index;
};

struct check {
	struct json_object *issues[HQ_SCHEMA_ISSUES_MAX];
	size_t n;
	/* Above 0, the answer counts: checking goes on with the list full. */
	unsigned tentative;
	unsigned quiet; /* above 0, issues are not wanted */
};

static bool check_node(struct check *c, const struct hq_schema *s,
    struct json_object *v, const struct place *at);

static struct json_object *
segment_of(const struct place *p)
{
	size_t n;

	if (p->key == NULL)
		return hq_json_new_int64((int64_t)p->index);
	n = strlen(p->key);
	if (n == 0 || n > PATH_NUMBER_DIGITS ||
	    strspn(p->key, "0123456789") != n || (n > 1 && p->key[0] == '0'))
		return hq_json_new_string(p->key);
	return hq_json_new_int64(strtoll(p->key, NULL, 10));
}

static struct json_object *
path_of(const struct place *at)
{
	struct json_object *path = hq_json_new_array();
	const struct place *p;
	size_t n = 0;

	for (p = at; p->up != NULL; p = p->up)
		n++;
	for (p = at; p->up != NULL; p = p->up)
		HQ_ASSERT(
		    json_object_array_put_idx(path, --n, segment_of(p)) == 0);
	return path;
}

/* Always false, so that a check can end with it. */
static bool
issue(struct check *c, const struct place *at, const char *text)
{
	struct json_object *o;

	if (c->quiet > 0 || c->n == HQ_SCHEMA_ISSUES_MAX)
		return false;
	o = hq_json_new_object();
	hq_json_put_str(o, "message", text);
	if (at->up != NULL)
		hq_json_put(o, "path", path_of(at));
	c->issues[c->n++] = o;
	return false;
}

/* Dates, sets, ... are objects to a validator: with no keys of their own. */
static bool
is_object(enum hq_js t)
{
	return t == HQ_JS_OBJECT || t == HQ_JS_DATE || t == HQ_JS_URL ||
	    t == HQ_JS_REGEXP || t == HQ_JS_SET || t == HQ_JS_MAP ||
	    t == HQ_JS_FILE;
}

static bool
is_number(enum hq_js t, struct json_object *v)
{
	return t == HQ_JS_NUMBER && isfinite(json_object_get_double(v));
}

bool
hq_schema_has_type(enum hq_schema_type type, enum hq_js t,
    struct json_object *v)
{
	double d;

	switch (type) {
	case T_OBJECT:
		return is_object(t);
	case T_ARRAY:
		return t == HQ_JS_ARRAY;
	case T_STRING:
		return t == HQ_JS_STRING;
	case T_BOOLEAN:
		return t == HQ_JS_BOOLEAN;
	case T_NULL:
		return t == HQ_JS_NULL;
	case T_NUMBER:
		return is_number(t, v);
	case T_INTEGER:
		if (!is_number(t, v))
			return false;
		d = json_object_get_double(v);
		return d >= trunc(d) && d <= trunc(d);
	case T_ANY:
	case T__MAX:
		break;
	}
	return true;
}

/* v's own member; false where v has no keys. */
static bool
own(struct json_object *v, enum hq_js t, const char *key,
    struct json_object **ret)
{
	return t == HQ_JS_OBJECT && json_object_object_get_ex(v, key, ret);
}

static bool
check_required(struct check *c, const struct hq_schema *s,
    struct json_object *v, const struct place *at)
{
	enum hq_js t = hq_js_type(v);
	struct json_object *unused;
	struct hq_buf text;
	const char *key;
	size_t i, n = json_object_array_length(s->required);
	bool ok = true;

	hq_buf_init(&text, NULL);
	for (i = 0; i < n; i++) {
		key = json_object_get_string(
		    json_object_array_get_idx(s->required, i));
		if (own(v, t, key, &unused))
			continue;
		hq_buf_printf(&text, "%s%s",
		    ok ? "must have required properties " : ", ", key);
		ok = false;
	}
	if (!ok)
		issue(c, at, hq_buf_str(&text));
	hq_buf_done(&text);
	return ok;
}

static bool
check_extra(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	struct place here = { at, NULL, 0 };
	struct json_object_iter it;
	bool ok = true;

	/* "lastIndex" is a RegExp's own key. */
	if (hq_js_type(v) == HQ_JS_REGEXP)
		ok = !s->closed;
	if (hq_js_type(v) == HQ_JS_OBJECT && s->pattern == NULL) {
		c->quiet++;
		json_object_object_foreachC(v, it)
		{
			here.key = it.key;
			if (s->known == NULL ||
			    !json_object_object_get_ex(s->known, it.key, NULL))
				ok = !s->closed &&
				    check_node(c, s->extra, it.val, &here) &&
				    ok;
		}
		c->quiet--;
	}
	return ok || issue(c, at, "must not have additional properties");
}

static bool
check_pattern(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	struct place here = { at, NULL, 0 };
	struct json_object_iter it;
	bool ok = true;

	if (hq_js_type(v) != HQ_JS_OBJECT)
		return true;
	json_object_object_foreachC(v, it)
	{
		here.key = it.key;
		ok = check_node(c, s->pattern, it.val, &here) && ok;
	}
	return ok;
}

static bool
check_properties(struct check *c, const struct hq_schema *s,
    struct json_object *v, const struct place *at)
{
	enum hq_js t = hq_js_type(v);
	struct place here = { at, NULL, 0 };
	const struct hq_property *p;
	struct json_object *member;
	bool ok = true;
	size_t i;

	for (i = 0; i < s->n_props; i++) {
		p = &s->props[i];
		if (!own(v, t, p->key, &member))
			continue;
		if (!p->required && hq_js_is_undefined(member))
			continue;
		here.key = p->key;
		ok = check_node(c, p->schema, member, &here) && ok;
	}
	return ok;
}

static bool
check_object(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	bool ok = true;

	if (s->required != NULL)
		ok = check_required(c, s, v, at) && ok;
	if (s->closed || s->extra != NULL)
		ok = check_extra(c, s, v, at) && ok;
	if (s->pattern != NULL)
		ok = check_pattern(c, s, v, at) && ok;
	return check_properties(c, s, v, at) && ok;
}

static bool
check_items(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	struct place here = { at, NULL, 0 };
	size_t i, n = json_object_array_length(v);
	bool ok = true;

	for (i = 0; i < n; i++) {
		here.index = i;
		ok = check_node(c, s->items, json_object_array_get_idx(v, i),
			 &here) &&
		    ok;
	}
	return ok;
}

static bool
check_min_length(struct check *c, const struct hq_schema *s,
    struct json_object *v, const struct place *at)
{
	char text[80];

	if (hq_text_has_min_length(json_object_get_string(v), s->min_length))
		return true;
	(void)snprintf(text, sizeof(text),
	    "must not have fewer than %zu characters", s->min_length);
	return issue(c, at, text);
}

static bool
check_minimum(struct check *c, const struct hq_schema *s, enum hq_js t,
    struct json_object *v, const struct place *at)
{
	struct hq_buf text;
	double d;

	d = t == HQ_JS_BIGINT ? strtod(json_object_get_string(v), NULL)
			      : json_object_get_double(v);
	if (d >= s->minimum)
		return true;
	hq_buf_init(&text, NULL);
	hq_buf_puts(&text, "must be >= ");
	hq_json_write_number(&text, s->minimum);
	issue(c, at, hq_buf_str(&text));
	hq_buf_done(&text);
	return false;
}

bool
hq_schema_same(struct json_object *want, enum hq_js t, struct json_object *v)
{
	double a, b;

	if (hq_js_type(want) != t)
		return false;
	if (t != HQ_JS_NUMBER)
		return json_object_equal(want, v) != 0;
	a = json_object_get_double(want);
	b = json_object_get_double(v);
	return a >= b && a <= b;
}

static bool
check_choices(struct check *c, const struct hq_schema *s, enum hq_js t,
    struct json_object *v, const struct place *at)
{
	size_t i, n = json_object_array_length(s->choices);

	for (i = 0; i < n; i++)
		if (hq_schema_same(json_object_array_get_idx(s->choices, i), t,
			v))
			return true;
	return issue(c, at, "must be equal to one of the allowed values");
}

static bool
any_of(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	bool ok = false;
	size_t i;

	for (i = 0; i < s->n_any && !ok; i++)
		ok = check_node(c, s->any[i], v, at);
	return ok;
}

/* Mostly one of them fits, and no issue of the others is wanted. */
static bool
check_any(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	bool ok;

	c->tentative++;
	c->quiet++;
	ok = any_of(c, s, v, at);
	c->quiet--;
	if (!ok && c->quiet == 0)
		(void)any_of(c, s, v, at);
	c->tentative--;
	return ok || issue(c, at, "must match a schema in anyOf");
}

/* A value's own text is taken apart where the schema asks for anything. */
static bool
check_json(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	struct json_object *apart;
	bool ok;

	if (s->takes_all)
		return true;
	apart = hq_json_clone(v);
	ok = check_node(c, s, apart, at);
	(void)json_object_put(apart);
	return ok;
}

static bool
check_node(struct check *c, const struct hq_schema *s, struct json_object *v,
    const struct place *at)
{
	enum hq_js t = hq_js_type(v);
	char text[32];
	bool ok = true;

	if (t == HQ_JS_JSON)
		return check_json(c, s, v, at);
	if (c->n == HQ_SCHEMA_ISSUES_MAX && c->tentative == 0)
		return false;
	if (!hq_schema_has_type(s->type, t, v)) {
		(void)snprintf(text, sizeof(text), "must be %s",
		    hq_schema_type_names[s->type]);
		ok = issue(c, at, text);
	}
	if (is_object(t))
		ok = check_object(c, s, v, at) && ok;
	if (t == HQ_JS_ARRAY && s->items != NULL)
		ok = check_items(c, s, v, at) && ok;
	if (t == HQ_JS_STRING && s->min_length > 0)
		ok = check_min_length(c, s, v, at) && ok;
	if ((is_number(t, v) || t == HQ_JS_BIGINT) && s->has_minimum)
		ok = check_minimum(c, s, t, v, at) && ok;
	if (s->has_const && !hq_schema_same(s->constant, t, v))
		ok = issue(c, at, "must be equal to constant");
	if (s->choices != NULL)
		ok = check_choices(c, s, t, v, at) && ok;
	if (s->n_any > 0)
		ok = check_any(c, s, v, at) && ok;
	return ok;
}

enum hq_rc
hq_schema_check(const struct hq_schema *s, struct json_object *v,
    struct hq_arena *a, struct json_object **ret_issues, struct hq_err *err)
{
	const struct place root = { NULL, NULL, 0 };
	struct check c = { .n = 0 };
	struct json_object *issues;
	size_t i;

	if (hq_schema_fits(s, v) || check_node(&c, s, v, &root)) {
		*ret_issues = NULL;
		return HQ_OK;
	}
	issues = hq_json_new_array();
	for (i = 0; i < c.n; i++)
		hq_json_push(issues, c.issues[i]);
	HQ_TRY(hq_json_own(a, issues, err));
	*ret_issues = issues;
	return HQ_OK;
}

#include "domain/coordination/jsonschema.h"

#include <math.h>
#include <string.h>

#include "json/value.h"

/* Where a value stands: a chain up to the root, whose key is the name. */
struct place {
	const struct place *up;
	const char *key; /* NULL: index of an array */
	size_t index;
};

struct check {
	struct hq_arena *arena;
	const struct place *at;
	const char **ret_path;
};

static const char *fault(const struct check *c, struct json_object *schema,
    struct json_object *v);

/* ------------------------------------------------------------------ places -- */

static bool
is_word(const char *s)
{
	static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789_$-";

	return *s != '\0' && s[strspn(s, word)] == '\0';
}

static void
put_place(struct hq_buf *b, const struct place *p)
{
	if (p->up == NULL) {
		hq_buf_printf(b, "%s", p->key);
		return;
	}
	put_place(b, p->up);
	if (p->key == NULL) {
		hq_buf_printf(b, "[%zu]", p->index);
	} else if (is_word(p->key)) {
		hq_buf_printf(b, ".%s", p->key);
	} else {
		hq_buf_putc(b, '[');
		hq_json_write_string(b, p->key);
		hq_buf_putc(b, ']');
	}
}

/* "<place> <what>" */
static const char *
say(const struct check *c, const struct place *at, const char *what)
{
	struct hq_buf b;

	hq_buf_init(&b, c->arena);
	put_place(&b, at);
	*c->ret_path = hq_arena_printf(c->arena, "%s", hq_buf_str(&b));
	hq_buf_printf(&b, " %s", what);
	return hq_buf_str(&b);
}

/* ---------------------------------------------------------------- keywords -- */

static bool
is_number(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_NUMBER;
}

static bool
is_integer(struct json_object *v)
{
	double d;

	if (!is_number(v))
		return false;
	d = json_object_get_double(v);
	return isfinite(d) && floor(d) >= d;
}

static bool
is_string(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_STRING;
}

static bool
is_boolean(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_BOOLEAN;
}

static bool
is_object(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_OBJECT;
}

static bool
is_array(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_ARRAY;
}

static bool
is_null(struct json_object *v)
{
	return v == NULL;
}

static const struct {
	const char *name;
	bool (*is)(struct json_object *v);
} types[] = {
	{ "object", is_object },
	{ "array", is_array },
	{ "string", is_string },
	{ "number", is_number },
	{ "integer", is_integer },
	{ "boolean", is_boolean },
	{ "null", is_null },
};

/* A type that nobody knows is none that a value has. */
static bool
has_type(struct json_object *v, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].is(v);
	return false;
}

/* One of several; what is no name in the list says nothing. */
static const char *
check_types(const struct check *c, struct json_object *list,
    struct json_object *v)
{
	struct json_object *name;
	struct hq_buf what;
	size_t i, n = 0;

	hq_buf_init(&what, c->arena);
	for (i = 0; i < json_object_array_length(list); i++) {
		name = json_object_array_get_idx(list, i);
		if (!is_string(name))
			continue;
		if (has_type(v, json_object_get_string(name)))
			return NULL;
		hq_buf_puts(&what, n++ == 0 ? "must be " : " or ");
		hq_buf_puts(&what, json_object_get_string(name));
	}
	return n == 0 ? NULL : say(c, c->at, hq_buf_str(&what));
}

static const char *
check_type(const struct check *c, struct json_object *schema,
    struct json_object *want, struct json_object *v)
{
	const char *name;

	(void)schema;
	if (is_array(want))
		return check_types(c, want, v);
	if (!is_string(want))
		return NULL;
	name = json_object_get_string(want);
	if (has_type(v, name))
		return NULL;
	name = hq_arena_printf(c->arena, "must be %s", name);
	return say(c, c->at, name == NULL ? "has the wrong type" : name);
}

static const char *
check_enum(const struct check *c, struct json_object *schema,
    struct json_object *list, struct json_object *v)
{
	struct hq_buf have, want;
	size_t i;

	(void)schema;
	if (!is_array(list))
		return NULL;
	hq_buf_init(&have, c->arena);
	hq_json_write_canonical(&have, v);
	for (i = 0; i < json_object_array_length(list); i++) {
		hq_buf_init(&want, c->arena);
		hq_json_write_canonical(&want,
		    json_object_array_get_idx(list, i));
		if (strcmp(hq_buf_str(&have), hq_buf_str(&want)) == 0)
			return NULL;
	}
	return say(c, c->at, "must be one of the values of its enum");
}

static const char *
check_required(const struct check *c, struct json_object *schema,
    struct json_object *list, struct json_object *v)
{
	struct place p = { .up = c->at };
	struct json_object *key;
	size_t i;

	(void)schema;
	if (!is_array(list) || !is_object(v))
		return NULL;
	for (i = 0; i < json_object_array_length(list); i++) {
		key = json_object_array_get_idx(list, i);
		if (!is_string(key))
			continue;
		p.key = json_object_get_string(key);
		if (!json_object_object_get_ex(v, p.key, NULL))
			return say(c, &p, "is required");
	}
	return NULL;
}

static const char *
check_properties(const struct check *c, struct json_object *schema,
    struct json_object *props, struct json_object *v)
{
	struct place p = { .up = c->at };
	struct check below = { c->arena, &p, c->ret_path };
	struct json_object_iter it;
	struct json_object *child;
	const char *what;

	(void)schema;
	if (!is_object(props) || !is_object(v))
		return NULL;
	json_object_object_foreachC(props, it)
	{
		if (!json_object_object_get_ex(v, it.key, &child))
			continue;
		p.key = it.key;
		if ((what = fault(&below, it.val, child)) != NULL)
			return what;
	}
	return NULL;
}

static const char *
check_additional(const struct check *c, struct json_object *schema,
    struct json_object *extra, struct json_object *v)
{
	struct json_object *props = hq_json_get(schema, "properties");
	struct place p = { .up = c->at };
	struct check below = { c->arena, &p, c->ret_path };
	struct json_object_iter it;
	const char *what;

	if (!is_object(v))
		return NULL;
	json_object_object_foreachC(v, it)
	{
		if (is_object(props) &&
		    json_object_object_get_ex(props, it.key, NULL))
			continue;
		p.key = it.key;
		if ((what = fault(&below, extra, it.val)) != NULL)
			return what;
	}
	return NULL;
}

static const char *
check_items(const struct check *c, struct json_object *schema,
    struct json_object *items, struct json_object *v)
{
	struct place p = { .up = c->at };
	struct check below = { c->arena, &p, c->ret_path };
	const char *what;

	(void)schema;
	if (!is_array(v))
		return NULL;
	for (; p.index < json_object_array_length(v); p.index++) {
		what =
		    fault(&below, items, json_object_array_get_idx(v, p.index));
		if (what != NULL)
			return what;
	}
	return NULL;
}

static const char *
check_all(const struct check *c, struct json_object *schema,
    struct json_object *list, struct json_object *v)
{
	const char *what = NULL;
	size_t i;

	(void)schema;
	for (i = 0; is_array(list) && what == NULL &&
	     i < json_object_array_length(list);
	     i++)
		what = fault(c, json_object_array_get_idx(list, i), v);
	return what;
}

/* How many of the list's schemas v fits. */
static size_t
fitting(const struct check *c, struct json_object *list, struct json_object *v)
{
	size_t i, n = 0;

	for (i = 0; i < json_object_array_length(list); i++)
		n += fault(c, json_object_array_get_idx(list, i), v) == NULL;
	return n;
}

static const char *
check_any(const struct check *c, struct json_object *schema,
    struct json_object *list, struct json_object *v)
{
	(void)schema;
	if (!is_array(list) || fitting(c, list, v) > 0)
		return NULL;
	return say(c, c->at, "must fit one of its anyOf");
}

static const char *
check_one(const struct check *c, struct json_object *schema,
    struct json_object *list, struct json_object *v)
{
	(void)schema;
	if (!is_array(list) || fitting(c, list, v) == 1)
		return NULL;
	return say(c, c->at, "must fit exactly one of its oneOf");
}

static const struct {
	const char *name;
	const char *(*check)(const struct check *c, struct json_object *schema,
	    struct json_object *keyword, struct json_object *v);
} keywords[] = {
	{ "type", check_type },
	{ "enum", check_enum },
	{ "required", check_required },
	{ "properties", check_properties },
	{ "additionalProperties", check_additional },
	{ "items", check_items },
	{ "allOf", check_all },
	{ "anyOf", check_any },
	{ "oneOf", check_one },
};

static const char *
fault(const struct check *c, struct json_object *schema, struct json_object *v)
{
	const char *what = NULL;
	struct json_object *k;
	size_t i;

	if (is_boolean(schema) && !json_object_get_boolean(schema))
		return say(c, c->at, "is not allowed");
	if (!is_object(schema))
		return NULL;
	for (i = 0; what == NULL && i < sizeof(keywords) / sizeof(keywords[0]);
	     i++)
		if ((k = hq_json_get(schema, keywords[i].name)) != NULL)
			what = keywords[i].check(c, schema, k, v);
	return what;
}

const char *
hq_coord_schema_fault(struct hq_arena *a, struct json_object *schema,
    const char *name, struct json_object *v, const char **ret_path)
{
	const struct place root = { .key = name };
	const char *ignored;
	const struct check c = { a, &root,
		ret_path == NULL ? &ignored : ret_path };

	return fault(&c, schema, v);
}

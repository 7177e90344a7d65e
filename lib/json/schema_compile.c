#include <stdio.h>
#include <string.h>

#include "json/name.h"
#include "json/schema_node.h"

const char *const hq_schema_type_names[T__MAX] = {
	[T_ANY] = "",
	[T_OBJECT] = "object",
	[T_ARRAY] = "array",
	[T_STRING] = "string",
	[T_NUMBER] = "number",
	[T_INTEGER] = "integer",
	[T_BOOLEAN] = "boolean",
	[T_NULL] = "null",
};

struct compiler {
	struct hq_arena *arena;
	const char *at; /* where in the document; for messages */
	struct hq_schema *s;
	struct json_object *def;
};

static enum hq_rc compile(struct hq_arena *a, struct json_object *def,
    const char *at, const struct hq_schema **ret, struct hq_err *err) HQ_MUST;

static enum hq_rc
compile_below(struct compiler *c, struct json_object *def, const char *key,
    const struct hq_schema **ret, struct hq_err *err)
{
	char *at = hq_arena_printf(c->arena, "%s/%s", c->at, key);

	if (at == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	return compile(c->arena, def, at, ret, err);
}

static enum hq_rc
kw_type(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	enum hq_schema_type t;

	for (t = T_OBJECT; t < T__MAX; t++)
		if (json_object_is_type(v, json_type_string) &&
		    strcmp(json_object_get_string(v),
			hq_schema_type_names[t]) == 0)
			break;
	if (t == T__MAX)
		return HQ_FAIL(err, BAD_REQUEST, "%s/type: no such type",
		    c->at);
	c->s->type = t;
	return HQ_OK;
}

static enum hq_rc
kw_required(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	size_t i;

	if (!json_object_is_type(v, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "%s/required: not an array",
		    c->at);
	for (i = 0; i < json_object_array_length(v); i++)
		if (!json_object_is_type(json_object_array_get_idx(v, i),
			json_type_string))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s/required: not a string", c->at);
	c->s->required = v;
	return HQ_OK;
}

/* required may stand behind properties, so it is read from the definition. */
static bool
is_required(struct json_object *def, const char *key)
{
	struct json_object *list = hq_json_get(def, "required");
	size_t i, n;

	if (!json_object_is_type(list, json_type_array))
		return false;
	n = json_object_array_length(list);
	for (i = 0; i < n; i++)
		if (strcmp(json_object_get_string(
			       json_object_array_get_idx(list, i)),
			key) == 0)
			return true;
	return false;
}

static enum hq_rc
kw_properties(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	struct hq_property *p;
	struct json_object_iter it;

	if (!json_object_is_type(v, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "%s/properties: not an object",
		    c->at);
	c->s->n_props = (size_t)json_object_object_length(v);
	p = HQ_NEW(c->arena, struct hq_property, c->s->n_props + 1);
	if (p == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	c->s->known = v;
	c->s->props = p;
	json_object_object_foreachC(v, it)
	{
		p->key = hq_json_name_add(it.key);
		p->required = is_required(c->def, it.key);
		HQ_TRY(compile_below(c, it.val, it.key, &p->schema, err));
		p++;
	}
	return HQ_OK;
}

static enum hq_rc
kw_additional(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	if (json_object_is_type(v, json_type_boolean)) {
		c->s->closed = json_object_get_boolean(v) == 0;
		return HQ_OK;
	}
	return compile_below(c, v, "additionalProperties", &c->s->extra, err);
}

static enum hq_rc
kw_pattern(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	struct json_object *def;

	if (!json_object_is_type(v, json_type_object) ||
	    json_object_object_length(v) != 1 ||
	    !json_object_object_get_ex(v, "^.*$", &def))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/patternProperties: only \"^.*$\" is known", c->at);
	return compile_below(c, def, "patternProperties", &c->s->pattern, err);
}

static enum hq_rc
kw_items(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	return compile_below(c, v, "items", &c->s->items, err);
}

static enum hq_rc
kw_min_length(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	int64_t n = hq_json_i64(c->def, "minLength", -1);

	(void)v;
	if (n < 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/minLength: not a whole number from 0", c->at);
	c->s->min_length = (size_t)n;
	return HQ_OK;
}

static enum hq_rc
kw_minimum(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	if (hq_js_type(v) != HQ_JS_NUMBER)
		return HQ_FAIL(err, BAD_REQUEST, "%s/minimum: not a number",
		    c->at);
	c->s->has_minimum = true;
	c->s->minimum = json_object_get_double(v);
	return HQ_OK;
}

static enum hq_rc
kw_const(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	(void)err;
	c->s->has_const = true;
	c->s->constant = v;
	return HQ_OK;
}

static enum hq_rc
kw_enum(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	if (!json_object_is_type(v, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "%s/enum: not an array",
		    c->at);
	c->s->choices = v;
	return HQ_OK;
}

static enum hq_rc
kw_any_of(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	char key[32];
	size_t i;

	if (!json_object_is_type(v, json_type_array) ||
	    json_object_array_length(v) == 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/anyOf: not an array of schemas", c->at);
	c->s->n_any = json_object_array_length(v);
	c->s->any = HQ_NEW(c->arena, const struct hq_schema *, c->s->n_any);
	if (c->s->any == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	for (i = 0; i < c->s->n_any; i++) {
		(void)snprintf(key, sizeof(key), "anyOf/%zu", i);
		HQ_TRY(compile_below(c, json_object_array_get_idx(v, i), key,
		    &c->s->any[i], err));
	}
	return HQ_OK;
}

static enum hq_rc
kw_annotation(struct compiler *c, struct json_object *v, struct hq_err *err)
{
	(void)c;
	(void)v;
	(void)err;
	return HQ_OK;
}

static const struct keyword {
	const char *name;
	enum hq_rc (*read)(struct compiler *c, struct json_object *v,
	    struct hq_err *err);
} keywords[] = {
	{ "type", kw_type },
	{ "required", kw_required },
	{ "properties", kw_properties },
	{ "additionalProperties", kw_additional },
	{ "patternProperties", kw_pattern },
	{ "items", kw_items },
	{ "minLength", kw_min_length },
	{ "minimum", kw_minimum },
	{ "const", kw_const },
	{ "enum", kw_enum },
	{ "anyOf", kw_any_of },
	{ "title", kw_annotation },
	{ "description", kw_annotation },
	{ "default", kw_annotation },
	{ "examples", kw_annotation },
	{ HQ_SCHEMA_EXTENSION, kw_annotation },
	{ NULL, NULL },
};

static void
count_required(struct hq_schema *s)
{
	size_t i, n;

	for (i = 0; i < s->n_props; i++)
		s->n_required += s->props[i].required;
	n = s->required == NULL ? 0 : json_object_array_length(s->required);
	for (i = 0; i < n; i++)
		if (!json_object_object_get_ex(s->known,
			json_object_get_string(
			    json_object_array_get_idx(s->required, i)),
			NULL))
			s->required_elsewhere = true;
}

static enum hq_rc
compile(struct hq_arena *a, struct json_object *def, const char *at,
    const struct hq_schema **ret, struct hq_err *err)
{
	struct compiler c = { a, at, HQ_NEW(a, struct hq_schema, 1), def };
	const struct keyword *k;
	struct json_object_iter it;
	bool asks = false;

	if (c.s == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	if (!json_object_is_type(def, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "%s: not a schema", at);
	json_object_object_foreachC(def, it)
	{
		for (k = keywords; k->name != NULL; k++)
			if (strcmp(k->name, it.key) == 0)
				break;
		if (k->name == NULL)
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s/%s: unknown keyword", at, it.key);
		HQ_TRY(k->read(&c, it.val, err));
		asks = asks || k->read != kw_annotation;
	}
	c.s->takes_all = !asks;
	count_required(c.s);
	*ret = c.s;
	return HQ_OK;
}

enum hq_rc
hq_schema_compile(struct hq_arena *a, struct json_object *def,
    const struct hq_schema **ret, struct hq_err *err)
{
	return compile(a, def, "#", ret, err);
}

#include <string.h>

#include "proto/route.h"

bool
hq_route_next(const char **path, enum hq_segment *ret_kind,
    const char **ret_text, size_t *ret_n)
{
	const char *s = *path;
	size_t n;

	if (*s != '/' || s[1] == '\0')
		return false;
	n = strcspn(++s, "/");
	*path = s + n;
	*ret_kind = HQ_SEGMENT_STATIC;
	if (n > 2 && s[0] == '{' && s[n - 1] == '}') {
		*ret_kind = s[1] == '+' ? HQ_SEGMENT_REST : HQ_SEGMENT_PARAM;
		s += *ret_kind == HQ_SEGMENT_REST ? 2 : 1;
		n = (size_t)(*path - s) - 1;
	}
	*ret_text = s;
	*ret_n = n;
	return true;
}

bool
hq_route_has_param(const char *path, const char *name)
{
	enum hq_segment kind;
	const char *s;
	size_t n;

	while (hq_route_next(&path, &kind, &s, &n))
		if (kind != HQ_SEGMENT_STATIC && strlen(name) == n &&
		    strncmp(s, name, n) == 0)
			return true;
	return false;
}

bool
hq_route_same_path(const char *a, const char *b)
{
	enum hq_segment ka, kb;
	const char *sa, *sb;
	size_t na, nb;
	bool more, other;

	for (;;) {
		more = hq_route_next(&a, &ka, &sa, &na);
		other = hq_route_next(&b, &kb, &sb, &nb);
		if (!more || !other)
			return more == other;
		if (ka != kb)
			return false;
		if (ka == HQ_SEGMENT_STATIC &&
		    (na != nb || strncmp(sa, sb, na) != 0))
			return false;
	}
}

static bool
has_string(struct json_object *list, const char *s, size_t n)
{
	const char *t;
	size_t i;

	if (!json_object_is_type(list, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(list); i++) {
		t = json_object_get_string(json_object_array_get_idx(list, i));
		if (strlen(t) == n && strncmp(s, t, n) == 0)
			return true;
	}
	return false;
}

static bool
has_member(struct json_object *o, const char *s, size_t n)
{
	struct json_object_iter it;

	if (!json_object_is_type(o, json_type_object))
		return false;
	json_object_object_foreachC(o, it)
	{
		if (strlen(it.key) == n && strncmp(it.key, s, n) == 0)
			return true;
	}
	return false;
}

/* Only an object told by these can be split into parameters and the rest. */
static bool
is_plain_object(struct json_object *def)
{
	const char *type = hq_json_str(def, "type");

	return type != NULL && strcmp(type, "object") == 0 &&
	    !json_object_object_get_ex(def, "patternProperties", NULL) &&
	    !json_object_object_get_ex(def, "anyOf", NULL) &&
	    !json_object_object_get_ex(def, "const", NULL) &&
	    !json_object_object_get_ex(def, "enum", NULL);
}

static const char *
segment_fault(const char *rest_of_path, enum hq_segment kind, const char *s,
    size_t n, struct json_object *input)
{
	if (n == 0)
		return "path: an empty segment";
	if (kind == HQ_SEGMENT_STATIC)
		return memchr(s, '{', n) != NULL || memchr(s, '}', n) != NULL
		    ? "path: a parameter must be a whole segment"
		    : NULL;
	if (kind == HQ_SEGMENT_REST && *rest_of_path != '\0')
		return "path: {+rest} must be the last segment";
	if (!is_plain_object(input) ||
	    !has_member(hq_json_get(input, "properties"), s, n) ||
	    !has_string(hq_json_get(input, "required"), s, n))
		return "path: every parameter must be a required property of "
		       "an object input";
	return NULL;
}

const char *
hq_route_fault(const char *method, const char *path, struct json_object *input)
{
	const char *p = path, *s, *why;
	enum hq_segment kind;
	size_t n;

	if (path == NULL || path[0] != '/')
		return "path: must begin with /";
	while (hq_route_next(&p, &kind, &s, &n)) {
		why = segment_fault(p, kind, s, n, input);
		if (why != NULL)
			return why;
	}
	if (*p != '\0' && p != path)
		return "path: must not end with /";
	if (strcmp(method, "GET") == 0 && !is_plain_object(input) &&
	    !hq_schema_def_is_any(input))
		return "input of a GET must be an object";
	return NULL;
}

bool
hq_schema_def_is_any(struct json_object *def)
{
	static const char *const annotations[] = { "title", "description",
		"default", "examples" };
	size_t i, n = 0;

	for (i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++)
		if (json_object_object_get_ex(def, annotations[i], NULL))
			n++;
	return n == (size_t)json_object_object_length(def);
}

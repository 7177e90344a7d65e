#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr/node.h"

static const double exact_max = 9007199254740992.0; /* 2^53 */

enum hq_rc
hq_expr_string(struct hq_arena *a, const char *s, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *v = hq_json_new_string(s);

	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

enum hq_rc
hq_expr_number(struct hq_arena *a, double d, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *v;

	if (d > -exact_max && d < exact_max && !(d < trunc(d)) &&
	    !(d > trunc(d)))
		v = hq_json_new_int64((int64_t)d);
	else
		v = hq_json_new_double(d);
	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

enum hq_rc
hq_expr_bool(struct hq_arena *a, bool b, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *v = hq_json_new_boolean(b);

	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

const char *
hq_expr_text(struct hq_arena *a, struct json_object *v)
{
	const char *s;

	if (json_object_is_type(v, json_type_string))
		return json_object_get_string(v);
	s = hq_json_text(a, v);
	return s != NULL ? s : "";
}

static bool
is_number(struct json_object *v)
{
	return json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double);
}

/* Characters, not bytes: those which continue another do not count. */
static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

static enum hq_rc
call_size(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *v = args[0];
	size_t n = 0;

	if (json_object_is_type(v, json_type_string))
		n = characters(json_object_get_string(v));
	else if (json_object_is_type(v, json_type_array))
		n = json_object_array_length(v);
	else if (json_object_is_type(v, json_type_object))
		n = (size_t)json_object_object_length(v);
	else if (v != NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "size() takes a string, a list or an object");
	return hq_expr_number(a, (double)n, ret, err);
}

enum where { AT_START, AT_END, ANYWHERE };

static bool
holds(const char *s, const char *part, enum where where)
{
	size_t n = strlen(s), k = strlen(part);

	if (k > n)
		return false;
	if (where == ANYWHERE)
		return strstr(s, part) != NULL;
	return memcmp(where == AT_START ? s : s + n - k, part, k) == 0;
}

/* null holds nothing. */
static enum hq_rc
search(struct hq_arena *a, struct json_object **args, enum where where,
    struct json_object **ret, struct hq_err *err)
{
	if (args[0] == NULL || args[1] == NULL)
		return hq_expr_bool(a, false, ret, err);
	if (!json_object_is_type(args[0], json_type_string) ||
	    !json_object_is_type(args[1], json_type_string))
		return HQ_FAIL(err, BAD_REQUEST,
		    "startsWith(), endsWith() and contains() take strings");
	return hq_expr_bool(a,
	    holds(json_object_get_string(args[0]),
		json_object_get_string(args[1]), where),
	    ret, err);
}

static enum hq_rc
call_starts_with(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	return search(a, args, AT_START, ret, err);
}

static enum hq_rc
call_ends_with(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	return search(a, args, AT_END, ret, err);
}

static enum hq_rc
call_contains(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	return search(a, args, ANYWHERE, ret, err);
}

/* The number that a value is or spells. */
static bool
to_number(struct json_object *v, double *ret)
{
	const char *s;
	char *end;

	if (is_number(v) || json_object_is_type(v, json_type_boolean)) {
		*ret = json_object_get_double(v);
		return isfinite(*ret);
	}
	if (!json_object_is_type(v, json_type_string))
		return false;
	s = json_object_get_string(v);
	if (*s == '\0' || strspn(s, "+-.0123456789eE") != strlen(s))
		return false;
	*ret = strtod(s, &end);
	return *end == '\0' && isfinite(*ret);
}

static enum hq_rc
call_int(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	double d;

	if (!to_number(args[0], &d))
		return HQ_FAIL(err, BAD_REQUEST, "int() takes a number");
	return hq_expr_number(a, trunc(d), ret, err);
}

static enum hq_rc
call_double(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	double d;

	if (!to_number(args[0], &d))
		return HQ_FAIL(err, BAD_REQUEST, "double() takes a number");
	return hq_expr_number(a, d, ret, err);
}

static enum hq_rc
call_string(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	return hq_expr_string(a, hq_expr_text(a, args[0]), ret, err);
}

/* ASCII letters; null stays null. */
static enum hq_rc
map_case(struct hq_arena *a, struct json_object *v, int (*fn)(int c),
    struct json_object **ret, struct hq_err *err)
{
	char *s;
	size_t i;

	*ret = NULL;
	if (v == NULL)
		return HQ_OK;
	if (!json_object_is_type(v, json_type_string))
		return HQ_FAIL(err, BAD_REQUEST,
		    "lowercase() and uppercase() take a string");
	s = hq_arena_printf(a, "%s", json_object_get_string(v));
	if (s == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the value is too large");
	for (i = 0; s[i] != '\0'; i++)
		if (isascii((unsigned char)s[i]))
			s[i] = (char)fn((unsigned char)s[i]);
	return hq_expr_string(a, s, ret, err);
}

static enum hq_rc
call_lowercase(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	return map_case(a, args[0], tolower, ret, err);
}

static enum hq_rc
call_uppercase(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err)
{
	return map_case(a, args[0], toupper, ret, err);
}

static const struct hq_call_row rows[] = {
	{ "size", 1, call_size },
	{ "startsWith", 2, call_starts_with },
	{ "endsWith", 2, call_ends_with },
	{ "contains", 2, call_contains },
	{ "int", 1, call_int },
	{ "double", 1, call_double },
	{ "string", 1, call_string },
	{ "lowercase", 1, call_lowercase },
	{ "uppercase", 1, call_uppercase },
	{ 0 },
};

const struct hq_call_row *
hq_call_find(const char *name)
{
	const struct hq_call_row *row;

	for (row = rows; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

/*
 * JSON between callers and the store's text columns.
 */
#include "domain/coordination/run.h"

#include <string.h>

#include "json/value.h"

/* Deeper than left levels?  Looks no further than that. */
static bool
deeper(struct json_object *v, int left)
{
	size_t i;

	if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach (v, key, child) {
			(void)key;
			if (left == 0 || deeper(child, left - 1))
				return true;
		}
	}
	if (!json_object_is_type(v, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(v); i++)
		if (left == 0 ||
		    deeper(json_object_array_get_idx(v, i), left - 1))
			return true;
	return false;
}

bool
hq_coord_too_deep(struct json_object *v)
{
	return deeper(v, HQ_COORD_DEPTH_MAX);
}

enum hq_rc
hq_coord_text(struct hq_arena *a, const char *what, struct json_object *v,
    const char **ret, struct hq_err *err)
{
	if (hq_coord_too_deep(v))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s is nested deeper than %d levels", what,
		    HQ_COORD_DEPTH_MAX);
	if (hq_js_has_bigint(v))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s holds a BigInt, which JSON cannot carry; send it as a "
		    "string",
		    what);
	*ret = hq_json_text(a, v);
	if (*ret == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "%s is too large", what);
	return HQ_OK;
}

/* What was written as JSON and is none is no fault of who asks for it. */
static enum hq_rc
of_store(enum hq_rc rc, struct hq_err *err)
{
	if (rc != HQ_E_BAD_REQUEST)
		return rc;
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
	    "the store holds a text that is no JSON");
}

enum hq_rc
hq_coord_parse(struct hq_arena *a, const char *text, struct json_object **ret,
    struct hq_err *err)
{
	return of_store(hq_json_parse(a, text, strlen(text), ret, err), err);
}

enum hq_rc
hq_coord_check(struct hq_arena *a, const char *text, struct hq_err *err)
{
	return of_store(hq_json_check(a, text, strlen(text), err), err);
}

enum hq_rc
hq_coord_object(struct hq_arena *a, struct json_object **ret,
    struct hq_err *err)
{
	*ret = hq_json_new_object();
	return hq_json_own(a, *ret, err);
}

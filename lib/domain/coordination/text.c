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

static enum hq_rc
too_deep(const char *what, struct hq_err *err)
{
	return HQ_FAIL(err, BAD_REQUEST, "%s is nested deeper than %d levels",
	    what, HQ_COORD_DEPTH_MAX);
}

/* The plain JSON that JSON.stringify() makes of it, if it can. */
static enum hq_rc
collapse(struct hq_arena *a, const char *what, struct json_object **v,
    struct hq_err *err)
{
	if (hq_coord_too_deep(*v))
		return too_deep(what, err);
	if (hq_js_has_bigint(*v))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s holds a BigInt, which JSON cannot carry; send it as a "
		    "string",
		    what);
	*v = hq_json_clone(*v);
	return *v == NULL ? HQ_OK : hq_json_own(a, *v, err);
}

enum hq_rc
hq_coord_write(struct hq_arena *a, const char *what, struct json_object *v,
    struct hq_buf *ret, struct hq_json_look *look, struct hq_err *err)
{
	look->depth_max = HQ_COORD_DEPTH_MAX;
	hq_buf_init(ret, a);
	hq_json_write_looking(ret, v, look);
	if (look->special) {
		HQ_TRY(collapse(a, what, &v, err));
		hq_buf_init(ret, a);
		hq_json_write_looking(ret, v, look);
		look->special = true;
	}
	if (look->too_deep)
		return too_deep(what, err);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "%s is too large", what);
	return HQ_OK;
}

enum hq_rc
hq_coord_text(struct hq_arena *a, const char *what, struct json_object *v,
    const char **ret, struct hq_err *err)
{
	struct hq_json_look look = { 0 };
	struct hq_buf b;

	HQ_TRY(hq_coord_write(a, what, v, &b, &look, err));
	*ret = b.p;
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
hq_coord_parse_top(struct hq_arena *a, const char *text,
    struct json_object **ret, struct hq_err *err)
{
	return of_store(hq_json_parse_top(a, text, strlen(text), ret, err),
	    err);
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

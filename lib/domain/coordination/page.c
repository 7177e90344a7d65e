#include "domain/coordination/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum hq_rc
hq_coord_page_open(struct hq_arena *a, struct hq_coord_page *ret,
    struct hq_err *err)
{
	*ret = (struct hq_coord_page){ .items = hq_json_new_array() };
	return hq_json_own(a, ret->items, err);
}

enum hq_rc
hq_coord_page_json(struct hq_arena *a, const struct hq_coord_page *page,
    const char *name, struct json_object **ret, struct hq_err *err)
{
	struct json_object *out = hq_json_new_object();

	HQ_TRY(hq_json_own(a, out, err));
	hq_json_put(out, name, json_object_get(page->items));
	if (page->more)
		hq_json_put_str(out, "nextCursor", page->cursor);
	*ret = out;
	return HQ_OK;
}

static bool
whole_number(struct json_object *v, int64_t *ret)
{
	const char *s;
	char *end;
	double d;

	if (json_object_is_type(v, json_type_string)) {
		s = json_object_get_string(v);
		errno = 0;
		*ret = strtoll(s, &end, 10);
		return s[0] >= '0' && s[0] <= '9' && *end == '\0' && errno == 0;
	}
	if (!json_object_is_type(v, json_type_int) &&
	    !json_object_is_type(v, json_type_double))
		return false;
	d = json_object_get_double(v);
	if (!(d >= 0 && d <= 9007199254740991.0))
		return false;
	*ret = (int64_t)d;
	return d <= (double)*ret;
}

enum hq_rc
hq_coord_integer(struct json_object *v, const char *what, int64_t max,
    int64_t dflt, int64_t *ret, struct hq_err *err)
{
	if (v == NULL) {
		*ret = dflt;
		return HQ_OK;
	}
	if (!whole_number(v, ret) || *ret < 1 || *ret > max)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s is not a whole number from 1 to %lld", what,
		    (long long)max);
	return HQ_OK;
}

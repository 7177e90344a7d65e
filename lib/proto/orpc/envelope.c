#include <string.h>

#include "proto/orpc/envelope.h"
#include "proto/orpc/jstype.h"

const char hq_envelope_malformed[] =
    "Malformed request. Ensure the request body is properly formatted and the "
    "'Content-Type' header is set correctly.";

#define MALFORMED(err) HQ_FAIL((err), BAD_REQUEST, "%s", hq_envelope_malformed)

/* A value and where it stands: what a path of meta or maps leads to. */
struct place {
	struct json_object *parent; /* object or array */
	const char *key;            /* in an object */
	size_t index;               /* in an array */
	struct json_object *value;
};

static enum hq_rc
undefined(struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	struct json_object *v = hq_js_undefined();

	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

/* A segment as a property key; NULL if it has none that data could hold. */
static const char *
key_of(struct hq_arena *a, struct json_object *seg)
{
	enum hq_js type = hq_js_type(seg);

	if (type == HQ_JS_STRING)
		return json_object_get_string(seg);
	if (type == HQ_JS_NUMBER || type == HQ_JS_BOOLEAN || type == HQ_JS_NULL)
		return hq_json_text(a, seg);
	return NULL;
}

/* "0", "1", ...: the indexes that an array of n values has. */
static bool
index_of(const char *key, size_t n, size_t *ret)
{
	size_t i, v = 0;

	if (key[0] == '\0' || (key[0] == '0' && key[1] != '\0'))
		return false;
	for (i = 0; key[i] != '\0'; i++) {
		if (key[i] < '0' || key[i] > '9' || v >= n)
			return false;
		v = v * 10 + (size_t)(key[i] - '0');
	}
	*ret = v;
	return v < n;
}

/* One segment further; false if the value has no such key of its own. */
static bool
step(struct hq_arena *a, struct place *p, struct json_object *seg)
{
	struct json_object *cur = p->value;
	const char *key = key_of(a, seg);

	if (key == NULL)
		return false;
	p->parent = cur;
	p->key = key;
	if (hq_js_type(cur) == HQ_JS_OBJECT)
		return json_object_object_get_ex(cur, key, &p->value);
	if (hq_js_type(cur) != HQ_JS_ARRAY ||
	    !index_of(key, json_object_array_length(cur), &p->index))
		return false;
	p->value = json_object_array_get_idx(cur, p->index);
	return true;
}

/* From `json` of the envelope along path[first...]. */
static enum hq_rc
walk(struct hq_arena *a, struct json_object *envelope, struct json_object *path,
    size_t first, struct place *ret, struct hq_err *err)
{
	size_t i, n = json_object_array_length(path);

	ret->parent = envelope;
	ret->key = "json";
	if (!json_object_object_get_ex(envelope, "json", &ret->value))
		return MALFORMED(err);
	for (i = first; i < n; i++)
		if (!step(a, ret, json_object_array_get_idx(path, i)))
			return MALFORMED(err);
	return HQ_OK;
}

/* Takes the reference to v. */
static void
replace(const struct place *p, struct json_object *v)
{
	if (json_object_is_type(p->parent, json_type_array))
		HQ_ASSERT(
		    json_object_array_put_idx(p->parent, p->index, v) == 0);
	else
		hq_json_put(p->parent, p->key, v);
}

static enum hq_rc
apply_item(struct hq_arena *a, struct json_object *envelope,
    struct json_object *item, struct hq_err *err)
{
	struct place at = { 0 };
	struct json_object *v;
	hq_jstype_fn *convert;

	if (item == NULL)
		return MALFORMED(err);
	if (hq_js_type(item) != HQ_JS_ARRAY)
		return HQ_OK;
	convert = hq_jstype(json_object_array_get_idx(item, 0));
	if (convert == NULL)
		return HQ_OK;
	HQ_TRY(walk(a, envelope, item, 1, &at, err));
	v = convert(a, at.value);
	if (v == NULL)
		return MALFORMED(err);
	replace(&at, v);
	return HQ_OK;
}

/* Text can be iterated as well; its letters are types that nobody knows. */
static enum hq_rc
apply_meta(struct hq_arena *a, struct json_object *envelope, struct hq_err *err)
{
	struct json_object *meta = hq_json_get(envelope, "meta");
	size_t i;

	if (meta == NULL || hq_js_type(meta) == HQ_JS_STRING)
		return HQ_OK;
	if (hq_js_type(meta) != HQ_JS_ARRAY)
		return MALFORMED(err);
	for (i = 0; i < json_object_array_length(meta); i++)
		HQ_TRY(apply_item(a, envelope,
		    json_object_array_get_idx(meta, i), err));
	return HQ_OK;
}

/* The value of `json`, once meta and maps are applied. */
static enum hq_rc
open_envelope(struct hq_arena *a, struct json_object *envelope,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *v;

	HQ_TRY(apply_meta(a, envelope, err));
	if (!json_object_object_get_ex(envelope, "json", &v))
		return undefined(a, ret, err);
	*ret = v;
	return HQ_OK;
}

enum hq_rc
hq_envelope_decode(struct hq_arena *a, struct json_object *body,
    struct json_object **ret, struct hq_err *err)
{
	if (body == NULL)
		return MALFORMED(err);
	if (hq_js_type(body) != HQ_JS_OBJECT)
		return undefined(a, ret, err);
	return open_envelope(a, body, ret, err);
}

static const struct hq_pair *
field(const struct hq_pairs *form, const char *name)
{
	size_t i;

	for (i = 0; i < form->n; i++)
		if (strcmp(form->v[i].name, name) == 0)
			return &form->v[i];
	return NULL;
}

/* maps[i] is the path of the file in field i. */
static enum hq_rc
put_file(struct hq_arena *a, struct json_object *envelope,
    struct json_object *path, const struct hq_pair *file, struct hq_err *err)
{
	struct place at = { 0 };

	if (file == NULL || file->file == NULL ||
	    hq_js_type(path) != HQ_JS_ARRAY)
		return MALFORMED(err);
	/* A file that is the whole value needs no place to be there for it. */
	if (json_object_array_length(path) == 0)
		hq_json_put(envelope, "json", NULL);
	HQ_TRY(walk(a, envelope, path, 0, &at, err));
	replace(&at, json_object_get(file->file));
	return HQ_OK;
}

/* What JavaScript takes for "no maps". */
static bool
is_falsy(struct json_object *v)
{
	double d;

	if (hq_js_type(v) == HQ_JS_NUMBER) {
		d = json_object_get_double(v);
		return !(d < 0 || d > 0);
	}
	return v == NULL ||
	    (hq_js_type(v) != HQ_JS_OBJECT && !json_object_get_boolean(v));
}

static enum hq_rc
apply_maps(struct hq_arena *a, struct json_object *envelope,
    const struct hq_pairs *form, struct hq_err *err)
{
	struct json_object *maps = hq_json_get(envelope, "maps");
	const char *name;
	size_t i, n;

	if (hq_js_type(maps) != HQ_JS_ARRAY)
		return is_falsy(maps) ? HQ_OK : MALFORMED(err);
	n = json_object_array_length(maps);
	if (n > HQ_ENVELOPE_FILES_MAX)
		return MALFORMED(err);
	for (i = 0; i < n; i++) {
		name = hq_arena_printf(a, "%zu", i);
		if (name == NULL)
			return MALFORMED(err);
		HQ_TRY(put_file(a, envelope, json_object_array_get_idx(maps, i),
		    field(form, name), err));
	}
	return HQ_OK;
}

enum hq_rc
hq_envelope_decode_form(struct hq_arena *a, const struct hq_pairs *form,
    struct json_object **ret, struct hq_err *err)
{
	const struct hq_pair *data = field(form, "data");
	struct json_object *envelope;

	if (data == NULL || data->value == NULL)
		return MALFORMED(err);
	HQ_TRY(
	    hq_json_parse(a, data->value, strlen(data->value), &envelope, err));
	if (hq_js_type(envelope) != HQ_JS_OBJECT)
		return hq_envelope_decode(a, envelope, ret, err);
	HQ_TRY(apply_maps(a, envelope, form, err));
	return open_envelope(a, envelope, ret, err);
}

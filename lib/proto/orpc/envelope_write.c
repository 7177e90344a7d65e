#include <stdlib.h>
#include <string.h>

#include "proto/orpc/envelope.h"

/* The wire's number of each tagged type; -1: it has none. */
static const int numbers[HQ_JS__MAX] = {
	[HQ_JS_NULL] = -1,
	[HQ_JS_BOOLEAN] = -1,
	[HQ_JS_NUMBER] = -1,
	[HQ_JS_STRING] = -1,
	[HQ_JS_ARRAY] = -1,
	[HQ_JS_OBJECT] = -1,
	[HQ_JS_JSON] = -1,
	[HQ_JS_BIGINT] = 0,
	[HQ_JS_DATE] = 1,
	[HQ_JS_NAN] = 2,
	[HQ_JS_UNDEFINED] = 3,
	[HQ_JS_URL] = 4,
	[HQ_JS_REGEXP] = 5,
	[HQ_JS_SET] = 6,
	[HQ_JS_MAP] = 7,
	[HQ_JS_FILE] = -1,
};

/* From a value up to the root: how it is reached. */
struct step {
	const struct step *up; /* NULL at the root */
	const char *key;       /* NULL: index */
	size_t index;
	size_t depth;
};

struct writer {
	struct hq_arena *a;
	struct hq_buf meta; /* items, with a comma before each but the first */
};

static void
put_path(struct hq_buf *b, const struct step *s)
{
	const struct step **path, *at;
	size_t i, n = s->depth;

	if (n == 0)
		return;
	path = HQ_NEW(b->arena, const struct step *, n);
	if (path == NULL)
		return;
	for (at = s, i = n; i > 0; at = at->up)
		path[--i] = at;
	for (i = 0; i < n; i++) {
		hq_buf_putc(b, ',');
		if (path[i]->key != NULL)
			hq_json_write_string(b, path[i]->key);
		else
			hq_buf_printf(b, "%zu", path[i]->index);
	}
}

static void
put_meta(struct writer *w, enum hq_js type, const struct step *s)
{
	if (w->meta.n > 0)
		hq_buf_putc(&w->meta, ',');
	hq_buf_printf(&w->meta, "[%d", numbers[type]);
	put_path(&w->meta, s);
	hq_buf_putc(&w->meta, ']');
}

static struct json_object *form_of(struct writer *w, struct json_object *v,
    const struct step *s, struct hq_err *err);

static struct json_object *
form_of_array(struct writer *w, struct json_object *v, const struct step *s,
    struct hq_err *err)
{
	struct step next = { .up = s, .depth = s->depth + 1 };
	size_t i, n = json_object_array_length(v);
	struct json_object *out = hq_json_new_array(), *member;

	for (i = 0; i < n; i++) {
		next.index = i;
		member = json_object_array_get_idx(v, i);
		if (hq_js_is_undefined(member))
			put_meta(w, HQ_JS_UNDEFINED, &next);
		hq_json_push(out, form_of(w, member, &next, err));
	}
	return out;
}

/* "0" ... "4294967294": the keys that JavaScript enumerates first. */
static bool
is_index(const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || n > 10 || strspn(key, "0123456789") != n ||
	    (*key == '0' && n > 1))
		return false;
	return strtoull(key, NULL, 10) <= 4294967294ULL;
}

struct member {
	const char *key;
	struct json_object *v;
	size_t at; /* where it was put in */
	bool index;
};

static int
compare(const void *p, const void *q)
{
	const struct member *x = p, *y = q;
	unsigned long long i, k;

	if (x->index != y->index)
		return x->index ? -1 : 1;
	if (!x->index)
		return x->at < y->at ? -1 : 1;
	i = strtoull(x->key, NULL, 10);
	k = strtoull(y->key, NULL, 10);
	return i < k ? -1 : i > k;
}

/* The members as `for (const key in object)` visits them. */
static struct member *
members_of(struct hq_arena *a, struct json_object *o, size_t *ret_n)
{
	size_t n = 0, max = (size_t)json_object_object_length(o);
	struct member *v = HQ_NEW(a, struct member, max + 1);
	struct lh_entry *e;
	bool sort = false;

	*ret_n = 0;
	if (v == NULL)
		return NULL;
	for (e = json_object_get_object(o)->head; e != NULL; e = e->next) {
		v[n].key = lh_entry_k(e);
		v[n].v = lh_entry_v(e);
		v[n].at = n;
		v[n].index = is_index(v[n].key);
		sort = sort || v[n].index;
		n++;
	}
	if (sort)
		qsort(v, n, sizeof(*v), compare);
	*ret_n = n;
	return v;
}

static struct json_object *
form_of_object(struct writer *w, struct json_object *v, const struct step *s,
    struct hq_err *err)
{
	struct step next = { .up = s, .depth = s->depth + 1 };
	struct json_object *out = hq_json_new_object();
	struct member *members;
	size_t i, n;

	members = members_of(w->a, v, &n);
	for (i = 0; i < n; i++) {
		if (hq_js_is_undefined(members[i].v))
			continue;
		next.key = members[i].key;
		hq_json_put(out, members[i].key,
		    form_of(w, members[i].v, &next, err));
	}
	return out;
}

/*
 * The JSON form of a value, a new reference; its meta items go to w, those of
 * members before that of their container.
 */
static struct json_object *
form_of(struct writer *w, struct json_object *v, const struct step *s,
    struct hq_err *err)
{
	enum hq_js type = hq_js_type(v);
	struct json_object *out = NULL;

	if (s->depth > HQ_ENVELOPE_DEPTH_MAX) {
		HQ_IGNORE(HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "tagged values nest deeper than %d",
		    HQ_ENVELOPE_DEPTH_MAX)); /* the root looks at err */
		return NULL;
	}
	if (type == HQ_JS_ARRAY || type == HQ_JS_SET || type == HQ_JS_MAP)
		out = form_of_array(w, v, s, err);
	else if (type == HQ_JS_OBJECT)
		out = form_of_object(w, v, s, err);
	else if (type == HQ_JS_FILE)
		out = hq_json_new_object();
	else if (type < HQ_JS_ARRAY || type == HQ_JS_JSON)
		out = json_object_get(v);
	else if (type != HQ_JS_NAN && type != HQ_JS_UNDEFINED &&
	    *json_object_get_string(v) != '\0')
		out = hq_json_new_string(json_object_get_string(v));
	if (numbers[type] >= 0 && type != HQ_JS_UNDEFINED)
		put_meta(w, type, s);
	return out;
}

static enum hq_rc
write_tagged(struct hq_arena *a, struct json_object *v, struct hq_buf *out,
    struct hq_err *err)
{
	const struct step root = { 0 };
	struct writer w = { .a = a };
	struct hq_err fault = { 0 };
	struct json_object *form;

	hq_buf_init(&w.meta, a);
	form = form_of(&w, v, &root, &fault);
	if (form != NULL)
		HQ_TRY(hq_json_own(a, form, err));
	if (fault.code != HQ_OK)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s", fault.msg);
	hq_buf_puts(out, "{\"json\":");
	hq_json_write(out, form);
	if (w.meta.n > 0)
		hq_buf_printf(out, ",\"meta\":[%s]", hq_buf_str(&w.meta));
	hq_buf_putc(out, '}');
	return HQ_OK;
}

enum hq_rc
hq_envelope_write(struct hq_arena *a, struct json_object *v, struct hq_buf *out,
    struct hq_err *err)
{
	size_t mark = out->n;

	if (hq_js_is_undefined(v)) {
		hq_buf_puts(out, "{}");
		return HQ_OK;
	}
	hq_buf_puts(out, "{\"json\":");
	if (!hq_json_write_plain(out, v)) {
		/* Of a full arena nothing is left. */
		out->n = out->n > mark ? mark : out->n;
		return write_tagged(a, v, out, err);
	}
	hq_buf_putc(out, '}');
	return HQ_OK;
}

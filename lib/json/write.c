#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/keys.h"
#include "json/plain.h"
#include "json/value.h"

enum layout { COMPACT, PRETTY, CANONICAL };

struct writer {
	struct hq_buf *b;
	enum layout layout;
	size_t depth;
	bool may_stop; /* plain JSON is asked for, anything else is no use */
	bool special;  /* a value came that is not plain JSON */
	bool too_deep;
	size_t depth_max;
	struct hq_json_look *look; /* whose member is not found yet; or NULL */
};

static void write_value(struct writer *w, struct json_object *v,
    enum hq_js type);

static inline void
put(struct hq_buf *b, const char *p, size_t n)
{
	if (n >= b->cap - b->n) {
		hq_buf_put(b, p, n);
		return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void
put_char(struct hq_buf *b, char c)
{
	put(b, &c, 1);
}

static bool
is_cont(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* ED A0..BF xx: the code unit; -1 if that is not what stands there. */
static int
surrogate_at(const char *s, const char *end)
{
	if (end - s < 3 || (unsigned char)s[0] != 0xed ||
	    (unsigned char)s[1] < 0xa0 || !is_cont(s[1]) || !is_cont(s[2]))
		return -1;
	return 0xd000 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
}

/* Halves that met when strings were joined are a character again. */
static const char *
put_surrogate(struct hq_buf *b, const char *s, const char *end)
{
	int u = surrogate_at(s, end), low = surrogate_at(s + 3, end), c;
	char utf8[4];

	if (u >= 0xdc00 || low < 0xdc00) {
		hq_buf_printf(b, "\\u%04x", (unsigned)u);
		return s + 3;
	}
	c = 0x10000 + ((u & 0x3ff) << 10 | (low & 0x3ff));
	utf8[0] = (char)(0xf0 | c >> 18);
	utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
	utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
	utf8[3] = (char)(0x80 | (c & 0x3f));
	put(b, utf8, sizeof(utf8));
	return s + 6;
}

static const char *
put_special(struct hq_buf *b, const char *s, const char *end)
{
	static const char *const escapes[0x20] = {
		['\b'] = "\\b",
		['\t'] = "\\t",
		['\n'] = "\\n",
		['\f'] = "\\f",
		['\r'] = "\\r",
	};
	unsigned char c = (unsigned char)*s;

	if (c == 0xed && surrogate_at(s, end) >= 0)
		return put_surrogate(b, s, end);
	if (c == 0xc0 && end - s > 1 && (unsigned char)s[1] == 0x80) {
		put(b, "\\u0000", 6);
		return s + 2;
	}
	if (c == '"' || c == '\\')
		put_char(b, '\\');
	if (c >= 0x20)
		put_char(b, *s);
	else if (escapes[c] != NULL)
		put(b, escapes[c], 2);
	else
		hq_buf_printf(b, "\\u%04x", c);
	return s + 1;
}

static __attribute__((noinline)) void
write_escaped(struct hq_buf *b, const char *s, size_t n)
{
	const char *end = s + n, *run = s;
	unsigned char c;

	put_char(b, '"');
	while ((s = hq_json_skip_plain(s, end)) < end) {
		c = (unsigned char)*s;
		if (c >= 0x80 && c != 0xc0 && c != 0xed) {
			s++;
			continue;
		}
		put(b, run, (size_t)(s - run));
		s = run = put_special(b, s, end);
	}
	put(b, run, (size_t)(s - run));
	put_char(b, '"');
}

/* Most texts are short and stand there as they are. */
static void
write_text(struct hq_buf *b, const char *s, size_t n)
{
	char *to;

	if (n + 2 >= b->cap - b->n || hq_json_skip_plain(s, s + n) != s + n) {
		write_escaped(b, s, n);
		return;
	}
	to = b->p + b->n;
	*to++ = '"';
	memcpy(to, s, n);
	to[n] = '"';
	b->n += n + 2;
}

static void
new_line(struct writer *w)
{
	size_t i;

	if (w->layout != PRETTY)
		return;
	put_char(w->b, '\n');
	for (i = 0; i < w->depth; i++)
		put(w->b, "  ", 2);
}

static void
write_array(struct writer *w, struct json_object *v)
{
	size_t i, n = json_object_array_length(v);
	struct json_object *item;

	if (n == 0) {
		put(w->b, "[]", 2);
		return;
	}
	put_char(w->b, '[');
	w->depth++;
	for (i = 0; i < n; i++) {
		if (i > 0)
			put_char(w->b, ',');
		new_line(w);
		item = json_object_array_get_idx(v, i);
		write_value(w, item, hq_js_type(item));
	}
	w->depth--;
	new_line(w);
	put_char(w->b, ']');
}

/* A member of the root: is it the one that is looked for? */
static void
write_looked_for(struct writer *w, const char *key, struct json_object *v,
    enum hq_js type)
{
	struct hq_json_look *look = w->look;

	if (strcmp(key, look->key) != 0) {
		write_value(w, v, type);
		return;
	}
	w->look = NULL;
	look->at = w->b->n;
	write_value(w, v, type);
	look->end = w->b->n;
}

/* The opening brace is the first member's comma. */
static void
write_member(struct writer *w, const struct lh_entry *e, char *open)
{
	const char *key = lh_entry_k(e);
	struct json_object *v = (struct json_object *)lh_entry_v(e);
	enum hq_js type = hq_js_type(v);

	if (type == HQ_JS_UNDEFINED) {
		w->special = true;
		return;
	}
	put_char(w->b, *open);
	*open = ',';
	new_line(w);
	write_text(w->b, key, strlen(key));
	put(w->b, ": ", w->layout == PRETTY ? 2 : 1);
	if (w->look != NULL && w->depth == 1)
		write_looked_for(w, key, v, type);
	else
		write_value(w, v, type);
}

static bool
has_index(const struct lh_entry *e)
{
	const char *key;

	for (; e != NULL; e = e->next) {
		key = lh_entry_k(e);
		if (*key <= '9' && hq_json_index(key) >= 0)
			return true;
	}
	return false;
}

/* Out of line, so that it does not lie on the stack of each plain object. */
static __attribute__((noinline)) void
write_entries(struct writer *w, struct json_object *v, char *open)
{
	struct lh_entry **sorted;
	size_t i, n;

	if (w->layout == CANONICAL)
		sorted = hq_json_sorted_entries(v, &n);
	else
		sorted = hq_json_index_entries(v, &n);
	for (i = 0; i < n; i++)
		write_member(w, sorted[i], open);
	free(sorted);
}

static void
write_object(struct writer *w, struct json_object *v)
{
	struct lh_entry *e = json_object_get_object(v)->head;
	const char *text = hq_js_kept_text(v);
	bool some_first;
	char open = '{';

	if (text != NULL && w->layout == COMPACT && w->look == NULL) {
		put(w->b, text, strlen(text));
		return;
	}
	some_first = w->layout != CANONICAL && has_index(e);
	w->depth++;
	if (some_first || w->layout == CANONICAL)
		write_entries(w, v, &open);
	for (; e != NULL && w->layout != CANONICAL; e = e->next)
		if (!some_first || hq_json_index(lh_entry_k(e)) < 0)
			write_member(w, e, &open);
	w->depth--;
	if (open == '{') {
		put(w->b, "{}", 2);
		return;
	}
	new_line(w);
	put_char(w->b, '}');
}

static void
write_string(struct writer *w, struct json_object *v)
{
	write_text(w->b, json_object_get_string(v),
	    (size_t)json_object_get_string_len(v));
}

/* Text of the compact layout; another one has to take it apart. */
static __attribute__((noinline)) void
write_json(struct writer *w, struct json_object *v)
{
	struct json_object *apart;
	const char *text;
	size_t n;

	if (w->layout == COMPACT) {
		text = hq_js_json_text(v, &n);
		put(w->b, text, n);
		return;
	}
	apart = hq_json_clone(v);
	write_value(w, apart, hq_js_type(apart));
	(void)json_object_put(apart);
}

static void
write_value(struct writer *w, struct json_object *v, enum hq_js type)
{
	if (hq_js_is_special(type))
		w->special = true;
	if (w->depth > w->depth_max) {
		w->too_deep = true;
		return;
	}
	switch (type) {
	case HQ_JS_BOOLEAN:
		if (json_object_get_boolean(v))
			put(w->b, "true", 4);
		else
			put(w->b, "false", 5);
		return;
	case HQ_JS_NUMBER:
		hq_json_write_number(w->b, json_object_get_double(v));
		return;
	case HQ_JS_DATE:
		if (json_object_get_string_len(v) == 0)
			break;
		write_string(w, v);
		return;
	case HQ_JS_STRING:
	case HQ_JS_URL:
		write_string(w, v);
		return;
	case HQ_JS_ARRAY:
		write_array(w, v);
		return;
	case HQ_JS_OBJECT:
		write_object(w, v);
		return;
	case HQ_JS_REGEXP:
	case HQ_JS_SET:
	case HQ_JS_MAP:
	case HQ_JS_FILE:
		put(w->b, "{}", 2);
		return;
	case HQ_JS_JSON:
		write_json(w, v);
		return;
	case HQ_JS_BIGINT:
		HQ_ASSERT(w->may_stop);
		break;
	case HQ_JS__MAX:
		HQ_BUG("no such type");
	case HQ_JS_NULL:
	case HQ_JS_NAN:
	case HQ_JS_UNDEFINED:
		break;
	}
	put(w->b, "null", 4);
}

static void
write_all(struct hq_buf *b, struct json_object *v, enum layout layout)
{
	struct writer w = { .b = b, .layout = layout, .depth_max = SIZE_MAX };

	write_value(&w, v, hq_js_type(v));
	hq_buf_put(b, "", 0); /* put() leaves no NUL */
}

void
hq_json_write_looking(struct hq_buf *b, struct json_object *v,
    struct hq_json_look *look)
{
	struct writer w = { .b = b,
		.layout = COMPACT,
		.may_stop = true,
		.depth_max = look->depth_max,
		.look = look->key == NULL ? NULL : look };

	look->at = look->end = 0;
	write_value(&w, v, hq_js_type(v));
	hq_buf_put(b, "", 0);
	look->special = w.special;
	look->too_deep = w.too_deep;
}

bool
hq_json_write_plain(struct hq_buf *b, struct json_object *v)
{
	struct hq_json_look look = { .depth_max = SIZE_MAX };

	hq_json_write_looking(b, v, &look);
	return !look.special;
}

void
hq_json_write(struct hq_buf *b, struct json_object *v)
{
	write_all(b, v, COMPACT);
}

void
hq_json_write_pretty(struct hq_buf *b, struct json_object *v)
{
	write_all(b, v, PRETTY);
}

void
hq_json_write_canonical(struct hq_buf *b, struct json_object *v)
{
	write_all(b, v, CANONICAL);
}

void
hq_json_write_string(struct hq_buf *b, const char *s)
{
	write_text(b, s, strlen(s));
	hq_buf_put(b, "", 0);
}

/* For memmem.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "proto/http/multipart.h"

#include <string.h>
#include <strings.h>

#include "proto/http/text.h"

struct cursor {
	const char *s, *end;
	const char *mark; /* "\r\n--<boundary>" */
	size_t mark_n;
};

struct part {
	const char *name, *filename, *type; /* raw; NULL: absent */
	size_t name_n, filename_n, type_n;
	const char *body;
	size_t body_n;
};

static bool
starts(const struct cursor *c, const char *s, size_t n)
{
	return (size_t)(c->end - c->s) >= n && memcmp(c->s, s, n) == 0;
}

static enum hq_rc
mark_of(struct hq_arena *a, const char *type, struct cursor *c,
    struct hq_err *err)
{
	const char *boundary;
	size_t n;

	if (!hq_header_param(type, strlen(type), "boundary", &boundary, &n) ||
	    n == 0 || n > HQ_BOUNDARY_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "multipart has no boundary");
	c->mark = hq_arena_printf(a, "\r\n--%.*s", (int)n, boundary);
	if (c->mark == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "arena is full");
	c->mark_n = n + 4;
	return HQ_OK;
}

/* Behind a mark: "--" ends the body, a line end begins a part. */
static enum hq_rc
after_mark(struct cursor *c, bool *ret_last, struct hq_err *err)
{
	*ret_last = starts(c, "--", 2);
	if (*ret_last)
		return HQ_OK;
	while (c->s < c->end && (*c->s == ' ' || *c->s == '\t'))
		c->s++;
	if (!starts(c, "\r\n", 2))
		return HQ_FAIL(err, BAD_REQUEST, "multipart: bad delimiter");
	c->s += 2;
	return HQ_OK;
}

/* Is this the header line `name`?  Then its value. */
static bool
header_is(const char *line, size_t n, const char *name, const char **ret,
    size_t *ret_n)
{
	size_t k = strlen(name);

	if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
		return false;
	for (k++; k < n && (line[k] == ' ' || line[k] == '\t');)
		k++;
	*ret = line + k;
	*ret_n = n - k;
	return true;
}

static void
read_header(const char *line, size_t n, struct part *p)
{
	const char *v;
	size_t v_n;

	if (header_is(line, n, "content-type", &v, &v_n)) {
		p->type = v;
		p->type_n = v_n;
	}
	if (!header_is(line, n, "content-disposition", &v, &v_n) || v_n < 9 ||
	    strncasecmp(v, "form-data", 9) != 0)
		return;
	if (!hq_header_param(v, v_n, "name", &p->name, &p->name_n))
		p->name = NULL;
	if (!hq_header_param(v, v_n, "filename", &p->filename, &p->filename_n))
		p->filename = NULL;
}

static enum hq_rc
read_headers(struct cursor *c, struct part *p, struct hq_err *err)
{
	const char *start = c->s, *eol;

	while (!starts(c, "\r\n", 2)) {
		eol = memmem(c->s, (size_t)(c->end - c->s), "\r\n", 2);
		if (eol == NULL)
			return HQ_FAIL(err, BAD_REQUEST,
			    "multipart: cut off in a header");
		if (eol - start > HQ_PART_HEAD_MAX)
			return HQ_FAIL(err, BAD_REQUEST,
			    "multipart: headers over %d bytes",
			    HQ_PART_HEAD_MAX);
		read_header(c->s, (size_t)(eol - c->s), p);
		c->s = eol + 2;
	}
	if (p->name == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "multipart: a part has no name");
	return HQ_OK;
}

static enum hq_rc
read_part(struct cursor *c, struct part *p, struct hq_err *err)
{
	const char *next;

	HQ_TRY(read_headers(c, p, err));
	c->s += 2; /* the blank line */
	p->body = c->s;
	next = memmem(c->s, (size_t)(c->end - c->s), c->mark, c->mark_n);
	if (next == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "multipart: no closing delimiter");
	p->body_n = (size_t)(next - p->body);
	c->s = next + c->mark_n;
	return HQ_OK;
}

/* Names come with %0A, %0D and %22 for what a quoted string cannot hold. */
static char *
unescape(struct hq_arena *a, const char *s, size_t n)
{
	char *raw = hq_arena_copy(a, s, n);
	size_t i, k = 0;
	int c;

	for (i = 0; i < n && raw != NULL; i++) {
		c = s[i] == '%' && n - i >= 3 ? hq_text_hex2(s + i + 1) : -1;
		if (c == '\n' || c == '\r' || c == '"')
			i += 2;
		else
			c = (unsigned char)s[i];
		raw[k++] = (char)c;
	}
	return raw == NULL ? NULL : hq_text_from_bytes(a, raw, k);
}

enum hq_rc
hq_file_new(struct hq_arena *a, const char *name, const char *type,
    size_t size_bytes, struct json_object **ret, struct hq_err *err)
{
	char *lower = hq_arena_copy(a, type, strlen(type)), *p;
	struct json_object *o;

	if (lower == NULL || name == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "arena is full");
	for (p = lower; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 'a' - 'A');
	o = hq_json_new_object();
	HQ_TRY(hq_json_own(a, o, err));
	hq_json_put_str(o, "name", name);
	hq_json_put_str(o, "type", lower);
	hq_json_put_i64(o, "size", (int64_t)size_bytes);
	*ret = hq_js_tag(o, HQ_JS_FILE);
	return HQ_OK;
}

static enum hq_rc
pair_of(struct hq_arena *a, const struct part *p, struct hq_pair *ret,
    struct hq_err *err)
{
	const char *type = "text/plain";

	ret->name = unescape(a, p->name, p->name_n);
	if (p->filename == NULL) {
		ret->value = hq_text_from_bytes(a, p->body, p->body_n);
	} else {
		if (p->type != NULL)
			type = hq_text_from_bytes(a, p->type, p->type_n);
		if (type != NULL)
			HQ_TRY(hq_file_new(a,
			    unescape(a, p->filename, p->filename_n), type,
			    p->body_n, &ret->file, err));
	}
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "arena is full");
	return HQ_OK;
}

struct list {
	struct hq_pair *v;
	size_t n, cap;
};

/* Room for one more pair. */
static enum hq_rc
grow(struct hq_arena *a, struct list *list, struct hq_err *err)
{
	struct hq_pair *v;

	if (list->n == HQ_PARTS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d parts",
		    HQ_PARTS_MAX);
	if (list->n < list->cap)
		return HQ_OK;
	list->cap = 2 * list->n + 8;
	v = HQ_NEW(a, struct hq_pair, list->cap);
	if (v == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "arena is full");
	if (list->n > 0)
		memcpy(v, list->v, list->n * sizeof(*v));
	list->v = v;
	return HQ_OK;
}

static enum hq_rc
take_part(struct hq_arena *a, struct cursor *c, struct list *list,
    struct hq_err *err)
{
	struct part p = { 0 };

	HQ_TRY(grow(a, list, err));
	HQ_TRY(read_part(c, &p, err));
	return pair_of(a, &p, &list->v[list->n++], err);
}

/* The mark that begins the body needs no line before it. */
static enum hq_rc
first_mark(struct cursor *c, bool *ret_last, struct hq_err *err)
{
	if (!starts(c, c->mark + 2, c->mark_n - 2))
		return HQ_FAIL(err, BAD_REQUEST,
		    "multipart: the body does not begin with its boundary");
	c->s += c->mark_n - 2;
	return after_mark(c, ret_last, err);
}

enum hq_rc
hq_multipart_parse(struct hq_arena *a, const char *type, const char *body,
    size_t n, struct hq_pairs *ret, struct hq_err *err)
{
	struct cursor c = { .s = body, .end = body + n };
	struct list list = { 0 };
	bool last;

	HQ_TRY(mark_of(a, type, &c, err));
	HQ_TRY(first_mark(&c, &last, err));
	while (!last) {
		HQ_TRY(take_part(a, &c, &list, err));
		HQ_TRY(after_mark(&c, &last, err));
	}
	*ret = (struct hq_pairs){ list.v, list.n };
	return HQ_OK;
}

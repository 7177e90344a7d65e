#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/name.h"
#include "json/token.h"
#include "json/value.h"

/* What may come next. */
enum next {
	VALUE,
	VALUE_OR_CLOSE,
	KEY,
	KEY_OR_CLOSE,
	COMMA_OR_CLOSE,
	END,
	FAILED,
};

enum { OPEN_FEW = 32, ARRAY_FEW = 4, SEEN_BITS = 64 };

/* A member of this name is lost on its way through the reference. */
#define PROTO "__proto__"

struct container {
	struct json_object *o;
	bool is_object;
	bool has_proto; /* a member that is dropped when the object is whole */
	uint64_t seen[HQ_JSON_NAMES_MAX / SEEN_BITS]; /* by their numbers */
};

/* A text may be JSON and yet be refused. */
enum limit { NONE, DEPTH, CONTAINERS };

struct parser {
	struct hq_json_cursor c;
	struct json_object *root; /* holds all that was made so far */
	/* Of the member whose value is next: its name, or else its key. */
	const struct hq_json_name *name;
	struct hq_buf key;
	struct hq_buf scratch;
	struct container *open; /* few, until there are more */
	size_t depth, cap, containers;
	enum limit hit;
	bool only_look; /* nothing is made: no container has an o */
	bool only_top;  /* nor of what is in a container of the root */
	struct json_object *whole; /* that container, which has its text */
	struct container few[OPEN_FEW];
};

static void
skip_space(struct parser *x)
{
	const char *s = x->c.s;

	while (s < x->c.end &&
	    (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t'))
		s++;
	x->c.s = s;
}

static bool
skip_char(struct parser *x, char any)
{
	if (x->c.s == x->c.end || *x->c.s != any)
		return false;
	x->c.s++;
	return true;
}

static enum next
after_value(const struct parser *x)
{
	return x->depth == 0 ? END : COMMA_OR_CLOSE;
}

static void
add_member(struct parser *x, struct container *in, struct json_object *v)
{
	const struct hq_json_name *name = x->name;
	uint64_t *seen, bit;

	if (name == NULL) {
		hq_json_put(in->o, hq_buf_str(&x->key), v);
		if (strcmp(hq_buf_str(&x->key), PROTO) == 0)
			in->has_proto = true;
		return;
	}
	seen = &in->seen[name->number / SEEN_BITS];
	bit = UINT64_C(1) << name->number % SEEN_BITS;
	if ((*seen & bit) != 0)
		hq_json_put(in->o, name->key, v);
	else
		hq_json_name_put(in->o, name, v);
	*seen |= bit;
}

/* Takes the reference. */
static void
add(struct parser *x, struct json_object *v)
{
	struct container *in;

	if (x->depth == 0) {
		x->root = v;
		return;
	}
	in = &x->open[x->depth - 1];
	if (in->is_object)
		add_member(x, in, v);
	else
		hq_json_push(in->o, v);
}

static void
push_open(struct parser *x, struct container in)
{
	struct container *more;

	if (x->depth == x->cap) {
		x->cap *= 2;
		more = realloc(x->open == x->few ? NULL : x->open,
		    x->cap * sizeof(*more));
		if (more == NULL)
			HQ_BUG("out of memory");
		if (x->open == x->few)
			memcpy(more, x->few, sizeof(x->few));
		x->open = more;
	}
	x->open[x->depth++] = in;
}

/* From here to its end a container of the root is only looked at. */
static void
begin_whole(struct parser *x)
{
	x->whole = hq_js_json(x->c.s, 0);
	add(x, x->whole);
	x->only_look = true;
}

static void
end_whole(struct parser *x)
{
	hq_js_json_end(x->whole, x->c.s);
	x->only_look = false;
}

static enum next
open_container(struct parser *x)
{
	struct container in = { .is_object = *x->c.s == '{' };

	if (x->depth == HQ_JSON_DEPTH_MAX)
		x->hit = DEPTH;
	else if (x->containers == HQ_JSON_CONTAINERS_MAX)
		x->hit = CONTAINERS;
	if (x->hit != NONE)
		return FAILED;
	if (x->only_top && x->depth == 1)
		begin_whole(x);
	x->c.s++;
	x->containers++;
	if (!x->only_look) {
		in.o = in.is_object ? hq_json_new_object()
				    : hq_json_new_array_of(ARRAY_FEW);
		add(x, in.o);
	}
	push_open(x, in);
	return in.is_object ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
}

static enum next
take_string(struct parser *x)
{
	const char *s;
	size_t n;

	x->c.s++;
	if (!hq_json_string_at(&x->c, &x->scratch, &s, &n))
		return FAILED;
	if (x->only_look)
		return after_value(x);
	add(x, hq_json_new_string_len(s, (int)n));
	return after_value(x);
}

static enum next
take_word(struct parser *x, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(x->c.end - x->c.s) < n || memcmp(x->c.s, word, n) != 0)
		return FAILED;
	x->c.s += n;
	if (!x->only_look)
		add(x, *word == 'n' ? NULL : hq_json_new_boolean(*word == 't'));
	return after_value(x);
}

static enum next
take_number(struct parser *x)
{
	struct json_object *v = NULL;

	if (!hq_json_number_at(&x->c, x->only_look ? NULL : &v))
		return FAILED;
	if (!x->only_look)
		add(x, v);
	return after_value(x);
}

static enum next
take_value(struct parser *x)
{
	if (x->c.s == x->c.end)
		return FAILED;
	switch (*x->c.s) {
	case '{':
	case '[':
		return open_container(x);
	case '"':
		return take_string(x);
	case 't':
		return take_word(x, "true");
	case 'f':
		return take_word(x, "false");
	case 'n':
		return take_word(x, "null");
	default:
		return take_number(x);
	}
}

static enum next
take_key(struct parser *x)
{
	const char *s;
	size_t n;

	if (!skip_char(x, '"') || !hq_json_string_at(&x->c, &x->key, &s, &n))
		return FAILED;
	x->name = hq_json_name_of(s, n);
	if (x->name == NULL && s != x->key.p) {
		hq_buf_clear(&x->key);
		hq_buf_put(&x->key, s, n);
	}
	skip_space(x);
	return skip_char(x, ':') ? VALUE : FAILED;
}

static enum next
take_close(struct parser *x)
{
	if (!skip_char(x, x->open[x->depth - 1].is_object ? '}' : ']'))
		return FAILED;
	x->depth--;
	if (x->open[x->depth].has_proto)
		json_object_object_del(x->open[x->depth].o, PROTO);
	if (x->only_top && x->depth == 1)
		end_whole(x);
	return after_value(x);
}

static enum next
take(struct parser *x, enum next next)
{
	enum next then = FAILED;

	switch (next) {
	case VALUE_OR_CLOSE:
		then = take_close(x);
		return then == FAILED ? take_value(x) : then;
	case KEY_OR_CLOSE:
		then = take_close(x);
		return then == FAILED ? take_key(x) : then;
	case COMMA_OR_CLOSE:
		if (skip_char(x, ','))
			return x->open[x->depth - 1].is_object ? KEY : VALUE;
		return take_close(x);
	case VALUE:
		return take_value(x);
	case KEY:
		return take_key(x);
	case END:
	case FAILED:
		break;
	}
	return then;
}

/* The whole text; what went wrong if it did. */
static enum hq_rc
parse(struct parser *x, struct hq_arena *a, struct hq_err *err)
{
	const char *start = x->c.s;
	enum next next = VALUE;

	skip_space(x);
	while (next != END && next != FAILED) {
		next = take(x, next);
		if (next != FAILED)
			skip_space(x);
	}
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "JSON is too long");
	if (next == END && x->c.s == x->c.end)
		return HQ_OK;
	if (x->hit == DEPTH)
		return HQ_FAIL(err, BAD_REQUEST,
		    "JSON is nested deeper than %d", HQ_JSON_DEPTH_MAX);
	if (x->hit == CONTAINERS)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "JSON has more than %d arrays and objects",
		    HQ_JSON_CONTAINERS_MAX);
	return HQ_FAIL(err, BAD_REQUEST, "not JSON at byte %zu",
	    (size_t)(x->c.s - start));
}

/* x->root is a new reference if all is well. */
static enum hq_rc
read_text(struct hq_arena *a, struct parser *x, const char *text, size_t n,
    struct hq_err *err)
{
	enum hq_rc rc;

	if (n > INT32_MAX / 4)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "JSON is too long");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		n -= 3;
	}
	x->c = (struct hq_json_cursor){ text, text + n };
	x->root = NULL;
	hq_buf_init(&x->key, a);
	hq_buf_init(&x->scratch, a);
	x->open = x->few;
	x->depth = x->containers = 0;
	x->cap = OPEN_FEW;
	x->hit = NONE;
	rc = parse(x, a, err);
	if (x->open != x->few)
		free(x->open);
	if (rc != HQ_OK)
		(void)json_object_put(x->root);
	return rc;
}

static enum hq_rc
make(struct hq_arena *a, const char *text, size_t n, bool only_top,
    struct json_object **ret, struct hq_err *err)
{
	struct parser x;

	x.only_look = false;
	x.only_top = only_top;
	HQ_TRY(read_text(a, &x, text, n, err));
	if (x.root != NULL)
		HQ_TRY(hq_json_own(a, x.root, err));
	*ret = x.root;
	return HQ_OK;
}

enum hq_rc
hq_json_parse(struct hq_arena *a, const char *text, size_t n,
    struct json_object **ret, struct hq_err *err)
{
	return make(a, text, n, false, ret, err);
}

enum hq_rc
hq_json_parse_top(struct hq_arena *a, const char *text, size_t n,
    struct json_object **ret, struct hq_err *err)
{
	return make(a, text, n, true, ret, err);
}

enum hq_rc
hq_json_check(struct hq_arena *a, const char *text, size_t n,
    struct hq_err *err)
{
	struct parser x;

	x.only_look = true;
	x.only_top = false;
	return read_text(a, &x, text, n, err);
}

#include <stdlib.h>
#include <string.h>

#include <json-c/linkhash.h>

#include "proto/orpc/bracket.h"

/*
 * A value while it grows.  The members of an array stand under their indexes as
 * text, so an array becomes an object by a change of kind.
 */
struct node {
	enum kind { LEAF, ARRAY, OBJECT } kind;
	bool pushed;                /* an array that was filled by a[]= */
	size_t length;              /* of an array: largest index + 1 */
	const struct hq_pair *leaf; /* the value */
	struct lh_table *members;   /* key: arena text; value: struct node * */
};

struct segments {
	const char *v[HQ_BRACKET_DEPTH_MAX];
	size_t n;
};

struct builder {
	struct hq_arena *arena;
	struct segments path;
	struct hq_buf text; /* of the segment at hand */
	bool too_deep;
	size_t places;
};

/* --- names ------------------------------------------------------------- */

static void
end_segment(struct builder *b)
{
	b->too_deep = b->path.n == HQ_BRACKET_DEPTH_MAX;
	if (b->too_deep)
		return;
	b->path.v[b->path.n++] = hq_arena_copy(b->arena, b->text.p, b->text.n);
	hq_buf_clear(&b->text);
}

static void
put_char(struct hq_buf *text, size_t *backslashes, char c)
{
	for (*backslashes /= 2; *backslashes > 0; --*backslashes)
		hq_buf_putc(text, '\\');
	hq_buf_putc(text, c);
}

static bool
ends_segment(const char *s)
{
	return s[0] == ']' && (s[1] == '\0' || s[1] == '[');
}

static void
whole_name(struct builder *b, const char *name)
{
	b->path.v[0] = name;
	b->path.n = 1;
}

/* "a[b][]" is a, b and ""; what does not parse is one key. */
static enum hq_rc
parse_name(struct builder *b, const char *name, struct hq_err *err)
{
	size_t backslashes = 0;
	bool inside = false, even;
	const char *s;

	b->path.n = 0;
	hq_buf_clear(&b->text);
	for (s = name; *s != '\0' && !b->too_deep; s++) {
		even = backslashes % 2 == 0;
		if (inside && even && ends_segment(s)) {
			end_segment(b);
			inside = s[1] != '\0';
			s += inside; /* past the next bracket */
		} else if (b->path.n == 0 && *s == '[' && even) {
			inside = true;
			end_segment(b);
		} else if (*s == '\\') {
			backslashes++;
		} else {
			put_char(&b->text, &backslashes, *s);
		}
	}
	if (b->too_deep)
		return HQ_FAIL(err, BAD_REQUEST,
		    "a field's name has more than %d segments",
		    HQ_BRACKET_DEPTH_MAX);
	if (!hq_arena_ok(b->arena))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "out of memory");
	if (inside || b->path.n == 0)
		whole_name(b, name);
	return HQ_OK;
}

static bool
is_index(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 4 || strspn(s, "0123456789") != n)
		return false;
	return n == 1 || s[0] != '0';
}

/* --- the tree ---------------------------------------------------------- */

static void
free_table(void *t)
{
	lh_table_free((struct lh_table *)t);
}

static enum hq_rc
new_node(struct builder *b, enum kind kind, struct node **ret,
    struct hq_err *err)
{
	struct node *n = HQ_NEW(b->arena, struct node, 1);

	if (n == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "out of memory");
	n->kind = kind;
	if (kind != LEAF) {
		n->members = lh_kchar_table_new(8, NULL);
		if (n->members == NULL)
			HQ_BUG("out of memory");
		HQ_TRY(hq_arena_defer(b->arena, free_table, n->members, err));
	}
	*ret = n;
	return HQ_OK;
}

static struct node *
member(const struct node *n, const char *key)
{
	void *v;

	if (!lh_table_lookup_ex(n->members, key, &v))
		return NULL;
	return (struct node *)v;
}

/* key lives as long as the arena; of an array it is an index. */
static void
set_member(struct builder *b, struct node *n, const char *key, struct node *v)
{
	struct lh_entry *e = lh_table_lookup_entry(n->members, key);
	size_t i;

	if (e != NULL)
		e->v = v;
	else if (lh_table_insert(n->members, key, v) != 0)
		HQ_BUG("out of memory");
	if (n->kind != ARRAY)
		return;
	i = (size_t)strtoul(key, NULL, 10);
	if (i >= n->length) {
		b->places += i + 1 - n->length;
		n->length = i + 1;
	}
}

static enum hq_rc
push(struct builder *b, struct node *array, struct node *v, struct hq_err *err)
{
	char *key = hq_arena_printf(b->arena, "%zu", array->length);

	if (key == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "out of memory");
	set_member(b, array, key, v);
	return HQ_OK;
}

/* ["x"] that was pushed becomes {"": "x"}; ["x", "y"] {"": ["x", "y"]}. */
static enum hq_rc
pushed_to_object(struct builder *b, struct node **n, struct hq_err *err)
{
	struct node *array = *n, *o;

	HQ_TRY(new_node(b, OBJECT, &o, err));
	array->pushed = false;
	set_member(b, o, "", array->length == 1 ? member(array, "0") : array);
	*n = o;
	return HQ_OK;
}

/* Make *n a container in which the segment can stand. */
static enum hq_rc
make_room(struct builder *b, struct node **n, const char *segment, bool last,
    struct hq_err *err)
{
	struct node *was = *n;

	if (was == NULL || was->kind == LEAF)
		HQ_TRY(new_node(b, ARRAY, n, err));
	was = *n;
	if (was->kind != ARRAY)
		return HQ_OK;
	if (last && segment[0] == '\0') {
		if (was->length > 0 && !was->pushed)
			was->kind = OBJECT;
		return HQ_OK;
	}
	if (was->pushed && (last || !is_index(segment)))
		return pushed_to_object(b, n, err);
	if (!is_index(segment))
		was->kind = OBJECT;
	return HQ_OK;
}

static enum hq_rc
assign(struct builder *b, struct node *n, const char *key, struct node *v,
    struct hq_err *err)
{
	struct node *old, *both;

	if (n->kind == ARRAY && key[0] == '\0') {
		n->pushed = true;
		return push(b, n, v, err);
	}
	old = member(n, key);
	if (old == NULL) {
		set_member(b, n, key, v);
		return HQ_OK;
	}
	if (old->kind == ARRAY)
		return push(b, old, v, err);
	HQ_TRY(new_node(b, ARRAY, &both, err));
	HQ_TRY(push(b, both, old, err));
	HQ_TRY(push(b, both, v, err));
	set_member(b, n, key, both);
	return HQ_OK;
}

static enum hq_rc
add_pair(struct builder *b, struct node *top, const struct hq_pair *pair,
    struct hq_err *err)
{
	struct node *n = top, *child, *leaf;
	const char *key = "";
	size_t i;

	HQ_TRY(parse_name(b, pair->name, err));
	for (i = 0; i < b->path.n; i++) {
		child = member(n, key);
		HQ_TRY(make_room(b, &child, b->path.v[i], i + 1 == b->path.n,
		    err));
		set_member(b, n, key, child);
		n = child;
		key = b->path.v[i];
	}
	HQ_TRY(new_node(b, LEAF, &leaf, err));
	leaf->leaf = pair;
	HQ_TRY(assign(b, n, key, leaf, err));
	if (b->places > HQ_BRACKET_PLACES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "the fields' arrays have more than %d places",
		    HQ_BRACKET_PLACES_MAX);
	return HQ_OK;
}

/* --- the value --------------------------------------------------------- */

static struct json_object *
leaf_value(const struct hq_pair *p)
{
	return p->file != NULL ? json_object_get(p->file)
			       : hq_json_new_string(p->value);
}

/*
 * A new reference; hole is what stands in the holes of arrays.  A member
 * __proto__ is dropped, as it is where JSON is read.
 */
static struct json_object *
value_of(const struct node *n, struct json_object *hole)
{
	struct json_object *v;
	struct lh_entry *e;
	const char *key;
	size_t i;

	if (n->kind == LEAF)
		return leaf_value(n->leaf);
	if (n->kind == OBJECT) {
		v = hq_json_new_object();
		lh_foreach(n->members, e)
		{
			key = (const char *)lh_entry_k(e);
			if (strcmp(key, "__proto__") != 0)
				hq_json_put(v, key,
				    value_of((struct node *)lh_entry_v(e),
					hole));
		}
		return v;
	}
	v = hq_json_new_array_of((int)n->length);
	for (i = 0; i < n->length; i++)
		hq_json_push(v, json_object_get(hole));
	lh_foreach(n->members, e)
	{
		i = (size_t)strtoul((const char *)lh_entry_k(e), NULL, 10);
		if (json_object_array_put_idx(v, i,
			value_of((struct node *)lh_entry_v(e), hole)) != 0)
			HQ_BUG("out of memory");
	}
	return v;
}

enum hq_rc
hq_bracket_parse(struct hq_arena *a, const struct hq_pairs *pairs,
    struct json_object **ret, struct hq_err *err)
{
	struct builder b = { .arena = a };
	struct json_object *v, *hole;
	struct node *top, *root;
	size_t i;

	if (pairs->n > HQ_BRACKET_PAIRS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d fields",
		    HQ_BRACKET_PAIRS_MAX);
	hq_buf_init(&b.text, a);
	HQ_TRY(new_node(&b, OBJECT, &top, err));
	for (i = 0; i < pairs->n; i++)
		HQ_TRY(add_pair(&b, top, &pairs->v[i], err));
	root = member(top, "");
	hole = hq_js_undefined();
	v = root == NULL ? hq_json_new_object() : value_of(root, hole);
	json_object_put(hole);
	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

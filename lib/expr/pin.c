#include <string.h>

#include "expr/node.h"

/* Like hq_expr_eval() with only `name` and its members: their path. */
static bool
write_path(const struct hq_expr *e, const char *name, struct hq_buf *b)
{
	if (e->kind == HQ_NODE_NAME)
		return strcmp(e->name, name) == 0;
	if (e->kind != HQ_NODE_MEMBER || e->n_kids == 0 ||
	    !write_path(e->kids[0], name, b))
		return false;
	if (b->n > 0)
		hq_buf_putc(b, '.');
	hq_buf_puts(b, e->name);
	return true;
}

static bool
mentions(const struct hq_expr *e, const char *name)
{
	size_t i;

	if (e->kind == HQ_NODE_NAME)
		return strcmp(e->name, name) == 0;
	for (i = 0; i < e->n_kids; i++)
		if (mentions(e->kids[i], name))
			return true;
	return false;
}

const struct hq_expr *
hq_expr_pin(const struct hq_expr *e, const char *name, struct hq_arena *a,
    const char **ret_path)
{
	const struct hq_expr *found = NULL;
	struct hq_buf b;
	size_t i;

	if (e->kind != HQ_NODE_BINARY)
		return NULL;
	for (i = 0; e->op == HQ_TOK_AND && found == NULL && i < 2; i++)
		found = hq_expr_pin(e->kids[i], name, a, ret_path);
	for (i = 0; e->op == HQ_TOK_EQ && i < 2; i++) {
		hq_buf_init(&b, a);
		if (!write_path(e->kids[i], name, &b) || b.n == 0 ||
		    mentions(e->kids[1 - i], name))
			continue;
		*ret_path = hq_buf_str(&b);
		return e->kids[1 - i];
	}
	return found;
}

const char *
hq_expr_string_at(struct json_object *v, const char *path)
{
	char name[HQ_EXPR_BYTES_MAX];
	size_t n;

	for (;; path += n + 1) {
		n = strcspn(path, ".");
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		if (path[n] == '\0')
			return hq_json_str(v, name);
		v = hq_json_get(v, name);
	}
}

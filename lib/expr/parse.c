#include <string.h>

#include "expr/node.h"

enum {
	LIST_MAX = 256, /* elements */
};

struct parser {
	struct hq_lexer lexer;
	struct hq_token token; /* the one that is looked at */
	size_t depth;
};

/* How tightly an operator binds; 0: it stands between no operands. */
static const int binding[HQ_TOK__MAX] = {
	[HQ_TOK_OR] = 1,
	[HQ_TOK_AND] = 2,
	[HQ_TOK_EQ] = 3,
	[HQ_TOK_NE] = 3,
	[HQ_TOK_LT] = 3,
	[HQ_TOK_LE] = 3,
	[HQ_TOK_GT] = 3,
	[HQ_TOK_GE] = 3,
	[HQ_TOK_IN] = 3,
	[HQ_TOK_PLUS] = 4,
	[HQ_TOK_MINUS] = 4,
	[HQ_TOK_STAR] = 5,
	[HQ_TOK_SLASH] = 5,
	[HQ_TOK_PERCENT] = 5,
};

/* Operands that an expression is made of, until their number is known. */
struct kids {
	const struct hq_expr *v[LIST_MAX];
	size_t n;
};

static enum hq_rc parse_any(struct parser *p, const struct hq_expr **ret,
    struct hq_err *err);

static enum hq_rc
fail(struct parser *p, const char *why, struct hq_err *err)
{
	return hq_token_fail(&p->lexer, p->token.at, why, err);
}

static enum hq_rc
next(struct parser *p, struct hq_err *err)
{
	return hq_token_next(&p->lexer, &p->token, err);
}

static enum hq_rc
expect(struct parser *p, enum hq_tok kind, struct hq_err *err)
{
	if (p->token.kind == kind)
		return next(p, err);
	p->lexer.bad_at = p->token.at;
	return HQ_FAIL(err, BAD_REQUEST, "expected \"%s\" at %zu",
	    hq_tok_text(kind), p->token.at);
}

static enum hq_rc
make(struct parser *p, const struct hq_expr *from,
    const struct hq_expr *const *kids, const struct hq_expr **ret,
    struct hq_err *err)
{
	struct hq_expr *e = HQ_NEW(p->lexer.arena, struct hq_expr, 1);
	size_t n = from->n_kids;

	if (e == NULL)
		return fail(p, "no memory for the expression", err);
	*e = *from;
	if (n > 0) {
		e->kids = HQ_NEW(p->lexer.arena, const struct hq_expr *, n);
		if (e->kids == NULL)
			return fail(p, "no memory for the expression", err);
		memcpy(e->kids, kids, n * sizeof(const struct hq_expr *));
	}
	*ret = e;
	return HQ_OK;
}

static enum hq_rc
make_value(struct parser *p, const struct hq_token *t,
    struct json_object *value, const struct hq_expr **ret, struct hq_err *err)
{
	const struct hq_expr from = {
		.kind = HQ_NODE_VALUE,
		.at = t->at,
		.value = value,
	};

	return make(p, &from, NULL, ret, err);
}

/* Elements up to the sign that closes them. */
static enum hq_rc
parse_elements(struct parser *p, enum hq_tok close, struct kids *kids,
    struct hq_err *err)
{
	while (p->token.kind != close) {
		if (kids->n == LIST_MAX)
			return fail(p, "too many elements", err);
		HQ_TRY(parse_any(p, &kids->v[kids->n], err));
		kids->n++;
		if (p->token.kind != HQ_TOK_COMMA)
			break;
		HQ_TRY(next(p, err));
	}
	return expect(p, close, err);
}

/* has(path): the path's last step is asked for, not taken. */
static enum hq_rc
make_has(struct parser *p, size_t at, const struct kids *kids,
    const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_HAS, .at = at, .n_kids = 1 };

	if (kids->n != 1 || kids->v[0]->kind != HQ_NODE_MEMBER)
		return hq_token_fail(&p->lexer, at,
		    "has() takes a path such as a.b", err);
	from.name = kids->v[0]->name;
	return make(p, &from, kids->v[0]->kids, ret, err);
}

/* name(...), or first.name(...); the token is behind the "(". */
static enum hq_rc
parse_call(struct parser *p, const struct hq_token *name,
    const struct hq_expr *first, const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_CALL, .at = name->at };
	struct kids *kids = HQ_NEW(p->lexer.arena, struct kids, 1);

	if (kids == NULL)
		return fail(p, "no memory for the expression", err);
	if (first != NULL)
		kids->v[kids->n++] = first;
	HQ_TRY(parse_elements(p, HQ_TOK_CLOSE, kids, err));
	if (first == NULL && strcmp(name->text, "has") == 0)
		return make_has(p, name->at, kids, ret, err);
	from.call = hq_call_find(name->text);
	if (from.call == NULL)
		return hq_token_fail(&p->lexer, name->at, "an unknown function",
		    err);
	if (from.call->n_args != kids->n)
		return hq_token_fail(&p->lexer, name->at,
		    "a wrong number of arguments", err);
	from.n_kids = kids->n;
	return make(p, &from, kids->v, ret, err);
}

static enum hq_rc
parse_name(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_token name = p->token;
	const struct hq_expr from = {
		.kind = HQ_NODE_NAME,
		.at = name.at,
		.name = name.text,
	};

	HQ_TRY(next(p, err));
	if (p->token.kind != HQ_TOK_OPEN)
		return make(p, &from, NULL, ret, err);
	HQ_TRY(next(p, err));
	return parse_call(p, &name, NULL, ret, err);
}

static enum hq_rc
parse_list(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_LIST, .at = p->token.at };
	struct kids *kids = HQ_NEW(p->lexer.arena, struct kids, 1);

	if (kids == NULL)
		return fail(p, "no memory for the expression", err);
	HQ_TRY(next(p, err));
	HQ_TRY(parse_elements(p, HQ_TOK_UNBRACKET, kids, err));
	from.n_kids = kids->n;
	return make(p, &from, kids->v, ret, err);
}

static enum hq_rc
parse_literal(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_token t = p->token;
	struct hq_arena *a = p->lexer.arena;
	struct json_object *v = NULL;

	if (t.kind == HQ_TOK_NUMBER)
		HQ_TRY(hq_expr_number(a, t.number, &v, err));
	else if (t.kind == HQ_TOK_STRING)
		HQ_TRY(hq_expr_string(a, t.text, &v, err));
	else if (t.kind == HQ_TOK_TRUE || t.kind == HQ_TOK_FALSE)
		HQ_TRY(hq_expr_bool(a, t.kind == HQ_TOK_TRUE, &v, err));
	else if (t.kind != HQ_TOK_NULL)
		return fail(p, "expected a value", err);
	HQ_TRY(next(p, err));
	return make_value(p, &t, v, ret, err);
}

static enum hq_rc
parse_primary(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	if (p->token.kind == HQ_TOK_NAME)
		return parse_name(p, ret, err);
	if (p->token.kind == HQ_TOK_BRACKET)
		return parse_list(p, ret, err);
	if (p->token.kind != HQ_TOK_OPEN)
		return parse_literal(p, ret, err);
	HQ_TRY(next(p, err));
	HQ_TRY(parse_any(p, ret, err));
	return expect(p, HQ_TOK_CLOSE, err);
}

/* .name and .name(...): reserved words are names here. */
static enum hq_rc
parse_member(struct parser *p, const struct hq_expr **e, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_MEMBER, .n_kids = 1 };
	struct hq_token name;

	HQ_TRY(next(p, err));
	name = p->token;
	if (name.kind != HQ_TOK_NAME && name.kind < HQ_TOK_IN)
		return fail(p, "expected a name", err);
	HQ_TRY(next(p, err));
	if (p->token.kind == HQ_TOK_OPEN) {
		HQ_TRY(next(p, err));
		return parse_call(p, &name, *e, e, err);
	}
	from.at = name.at;
	from.name = name.text;
	return make(p, &from, e, e, err);
}

static enum hq_rc
parse_index(struct parser *p, const struct hq_expr **e, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_INDEX, .n_kids = 2 };
	const struct hq_expr *kids[2] = { *e, NULL };

	from.at = p->token.at;
	HQ_TRY(next(p, err));
	HQ_TRY(parse_any(p, &kids[1], err));
	HQ_TRY(expect(p, HQ_TOK_UNBRACKET, err));
	return make(p, &from, kids, e, err);
}

static enum hq_rc
parse_postfix(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	HQ_TRY(parse_primary(p, ret, err));
	for (;;) {
		if (p->token.kind == HQ_TOK_DOT)
			HQ_TRY(parse_member(p, ret, err));
		else if (p->token.kind == HQ_TOK_BRACKET)
			HQ_TRY(parse_index(p, ret, err));
		else
			return HQ_OK;
	}
}

static enum hq_rc
parse_unary(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_UNARY, .n_kids = 1 };
	const struct hq_expr *kid = NULL;

	from.op = p->token.kind;
	from.at = p->token.at;
	if (from.op != HQ_TOK_NOT && from.op != HQ_TOK_MINUS)
		return parse_postfix(p, ret, err);
	if (p->depth == HQ_EXPR_DEPTH_MAX)
		return fail(p, "too deep", err);
	p->depth++;
	HQ_TRY(next(p, err));
	HQ_TRY(parse_unary(p, &kid, err));
	p->depth--;
	return make(p, &from, &kid, ret, err);
}

/* Operators that bind at least as tightly as min; all group to the left. */
static enum hq_rc
parse_binary(struct parser *p, int min, const struct hq_expr **ret,
    struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_BINARY, .n_kids = 2 };
	const struct hq_expr *kids[2] = { NULL, NULL };

	HQ_TRY(parse_unary(p, &kids[0], err));
	while (binding[p->token.kind] >= min) {
		from.op = p->token.kind;
		from.at = p->token.at;
		HQ_TRY(next(p, err));
		HQ_TRY(parse_binary(p, binding[from.op] + 1, &kids[1], err));
		HQ_TRY(make(p, &from, kids, &kids[0], err));
	}
	*ret = kids[0];
	return HQ_OK;
}

static enum hq_rc
parse_cond(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	struct hq_expr from = { .kind = HQ_NODE_COND, .n_kids = 3 };
	const struct hq_expr *kids[3] = { NULL, NULL, NULL };

	HQ_TRY(parse_binary(p, 1, &kids[0], err));
	*ret = kids[0];
	if (p->token.kind != HQ_TOK_QUESTION)
		return HQ_OK;
	from.at = p->token.at;
	HQ_TRY(next(p, err));
	HQ_TRY(parse_any(p, &kids[1], err));
	HQ_TRY(expect(p, HQ_TOK_COLON, err));
	HQ_TRY(parse_any(p, &kids[2], err));
	return make(p, &from, kids, ret, err);
}

static enum hq_rc
parse_any(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	if (p->depth == HQ_EXPR_DEPTH_MAX)
		return fail(p, "too deep", err);
	p->depth++;
	HQ_TRY(parse_cond(p, ret, err));
	p->depth--;
	return HQ_OK;
}

static enum hq_rc
parse_whole(struct parser *p, const struct hq_expr **ret, struct hq_err *err)
{
	const struct hq_expr *e = NULL;

	if (strlen(p->lexer.text) > HQ_EXPR_BYTES_MAX)
		return hq_token_fail(&p->lexer, HQ_EXPR_BYTES_MAX, "too long",
		    err);
	HQ_TRY(next(p, err));
	HQ_TRY(parse_any(p, &e, err));
	if (p->token.kind != HQ_TOK_END)
		return fail(p, "expected an operator", err);
	if (!hq_arena_ok(p->lexer.arena))
		return fail(p, "no memory for the expression", err);
	*ret = e;
	return HQ_OK;
}

enum hq_rc
hq_expr_parse(struct hq_arena *a, const char *text, const struct hq_expr **ret,
    size_t *ret_at, struct hq_err *err)
{
	struct parser p = { .lexer = { .arena = a, .text = text } };
	enum hq_rc rc = parse_whole(&p, ret, err);

	if (rc != HQ_OK && ret_at != NULL)
		*ret_at = p.lexer.bad_at;
	return rc;
}

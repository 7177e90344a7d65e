/*
 * expr/node.h - the tree that a parsed expression is.  Private to this room.
 */
#ifndef HQ_EXPR_NODE_H
#define HQ_EXPR_NODE_H

#include "expr/expr.h"
#include "expr/token.h"

enum hq_node {
	HQ_NODE_VALUE,  /* value */
	HQ_NODE_NAME,   /* name: a variable */
	HQ_NODE_MEMBER, /* kids[0].name */
	HQ_NODE_INDEX,  /* kids[0][kids[1]] */
	HQ_NODE_LIST,   /* kids */
	HQ_NODE_CALL,   /* call(kids...) */
	HQ_NODE_HAS,    /* has(kids[0].name) */
	HQ_NODE_UNARY,  /* op kids[0] */
	HQ_NODE_BINARY, /* kids[0] op kids[1] */
	HQ_NODE_COND,   /* kids[0] ? kids[1] : kids[2] */
	HQ_NODE__MAX
};

/*
 * A function of the language.  args: as many as the row says; NULL is null.
 * *ret may be NULL.  BAD_REQUEST with a text that the caller completes.
 */
typedef enum hq_rc hq_call_fn(struct hq_arena *a, struct json_object **args,
    struct json_object **ret, struct hq_err *err);

enum { HQ_CALL_ARGS_MAX = 2 };

struct hq_call_row {
	const char *name;
	size_t n_args;
	hq_call_fn *fn;
};

struct hq_expr {
	enum hq_node kind;
	size_t at; /* offset, for messages */
	enum hq_tok op;
	const char *name;
	struct json_object *value;
	const struct hq_call_row *call;
	const struct hq_expr **kids;
	size_t n_kids;
};

/* NULL if there is no such function. */
const struct hq_call_row *hq_call_find(const char *name);

/* New values, owned by the arena. */
enum hq_rc hq_expr_string(struct hq_arena *a, const char *s,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
enum hq_rc hq_expr_number(struct hq_arena *a, double d,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
enum hq_rc hq_expr_bool(struct hq_arena *a, bool b, struct json_object **ret,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_EXPR_NODE_H */

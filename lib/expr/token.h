/*
 * expr/token.h - the words of an expression.  Private to this room.
 */
#ifndef HQ_EXPR_TOKEN_H
#define HQ_EXPR_TOKEN_H

#include "base/arena.h"

enum hq_tok {
	HQ_TOK_END,
	HQ_TOK_NUMBER,
	HQ_TOK_STRING,
	HQ_TOK_NAME,
#define HQ_TOK(name, text) HQ_TOK_##name,
#include "expr/tokens.def"
	HQ_TOK__MAX
};

struct hq_token {
	enum hq_tok kind;
	size_t at;        /* offset of its first byte */
	const char *text; /* of a name or string, decoded; arena's */
	double number;
};

struct hq_lexer {
	struct hq_arena *arena;
	const char *text;
	size_t at;     /* where the next token is looked for */
	size_t bad_at; /* offset of the first error */
};

/* BAD_REQUEST "<why> at <offset>"; l->bad_at is the offset. */
enum hq_rc hq_token_next(struct hq_lexer *l, struct hq_token *ret,
    struct hq_err *err) HQ_MUST;

/* Record such an error. */
enum hq_rc hq_token_fail(struct hq_lexer *l, size_t at, const char *why,
    struct hq_err *err) HQ_MUST;

/* ")" for HQ_TOK_CLOSE. */
const char *hq_tok_text(enum hq_tok kind);

#endif /* HQ_EXPR_TOKEN_H */

/*
 * auth/token.h - the parts of a token's text, for this room.
 */
#ifndef HQ_AUTH_TOKEN_H
#define HQ_AUTH_TOKEN_H

#include "auth/keys.h"

/* Where the parts stand in the text that was parsed. */
struct hq_token {
	enum hq_token_kind kind;
	const char *id;
	size_t id_n;
	size_t n; /* the whole text */
};

bool hq_token_parse(const char *text, struct hq_token *ret);

#endif /* HQ_AUTH_TOKEN_H */

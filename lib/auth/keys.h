/*
 * auth/keys.h - the secrets, read once at start from files below RAWR_KEYS.
 *
 *   signing.key           Inngest signing key text ("signkey-..."), one line
 *   signing.key.fallback  the previous one, during a rotation; optional
 *   http.key              signs the calls of http desks: one line, at least
 *                         HQ_HTTP_KEY_MIN visible characters; optional
 *   inngest.key           with RAWR_ENGINE=inngest: the event key under which
 *                         the Inngest server takes our events, one line of at
 *                         most HQ_EVENT_KEY_MAX of those characters
 *   event.keys            keys of those that send events to the engine API, one
 *                         per line; HQ_EVENT_KEY_MIN to _MAX of
 *                         A-Z a-z 0-9 - _ . ~; optional
 *   first-party.tokens    one token per line; '#' starts a comment
 *   published.tokens      the same
 *
 * A token is rawr_fp_<id>_<secret> or rawr_pub_<id>_<secret>: the kind can be
 * told from the text even where no list is configured, so a token of the wrong
 * kind is refused everywhere.  Only a BLAKE2b of each token stays in memory.
 * A key file that group or others may read stops the start.  Two tokens may
 * share an id while one replaces the other.
 */
#ifndef HQ_AUTH_KEYS_H
#define HQ_AUTH_KEYS_H

#include "auth/principal.h"
#include "base/env.h"

enum {
	HQ_KEY_FILE_MAX = 1 << 20, /* bytes of one key file */
	HQ_SIGNING_KEY_MAX = 512,  /* bytes */
	HQ_HTTP_KEY_MIN = 32,      /* the same */
	HQ_EVENT_KEY_MIN = 16,     /* the same */
	HQ_EVENT_KEY_MAX = 128,    /* the same */
	HQ_TOKENS_MAX = 10000,     /* tokens of one kind */
	HQ_TOKEN_ID_MIN = 4,
	HQ_TOKEN_ID_MAX = 32,
	HQ_TOKEN_SECRET_MIN = 32,
	HQ_TOKEN_SECRET_MAX = 64,
};

enum hq_token_kind {
	HQ_TOKEN_FIRST_PARTY, /* rawr_fp_..., opens /rpc */
	HQ_TOKEN_PUBLISHED,   /* rawr_pub_..., opens the published families */
	HQ_TOKEN__MAX
};

/* A new token: 10 characters of id, 43 of secret (256 bits). */
char *hq_token_make(enum hq_token_kind kind, const struct hq_env *env,
    struct hq_arena *a);

/* Whether text has the form of a token, and of which kind. */
bool hq_token_kind_of(const char *text, enum hq_token_kind *ret);

struct hq_keys; /* lives in the arena it was loaded into; wiped on reset */

/* A missing file is an empty list; an unreadable or open one is an error. */
enum hq_rc hq_keys_load(const char *dir, struct hq_arena *a,
    const struct hq_keys **ret, struct hq_err *err) HQ_MUST;

/* The key's text; NULL if there is none.  Never log it. */
const char *hq_keys_signing(const struct hq_keys *k);
const char *hq_keys_signing_fallback(const struct hq_keys *k);
const char *hq_keys_http(const struct hq_keys *k);
const char *hq_keys_inngest(const struct hq_keys *k);

/* Is this one of the event keys?  n bytes, as they stand in a path. */
bool hq_keys_is_event(const struct hq_keys *k, const char *key, size_t n);

/* The token's public id if it is on its kind's list, else NULL. */
const char *hq_keys_find(const struct hq_keys *k, const char *token);

#endif /* HQ_AUTH_KEYS_H */

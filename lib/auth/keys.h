/*
 * auth/keys.h - the secrets, read once at start from files below RAWR_KEYS.
 *
 *   signing.key           Inngest signing key text ("signkey-..."), one line
 *   signing.key.fallback  the previous one, during a rotation; optional
 *   first-party.tokens    one token per line; '#' starts a comment
 *   published.tokens      the same
 *
 * A token is rawr_fp_<id>_<secret> or rawr_pub_<id>_<secret>: the kind can be
 * told from the text even where no list is configured, so a token of the wrong
 * kind is refused everywhere.  Only a BLAKE2b of each token stays in memory.
 * A key file that group or others may read stops the start.
 */
#ifndef HQ_AUTH_KEYS_H
#define HQ_AUTH_KEYS_H

#include "auth/principal.h"

struct hq_keys; /* lives in the arena it was loaded into; wiped on reset */

/* A missing file is an empty list; an unreadable or open one is an error. */
enum hq_rc hq_keys_load(const char *dir, struct hq_arena *a,
    const struct hq_keys **ret, struct hq_err *err) HQ_MUST;

/* The key's text; NULL if there is none.  Never log it. */
const char *hq_keys_signing(const struct hq_keys *k);
const char *hq_keys_signing_fallback(const struct hq_keys *k);

#endif /* HQ_AUTH_KEYS_H */

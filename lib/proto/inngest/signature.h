/*
 * proto/inngest/signature.h - X-Inngest-Signature (facts: section 3.1, 3.2).
 *
 * "t=<unix seconds>&s=<hex HMAC-SHA256>"; the key is the signing key's text
 * without its "signkey-<env>-" prefix, as bytes; the message is the body
 * followed by the decimal timestamp.  Requests are hashed over the canonical
 * (JCS) form of their JSON, replies over their bytes.
 */
#ifndef HQ_PROTO_INNGEST_SIGNATURE_H
#define HQ_PROTO_INNGEST_SIGNATURE_H

#include <stdint.h>

#include "base/arena.h"

enum {
	HQ_SIGNATURE_WINDOW_S = 300, /* both directions */
	HQ_SIGNATURE_BYTES = 96,     /* header value with NUL */
};

void hq_signature_make(const char *key, const void *body, size_t n,
    int64_t now_s, char out[HQ_SIGNATURE_BYTES]);

/* What came, and what was signed of it.  Borrowed. */
struct hq_signed {
	const char *header; /* X-Inngest-Signature; NULL: missing */
	const void *body;
	size_t body_bytes;
};

/* What may have signed it. */
struct hq_signing_keys {
	const char *key;
	const char *fallback; /* or NULL */
};

/*
 * UNAUTHORIZED, always with the same text, if the header is missing, malformed,
 * outside the window or made with neither key; compares in constant time.
 * *ret_key: the key that verified.
 */
enum hq_rc hq_signature_verify(const struct hq_signed *s,
    const struct hq_signing_keys *k, int64_t now_s, const char **ret_key,
    struct hq_err *err) HQ_MUST;

/* "signkey-test-<hex sha256 of the hex-decoded key>" (facts: section 3.3). */
char *hq_signing_key_hash(struct hq_arena *a, const char *key);

#endif /* HQ_PROTO_INNGEST_SIGNATURE_H */

/*
 * base/digest.h - digests by OpenSSL, which knows the processor's own
 * instructions for them.  The algorithms are looked up once per process: a
 * look-up costs more than a short text's digest.
 */
#ifndef HQ_BASE_DIGEST_H
#define HQ_BASE_DIGEST_H

#include <stddef.h>

enum {
	HQ_SHA1_BYTES = 20,
	HQ_SHA1_HEX_BYTES = 2 * HQ_SHA1_BYTES + 1, /* with NUL */
	HQ_HMAC_BYTES = 32,
};

/*
 * The look-ups now, and not with the first digest: OpenSSL sets itself up in
 * them, and crashes where memory runs short meanwhile.  A worker has what was
 * looked up before the fork.
 */
void hq_digest_open(void);

/* SHA-1 as lower-case hex: how the Inngest protocol names a step. */
void hq_sha1_hex(const void *p, size_t n, char out[HQ_SHA1_HEX_BYTES]);

struct hq_bytes {
	const void *p; /* may be NULL if n is 0 */
	size_t n;
};

/* HMAC-SHA256 of the parts, one behind the other. */
void hq_hmac_sha256(struct hq_bytes key, const struct hq_bytes *parts, size_t n,
    unsigned char out[HQ_HMAC_BYTES]);

#endif /* HQ_BASE_DIGEST_H */

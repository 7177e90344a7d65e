#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/digest.h"
#include "base/err.h"

/* Kept for the life of the process; it has one thread. */
static EVP_MD *sha1;
static EVP_MD_CTX *sha1_ctx;
static EVP_MAC_CTX *hmac_ctx;

/* Where the algorithm is there, one reason is left to fail. */
static void
done(int ok)
{
	if (ok != 1)
		HQ_BUG("out of memory");
}

static void
sha1_open(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	sha1_ctx = EVP_MD_CTX_new();
	if (sha1 == NULL || sha1_ctx == NULL)
		HQ_BUG("no SHA-1, or out of memory");
}

void
hq_sha1_hex(const void *p, size_t n, char out[HQ_SHA1_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[HQ_SHA1_BYTES];
	size_t i;

	if (sha1_ctx == NULL)
		sha1_open();
	done(EVP_DigestInit_ex(sha1_ctx, sha1, NULL));
	done(EVP_DigestUpdate(sha1_ctx, p, n));
	done(EVP_DigestFinal_ex(sha1_ctx, md, NULL));
	for (i = 0; i < sizeof(md); i++) {
		out[2 * i] = digits[md[i] >> 4];
		out[2 * i + 1] = digits[md[i] & 15];
	}
	out[2 * i] = '\0';
}

static void
hmac_open(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

	hmac_ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (hmac_ctx == NULL || EVP_MAC_CTX_set_params(hmac_ctx, params) != 1)
		HQ_BUG("no HMAC-SHA256, or out of memory");
}

void
hq_digest_open(void)
{
	if (sha1_ctx == NULL)
		sha1_open();
	if (hmac_ctx == NULL)
		hmac_open();
}

void
hq_hmac_sha256(struct hq_bytes key, const struct hq_bytes *parts, size_t n,
    unsigned char out[HQ_HMAC_BYTES])
{
	size_t i, got;

	HQ_ASSERT(key.p != NULL);
	if (hmac_ctx == NULL)
		hmac_open();
	done(EVP_MAC_init(hmac_ctx, key.p, key.n, NULL));
	for (i = 0; i < n; i++)
		if (parts[i].n > 0)
			done(EVP_MAC_update(hmac_ctx, parts[i].p, parts[i].n));
	done(EVP_MAC_final(hmac_ctx, out, &got, HQ_HMAC_BYTES));
	HQ_ASSERT(got == HQ_HMAC_BYTES);
}

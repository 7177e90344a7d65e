#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "proto/inngest/signature.h"

enum {
	MAC_BYTES = HQ_HMAC_BYTES,
	MAC_HEX = 2 * MAC_BYTES,
	STAMP_MAX = 15, /* digits of t; far beyond any clock, within int64_t */
};

_Static_assert(sizeof("t=&s=") + 20 + MAC_HEX <= HQ_SIGNATURE_BYTES,
    "a signature fits its buffer");

struct parts {
	const char *t; /* digits, as sent: what was signed */
	size_t t_len;
	int64_t t_s;
	unsigned char mac[MAC_BYTES];
};

/* Length of a leading "signkey-<env>-"; 0 if there is none. */
static size_t
prefix_len(const char *key)
{
	static const char word[] = "signkey-";
	static const char env[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n;

	if (strncmp(key, word, sizeof(word) - 1) != 0)
		return 0;
	n = strspn(key + sizeof(word) - 1, env);
	if (n == 0 || key[sizeof(word) - 1 + n] != '-')
		return 0;
	return sizeof(word) + n;
}

static void
mac_of(const char *key, const void *body, size_t n, const char *t,
    unsigned char out[MAC_BYTES])
{
	const char *text = key + prefix_len(key);
	const struct hq_bytes parts[] = { { body, n }, { t, strlen(t) } };

	hq_hmac_sha256((struct hq_bytes){ text, strlen(text) }, parts, 2, out);
}

void
hq_signature_make(const char *key, const void *body, size_t n, int64_t now_s,
    char out[HQ_SIGNATURE_BYTES])
{
	unsigned char mac[MAC_BYTES];
	char hex[MAC_HEX + 1], t[24];

	(void)snprintf(t, sizeof(t), "%jd", (intmax_t)now_s);
	mac_of(key, body, n, t, mac);
	sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
	(void)snprintf(out, HQ_SIGNATURE_BYTES, "t=%s&s=%s", t, hex);
}

static bool
parse_stamp(const char *v, size_t n, struct parts *p)
{
	size_t i;

	if (p->t != NULL || n == 0 || n > STAMP_MAX)
		return false;
	p->t = v;
	p->t_len = n;
	for (i = 0; i < n; i++) {
		if (v[i] < '0' || v[i] > '9')
			return false;
		p->t_s = p->t_s * 10 + (v[i] - '0');
	}
	return true;
}

/* Lower-case digits only: one signature has one spelling. */
static bool
parse_mac(const char *v, size_t n, struct parts *p)
{
	size_t got;

	return n == MAC_HEX && strspn(v, "0123456789abcdef") >= n &&
	    sodium_hex2bin(p->mac, sizeof(p->mac), v, n, NULL, &got, NULL) ==
	    0 &&
	    got == sizeof(p->mac);
}

/* "t=...&s=...", by key and not by place; other keys are left alone. */
static bool
parse(const char *h, struct parts *p)
{
	bool have_mac = false;
	size_t n;

	for (; *h != '\0'; h += n + (h[n] == '&')) {
		n = strcspn(h, "&");
		if (strncmp(h, "t=", 2) == 0) {
			if (!parse_stamp(h + 2, n - 2, p))
				return false;
		} else if (strncmp(h, "s=", 2) == 0) {
			if (have_mac || !parse_mac(h + 2, n - 2, p))
				return false;
			have_mac = true;
		}
	}
	return have_mac && p->t != NULL;
}

static bool
is_fresh(int64_t t_s, int64_t now_s)
{
	return t_s >= now_s - HQ_SIGNATURE_WINDOW_S &&
	    t_s <= now_s + HQ_SIGNATURE_WINDOW_S;
}

enum hq_rc
hq_signature_verify(const struct hq_signed *s, const struct hq_signing_keys *k,
    int64_t now_s, const char **ret_key, struct hq_err *err)
{
	const char *const keys[] = { k->key, k->fallback };
	unsigned char mac[MAC_BYTES];
	struct parts p = { 0 };
	char t[STAMP_MAX + 1];
	size_t i;

	if (s->header == NULL || !parse(s->header, &p) ||
	    !is_fresh(p.t_s, now_s))
		return HQ_FAIL(err, UNAUTHORIZED, "Unauthorized");
	memcpy(t, p.t, p.t_len);
	t[p.t_len] = '\0';
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i] == NULL)
			continue;
		mac_of(keys[i], s->body, s->body_bytes, t, mac);
		if (sodium_memcmp(mac, p.mac, sizeof(mac)) == 0) {
			*ret_key = keys[i];
			return HQ_OK;
		}
	}
	return HQ_FAIL(err, UNAUTHORIZED, "Unauthorized");
}

char *
hq_signing_key_hash(struct hq_arena *a, const char *key)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * crypto_hash_sha256_BYTES + 1];
	size_t prefix = prefix_len(key), got;
	/* As Buffer.from(text, "hex"): what is no pair of digits ends it. */
	size_t n = strspn(key + prefix, "0123456789abcdefABCDEF") & ~(size_t)1;
	unsigned char *bin = hq_arena_alloc(a, n / 2 + 1, 1);

	if (bin == NULL)
		return NULL;
	if (sodium_hex2bin(bin, n / 2, key + prefix, n, NULL, &got, NULL) != 0)
		HQ_BUG("hex digits that are none");
	crypto_hash_sha256(hash, bin, got);
	sodium_memzero(bin, n / 2 + 1);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	return hq_arena_printf(a, "%.*s%s", (int)prefix, key, hex);
}

/* A line of header, then the body.  What we sign verifies, nothing else. */
#include "fuzz.h"
#include "proto/inngest/signature.h"

static const char key[] = "signkey-test-12345678deadbeef";
enum { NOW_S = 1700000000 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_signing_keys keys = { key, "signkey-test-00ff" };
	char made[HQ_SIGNATURE_BYTES];
	struct hq_signed s;
	const char *used;

	fuzz_begin();
	s.header = fuzz_line(&r);
	s.body = r.p;
	s.body_bytes = r.n;
	hq_signature_make(key, r.p, r.n, NOW_S, made);
	if (hq_signature_verify(&s, &keys, NOW_S, &used, &err) == HQ_OK)
		HQ_ASSERT(strstr(s.header, "s=") != NULL);
	else
		HQ_ASSERT(strcmp(err.msg, "Unauthorized") == 0);
	s.header = made;
	HQ_ASSERT(hq_signature_verify(&s, &keys, NOW_S, &used, &err) == HQ_OK);
	HQ_ASSERT(used == key);
	if (hq_signing_key_hash(arena, s.header) == NULL)
		HQ_ASSERT(!hq_arena_ok(arena));
	return 0;
}

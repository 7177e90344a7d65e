/* A content-type, then a body delimited by its boundary. */
#include "fuzz.h"
#include "proto/http/multipart.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_pairs pairs;
	const char *type;
	size_t i;

	fuzz_begin();
	type = fuzz_line(&r);
	if (hq_multipart_parse(arena, type, r.p, r.n, &pairs, &err) != HQ_OK)
		return 0;
	HQ_ASSERT(pairs.n <= HQ_PARTS_MAX);
	for (i = 0; i < pairs.n; i++) {
		HQ_ASSERT(pairs.v[i].name != NULL);
		HQ_ASSERT(
		    (pairs.v[i].value != NULL) != (pairs.v[i].file != NULL));
	}
	return 0;
}

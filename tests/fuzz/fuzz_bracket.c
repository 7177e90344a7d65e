/* A form's text to pairs to nested values. */
#include "fuzz.h"
#include "proto/orpc/bracket.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_object *v;
	struct hq_pairs pairs;

	fuzz_begin();
	if (hq_urlencoded_parse(arena, (const char *)data, n, &pairs, &err) !=
	    HQ_OK)
		return 0;
	HQ_ASSERT(pairs.n <= HQ_PAIRS_MAX);
	if (hq_bracket_parse(arena, &pairs, &v, &err) == HQ_OK)
		(void)hq_json_text(arena, v);
	return 0;
}

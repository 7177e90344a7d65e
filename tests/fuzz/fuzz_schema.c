/* A line of schema, then a value to check against it. */
#include "fuzz.h"
#include "json/schema.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	const struct hq_schema *schema;
	struct json_object *def, *v, *issues;
	const char *line;

	fuzz_begin();
	line = fuzz_line(&r);
	if (hq_json_parse(arena, line, strlen(line), &def, &err) != HQ_OK ||
	    hq_json_parse(arena, r.p, r.n, &v, &err) != HQ_OK ||
	    hq_schema_compile(arena, def, &schema, &err) != HQ_OK)
		return 0;
	if (hq_schema_check(schema, v, arena, &issues, &err) == HQ_OK &&
	    issues != NULL) {
		HQ_ASSERT(json_object_array_length(issues) > 0);
		HQ_ASSERT(
		    json_object_array_length(issues) <= HQ_SCHEMA_ISSUES_MAX);
	}
	v = hq_js_undefined();
	if (hq_json_own(arena, v, &err) == HQ_OK)
		HQ_IGNORE(hq_schema_check(schema, v, arena, &issues, &err));
	return 0;
}

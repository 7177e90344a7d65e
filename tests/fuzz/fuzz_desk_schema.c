/*
 * A line of a desk's schema, then a value.  Where it is a contract's schema
 * too, both checkers are of one mind; two schemas that are equal are assignable.
 */
#include "domain/coordination/jsonschema.h"
#include "domain/coordination/validation.h"
#include "fuzz.h"
#include "json/schema.h"

/* Keywords that only a contract's schema has. */
static bool
is_shared(const char *text)
{
	return strstr(text, "min") == NULL && strstr(text, "const") == NULL &&
	    strstr(text, "pattern") == NULL && strchr(text, '\\') == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct json_object *def, *v, *issues;
	const struct hq_schema *schema;
	const char *line, *fault, *path = NULL;

	fuzz_begin();
	line = fuzz_line(&r);
	if (hq_json_parse(arena, line, strlen(line), &def, &err) != HQ_OK ||
	    hq_json_parse(arena, r.p, r.n, &v, &err) != HQ_OK)
		return 0;
	fault = hq_coord_schema_fault(arena, def, "v", v, &path);
	if (fault != NULL)
		HQ_ASSERT(
		    path != NULL && strncmp(fault, path, strlen(path)) == 0);
	(void)hq_coord_assignable(def, v);
	if (!is_shared(line) || hq_js_type(def) != HQ_JS_OBJECT ||
	    hq_schema_compile(arena, def, &schema, &err) != HQ_OK ||
	    hq_schema_check(schema, v, arena, &issues, &err) != HQ_OK)
		return 0;
	HQ_ASSERT((issues == NULL) == (fault == NULL));
	return 0;
}

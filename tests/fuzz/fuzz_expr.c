/* A line of expression, then the value of `event`. */
#include "expr/expr.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct json_object *vars, *event = NULL, *v;
	const struct hq_expr *e;
	const char *line;
	size_t at = SIZE_MAX;

	fuzz_begin();
	line = fuzz_line(&r);
	if (hq_expr_parse(arena, line, &e, &at, &err) != HQ_OK) {
		HQ_ASSERT(at <= strlen(line));
		return 0;
	}
	HQ_IGNORE(hq_json_parse(arena, r.p, r.n, &event, &err));
	vars = json_object_new_object();
	if (hq_json_own(arena, vars, &err) != HQ_OK)
		return 0;
	hq_json_put(vars, "event", json_object_get(event));
	if (hq_expr_eval(e, vars, arena, &v, &err) == HQ_OK) {
		(void)hq_expr_true(v);
		(void)hq_json_text(arena, v);
	}
	return 0;
}

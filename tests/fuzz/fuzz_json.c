/* Text to value to text to value: the second text is the first. */
#include "base/process.h"
#include "fuzz.h"
#include "json/json.h"

typedef void write_fn(struct hq_buf *b, struct json_object *v);

static void
check_stable(struct json_object *v, write_fn *write)
{
	struct hq_buf one, two;
	struct json_object *again;

	hq_buf_init(&one, arena);
	hq_buf_init(&two, arena);
	write(&one, v);
	if (!hq_arena_ok(arena))
		return;
	if (hq_json_parse(arena, hq_buf_str(&one), one.n, &again, &err) !=
	    HQ_OK) {
		HQ_ASSERT(err.code == HQ_E_PAYLOAD_TOO_LARGE);
		return;
	}
	write(&two, again);
	if (hq_arena_ok(arena))
		HQ_ASSERT(one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
}

/* As a document that goes out: the same text, however it is laid out. */
static void
check_top(struct json_object *v, write_fn *write)
{
	struct json_object *top;
	struct hq_buf text, one, two;

	hq_buf_init(&text, arena);
	hq_buf_init(&one, arena);
	hq_buf_init(&two, arena);
	hq_json_write(&text, v);
	if (!hq_arena_ok(arena) ||
	    hq_json_parse_top(arena, text.p, text.n, &top, &err) != HQ_OK)
		return;
	write(&one, v);
	write(&two, top);
	if (hq_arena_ok(arena))
		HQ_ASSERT(one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	hq_process_stack();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_object *v, *copy;
	const char *text = (const char *)data;
	enum hq_rc looked, top;

	fuzz_begin();
	looked = hq_json_check(arena, text, n, &err);
	top = hq_json_parse_top(arena, text, n, &v, &err);
	if (hq_json_parse(arena, text, n, &v, &err) != HQ_OK) {
		HQ_ASSERT(looked == err.code || !hq_arena_ok(arena));
		HQ_ASSERT(top == err.code || !hq_arena_ok(arena));
		return 0;
	}
	HQ_ASSERT(looked == HQ_OK && top == HQ_OK);
	check_stable(v, hq_json_write);
	check_stable(v, hq_json_write_pretty);
	check_stable(v, hq_json_write_canonical);
	check_top(v, hq_json_write);
	check_top(v, hq_json_write_pretty);
	check_top(v, hq_json_write_canonical);
	copy = hq_json_clone(v);
	HQ_ASSERT(
	    strcmp(hq_json_text(arena, copy), hq_json_text(arena, v)) == 0);
	json_object_put(copy);
	return 0;
}

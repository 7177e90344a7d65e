/*
 * tests/unit/flowtest.h - what the tests of durable functions share: one call
 * of a function with given memos, and checks of its answer.
 */
#ifndef FLOWTEST_H
#define FLOWTEST_H

#include "hqtest.h"

#include "base/buf.h"
#include "base/ids.h"
#include "flow/exec.h"

static struct hq_exec_in given;
static struct hq_exec_out answer;

#define A "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" /* sha1 of "a" */
#define B "e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98"
#define LOOP "1df823e482339eb6067f4134408b0b8b28411a78"
#define LOOP_1 "a0cb75f0a464ed6731caadd18aa9932daf00bb50"
#define LOOP_2 "dd014976323740b5623326fd7169be3055c1b536"

#define ROWS(t) ((int)(sizeof(t) / sizeof((t)[0])))

static __attribute__((unused)) struct json_object *
json(const char *text)
{
	struct json_object *v;

	ck_hq_ok(hq_json_parse(arena, text, strlen(text), &v, &err));
	return v;
}

static __attribute__((unused)) void
setup(void)
{
	arena_open();
	given = (struct hq_exec_in){ .arena = arena };
	given.runtime.run_id = "01RUN";
	given.runtime.function_id = "digest";
	given.runtime.max_attempts = 3;
	given.runtime.event =
	    json("{\"name\":\"x\",\"data\":{\"project\":\"p\"}}");
}

static __attribute__((unused)) void
call(hq_flow_fn *fn, const char *steps)
{
	given.steps = json(steps);
	hq_flow_exec(fn, &given, &answer);
}

/* The answer is these ops, in short: "StepRun a, Sleep nap". */
static __attribute__((unused)) void
ck_ops(const char *want)
{
	struct json_object *op;
	struct hq_buf b;
	size_t i;

	ck_assert_int_eq(answer.what, HQ_EXEC_OPS);
	hq_buf_init(&b, arena);
	for (i = 0; i < json_object_array_length(answer.value); i++) {
		op = json_object_array_get_idx(answer.value, i);
		hq_buf_printf(&b, "%s%s %s", i == 0 ? "" : ", ",
		    hq_json_str(op, "op"), hq_json_str(op, "displayName"));
	}
	ck_assert_str_eq(hq_buf_str(&b), want);
}

static __attribute__((unused)) void
ck_value(const char *want)
{
	ck_assert_str_eq(hq_json_text(arena, answer.value), want);
}

static __attribute__((unused)) enum hq_rc
give(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)f;
	(void)e;
	*ret_out = v;
	return HQ_OK;
}

static __attribute__((unused)) enum hq_rc
boom(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)f;
	(void)v;
	(void)ret_out;
	return HQ_FAIL(e, SERVICE_UNAVAILABLE, "boom");
}

static __attribute__((unused)) enum hq_rc
one_failing(struct hq_flow *f, struct json_object *v,
    struct json_object **ret_out, struct hq_err *e)
{
	return hq_step(f, "a", boom, v, ret_out, e);
}

#endif /* FLOWTEST_H */

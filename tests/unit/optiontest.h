/*
 * tests/unit/optiontest.h - functions with options, in the world of enginetest.h.
 */
#ifndef OPTIONTEST_H
#define OPTIONTEST_H

#include "enginetest.h"

/* options: members of the payload, each with a comma behind it. */
#define FN_WITH(id, options) \
	"{" options "\"id\":\"app-" id "\",\"triggers\":[" EVENT( \
	    "t/go") "],\"steps\":{\"step\":{\"runtime\":{\"url\":\"http://h/?fnId=app-" id \
		    "&stepId=step\"},\"retries\":{\"attempts\":0}}}}"

/* Notes "<function>:<data.n of its event>;" and is done. */
static __attribute__((unused)) void
noting(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	struct json_object *event = hq_json_get(body, "event");
	size_t n = strlen(notes);

	(void)x;
	(void)r;
	snprintf(notes + n, sizeof(notes) - n, "%.*s:%lld;",
	    (int)strcspn(fn_of(body, c), "&"), fn_of(body, c),
	    (long long)hq_json_i64(hq_json_get(event, "data"), "n", -1));
}

/* t/go with this data is sent and all is done that is to be done now. */
static __attribute__((unused)) void
go(const char *data)
{
	send_event("t/go", NULL, data);
	run_all();
}

/* n events in their order, with data.n from 1 on, a millisecond apart; each time. */
static __attribute__((unused)) void
send_some(int n, const char *more, void (*each)(void))
{
	int i;

	for (i = 1; i <= n; i++) {
		send_event("t/go", NULL,
		    hq_arena_printf(arena, "{\"n\":%d%s}", i, more));
		each();
		w.now_ms++;
	}
}

/* Registered with these options, f is refused, and the reason says so. */
static __attribute__((unused)) void
refuses(const char *options, const char *said)
{
	bool modified;
	const char *fns = hq_arena_printf(arena,
	    "[{%s\"id\":\"app-f\",\"triggers\":[" EVENT(
		"t/go") "],\"steps\":{\"step\":{\"runtime\":{\"url\":\"u\"}}}}]",
	    options);

	ck_assert_int_eq(hq_engine_register(w.engine, "app", json(fns),
			     &modified, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_msg(strstr(err.msg, said) != NULL, "%s: %s", options,
	    err.msg);
}

/* A limit whose key, made when a run starts, is 25 times data.t. */
#define FIVE_TIMES(x) x "+" x "+" x "+" x "+" x
#define LARGE_KEY \
	"\"concurrency\":{\"limit\":1,\"key\":\"" FIVE_TIMES( \
	    FIVE_TIMES("event.data.t")) "\"},"

#define CALLER FN("caller", EVENT("t/call"), 0)

/* caller invokes f with this data, and notes what it is told; false: not its call. */
static __attribute__((unused)) bool
caller_invokes(const struct fake_call *c, struct json_object *body,
    const char *data, const char *before, struct hq_engine_reply *r)
{
	struct json_object *v;
	bool any;

	if (!IS_FN(c, "caller"))
		return false;
	v = memo(body, "ii", &any);
	if (any)
		snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes),
		    "%s%s;", before, hq_json_text(arena, v));
	else
		ops(r,
		    hq_arena_printf(arena,
			"[{\"op\":\"InvokeFunction\",\"id\":\"ii\",\"opts\":{"
			"\"function_id\":\"app-f\",\"payload\":{\"data\":%s}}}]",
			data));
	return true;
}

/* data.n of a call's event. */
static __attribute__((unused)) int
n_of(struct json_object *body)
{
	struct json_object *event = hq_json_get(body, "event");

	return (int)hq_json_i64(hq_json_get(event, "data"), "n", 0);
}

static __attribute__((unused)) void
invoking_large(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	const char *data =
	    hq_arena_printf(arena, "{\"t\":\"%0*d\"}", 2 << 20, 0);

	if (!caller_invokes(c, body, data, "", r))
		noting(x, c, body, r);
}
#define TOO_LARGE \
	"{\"error\":{\"message\":\"the event needs too much memory\"," \
	"\"name\":\"Error\"}};"

#endif /* OPTIONTEST_H */

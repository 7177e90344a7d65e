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

#endif /* OPTIONTEST_H */

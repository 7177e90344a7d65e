/*
 * tests/unit/checkpointtest.h - an engine whose calls tell of their steps on
 * their way, and another connection that sees what is committed.
 */
#ifndef CHECKPOINTTEST_H
#define CHECKPOINTTEST_H

#include "enginetest.h"

#include <sqlite3.h>

#include "base/log.h"
#include "engine/limits.h"

static sqlite3 *outside; /* sees what is committed, and no more */

static __attribute__((unused)) void
open_all(void)
{
	world_open();
	hq_log_open("test", HQ_LEVEL__MAX);
	ck_assert_int_eq(sqlite3_open(w.path, &outside), SQLITE_OK);
}

static __attribute__((unused)) void
close_all(void)
{
	ck_assert_int_eq(sqlite3_close(outside), SQLITE_OK);
	world_close();
}

static __attribute__((unused)) void
outside_do(const char *sql)
{
	ck_assert_msg(sqlite3_exec(outside, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s", sqlite3_errmsg(outside));
}

/* The one value of a query, as text; "" if there is none. */
static __attribute__((unused)) const char *
value(const char *sql)
{
	const char *s = "";
	sqlite3_stmt *st;

	ck_assert_msg(sqlite3_prepare_v2(outside, sql, -1, &st, NULL) ==
		SQLITE_OK,
	    "%s", sqlite3_errmsg(outside));
	if (sqlite3_step(st) == SQLITE_ROW)
		s = hq_arena_printf(arena, "%s", sqlite3_column_text(st, 0));
	ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
	return s;
}

/* Recorded steps in their order: "aa={...} bb={...}". */
static __attribute__((unused)) const char *
memos(void)
{
	return value("SELECT coalesce(group_concat(step || '=' || value, ' '"
		     " ORDER BY id), '') FROM engine_memo");
}

static __attribute__((unused)) const char *
runs(void)
{
	return value(
	    "SELECT group_concat(state || ' ' ||"
	    " coalesce(output, '-'), ', ' ORDER BY state DESC) FROM engine_run");
}

enum { OPEN = 0, FAILED = 2 };

static __attribute__((unused)) void
start(const char *functions, size_t n)
{
	size_t i;

	register_fns(functions);
	for (i = 0; i < n; i++)
		send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, n);
}

#define F(retries) "[" FN("f", EVENT("t/go"), retries) "]"

static __attribute__((unused)) void
tell(const struct fake_call *c, const char *op)
{
	hq_engine_checkpoint(w.engine, c->ticket, op, strlen(op));
}

#define RAN(id, data) "{\"op\":\"StepRun\",\"id\":\"" id "\",\"data\":" data "}"

static __attribute__((unused)) void
reply(const struct fake_call *c, int status, const char *body)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_ANSWER,
		.status = status,
		.sdk = "test:v1",
		.body = body,
		.body_bytes = strlen(body),
		.req_version = "1" };

	hq_engine_reply(w.engine, c->ticket, &r);
}

static __attribute__((unused)) void
reply_what(const struct fake_call *c, struct hq_engine_reply r)
{
	hq_engine_reply(w.engine, c->ticket, &r);
}

#define BUT(how) ((struct hq_engine_reply){ .what = (how) })

/* The call that was made last, for the run that was made first. */
static __attribute__((unused)) struct fake_call *
last_call(void)
{
	ck_assert_uint_gt(w.n_calls, 0);
	return &w.calls[w.n_calls - 1];
}

/* The call goes on behind that step. */
static __attribute__((unused)) void
goes_on_behind(const char *op)
{
	struct fake_call *c = last_call();
	size_t before = c->goes_on;

	tell(c, op);
	turn();
	ck_assert_uint_eq(c->goes_on, before + 1);
}

static __attribute__((unused)) int
attempt(const struct fake_call *c)
{
	return (
	    int)hq_json_i64(hq_json_get(json(c->body), "ctx"), "attempt", -1);
}

#endif /* CHECKPOINTTEST_H */

/*
 * tests/unit/talktest.h - a server whose requests talk to their peer while they
 * are in hand, and a client that hears them.
 */
#ifndef TALKTEST_H
#define TALKTEST_H

#include "fcgitest.h"

enum { TALKS = 3, LARGE_BYTES = 300000 };

/* The word by which a request goes on. */
#define WORD "\1\10\0\1\0\0\0\0"

/* Tell the test, which waits for it. */
static __attribute__((unused)) void
note(char c)
{
	ck_assert_int_eq(write(started[1], &c, 1), 1);
}

static __attribute__((unused)) void
hold(void)
{
	char c;

	note('x');
	ck_assert_int_eq(read(go[0], &c, 1), 1);
}

static __attribute__((unused)) void
large(const struct hq_http_req *req)
{
	char *p = hq_arena_alloc(req->arena, LARGE_BYTES, 1);

	memset(p, 'y', LARGE_BYTES);
	note(req->talk->say(req->talk->ctx, p, LARGE_BYTES) ? 's' : 'n');
}

/*
 * /pid; /hold; /talk: n times say and hear, while it may; before: held before
 * it says, between: before it hears.
 */
static void
handle(void *app, const struct hq_http_req *req, struct hq_http_res *res)
{
	const struct hq_http_talk *t = req->talk;
	bool before = strcmp(req->path, "/before") == 0,
	     between = strcmp(req->path, "/between") == 0;
	bool talks = before || between || strcmp(req->path, "/talk") == 0;
	int i;

	(void)app;
	ck_assert_ptr_nonnull(t);
	hq_http_res_text(res, 200, "text/plain",
	    hq_arena_printf(req->arena, "%d", (int)getpid()));
	if (before || strcmp(req->path, "/hold") == 0)
		hold();
	if (strcmp(req->path, "/large") == 0)
		large(req);
	for (i = 0; talks && i < TALKS && t->may(t->ctx); i++) {
		if (!t->say(t->ctx, "told", 4)) {
			note('n');
			return;
		}
		if (between)
			hold();
		if (!t->hear(t->ctx)) {
			note('g');
			return;
		}
		note('h');
	}
	if (talks)
		note((char)('0' + i));
}

/* ------------------------------------------------------------ the server -- */

static __attribute__((unused)) void
serve_talks(int workers, int slots)
{
	struct hq_serve_opts o = opts_of(workers, slots);

	o.talks = true;
	master = serve_on(listen_on(path), &o);
}

/* What the handler noted next. */
static __attribute__((unused)) char
noted(void)
{
	struct pollfd p = { .fd = started[0], .events = POLLIN };
	char c;

	ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "nothing was noted");
	ck_assert_int_eq(read(started[0], &c, 1), 1);
	return c;
}

static __attribute__((unused)) void
let_go(void)
{
	ck_assert_int_eq(write(go[1], "x", 1), 1);
}

/* HQ_SUSPEND: the host has said something.  Else the call has ended. */
static __attribute__((unused)) enum hq_rc
told_or_ended(struct hq_fcgi_call *c)
{
	enum hq_rc rc;
	size_t n;

	while ((rc = hq_fcgi_call_step(c, &err)) == HQ_SUSPEND &&
	    hq_fcgi_call_checkpoint(c, &n) == NULL) {
		struct pollfd p = { .fd = hq_fcgi_call_fd(c),
			.events = hq_fcgi_call_events(c) };

		ck_assert_int_gt(poll(&p, 1, PATIENCE_MS), 0);
	}
	return rc;
}

static __attribute__((unused)) void
await_told(struct hq_fcgi_call *c)
{
	const char *told;
	size_t n = 0;

	if (hq_fcgi_call_checkpoint(c, &n) == NULL)
		ck_assert_int_eq(told_or_ended(c), HQ_SUSPEND);
	told = hq_fcgi_call_checkpoint(c, &n);
	ck_assert_ptr_nonnull(told);
	ck_assert_uint_eq(n, 4);
	ck_assert_mem_eq(told, "told", 4);
}

/* A request that waits for our word. */
static __attribute__((unused)) struct hq_fcgi_call *
talk(void)
{
	struct hq_fcgi_call *c = call_start("/talk", "", 0);

	await_told(c);
	return c;
}

/* Gives it the word until it has ended; its worker. */
static __attribute__((unused)) int
talk_on(struct hq_fcgi_call *c)
{
	int i, pid;
	size_t n;

	for (i = 0; i < TALKS; i++) {
		await_told(c);
		hq_fcgi_call_go_on(c);
		ck_assert_int_eq(noted(), 'h');
	}
	ck_hq_ok(call_wait(c));
	ck_assert_int_eq(noted(), '0' + TALKS);
	ck_assert_int_eq(hq_fcgi_call_status(c), 200);
	pid = atoi(hq_fcgi_call_body(c, &n));
	hq_fcgi_call_free(c);
	return pid;
}

#endif /* TALKTEST_H */

/*
 * tests/unit/fcgitest.h - a forked hq_serve() on a unix socket, called through
 * hq_fcgi_call and by hand.
 */
#ifndef FCGITEST_H
#define FCGITEST_H

#include "hqtest.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/env.h"
#include "base/log.h"
#include "proto/http/fcgi_client.h"
#include "proto/http/fcgi_wire.h"
#include "proto/http/serve.h"

enum { BIG = 300000 };

/* The test's own. */
static void handle(void *app, const struct hq_http_req *req,
    struct hq_http_res *res);

static char dir[] = "/tmp/hqserve-XXXXXX";
static char path[64];
static int started[2], go[2]; /* what /hold writes and reads */
static pid_t master;

static __attribute__((unused)) enum hq_rc
init(void *ctx, void **ret_app, struct hq_err *e)
{
	if (ctx != NULL)
		return HQ_FAIL(e, SERVICE_UNAVAILABLE, "no store");
	*ret_app = NULL;
	return HQ_OK;
}

static __attribute__((unused)) void
done(void *app)
{
	(void)app;
}

static __attribute__((unused)) int
listen_on(const char *where)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, where, strlen(where) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

/* hq_serve() in a child, on fd as its fd 0; exits 0, or 1 on an error. */
static __attribute__((unused)) pid_t
serve_on(int fd, const struct hq_serve_opts *o)
{
	pid_t pid = fork();

	if (pid == 0) {
		ck_assert_int_eq(dup2(fd, 0), 0);
		_exit(hq_serve(o, &err) == HQ_OK ? 0 : 1);
	}
	(void)close(fd);
	return pid;
}

static __attribute__((unused)) struct hq_serve_opts
opts_of(int workers, int slots)
{
	return (struct hq_serve_opts){ .workers = workers,
		.slots = slots,
		.body_max = 1 << 20,
		.arena_max = 4 << 20,
		.init = init,
		.done = done,
		.handle = handle };
}

static __attribute__((unused)) void
setup(void)
{
	arena_open();
	hq_log_open("test", HQ_LEVEL__MAX);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	ck_assert_int_eq(pipe(started), 0);
	ck_assert_int_eq(pipe(go), 0);
	master = 0;
}

static __attribute__((unused)) void
serve(int workers, int slots, int64_t recycle)
{
	struct hq_serve_opts o = opts_of(workers, slots);

	o.recycle = recycle;
	master = serve_on(listen_on(path), &o);
}

static __attribute__((unused)) int
exit_of(pid_t pid)
{
	int st;

	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static __attribute__((unused)) void
teardown(void)
{
	if (master > 0) {
		(void)kill(master, SIGTERM);
		ck_assert_int_eq(exit_of(master), 0);
	}
	(void)unlink(path);
	(void)rmdir(dir);
	arena_close();
}

static __attribute__((unused)) struct hq_fcgi_call *
call_start(const char *uri, const char *body, size_t n)
{
	const struct hq_fcgi_param p[] = { { "REQUEST_METHOD", "POST" },
		{ "REQUEST_URI", uri }, { NULL, NULL } };
	struct hq_fcgi_call *c;

	ck_hq_ok(hq_fcgi_call_new(path, p, body, n, &c, &err));
	return c;
}

static __attribute__((unused)) enum hq_rc
call_wait(struct hq_fcgi_call *c)
{
	enum hq_rc rc;

	while ((rc = hq_fcgi_call_step(c, &err)) == HQ_SUSPEND) {
		struct pollfd p = { .fd = hq_fcgi_call_fd(c),
			.events = hq_fcgi_call_events(c) };

		ck_assert_int_gt(poll(&p, 1, PATIENCE_MS), 0);
	}
	return rc;
}

static __attribute__((unused)) int
pid_of_worker(void)
{
	struct hq_fcgi_call *c = call_start("/pid", "", 0);
	size_t n;
	int pid;

	ck_hq_ok(call_wait(c));
	pid = atoi(hq_fcgi_call_body(c, &n));
	hq_fcgi_call_free(c);
	return pid;
}

/* By hand: a POST that asks to keep the connection.  Returns its length. */
static __attribute__((unused)) size_t
request(char *out, const char *uri)
{
	static const char head[] = { 1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0,
		0, 0 };
	static const char tail[] = { 1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 0,
		0, 0 };
	char pairs[128];
	size_t n = (size_t)snprintf(pairs, sizeof(pairs),
	    "%c%cREQUEST_METHODPOST%c%cREQUEST_URI%s", 14, 4, 11,
	    (int)strlen(uri), uri);
	const char params[] = { 1, 4, 0, 1, 0, (char)n, 0, 0 };

	memcpy(out, head, sizeof(head));
	memcpy(out + 16, params, 8);
	memcpy(out + 24, pairs, n);
	memcpy(out + 24 + n, tail, sizeof(tail));
	return 40 + n;
}

static __attribute__((unused)) int
dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, path, sizeof(path));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)),
	    0);
	return fd;
}

static __attribute__((unused)) void
send_all(int fd, const char *p, size_t n)
{
	ck_assert_int_eq(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static __attribute__((unused)) void
recv_all(int fd, void *p, size_t n)
{
	ck_assert_int_eq(recv(fd, p, n, MSG_WAITALL), (ssize_t)n);
}

/* One reply up to its END record; what it had on STDOUT. */
static __attribute__((unused)) const char *
reply(int fd)
{
	static char out[4096];
	unsigned char h[8], rest[4096];
	size_t n = 0, k;

	do {
		recv_all(fd, h, sizeof(h));
		k = (size_t)(h[4] << 8 | h[5]);
		ck_assert_uint_lt(k + h[6], sizeof(rest));
		if (k + h[6] > 0)
			recv_all(fd, rest, k + h[6]);
		if (h[1] == HQ_FCGI_STDOUT) {
			ck_assert_uint_lt(n + k, sizeof(out));
			memcpy(out + n, rest, k);
			n += k;
		}
	} while (h[1] != HQ_FCGI_END);
	out[n] = '\0';
	return out;
}

static __attribute__((unused)) const char *
ask(int fd, const char *uri)
{
	char r[256];

	send_all(fd, r, request(r, uri));
	return reply(fd);
}

#endif /* FCGITEST_H */

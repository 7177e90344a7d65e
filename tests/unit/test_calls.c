/*
 * HTTP calls of our own, many at once: how each can end.
 */
#include "hqtest.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/http/calls.h"

enum { ANSWER_MAX = 1000 };

static struct hq_calls *calls;
static int listener = -1, port;
static pid_t server = -1;

static struct end {
	int n;
	enum hq_calls_end end;
	int status;
	size_t body_bytes;
	char body[64], sdk[64], after[64];
	void *arg;
} ends[8];
static size_t n_ends;

static void
done(void *ctx, void *arg, const struct hq_calls_reply *r)
{
	const char *sdk = hq_calls_header(r, "x-sdk");
	const char *after = hq_calls_header(r, "retry-after");
	struct end *e = &ends[n_ends++];

	ck_assert_ptr_eq(ctx, &calls);
	e->end = r->end;
	e->status = r->status;
	e->body_bytes = r->body_bytes;
	e->arg = arg;
	snprintf(e->body, sizeof(e->body), "%s", r->body);
	snprintf(e->sdk, sizeof(e->sdk), "%s", sdk == NULL ? "-" : sdk);
	snprintf(e->after, sizeof(e->after), "%s", after == NULL ? "-" : after);
}

static void
setup(void)
{
	struct hq_calls_opts o = { .env = hq_env_system(),
		.done = done,
		.ctx = &calls,
		.connections = 4 };
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);

	arena_open();
	n_ends = 0;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	port = ntohs(a.sin_port);
	ck_hq_ok(hq_calls_new(&o, &calls, &err));
}

static void
teardown(void)
{
	hq_calls_free(calls);
	if (listener >= 0)
		close(listener);
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		server = -1;
	}
	arena_close();
}

/* Read a request to the end of its body "{}". */
static void
take_request(int fd, char *p, size_t cap)
{
	size_t n = 0;
	ssize_t got;

	while (n < cap - 1 && (got = read(fd, p + n, cap - 1 - n)) > 0) {
		n += (size_t)got;
		p[n] = '\0';
		if (strstr(p, "\r\n\r\n{}") != NULL)
			return;
	}
	_exit(1);
}

/* A server that answers `times` requests on one connection, then closes it. */
static void
serve(const char *answer, int times)
{
	char request[8192];
	int fd, i;

	server = fork();
	if (server != 0)
		return;
	fd = accept(listener, NULL, NULL);
	for (i = 0; i < times; i++) {
		take_request(fd, request, sizeof(request));
		if (write(fd, answer, strlen(answer)) < 0)
			_exit(1);
	}
	close(fd);
	pause();
	_exit(0);
}

static struct hq_calls_one *
post(int64_t timeout_ms, void *arg)
{
	static const char *const headers[] = { "x-one: 1", NULL };
	struct hq_calls_post p = { .url = hq_arena_printf(arena,
				       "http://127.0.0.1:%d/a?b=c", port),
		.headers = headers,
		.body = "{}",
		.body_bytes = 2,
		.timeout_ms = timeout_ms,
		.answer_max = ANSWER_MAX,
		.arg = arg };
	struct hq_calls_one *one;

	ck_hq_ok(hq_calls_post(calls, &p, &one, &err));
	return one;
}

static void
wait_for(size_t n)
{
	const struct hq_env *env = hq_env_system();
	int64_t until = hq_mono_ms(env) + PATIENCE_MS, ms;
	struct pollfd p = { .fd = hq_calls_fd(calls), .events = POLLIN };

	while (n_ends < n) {
		ck_assert_int_lt(hq_mono_ms(env), until);
		ms = hq_calls_next_ms(calls) - hq_mono_ms(env);
		poll(&p, 1, ms < 0 ? 0 : ms > 1000 ? 1000 : (int)ms);
		hq_calls_step(calls);
	}
	ck_assert_uint_eq(n_ends, n);
}

START_TEST(an_answer_comes_with_its_status_its_headers_and_its_body)
{
	int mark;

	serve("HTTP/1.1 100 Continue\r\nX-Sdk: early\r\n\r\n"
	      "HTTP/1.1 206 Partial Content\r\nX-SDK:  late \r\n"
	      "Retry-After: 7\r\nContent-Length: 4\r\n\r\n[\"a]",
	    1);
	post(PATIENCE_MS, &mark);
	wait_for(1);
	ck_assert_int_eq(ends[0].end, HQ_CALLS_ANSWERED);
	ck_assert_int_eq(ends[0].status, 206);
	ck_assert_str_eq(ends[0].body, "[\"a]");
	ck_assert_str_eq(ends[0].sdk, "late ");
	ck_assert_str_eq(ends[0].after, "7");
	ck_assert_ptr_eq(ends[0].arg, &mark);
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_is_not_followed)
{
	serve("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
	      "Content-Length: 0\r\n\r\n",
	    1);
	post(PATIENCE_MS, NULL);
	wait_for(1);
	ck_assert_int_eq(ends[0].end, HQ_CALLS_ANSWERED);
	ck_assert_int_eq(ends[0].status, 302);
}
END_TEST

START_TEST(calls_one_behind_the_other_share_a_connection)
{
	/* The server accepts once. */
	serve("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7", 3);
	post(PATIENCE_MS, NULL);
	wait_for(1);
	post(PATIENCE_MS, NULL);
	wait_for(2);
	post(PATIENCE_MS, NULL);
	wait_for(3);
	ck_assert_int_eq(ends[2].status, 200);
}
END_TEST

START_TEST(an_answer_that_is_too_large_is_cut)
{
	char text[4096];

	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n%03000d", 0);
	serve(text, 1);
	post(PATIENCE_MS, NULL);
	wait_for(1);
	ck_assert_int_eq(ends[0].end, HQ_CALLS_ANSWERED);
	ck_assert_uint_eq(ends[0].body_bytes, ANSWER_MAX + 1);
}
END_TEST

START_TEST(a_call_that_nobody_takes_is_refused)
{
	close(listener);
	listener = -1;
	post(PATIENCE_MS, NULL);
	wait_for(1);
	ck_assert_int_eq(ends[0].end, HQ_CALLS_REFUSED);
}
END_TEST

static const char *const broken[] = {
	"",
	"HTTP/1.1 206 Part",
	"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n[",
	"HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
};

START_TEST(a_call_whose_answer_breaks_off_has_died)
{
	serve(broken[_i], 1);
	post(PATIENCE_MS, NULL);
	wait_for(1);
	ck_assert_int_eq(ends[0].end, HQ_CALLS_DIED);
}
END_TEST

START_TEST(a_call_without_an_answer_is_late)
{
	post(100, NULL); /* the kernel accepts for the listener */
	wait_for(1);
	ck_assert_int_eq(ends[0].end, HQ_CALLS_LATE);
}
END_TEST

START_TEST(a_call_that_was_dropped_does_not_end)
{
	int second;

	hq_calls_drop(calls, post(100, NULL));
	post(200, &second);
	wait_for(1);
	ck_assert_ptr_eq(ends[0].arg, &second);
}
END_TEST

START_TEST(what_is_not_http_cannot_be_called)
{
	static const char *const none[] = { NULL };
	struct hq_calls_post p = { .url = "file:///etc/passwd",
		.headers = none,
		.body = "{}",
		.body_bytes = 2,
		.timeout_ms = 1000,
		.answer_max = ANSWER_MAX };
	struct hq_calls_one *one;

	ck_hq_ok(hq_calls_post(calls, &p, &one, &err));
	wait_for(1);
	ck_assert_int_ne(ends[0].end, HQ_CALLS_ANSWERED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("calls");
	TCase *tc = tcase_create("how a call ends");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
	    an_answer_comes_with_its_status_its_headers_and_its_body);
	tcase_add_test(tc, a_redirect_is_an_answer_and_is_not_followed);
	tcase_add_test(tc, calls_one_behind_the_other_share_a_connection);
	tcase_add_test(tc, an_answer_that_is_too_large_is_cut);
	tcase_add_test(tc, a_call_that_nobody_takes_is_refused);
	tcase_add_loop_test(tc, a_call_whose_answer_breaks_off_has_died, 0,
	    sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(tc, a_call_without_an_answer_is_late);
	tcase_add_test(tc, a_call_that_was_dropped_does_not_end);
	tcase_add_test(tc, what_is_not_http_cannot_be_called);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

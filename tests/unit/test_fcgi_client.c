/*
 * The server and the client of lib/proto/http against each other: a forked
 * hq_serve() on a unix socket, called through hq_fcgi_call and by hand.
 */
#include "fcgitest.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { SOON_MS = 60, MANY = 40 };

static bool held; /* the worker, by somebody */

static void
handle(void *app, const struct hq_http_req *req, struct hq_http_res *res)
{
	char c = 'x';

	(void)app;
	if (strcmp(req->path, "/hold") == 0) {
		ck_assert_int_eq(write(started[1], &c, 1), 1);
		ck_assert_int_eq(read(go[0], &c, 1), 1);
		held = true;
	}
	if (strcmp(req->path, "/pid") == 0) {
		hq_http_res_text(res, 200, "text/plain",
		    hq_arena_printf(req->arena, "%d", (int)getpid()));
		return;
	}
	/* Says who he is, each time that he is asked. */
	if (strncmp(req->path, "/herd/", 6) == 0 && !req->last) {
		ck_assert_int_eq(write(started[1], req->path + 6, 1), 1);
		res->park_ms = PATIENCE_MS;
		res->park_key = "herd";
		return;
	}
	/* Says when it is asked to end. */
	if (strcmp(req->path, "/stay") == 0) {
		if (!req->last) {
			res->park_ms = PATIENCE_MS;
			return;
		}
		ck_assert_int_eq(write(started[1], "l", 1), 1);
		ck_assert_int_eq(read(go[0], &c, 1), 1);
	}
	if (strncmp(req->path, "/say/", 5) == 0)
		ck_assert_int_eq(write(started[1], req->path + 5, 1), 1);
	if (strcmp(req->path, "/wait") == 0 && !req->last) {
		res->park_ms = PATIENCE_MS;
		return;
	}
	if (strcmp(req->path, "/soon") == 0 &&
	    hq_mono_ms(hq_env_system()) - req->arrived_ms < SOON_MS) {
		res->park_ms = SOON_MS;
		return;
	}
	/* Their time is over again and again, and for good after a hold. */
	if (strcmp(req->path, "/due") == 0) {
		if (!held) {
			res->park_ms = 1;
			return;
		}
		ck_assert_int_eq(write(started[1], "d", 1), 1);
		ck_assert_int_eq(read(go[0], &c, 1), 1);
	}
	res->status = 201;
	hq_http_res_header(res, "Content-Type", "x/y");
	res->body = req->body;
	res->body_bytes = req->body_bytes;
}

static int
pid_on(int fd)
{
	const char *body = strstr(ask(fd, "/pid"), "\r\n\r\n");

	ck_assert_ptr_nonnull(body);
	return atoi(body + 4);
}

START_TEST(a_call_brings_back_status_headers_and_body)
{
	static char big[BIG];
	struct hq_fcgi_call *c;
	const char *body;
	size_t n, i;

	for (i = 0; i < BIG; i++)
		big[i] = (char)(i * 7);
	serve(1, 4, 0);
	c = call_start("/echo", big, BIG);
	ck_hq_ok(call_wait(c));
	ck_assert_int_eq(hq_fcgi_call_status(c), 201);
	ck_assert_str_eq(hq_fcgi_call_header(c, "content-type"), "x/y");
	ck_assert_ptr_null(hq_fcgi_call_header(c, "x-none"));
	body = hq_fcgi_call_body(c, &n);
	ck_assert_uint_eq(n, BIG);
	ck_assert_mem_eq(body, big, BIG);
	hq_fcgi_call_free(c);
}
END_TEST

START_TEST(long_parameters_arrive)
{
	char *uri = hq_arena_printf(arena, "/pid?%0100000d", 1);

	serve(1, 4, 0);
	for (int i = 0; i < 2; i++) {
		struct hq_fcgi_call *c = call_start(uri, "", 0);

		ck_hq_ok(call_wait(c));
		ck_assert_int_eq(hq_fcgi_call_status(c), 200);
		hq_fcgi_call_free(c);
	}
}
END_TEST

START_TEST(a_body_over_the_limit_gets_413)
{
	size_t n = (1 << 20) + 1;
	char *big = hq_arena_alloc(arena, n, 1);
	struct hq_fcgi_call *c;

	serve(1, 4, 0);
	c = call_start("/echo", big, n);
	ck_hq_ok(call_wait(c));
	ck_assert_int_eq(hq_fcgi_call_status(c), 413);
	hq_fcgi_call_free(c);
}
END_TEST

START_TEST(nobody_listening_is_service_unavailable)
{
	const struct hq_fcgi_param p[] = { { NULL, NULL } };
	struct hq_fcgi_call *c;

	ck_assert_int_eq(hq_fcgi_call_new(path, p, "", 0, &c, &err),
	    HQ_E_SERVICE_UNAVAILABLE);
}
END_TEST

static const struct {
	const char *bytes;
	size_t n;
} answers[] = {
	{ "", 0 },
	{ "\1\6\0\1\0\4\0\0abc", 11 },
	{ "HTTP/1.1 400 Bad Request\r\n\r\n", 28 },
	{ "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0", 16 }, /* no STDOUT */
	{ "\1\3\0\1\0\10\0\0\0\0\0\0\2\0\0\0", 16 }, /* overloaded */
	{ "\1\6\0\1\0\3\0\0abc\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0", 27 },
};

START_TEST(a_peer_that_does_not_answer_is_a_bad_gateway)
{
	int fd = listen_on(path), peer;
	struct hq_fcgi_call *c = call_start("/", "", 0);

	peer = accept(fd, NULL, NULL);
	send_all(peer, answers[_i].bytes, answers[_i].n);
	(void)close(peer);
	ck_assert_int_eq(call_wait(c), HQ_E_BAD_GATEWAY);
	hq_fcgi_call_free(c);
	(void)close(fd);
}
END_TEST

START_TEST(an_unfinished_call_can_be_freed)
{
	int fd = listen_on(path);

	hq_fcgi_call_free(call_start("/", "", 0));
	hq_fcgi_call_free(NULL);
	(void)close(fd);
}
END_TEST

START_TEST(a_connection_is_kept_when_its_peer_asks)
{
	int fd, i;

	serve(1, 4, 0);
	fd = dial();
	for (i = 0; i < 5; i++)
		ck_assert_ptr_nonnull(strstr(ask(fd, "/"), "Status: 201 "));
	(void)close(fd);
}
END_TEST

START_TEST(a_worker_with_one_slot_keeps_no_connection)
{
	char c;
	int fd;

	serve(1, 1, 0);
	fd = dial();
	(void)ask(fd, "/");
	ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
	(void)close(fd);
}
END_TEST

START_TEST(half_a_request_does_not_hold_up_others)
{
	char r[256];
	size_t n = request(r, "/late"), i;
	int fd;

	serve(1, 4, 0);
	fd = dial();
	for (i = 0; i + 1 < n; i++) {
		send_all(fd, r + i, 1);
		ck_assert_int_gt(pid_of_worker(), 0);
	}
	send_all(fd, r + n - 1, 1);
	ck_assert_ptr_nonnull(strstr(reply(fd), "Status: 201 "));
	(void)close(fd);
}
END_TEST

START_TEST(idle_connections_do_not_keep_out_new_ones)
{
	int fds[3], i;

	serve(1, 2, 0);
	for (i = 0; i < 3; i++) {
		fds[i] = dial();
		ck_assert_ptr_nonnull(strstr(ask(fds[i], "/"), "Status: 201 "));
	}
	for (i = 0; i < 3; i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(a_worker_that_dies_is_replaced)
{
	int pid;

	serve(1, 4, 0);
	pid = pid_of_worker();
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_ne(pid_of_worker(), pid);
}
END_TEST

START_TEST(sigterm_answers_the_request_in_hand)
{
	struct hq_fcgi_call *c;
	char x;
	int idle, n;

	serve(1, 4, 0);
	idle = dial();
	(void)ask(idle, "/");
	c = call_start("/hold", "abc", 3);
	ck_assert_int_eq(read(started[0], &x, 1), 1);
	ck_assert_int_eq(kill(master, SIGTERM), 0);
	ck_assert_int_eq(write(go[1], &x, 1), 1);
	ck_hq_ok(call_wait(c));
	ck_assert_int_eq(hq_fcgi_call_status(c), 201);
	hq_fcgi_call_free(c);
	n = (int)recv(idle, &x, 1, 0);
	ck_assert_int_eq(n, 0);
	(void)close(idle);
	ck_assert_int_eq(exit_of(master), 0);
	master = 0;
}
END_TEST

START_TEST(sigterm_answers_what_was_sent_before_it)
{
	struct hq_fcgi_call *c;
	char r[256], x;
	int fd;

	serve(1, 4, 0);
	fd = dial();
	(void)ask(fd, "/");
	c = call_start("/hold", "", 0);
	ck_assert_int_eq(read(started[0], &x, 1), 1);
	send_all(fd, r, request(r, "/"));
	ck_assert_int_eq(kill(master, SIGTERM), 0);
	ck_assert_int_eq(write(go[1], &x, 1), 1);
	ck_assert_ptr_nonnull(strstr(reply(fd), "Status: 201 "));
	ck_hq_ok(call_wait(c));
	hq_fcgi_call_free(c);
	(void)close(fd);
}
END_TEST

START_TEST(sighup_replaces_workers_under_an_open_connection)
{
	int fd, pid;

	serve(2, 4, 0);
	fd = dial();
	pid = pid_on(fd);
	ck_assert_int_eq(kill(master, SIGHUP), 0);
	while (pid_on(fd) == pid)
		continue;
	(void)close(fd);
}
END_TEST

START_TEST(a_worker_is_recycled_under_an_open_connection)
{
	int fd, pid, i, changes = 0, last = 0;

	serve(1, 4, 3);
	fd = dial();
	for (i = 0; i < 12; i++) {
		pid = pid_on(fd);
		changes += last != 0 && pid != last;
		last = pid;
	}
	ck_assert_int_eq(changes, 3);
	(void)close(fd);
}
END_TEST

static int
send_to(const char *uri)
{
	char r[256];
	int fd = dial();

	send_all(fd, r, request(r, uri));
	return fd;
}

static int
send_wait(void)
{
	return send_to("/wait");
}

START_TEST(requests_that_wait_do_not_hold_up_others)
{
	int fds[3], i, pid;

	serve(1, 8, 0);
	for (i = 0; i < 3; i++)
		fds[i] = send_wait();
	pid = pid_of_worker();
	ck_assert_int_eq(pid_of_worker(), pid);
	ck_assert_int_eq(kill(master, SIGTERM), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(strstr(reply(fds[i]), "Status: 201 "));
		(void)close(fds[i]);
	}
	ck_assert_int_eq(exit_of(master), 0);
	master = 0;
}
END_TEST

static bool
always(void *app)
{
	(void)app;
	return true;
}

/* Who is asked next. */
static char
asked(void)
{
	struct pollfd p = { .fd = started[0], .events = POLLIN };
	char c;

	ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "nobody was asked");
	ck_assert_int_eq(read(started[0], &c, 1), 1);
	return c;
}

/* Whoever is asked, until it is `who`, is the oldest, a. */
static void
only_a_until(char who)
{
	int64_t end_ms = hq_mono_ms(hq_env_system()) + PATIENCE_MS;
	char c;

	while ((c = asked()) != who) {
		ck_assert_msg(c == 'a', "%c was asked", c);
		ck_assert_msg(hq_mono_ms(hq_env_system()) < end_ms,
		    "%c was never asked", who);
	}
}

START_TEST(of_those_that_wait_for_the_same_only_the_oldest_is_asked)
{
	struct hq_serve_opts o = opts_of(1, 16);
	int fds[8], i;
	char c, r[256], uri[] = "/herd/?";

	o.changed = always;
	master = serve_on(listen_on(path), &o);
	for (i = 0; i < 8; i++) {
		uri[6] = (char)('a' + i);
		fds[i] = dial();
		send_all(fds[i], r, request(r, uri));
		only_a_until(uri[6]);
	}
	for (i = 0; i < 20; i++)
		only_a_until('a');
	(void)close(fds[0]); /* then it is the next one's turn */
	for (i = 0; i < 20;) {
		c = asked();
		ck_assert_msg(c == 'b' || (c == 'a' && i == 0), "%c was asked",
		    c);
		i += c == 'b';
	}
	for (i = 1; i < 8; i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(a_request_that_waits_is_answered_when_it_is_time)
{
	int fd, i;

	serve(1, 4, 0);
	fd = dial();
	for (i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(strstr(ask(fd, "/soon"), "Status: 201 "));
	(void)close(fd);
}
END_TEST

/* How many are asked before somebody else; each goes on when he is let. */
static int
dues(void)
{
	int n;

	for (n = 0; asked() == 'd'; n++)
		ck_assert_int_eq(write(go[1], "x", 1), 1);
	return n;
}

START_TEST(others_come_between_those_whose_time_is_over)
{
	int fds[MANY], i, hold, said, n;

	serve(1, 2 * MANY, 0);
	for (i = 0; i < MANY; i++)
		fds[i] = send_to("/due");
	hold = send_to("/hold");
	ck_assert_int_eq(asked(), 'x'); /* so all of them wait */
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	ck_assert_int_eq(asked(), 'd');
	said = send_to("/say/s");
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	n = 1 + dues();
	ck_assert_int_lt(n, MANY);
	ck_assert_ptr_nonnull(strstr(reply(said), "Status: 201 "));
	for (; n < MANY; n++)
		ck_assert_int_eq(write(go[1], "x", 1), 1);
	for (i = 0; i < MANY; i++) {
		ck_assert_ptr_nonnull(strstr(reply(fds[i]), "Status: 201 "));
		(void)close(fds[i]);
	}
	(void)close(said);
	(void)close(hold);
}
END_TEST

START_TEST(a_request_that_waits_keeps_its_body)
{
	struct hq_fcgi_call *c;
	size_t n;

	serve(1, 4, 0);
	c = call_start("/soon", "abcdef", 6);
	ck_hq_ok(call_wait(c));
	ck_assert_mem_eq(hq_fcgi_call_body(c, &n), "abcdef", 6);
	ck_assert_uint_eq(n, 6);
	hq_fcgi_call_free(c);
}
END_TEST

START_TEST(one_wait_too_many_is_answered_at_once)
{
	int fds[4], i;

	serve(1, 4, 0); /* 3 of 4 slots may wait */
	for (i = 0; i < 3; i++) {
		fds[i] = send_wait();
		(void)pid_of_worker();
	}
	fds[3] = send_wait();
	ck_assert_ptr_nonnull(strstr(reply(fds[3]), "Status: 201 "));
	for (i = 0; i < 4; i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(who_goes_away_does_not_wait_any_more)
{
	char c;
	int fd, i;

	serve(1, 4, 0);
	for (i = 0; i < 20; i++) {
		fd = send_wait();
		ck_assert_int_gt(pid_of_worker(), 0);
		(void)close(fd);
	}
	(void)pid_of_worker();
	fd = send_wait(); /* there is room: it is not answered */
	(void)pid_of_worker();
	(void)pid_of_worker();
	ck_assert_int_eq(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	(void)close(fd);
}
END_TEST

START_TEST(sighup_answers_who_waits)
{
	int fd;

	serve(1, 4, 0);
	fd = send_wait();
	(void)pid_of_worker();
	ck_assert_int_eq(kill(master, SIGHUP), 0);
	ck_assert_ptr_nonnull(strstr(reply(fd), "Status: 201 "));
	ck_assert_ptr_nonnull(strstr(ask(fd, "/"), "Status: 201 "));
	(void)close(fd);
}
END_TEST

START_TEST(a_worker_that_leaves_hands_over_before_it_answers_who_waits)
{
	int fd, waits, pid;
	char r[256];
	struct pollfd p;

	serve(1, 4, 0);
	fd = dial();
	pid = pid_on(fd);
	waits = send_to("/stay");
	ck_assert_int_eq(pid_on(fd), pid);
	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	ck_assert_int_eq(asked(), 'l'); /* and now it is busy */
	send_all(fd, r, request(r, "/"));
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "nobody has it");
	ck_assert_ptr_nonnull(strstr(reply(fd), "Status: 201 "));
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	ck_assert_ptr_nonnull(strstr(reply(waits), "Status: 201 "));
	ck_assert_int_ne(pid_on(waits), pid);
	(void)close(waits);
	(void)close(fd);
}
END_TEST

START_TEST(a_server_that_cannot_start_says_so)
{
	struct hq_serve_opts o = opts_of(2, 4);

	o.ctx = &o;
	ck_assert_int_eq(exit_of(serve_on(listen_on(path), &o)), 1);
}
END_TEST

START_TEST(a_network_socket_is_refused)
{
	const struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct hq_serve_opts o = opts_of(1, 4);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	ck_assert_int_eq(exit_of(serve_on(fd, &o)), 1);
}
END_TEST

static void
add_client_tests(TCase *t)
{
	tcase_add_test(t, a_call_brings_back_status_headers_and_body);
	tcase_add_test(t, long_parameters_arrive);
	tcase_add_test(t, a_body_over_the_limit_gets_413);
	tcase_add_test(t, nobody_listening_is_service_unavailable);
	tcase_add_loop_test(t, a_peer_that_does_not_answer_is_a_bad_gateway, 0,
	    (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(t, an_unfinished_call_can_be_freed);
}

static void
add_server_tests(TCase *t)
{
	tcase_add_test(t, a_connection_is_kept_when_its_peer_asks);
	tcase_add_test(t, a_worker_with_one_slot_keeps_no_connection);
	tcase_add_test(t, half_a_request_does_not_hold_up_others);
	tcase_add_test(t, idle_connections_do_not_keep_out_new_ones);
	tcase_add_test(t, a_worker_that_dies_is_replaced);
	tcase_add_test(t, sigterm_answers_the_request_in_hand);
	tcase_add_test(t, sigterm_answers_what_was_sent_before_it);
	tcase_add_test(t, sighup_replaces_workers_under_an_open_connection);
	tcase_add_test(t, a_worker_is_recycled_under_an_open_connection);
	tcase_add_test(t, requests_that_wait_do_not_hold_up_others);
	tcase_add_test(t,
	    of_those_that_wait_for_the_same_only_the_oldest_is_asked);
	tcase_add_test(t, a_request_that_waits_is_answered_when_it_is_time);
	tcase_add_test(t, others_come_between_those_whose_time_is_over);
	tcase_add_test(t, a_request_that_waits_keeps_its_body);
	tcase_add_test(t, one_wait_too_many_is_answered_at_once);
	tcase_add_test(t, who_goes_away_does_not_wait_any_more);
	tcase_add_test(t, sighup_answers_who_waits);
	tcase_add_test(t,
	    a_worker_that_leaves_hands_over_before_it_answers_who_waits);
	tcase_add_test(t, a_server_that_cannot_start_says_so);
	tcase_add_test(t, a_network_socket_is_refused);
}

int
main(void)
{
	Suite *s = suite_create("fcgi_client");
	TCase *t = tcase_create("fcgi_client");

	tcase_add_checked_fixture(t, setup, teardown);
	add_client_tests(t);
	add_server_tests(t);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * Requests that talk to their peer while they are in hand: the server's side
 * with a real client, and the client's with bytes of ours.
 */
#include "fcgitest.h"

enum { TALKS = 3, LARGE_BYTES = 300000 };

/* Tell the test, which waits for it. */
static void
note(char c)
{
	ck_assert_int_eq(write(started[1], &c, 1), 1);
}

static void
hold(void)
{
	char c;

	note('x');
	ck_assert_int_eq(read(go[0], &c, 1), 1);
}

static void
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

static void
serve_talks(int workers, int slots)
{
	struct hq_serve_opts o = opts_of(workers, slots);

	o.talks = true;
	master = serve_on(listen_on(path), &o);
}

/* What the handler noted next. */
static char
noted(void)
{
	struct pollfd p = { .fd = started[0], .events = POLLIN };
	char c;

	ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "nothing was noted");
	ck_assert_int_eq(read(started[0], &c, 1), 1);
	return c;
}

static void
let_go(void)
{
	ck_assert_int_eq(write(go[1], "x", 1), 1);
}

/* HQ_SUSPEND: the host has said something.  Else the call has ended. */
static enum hq_rc
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

static void
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
static struct hq_fcgi_call *
talk(void)
{
	struct hq_fcgi_call *c = call_start("/talk", "", 0);

	await_told(c);
	return c;
}

/* Gives it the word until it has ended; its worker. */
static int
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

START_TEST(requests_that_wait_for_their_peer_do_not_hold_up_others)
{
	struct hq_fcgi_call *v[3];
	int i, pid;

	serve_talks(1, 4);
	for (i = 0; i < 3; i++)
		v[i] = talk();
	pid = pid_of_worker();
	for (i = 2; i >= 0; i--) {
		ck_assert_int_eq(talk_on(v[i]), pid);
		ck_assert_int_eq(pid_of_worker(), pid);
	}
}
END_TEST

START_TEST(more_than_there_is_room_for_waits_in_the_backlog)
{
	struct hq_fcgi_call *v[6];
	int i;

	serve_talks(1, 2);
	v[0] = talk();
	v[1] = talk();
	for (i = 2; i < 6; i++)
		v[i] = call_start("/talk", "", 0);
	for (i = 0; i < 6; i++)
		(void)talk_on(v[i]);
}
END_TEST

/* It is the one that was quiet for longest: it would be its turn. */
START_TEST(who_waits_for_its_peer_is_not_shown_out_for_another)
{
	struct hq_fcgi_call *waits;
	int idle;
	char c;

	serve_talks(1, 2);
	waits = talk();
	idle = dial();
	(void)pid_of_worker();
	ck_assert_int_eq(recv(idle, &c, 1, 0), 0);
	(void)talk_on(waits);
	(void)close(idle);
}
END_TEST

START_TEST(a_connection_takes_one_request)
{
	char c;
	int fd;

	serve_talks(1, 4);
	fd = dial();
	(void)ask(fd, "/pid");
	ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
	(void)close(fd);
}
END_TEST

START_TEST(a_long_word_of_the_hosts_arrives)
{
	struct hq_fcgi_call *c;
	const char *told;
	size_t n, i;

	serve_talks(1, 4);
	c = call_start("/large", "", 0);
	ck_hq_ok(call_wait(c));
	ck_assert_int_eq(noted(), 's');
	told = hq_fcgi_call_checkpoint(c, &n);
	ck_assert_uint_eq(n, LARGE_BYTES);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(told[i], 'y');
	hq_fcgi_call_free(c);
}
END_TEST

START_TEST(a_peer_that_goes_away_ends_the_wait)
{
	serve_talks(1, 4);
	hq_fcgi_call_free(talk());
	ck_assert_int_eq(noted(), 'g');
}
END_TEST

START_TEST(a_peer_that_has_gone_is_told_nothing)
{
	struct hq_fcgi_call *c;

	serve_talks(1, 4);
	c = call_start("/before", "", 0);
	ck_assert_int_eq(noted(), 'x');
	hq_fcgi_call_free(c);
	let_go();
	ck_assert_int_eq(noted(), 'n');
}
END_TEST

#define WORD "\1\10\0\1\0\0\0\0"

static const struct {
	const char *bytes;
	size_t n;
} garbage[] = {
	{ "HTTP/1.1 200 OK\r\n\r\n", 19 }, { "\2\10\0\1\0\0\0\0", 8 },
	{ "\1\5\0\1\0\0\0\0", 8 },       /* another type */
	{ "\1\10\0\1\0\1\0\0", 8 },      /* not empty */
	{ "\1\10\0\1\1\0\0\0", 8 },      /* the same */
	{ "\1\10\0\1\0\0\1\0", 8 },      /* padded */
	{ WORD "\1", 9 },                /* more than the word */
	{ WORD WORD, 16 },               /* the same */
	{ "\1\2\0\1\0\0\0\0" WORD, 16 }, /* aborted before */
};

/* By hand: a request that waits for our word. */
static int
talk_by_hand(const char *uri)
{
	unsigned char said[8 + 4 + 8];
	char r[256];
	int fd = dial();

	send_all(fd, r, request(r, uri));
	recv_all(fd, said, sizeof(said));
	ck_assert_mem_eq(said, "\1\10\0\1\0\4\0\0told" WORD, sizeof(said));
	return fd;
}

START_TEST(what_is_not_the_word_ends_the_wait)
{
	int fd;

	serve_talks(1, 4);
	fd = talk_by_hand("/talk");
	send_all(fd, garbage[_i].bytes, garbage[_i].n);
	ck_assert_int_eq(noted(), 'g');
	(void)pid_of_worker();
	(void)close(fd);
}
END_TEST

START_TEST(half_of_the_word_is_waited_for)
{
	int fd, i;

	serve_talks(1, 4);
	fd = talk_by_hand("/talk");
	for (i = 0; i < 7; i++) {
		send_all(fd, &WORD[i], 1);
		(void)pid_of_worker();
	}
	send_all(fd, &WORD[7], 1);
	ck_assert_int_eq(noted(), 'h');
	(void)close(fd);
}
END_TEST

START_TEST(a_word_that_was_there_before_it_was_listened_to_is_heard)
{
	int fd;

	serve_talks(1, 4);
	fd = talk_by_hand("/between");
	ck_assert_int_eq(noted(), 'x');
	send_all(fd, WORD, 8);
	let_go();
	ck_assert_int_eq(noted(), 'h');
	(void)close(fd);
	let_go();
}
END_TEST

START_TEST(a_word_is_not_heard_when_its_speaker_has_gone_before)
{
	int fd;

	serve_talks(1, 4);
	fd = talk_by_hand("/between");
	ck_assert_int_eq(noted(), 'x');
	send_all(fd, WORD, 8);
	(void)close(fd);
	let_go();
	ck_assert_int_eq(noted(), 'g');
}
END_TEST

/* Its worker was busy with a neighbour, for so long that it was taken back. */
START_TEST(a_word_is_not_heard_when_its_speaker_has_gone_meanwhile)
{
	struct hq_fcgi_call *neighbour;
	int fd;

	serve_talks(1, 4);
	fd = talk_by_hand("/talk");
	neighbour = call_start("/hold", "", 0);
	ck_assert_int_eq(noted(), 'x');
	send_all(fd, WORD, 8);
	(void)close(fd);
	let_go();
	ck_assert_int_eq(noted(), 'g');
	ck_hq_ok(call_wait(neighbour));
	hq_fcgi_call_free(neighbour);
}
END_TEST

/* It takes HQ_TALK_WAIT_MS.  A reply would be taken for the function's. */
START_TEST(a_wait_that_was_given_up_is_not_answered)
{
	struct hq_fcgi_call *c;

	serve_talks(1, 4);
	c = talk();
	ck_assert_int_eq(noted(), 'g');
	ck_assert_int_eq(call_wait(c), HQ_E_BAD_GATEWAY);
	await_told(c); /* it was told before, and may be recorded yet */
	hq_fcgi_call_free(c);
}
END_TEST

START_TEST(a_peer_that_does_not_speak_is_given_up_alone)
{
	int silent, pid;

	serve_talks(1, 4);
	silent = talk_by_hand("/talk");
	pid = talk_on(talk());
	ck_assert_int_eq(noted(), 'g');
	ck_assert_int_eq(talk_on(talk()), pid);
	(void)close(silent);
}
END_TEST

/* ----------------------------------------------------------- workers end -- */

START_TEST(sigterm_waits_for_who_waits_and_lets_it_say_no_more)
{
	struct hq_fcgi_call *waits;
	char c;
	int idle;

	serve_talks(1, 4);
	idle = dial();
	(void)pid_of_worker();
	waits = talk();
	ck_assert_int_eq(kill(master, SIGTERM), 0);
	ck_assert_int_eq(recv(idle, &c, 1, 0), 0); /* it has heard it */
	hq_fcgi_call_go_on(waits);
	ck_assert_int_eq(noted(), 'h');
	ck_hq_ok(call_wait(waits));
	ck_assert_int_eq(noted(), '1');
	ck_assert_int_eq(hq_fcgi_call_status(waits), 200);
	ck_assert_int_eq(exit_of(master), 0);
	master = 0;
	hq_fcgi_call_free(waits);
	(void)close(idle);
}
END_TEST

START_TEST(sigterm_does_not_wait_for_who_has_gone)
{
	struct hq_fcgi_call *waits;

	serve_talks(2, 4);
	waits = talk();
	ck_assert_int_eq(kill(master, SIGTERM), 0);
	hq_fcgi_call_free(waits);
	ck_assert_int_eq(noted(), 'g');
	ck_assert_int_eq(exit_of(master), 0);
	master = 0;
}
END_TEST

START_TEST(sighup_lets_who_waits_end_on_the_worker_that_has_it)
{
	struct hq_fcgi_call *waits;
	enum hq_rc rc;
	int pid;
	size_t n;

	serve_talks(1, 4);
	pid = pid_of_worker();
	waits = talk();
	ck_assert_int_eq(kill(master, SIGHUP), 0);
	while (pid_of_worker() == pid)
		continue;
	do { /* it may not have heard yet that it is to end soon */
		hq_fcgi_call_go_on(waits);
		ck_assert_int_eq(noted(), 'h');
		rc = told_or_ended(waits);
	} while (rc == HQ_SUSPEND);
	ck_assert_int_eq(rc, HQ_OK);
	ck_assert_int_eq(hq_fcgi_call_status(waits), 200);
	ck_assert_int_eq(atoi(hq_fcgi_call_body(waits, &n)), pid);
	hq_fcgi_call_free(waits);
}
END_TEST

START_TEST(a_worker_that_is_to_be_replaced_keeps_who_waits)
{
	struct hq_serve_opts o = opts_of(1, 4);
	struct hq_fcgi_call *waits;
	int pid;

	o.talks = true;
	o.recycle = 2;
	master = serve_on(listen_on(path), &o);
	pid = pid_of_worker();
	waits = talk();
	ck_assert_int_eq(pid_of_worker(), pid); /* its last */
	hq_fcgi_call_go_on(waits);
	ck_assert_int_eq(noted(), 'h');
	ck_hq_ok(call_wait(waits));
	ck_assert_int_eq(hq_fcgi_call_status(waits), 200);
	ck_assert_int_eq(noted(), '1');
	ck_assert_int_ne(pid_of_worker(), pid);
	hq_fcgi_call_free(waits);
}
END_TEST

START_TEST(a_worker_that_dies_ends_the_calls_of_all_who_wait_in_it)
{
	struct hq_fcgi_call *v[3];
	int i, pid;

	serve_talks(1, 4);
	for (i = 0; i < 3; i++)
		v[i] = talk();
	pid = pid_of_worker();
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(call_wait(v[i]), HQ_E_BAD_GATEWAY);
		hq_fcgi_call_free(v[i]);
	}
	ck_assert_int_ne(pid_of_worker(), pid);
}
END_TEST

/* ------------------------------------------------------------ the client -- */

#define DATA(n, text) "\1\10\0\1\0" n "\0\0" text
#define OK_REPLY \
	"\1\6\0\1\0\17\0\0Status: 204\r\n\r\n" \
	"\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"

/* Bytes of a host, and what a client makes of them before it says anything. */
static const struct {
	const char *bytes;
	size_t n;
	enum hq_rc rc;
	const char *told; /* or NULL: nothing */
} hosts[] = {
#define HOST(b) b, sizeof(b) - 1
	{ HOST(WORD OK_REPLY), HQ_OK, "" },
	{ HOST(DATA("\3", "abc") WORD OK_REPLY), HQ_OK, "abc" },
	{ HOST(DATA("\3", "abc") DATA("\2", "de") WORD OK_REPLY), HQ_OK,
	    "abcde" },
	{ HOST(DATA("\3", "abc") WORD), HQ_E_BAD_GATEWAY, "abc" },
	{ HOST(DATA("\3", "abc") OK_REPLY), HQ_OK, NULL },
	{ HOST(DATA("\3", "abc")), HQ_E_BAD_GATEWAY, NULL },
	{ HOST(DATA("\3", "ab")), HQ_E_BAD_GATEWAY, NULL },
	{ HOST(OK_REPLY), HQ_OK, NULL },
	/* Two, and nobody has said that it may go on. */
	{ HOST(WORD WORD OK_REPLY), HQ_E_BAD_GATEWAY, "" },
	{ HOST(DATA("\1", "a") WORD DATA("\1", "b") WORD OK_REPLY),
	    HQ_E_BAD_GATEWAY, "a" },
	{ HOST(DATA("\1", "a") WORD DATA("\1", "b")), HQ_E_BAD_GATEWAY, "a" },
};

START_TEST(a_client_takes_one_word_of_the_hosts_at_a_time)
{
	int fd = listen_on(path), peer;
	struct hq_fcgi_call *c = call_start("/", "", 0);
	const char *told;
	size_t n;

	peer = accept(fd, NULL, NULL);
	send_all(peer, hosts[_i].bytes, hosts[_i].n);
	ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	ck_assert_int_eq(call_wait(c), hosts[_i].rc);
	told = hq_fcgi_call_checkpoint(c, &n);
	if (hosts[_i].told == NULL) {
		ck_assert_ptr_null(told);
	} else {
		ck_assert_ptr_nonnull(told);
		ck_assert_uint_eq(n, strlen(hosts[_i].told));
		ck_assert_mem_eq(told, hosts[_i].told, n);
	}
	hq_fcgi_call_free(c);
	(void)close(peer);
	(void)close(fd);
}
END_TEST

START_TEST(a_client_that_says_go_on_sends_one_empty_record)
{
	int fd = listen_on(path), peer, i;
	struct hq_fcgi_call *c = call_start("/", "", 0);
	char asked[512], word[8];
	size_t n;

	peer = accept(fd, NULL, NULL);
	ck_assert_int_eq(hq_fcgi_call_step(c, &err), HQ_SUSPEND);
	ck_assert_int_gt(recv(peer, asked, sizeof(asked), 0), 0);
	for (i = 0; i < 3; i++) {
		send_all(peer, DATA("\4", "told") WORD, 20);
		await_told(c);
		hq_fcgi_call_go_on(c);
		ck_assert_ptr_null(hq_fcgi_call_checkpoint(c, &n));
		recv_all(peer, word, sizeof(word));
		ck_assert_mem_eq(word, WORD, 8);
		ck_assert_int_eq(recv(peer, word, 1, MSG_DONTWAIT), -1);
	}
	send_all(peer, OK_REPLY, sizeof(OK_REPLY) - 1);
	ck_hq_ok(call_wait(c));
	hq_fcgi_call_free(c);
	(void)close(peer);
	(void)close(fd);
}
END_TEST

/* What a host that goes has read: nothing, the request, or our word too. */
static const struct {
	bool request, word, gone_before;
	bool unread;
} goers[] = {
	{ .unread = true },
	{ .request = true },
	{ .request = true, .word = true, .unread = false },
	{ .request = true, .word = false, .unread = true },
	{ .request = true, .gone_before = true, .unread = true },
};

START_TEST(a_client_knows_whether_a_host_that_went_had_read_all)
{
	int fd = listen_on(path), peer;
	struct hq_fcgi_call *c = call_start("/", "", 0);
	bool told = _i >= 2;
	char in[512];

	peer = accept(fd, NULL, NULL);
	if (goers[_i].request)
		ck_assert_int_gt(recv(peer, in, sizeof(in), 0), 0);
	if (told) {
		send_all(peer, DATA("\4", "told") WORD, 20);
		await_told(c);
	}
	if (goers[_i].gone_before)
		(void)close(peer);
	if (told)
		hq_fcgi_call_go_on(c);
	if (goers[_i].word)
		recv_all(peer, in, 8);
	if (!goers[_i].gone_before)
		(void)close(peer);
	ck_assert_int_eq(call_wait(c), HQ_E_BAD_GATEWAY);
	ck_assert_int_eq(hq_fcgi_call_unread(c), goers[_i].unread);
	hq_fcgi_call_free(c);
	(void)close(fd);
}
END_TEST

/* ----------------------------------------------------------------- suite -- */

static void
add_waits(Suite *s)
{
	TCase *t = tcase_create("waits");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    requests_that_wait_for_their_peer_do_not_hold_up_others);
	tcase_add_test(t, more_than_there_is_room_for_waits_in_the_backlog);
	tcase_add_test(t, who_waits_for_its_peer_is_not_shown_out_for_another);
	tcase_add_test(t, a_connection_takes_one_request);
	tcase_add_test(t, a_long_word_of_the_hosts_arrives);
	tcase_add_test(t, a_peer_that_goes_away_ends_the_wait);
	tcase_add_test(t, a_peer_that_has_gone_is_told_nothing);
	tcase_add_loop_test(t, what_is_not_the_word_ends_the_wait, 0,
	    (int)(sizeof(garbage) / sizeof(garbage[0])));
	tcase_add_test(t, half_of_the_word_is_waited_for);
	tcase_add_test(t,
	    a_word_that_was_there_before_it_was_listened_to_is_heard);
	tcase_add_test(t, a_word_is_not_heard_when_its_speaker_has_gone_before);
	tcase_add_test(t,
	    a_word_is_not_heard_when_its_speaker_has_gone_meanwhile);
	tcase_add_test(t, a_wait_that_was_given_up_is_not_answered);
	tcase_add_test(t, a_peer_that_does_not_speak_is_given_up_alone);
	suite_add_tcase(s, t);
}

static void
add_ends(Suite *s)
{
	TCase *t = tcase_create("ends");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, sigterm_waits_for_who_waits_and_lets_it_say_no_more);
	tcase_add_test(t, sigterm_does_not_wait_for_who_has_gone);
	tcase_add_test(t, sighup_lets_who_waits_end_on_the_worker_that_has_it);
	tcase_add_test(t, a_worker_that_is_to_be_replaced_keeps_who_waits);
	tcase_add_test(t,
	    a_worker_that_dies_ends_the_calls_of_all_who_wait_in_it);
	suite_add_tcase(s, t);
}

static void
add_client(Suite *s)
{
	TCase *t = tcase_create("client");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_client_takes_one_word_of_the_hosts_at_a_time,
	    0, (int)(sizeof(hosts) / sizeof(hosts[0])));
	tcase_add_test(t, a_client_that_says_go_on_sends_one_empty_record);
	tcase_add_loop_test(t,
	    a_client_knows_whether_a_host_that_went_had_read_all, 0,
	    (int)(sizeof(goers) / sizeof(goers[0])));
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("fcgi_talk");

	add_waits(s);
	add_ends(s);
	add_client(s);
	return run_suite(s);
}

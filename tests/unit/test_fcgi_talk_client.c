/*
 * The client's side of a talk, with bytes of ours.
 */
#include "talktest.h"

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

int
main(void)
{
	Suite *s = suite_create("fcgi_talk_client");
	TCase *t = tcase_create("client");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_client_takes_one_word_of_the_hosts_at_a_time,
	    0, (int)(sizeof(hosts) / sizeof(hosts[0])));
	tcase_add_test(t, a_client_that_says_go_on_sends_one_empty_record);
	tcase_add_loop_test(t,
	    a_client_knows_whether_a_host_that_went_had_read_all, 0,
	    (int)(sizeof(goers) / sizeof(goers[0])));
	suite_add_tcase(s, t);
	return run_suite(s);
}

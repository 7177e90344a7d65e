/*
 * Requests that wait for a word of their peer while they are in hand: the
 * server's side, with a real client and by hand.
 */
#include "talktest.h"

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

int
main(void)
{
	Suite *s = suite_create("fcgi_talk");
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
	return run_suite(s);
}

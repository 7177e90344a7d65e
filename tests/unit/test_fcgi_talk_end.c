/*
 * Workers that are to end, or die, while requests wait in them for their peer.
 */
#include "talktest.h"

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

int
main(void)
{
	Suite *s = suite_create("fcgi_talk_end");
	TCase *t = tcase_create("ends");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, sigterm_waits_for_who_waits_and_lets_it_say_no_more);
	tcase_add_test(t, sigterm_does_not_wait_for_who_has_gone);
	tcase_add_test(t, sighup_lets_who_waits_end_on_the_worker_that_has_it);
	tcase_add_test(t, a_worker_that_is_to_be_replaced_keeps_who_waits);
	tcase_add_test(t,
	    a_worker_that_dies_ends_the_calls_of_all_who_wait_in_it);
	suite_add_tcase(s, t);
	return run_suite(s);
}

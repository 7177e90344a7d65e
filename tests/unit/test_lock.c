#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>

#include "store/lock.h"
#include "test_store_dir.h"

enum {
	WRITERS = 4,
	TURNS = 200,
	LONG_MS = 20000, /* a wait that a test never sits out */
};

static struct hq_lock *
lock_open(void)
{
	struct hq_lock *l;

	ck_hq_ok(hq_lock_open(path, &l, &err));
	return l;
}

START_TEST(a_free_lock_is_had_without_waiting)
{
	struct hq_lock *l = lock_open();
	int i;

	for (i = 0; i < 3; i++) {
		ck_hq_ok(hq_lock_take(l, 0, &err));
		ck_assert(hq_lock_held(l));
		hq_lock_release(l);
		ck_assert(!hq_lock_held(l));
	}
	hq_lock_close(l);
}
END_TEST

START_TEST(a_lock_has_one_holder)
{
	struct hq_lock *a = lock_open(), *b = lock_open();

	ck_hq_ok(hq_lock_take(a, 0, &err));
	ck_assert_int_eq(hq_lock_take(b, 0, &err), HQ_E_SERVICE_UNAVAILABLE);
	hq_lock_release(a);
	ck_hq_ok(hq_lock_take(b, 0, &err));
	ck_assert_int_eq(hq_lock_take(a, 0, &err), HQ_E_SERVICE_UNAVAILABLE);
	hq_lock_close(a);
	hq_lock_close(b);
}
END_TEST

static const int64_t waits_ms[] = { 1, 20, 60 };

START_TEST(a_wait_ends_when_its_time_is_over)
{
	struct hq_lock *a = lock_open(), *b = lock_open();

	ck_hq_ok(hq_lock_take(a, 0, &err));
	ck_assert_int_eq(hq_lock_take(b, waits_ms[_i], &err),
	    HQ_E_SERVICE_UNAVAILABLE);
	ck_assert_int_eq(hq_lock_take(b, waits_ms[_i], &err),
	    HQ_E_SERVICE_UNAVAILABLE);
	hq_lock_release(a);
	ck_hq_ok(hq_lock_take(b, waits_ms[_i], &err));
	hq_lock_close(a);
	hq_lock_close(b);
}
END_TEST

START_TEST(a_wait_ends_in_time_though_the_signal_was_blocked)
{
	struct hq_lock *a = lock_open(), *b = lock_open();
	sigset_t all;

	ck_assert_int_eq(sigfillset(&all), 0);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	ck_hq_ok(hq_lock_take(a, 0, &err));
	ck_assert_int_eq(hq_lock_take(b, 20, &err), HQ_E_SERVICE_UNAVAILABLE);
	hq_lock_close(a);
	hq_lock_close(b);
}
END_TEST

/* A child that takes the lock, says so, and holds it until it is killed. */
static pid_t
holder(void)
{
	int said[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(said), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		ck_hq_ok(hq_lock_take(lock_open(), 0, &err));
		ck_assert_int_eq(write(said[1], "x", 1), 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(said[0], &c, 1), 1);
	(void)close(said[0]);
	(void)close(said[1]);
	return pid;
}

START_TEST(the_lock_of_a_killed_process_is_free)
{
	struct hq_lock *l = lock_open();
	pid_t pid = holder();

	ck_assert_int_eq(hq_lock_take(l, 0, &err), HQ_E_SERVICE_UNAVAILABLE);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_hq_ok(hq_lock_take(l, LONG_MS, &err));
	ck_assert_int_eq(wait_for(pid), 255);
	hq_lock_close(l);
}
END_TEST

/* A waiter that gives up must not let those behind it past the holder. */
START_TEST(a_waiter_that_gave_up_leaves_the_holder_alone)
{
	struct hq_lock *a = lock_open(), *b = lock_open(), *c = lock_open();

	ck_hq_ok(hq_lock_take(a, 0, &err));
	ck_assert_int_eq(hq_lock_take(b, 5, &err), HQ_E_SERVICE_UNAVAILABLE);
	ck_assert_int_eq(hq_lock_take(c, 5, &err), HQ_E_SERVICE_UNAVAILABLE);
	hq_lock_release(a);
	ck_hq_ok(hq_lock_take(c, 0, &err));
	hq_lock_close(a);
	hq_lock_close(b);
	hq_lock_close(c);
}
END_TEST

struct shared {
	volatile int inside; /* processes that believe they hold the lock */
	volatile int overlaps;
	volatile int turns;          /* taken by all */
	volatile int worst[WRITERS]; /* others' turns while one waited */
};

/* Wait for the starting signal: the end of the pipe. */
static void
take_turns(struct shared *sh, int me, int start)
{
	struct hq_lock *l = lock_open();
	int i, before, waited;
	char c;

	ck_assert_int_eq(read(start, &c, 1), 0);
	for (i = 0; i < TURNS; i++) {
		before = sh->turns;
		ck_hq_ok(hq_lock_take(l, LONG_MS, &err));
		if (sh->inside++ != 0)
			sh->overlaps++;
		waited = sh->turns - before;
		if (waited > sh->worst[me])
			sh->worst[me] = waited;
		sh->turns++;
		(void)poll(NULL, 0, i % 50 == 0 ? 1 : 0);
		sh->inside--;
		hq_lock_release(l);
	}
	hq_lock_close(l);
}

static struct shared *
contend(void)
{
	struct shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[WRITERS];
	int i, start[2];

	ck_assert(sh != MAP_FAILED);
	ck_assert_int_eq(pipe(start), 0);
	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			(void)close(start[1]);
			take_turns(sh, i, start[0]);
			_exit(0);
		}
	}
	(void)close(start[1]);
	for (i = 0; i < WRITERS; i++)
		ck_assert_int_eq(wait_for(pids[i]), 0);
	return sh;
}

START_TEST(contending_processes_never_hold_it_together)
{
	struct shared *sh = contend();

	ck_assert_int_eq(sh->overlaps, 0);
	ck_assert_int_eq(sh->turns, WRITERS * TURNS);
}
END_TEST

/*
 * Those with a ticket go first, three at most.  What is counted begins before
 * the ticket is drawn, and the scheduler may hold a process there for a while; a
 * lock that its holder can take again at once would give all the others' turns.
 */
START_TEST(nobody_waits_while_the_others_take_turn_after_turn)
{
	struct shared *sh = contend();
	int i;

	for (i = 0; i < WRITERS; i++)
		ck_assert_int_le(sh->worst[i], WRITERS * TURNS / 4);
}
END_TEST

START_TEST(a_link_in_the_place_of_the_lock_file_is_refused)
{
	struct hq_lock *l;

	ck_assert_int_eq(symlink("/tmp/nowhere", path), 0);
	ck_assert_int_eq(hq_lock_open(path, &l, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lock");
	TCase *tc = tcase_create("the writers' queue");

	tcase_add_checked_fixture(tc, dir_open, dir_close);
	tcase_add_test(tc, a_free_lock_is_had_without_waiting);
	tcase_add_test(tc, a_lock_has_one_holder);
	tcase_add_loop_test(tc, a_wait_ends_when_its_time_is_over, 0, 3);
	tcase_add_test(tc, a_wait_ends_in_time_though_the_signal_was_blocked);
	tcase_add_test(tc, the_lock_of_a_killed_process_is_free);
	tcase_add_test(tc, a_waiter_that_gave_up_leaves_the_holder_alone);
	tcase_add_test(tc, contending_processes_never_hold_it_together);
	tcase_add_test(tc, nobody_waits_while_the_others_take_turn_after_turn);
	tcase_add_test(tc, a_link_in_the_place_of_the_lock_file_is_refused);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

/*
 * The n-th write, sync, truncation, mapping or opening fails, once or until the
 * disk is repaired, for n = 1 and on until none is hit.  The programs do as the
 * real ones: what is refused is asked for again, and a program whose store is
 * in doubt makes way for a new one.
 */
#include "faultworld.h"

enum {
	/* Refusals or restarts until somebody repairs the disk. */
	PATIENCE = 6,
	ROUNDS_DEAF = 60, /* they would wait for ever */
	HIT = 0,
	WRONG = 1,
	MISSED = 2,
};

static const struct kind {
	enum fault_op op;
	enum fault_error error;
	bool forever;
	int stride; /* with RAWR_SOAK 1 */
} kinds[] = {
	{ OP_WRITE, FAIL_IO, false, 83 },
	{ OP_WRITE, FAIL_IO, true, 131 },
	{ OP_WRITE, FAIL_FULL, false, 97 },
	{ OP_WRITE, FAIL_FULL, true, 131 },
	{ OP_WRITE, FAIL_SHORT, false, 101 },
	{ OP_WRITE, FAIL_SHORT, true, 131 },
	{ OP_SYNC, FAIL_IO, false, 7 },
	{ OP_SYNC, FAIL_IO, true, 15 },
	{ OP_TRUNCATE, FAIL_IO, false, 1 },
	{ OP_TRUNCATE, FAIL_IO, true, 1 },
	{ OP_SHM, FAIL_IO, false, 3 },
	{ OP_SHM, FAIL_IO, true, 7 },
	{ OP_OPEN, FAIL_IO, false, 1 },
	{ OP_OPEN, FAIL_IO, true, 1 },
};

/* Both programs, anew; what is missing of the disk is for the next try. */
static bool
start_again(void)
{
	programs_close();
	w.now_ms += 2 * LEASE_MS;
	return programs_open() == HQ_OK;
}

static bool
is_restart_due(enum hq_rc rc)
{
	return w.engine == NULL || functions_host == NULL ||
	    rc != HQ_E_SERVICE_UNAVAILABLE || hq_db_is_broken(w.db) ||
	    hq_db_is_broken(domain);
}

/* Until all is done, with a disk that fails. */
static bool
work_through(void)
{
	bool up = programs_open() == HQ_OK, done = false;
	unsigned i, rounds = deaf ? ROUNDS_DEAF : ROUNDS_MAX;
	int failed = 0;
	enum hq_rc rc;

	for (i = 0; i < rounds && !done; i++) {
		rc = up ? work_once(&done) : HQ_E_INTERNAL_SERVER_ERROR;
		if (up && rc == HQ_OK && hq_db_is_broken(domain))
			rc = HQ_E_INTERNAL_SERVER_ERROR;
		if (rc == HQ_OK)
			continue;
		if (++failed >= PATIENCE)
			fault.armed = false;
		w.now_ms += 1000;
		if (!up || is_restart_due(rc))
			up = start_again();
	}
	if (!done && !deaf)
		(void)fprintf(stderr, "not done: %s (%s)\n", err.msg,
		    err.where);
	programs_close();
	return done;
}

/* In a child: an abort is a finding, too. */
static int
one(const struct kind *k, long at)
{
	bool ok;

	faults_open();
	fault_begin((uint64_t)at);
	fault.op = k->op;
	fault.error = k->error;
	fault.forever = k->forever;
	fault.at = at;
	fault.armed = true;
	ok = work_through();
	fault.armed = false;
	ok = judge(w.path, true) && ok;
	fault_end();
	faults_close();
	if (!fault.hit && checkpoints == 0)
		ok = false; /* no call went on behind a step */
	return ok ? (fault.hit ? HIT : MISSED) : WRONG;
}

static int
in_a_child(const struct kind *k, long at)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(one(k, at));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : WRONG;
}

START_TEST(whatever_call_to_the_disk_fails_all_goes_on_and_nothing_is_lost)
{
	const struct kind *k = &kinds[_i];
	int got, hits = 0;
	long at;

	for (at = 1;; at += soaks() ? 1 : k->stride) {
		got = in_a_child(k, at);
		ck_assert_msg(got == HIT || got == MISSED,
		    "operation %d, error %d, forever %d, number %ld: %d",
		    (int)k->op, (int)k->error, k->forever, at, got);
		if (got == MISSED)
			break;
		hits++;
	}
	ck_assert_int_gt(hits, 0);
}
END_TEST

START_TEST(clients_that_take_a_refusal_for_success_are_found_out)
{
	const struct kind sync = { OP_SYNC, FAIL_IO, false, 1 };
	int got = HIT;
	long at;

	deaf = true;
	for (at = 1; got == HIT; at++)
		got = in_a_child(&sync, at);
	deaf = false;
	ck_assert_int_eq(got, WRONG);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io_faults");
	TCase *t = tcase_create("io_faults");

	if (soaks())
		tcase_set_timeout(t, 7200);
	tcase_add_loop_test(t,
	    whatever_call_to_the_disk_fails_all_goes_on_and_nothing_is_lost, 0,
	    (int)(sizeof(kinds) / sizeof(kinds[0])));
	tcase_add_test(t,
	    clients_that_take_a_refusal_for_success_are_found_out);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * Power is cut at many moments of a system at work.  A cut is a fork: the child
 * takes what could be on the disk at that moment, judges it, and goes on from
 * there with programs of its own; the parent works on undisturbed.
 */
#include <fcntl.h>

#include "faultworld.h"

/* Of the operations with something unsynced; each one with RAWR_SOAK. */
enum { ONE_IN = 10, ONE_IN_CONTROL = 40 };

static const char *pragma;
static int cuts, lost;
static bool going_on, quiet;

/* In the child.  Leaves by exit status: it shares the parent's connections. */
static bool
survives(enum fault_kept kept)
{
	bool done = false;
	unsigned i;

	world_begin(hq_arena_printf(arena, "cut-%d.db", (int)getpid()));
	fault.seed ^= (uint64_t)fault.ops * 7919 + kept;
	fault_image(w.path, kept);
	fault_leave();
	if (!judge(w.path, false))
		return false;
	if (!going_on || (kept != KEPT_SOME && kept != KEPT_TORN))
		return true;
	if (programs_open() != HQ_OK) {
		(void)fprintf(stderr, "open: %s\n", err.msg);
		return false;
	}
	w.now_ms += 2 * LEASE_MS;
	for (i = 0; i < ROUNDS_MAX && !done; i++)
		if (work_once(&done) != HQ_OK) {
			(void)fprintf(stderr, "work: %s\n", err.msg);
			return false;
		}
	programs_close();
	return judge(w.path, true);
}

static void
cut(enum fault_kept kept)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (quiet)
			(void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		_exit(survives(kept) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	cuts++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	lost++;
	if (!quiet)
		(void)fprintf(stderr, "cut before operation %ld, kept %d\n",
		    fault.ops, (int)kept);
}

static void
maybe_cut(void)
{
	static const enum fault_kept none[] = { KEPT_NONE, KEPT__MAX };
	static const enum fault_kept kinds[] = { KEPT_NONE, KEPT_ALL, KEPT_SOME,
		KEPT_TORN, KEPT_LAST, KEPT__MAX };
	const enum fault_kept *k = going_on ? kinds : none;
	unsigned one_in = going_on ? (soaks() ? 1 : ONE_IN) : ONE_IN_CONTROL;

	if (!fault_unsynced() || fault_random(one_in) != 0)
		return;
	for (; *k != KEPT__MAX; k++)
		cut(*k);
}

/* Work from an empty disk to the end of all runs, with cuts. */
static void
work(void)
{
	bool done = false;
	unsigned i;

	fault.at_op = maybe_cut;
	ck_hq_ok(programs_open());
	if (pragma != NULL) {
		ck_assert_int_eq(sqlite3_exec(w.db->h, pragma, 0, 0, 0), 0);
		ck_assert_int_eq(sqlite3_exec(domain->h, pragma, 0, 0, 0), 0);
	}
	for (i = 0; i < ROUNDS_MAX && !done; i++)
		ck_hq_ok(work_once(&done));
	ck_assert(done);
	fault.at_op = NULL;
	programs_close();
	ck_assert(judge(w.path, true));
	ck_assert_int_gt(cuts, 0);
	ck_assert_uint_gt(checkpoints, 0);
}

static void
setup(void)
{
	const char *seed = getenv("RAWR_SEED");

	faults_open();
	fault_begin(seed == NULL ? 1 : strtoull(seed, NULL, 10));
	cuts = lost = 0;
	pragma = NULL;
	quiet = going_on = false;
}

static void
teardown(void)
{
	fault_end();
	faults_close();
}

START_TEST(whatever_the_disk_kept_of_the_unsynced_nothing_acknowledged_is_lost)
{
	going_on = true;
	work();
	(void)fprintf(stderr, "%d disks\n", cuts);
	ck_assert_int_eq(lost, 0);
}
END_TEST

/* The protection removed: the harness must see what is then lost. */
static const char *const weaker[] = { "PRAGMA synchronous=NORMAL",
	"PRAGMA synchronous=OFF" };

START_TEST(with_weaker_syncs_the_same_cuts_lose_what_was_acknowledged)
{
	pragma = weaker[_i];
	quiet = true;
	work();
	ck_assert_int_gt(lost, 0);
}
END_TEST

START_TEST(a_disk_that_does_not_sync_loses_what_was_acknowledged)
{
	fault.lies = quiet = true;
	work();
	ck_assert_int_gt(lost, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("power");
	TCase *t = tcase_create("power");

	if (soaks())
		tcase_set_timeout(t, 7200);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    whatever_the_disk_kept_of_the_unsynced_nothing_acknowledged_is_lost);
	tcase_add_loop_test(t,
	    with_weaker_syncs_the_same_cuts_lose_what_was_acknowledged, 0, 2);
	tcase_add_test(t,
	    a_disk_that_does_not_sync_loses_what_was_acknowledged);
	suite_add_tcase(s, t);
	return run_suite(s);
}

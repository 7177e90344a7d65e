/*
 * Calls that tell of something too late, wrong or too large: they are dropped.
 */
#include "checkpointtest.h"

/* ------------------------------------------------------ calls that are lost */

START_TEST(a_call_whose_lease_was_lost_records_nothing_and_is_dropped)
{
	struct hq_engine *two;
	struct hq_db *db;

	start(F(0), 1);
	db = store_open(w.path);
	two = engine_open(&w, db, "two", 64);
	w.now_ms += LEASE_MS;
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 2);
	tell(&w.calls[0], RAN("aa", "1"));
	turn();
	ck_assert_str_eq(memos(), "");
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	ck_assert(w.calls[0].dropped);
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

START_TEST(neither_the_step_nor_the_reply_of_a_lost_call_is_taken)
{
	struct hq_engine *two;
	struct hq_db *db;

	start(F(0), 1);
	db = store_open(w.path);
	two = engine_open(&w, db, "two", 64);
	w.now_ms += LEASE_MS;
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	tell(&w.calls[0], RAN("aa", "1"));
	reply(&w.calls[0], 200, "7");
	turn();
	ck_assert_str_eq(memos(), "");
	ck_assert_str_eq(runs(), "0 -");
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	return hq_event_cancel_runs(w.db, &w.env, arg, e);
}

/* Before the engine looks at its leases. */
START_TEST(a_call_whose_run_was_cancelled_records_nothing_and_is_dropped)
{
	register_fns(F(0));
	send_event("t/go", "mine", "{}");
	turn();
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, (char[]){ "mine" }, &err));
	tell(&w.calls[0], RAN("aa", "1"));
	turn();
	ck_assert_str_eq(memos(), "");
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	ck_assert(w.calls[0].dropped);
}
END_TEST

/* With a reply behind it or without, and with leases to be looked at. */
START_TEST(a_call_that_is_dropped_makes_room_for_one)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "two", 1);
	start(F(0), 1);
	send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.total, 1);
	w.now_ms += LEASE_MS / 2;
	tell(&w.calls[0], "7");
	if (_i == 1)
		reply(&w.calls[0], 200, "7");
	turn();
	ck_assert_uint_eq(w.total, 2);
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 1);
}
END_TEST

static const char *const bad_ops[] = {
	"",
	"7",
	"not JSON",
	"[" RAN("aa", "1") "]",
	"{\"op\":\"StepRun\",\"data\":1}",
	"{\"id\":\"aa\",\"data\":1}",
	"{\"op\":\"Sleep\",\"id\":\"aa\",\"name\":\"1s\"}",
	"{\"op\":\"StepError\",\"id\":\"aa\",\"error\":{\"message\":\"m\"}}",
	"{\"op\":\"StepPlanned\",\"id\":\"aa\"}",
};

START_TEST(what_is_no_step_that_ran_fails_the_attempt_and_drops_the_call)
{
	start(F(1), 2);
	tell(&w.calls[0], bad_ops[_i]);
	tell(&w.calls[1], RAN("bb", "1"));
	turn();
	ck_assert(w.calls[0].dropped);
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	ck_assert_uint_eq(w.calls[1].goes_on, 1); /* its neighbour's */
	ck_assert_str_eq(memos(), "bb={\"data\":1}");
	w.now_ms += w.retry_ms;
	turn();
	ck_assert_uint_eq(w.total, 3);
	ck_assert_int_eq(attempt(last_call()), 1);
}
END_TEST

START_TEST(what_is_no_step_that_ran_fails_a_run_without_attempts_left)
{
	start(F(0), 1);
	tell(&w.calls[0], bad_ops[_i]);
	reply(&w.calls[0], 200, "7");
	turn();
	ck_assert_int_eq(atoi(runs()), FAILED);
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
}
END_TEST

/* ---------------------------------------------------------------- limits -- */

static void
ck_overflow(const char *name)
{
	const struct fake_call *c = &w.calls[0];

	ck_assert_int_eq(atoi(runs()), FAILED);
	ck_assert_ptr_nonnull(strstr(runs(), name));
	ck_assert(c->dropped);
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
	ck_assert_uint_eq(w.total, 1);
}

START_TEST(steps_that_are_too_many_fail_the_run_and_drop_the_call)
{
	char op[64];
	int i;

	start(F(3), 1);
	for (i = 0; i < HQ_ENGINE_STEPS_MAX; i++) {
		snprintf(op, sizeof(op), RAN("s%d", "1"), i);
		goes_on_behind(op);
	}
	tell(&w.calls[0], RAN("aa", "1"));
	turn();
	ck_overflow("InngestErrFunctionOverflowed");
}
END_TEST

static char large[300 << 10];

static const char *
large_op(const char *id, int bytes)
{
	snprintf(large, sizeof(large), RAN("%s", "\"%0*d\""), id, bytes, 0);
	return large;
}

START_TEST(state_that_is_too_large_fails_the_run_and_drops_the_call)
{
	hq_engine_free(w.engine);
	w.state_bytes_max = 1000;
	w.engine = engine_open(&w, w.db, "two", 64);
	start(F(3), 1);
	goes_on_behind(large_op("aa", 400));
	goes_on_behind(large_op("bb", 400));
	tell(&w.calls[0], large_op("cc", 400));
	turn();
	ck_overflow("InngestErrStateOverflowed");
}
END_TEST

START_TEST(what_earlier_calls_recorded_counts)
{
	hq_engine_free(w.engine);
	w.state_bytes_max = 1000;
	w.engine = engine_open(&w, w.db, "two", 64);
	start(F(3), 1);
	reply(&w.calls[0], 206,
	    hq_arena_printf(arena, "[%s]", large_op("aa", 600)));
	turn();
	ck_assert_uint_eq(w.total, 2);
	tell(&w.calls[1], large_op("bb", 600));
	turn();
	ck_assert_int_eq(atoi(runs()), FAILED);
	ck_assert(w.calls[1].dropped);
}
END_TEST

START_TEST(a_step_that_does_not_fit_into_memory_fails_its_run_alone)
{
	hq_engine_free(w.engine);
	w.memory_bytes = 128 << 10;
	w.engine = engine_open(&w, w.db, "two", 64);
	start(F(3), 2);
	tell(&w.calls[0], large_op("aa", 200 << 10));
	tell(&w.calls[1], RAN("bb", "1"));
	turn();
	ck_assert(w.calls[0].dropped);
	ck_assert_uint_eq(w.calls[1].goes_on, 1);
	ck_assert_str_eq(memos(), "bb={\"data\":1}");
	ck_assert_str_eq(value("SELECT count(*) FROM engine_run"
			       " WHERE state = 2 AND output LIKE"
			       " '%InngestErrStateOverflowed%'"),
	    "1");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_checkpoint_loss");
	TCase *t = tcase_create("losses");
	int n = (int)(sizeof(bad_ops) / sizeof(bad_ops[0]));

	tcase_add_checked_fixture(t, open_all, close_all);
	tcase_add_test(t,
	    a_call_whose_lease_was_lost_records_nothing_and_is_dropped);
	tcase_add_test(t,
	    neither_the_step_nor_the_reply_of_a_lost_call_is_taken);
	tcase_add_test(t,
	    a_call_whose_run_was_cancelled_records_nothing_and_is_dropped);
	tcase_add_loop_test(t, a_call_that_is_dropped_makes_room_for_one, 0, 2);
	tcase_add_loop_test(t,
	    what_is_no_step_that_ran_fails_the_attempt_and_drops_the_call, 0,
	    n);
	tcase_add_loop_test(t,
	    what_is_no_step_that_ran_fails_a_run_without_attempts_left, 0, n);
	tcase_add_test(t,
	    steps_that_are_too_many_fail_the_run_and_drop_the_call);
	tcase_add_test(t,
	    state_that_is_too_large_fails_the_run_and_drops_the_call);
	tcase_add_test(t, what_earlier_calls_recorded_counts);
	tcase_add_test(t,
	    a_step_that_does_not_fit_into_memory_fails_its_run_alone);
	suite_add_tcase(s, t);
	return run_suite(s);
}

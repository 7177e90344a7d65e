/*
 * What calls tell of on their way: recorded, and only then do they go on.
 */
#include "checkpointtest.h"

/* ------------------------------------------------------------- recording -- */

START_TEST(a_call_goes_on_when_its_step_is_recorded_and_is_not_made_again)
{
	start(F(0), 1);
	tell(&w.calls[0], RAN("aa", "1"));
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	turn();
	ck_assert_uint_eq(w.calls[0].goes_on, 1);
	ck_assert_str_eq(memos(), "aa={\"data\":1}");
	turn();
	ck_assert_uint_eq(w.calls[0].goes_on, 1);
	ck_assert_uint_eq(w.total, 1);
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 1);
}
END_TEST

static void
count_memos(struct world *x, const struct fake_call *c)
{
	(void)x;
	(void)c;
	ck_assert_str_eq(value("SELECT count(*) FROM engine_memo"), "3");
}

START_TEST(the_steps_of_all_calls_are_on_disk_before_one_goes_on)
{
	size_t i;

	start(F(0), 3);
	for (i = 0; i < 3; i++)
		tell(&w.calls[i], RAN("aa", "1"));
	w.on_go_on = count_memos;
	turn();
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(w.calls[i].goes_on, 1);
}
END_TEST

START_TEST(a_call_tells_of_one_step_after_the_other)
{
	start(F(0), 1);
	goes_on_behind(RAN("aa", "1"));
	goes_on_behind(RAN("bb", "{\"x\":[]}"));
	reply(&w.calls[0], 200, "7");
	turn();
	ck_assert_str_eq(memos(), "aa={\"data\":1} bb={\"data\":{\"x\":[]}}");
	ck_assert_str_eq(runs(), "1 7");
	ck_assert_uint_eq(w.total, 1);
}
END_TEST

START_TEST(a_step_and_the_reply_behind_it_are_taken_in_one_turn)
{
	start(F(0), 1);
	tell(&w.calls[0], RAN("aa", "1"));
	reply(&w.calls[0], 206, "[" RAN("bb", "2") "]");
	turn();
	ck_assert_str_eq(memos(), "aa={\"data\":1} bb={\"data\":2}");
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	ck_assert_uint_eq(w.total, 2);
	ck_assert(has(json(last_call()->body), "aa"));
	ck_assert(has(json(last_call()->body), "bb"));
}
END_TEST

START_TEST(a_run_may_end_in_the_turn_that_records_its_last_step)
{
	start(F(0), 1);
	tell(&w.calls[0], RAN("aa", "1"));
	reply(&w.calls[0], 200, "7");
	turn();
	ck_assert_str_eq(memos(), "aa={\"data\":1}");
	ck_assert_str_eq(runs(), "1 7");
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
}
END_TEST

START_TEST(the_first_value_of_a_step_stays)
{
	start(F(0), 1);
	goes_on_behind(RAN("aa", "1"));
	goes_on_behind(RAN("aa", "2"));
	ck_assert_str_eq(memos(), "aa={\"data\":1}");
}
END_TEST

/* Nobody has told it to go on. */
START_TEST(of_two_steps_at_once_the_second_is_not_taken)
{
	start(F(0), 1);
	tell(&w.calls[0], RAN("aa", "1"));
	tell(&w.calls[0], RAN("bb", "2"));
	turn();
	turn();
	ck_assert_str_eq(memos(), "aa={\"data\":1}");
	ck_assert_uint_eq(w.calls[0].goes_on, 1);
}
END_TEST

START_TEST(a_call_that_has_ended_tells_nothing)
{
	start(F(0), 1);
	reply(&w.calls[0], 200, "7");
	tell(&w.calls[0], RAN("aa", "1"));
	turn();
	tell(&w.calls[0], RAN("bb", "2"));
	send_event("t/go", NULL, "{}");
	turn();
	ck_assert_str_eq(memos(), "");
	ck_assert_str_eq(runs(), "1 7, 0 -");
	ck_assert_uint_eq(w.total, 2);
}
END_TEST

/* Its function comes to it before the engine has: the code has changed. */
START_TEST(a_step_that_was_planned_and_is_recorded_is_not_asked_for)
{
	start(F(0), 1);
	reply(&w.calls[0], 206,
	    "[{\"op\":\"StepPlanned\",\"id\":\"aa\"},"
	    "{\"op\":\"StepPlanned\",\"id\":\"bb\"}]");
	turn();
	ck_assert_uint_eq(w.n_calls, 3);
	ck_assert_str_eq(w.calls[1].step, "aa");
	reply(&w.calls[1], 206, "[" RAN("aa", "1") "]");
	turn();
	ck_assert_str_eq(last_call()->step, "step");
	goes_on_behind(RAN("bb", "2"));
	ck_assert_str_eq(value("SELECT group_concat(step) FROM engine_job"),
	    "step");
}
END_TEST

START_TEST(a_turn_that_was_rolled_back_keeps_the_step_for_the_next)
{
	start(F(0), 1);
	outside_do("CREATE TRIGGER no BEFORE INSERT ON engine_run"
		   " BEGIN SELECT RAISE(ABORT, 'no'); END");
	tell(&w.calls[0], RAN("aa", "1"));
	send_event("t/go", NULL, "{}"); /* behind the step, in the same turn */
	ck_assert_int_ne(hq_engine_turn(w.engine, &w.next_ms, &err), HQ_OK);
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	ck_assert_str_eq(memos(), "");
	outside_do("DROP TRIGGER no");
	turn();
	ck_assert_uint_eq(w.calls[0].goes_on, 1);
	ck_assert_str_eq(memos(), "aa={\"data\":1}");
}
END_TEST

START_TEST(a_call_that_goes_on_keeps_its_lease)
{
	start(F(0), 1);
	w.now_ms += LEASE_MS / 2;
	goes_on_behind(RAN("aa", "1"));
	ck_assert_str_eq(value("SELECT due_ms FROM engine_job"),
	    hq_arena_printf(arena, "%lld", (long long)(w.now_ms + LEASE_MS)));
}
END_TEST

/* -------------------------------------------------------------- attempts -- */

START_TEST(behind_a_step_attempts_start_anew)
{
	start(F(1), 1);
	reply(&w.calls[0], 500, "{\"message\":\"m\"}");
	w.now_ms += w.retry_ms;
	turn();
	w.now_ms += w.retry_ms;
	turn();
	ck_assert_int_eq(attempt(last_call()), 1); /* the last one */
	goes_on_behind(RAN("aa", "1"));
	reply(last_call(), 500, "{\"message\":\"m\"}");
	turn();
	w.now_ms += w.retry_ms;
	turn();
	ck_assert_uint_eq(w.total, 3);
	ck_assert_int_eq(attempt(last_call()), 1);
	ck_assert_int_eq(atoi(runs()), OPEN);
}
END_TEST

/* A call that dies as often as it may without being the end. */
static void
die(int times)
{
	while (times-- > 0) {
		reply_what(last_call(), BUT(HQ_REPLY_DIED));
		turn();
		w.now_ms += (int64_t)HQ_ENGINE_CRASH_DELAY_MS
		    << HQ_ENGINE_CRASHES_MAX;
		turn();
	}
}

START_TEST(behind_a_step_deaths_are_counted_anew)
{
	start(F(0), 1);
	die(HQ_ENGINE_CRASHES_MAX - 1);
	goes_on_behind(RAN("aa", "1"));
	die(HQ_ENGINE_CRASHES_MAX - 1);
	ck_assert_int_eq(atoi(runs()), OPEN);
	ck_assert_uint_eq(w.total, 2 * HQ_ENGINE_CRASHES_MAX - 1);
	ck_assert_int_eq(attempt(last_call()), 0);
}
END_TEST

START_TEST(a_call_that_dies_behind_a_step_is_made_again_with_it)
{
	start(F(0), 1);
	goes_on_behind(RAN("aa", "1"));
	die(1);
	ck_assert_uint_eq(w.total, 2);
	ck_assert(has(json(last_call()->body), "aa"));
}
END_TEST

/* It was taken back, or died before a worker had read that it may go on. */
START_TEST(a_call_that_is_refused_behind_a_step_is_made_again_with_it)
{
	int i;

	start(F(0), 1);
	goes_on_behind(RAN("aa", "1"));
	for (i = 0; i < 2 * HQ_ENGINE_CRASHES_MAX; i++) {
		reply_what(last_call(), BUT(HQ_REPLY_REFUSED));
		turn();
		w.now_ms += HQ_ENGINE_REFUSED_MAX_MS;
		turn();
		ck_assert_uint_eq(w.total, (size_t)i + 2);
		ck_assert(has(json(last_call()->body), "aa"));
		ck_assert_int_eq(attempt(last_call()), 0);
	}
	ck_assert_str_eq(value("SELECT attempt || crashes FROM engine_job"),
	    "00");
}
END_TEST

START_TEST(a_call_that_is_refused_with_a_step_keeps_the_step)
{
	start(F(0), 1);
	tell(&w.calls[0], RAN("aa", "1"));
	reply_what(&w.calls[0], BUT(HQ_REPLY_REFUSED));
	turn();
	ck_assert_uint_eq(w.calls[0].goes_on, 0);
	ck_assert_str_eq(memos(), "aa={\"data\":1}");
	w.now_ms += HQ_ENGINE_REFUSED_MAX_MS;
	turn();
	ck_assert_uint_eq(w.total, 2);
	ck_assert(has(json(last_call()->body), "aa"));
}
END_TEST

/* ----------------------------------------------------------------- suite -- */

static void
add_recording(Suite *s)
{
	TCase *t = tcase_create("recording");

	tcase_add_checked_fixture(t, open_all, close_all);
	tcase_add_test(t,
	    a_call_goes_on_when_its_step_is_recorded_and_is_not_made_again);
	tcase_add_test(t,
	    the_steps_of_all_calls_are_on_disk_before_one_goes_on);
	tcase_add_test(t, a_call_tells_of_one_step_after_the_other);
	tcase_add_test(t, a_step_and_the_reply_behind_it_are_taken_in_one_turn);
	tcase_add_test(t, a_run_may_end_in_the_turn_that_records_its_last_step);
	tcase_add_test(t, the_first_value_of_a_step_stays);
	tcase_add_test(t, of_two_steps_at_once_the_second_is_not_taken);
	tcase_add_test(t, a_call_that_has_ended_tells_nothing);
	tcase_add_test(t,
	    a_step_that_was_planned_and_is_recorded_is_not_asked_for);
	tcase_add_test(t,
	    a_turn_that_was_rolled_back_keeps_the_step_for_the_next);
	tcase_add_test(t, a_call_that_goes_on_keeps_its_lease);
	suite_add_tcase(s, t);
}

static void
add_attempts(Suite *s)
{
	TCase *t = tcase_create("attempts");

	tcase_add_checked_fixture(t, open_all, close_all);
	tcase_add_test(t, behind_a_step_attempts_start_anew);
	tcase_add_test(t, behind_a_step_deaths_are_counted_anew);
	tcase_add_test(t, a_call_that_dies_behind_a_step_is_made_again_with_it);
	tcase_add_test(t,
	    a_call_that_is_refused_behind_a_step_is_made_again_with_it);
	tcase_add_test(t, a_call_that_is_refused_with_a_step_keeps_the_step);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("engine_checkpoint");

	add_recording(s);
	add_attempts(s);
	return run_suite(s);
}

/*
 * What calls tell of on their way: recorded, and only then do they go on.
 */
#include "enginetest.h"

#include <sqlite3.h>

#include "base/log.h"
#include "engine/limits.h"

static sqlite3 *outside; /* sees what is committed, and no more */

static void
open_all(void)
{
	world_open();
	hq_log_open("test", HQ_LEVEL__MAX);
	ck_assert_int_eq(sqlite3_open(w.path, &outside), SQLITE_OK);
}

static void
close_all(void)
{
	ck_assert_int_eq(sqlite3_close(outside), SQLITE_OK);
	world_close();
}

static void
outside_do(const char *sql)
{
	ck_assert_msg(sqlite3_exec(outside, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s", sqlite3_errmsg(outside));
}

/* The one value of a query, as text; "" if there is none. */
static const char *
value(const char *sql)
{
	const char *s = "";
	sqlite3_stmt *st;

	ck_assert_msg(sqlite3_prepare_v2(outside, sql, -1, &st, NULL) ==
		SQLITE_OK,
	    "%s", sqlite3_errmsg(outside));
	if (sqlite3_step(st) == SQLITE_ROW)
		s = hq_arena_printf(arena, "%s", sqlite3_column_text(st, 0));
	ck_assert_int_eq(sqlite3_finalize(st), SQLITE_OK);
	return s;
}

/* Recorded steps in their order: "aa={...} bb={...}". */
static const char *
memos(void)
{
	return value("SELECT coalesce(group_concat(step || '=' || value, ' '"
		     " ORDER BY seq), '') FROM engine_memo"
		     " JOIN engine_value ON id = value_id");
}

static const char *
runs(void)
{
	return value(
	    "SELECT group_concat(state || ' ' ||"
	    " coalesce(output, '-'), ', ' ORDER BY state DESC) FROM engine_run");
}

enum { OPEN = 0, FAILED = 2 };

static void
start(const char *functions, size_t n)
{
	size_t i;

	register_fns(functions);
	for (i = 0; i < n; i++)
		send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, n);
}

#define F(retries) "[" FN("f", EVENT("t/go"), retries) "]"

static void
tell(const struct fake_call *c, const char *op)
{
	hq_engine_checkpoint(w.engine, c->ticket, op, strlen(op));
}

#define RAN(id, data) "{\"op\":\"StepRun\",\"id\":\"" id "\",\"data\":" data "}"

static void
reply(const struct fake_call *c, int status, const char *body)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_ANSWER,
		.status = status,
		.sdk = "test:v1",
		.body = body,
		.body_bytes = strlen(body),
		.req_version = "1" };

	hq_engine_reply(w.engine, c->ticket, &r);
}

static void
reply_what(const struct fake_call *c, struct hq_engine_reply r)
{
	hq_engine_reply(w.engine, c->ticket, &r);
}

#define BUT(how) ((struct hq_engine_reply){ .what = (how) })

/* The call that was made last, for the run that was made first. */
static struct fake_call *
last_call(void)
{
	ck_assert_uint_gt(w.n_calls, 0);
	return &w.calls[w.n_calls - 1];
}

/* The call goes on behind that step. */
static void
goes_on_behind(const char *op)
{
	struct fake_call *c = last_call();
	size_t before = c->goes_on;

	tell(c, op);
	turn();
	ck_assert_uint_eq(c->goes_on, before + 1);
}

static int
attempt(const struct fake_call *c)
{
	return (
	    int)hq_json_i64(hq_json_get(json(c->body), "ctx"), "attempt", -1);
}

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
add_losses(Suite *s)
{
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
	add_losses(s);
	add_attempts(s);
	return run_suite(s);
}

/*
 * The wall clock jumps, forward and back, while something is pending.
 */
#include "optiontest.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, JUMPS = 4 };

#define DAY_MS ((int64_t)24 * HOUR_MS)

static const int64_t jumps[JUMPS] = { HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS };
static int64_t since_ms;
static size_t done, failures;

static void
waiting(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	bool any;
	struct json_object *v = memo(body, "ww", &any);

	(void)x;
	(void)c;
	if (any)
		note_event(v);
	else
		ops(r,
		    "[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":"
		    "\"t/resume\",\"opts\":{\"timeout\":\"7d\"}}]");
}

static void
looking_back(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	bool any;
	struct json_object *v = memo(body, "ww", &any);

	(void)x;
	(void)c;
	if (any)
		note_event(v);
	else
		ops(r,
		    hq_arena_printf(arena,
			"[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":"
			"\"t/resume\",\"opts\":{\"timeout\":\"7d\","
			"\"sinceMs\":%lld}}]",
			(long long)since_ms));
}

/* Fails as often as `failures` says, then is done. */
static void
failing(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	(void)c;
	(void)body;
	if (failures > 0) {
		failures--;
		r->status = 500;
		r->body = "{\"name\":\"Error\",\"message\":\"not now\"}";
		return;
	}
	done++;
	r->body = "1";
}

static void
sleeping(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	(void)c;
	if (!has(body, "ss")) {
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"ss\",\"name\":\"1m\"}]");
		return;
	}
	done++;
	r->body = "1";
}

/* ------------------------------------------------------------------ waits -- */

START_TEST(an_event_resumes_an_armed_wait_wherever_the_clock_jumps)
{
	start_one(waiting, "{}");
	run_all();
	w.now_ms += jumps[_i];
	send_event("t/resume", NULL, "{\"n\":1}");
	run_all();
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

START_TEST(a_wait_finds_the_answer_that_was_faster_wherever_the_clock_jumps)
{
	start_one(looking_back, "{}");
	ck_hq_ok(hq_event_clock(w.db, &since_ms, &err));
	turn();
	w.now_ms += jumps[_i];
	send_event("t/resume", NULL, "{\"n\":1}");
	turn(); /* the event is taken before there is a wait */
	run_all();
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

START_TEST(an_event_from_before_the_question_does_not_answer_it)
{
	w.now_ms += HOUR_MS;
	send_event("t/resume", NULL, "{\"n\":0}");
	w.now_ms -= HOUR_MS;
	start_one(looking_back, "{}");
	ck_hq_ok(hq_event_clock(w.db, &since_ms, &err));
	since_ms++; /* the events' clock stands in that millisecond */
	run_all();
	ck_assert_str_eq(notes, "");
}
END_TEST

START_TEST(events_keep_their_order_when_the_clock_goes_back)
{
	send_event("t/resume", NULL, "{\"n\":1}");
	w.now_ms -= DAY_MS;
	send_event("t/resume", NULL, "{\"n\":2}");
	start_one(looking_back, "{}");
	run_all();
	ck_assert_str_eq(notes, "{\"n\":1};");
}
END_TEST

/* ------------------------------------------------------------------ calls -- */

START_TEST(a_call_that_was_ready_is_made_at_once_after_a_jump)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "one", 1);
	start_one(failing, "{}");
	send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	w.now_ms += jumps[_i];
	run_all();
	ck_assert_uint_eq(done, 2);
}
END_TEST

START_TEST(a_run_that_was_queued_starts_at_once_after_a_jump)
{
	start_one(failing, "{}");
	w.now_ms += jumps[_i];
	run_all();
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(an_attempt_is_not_put_off_by_a_jump)
{
	failures = 1;
	start_one(failing, "{}");
	run_all();
	ck_assert_uint_eq(done, 0);
	w.now_ms += jumps[_i];
	run_all();
	pass(w.retry_ms);
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(a_run_that_is_to_start_at_a_time_waits_for_it)
{
	struct hq_event e = { .name = "t/go",
		.data = json("{}"),
		.ts_ms = w.now_ms + MINUTE_MS };

	w.host = failing;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	pass(-HOUR_MS);
	pass(HOUR_MS);
	ck_assert_uint_eq(done, 0);
	pass(MINUTE_MS);
	ck_assert_uint_eq(done, 1);
}
END_TEST

/* ----------------------------------------------------------------- leases -- */

START_TEST(a_dead_engines_lease_ends_in_time_after_a_jump)
{
	struct hq_db *db = store_open(w.path);
	struct hq_engine *two = engine_open(&w, db, "two", 64);

	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	start_one(failing, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	forget_calls(&w); /* and "one" is never seen again */
	w.now_ms += jumps[_i];
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	w.now_ms += LEASE_MS;
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 1);
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

START_TEST(an_engine_keeps_its_leases_over_a_jump)
{
	struct hq_db *db = store_open(w.path);
	struct hq_engine *two = engine_open(&w, db, "two", 64);

	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	start_one(failing, "{}");
	turn();
	w.now_ms += jumps[_i];
	turn(); /* "one" notices, as its loop looks every second */
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 1);
	w.now_ms += LEASE_MS - MINUTE_MS / 60;
	turn();
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 1);
	answer_all(w.engine);
	run_all();
	ck_assert_uint_eq(done, 1);
	ck_assert_uint_eq(hq_engine_lost(w.engine), 0);
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

/* ------------------------------------------------------------------ times -- */

START_TEST(a_sleep_ends_once_wherever_the_clock_jumps)
{
	start_one(sleeping, "{}");
	run_all();
	ck_assert_uint_eq(done, 0);
	pass(jumps[_i]);
	pass(MINUTE_MS);
	if (jumps[_i] < 0) {
		ck_assert_uint_eq(done, 0); /* late, by the new clock */
		pass(-jumps[_i]);
	}
	ck_assert_uint_eq(done, 1);
	pass(DAY_MS);
	ck_assert_uint_eq(done, 1);
}
END_TEST

static void
start_ticking(void)
{
	w.host = failing;
	register_fns("[" FN("f", "{\"cron\":\"*/5 * * * *\"}", 0) "]");
	run_all();
	pass(5 * MINUTE_MS);
	ck_assert_uint_eq(done, 1);
}

START_TEST(ticks_go_on_after_the_clock_went_back_and_none_comes_twice)
{
	start_ticking();
	pass(HOUR_MS); /* makes up for twelve */
	ck_assert_uint_eq(done, 2);
	pass(-HOUR_MS);
	ck_assert_uint_eq(done, 2);
	pass(5 * MINUTE_MS); /* the time of the one that stood for twelve */
	ck_assert_uint_eq(done, 2);
	pass(5 * MINUTE_MS);
	ck_assert_uint_eq(done, 3);
	pass(-5 * MINUTE_MS);
	pass(5 * MINUTE_MS);
	ck_assert_uint_eq(done, 3);
}
END_TEST

/* ---------------------------------------------------------------- options -- */

static void
start_again(void)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "two", 64);
	run_all();
}

START_TEST(
    an_engine_that_starts_when_the_clock_was_set_back_keeps_what_was_set_since)
{
	w.host = failing;
	register_fns("[" FN_WITH("f", "\"debounce\":{\"period\":\"1h\"},") "]");
	w.now_ms += 30 * DAY_MS;
	send_event("t/other", NULL, "{}");
	run_all();
	w.now_ms -= 30 * DAY_MS;
	start_again();
	go("{}");
	start_again();
	ck_assert_uint_eq(done, 0);
	pass(HOUR_MS / 2);
	start_again();
	ck_assert_uint_eq(done, 0);
	pass(HOUR_MS / 2);
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(an_engine_that_starts_when_it_was_set_back_again_notices)
{
	w.host = failing;
	register_fns("[" FN_WITH("f", "\"debounce\":{\"period\":\"1h\"},") "]");
	w.now_ms += 30 * DAY_MS;
	send_event("t/other", NULL, "{}");
	run_all();
	pass(-10 * DAY_MS);
	go("{}");
	w.now_ms -= DAY_MS;
	start_again();
	pass(HOUR_MS);
	ck_assert_uint_eq(done, 1);
}
END_TEST

START_TEST(a_debounce_ends_in_time_after_a_jump)
{
	int i;

	w.host = failing;
	register_fns("[" FN_WITH("f",
	    "\"debounce\":{\"period\":\"10m\",\"timeout\":\"15m\"},") "]");
	go("{}");
	pass(-DAY_MS);
	for (i = 0; i < 2; i++) {
		pass(5 * MINUTE_MS);
		go("{}");
	}
	ck_assert_uint_eq(done, 0);
	pass(5 * MINUTE_MS);
	ck_assert_uint_eq(done, 1);
}
END_TEST

static void
open_fresh(void)
{
	since_ms = 0;
	done = failures = 0;
	world_open();
}

int
main(void)
{
	Suite *s = suite_create("engine_clock");
	TCase *t = tcase_create("clock");

	tcase_add_checked_fixture(t, open_fresh, world_close);
	tcase_add_loop_test(t,
	    an_event_resumes_an_armed_wait_wherever_the_clock_jumps, 0, JUMPS);
	tcase_add_loop_test(t,
	    a_wait_finds_the_answer_that_was_faster_wherever_the_clock_jumps, 0,
	    JUMPS);
	tcase_add_test(t, an_event_from_before_the_question_does_not_answer_it);
	tcase_add_test(t, events_keep_their_order_when_the_clock_goes_back);
	tcase_add_loop_test(t,
	    a_call_that_was_ready_is_made_at_once_after_a_jump, 0, JUMPS);
	tcase_add_loop_test(t,
	    a_run_that_was_queued_starts_at_once_after_a_jump, 0, JUMPS);
	tcase_add_loop_test(t, an_attempt_is_not_put_off_by_a_jump, 0, JUMPS);
	tcase_add_test(t, a_run_that_is_to_start_at_a_time_waits_for_it);
	tcase_add_loop_test(t, a_dead_engines_lease_ends_in_time_after_a_jump,
	    0, JUMPS);
	tcase_add_loop_test(t, an_engine_keeps_its_leases_over_a_jump, 0,
	    JUMPS);
	tcase_add_loop_test(t, a_sleep_ends_once_wherever_the_clock_jumps, 0,
	    JUMPS);
	tcase_add_test(t,
	    ticks_go_on_after_the_clock_went_back_and_none_comes_twice);
	tcase_add_test(t,
	    an_engine_that_starts_when_the_clock_was_set_back_keeps_what_was_set_since);
	tcase_add_test(t,
	    an_engine_that_starts_when_it_was_set_back_again_notices);
	tcase_add_test(t, a_debounce_ends_in_time_after_a_jump);
	suite_add_tcase(s, t);
	return run_suite(s);
}

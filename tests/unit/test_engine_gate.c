/* How many calls are in flight at once: limits, and who waits for a place. */
#include "optiontest.h"

#include "engine/api.h"

#define LIMITS(what) "\"concurrency\":" what ","
#define BY_K "\"key\":\"event.data.k\""

enum { Q_HELD, Q_TOO_MANY, Q_OPEN };

static const char *const none[] = { NULL };
static const char *const sql[] = {
	[Q_HELD] = "SELECT count(*) FROM engine_job WHERE lane >= 8",
	/* Keys of which more than $1 places are taken. */
	[Q_TOO_MANY] = "SELECT count(*) FROM (SELECT 1 FROM"
		       " (SELECT place1 AS p FROM engine_job"
		       " WHERE owner IS NOT NULL UNION ALL SELECT place2"
		       " FROM engine_job WHERE owner IS NOT NULL)"
		       " WHERE p IS NOT NULL GROUP BY p HAVING count(*) > $1)",
	[Q_OPEN] = "SELECT count(*) FROM engine_run WHERE state = 0",
	NULL,
};
static const struct hq_module looking = { "looking", none, sql };
static const struct hq_module *const modules[] = { &hq_engine_store, &looking,
	NULL };
static struct hq_db *mine;

static void
setup(void)
{
	struct hq_db_opts o = { .modules = modules, .write_wait_ms = 5000 };

	world_open();
	o.path = w.path;
	ck_hq_ok(hq_db_open(&o, &mine, &err));
	w.host = noting;
}

static void
teardown(void)
{
	hq_db_close(mine);
	world_close();
}

static int64_t
count(size_t q, const struct hq_val *vals, size_t n)
{
	HQ_CURSOR(row);

	ck_hq_ok(hq_query(mine, &looking, q, vals, n, &row, &err));
	ck_assert(hq_cursor_next(&row));
	return hq_cursor_i64(&row, 0);
}

#define HELD() count(Q_HELD, HQ_NO_BIND)

/* The oldest of the calls in flight is answered; and a turn. */
static void
answer_one(void)
{
	struct fake_call c = w.calls[0];

	ck_assert_uint_gt(w.n_calls, 0);
	memmove(w.calls, w.calls + 1, --w.n_calls * sizeof(c));
	answer_call(w.engine, &c);
	turn();
}

/* ---------------------------------------------------------------- places -- */

static const char *const two[] = { "2", "{\"limit\":2}", "[{\"limit\":2}]",
	"[2,{\"limit\":0}]", "[{\"limit\":9," BY_K "},{\"limit\":2}]",
	"{\"limit\":2,\"scope\":\"account\",\"key\":\"'x'\"}",
	"{\"limit\":2,\"scope\":\"env\"," BY_K "}" };

START_TEST(no_more_calls_than_the_limit_are_in_flight)
{
	int i;

	register_fns(hq_arena_printf(arena, "[" FN_WITH("f", LIMITS("%s")) "]",
	    two[_i]));
	send_some(5, "", turn);
	ck_assert_uint_eq(w.n_calls, 2);
	ck_assert_int_eq(HELD(), 3);
	for (i = 0; i < 3; i++) {
		answer_one();
		ck_assert_uint_eq(w.n_calls, 2);
	}
	run_all();
	ck_assert_str_eq(notes, "f:1;f:2;f:3;f:4;f:5;");
	ck_assert_int_eq(HELD(), 0);
}
END_TEST

START_TEST(events_of_one_turn_are_held_in_their_order)
{
	int i;

	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	for (i = 0; i < 100; i++)
		send_event("t/go", NULL, "{\"n\":1}");
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_int_eq(HELD(), 99);
	run_all();
	ck_assert_uint_eq(w.total, 100);
}
END_TEST

START_TEST(who_waits_for_a_place_is_not_looked_at_before_there_is_one)
{
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(20, "", turn);
	ck_assert_int_gt(w.next_ms, w.now_ms);
	w.now_ms += 10;
	turn();
	ck_assert_int_gt(w.next_ms, w.now_ms + 1000);
}
END_TEST

START_TEST(zero_is_no_limit)
{
	register_fns("[" FN_WITH("f", LIMITS("0")) "]");
	send_some(5, "", turn);
	ck_assert_uint_eq(w.n_calls, 5);
}
END_TEST

START_TEST(each_value_of_a_key_has_places_of_its_own)
{
	register_fns("[" FN_WITH("f", LIMITS("{\"limit\":1," BY_K "}")) "]");
	send_some(2, ",\"k\":\"a\"", turn);
	send_some(2, ",\"k\":\"b\"", turn);
	send_some(2, "", turn);
	ck_assert_uint_eq(w.n_calls, 3);
}
END_TEST

START_TEST(two_functions_have_places_of_their_own)
{
	register_fns(
	    "[" FN_WITH("f", LIMITS("1")) "," FN_WITH("g", LIMITS("1")) "]");
	send_some(2, "", turn);
	ck_assert_uint_eq(w.n_calls, 2);
}
END_TEST

#define SHARED "{\"limit\":1,\"scope\":\"account\"," BY_K "}"

START_TEST(functions_share_the_places_of_a_value_in_a_larger_scope)
{
	register_fns("[" FN_WITH("f", LIMITS(SHARED)) "," FN_WITH("g",
	    LIMITS(SHARED)) "]");
	send_some(1, ",\"k\":\"a\"", turn);
	send_some(1, ",\"k\":\"b\"", turn);
	ck_assert_uint_eq(w.n_calls, 2);
	run_all();
	ck_assert_uint_eq(w.total, 4);
}
END_TEST

START_TEST(both_of_two_limits_hold)
{
	register_fns("[" FN_WITH("f",
	    LIMITS("[{\"limit\":1," BY_K "},{\"limit\":2}]")) "]");
	send_some(3, ",\"k\":\"a\"", turn);
	ck_assert_uint_eq(w.n_calls, 1);
	send_some(3, ",\"k\":\"b\"", turn);
	ck_assert_uint_eq(w.n_calls, 2);
	send_some(3, ",\"k\":\"c\"", turn);
	ck_assert_uint_eq(w.n_calls, 2);
	while (w.n_calls > 0)
		answer_one();
	ck_assert_uint_eq(w.total, 9);
	ck_assert_int_eq(HELD(), 0);
}
END_TEST

/* Of 1 to 4: a and b are in flight; a is held, then c.  b ends. */
START_TEST(a_place_that_the_first_one_cannot_take_goes_to_the_next)
{
	register_fns("[" FN_WITH("f",
	    LIMITS("[{\"limit\":2},{\"limit\":1," BY_K "}]")) "]");
	send_some(1, ",\"k\":\"b\"", turn);
	send_some(2, ",\"k\":\"a\"", turn);
	send_some(1, ",\"k\":\"c\"", turn);
	ck_assert_uint_eq(w.n_calls, 2);
	answer_one();
	turn();
	ck_assert_uint_eq(w.n_calls, 2);
	ck_assert(strstr(w.calls[1].body, "\"k\":\"c\"") != NULL);
}
END_TEST

START_TEST(a_call_that_was_held_is_the_first_of_its_run)
{
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(2, "", turn);
	answer_one();
	ck_assert(strstr(w.calls[0].body, "\"generation_id\":1,") != NULL);
}
END_TEST

START_TEST(a_run_of_higher_priority_goes_before_others_that_wait)
{
	register_fns("[" FN_WITH("f",
	    LIMITS("1") "\"priority\":{\"run\":\"event.data.n\"},") "]");
	send_some(4, "", turn);
	run_all();
	ck_assert_str_eq(notes, "f:1;f:4;f:3;f:2;");
}
END_TEST

static void
sleeping(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (!has(body, "zz"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"1h\"}]");
	else
		noting(x, c, body, r);
}

START_TEST(a_run_that_sleeps_takes_no_place)
{
	w.host = sleeping;
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(3, "", turn);
	run_all();
	ck_assert_uint_eq(w.total, 3);
	w.now_ms += 3600000;
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	run_all();
	ck_assert_uint_eq(w.total, 6);
}
END_TEST

/* The first attempt of each run fails. */
static void
failing_once(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	if (hq_json_i64(hq_json_get(body, "ctx"), "attempt", 0) > 0) {
		noting(x, c, body, r);
		return;
	}
	r->status = 500;
	r->body = "{\"message\":\"no\"}";
}

START_TEST(an_attempt_that_is_to_come_takes_no_place)
{
	w.host = failing_once;
	register_fns("[{" LIMITS("1") "\"id\":\"app-f\",\"triggers\":[" EVENT(
	    "t/go") "],\"steps\":{"
		    "\"step\":{\"runtime\":{\"url\":\"http://h/?fnId=app-f&x\"}}}}]");
	send_some(3, "", turn);
	run_all();
	ck_assert_uint_eq(w.total, 3);
	pass(w.retry_ms);
	ck_assert_uint_eq(w.total, 6);
}
END_TEST

/* Three steps side by side, of which each is a job. */
static void
planning(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (strcmp(c->step, "step") != 0)
		ops(r,
		    hq_arena_printf(arena,
			"[{\"op\":\"StepRun\",\"id\":\"%s\",\"data\":1}]",
			c->step));
	else if (!has(body, "aa") && !has(body, "bb") && !has(body, "cc"))
		ops(r,
		    "[{\"op\":\"StepPlanned\",\"id\":\"aa\"},"
		    "{\"op\":\"StepPlanned\",\"id\":\"bb\"},"
		    "{\"op\":\"StepPlanned\",\"id\":\"cc\"}]");
	else if (!has(body, "aa") || !has(body, "bb") || !has(body, "cc"))
		ops(r, "[]");
	else
		noting(x, c, body, r);
}

START_TEST(steps_side_by_side_take_a_place_each)
{
	size_t most = 0;

	w.host = planning;
	register_fns("[" FN_WITH("f", LIMITS("2")) "]");
	send_some(1, "", turn);
	while (w.n_calls > 0) {
		most = w.n_calls > most ? w.n_calls : most;
		answer_one();
	}
	ck_assert_uint_eq(most, 2);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

/* ---------------------------------------------------------- what may end -- */

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	return hq_run_cancel(w.db, &w.env, arg, e);
}

START_TEST(a_call_that_is_cancelled_gives_its_place_to_the_next)
{
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(3, "", turn);
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, w.calls[0].run, &err));
	turn();
	ck_assert_uint_eq(w.n_calls, 2);
	run_all();
	ck_assert_uint_eq(w.total, 3);
}
END_TEST

static enum hq_rc
cancel_event_tx(void *arg, struct hq_err *e)
{
	(void)arg;
	return hq_event_cancel_runs(w.db, &w.env, "second", e);
}

/* The place goes to a run that ends before it has taken it. */
START_TEST(a_run_that_was_let_go_and_is_cancelled_lets_the_next_go)
{
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(1, "", turn);
	send_event("t/go", "second", "{\"n\":2}");
	turn();
	w.now_ms++;
	send_some(1, ",\"last\":true", turn);
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, w.calls[0].run, &err));
	ck_hq_ok(hq_db_tx(w.db, cancel_event_tx, NULL, &err));
	turn();
	ck_assert_uint_eq(w.n_calls, 2);
}
END_TEST

START_TEST(a_call_whose_engine_died_holds_its_place_until_its_lease_ends)
{
	struct hq_engine *dead = w.engine;

	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(2, "", turn);
	w.engine = engine_open(&w, w.db, "two", 64);
	forget_calls(&w);
	turn();
	ck_assert_uint_eq(w.n_calls, 0);
	w.now_ms += LEASE_MS;
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	run_all();
	ck_assert_str_eq(notes, "f:1;f:2;");
	hq_engine_free(dead);
}
END_TEST

START_TEST(an_engine_that_leaves_gives_its_places_to_another)
{
	struct hq_engine *gone = w.engine;

	register_fns("[" FN_WITH("f", LIMITS("2")) "]");
	send_some(5, "", turn);
	hq_engine_drain(gone);
	ck_hq_ok(hq_engine_release(gone, &err));
	w.engine = engine_open(&w, w.db, "two", 64);
	forget_calls(&w);
	turn();
	ck_assert_uint_eq(w.n_calls, 2);
	run_all();
	ck_assert_uint_eq(w.total, 7);
	hq_engine_free(gone);
}
END_TEST

START_TEST(a_limit_that_is_raised_lets_more_go)
{
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(5, "", turn);
	ck_assert_uint_eq(w.n_calls, 1);
	register_fns("[" FN_WITH("f", LIMITS("3")) "]");
	w.now_ms += 1000;
	turn();
	ck_assert_uint_eq(w.n_calls, 3);
}
END_TEST

START_TEST(a_limit_that_is_no_more_holds_nobody)
{
	register_fns("[" FN_WITH("f", LIMITS("1")) "]");
	send_some(5, "", turn);
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	w.now_ms += 1000;
	turn();
	ck_assert_uint_eq(w.n_calls, 5);
}
END_TEST

START_TEST(calls_of_others_are_not_kept_waiting_by_who_waits)
{
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "one", 4);
	register_fns("[" FN_WITH("f", LIMITS("1")) "," FN("free",
	    EVENT("t/free"), 0) "]");
	send_some(300, "", turn);
	send_event("t/free", NULL, "{\"n\":7}");
	turn();
	ck_assert_uint_eq(w.n_calls, 2);
}
END_TEST

/* ------------------------------------------------------------------ chance -- */

/* Steps, sleeps, failures, by the run and by chance. */
static void
by_chance(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	switch (world_next(x) % 4) {
	case 0:
		failing_once(x, c, body, r);
		notes[0] = '\0';
		break;
	case 1:
		sleeping(x, c, body, r);
		notes[0] = '\0';
		break;
	default:
		planning(x, c, body, r);
		notes[0] = '\0';
	}
}

static void
something_happens(struct hq_engine **gone)
{
	switch (world_next(&w) % 12) {
	case 0:
		w.now_ms += 1000;
		break;
	case 1: /* dies, and another comes */
		if (*gone != NULL || world_next(&w) % 4 != 0)
			break;
		*gone = w.engine;
		w.engine = engine_open(&w, w.db,
		    hq_arena_printf(arena, "e%d", (int)world_next(&w)), 8);
		forget_calls(&w);
		w.now_ms += LEASE_MS;
		break;
	case 2:
		if (w.n_calls > 0 && !w.calls[0].dropped)
			HQ_IGNORE(
			    hq_db_tx(w.db, cancel_tx, w.calls[0].run, &err));
		break;
	case 3:
	case 4:
		send_event("t/go", NULL,
		    hq_arena_printf(arena, "{\"n\":1,\"k\":%d}",
			(int)(world_next(&w) % 3)));
		break;
	default:
		if (w.n_calls > 0)
			answer_one();
	}
	turn();
	ck_assert_int_eq(count(Q_TOO_MANY, HQ_BIND(hq_i64(2))), 0);
}

/*
 * Whatever happens, no limit is passed, and in the end nobody waits; the looks
 * now and then are not needed for it where no step is told of twice.
 */
START_TEST(by_chance_no_limit_is_passed_and_nobody_waits_for_ever)
{
	struct hq_engine *gone = NULL;
	int i;

	w.seed += (uint64_t)_i * 7919;
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "first", 8);
	w.host = by_chance;
	register_fns("[" FN_WITH("f",
	    LIMITS("[{\"limit\":2,\"scope\":\"env\"," BY_K
		   "},{\"limit\":2}]")) "," FN_WITH("g",
	    LIMITS("{\"limit\":1,\"scope\":\"env\"," BY_K "}")) "]");
	for (i = 0; i < 400; i++)
		something_happens(&gone);
	w.host = noting;
	for (i = 0; i < 200; i++) {
		w.now_ms += LEASE_MS;
		notes[0] = '\0';
		run_all();
		w.now_ms += 3600000;
	}
	ck_assert_int_eq(HELD(), 0);
	ck_assert_int_eq(count(Q_OPEN, HQ_NO_BIND), 0);
	hq_engine_free(gone);
}
END_TEST

/* ---------------------------------------------------------- registration -- */

static const struct {
	const char *options, *said;
} wrong[] = {
	{ LIMITS("\"2\""), "concurrency: neither a number nor an object" },
	{ LIMITS("-1"), "concurrency: limit: not a whole number" },
	{ LIMITS("1.5"), "concurrency: neither" },
	{ LIMITS("{}"), "concurrency: limit: not" },
	{ LIMITS("[1,2,3]"), "concurrency: more than 2" },
	{ LIMITS("[1,{\"limit\":1,\"scope\":\"x\"}]"), "[1]: scope: neither" },
	{ LIMITS("{\"limit\":1,\"scope\":\"env\"}"), "scope: it needs a key" },
	{ LIMITS("{\"limit\":1,\"key\":\"async.id\"}"),
	    "key: unknown variable \"async\" at 0" },
};

START_TEST(an_option_that_is_not_as_it_should_be_is_refused_by_name)
{
	refuses(wrong[_i].options, wrong[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_gate");
	TCase *t = tcase_create("gate");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, no_more_calls_than_the_limit_are_in_flight, 0,
	    sizeof(two) / sizeof(two[0]));
	tcase_add_test(t, events_of_one_turn_are_held_in_their_order);
	tcase_add_test(t,
	    who_waits_for_a_place_is_not_looked_at_before_there_is_one);
	tcase_add_test(t, zero_is_no_limit);
	tcase_add_test(t, each_value_of_a_key_has_places_of_its_own);
	tcase_add_test(t, two_functions_have_places_of_their_own);
	tcase_add_test(t,
	    functions_share_the_places_of_a_value_in_a_larger_scope);
	tcase_add_test(t, both_of_two_limits_hold);
	tcase_add_test(t,
	    a_run_of_higher_priority_goes_before_others_that_wait);
	tcase_add_test(t,
	    a_place_that_the_first_one_cannot_take_goes_to_the_next);
	tcase_add_test(t, a_call_that_was_held_is_the_first_of_its_run);
	tcase_add_test(t, a_run_that_sleeps_takes_no_place);
	tcase_add_test(t, an_attempt_that_is_to_come_takes_no_place);
	tcase_add_test(t, steps_side_by_side_take_a_place_each);
	tcase_add_test(t, a_call_that_is_cancelled_gives_its_place_to_the_next);
	tcase_add_test(t,
	    a_run_that_was_let_go_and_is_cancelled_lets_the_next_go);
	tcase_add_test(t,
	    a_call_whose_engine_died_holds_its_place_until_its_lease_ends);
	tcase_add_test(t, an_engine_that_leaves_gives_its_places_to_another);
	tcase_add_test(t, a_limit_that_is_raised_lets_more_go);
	tcase_add_test(t, a_limit_that_is_no_more_holds_nobody);
	tcase_add_test(t, calls_of_others_are_not_kept_waiting_by_who_waits);
	tcase_add_loop_test(t,
	    by_chance_no_limit_is_passed_and_nobody_waits_for_ever, 0, 8);
	tcase_add_loop_test(t,
	    an_option_that_is_not_as_it_should_be_is_refused_by_name, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * Leases, fences and restarts; and a simulation from a seed.
 */
#include "enginetest.h"

static size_t recorded; /* calls that carried the step's memo */

static void
one_step(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	(void)c;
	if (!has(body, "aa")) {
		ops(r, "[{\"op\":\"StepRun\",\"id\":\"aa\",\"data\":1}]");
		return;
	}
	recorded++;
	r->body = "1";
}

static void
start(void)
{
	w.host = one_step;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
}

START_TEST(an_expired_lease_is_taken_over_with_the_attempt_refunded)
{
	struct hq_db *db;
	struct hq_engine *two;

	start();
	forget_calls(&w); /* and "one" is never seen again */
	db = store_open(w.path);
	two = engine_open(&w, db, "two", 64);
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 0);
	w.now_ms += LEASE_MS;
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_ptr_nonnull(strstr(w.calls[0].body, "\"attempt\":0,"));
	ck_assert_ptr_nonnull(strstr(w.calls[0].body, "\"generation_id\":2,"));
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

START_TEST(an_answer_after_the_lease_was_lost_is_dropped)
{
	struct fake_call stale;
	struct hq_db *db = NULL;
	struct hq_engine *two;

	start();
	stale = w.calls[0];
	w.n_calls = 0;
	db = store_open(w.path);
	two = engine_open(&w, db, "two", 64);
	w.now_ms += LEASE_MS;
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(w.n_calls, 1);
	answer_call(w.engine, &stale);
	turn();
	ck_assert_uint_eq(w.n_calls, 1); /* nothing new: it was not taken */
	ck_assert_uint_eq(hq_engine_inflight(w.engine), 0);
	answer_all(two);
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	answer_all(two);
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	ck_assert_uint_eq(recorded, 1);
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

START_TEST(a_call_whose_lease_was_lost_is_abandoned)
{
	struct hq_db *db;
	struct hq_engine *two;

	start();
	db = store_open(w.path);
	two = engine_open(&w, db, "two", 64);
	w.now_ms += LEASE_MS;
	ck_hq_ok(hq_engine_turn(two, &w.next_ms, &err));
	turn();
	ck_assert(w.calls[0].dropped);
	hq_engine_free(two);
	hq_db_close(db);
}
END_TEST

START_TEST(a_lease_is_renewed_while_its_call_is_in_flight)
{
	int i;

	start();
	for (i = 0; i < 10; i++) {
		ck_assert_int_le(w.next_ms, w.now_ms + LEASE_MS / 2);
		w.now_ms = w.next_ms;
		turn();
	}
	ck_assert_uint_eq(w.total, 1);
	ck_assert(!w.calls[0].dropped);
}
END_TEST

START_TEST(a_released_call_need_not_wait_for_its_lease)
{
	start();
	hq_engine_drain(w.engine);
	ck_hq_ok(hq_engine_release(w.engine, &err));
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "next", 64);
	turn();
	ck_assert_uint_eq(w.total, 2);
}
END_TEST

START_TEST(no_more_calls_are_in_flight_than_allowed)
{
	int i;

	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "small", 3);
	w.host = one_step;
	register_fns("[" FN("f", EVENT("t/go"), 0) "]");
	for (i = 0; i < 10; i++)
		send_event("t/go", NULL, "{}");
	turn();
	ck_assert_uint_eq(w.n_calls, 3);
	run_all();
	ck_assert_uint_eq(recorded, 10);
}
END_TEST

/* ---------------------------------------------------------- simulation -- */

enum { RUNS = 40, STEPS = 4, CHAOS = 3000 };

/* Who was told of the end of which run, by .finished [0] and .failed [1]. */
static struct telling {
	char run[40], by[40];
} tellings[2][RUNS];
static size_t told[2];

/* Lost answers bring a listener's call again; another run would be an end. */
static void
hear(size_t which, const struct fake_call *c, struct json_object *body)
{
	struct telling *v = tellings[which];
	const char *run;
	size_t i;

	run = hq_json_str(hq_json_get(hq_json_get(body, "event"), "data"),
	    "run_id");
	for (i = 0; i < told[which]; i++) {
		if (strcmp(v[i].run, run) != 0)
			continue;
		ck_assert_msg(strcmp(v[i].by, c->run) == 0, "%s ended twice",
		    run);
		return;
	}
	ck_assert_uint_lt(told[which], RUNS);
	snprintf(v[i].run, sizeof(v[i].run), "%s", run);
	snprintf(v[i].by, sizeof(v[i].by), "%s", c->run);
	told[which]++;
}

/* Told on the call's way: perhaps recorded, whatever becomes of the call. */
static void
tell_of(struct world *x, const struct fake_call *c, int step)
{
	char op[64];

	snprintf(op, sizeof(op),
	    "{\"op\":\"StepRun\",\"id\":\"s%d\",\"data\":%d}", step,
	    (int)(world_next(x) % 100000));
	hq_engine_checkpoint(x->engine, c->ticket, op, strlen(op));
}

/* s0..s3 in a row, s1 a sleep, and chance decides how the call goes. */
static void
chance(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	static char text[CALLS_MAX][256];
	static size_t at;
	char *s = text[at++ % CALLS_MAX];
	int first = 0;
	char id[16];

	if (IS_FN(c, "done")) {
		hear(0, c, body);
		return;
	}
	for (; first < STEPS; first++) {
		snprintf(id, sizeof(id), "s%d", first);
		if (!has(body, id))
			break;
	}
	if (first < STEPS && first != 1 && world_next(x) % 2 == 0)
		tell_of(x, c, first++);
	if (world_next(x) % 10 == 0) {
		r->what =
		    world_next(x) % 2 == 0 ? HQ_REPLY_DIED : HQ_REPLY_REFUSED;
		return;
	}
	if (first == STEPS) {
		r->body = "1";
		return;
	}
	snprintf(id, sizeof(id), "s%d", first);
	if (world_next(x) % 12 == 0)
		snprintf(s, 256,
		    "[{\"op\":\"StepError\",\"id\":\"%s\",\"error\":"
		    "{\"message\":\"m\"}}]",
		    id);
	else if (first == 1)
		snprintf(s, 256,
		    "[{\"op\":\"Sleep\",\"id\":\"%s\",\"name\":\"3s\"}"
		    "]",
		    id);
	else
		snprintf(s, 256,
		    "[{\"op\":\"StepRun\",\"id\":\"%s\",\"data\":%d}]", id,
		    (int)(world_next(x) % 100000));
	ops(r, s);
}

/* Some answers are lost, some come twice, sometimes the engine dies. */
static void
chaos(size_t turn_no, struct hq_engine **zombies, size_t *n_zombies)
{
	struct fake_call now[CALLS_MAX];
	size_t i, n = w.n_calls;
	char owner[32];

	memcpy(now, w.calls, n * sizeof(now[0]));
	w.n_calls = 0;
	for (i = 0; i < n; i++) {
		if (world_next(&w) % 25 == 0)
			now[i].dropped = true; /* lost */
		answer_call(w.engine, &now[i]);
		hq_engine_reply(w.engine, now[i].ticket,
		    &(struct hq_engine_reply){ .what = HQ_REPLY_DIED });
	}
	if (world_next(&w) % 100 == 0 && *n_zombies < 32) {
		snprintf(owner, sizeof(owner), "owner-%zu", turn_no);
		zombies[(*n_zombies)++] = w.engine;
		w.engine = engine_open(&w, w.db, owner, 16);
	}
	w.now_ms += (int64_t)(world_next(&w) % 400);
}

START_TEST(whatever_happens_every_run_ends_once)
{
	struct hq_engine *zombies[32];
	size_t n_zombies = 0, i;
	char id[16];

	w.seed = 0x9e3779b97f4a7c15ULL + (uint64_t)_i * 7919;
	w.host = chance;
	register_fns("[" FN("f", EVENT("t/go"), 3) "," FN("done",
	    EVENT("inngest/function.finished"), 20) "]");
	for (i = 0; i < RUNS; i++) {
		snprintf(id, sizeof(id), "e%zu", i);
		send_event("t/go", id, "{}");
		send_event("t/go", id, "{}");
	}
	for (i = 0; i < CHAOS && told[0] < RUNS; i++) {
		turn();
		chaos(i, zombies, &n_zombies);
	}
	for (i = 0; i < 100 && told[0] < RUNS; i++) {
		w.now_ms += LEASE_MS;
		turn();
		answer_all(w.engine);
	}
	ck_assert_uint_eq(told[0], RUNS);
	for (i = 0; i < n_zombies; i++)
		hq_engine_free(zombies[i]);
}
END_TEST

/* ------------------------------------------- simulation of what overflows -- */

enum { WIDE = 8, STATE = 2800, MEMORY = 128 << 10, LARGE = 300 << 10 };

static void
top(struct json_object *body, struct hq_engine_reply *r)
{
	static char plans[1024];
	struct json_object *v;
	bool is_there, failed = false;
	size_t i, n = 0, at = 0;
	char id[16];

	at += (size_t)sprintf(plans,
	    "[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":\"t/sig\","
	    "\"opts\":{\"timeout\":\"5s\",\"if\":"
	    "\"async.data.n == event.data.n\"}}");
	for (i = 0; i < WIDE; i++) {
		sprintf(id, "p%zu", i);
		v = memo(body, id, &is_there);
		n += is_there;
		failed |= is_there && hq_json_get(v, "error") != NULL;
		at += (size_t)sprintf(plans + at,
		    ",{\"op\":\"StepPlanned\",\"id\":\"%s\"}", id);
	}
	(void)strcpy(plans + at, "]");
	if (failed) {
		r->status = 500;
		r->no_retry = "true";
		r->body = "{\"message\":\"a step failed\"}";
	} else if (n == WIDE && has(body, "ww")) {
		r->body = "1";
	} else {
		ops(r, plans);
	}
}

/* Steps whose results are too much together, or each for itself. */
static void
overflow(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	static char texts[CALLS_MAX][1024], large[LARGE + 128];
	static size_t at;
	char *s = texts[at++ % CALLS_MAX];
	uint64_t dice = world_next(x) % 40;

	if (IS_FN(c, "done") || IS_FN(c, "failed")) {
		hear(IS_FN(c, "failed"), c, body);
	} else if (dice < 3) {
		r->what = dice == 0 ? HQ_REPLY_DIED : HQ_REPLY_REFUSED;
	} else if (strcmp(c->step, "step") == 0) {
		top(body, r);
	} else if (dice == 3) {
		snprintf(large, sizeof(large),
		    "[{\"op\":\"StepRun\",\"id\":\"%s\",\"data\":"
		    "\"%0*d\"}]",
		    c->step, LARGE, 0);
		ops(r, large);
	} else {
		snprintf(s, sizeof(texts[0]),
		    dice < 12 ? "[{\"op\":\"StepError\",\"id\":\"%s\","
				"\"error\":{\"message\":\"%0*d\"}}]"
			      : "[{\"op\":\"StepRun\",\"id\":\"%s\","
				"\"data\":\"%0*d\"}]",
		    c->step, 100 + (int)(world_next(x) % 600), 0);
		ops(r, s);
	}
}

START_TEST(whatever_overflows_every_run_ends_once)
{
	struct hq_engine *zombies[32];
	size_t n_zombies = 0, i;
	char data[32];

	w.seed = 0x9e3779b97f4a7c15ULL + (uint64_t)_i * 104729;
	w.host = overflow;
	w.state_bytes_max = STATE;
	w.memory_bytes = MEMORY;
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "first", 16);
	register_fns("[" FN("f", EVENT("t/go"), 1) "," FN("done",
	    EVENT("inngest/function.finished"),
	    20) "," FN("failed", EVENT("inngest/function.failed"), 20) "]");
	for (i = 0; i < RUNS; i++) {
		snprintf(data, sizeof(data), "{\"n\":%zu}", i % 3);
		send_event("t/go", NULL, data);
	}
	for (i = 0; i < CHAOS && told[0] < RUNS; i++) {
		if (i % 20 == 0) {
			snprintf(data, sizeof(data), "{\"n\":%zu}", i % 3);
			send_event("t/sig", NULL, data);
		}
		turn();
		chaos(i, zombies, &n_zombies);
	}
	for (i = 0; i < 100; i++) {
		w.now_ms += LEASE_MS;
		turn();
		answer_all(w.engine);
	}
	ck_assert_uint_eq(told[0], RUNS);
	ck_assert_uint_gt(told[1], 0);
	ck_assert_uint_lt(told[1], RUNS);
	for (i = 0; i < n_zombies; i++)
		hq_engine_free(zombies[i]);
}
END_TEST

static void
open_fresh(void)
{
	recorded = 0;
	memset(told, 0, sizeof(told));
	world_open();
}

int
main(void)
{
	Suite *s = suite_create("engine_lease");
	TCase *t = tcase_create("lease");

	tcase_add_checked_fixture(t, open_fresh, world_close);
	tcase_add_test(t,
	    an_expired_lease_is_taken_over_with_the_attempt_refunded);
	tcase_add_test(t, an_answer_after_the_lease_was_lost_is_dropped);
	tcase_add_test(t, a_call_whose_lease_was_lost_is_abandoned);
	tcase_add_test(t, a_lease_is_renewed_while_its_call_is_in_flight);
	tcase_add_test(t, a_released_call_need_not_wait_for_its_lease);
	tcase_add_test(t, no_more_calls_are_in_flight_than_allowed);
	tcase_add_loop_test(t, whatever_happens_every_run_ends_once, 0, 5);
	tcase_add_loop_test(t, whatever_overflows_every_run_ends_once, 0, 5);
	suite_add_tcase(s, t);
	return run_suite(s);
}

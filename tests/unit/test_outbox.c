/* Events on their way out: to an Inngest server, in order, none lost. */
#include "base/config.h"
#include "engine/limits.h"
#include "engine/outbox.h"
#include "enginetest.h"
#include "store/internal.h"

static struct hq_outgoings out;

static void
next(size_t most)
{
	ck_hq_ok(hq_outbox_next(w.db, most, arena, &out, &err));
}

/* "1 2 3": the ids under which events would go now. */
static void
ck_next(size_t most, const char *want)
{
	struct hq_buf b;
	size_t i;

	next(most);
	hq_buf_init(&b, arena);
	for (i = 0; i < out.n; i++)
		hq_buf_printf(&b, "%s%s", i == 0 ? "" : " ",
		    out.v[i].client_id);
	ck_assert_str_eq(hq_buf_str(&b), want);
}

static void
sent(void)
{
	ck_hq_ok(hq_outbox_sent(w.db, &out, &err));
}

static bool
park(const char *why)
{
	enum hq_outbox_where where;

	ck_hq_ok(hq_outbox_park(w.db, &w.env, &out.v[0], why, &where, &err));
	return where == HQ_OUTBOX_PARKED;
}

START_TEST(events_go_in_the_order_they_came_with_id_and_time)
{
	struct hq_event later = { .name = "t/b",
		.id = "2",
		.data = json("{\"b\":1}"),
		.ts_ms = INT64_C(1999999999999) };

	send_event("t/a", "1", "{\"a\":\"\\u00e9\"}");
	ck_hq_ok(hq_db_tx(w.db, send_tx, &later, &err));
	next(HQ_OUTBOX_EVENTS_MAX);
	ck_assert_str_eq(out.body,
	    "[{\"data\":{\"a\":\"\xc3\xa9\"},\"id\":\"1\",\"name\":\"t/a\","
	    "\"ts\":1795431217000},"
	    "{\"data\":{\"b\":1},\"id\":\"2\",\"name\":\"t/b\","
	    "\"ts\":1999999999999}]");
	ck_assert_uint_eq(out.body_bytes, strlen(out.body));
	ck_next(1, "1");
	sent();
	ck_next(HQ_OUTBOX_EVENTS_MAX, "2");
	sent();
	ck_next(HQ_OUTBOX_EVENTS_MAX, "");
}
END_TEST

START_TEST(an_event_without_an_id_goes_under_the_one_it_has_here)
{
	send_event("t/a", NULL, "{}");
	next(1);
	ck_assert_ptr_null(out.v[0].client_id);
	ck_assert_str_eq(hq_json_str(json_object_array_get_idx(json(out.body),
					 0),
			     "id"),
	    out.v[0].event);
}
END_TEST

START_TEST(a_request_is_not_larger_than_it_may_be_unless_one_event_is)
{
	char *text = hq_arena_alloc(arena, HQ_OUTBOX_BYTES_MAX + 1, 1);
	const char *half, *whole;

	memset(text, 'x', HQ_OUTBOX_BYTES_MAX);
	text[HQ_OUTBOX_BYTES_MAX] = '\0';
	half = hq_arena_printf(arena, "{\"x\":\"%.*s\"}",
	    HQ_OUTBOX_BYTES_MAX / 2 - 1000, text);
	whole = hq_arena_printf(arena, "{\"x\":\"%s\"}", text);
	send_event("t", "1", half);
	send_event("t", "2", half);
	send_event("t", "3", half);
	send_event("t", "4", whole);
	ck_next(HQ_OUTBOX_EVENTS_MAX, "1 2");
	ck_assert_uint_le(out.body_bytes, HQ_OUTBOX_BYTES_MAX);
	sent();
	ck_next(HQ_OUTBOX_EVENTS_MAX, "3");
	sent();
	ck_next(HQ_OUTBOX_EVENTS_MAX, "4");
}
END_TEST

/* The *arg-th instruction of the store fails. */
static int
stop_reading(void *arg)
{
	int *left = arg;

	return --*left == 0;
}

START_TEST(a_read_that_fails_is_not_the_end_of_the_events)
{
	enum hq_rc rc;
	int i, left = 0;

	send_event("t", "1", "{}");
	for (i = 1; left <= 0; i++) {
		left = i;
		sqlite3_progress_handler(w.db->h, 1, stop_reading, &left);
		rc = hq_outbox_next(w.db, 1, arena, &out, &err);
		sqlite3_progress_handler(w.db->h, 0, NULL, NULL);
		ck_assert_msg((rc == HQ_OK) == (left > 0), "instruction %d", i);
	}
	ck_assert_int_gt(i, 2);
	ck_assert_uint_eq(out.n, 1);
}
END_TEST

static const char *which; /* of the next three; or NULL */
static int moved;

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	(void)arg;
	return hq_event_cancel_runs(w.db, &w.env, which, e);
}

static enum hq_rc
resend_tx(void *arg, struct hq_err *e)
{
	(void)arg;
	return hq_outbox_resend(w.db, which, &moved, e);
}

static enum hq_rc
drop_tx(void *arg, struct hq_err *e)
{
	(void)arg;
	return hq_outbox_drop(w.db, which, &moved, e);
}

static void
with(hq_tx_fn *fn, const char *event)
{
	which = event;
	ck_hq_ok(hq_db_tx(w.db, fn, NULL, &err));
}

/* The store gives the number of the last row again. */
START_TEST(an_event_that_took_the_place_of_one_under_way_is_not_taken_for_it)
{
	send_event("t", "1", "{}");
	send_event("t", "2", "{}");
	ck_next(HQ_OUTBOX_EVENTS_MAX, "1 2");
	with(cancel_tx, "2");
	send_event("t", "3", "{}");
	sent();
	ck_next(HQ_OUTBOX_EVENTS_MAX, "3");
}
END_TEST

START_TEST(what_is_parked_lets_others_by_and_may_come_back)
{
	struct hq_parkeds p;
	struct hq_outbox_place at;

	send_event("t", "1", "{}");
	send_event("t", "2", "{}");
	next(1);
	ck_assert(park("too large"));
	ck_next(HQ_OUTBOX_EVENTS_MAX, "2");
	ck_hq_ok(hq_outbox_parked(w.db, arena, &p, &err));
	ck_assert_uint_eq(p.n, 1);
	ck_assert_str_eq(p.v[0].why, "too large");
	ck_hq_ok(hq_outbox_where(w.db, "1", arena, &at, &err));
	ck_assert_int_eq(at.where, HQ_OUTBOX_PARKED);
	ck_hq_ok(hq_outbox_where(w.db, "2", arena, &at, &err));
	ck_assert_int_eq(at.where, HQ_OUTBOX_WAITS);
	ck_hq_ok(hq_outbox_where(w.db, "3", arena, &at, &err));
	ck_assert_int_eq(at.where, HQ_OUTBOX_GONE);
}
END_TEST

START_TEST(an_event_that_was_cancelled_meanwhile_is_not_parked)
{
	struct hq_parkeds p;

	send_event("t", "1", "{}");
	next(1);
	with(cancel_tx, "1");
	send_event("t", "2", "{}");
	ck_assert(!park("no"));
	ck_hq_ok(hq_outbox_parked(w.db, arena, &p, &err));
	ck_assert_uint_eq(p.n, 0);
	ck_next(1, "2");
}
END_TEST

START_TEST(an_event_that_is_parked_is_not_parked_again)
{
	struct hq_parkeds p;

	send_event("t", "1", "{}");
	next(1);
	ck_assert(park("no"));
	ck_assert(!park("never"));
	ck_hq_ok(hq_outbox_parked(w.db, arena, &p, &err));
	ck_assert_uint_eq(p.n, 1);
	ck_assert_str_eq(p.v[0].why, "no");
}
END_TEST

START_TEST(one_event_is_sent_again_or_given_up_or_all_are)
{
	struct hq_parkeds p;
	int i;

	for (i = 0; i < 3; i++) {
		send_event("t", hq_arena_printf(arena, "%d", i), "{}");
		next(1);
		ck_assert(park("no"));
	}
	ck_hq_ok(hq_outbox_parked(w.db, arena, &p, &err));
	with(resend_tx, p.v[1].event);
	ck_assert_int_eq(moved, 1);
	ck_next(HQ_OUTBOX_EVENTS_MAX, "1");
	with(drop_tx, p.v[0].event);
	ck_assert_int_eq(moved, 1);
	with(resend_tx, NULL);
	ck_assert_int_eq(moved, 1);
	ck_next(HQ_OUTBOX_EVENTS_MAX, "1 2");
}
END_TEST

START_TEST(no_more_are_parked_than_may_be)
{
	struct hq_outbox_look look;
	int i;

	for (i = 0; i < HQ_OUTBOX_PARKED_MAX; i++) {
		send_event("t", "1", "{}");
		next(1);
		ck_assert(park("no"));
	}
	send_event("t", "1", "{}");
	next(1);
	ck_assert(!park("no"));
	ck_hq_ok(hq_outbox_look(w.db, arena, &look, &err));
	ck_assert_int_eq(look.parked, HQ_OUTBOX_PARKED_MAX);
	ck_assert_int_eq(look.waiting, 1);
	ck_assert_int_eq(look.oldest_ms, w.now_ms);
}
END_TEST

/* How much is forgotten, where a day is kept. */
static int64_t
sweep(void)
{
	struct hq_config config = { 0 };
	struct hq_retain r = { .db = w.db, .env = &w.env, .config = &config };
	bool more = true;

	config.i[HQ_SET_RAWR_RETAIN_RUNS] = 1;
	while (more)
		ck_hq_ok(hq_engine_retain(&r, &more, &err));
	return r.dropped;
}

START_TEST(a_parked_event_is_kept_however_old_it_is)
{
	struct hq_parkeds p;

	send_event("t", "1", "{}");
	next(1);
	ck_assert(park("no"));
	send_event("t", "2", "{}");
	next(1);
	sent();
	w.now_ms += 10 * HQ_ENGINE_DAY_MS;
	ck_assert_int_eq(sweep(), 1);
	ck_hq_ok(hq_outbox_parked(w.db, arena, &p, &err));
	ck_assert_uint_eq(p.n, 1);
}
END_TEST

/* It stands behind younger ones. */
START_TEST(an_event_that_is_sent_again_is_kept_however_old_it_is)
{
	send_event("t", "old", "{}");
	next(1);
	ck_assert(park("no"));
	w.now_ms += 3 * HQ_ENGINE_DAY_MS;
	send_event("t", "new", "{}");
	with(resend_tx, NULL);
	w.now_ms += 1000;
	ck_assert_int_eq(sweep(), 0);
	ck_next(HQ_OUTBOX_EVENTS_MAX, "new old");
	w.now_ms += 3 * HQ_ENGINE_DAY_MS;
	ck_assert_int_eq(sweep(), 0);
	ck_next(HQ_OUTBOX_EVENTS_MAX, "new old");
	sent();
	ck_assert_int_eq(sweep(), 2);
}
END_TEST

/* More than one call looks at. */
START_TEST(what_waits_is_kept_however_old_it_is_and_what_stands_among_it_goes)
{
	enum { N = 2 * HQ_RETAIN_DROP + 10 };
	struct hq_outbox_look look;
	int i;

	for (i = 0; i < N; i++)
		send_event("t", i % 100 == 0 ? "x" : NULL, "{}");
	with(cancel_tx, "x");
	w.now_ms += 3 * HQ_ENGINE_DAY_MS;
	ck_assert_int_eq(sweep(), (N + 99) / 100);
	ck_hq_ok(hq_outbox_look(w.db, arena, &look, &err));
	ck_assert_int_eq(look.waiting, N - (N + 99) / 100);
	ck_assert_int_eq(sweep(), 0);
}
END_TEST

START_TEST(trouble_stands_from_its_first_attempt_until_it_is_mended)
{
	struct hq_outbox_look look;
	int64_t since = w.now_ms;

	ck_hq_ok(hq_outbox_trouble(w.db, &w.env, "away", &err));
	w.now_ms += 1000;
	ck_hq_ok(hq_outbox_trouble(w.db, &w.env, "busy", &err));
	ck_hq_ok(hq_outbox_look(w.db, arena, &look, &err));
	ck_assert_int_eq(look.trouble_ms, since);
	ck_assert_str_eq(look.why, "busy");
	ck_hq_ok(hq_outbox_mended(w.db, &err));
	ck_hq_ok(hq_outbox_look(w.db, arena, &look, &err));
	ck_assert_int_eq(look.trouble_ms, 0);
	ck_assert_ptr_null(look.why);
}
END_TEST

/* They tell of runs that no server knows; our engine takes them one day. */
START_TEST(what_our_own_engine_told_of_its_runs_stays)
{
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", "0", "{}");
	turn();
	with(cancel_tx, "0");
	send_event("t", "1", "{}");
	next(HQ_OUTBOX_EVENTS_MAX);
	ck_assert_uint_eq(out.n, 1);
	ck_assert_str_eq(out.v[0].name, "t");
	sent();
	w.now_ms += 3 * HQ_ENGINE_DAY_MS;
	(void)sweep();
	send_event("t", "2", "{}");
	next(HQ_OUTBOX_EVENTS_MAX);
	sent();
	w.now_ms += 3 * HQ_ENGINE_DAY_MS;
	ck_assert_int_eq(sweep(), 1); /* it is in the way of no other */
	turn();                       /* and not lost */
}
END_TEST

/* ---------------------------------------------------------- looking back -- */

static const struct {
	const char *expression, *since_of;
	const char *want; /* id of what is found; or NULL */
} pasts[] = {
	{ "async.data.n == event.data.n", "1", "2" },
	{ "async.data.n == event.data.n", "3", "4" },
	{ "async.data.n == 9", "1", NULL },
	{ NULL, "3", "3" },
	{ "no expression (", "1", NULL },
};

START_TEST(the_first_event_since_then_that_matches_is_found)
{
	struct hq_past past = { .name = "t/past",
		.expression = pasts[_i].expression,
		.event = json("{\"id\":\"run\",\"data\":{\"n\":2}}") };
	struct json_object *found;
	int i;

	for (i = 1; i <= 4; i++) {
		const char *id = hq_arena_printf(arena, "%d", i);

		w.now_ms += 60 * 1000;
		if (strcmp(id, pasts[_i].since_of) == 0)
			past.since_ms = w.now_ms;
		send_event("t/other", NULL, "{\"n\":2}");
		send_event("t/past", "run", "{\"n\":2}");
		send_event("t/past", id, i % 2 ? "{\"n\":1}" : "{\"n\":2}");
	}
	ck_hq_ok(hq_event_past(w.db, &past, arena, &found, &err));
	if (pasts[_i].want == NULL)
		ck_assert_ptr_null(found);
	else
		ck_assert_str_eq(hq_json_str(found, "id"), pasts[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("outbox");
	TCase *t = tcase_create("outbox");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, events_go_in_the_order_they_came_with_id_and_time);
	tcase_add_test(t,
	    an_event_without_an_id_goes_under_the_one_it_has_here);
	tcase_add_test(t,
	    a_request_is_not_larger_than_it_may_be_unless_one_event_is);
	tcase_add_test(t, a_read_that_fails_is_not_the_end_of_the_events);
	tcase_add_test(t,
	    an_event_that_took_the_place_of_one_under_way_is_not_taken_for_it);
	tcase_add_test(t, what_is_parked_lets_others_by_and_may_come_back);
	tcase_add_test(t, an_event_that_was_cancelled_meanwhile_is_not_parked);
	tcase_add_test(t, an_event_that_is_parked_is_not_parked_again);
	tcase_add_test(t, one_event_is_sent_again_or_given_up_or_all_are);
	tcase_add_test(t, no_more_are_parked_than_may_be);
	tcase_add_test(t, a_parked_event_is_kept_however_old_it_is);
	tcase_add_test(t,
	    an_event_that_is_sent_again_is_kept_however_old_it_is);
	tcase_add_test(t,
	    what_waits_is_kept_however_old_it_is_and_what_stands_among_it_goes);
	tcase_add_test(t,
	    trouble_stands_from_its_first_attempt_until_it_is_mended);
	tcase_add_test(t, what_our_own_engine_told_of_its_runs_stays);
	tcase_add_loop_test(t, the_first_event_since_then_that_matches_is_found,
	    0, (int)(sizeof(pasts) / sizeof(pasts[0])));
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * Sleeps, waits for events, cron ticks.
 */
#include "enginetest.h"

static const char *const none[] = { NULL };
static const char *const pin_sql[] = {
	"SELECT wait_path || '=' || wait_value FROM engine_job"
	" WHERE wait_event IS NOT NULL",
	NULL,
};
static const struct hq_module pin_store = { .name = "test_pin",
	.migrations = none,
	.sql = pin_sql };

static void
waiting(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	bool any;
	struct json_object *v = memo(body, "ww", &any);

	(void)x;
	(void)c;
	if (!any) {
		ops(r,
		    "[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":"
		    "\"t/resume\",\"opts\":{\"timeout\":\"1h\",\"if\":"
		    "\"event.data.id == async.data.id\"}}]");
		return;
	}
	note_event(v);
}

static void
start_waiting(void)
{
	start_one(waiting, "{\"id\":7}");
	run_all();
}

START_TEST(an_event_that_fits_resumes_a_wait)
{
	start_waiting();
	send_event("t/resume", NULL, "{\"id\":8}");
	run_all();
	ck_assert_str_eq(notes, "");
	send_event("t/resume", NULL, "{\"id\":7}");
	run_all();
	ck_assert_str_eq(notes, "{\"id\":7};");
}
END_TEST

START_TEST(a_wait_that_an_event_resumes_is_counted)
{
	start_waiting();
	send_event("t/resume", NULL, "{\"id\":7}");
	run_all();
	ck_assert_int_eq(hq_engine_counts(w.engine)[HQ_COUNT_STEPS], 1);
}
END_TEST

START_TEST(a_wait_without_its_event_ends_with_null)
{
	start_waiting();
	pass(3600000);
	ck_assert_str_eq(notes, "null;");
}
END_TEST

START_TEST(of_event_and_timeout_exactly_one_wins)
{
	start_waiting();
	w.now_ms += 3600000;
	send_event("t/resume", NULL, "{\"id\":7}");
	send_event("t/resume", NULL, "{\"id\":7,\"n\":2}");
	run_all();
	ck_assert_str_eq(notes, "{\"id\":7};");
}
END_TEST

/* ------------------------------------------------------------------ pins -- */

#define LONG \
	"0123456789012345678901234567890123456789012345678901234567890123456" \
	"789012345678901234567890123456789012345678901234567890123456789012"

/* Waits by what they compare; the trigger's data is {"id": "x", "n": 7}. */
static const struct pin_row {
	const char *expression;
	const char *pin;         /* "path=value"; "=": any event is looked at */
	const char *met, *unmet; /* data of events */
} pin_rows[] = {
	{ "async.data.id == 'x'", "data.id=x", "{'id':'x'}", "{'id':'y'}" },
	{ "async.data.id == event.data.id", "data.id=x", "{'id':'x'}",
	    "{'id':['x']}" },
	{ "event.data.id == async.data.id", "data.id=x", "{'id':'x'}", "{}" },
	{ "async.data.n > 1 && async.data.id == 'x'", "data.id=x",
	    "{'id':'x','n':2}", "{'id':'x','n':1}" },
	{ "async.data.id == 'x' && async.data.n > 1", "data.id=x",
	    "{'id':'x','n':2}", "{'id':'y','n':2}" },
	{ "async.data.id == 'a' + event.data.id", "data.id=ax", "{'id':'ax'}",
	    "{'id':'x'}" },
	{ "async.data.a.b.c == 'x'", "data.a.b.c=x", "{'a':{'b':{'c':'x'}}}",
	    "{'a':'x'}" },
	{ "async.name == 't/resume'", "name=t/resume", "{}", NULL },
	{ "async.data.id == 'x' || async.data.n == 1", "=", "{'n':1}",
	    "{'n':2}" },
	{ "!(async.data.id == 'x')", "=", "{'id':'y'}", "{'id':'x'}" },
	{ "async.data.id != 'x'", "=", "{'id':'y'}", "{'id':'x'}" },
	{ "(async.data.id == 'x') == false", "=", "{'id':'y'}", "{'id':'x'}" },
	{ "async.data.id == event.data.n", "=", "{'id':7}", "{'id':'7'}" },
	{ "async.data.id == event.data.none", "=", "{}", "{'id':'x'}" },
	{ "async.data.id == async.data.other", "=", "{'id':'q','other':'q'}",
	    "{'id':'q'}" },
	{ "async.data['id'] == 'x'", "=", "{'id':'x'}", "{'id':'y'}" },
	{ "async == 'x' || true", "=", "{}", NULL },
	{ "async.data.id == '" LONG "'", "=", "{'id':'" LONG "'}",
	    "{'id':'x'}" },
};

static const struct pin_row *pinned;

static void
waiting_by_pin(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	(void)x;
	(void)c;
	if (!has(body, "ww"))
		ops(r,
		    hq_arena_printf(arena,
			"[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":"
			"\"t/resume\",\"opts\":{\"timeout\":\"1h\",\"if\":\"%s\"}}]",
			pinned->expression));
	else
		strcat(notes, "met;");
}

/* With ' for ". */
static const char *
quoted(const char *text)
{
	char *s = hq_arena_copy(arena, text, strlen(text)), *p;

	for (p = s; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return s;
}

static struct hq_db *looking;

static enum hq_rc
read_pin(void *arg, struct hq_err *e)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(looking, &pin_store, 0, HQ_NO_BIND, &row, e));
	ck_assert(hq_cursor_next(&row));
	*(const char **)arg = hq_cursor_text(&row, 0, arena);
	return HQ_OK;
}

START_TEST(a_wait_is_found_by_what_it_pins_down)
{
	static const struct hq_module *const modules[] = { &hq_engine_store,
		&pin_store, NULL };
	struct hq_db_opts o = { .path = w.path, .modules = modules };
	const char *pin;

	pinned = &pin_rows[_i];
	start_one(waiting_by_pin, "{\"id\":\"x\",\"n\":7}");
	run_all();
	ck_hq_ok(hq_db_open(&o, &looking, &err));
	ck_hq_ok(hq_db_read(looking, read_pin, &pin, &err));
	hq_db_close(looking);
	ck_assert_str_eq(pin, pinned->pin);
	if (pinned->unmet != NULL) {
		send_event("t/resume", NULL, quoted(pinned->unmet));
		run_all();
		ck_assert_str_eq(notes, "");
	}
	send_event("t/resume", NULL, quoted(pinned->met));
	run_all();
	ck_assert_str_eq(notes, "met;");
}
END_TEST

START_TEST(an_event_resumes_all_waits_whatever_they_are_found_by)
{
	static const struct pin_row rows[] = {
		{ "async.data.id == 'x'", NULL, NULL, NULL },
		{ "async.data.key == 'k'", NULL, NULL, NULL },
		{ "async.data.n == 7", NULL, NULL, NULL },
	};
	size_t i;

	w.host = waiting_by_pin;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	for (i = 0; i < 3 * 50; i++) {
		pinned = &rows[i % 3];
		send_event("t/go", NULL, "{}");
		run_all();
	}
	send_event("t/resume", NULL, "{\"id\":\"x\",\"key\":1,\"n\":7}");
	run_all();
	ck_assert_uint_eq(strlen(notes), 100 * strlen("met;"));
	send_event("t/resume", NULL, "{\"key\":\"k\"}");
	run_all();
	ck_assert_uint_eq(strlen(notes), 150 * strlen("met;"));
}
END_TEST

/* Waits, from the time in its trigger's data on, for an event n > 1. */
static void
looking_back(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	struct json_object *event = hq_json_get(body, "event");
	long long since =
	    (long long)hq_json_i64(hq_json_get(event, "data"), "since", 0);
	bool any;
	struct json_object *v = memo(body, "ww", &any);

	(void)x;
	(void)c;
	if (!any) {
		ops(r,
		    hq_arena_printf(arena,
			"[{\"op\":\"WaitForEvent\",\"id\":\"ww\",\"name\":"
			"\"t/resume\",\"opts\":{\"timeout\":\"1h\",\"if\":"
			"\"async.data.n > 1\",\"sinceMs\":%lld}}]",
			since));
		return;
	}
	note_event(v);
}

static void
look_back_from(int64_t since_ms)
{
	start_one(looking_back,
	    hq_arena_printf(arena, "{\"since\":%lld}", (long long)since_ms));
	run_all();
}

START_TEST(a_wait_that_looks_back_takes_the_oldest_event_that_fits)
{
	int64_t then = w.now_ms;

	send_event("t/resume", NULL, "{\"n\":1}");
	send_event("t/other", NULL, "{\"n\":2}");
	w.now_ms += 60000;
	send_event("t/resume", NULL, "{\"n\":3}");
	w.now_ms += 60000;
	send_event("t/resume", NULL, "{\"n\":4}");
	look_back_from(then);
	ck_assert_str_eq(notes, "{\"n\":3};");
	send_event("t/resume", NULL, "{\"n\":5}");
	run_all();
	ck_assert_str_eq(notes, "{\"n\":3};");
}
END_TEST

START_TEST(a_wait_does_not_look_back_beyond_its_time)
{
	send_event("t/resume", NULL, "{\"n\":2}");
	w.now_ms += 100;
	look_back_from(w.now_ms);
	ck_assert_str_eq(notes, "");
	send_event("t/resume", NULL, "{\"n\":3}");
	run_all();
	ck_assert_str_eq(notes, "{\"n\":3};");
}
END_TEST

START_TEST(a_wait_takes_an_event_that_stands_behind_it_in_the_same_turn)
{
	start_one(looking_back, "{\"since\":0}");
	turn();
	send_event("t/resume", NULL, "{\"n\":2}");
	run_all();
	ck_assert_str_eq(notes, "{\"n\":2};");
}
END_TEST

static void
sleeping(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	(void)c;
	if (!has(body, "zz"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"90m\"}]");
	else
		strcat(notes, "awake");
}

START_TEST(a_sleep_lasts_as_long_as_it_says)
{
	start_one(sleeping, "{}");
	run_all();
	ck_assert_int_eq(w.next_ms, w.now_ms + 5400000);
	pass(5399999);
	ck_assert_str_eq(notes, "");
	pass(1);
	ck_assert_str_eq(notes, "awake");
}
END_TEST

static void
ticking(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	struct json_object *e = hq_json_get(body, "event");

	(void)x;
	(void)c;
	(void)r;
	snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%.16s;",
	    hq_json_str(e, "id"));
}

START_TEST(a_cron_tick_starts_one_run)
{
	w.host = ticking;
	register_fns("[" FN("f", "{\"cron\":\"*/5 * * * *\"}", 0) "]");
	run_all();
	ck_assert_str_eq(notes, "");
	w.now_ms = w.next_ms;
	run_all();
	run_all();
	ck_assert_uint_eq(w.total, 1);
	ck_assert_str_eq(notes, "2026-11-23T10:55;");
}
END_TEST

START_TEST(missed_ticks_are_made_up_for_by_one_run)
{
	w.host = ticking;
	register_fns("[" FN("f", "{\"cron\":\"*/5 * * * *\"}", 0) "]");
	run_all();
	pass(7200000);
	ck_assert_uint_eq(w.total, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_wait");
	TCase *t = tcase_create("wait");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t, an_event_that_fits_resumes_a_wait);
	tcase_add_test(t, a_wait_without_its_event_ends_with_null);
	tcase_add_test(t, a_wait_that_an_event_resumes_is_counted);
	tcase_add_test(t, of_event_and_timeout_exactly_one_wins);
	tcase_add_test(t,
	    a_wait_that_looks_back_takes_the_oldest_event_that_fits);
	tcase_add_loop_test(t, a_wait_is_found_by_what_it_pins_down, 0,
	    (int)(sizeof(pin_rows) / sizeof(pin_rows[0])));
	tcase_add_test(t,
	    an_event_resumes_all_waits_whatever_they_are_found_by);
	tcase_add_test(t, a_wait_does_not_look_back_beyond_its_time);
	tcase_add_test(t,
	    a_wait_takes_an_event_that_stands_behind_it_in_the_same_turn);
	tcase_add_test(t, a_sleep_lasts_as_long_as_it_says);
	tcase_add_test(t, a_cron_tick_starts_one_run);
	tcase_add_test(t, missed_ticks_are_made_up_for_by_one_run);
	suite_add_tcase(s, t);
	return run_suite(s);
}

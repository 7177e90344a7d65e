/* The last event starts a run, when no other has come for a while. */
#include "optiontest.h"

#include "engine/limits.h"

#define SECOND 1000
#define DEBOUNCE(more) "\"debounce\":{\"period\":\"10s\"" more "},"

static void
noting_f(const char *options)
{
	w.host = noting;
	register_fns(
	    hq_arena_printf(arena, "[" FN_WITH("f", "%s") "]", options));
}

START_TEST(the_last_event_starts_a_run_after_the_silence)
{
	noting_f(DEBOUNCE());
	go("{\"n\":1}");
	pass(9999);
	go("{\"n\":2}");
	pass(9999);
	ck_assert_str_eq(notes, "");
	ck_assert_int_eq(w.next_ms, w.now_ms + 1);
	pass(1);
	ck_assert_str_eq(notes, "f:2;");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:2;");
	ck_assert_int_eq(w.next_ms, INT64_MAX);
	go("{\"n\":3}");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:2;f:3;");
}
END_TEST

START_TEST(it_starts_no_later_than_its_timeout_behind_the_first)
{
	int i;

	noting_f(DEBOUNCE(",\"timeout\":\"25s\""));
	for (i = 1; i <= 5; i++) {
		go(hq_arena_printf(arena, "{\"n\":%d}", i));
		pass(5 * SECOND);
	}
	ck_assert_str_eq(notes, "f:5;");
}
END_TEST

START_TEST(each_value_of_a_key_has_a_silence_of_its_own)
{
	noting_f(DEBOUNCE(",\"key\":\"event.data.k\""));
	go("{\"n\":1,\"k\":1}");
	pass(5 * SECOND);
	go("{\"n\":2,\"k\":2}");
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;");
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:1;f:2;");
}
END_TEST

START_TEST(an_event_that_is_sent_again_changes_nothing)
{
	noting_f(DEBOUNCE());
	send_event("t/go", "one", "{\"n\":1}");
	run_all();
	send_event("t/go", "two", "{\"n\":2}");
	run_all();
	pass(5 * SECOND);
	send_event("t/go", "one", "{\"n\":1}");
	run_all();
	pass(5 * SECOND);
	ck_assert_str_eq(notes, "f:2;");
	send_event("t/go", "two", "{\"n\":2}");
	run_all();
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:2;");
}
END_TEST

START_TEST(what_was_counted_when_it_came_is_not_counted_again)
{
	noting_f(DEBOUNCE() "\"rateLimit\":{\"limit\":1,\"period\":\"1h\"},");
	go("{\"n\":1}");
	go("{\"n\":2}");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(an_engine_that_comes_later_starts_it)
{
	noting_f(DEBOUNCE());
	go("{\"n\":1}");
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "two", 64);
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(a_clock_that_is_set_back_puts_it_not_off)
{
	noting_f(DEBOUNCE());
	go("{\"n\":1}");
	w.now_ms -= HQ_ENGINE_DAY_MS;
	run_all();
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(a_function_that_asks_for_it_no_more_is_started_all_the_same)
{
	noting_f(DEBOUNCE());
	go("{\"n\":1}");
	noting_f("");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

START_TEST(a_function_that_is_removed_is_not_started)
{
	noting_f(DEBOUNCE());
	go("{\"n\":1}");
	register_fns("[]");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "");
	ck_assert_int_eq(w.next_ms, INT64_MAX);
}
END_TEST

START_TEST(its_event_is_kept_until_then)
{
	struct hq_config config = { 0 };
	struct hq_retain r = { .db = w.db, .env = &w.env, .config = &config };
	bool more = true;

	config.i[HQ_SET_RAWR_RETAIN_RUNS] = 1;
	w.host = noting;
	register_fns("[" FN_WITH("f", "\"debounce\":{\"period\":\"7d\"},") "]");
	go("{\"n\":1}");
	w.now_ms += 7 * HQ_ENGINE_DAY_MS;
	while (more)
		ck_hq_ok(hq_engine_retain(&r, &more, &err));
	run_all();
	ck_assert_str_eq(notes, "f:1;");
}
END_TEST

/* caller invokes f with its own n. */
static void
invoking(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	int n = n_of(body);

	if (!caller_invokes(c, body, hq_arena_printf(arena, "{\"n\":%d}", n),
		hq_arena_printf(arena, "%d ", n), r))
		noting(x, c, body, r);
}

START_TEST(who_invoked_it_before_the_last_is_told)
{
	w.host = invoking;
	register_fns("[" CALLER "," FN_WITH("f", DEBOUNCE()) "]");
	send_event("t/call", NULL, "{\"n\":1}");
	run_all();
	send_event("t/call", NULL, "{\"n\":2}");
	run_all();
	ck_assert_str_eq(notes,
	    "1 {\"error\":{\"message\":\"invoked function is debounced\","
	    "\"name\":\"Error\"}};");
	notes[0] = '\0';
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "f:2;2 {\"data\":null};");
}
END_TEST

START_TEST(who_invoked_it_is_told_that_it_needs_too_much_memory)
{
	w.host = invoking_large;
	register_fns("[" CALLER "," FN_WITH("f", DEBOUNCE() LARGE_KEY) "]");
	send_event("t/call", NULL, "{}");
	run_all();
	pass(10 * SECOND);
	ck_assert_str_eq(notes, TOO_LARGE);
	ck_assert_int_eq(w.next_ms, INT64_MAX);
}
END_TEST

/* ---------------------------------------------------------- registration -- */

static const struct {
	const char *options, *said;
} wrong[] = {
	{ "\"debounce\":\"10s\",", "debounce: period: not a duration" },
	{ "\"debounce\":{\"period\":\"8d\"},", "period: not" },
	{ DEBOUNCE(",\"timeout\":1"), "timeout: not a duration" },
	{ DEBOUNCE(",\"key\":\"event.\""), "key: " },
};

START_TEST(an_option_that_is_not_as_it_should_be_is_refused_by_name)
{
	refuses(wrong[_i].options, wrong[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_debounce");
	TCase *t = tcase_create("debounce");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t, the_last_event_starts_a_run_after_the_silence);
	tcase_add_test(t, it_starts_no_later_than_its_timeout_behind_the_first);
	tcase_add_test(t, each_value_of_a_key_has_a_silence_of_its_own);
	tcase_add_test(t, an_event_that_is_sent_again_changes_nothing);
	tcase_add_test(t, what_was_counted_when_it_came_is_not_counted_again);
	tcase_add_test(t, a_clock_that_is_set_back_puts_it_not_off);
	tcase_add_test(t, an_engine_that_comes_later_starts_it);
	tcase_add_test(t,
	    a_function_that_asks_for_it_no_more_is_started_all_the_same);
	tcase_add_test(t, a_function_that_is_removed_is_not_started);
	tcase_add_test(t, its_event_is_kept_until_then);
	tcase_add_test(t, who_invoked_it_before_the_last_is_told);
	tcase_add_test(t, who_invoked_it_is_told_that_it_needs_too_much_memory);
	tcase_add_loop_test(t,
	    an_option_that_is_not_as_it_should_be_is_refused_by_name, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}

/* Events that start a function together. */
#include "optiontest.h"

#include "base/ids.h"
#include "engine/api.h"
#include "engine/limits.h"

#define SECOND 1000
#define BATCH(more) \
	"\"batchEvents\":{\"maxSize\":3,\"timeout\":\"10s\"" more "},"

/* Notes the n of the event and of all events: "1:123;". */
static void
noting_all(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	struct json_object *list = hq_json_get(body, "events"), *e;
	size_t i;

	(void)x;
	(void)c;
	(void)r;
	e = hq_json_get(hq_json_get(body, "event"), "data");
	snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes),
	    "%d:", (int)hq_json_i64(e, "n", 0));
	for (i = 0; i < json_object_array_length(list); i++) {
		e = hq_json_get(json_object_array_get_idx(list, i), "data");
		snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes),
		    "%d", (int)hq_json_i64(e, "n", 0));
	}
	strcat(notes, ";");
}

static void
noting_f(const char *options)
{
	w.host = noting_all;
	register_fns(
	    hq_arena_printf(arena, "[" FN_WITH("f", "%s") "]", options));
}

START_TEST(a_run_begins_with_as_many_events_as_it_may)
{
	int i;

	noting_f(BATCH());
	for (i = 1; i <= 7; i++)
		go(hq_arena_printf(arena, "{\"n\":%d}", i));
	ck_assert_str_eq(notes, "1:123;4:456;");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:123;4:456;7:7;");
	ck_assert_int_eq(w.next_ms, INT64_MAX);
}
END_TEST

START_TEST(a_run_begins_with_those_there_are_when_the_time_has_come)
{
	noting_f(BATCH());
	go("{\"n\":1}");
	pass(5 * SECOND);
	go("{\"n\":2}");
	pass(5 * SECOND - 1);
	ck_assert_str_eq(notes, "");
	ck_assert_int_eq(w.next_ms, w.now_ms + 1);
	pass(1);
	ck_assert_str_eq(notes, "1:12;");
}
END_TEST

START_TEST(each_value_of_a_key_has_a_batch_of_its_own)
{
	noting_f(BATCH(",\"key\":\"event.data.k\""));
	go("{\"n\":1,\"k\":1}");
	go("{\"n\":2,\"k\":2}");
	go("{\"n\":3,\"k\":1}");
	go("{\"n\":4,\"k\":1}");
	ck_assert_str_eq(notes, "1:134;");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:134;2:2;");
}
END_TEST

START_TEST(an_event_that_is_not_wanted_in_it_starts_a_run_alone)
{
	noting_f(BATCH(",\"if\":\"event.data.n > 1\""));
	go("{\"n\":2}");
	go("{\"n\":1}");
	ck_assert_str_eq(notes, "1:1;");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:1;2:2;");
}
END_TEST

START_TEST(an_event_that_is_sent_again_is_in_it_once)
{
	noting_f(BATCH());
	send_event("t/go", "one", "{\"n\":1}");
	send_event("t/go", "one", "{\"n\":1}");
	run_all();
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:1;");
	send_event("t/go", "one", "{\"n\":1}");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:1;");
}
END_TEST

/* data of these bytes, more or less. */
static void
go_large(int n, int bytes)
{
	char *pad = malloc((size_t)bytes + 1);
	struct hq_event e = { .name = "t/go" };

	ck_assert_ptr_nonnull(pad);
	memset(pad, 'x', (size_t)bytes);
	pad[bytes] = '\0';
	e.data =
	    json(hq_arena_printf(arena, "{\"n\":%d,\"pad\":\"%s\"}", n, pad));
	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
	run_all();
	free(pad);
}

START_TEST(a_batch_holds_no_more_than_an_event_may)
{
	noting_f(BATCH());
	go_large(1, 2 << 20);
	go_large(2, 500000);
	ck_assert_str_eq(notes, "");
	go_large(3, 1000000);
	ck_assert_str_eq(notes, "1:12;");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:12;3:3;");
}
END_TEST

START_TEST(an_engine_that_comes_later_starts_it)
{
	noting_f(BATCH());
	go("{\"n\":1}");
	go("{\"n\":2}");
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "two", 64);
	go("{\"n\":3}");
	ck_assert_str_eq(notes, "1:123;");
}
END_TEST

START_TEST(a_function_that_asks_for_it_no_more_is_started_all_the_same)
{
	noting_f(BATCH());
	go("{\"n\":1}");
	noting_f("");
	go("{\"n\":2}");
	ck_assert_str_eq(notes, "2:2;");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "2:2;1:1;");
}
END_TEST

START_TEST(a_function_without_options_by_then_is_given_all_of_it)
{
	noting_f(BATCH());
	go("{\"n\":1}");
	go("{\"n\":2}");
	noting_f("");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:12;");
}
END_TEST

START_TEST(a_function_that_is_removed_is_not_started)
{
	noting_f(BATCH());
	go("{\"n\":1}");
	register_fns("[]");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "");
	noting_f(BATCH());
	go("{\"n\":2}");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "2:2;");
}
END_TEST

START_TEST(a_rate_limit_counts_batches)
{
	int i;

	noting_f(BATCH() "\"rateLimit\":{\"limit\":1,\"period\":\"1h\"},");
	for (i = 1; i <= 6; i++)
		go("{\"n\":1}");
	ck_assert_str_eq(notes, "1:111;");
}
END_TEST

/* ------------------------------------------------------------- invokers -- */

/* caller invokes f with its own n. */
static void
invoking(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	const char *data = hq_arena_printf(arena, "{\"n\":%d}", n_of(body));

	if (caller_invokes(c, body, data, "", r))
		return;
	noting_all(x, c, body, r);
	r->body = "\"done\"";
}

START_TEST(all_who_invoked_with_its_events_get_the_result)
{
	w.host = invoking;
	register_fns("[" CALLER "," FN_WITH("f", BATCH()) "]");
	send_event("t/call", NULL, "{\"n\":1}");
	run_all();
	go("{\"n\":2}");
	ck_assert_str_eq(notes, "");
	send_event("t/call", NULL, "{\"n\":3}");
	run_all();
	ck_assert_str_eq(notes,
	    "1:123;{\"data\":\"done\"};{\"data\":\"done\"};");
}
END_TEST

START_TEST(all_who_invoked_a_function_that_is_removed_are_told)
{
	w.host = invoking;
	register_fns("[" CALLER "," FN_WITH("f", BATCH()) "]");
	send_event("t/call", NULL, "{\"n\":1}");
	run_all();
	register_fns("[" CALLER "]");
	pass(10 * SECOND);
	ck_assert_str_eq(notes,
	    "{\"error\":{\"message\":\"invoked function is removed\","
	    "\"name\":\"Error\"}};");
}
END_TEST

/* A batch that has waited, and one that is full; nothing of it is left. */
START_TEST(all_who_invoked_are_told_that_it_needs_too_much_memory)
{
	w.host = invoking_large;
	register_fns("[" CALLER "," FN_WITH("f", BATCH() LARGE_KEY) "]");
	send_event("t/call", NULL, "{}");
	run_all();
	if (_i == 0)
		pass(10 * SECOND);
	go("{\"n\":2}");
	go("{\"n\":3}");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, _i == 0 ? TOO_LARGE "f:2;" : TOO_LARGE);
	ck_assert_int_eq(w.next_ms, INT64_MAX);
}
END_TEST

/* invoking(), but f sleeps, so that a run of it is open. */
static void
invoking_a_sleeper(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	if (IS_FN(c, "caller"))
		invoking(x, c, body, r);
	else if (!has(body, "zz"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"3d\"}]");
}

START_TEST(all_who_invoked_what_is_a_singleton_by_then_are_told)
{
	w.host = invoking_a_sleeper;
	register_fns("[" CALLER "," FN_WITH("f", BATCH()) "]");
	send_event("t/call", NULL, "{\"n\":1}");
	run_all();
	register_fns("[" CALLER "," FN_WITH("f",
	    "\"singleton\":{\"mode\":\"skip\"},") "]");
	go("{\"n\":2}");
	pass(10 * SECOND);
	ck_assert_str_eq(notes,
	    "{\"error\":{\"message\":\"invoked function is not started\","
	    "\"name\":\"Error\"}};");
}
END_TEST

START_TEST(a_batch_of_what_is_debounced_by_then_is_started_in_its_time)
{
	w.host = invoking;
	register_fns("[" CALLER "," FN_WITH("f", BATCH()) "]");
	send_event("t/call", NULL, "{\"n\":1}");
	run_all();
	register_fns("[" CALLER
		     "," FN_WITH("f", "\"debounce\":{\"period\":\"1m\"},") "]");
	pass(10 * SECOND);
	ck_assert_str_eq(notes, "1:1;{\"data\":\"done\"};");
	go("{\"n\":2}");
	pass(60 * SECOND);
	ck_assert_str_eq(notes, "1:1;{\"data\":\"done\"};2:2;");
}
END_TEST

/* ----------------------------------------------------------- afterwards -- */

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

static char ids[3][HQ_ULID_BYTES];

static enum hq_rc
send_three(void *arg, struct hq_err *e)
{
	struct hq_event v = { .name = "t/go", .data = arg };
	int i;

	for (i = 0; i < 3; i++)
		HQ_TRY(hq_event_send(w.db, &w.env, &v, ids[i], arena, e));
	return HQ_OK;
}

START_TEST(each_of_its_events_tells_of_the_run)
{
	struct hq_run_looks looks;
	const char *events;
	int i;

	noting_f(BATCH());
	ck_hq_ok(hq_db_tx(w.db, send_three, json("{\"n\":1}"), &err));
	run_all();
	for (i = 0; i < 3; i++) {
		ck_hq_ok(hq_runs_look(w.db, ids[i], arena, &looks, &err));
		ck_assert_uint_eq(looks.n, 1);
		ck_assert_str_eq(looks.v[0].event, ids[0]);
	}
	ck_hq_ok(hq_run_events(w.db, looks.v[0].id, arena, &events, &err));
	ck_assert_uint_eq(json_object_array_length(json(events)), 3);
}
END_TEST

START_TEST(what_its_time_starts_is_counted)
{
	noting_f(BATCH());
	go("{\"n\":1}");
	pass(10 * SECOND);
	ck_assert_int_eq(hq_engine_counts(w.engine)[HQ_COUNT_STARTED], 1);
}
END_TEST

static void
sleeping(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	if (!has(body, "zz"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"zz\",\"name\":\"3d\"}]");
	else
		noting_all(x, c, body, r);
}

START_TEST(its_events_are_kept_while_its_run_is_open)
{
	noting_f(BATCH());
	w.host = sleeping;
	ck_hq_ok(hq_db_tx(w.db, send_three, json("{\"n\":1}"), &err));
	run_all();
	w.now_ms += 2 * HQ_ENGINE_DAY_MS;
	sweep();
	pass(HQ_ENGINE_DAY_MS);
	ck_assert_str_eq(notes, "1:111;");
}
END_TEST

START_TEST(its_events_are_kept_as_long_as_its_run_and_no_longer)
{
	struct hq_run_looks looks;
	const char *event;

	noting_f("\"batchEvents\":{\"maxSize\":3,\"timeout\":\"10m\"},");
	ck_hq_ok(hq_db_tx(w.db, send_three, json("{\"n\":1}"), &err));
	run_all();
	w.now_ms += HQ_ENGINE_DAY_MS;
	sweep();
	ck_hq_ok(hq_event_look(w.db, ids[2], arena, &event, &err));
	w.now_ms += HQ_ENGINE_DAY_MS;
	sweep();
	ck_hq_ok(hq_runs_look(w.db, ids[2], arena, &looks, &err));
	ck_assert_uint_eq(looks.n, 0);
	ck_assert_int_eq(hq_event_look(w.db, ids[2], arena, &event, &err),
	    HQ_E_NOT_FOUND);
}
END_TEST

/* ---------------------------------------------------------- registration -- */

static const struct {
	const char *options, *said;
} wrong[] = {
	{ "\"batchEvents\":3,", "batchEvents: maxSize: not a whole number" },
	{ "\"batchEvents\":{\"maxSize\":101,\"timeout\":\"1s\"},", "to 100" },
	{ "\"batchEvents\":{\"maxSize\":2},", "timeout: not a duration" },
	{ "\"batchEvents\":{\"maxSize\":2,\"timeout\":\"11m\"},", "600 s" },
	{ BATCH(",\"key\":7"), "key: not a string" },
	{ BATCH(",\"if\":\"event.data.n >\""), "if: " },
	{ BATCH() "\"cancel\":[{\"event\":\"x\"}],",
	    "batchEvents: not together with cancelOn" },
	{ BATCH() "\"debounce\":{\"period\":\"1s\"},", "with debounce" },
	{ BATCH() "\"singleton\":{\"mode\":\"skip\"},", "with singleton" },
	{ BATCH() "\"priority\":{\"run\":\"1\"},", "with priority" },
};

START_TEST(an_option_that_is_not_as_it_should_be_is_refused_by_name)
{
	refuses(wrong[_i].options, wrong[_i].said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_batch");
	TCase *t = tcase_create("batch");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t, a_run_begins_with_as_many_events_as_it_may);
	tcase_add_test(t,
	    a_run_begins_with_those_there_are_when_the_time_has_come);
	tcase_add_test(t, each_value_of_a_key_has_a_batch_of_its_own);
	tcase_add_test(t, an_event_that_is_not_wanted_in_it_starts_a_run_alone);
	tcase_add_test(t, an_event_that_is_sent_again_is_in_it_once);
	tcase_add_test(t, a_batch_holds_no_more_than_an_event_may);
	tcase_add_test(t, an_engine_that_comes_later_starts_it);
	tcase_add_test(t,
	    a_function_that_asks_for_it_no_more_is_started_all_the_same);
	tcase_add_test(t,
	    a_function_without_options_by_then_is_given_all_of_it);
	tcase_add_test(t, a_function_that_is_removed_is_not_started);
	tcase_add_test(t, a_rate_limit_counts_batches);
	tcase_add_test(t, all_who_invoked_with_its_events_get_the_result);
	tcase_add_test(t, all_who_invoked_a_function_that_is_removed_are_told);
	tcase_add_loop_test(t,
	    all_who_invoked_are_told_that_it_needs_too_much_memory, 0, 2);
	tcase_add_test(t, all_who_invoked_what_is_a_singleton_by_then_are_told);
	tcase_add_test(t,
	    a_batch_of_what_is_debounced_by_then_is_started_in_its_time);
	tcase_add_test(t, each_of_its_events_tells_of_the_run);
	tcase_add_test(t, what_its_time_starts_is_counted);
	tcase_add_test(t, its_events_are_kept_while_its_run_is_open);
	tcase_add_test(t, its_events_are_kept_as_long_as_its_run_and_no_longer);
	tcase_add_loop_test(t,
	    an_option_that_is_not_as_it_should_be_is_refused_by_name, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	return run_suite(s);
}

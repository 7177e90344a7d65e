#include "inngesttest.h"

/* ------------------------------------------------------------------ calls */

static const struct {
	const char *query, *body;
	int status;
	const char *no_retry; /* "": no such header */
	const char *reply;    /* or its beginning, up to a '~' */
} calls[] = {
	{ "fnId=rawr-hello&stepId=step", CALL("", "{}"), 200, "", DATA },
	{ "stepId=step&fnId=rawr%2dhello", CALL("", "{}"), 200, "", DATA },
	{ "fnId=rawr-hello-failure", CALL("", "{}"), 200, "", DATA },
	{ "fnId=rawr-steps", CALL("", "{}"), 206, "",
	    "[{\"id\":\"" A "\",\"op\":\"StepRun\",~" },
	{ "fnId=rawr-steps",
	    CALL("\"disable_immediate_execution\":true,", "{}"), 206, "",
	    "[{\"id\":\"" A "\",\"op\":\"StepPlanned\",~" },
	{ "fnId=rawr-steps&stepId=" A,
	    CALL("\"disable_immediate_execution\":true,", "{}"), 206, "",
	    "[{\"id\":\"" A "\",\"op\":\"StepRun\",~" },
	{ "fnId=rawr-steps", CALL("", "{\"" A "\":{\"data\":1}}"), 200, "",
	    "1" },
	{ "fnId=rawr-bad", CALL("\"attempt\":0,\"max_attempts\":2,", "{}"), 206,
	    "false", "[{\"id\":\"" A "\",\"op\":\"StepError\",~" },
	{ "fnId=rawr-bad", CALL("\"attempt\":1,\"max_attempts\":2,", "{}"), 206,
	    "true", "[{\"id\":\"" A "\",\"op\":\"StepFailed\",~" },
	{ "fnId=rawr-fails", CALL("\"attempt\":0,\"max_attempts\":2,", "{}"),
	    500, "false",
	    "{\"name\":\"SERVICE_UNAVAILABLE\",\"message\":\"boom\"}" },
	{ "fnId=rawr-fails", CALL("\"attempt\":1,\"max_attempts\":2,", "{}"),
	    400, "true",
	    "{\"name\":\"SERVICE_UNAVAILABLE\",\"message\":\"boom\"}" },
	{ "fnId=rawr-steps&stepId=0000000000000000000000000000000000000000",
	    CALL("", "{}"), 500, "false",
	    "{\"name\":\"StepNotFound\",\"message\":\"Could not find step ~" },
	{ "fnId=rawr-none&stepId=step", CALL("", "{}"), 500, "",
	    "{\"type\":\"internal\",\"name\":\"Error\",\"message\":\"Function "
	    "\\\"rawr-none\\\" was not found in this app; is the app synced "
	    "correctly?\"}" },
	{ "stepId=step", CALL("", "{}"), 500, "",
	    "{\"type\":\"internal\",\"name\":\"Error\",\"message\":\"Function "
	    "\\\"\\\" was not found in this app;~" },
	{ "probe=trust", NULL, 200, "", "" },
	{ "probe=other", NULL, 400, "true", "{\"code\":\"invalid_request\",~" },
};

START_TEST(a_call_is_answered_as_the_protocol_says)
{
	size_t n = strcspn(calls[_i].reply, "~");

	call(calls[_i].query, calls[_i].body);
	ck_assert_int_eq(res.status, calls[_i].status);
	ck_assert_str_eq(header("x-inngest-no-retry"), calls[_i].no_retry);
	ck_assert_msg(strncmp(res.body, calls[_i].reply, n) == 0, "%s",
	    res.body);
	if (calls[_i].reply[n] == '\0')
		ck_assert_uint_eq(res.body_bytes, n);
}
END_TEST

START_TEST(every_answer_carries_the_protocol_s_headers)
{
	ask((struct ask){ "POST", "fnId=rawr-hello", CALL("", "{}"),
	    .signer = key, .header = "HTTP_X_INNGEST_SERVER_KIND=cloud" });
	ck_assert_str_eq(header("content-type"), "application/json");
	ck_assert_str_eq(header("x-inngest-sdk"), "c:v0.1.0");
	ck_assert_str_eq(header("x-inngest-sdk-handled"), "true");
	ck_assert_str_eq(header("x-inngest-framework"), "fastcgi");
	ck_assert_str_eq(header("x-inngest-req-version"), "2");
	ck_assert_str_eq(header("x-inngest-expected-server-kind"), "cloud");
}
END_TEST

START_TEST(the_correlation_comes_from_the_event)
{
	call("fnId=rawr-hello", CALL("", "{}"));
	ck_assert_str_eq(seen_correlation, "c-1");
}
END_TEST

START_TEST(a_function_of_this_app_is_invoked_by_its_slug)
{
	call("fnId=rawr-own", CALL("", "{}"));
	ck_assert_msg(strstr(res.body, "\"function_id\":\"rawr-steps\"") !=
		NULL,
	    "%s", res.body);
}
END_TEST

START_TEST(an_event_without_data_has_empty_data)
{
	call("fnId=rawr-hello",
	    "{\"ctx\":{\"run_id\":\"r\"},\"event\":{\"name\":\"x\"}}");
	ck_assert_str_eq(res.body, "{}");
}
END_TEST

#define EVENT "\"event\":{\"name\":\"x\",\"data\":{}}"

static const struct {
	const char *query, *body, *says;
} malformed[] = {
	{ "fnId=rawr-hello", NULL, "a JSON object" },
	{ "fnId=rawr-hello", "{", "a JSON object" },
	{ "fnId=rawr-hello", "[]", "a JSON object" },
	{ "fnId=rawr-hello", "null", "a JSON object" },
	{ "fnId=rawr-hello", "{}", "event:" },
	{ "fnId=rawr-hello", "{\"event\":{}}", "event.name" },
	{ "fnId=rawr-hello", "{\"event\":{\"name\":7}}", "event.name" },
	{ "fnId=rawr-hello", "{\"event\":{\"name\":\"x\",\"data\":[]}}",
	    "event.data" },
	{ "fnId=rawr-hello", "{" EVENT ",\"events\":{}}", "events" },
	{ "fnId=rawr-hello", "{" EVENT ",\"steps\":[]}", "steps" },
	{ "fnId=rawr-hello", "{" EVENT ",\"version\":0}", "version" },
	{ "fnId=rawr-hello", "{" EVENT ",\"version\":\"1\"}", "version" },
	{ "fnId=rawr-hello", "{" EVENT "}", "ctx.run_id" },
	{ "fnId=rawr-hello", "{" EVENT ",\"ctx\":[]}", "ctx" },
	{ "fnId=rawr-hello", "{" EVENT ",\"ctx\":{\"run_id\":\"\"}}",
	    "ctx.run_id" },
	{ "fnId=rawr-hello",
	    "{" EVENT ",\"ctx\":{\"run_id\":\"r\",\"attempt\":-1}}",
	    "ctx.attempt" },
	{ "fnId=rawr-hello",
	    "{" EVENT ",\"ctx\":{\"run_id\":\"r\",\"attempt\":\"0\"}}",
	    "ctx.attempt" },
	{ "fnId=rawr-hello",
	    "{" EVENT ",\"ctx\":{\"run_id\":\"r\",\"use_api\":true}}",
	    "use_api" },
	{ "fnId=rawr-hello&stepId=abc", CALL("", "{}"), "stepId" },
};

START_TEST(a_malformed_call_is_refused_for_good)
{
	call(malformed[_i].query, malformed[_i].body);
	ck_assert_int_eq(res.status, 400);
	ck_assert_str_eq(header("x-inngest-no-retry"), "true");
	ck_assert_msg(strstr(res.body, malformed[_i].says) != NULL, "%s",
	    res.body);
}
END_TEST

static const char *const timeouts[] = { "0", "-1", "abc", "", "60000" };

START_TEST(no_alarm_stays_after_a_call)
{
	ask((struct ask){ "POST", "fnId=rawr-hello", CALL("", "{}"),
	    .signer = key,
	    .header = hq_arena_printf(arena, "HTTP_X_RAWR_TIMEOUT_MS=%s",
		timeouts[_i]) });
	ck_assert_int_eq(res.status, 200);
	ck_assert_uint_eq(alarm(0), 0);
}
END_TEST

/* ------------------------------------------------------------- the store */

static const char *const no_migrations[] = { NULL };
static const char *const look_sql[] = {
	"SELECT count(*), max(data) FROM engine_event "
	"WHERE name = 'demo/next'",
	NULL,
};
static const struct hq_module look = { "look", no_migrations, look_sql };
static const struct hq_module *const modules[] = { &hq_engine_store, &look,
	NULL };
static int wakes;

static void
note_wake(void *ctx)
{
	(void)ctx;
	wakes++;
}

START_TEST(an_event_of_a_function_is_stored_with_the_correlation)
{
	struct hq_db_opts o = { .modules = modules,
		.migrate = true,
		.write_wait_ms = 1000 };

	o.path = hq_arena_printf(arena, "%s/store.db", keys_dir);
	ck_hq_ok(hq_db_open(&o, &opts.db, &err));
	opts.wake_runner = note_wake;
	ck_hq_ok(make(false));
	call("fnId=rawr-emits", CALL("", "{}"));
	ck_assert_msg(strstr(res.body, "{\"ids\":[\"01RUN/" A "\"]}") != NULL,
	    "%s", res.body);
	ck_assert_int_eq(wakes, 1);
	{
		HQ_CURSOR(row);

		ck_hq_ok(hq_query(opts.db, &look, 0, HQ_NO_BIND, &row, &err));
		ck_assert(hq_cursor_next(&row));
		ck_assert_int_eq(hq_cursor_i64(&row, 0), 1);
		ck_assert_str_eq(hq_cursor_text(&row, 1, arena), DATA);
	}
	hq_db_close(opts.db);
}
END_TEST

static TCase *
answering(void)
{
	TCase *tc = tcase_create("answering");

	tcase_add_checked_fixture(tc, setup_signed, teardown);
	tcase_add_loop_test(tc, a_call_is_answered_as_the_protocol_says, 0,
	    ROWS(calls));
	tcase_add_test(tc, every_answer_carries_the_protocol_s_headers);
	tcase_add_test(tc, the_correlation_comes_from_the_event);
	tcase_add_test(tc, a_function_of_this_app_is_invoked_by_its_slug);
	tcase_add_test(tc, an_event_without_data_has_empty_data);
	tcase_add_loop_test(tc, a_malformed_call_is_refused_for_good, 0,
	    ROWS(malformed));
	tcase_add_loop_test(tc, no_alarm_stays_after_a_call, 0, ROWS(timeouts));
	tcase_add_test(tc,
	    an_event_of_a_function_is_stored_with_the_correlation);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("inngest call");

	suite_add_tcase(s, answering());
	return run_suite(s);
}

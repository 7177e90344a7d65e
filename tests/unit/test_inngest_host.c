#include "inngesttest.h"

/* -------------------------------------------------------------- who calls */

static const struct ask strangers[] = {
	{ .method = "GET" },
	{ "GET", NULL, NULL, .signer = "signkey-test-00" },
	{ .method = "PUT" },
	{ "PUT", NULL, "{\"url\":\"http://x\"}",
	    .header = "HTTP_X_INNGEST_SYNC_KIND=in_band" },
	{ .method = "POST",
	    .query = "fnId=rawr-hello&stepId=step",
	    .body = CALL("", "{}") },
	{ "POST", "fnId=rawr-hello&stepId=step", CALL("", "{}"), .signer = key,
	    .signed_ = "{}" },
	{ "POST", "fnId=rawr-hello", "{\"ctx\"", .signer = key,
	    .signed_ = "{}" },
	{ .method = "POST", .query = "probe=trust" },
	{ "POST", "fnId=rawr-hello&stepId=step", CALL("", "{}"), .signer = key,
	    .header = "HTTP_X_INNGEST_SIGNATURE=t=1700000000&s=00" },
};

START_TEST(a_stranger_learns_nothing)
{
	ask(strangers[_i]);
	ck_assert_int_eq(res.status, 401);
	ck_assert_str_eq(res.body, "{\"message\":\"Unauthorized\"}");
	ck_assert_uint_eq(res.n_headers, 2);
	ck_assert_str_eq(header("x-inngest-sdk-handled"), "true");
	ck_assert_str_eq(header("content-type"), "application/json");
}
END_TEST

START_TEST(another_method_is_refused)
{
	ask((struct ask){ "PATCH", NULL, NULL, .signer = key });
	ck_assert_int_eq(res.status, 405);
	ck_assert_str_eq(res.body, "{\"message\":\"Method not allowed\"}");
}
END_TEST

START_TEST(a_signature_over_the_canonical_form_is_good_for_other_bytes)
{
	ask((struct ask){ "PUT", NULL, " { \"b\" : 1.0, \"a\":2 }",
	    .signer = key, .signed_ = "{\"a\":2,\"b\":1}" });
	ck_assert_int_eq(res.status, 200);
}
END_TEST

static const char *const signers[] = { key, old_key };

START_TEST(a_reply_is_signed_with_the_key_of_the_request)
{
	struct hq_signing_keys keys = { signers[_i], NULL };
	const char *used = NULL;
	struct hq_signed s;

	ask((struct ask){ "GET", NULL, NULL, .signer = signers[_i] });
	s = (struct hq_signed){ header("x-inngest-signature"), res.body,
		res.body_bytes };
	ck_hq_ok(hq_signature_verify(&s, &keys, NOW_S, &used, &err));
}
END_TEST

static const struct {
	bool dev;
	const char *key_file;
	const char *says;
} starts[] = {
	{ false, NULL, "/signing.key (mode 0600)" },
	{ false, "signing.key.fallback", "/signing.key (mode 0600)" },
	{ true, "signing.key", "has a signing key" },
	{ true, "signing.key.fallback", "has a signing key" },
};

START_TEST(a_mode_without_its_keys_does_not_start)
{
	if (starts[_i].key_file != NULL)
		write_key(starts[_i].key_file, key);
	ck_assert_int_eq(make(starts[_i].dev), HQ_E_BAD_REQUEST);
	ck_assert_msg(strstr(err.msg, starts[_i].says) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(dev_mode_takes_unsigned_calls)
{
	ck_hq_ok(make(true));
	ask((struct ask){ .method = "POST",
	    .query = "fnId=rawr-hello",
	    .body = CALL("", "{}") });
	ck_assert_int_eq(res.status, 200);
	ck_assert_str_eq(header("x-inngest-signature"), "");
}
END_TEST

/* -------------------------------------------------------- introspection -- */

START_TEST(dev_mode_tells_little_of_itself)
{
	ck_hq_ok(make(true));
	ask((struct ask){ .method = "GET" });
	ck_assert_str_eq(res.body,
	    "{\"extra\":{\"is_streaming\":false},\"has_event_key\":false,"
	    "\"has_signing_key\":false,\"function_count\":7,\"mode\":\"dev\","
	    "\"schema_version\":\"2024-05-24\"}");
}
END_TEST

START_TEST(the_engine_is_told_what_is_here)
{
	ask((struct ask){ "GET", NULL, NULL, .signer = key });
	ck_assert_int_eq(res.status, 200);
	ck_assert_str_eq(res.body,
	    "{\"extra\":{\"is_streaming\":false},\"has_event_key\":false,"
	    "\"has_signing_key\":true,\"function_count\":7,\"mode\":\"cloud\","
	    "\"schema_version\":\"2024-05-24\","
	    "\"authentication_succeeded\":true,"
	    "\"api_origin\":\"http://here:8080\",\"app_id\":\"rawr\","
	    "\"capabilities\":{\"trust_probe\":\"v1\"},\"env\":null,"
	    "\"event_api_origin\":\"http://here:8080\",\"event_key_hash\":null,"
	    "\"framework\":\"fastcgi\",\"sdk_language\":\"c\","
	    "\"sdk_version\":\"0.1.0\",\"serve_origin\":\"http://here:8080\","
	    "\"serve_path\":\"/api/inngest\","
	    "\"signing_key_fallback_hash\":\"06eb7d6a69ee\","
	    "\"signing_key_hash\":\"a3b85174814a\"}");
}
END_TEST

/* ------------------------------------------------------------------- sync */

START_TEST(our_own_runner_needs_no_registering)
{
	ask((struct ask){ "PUT", NULL, NULL, .signer = key });
	ck_assert_int_eq(res.status, 200);
	ck_assert_str_eq(header("x-inngest-sync-kind"), "out_of_band");
	ck_assert_str_eq(res.body,
	    "{\"message\":\"Successfully registered\",\"modified\":false}");
}
END_TEST

START_TEST(an_engine_that_is_away_is_a_500)
{
	config.s[HQ_SET_RAWR_ENGINE] = "inngest";
	config.s[HQ_SET_RAWR_INNGEST_URL] = "http://127.0.0.1:1";
	ask((struct ask){ "PUT", NULL, NULL, .signer = key });
	ck_assert_int_eq(res.status, 500);
	ck_assert_msg(strncmp(res.body,
			  "{\"message\":\"Failed to register: ", 32) == 0,
	    "%s", res.body);
}
END_TEST

START_TEST(in_band_answers_with_everything)
{
	struct json_object *v;

	ask((struct ask){ "PUT", NULL, "{\"url\":\"https://a/api/inngest\"}",
	    .signer = key, .header = "HTTP_X_INNGEST_SYNC_KIND=in_band" });
	ck_assert_int_eq(res.status, 200);
	ck_assert_str_eq(header("x-inngest-sync-kind"), "in_band");
	ck_hq_ok(hq_json_parse(arena, res.body, res.body_bytes, &v, &err));
	ck_assert_str_eq(hq_json_str(v, "app_id"), "rawr");
	ck_assert_str_eq(hq_json_str(v, "url"), "https://a/api/inngest");
	ck_assert_str_eq(hq_json_str(hq_json_get(v, "inspection"), "mode"),
	    "cloud");
	ck_assert_uint_eq(json_object_array_length(hq_json_get(v, "functions")),
	    7);
}
END_TEST

static const char *const bad_syncs[] = { NULL, "{}", "[]", "{\"url\":7}",
	"{\"url\":\"ftp://x\"}", "{\"url\":\"http://x\",\"a\":1}",
	"{\"url\":\"http://x?a=1\"}", "{" };

START_TEST(in_band_takes_a_url_and_nothing_else)
{
	ask((struct ask){ "PUT", NULL, bad_syncs[_i], .signer = key,
	    .header = "HTTP_X_INNGEST_SYNC_KIND=in_band" });
	ck_assert_int_eq(res.status, 400);
	ck_assert_msg(strstr(res.body, "\"code\":\"invalid_request\"") != NULL,
	    "%s", res.body);
}
END_TEST

START_TEST(an_inngest_server_is_told_what_cancels_a_function)
{
	static const struct hq_composed one[] = {
		{ .name = "first", .plugin = &first_plugin }, { 0 }
	};
	struct json_object *v =
	    hq_inngest_functions(one, "http://h/api/inngest", true, arena);

	ck_assert_str_eq(hq_json_text(arena,
			     hq_json_get(json_object_array_get_idx(v, 0),
				 "cancel")),
	    "[{\"event\":\"demo/stop\","
	    "\"if\":\"event.data.id == async.data.id\"}]");
	ck_assert_ptr_null(
	    hq_json_get(json_object_array_get_idx(v, 1), "cancel"));
}
END_TEST

START_TEST(a_function_is_registered_with_its_failure_function)
{
	static const struct hq_composed one[] = {
		{ .name = "first", .plugin = &first_plugin }, { 0 }
	};

	ck_assert_str_eq(hq_json_text(arena,
			     hq_inngest_functions(one, "http://h/api/inngest",
				 false, arena)),
	    "[{\"id\":\"rawr-hello\",\"name\":\"Hello\",\"triggers\":["
	    "{\"event\":\"demo/go\",\"expression\":\"event.data.ok == true\"},"
	    "{\"cron\":\"TZ=Europe/Paris 0 9 * * 1\"}],\"steps\":{\"step\":{"
	    "\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","
	    "\"url\":\"http://h/api/inngest?fnId=rawr-hello&stepId=step\"},"
	    "\"retries\":{\"attempts\":3}}}},"
	    "{\"id\":\"rawr-hello-failure\",\"name\":\"Hello (failure)\","
	    "\"triggers\":[{\"event\":\"inngest/function.failed\","
	    "\"expression\":\"event.data.function_id == 'rawr-hello'\"}],"
	    "\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\","
	    "\"runtime\":{\"type\":\"http\",\"url\":"
	    "\"http://h/api/inngest?fnId=rawr-hello-failure&stepId=step\"},"
	    "\"retries\":{\"attempts\":1}}}}]");
}
END_TEST

static const struct hq_function bad_id = { "Hello World", "x", on_demo, 1, give,
	NULL, NULL };
static const struct hq_function bad_retries = { "x", "x", on_demo, 21, give,
	NULL, NULL };
static const struct hq_function twin = { "hello-failure", "x", on_demo, 1, give,
	NULL, NULL };
static const struct hq_function *const wrong[][3] = {
	{ &bad_id, NULL },
	{ &bad_retries, NULL },
	{ &hello, &twin, NULL },
};

START_TEST(a_function_that_cannot_be_served_stops_the_start)
{
	const struct hq_plugin p = { .functions = wrong[_i] };
	const struct hq_composed r[] = { { .name = "x", .plugin = &p }, { 0 } };

	opts.composition = r;
	ck_assert_int_eq(make(true), HQ_E_BAD_REQUEST);
}
END_TEST

static TCase *
starting(void)
{
	TCase *tc = tcase_create("starting");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_mode_without_its_keys_does_not_start, 0,
	    ROWS(starts));
	tcase_add_test(tc, dev_mode_takes_unsigned_calls);
	tcase_add_test(tc, dev_mode_tells_little_of_itself);
	tcase_add_test(tc, an_inngest_server_is_told_what_cancels_a_function);
	tcase_add_test(tc, a_function_is_registered_with_its_failure_function);
	tcase_add_loop_test(tc,
	    a_function_that_cannot_be_served_stops_the_start, 0, ROWS(wrong));
	return tc;
}

static TCase *
serving(void)
{
	TCase *tc = tcase_create("serving");

	tcase_add_checked_fixture(tc, setup_signed, teardown);
	tcase_add_loop_test(tc, a_stranger_learns_nothing, 0, ROWS(strangers));
	tcase_add_test(tc, another_method_is_refused);
	tcase_add_test(tc,
	    a_signature_over_the_canonical_form_is_good_for_other_bytes);
	tcase_add_loop_test(tc, a_reply_is_signed_with_the_key_of_the_request,
	    0, ROWS(signers));
	tcase_add_test(tc, the_engine_is_told_what_is_here);
	tcase_add_test(tc, our_own_runner_needs_no_registering);
	tcase_add_test(tc, an_engine_that_is_away_is_a_500);
	tcase_add_test(tc, in_band_answers_with_everything);
	tcase_add_loop_test(tc, in_band_takes_a_url_and_nothing_else, 0,
	    ROWS(bad_syncs));
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("inngest host");

	suite_add_tcase(s, starting());
	suite_add_tcase(s, serving());
	return run_suite(s);
}

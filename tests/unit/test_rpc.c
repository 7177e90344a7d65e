#include "rpctest.h"

#define JSON "CONTENT_TYPE=application/json"

START_TEST(a_post_runs_the_procedure)
{
	const struct request q = { "POST", "/rpc/t/echo", NULL,
		"{\"json\":{\"a\":[1,null]}}", { JSON } };

	check_reply(&q, 200, "{\"json\":{\"a\":[1,null]}}");
	ck_assert_uint_eq(rpctest_res.n_headers, 1);
	ck_assert_str_eq(rpctest_res.headers[0].name, "content-type");
	ck_assert_str_eq(rpctest_res.headers[0].value, "application/json");
}
END_TEST

START_TEST(tagged_values_come_back_tagged)
{
	const struct request q = { "POST", "/rpc/t/echo", NULL,
		"{\"json\":[\"7\",null],\"meta\":[[0,0],[3,1]]}", { JSON } };

	check_reply(&q, 200, "{\"json\":[\"7\",null],\"meta\":[[0,0],[3,1]]}");
}
END_TEST

START_TEST(an_undefined_result_is_an_empty_envelope)
{
	const struct request q = { "POST", "/rpc/t/echo", NULL, NULL,
		{ NULL } };

	check_reply(&q, 200, "{}");
}
END_TEST

START_TEST(paths_match_as_they_were_sent)
{
	static const char *const missing[] = { "/rpc", "/rpc/", "/rpc/t",
		"/rpc/t/", "/rpc/t/echo//", "/rpc//t/echo", "/rpc/t//echo",
		"/rpc/t/Echo", "/rpc/t/ech%6f", "/rpc/t/echo/x", "/rpc/t/ech",
		"/rpcx/t/echo", "/t/echo", "/rpc/__proto__", NULL };
	struct request q = { "POST", "/rpc/t/echo/", NULL, "{\"json\":1}",
		{ JSON } };
	size_t i;

	check_reply(&q, 200, "{\"json\":1}");
	for (i = 0; missing[i] != NULL; i++) {
		q.path = missing[i];
		ck_assert_msg(!send_request(&q), "%s matches", missing[i]);
		ck_assert_int_eq(rpctest_res.status, 0);
	}
}
END_TEST

START_TEST(five_methods_run_and_all_others_get_405)
{
	static const char *const good[] = { "POST", "PUT", "PATCH", "DELETE",
		NULL };
	static const char *const bad[] = { "HEAD", "OPTIONS", "PROPFIND", "get",
		"", NULL };
	struct request q = { NULL, "/rpc/t/echo", NULL, "{\"json\":1}",
		{ JSON } };
	size_t i;

	for (i = 0; good[i] != NULL; i++) {
		q.method = good[i];
		check_reply(&q, 200, "{\"json\":1}");
	}
	for (i = 0; bad[i] != NULL; i++) {
		q.method = bad[i];
		check_reply(&q, 405, NOT_SUPPORTED);
	}
	q.path = "/rpc/t/nope";
	ck_assert(!send_request(&q));
}
END_TEST

START_TEST(a_get_takes_the_last_data_parameter)
{
	struct request q = { "GET", "/rpc/t/list",
		"data=%7Bbad&x=1&data=%7B%22json%22:%7B%7D%7D", "{bad",
		{ JSON } };

	check_reply(&q, 200, "{\"json\":[1]}");
	q.query = "data=";
	check_reply(&q, 400, NO_INPUT);
	q.query = "";
	check_reply(&q, 400, NO_INPUT);
}
END_TEST

START_TEST(a_get_of_a_post_procedure_gets_405_once_it_is_decoded)
{
	struct request q = { "GET", "/rpc/t/echo", "data=%7Bbad", NULL,
		{ NULL } };

	check_reply(&q, 400, MALFORMED);
	q.query = "";
	check_reply(&q, 405, NOT_SUPPORTED);
	ck_assert_int_eq(rpctest_calls, 0);
}
END_TEST

START_TEST(a_bad_body_is_malformed)
{
	static const struct request rows[] = {
		{ "POST", "/rpc/t/list", NULL, "{bad", { JSON } },
		{ "POST", "/rpc/t/list", NULL, "null", { JSON } },
		{ "POST", "/rpc/t/list", NULL, "{'json':{}}", { JSON } },
		{ "POST", "/rpc/t/list", NULL, "{\"json\":1,\"meta\":5}",
		    { JSON } },
		{ "POST", "/rpc/t/list", NULL, "junk",
		    { "CONTENT_TYPE=multipart/form-data" } },
		{ "POST", "/rpc/t/list", NULL, "junk",
		    { "CONTENT_TYPE=multipart/form-data; boundary=z" } },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_reply(&rows[i], 400, MALFORMED);
}
END_TEST

START_TEST(a_body_of_another_kind_is_no_input)
{
	static const char *const types[] = { "CONTENT_TYPE=APPLICATION/JSON",
		"CONTENT_TYPE=text/plain", "CONTENT_TYPE=text/json",
		"CONTENT_TYPE=application/problem+json",
		"CONTENT_TYPE=application/x-www-form-urlencoded",
		"HTTP_CONTENT_DISPOSITION=attachment", NULL };
	struct request q = { "POST", "/rpc/t/list", NULL, "{\"json\":{}}",
		{ NULL } };
	size_t i;

	for (i = 0; types[i] != NULL; i++) {
		q.params[0] = types[i];
		check_reply(&q, 400, NO_INPUT);
	}
}
END_TEST

START_TEST(an_event_stream_is_an_object_without_keys)
{
	const struct request q = { "POST", "/rpc/t/list", NULL,
		"event: message\ndata: {\"json\":{}}\n\n",
		{ "CONTENT_TYPE=text/event-stream" } };

	check_reply(&q, 200, "{\"json\":[1]}");
}
END_TEST

START_TEST(a_form_carries_the_envelope_in_data)
{
	const struct request q = { "POST", "/rpc/t/list", NULL,
		"--X\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n"
		"{\"json\":{}}\r\n--X--\r\n",
		{ "CONTENT_TYPE=multipart/form-data; boundary=X" } };

	check_reply(&q, 200, "{\"json\":[1]}");
}
END_TEST

START_TEST(a_declared_error_has_the_status_of_its_contract)
{
	const struct request q = { "POST", "/rpc/t/gone", NULL, "{}",
		{ JSON } };

	check_reply(&q, 410,
	    "{\"json\":{\"defined\":false,\"code\":\"IT_IS_GONE\","
	    "\"status\":410,\"message\":\"it went\",\"data\":{\"id\":7}}}");
}
END_TEST

START_TEST(an_unexpected_error_tells_nothing)
{
	const struct request q = { "POST", "/rpc/t/boom", NULL, "{}",
		{ JSON } };

	check_reply(&q, 500, UNEXPECTED);
}
END_TEST

START_TEST(a_full_arena_is_a_500)
{
	const struct request q = { "POST", "/rpc/t/greedy", NULL,
		"{\"json\":1}", { JSON } };

	check_reply(&q, 500, UNEXPECTED);
}
END_TEST

START_TEST(deep_plain_json_is_echoed)
{
	enum { DEPTH = 2000 };
	char *body = hq_arena_alloc(arena, 2 * DEPTH + 16, 1);
	const struct request q = { "POST", "/rpc/t/echo", NULL, body,
		{ JSON } };

	memcpy(body, "{\"json\":", 8);
	memset(body + 8, '[', DEPTH);
	memset(body + 8 + DEPTH, ']', DEPTH);
	body[8 + 2 * DEPTH] = '}';
	check_reply(&q, 200, body);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rpc");
	TCase *t = tcase_create("rpc");

	tcase_add_checked_fixture(t, rpctest_open, arena_close);
	tcase_add_test(t, a_post_runs_the_procedure);
	tcase_add_test(t, tagged_values_come_back_tagged);
	tcase_add_test(t, an_undefined_result_is_an_empty_envelope);
	tcase_add_test(t, paths_match_as_they_were_sent);
	tcase_add_test(t, five_methods_run_and_all_others_get_405);
	tcase_add_test(t, a_get_takes_the_last_data_parameter);
	tcase_add_test(t,
	    a_get_of_a_post_procedure_gets_405_once_it_is_decoded);
	tcase_add_test(t, a_bad_body_is_malformed);
	tcase_add_test(t, a_body_of_another_kind_is_no_input);
	tcase_add_test(t, an_event_stream_is_an_object_without_keys);
	tcase_add_test(t, a_form_carries_the_envelope_in_data);
	tcase_add_test(t, a_declared_error_has_the_status_of_its_contract);
	tcase_add_test(t, an_unexpected_error_tells_nothing);
	tcase_add_test(t, a_full_arena_is_a_500);
	tcase_add_test(t, deep_plain_json_is_echoed);
	suite_add_tcase(s, t);
	return run_suite(s);
}

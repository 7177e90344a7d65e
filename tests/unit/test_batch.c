#include "rpctest.h"

#define JSON "CONTENT_TYPE=application/json"
#define BUFFERED "HTTP_X_ORPC_BATCH=buffered"
#define STREAMING "HTTP_X_ORPC_BATCH=streaming"
#define HOST "HTTP_HOST=h:8080"
#define U "http://h:8080/rpc"
#define PATH "/rpc/t/list/__batch__"

static const char invalid[] =
    "\"Invalid batch request, this could be caused by a malformed request body "
    "or a missing header\"";

START_TEST(a_buffered_batch_is_answered_in_order)
{
	const struct request q = { "POST", PATH, NULL,
		"[{\"url\":\"" U "/t/echo\",\"body\":{\"json\":{\"x\":1}}},"
		"{\"url\":\"" U "/nope\",\"body\":{\"json\":1}},"
		"{\"url\":\"" U "/t/echo\"},"
		"{\"url\":\"" U "/t/boom\"},"
		"{\"url\":\"" U "/t/echo\",\"body\":null},"
		"{\"url\":\"" U "/t/echo\",\"body\":\"s\"}]",
		{ JSON, BUFFERED, HOST } };

	check_reply(&q, 207,
	    "[{\"index\":0,\"status\":200,\"body\":{\"json\":{\"x\":1}}},"
	    "{\"index\":1,\"status\":404,\"body\":\"No procedure matched\"},"
	    "{\"index\":2,\"status\":200,\"body\":{}},"
	    "{\"index\":3,\"status\":500,\"body\":" UNEXPECTED "},"
	    "{\"index\":4,\"status\":400,\"body\":" MALFORMED "},"
	    "{\"index\":5,\"status\":200,\"body\":{}}]");
	ck_assert_str_eq(rpctest_res.headers[0].value, "application/json");
}
END_TEST

START_TEST(a_streamed_batch_is_a_series_of_messages)
{
	const struct request q = { "POST", PATH, NULL,
		"[{\"url\":\"" U "/t/echo\",\"body\":{\"json\":1}},"
		"{\"url\":\"" U "/t/gone\"}]",
		{ JSON, STREAMING, HOST } };

	check_reply(&q, 207,
	    ": \n\nevent: message\n"
	    "data: {\"index\":0,\"status\":200,\"body\":{\"json\":1}}\n\n"
	    "event: message\n"
	    "data: {\"index\":1,\"status\":410,\"body\":{\"json\":{"
	    "\"defined\":false,\"code\":\"IT_IS_GONE\",\"status\":410,"
	    "\"message\":\"it went\",\"data\":{\"id\":7}}}}\n\n");
	ck_assert_str_eq(rpctest_res.headers[0].value, "text/event-stream");
}
END_TEST

START_TEST(a_get_carries_its_items_in_the_last_batch_parameter)
{
	const struct request q = { "GET", PATH,
		"batch=no&batch=%5B%7B%22url%22%3A%22http%3A%2F%2Fh%3A8080%2F"
		"rpc%2Ft%2Flist%3Fdata%3D%257B%2522json%2522%253A%257B%257D"
		"%257D%22%7D%5D",
		NULL, { BUFFERED, HOST } };

	check_reply(&q, 207,
	    "[{\"index\":0,\"status\":200,\"body\":{\"json\":[1]}}]");
}
END_TEST

START_TEST(an_empty_batch_is_answered)
{
	struct request q = { "POST", PATH, NULL, "[]",
		{ JSON, BUFFERED, HOST } };

	check_reply(&q, 207, "[]");
	q.params[1] = STREAMING;
	check_reply(&q, 207, ": \n\n");
}
END_TEST

START_TEST(the_guard_looks_at_both_methods)
{
	const struct request post = { "POST", PATH, NULL,
		"[{\"url\":\"" U "/t/echo\",\"method\":\"GET\"},"
		"{\"url\":\"" U "/t/list?data=%7B%22json%22:%7B%7D%7D\","
		"\"method\":\"GET\"},"
		"{\"url\":\"" U "/t/echo\",\"method\":\"TRACE\"}]",
		{ JSON, BUFFERED, HOST } };
	const struct request get = { "GET", PATH,
		"batch=[{\"url\":\"" U "/t/echo\",\"method\":\"POST\","
		"\"body\":{\"json\":1}}]",
		NULL, { BUFFERED, HOST } };

	check_reply(&post, 207,
	    "[{\"index\":0,\"status\":405,\"body\":" NOT_SUPPORTED "},"
	    "{\"index\":1,\"status\":200,\"body\":{\"json\":[1]}},"
	    "{\"index\":2,\"status\":405,\"body\":" NOT_SUPPORTED "}]");
	check_reply(&get, 207,
	    "[{\"index\":0,\"status\":405,\"body\":" NOT_SUPPORTED "}]");
}
END_TEST

START_TEST(a_batch_that_cannot_be_read_is_refused)
{
	static const char *const rows[] = { "{bad", "{}", "null", "5", "",
		"[5]", "[null]", "[{}]", "[{\"url\":5}]",
		"[{\"url\":\"/rpc/t/echo\"}]",
		"[{\"url\":\"" U "/t/echo\",\"method\":5}]", NULL };
	struct request q = { "POST", PATH, NULL, NULL,
		{ JSON, BUFFERED, HOST } };
	size_t i;

	for (i = 0; rows[i] != NULL; i++) {
		q.body = rows[i];
		check_reply(&q, 400, invalid);
		ck_assert_str_eq(rpctest_res.headers[0].value,
		    "application/json");
	}
	q.method = "GET";
	check_reply(&q, 400, invalid);
}
END_TEST

/* A batch of n calls of t.echo. */
static char *
batch_of(size_t n)
{
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, arena);
	for (i = 0; i < n; i++)
		hq_buf_printf(&b, "%s{\"url\":\"%s/t/echo\"}",
		    i == 0 ? "[" : ",", U);
	hq_buf_putc(&b, ']');
	return b.p;
}

START_TEST(ten_items_run_and_eleven_do_not)
{
	struct request q = { "POST", PATH, NULL, batch_of(10),
		{ JSON, STREAMING, HOST } };

	ck_assert(send_request(&q));
	ck_assert_int_eq(rpctest_res.status, 207);
	ck_assert_int_eq(rpctest_calls, 10);
	q.body = batch_of(11);
	check_reply(&q, 413,
	    "\"Batch request size exceeds the maximum allowed size\"");
	ck_assert_int_eq(rpctest_calls, 10);
}
END_TEST

START_TEST(a_batch_for_another_origin_is_not_ours)
{
	const struct request q = { "POST", PATH, NULL,
		"[{\"url\":\"" U "/t/echo\",\"body\":{\"json\":1}},"
		"{\"url\":\"http://localhost:3900/rpc/t/echo\"}]",
		{ JSON, STREAMING, HOST } };

	ck_assert(!send_request(&q));
	ck_assert_int_eq(rpctest_res.status, 0);
	ck_assert_int_eq(rpctest_calls, 0);
}
END_TEST

START_TEST(an_origin_is_ours_by_host_header_or_base_url)
{
	static const struct {
		const char *url, *host;
		bool ours;
	} rows[] = {
		{ "http://H/rpc/t/echo", "HTTP_HOST=h:80", true },
		{ "https://h:443/rpc/t/echo", "HTTP_HOST=h", true },
		{ "https://h/rpc/t/echo", "HTTP_HOST=h:80", false },
		{ "https://rawr.example/rpc/t/echo", "HTTP_HOST=in", true },
		{ "https://rawr.example:444/rpc/t/echo", "HTTP_HOST=in",
		    false },
		{ "http://rawr.example/rpc/t/echo", "HTTP_HOST=in", false },
		{ "http://h@evil/rpc/t/echo", "HTTP_HOST=h", false },
		{ "ftp://h/rpc/t/echo", "HTTP_HOST=h", false },
		{ "data:h", "HTTP_HOST=h", false },
	};
	struct request q = { "POST", PATH, NULL, NULL, { JSON, BUFFERED } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		q.params[2] = rows[i].host;
		q.body =
		    hq_arena_printf(arena, "[{\"url\":\"%s\"}]", rows[i].url);
		ck_assert_msg(send_request(&q) == rows[i].ours, "%s of %s",
		    rows[i].url, rows[i].host);
	}
}
END_TEST

START_TEST(the_header_alone_does_not_break_a_call)
{
	const struct request q = { "POST", "/rpc/t/echo", NULL, "{\"json\":1}",
		{ JSON, BUFFERED, HOST } };

	check_reply(&q, 200, "{\"json\":1}");
}
END_TEST

START_TEST(a_batch_is_found_on_any_path_below_the_prefix)
{
	static const char *const paths[] = { "/rpc", "/rpc/__batch__",
		"/rpc/t/echo", "/rpc/a/b/c", NULL };
	struct request q = { "POST", NULL, NULL, "[]",
		{ JSON, BUFFERED, HOST } };
	size_t i;

	for (i = 0; paths[i] != NULL; i++) {
		q.path = paths[i];
		check_reply(&q, 207, "[]");
	}
	q.path = "/elsewhere";
	ck_assert(!send_request(&q));
}
END_TEST

START_TEST(a_path_of_a_batch_without_the_header_is_not_found)
{
	const struct request q = { "POST", PATH, NULL, "[]", { JSON, HOST } };

	ck_assert(!send_request(&q));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("batch");
	TCase *t = tcase_create("batch");

	tcase_add_checked_fixture(t, rpctest_open, arena_close);
	tcase_add_test(t, a_buffered_batch_is_answered_in_order);
	tcase_add_test(t, a_streamed_batch_is_a_series_of_messages);
	tcase_add_test(t, a_get_carries_its_items_in_the_last_batch_parameter);
	tcase_add_test(t, an_empty_batch_is_answered);
	tcase_add_test(t, the_guard_looks_at_both_methods);
	tcase_add_test(t, a_batch_that_cannot_be_read_is_refused);
	tcase_add_test(t, ten_items_run_and_eleven_do_not);
	tcase_add_test(t, a_batch_for_another_origin_is_not_ours);
	tcase_add_test(t, an_origin_is_ours_by_host_header_or_base_url);
	tcase_add_test(t, the_header_alone_does_not_break_a_call);
	tcase_add_test(t, a_batch_is_found_on_any_path_below_the_prefix);
	tcase_add_test(t, a_path_of_a_batch_without_the_header_is_not_found);
	suite_add_tcase(s, t);
	return run_suite(s);
}

#include "hqtest.h"

#include "proto/http/exchange.h"
#include "proto/http/path.h"
#include "proto/http/peek.h"

static const struct {
	const char *uri, *path;
} paths[] = {
	{ "/", "/" },
	{ "/a/b", "/a/b" },
	{ "/a/./b", "/a/b" },
	{ "/a/../b", "/b" },
	{ "/a/..", "/" },
	{ "/a/.", "/a/" },
	{ "/..", "/" },
	{ "/../../a", "/a" },
	{ "/a/%2e%2E/b", "/b" },
	{ "/a/.%2e/b", "/b" },
	{ "/a/%2E/b", "/a/b" },
	{ "/a\\b\\..\\c", "/a/c" },
	{ "//a//b/", "//a//b/" },
	{ "/a//../b", "/a/b" },
	{ "/a%2fb%zz", "/a%2fb%zz" },
	{ "/a b\"<>`{}", "/a%20b%22%3C%3E%60%7B%7D" },
	{ "/\xc3\xa9", "/%C3%A9" },
	{ "/a?b/../c", "/a" },
	{ "/a#b?c", "/a" },
	{ "/...", "/..." },
};

START_TEST(a_path_is_resolved_as_a_url_is)
{
	ck_assert_str_eq(hq_path_resolve(arena, paths[_i].uri), paths[_i].path);
}
END_TEST

START_TEST(a_query_ends_at_the_fragment)
{
	ck_assert_str_eq(hq_path_query(arena, "/a?b=/..?#c"), "b=/..?");
	ck_assert_str_eq(hq_path_query(arena, "/a#b?c"), "");
	ck_assert_str_eq(hq_path_query(arena, "/a"), "");
}
END_TEST

static const char *const params[] = { "REQUEST_METHOD=GET", "HTTP_X_A=1",
	"HTTP_X_A=2", "CONTENT_TYPE=", "CONTENT_LENGTH=3", "HTTP_ACCEPT=x/y",
	"HTTP_X_AB=3", "REMOTE_ADDR=::1", NULL };

START_TEST(a_header_is_found_by_its_name)
{
	struct hq_http_req req = { .params = params };

	ck_assert_str_eq(hq_http_header(&req, "accept"), "x/y");
	ck_assert_str_eq(hq_http_header(&req, "x-ab"), "3");
	ck_assert_str_eq(hq_http_header(&req, "content-length"), "3");
	ck_assert_str_eq(hq_http_param(&req, "REMOTE_ADDR"), "::1");
	ck_assert_ptr_null(hq_http_param(&req, "REMOTE"));
	ck_assert_ptr_null(hq_http_header(&req, "remote-addr"));
}
END_TEST

START_TEST(an_empty_header_is_absent)
{
	struct hq_http_req req = { .params = params };

	ck_assert_ptr_null(hq_http_header(&req, "content-type"));
}
END_TEST

START_TEST(a_repeated_header_is_noticed)
{
	static const char *const all[] = { "x-none", "x-a", NULL };
	static const char *const others[] = { "x-ab", "x-none", NULL };
	struct hq_http_req req = { .params = params };

	ck_assert_str_eq(hq_http_header_repeated(&req, all), "x-a");
	ck_assert_ptr_null(hq_http_header_repeated(&req, others));
}
END_TEST

START_TEST(a_request_without_a_uri_has_the_path_of_cgi)
{
	static const char *const cgi[] = { "REQUEST_METHOD=GET",
		"SCRIPT_NAME=/a", "PATH_INFO=/b", "QUERY_STRING=c=d", NULL };
	struct hq_http_req req = { .arena = arena, .params = cgi };

	ck_hq_ok(hq_http_req_line(&req, &err));
	ck_assert_str_eq(req.path, "/a/b");
	ck_assert_str_eq(req.query, "c=d");
}
END_TEST

/* A carrier over two strings. */
struct tape {
	const char *in;
	size_t in_n, in_at;
	bool cut;
	char out[4096];
	size_t out_n;
};

static long
tape_read(void *ctx, char *p, size_t n)
{
	struct tape *t = ctx;
	size_t left = t->in_n - t->in_at;

	if (left == 0)
		return t->cut ? -1 : 0;
	if (n > left)
		n = left;
	if (n > 3) /* in small pieces */
		n = 3;
	memcpy(p, t->in + t->in_at, n);
	t->in_at += n;
	return (long)n;
}

static void
tape_write(void *ctx, const char *p, size_t n)
{
	struct tape *t = ctx;

	ck_assert_uint_lt(n, sizeof(t->out) - t->out_n);
	memcpy(t->out + t->out_n, p, n);
	t->out_n += n;
	t->out[t->out_n] = '\0';
}

static void
echo(void *app, const struct hq_http_req *req, struct hq_http_res *res)
{
	(*(int *)app)++;
	if (strcmp(req->path, "/full") == 0 &&
	    hq_arena_alloc(req->arena, 1, 1 << 20) != NULL)
		return;
	hq_http_res_text(res, 200, "text/plain", req->body);
}

enum { BODY_MAX = 5000 };

static const struct hq_serve_opts opts = { .workers = 1,
	.slots = 1,
	.body_max = BODY_MAX,
	.arena_max = 65536,
	.handle = echo };

/* The reply to one request; *ret_calls: how often the handler was called. */
static struct tape
run(const char *method, const char *uri, struct tape t, int *ret_calls)
{
	const struct hq_carrier io = { &t, tape_read, tape_write, NULL };
	const char *const p[] = { hq_arena_printf(arena, "REQUEST_METHOD=%s",
				      method),
		hq_arena_printf(arena, "REQUEST_URI=%s", uri),
		"CONTENT_LENGTH=4", NULL };
	struct hq_exchange x;

	*ret_calls = 0;
	hq_exchange_init(&x, &opts, ret_calls);
	ck_assert_int_eq(hq_exchange_run(&x, p, &io, NULL),
	    t.cut ? HQ_EXCHANGE_CUT : HQ_EXCHANGE_DONE);
	hq_exchange_done(&x);
	return t;
}

START_TEST(a_reply_has_status_type_and_length)
{
	struct tape t = { .in = "longer than said", .in_n = 16 };
	int calls;

	t = run("POST", "/", t, &calls);
	ck_assert_str_eq(t.out,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 16\r\n\r\nlonger than said");
}
END_TEST

START_TEST(a_reply_to_head_has_no_body)
{
	struct tape t = { .in = "abc", .in_n = 3 };
	int calls;

	t = run("HEAD", "/", t, &calls);
	ck_assert_str_eq(t.out,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 3\r\n\r\n");
}
END_TEST

START_TEST(a_body_over_the_limit_is_refused_unheard)
{
	static char big[BODY_MAX + 1];
	struct tape t = { .in = big, .in_n = sizeof(big) };
	int calls;

	t = run("POST", "/", t, &calls);
	ck_assert_int_eq(calls, 0);
	ck_assert_ptr_nonnull(strstr(t.out, "Status: 413 "));
	ck_assert_ptr_nonnull(strstr(t.out, "application/problem+json"));
	ck_assert_ptr_nonnull(strstr(t.out, "\"code\":\"PAYLOAD_TOO_LARGE\""));
}
END_TEST

START_TEST(a_body_of_the_limit_is_taken)
{
	static char big[BODY_MAX];
	struct tape t = { .in = big, .in_n = sizeof(big) };
	int calls;

	t = run("POST", "/", t, &calls);
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(a_body_that_is_cut_off_is_not_handled)
{
	struct tape t = { .in = "ab", .in_n = 2, .cut = true };
	int calls;

	t = run("POST", "/", t, &calls);
	ck_assert_int_eq(calls, 0);
	ck_assert_uint_eq(t.out_n, 0);
}
END_TEST

START_TEST(a_full_arena_is_an_error_and_no_crash)
{
	struct tape t = { 0 };
	int calls;

	t = run("GET", "/full", t, &calls);
	ck_assert_ptr_nonnull(strstr(t.out, "Status: 500 "));
}
END_TEST

START_TEST(a_request_without_a_path_is_refused)
{
	struct tape t = { 0 };
	int calls;

	t = run("GET", "", t, &calls);
	ck_assert_int_eq(calls, 0);
	ck_assert_ptr_nonnull(strstr(t.out, "Status: 400 "));
}
END_TEST

static const struct {
	unsigned char bytes[24];
	size_t n;
	enum hq_peek is;
} looks[] = {
	{ { 1, 1, 0, 1, 0, 8, 0 }, 7, HQ_PEEK_PARTIAL },
	{ { 1, 1, 0, 1, 0, 8, 0, 0, 0, 1 }, 10, HQ_PEEK_PARTIAL },
	{ { 1, 5, 0, 1, 0, 1, 0, 0, 'x' }, 9, HQ_PEEK_PARTIAL },
	{ { 1, 5, 0, 1, 0, 1, 1, 0, 'x' }, 9, HQ_PEEK_PARTIAL },
	{ { 1, 5, 0, 1, 0, 0, 0, 0 }, 8, HQ_PEEK_READY },
	{ { 1, 5, 0, 1, 0, 1, 1, 0, 'x', 0, 1, 5, 0, 1, 0, 0, 0, 0 }, 18,
	    HQ_PEEK_READY },
	{ { 'G', 'E', 'T', ' ', '/', ' ', 'H', 'T' }, 8, HQ_PEEK_READY },
};

START_TEST(a_request_is_ready_when_its_body_has_ended)
{
	ck_assert_int_eq(hq_peek_bytes(looks[_i].bytes, looks[_i].n),
	    looks[_i].is);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, a_path_is_resolved_as_a_url_is, 0,
	    (int)(sizeof(paths) / sizeof(paths[0])));
	tcase_add_test(t, a_query_ends_at_the_fragment);
	tcase_add_test(t, a_header_is_found_by_its_name);
	tcase_add_test(t, an_empty_header_is_absent);
	tcase_add_test(t, a_repeated_header_is_noticed);
	tcase_add_test(t, a_request_without_a_uri_has_the_path_of_cgi);
	tcase_add_test(t, a_reply_has_status_type_and_length);
	tcase_add_test(t, a_reply_to_head_has_no_body);
	tcase_add_test(t, a_body_over_the_limit_is_refused_unheard);
	tcase_add_test(t, a_body_of_the_limit_is_taken);
	tcase_add_test(t, a_body_that_is_cut_off_is_not_handled);
	tcase_add_test(t, a_full_arena_is_an_error_and_no_crash);
	tcase_add_test(t, a_request_without_a_path_is_refused);
	tcase_add_loop_test(t, a_request_is_ready_when_its_body_has_ended, 0,
	    (int)(sizeof(looks) / sizeof(looks[0])));
	suite_add_tcase(s, t);
	return run_suite(s);
}

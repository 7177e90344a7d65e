#include <strings.h>

#include "hqtest.h"
#include "proto/orpc/openapi.h"
#include "json/value.h"

#define OPEN "{\"type\":\"object\"}"
#define ANY "{\"title\":\"JsonValue\"}"
#define ID(name) \
	"{\"type\":\"object\",\"required\":[\"" name "\"]," \
	"\"properties\":{\"" name "\":{\"type\":\"string\"}}}"
#define PROC(name, method, path, input) \
	"\"" name "\":{\"route\":{\"method\":\"" method "\",\"path\":\"" path \
	"\"},\"input\":" input ",\"output\":" ANY "}"

static const char contract[] =
    "{\"procedures\":{" PROC("list", "GET", "/a", OPEN) "," PROC("save", "POST",
	"/a", ANY) "," PROC("get", "GET", "/a/{id}", ID("id")) "," PROC("top",
	"GET", "/a/top", OPEN) "," PROC("run", "POST", "/a/{id}/run",
	ID("id")) "," PROC("sub", "GET", "/a/top/{n}", ID("n")) "," PROC("file",
	"GET", "/f/{+rest}", ID("rest")) "," PROC("special", "POST", "/special",
	ANY) ","
	     "\"made\":{\"route\":{\"method\":\"POST\",\"path\":\"/made\","
	     "\"successStatus\":201},\"input\":" ANY ",\"output\":" ANY ","
	     "\"errors\":{\"NOPE\":{\"status\":422,\"defined\":true}}}"
	     "}}";

static struct json_object *
text_value(const char *s)
{
	return json_object_new_string(s);
}

/* Which procedure ran and what it was given. */
static enum hq_rc
echo_as(const char *name, struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *o = json_object_new_object();

	HQ_TRY(hq_json_own(c->arena, o, e));
	hq_json_put_str(o, "ran", name);
	hq_json_put(o, "in", json_object_get(in));
	*ret_out = o;
	return HQ_OK;
}

#define ECHO(name) \
	static enum hq_rc name(struct hq_boundary *c, struct json_object *in, \
	    struct json_object **ret_out, struct hq_err *e) \
	{ \
		return echo_as(#name, c, in, ret_out, e); \
	}
ECHO(list)
ECHO(save)
ECHO(get)
ECHO(top)
ECHO(run)
ECHO(sub)
ECHO(file)

/* One of each tagged type. */
static enum hq_rc
special(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *o = json_object_new_object(), *set, *v;

	(void)in;
	HQ_TRY(hq_json_own(c->arena, o, e));
	HQ_TRY(hq_json_parse(c->arena, "[[\"k\",null]]", 12, &v, e));
	set = json_object_new_array();
	hq_json_push(set, hq_js_tag(text_value("12"), HQ_JS_BIGINT));
	hq_json_push(set, hq_js_undefined());
	hq_json_put(o, "set", hq_js_tag(set, HQ_JS_SET));
	hq_json_put(o, "map", hq_js_tag(json_object_get(v), HQ_JS_MAP));
	hq_json_put(o, "date",
	    hq_js_tag(text_value("1970-01-01T00:00:00.000Z"), HQ_JS_DATE));
	hq_json_put(o, "bad", hq_js_tag(text_value(""), HQ_JS_DATE));
	hq_json_put(o, "re", hq_js_tag(text_value("/a/g"), HQ_JS_REGEXP));
	hq_json_put(o, "url",
	    hq_js_tag(text_value("https://e.com/"), HQ_JS_URL));
	hq_json_put(o, "gone", hq_js_undefined());
	*ret_out = o;
	return HQ_OK;
}

/* "undefined", "null" and "string" ask for that; the rest is an error. */
static enum hq_rc
made(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	const char *what = json_object_get_string(in);

	if (strcmp(what, "null") == 0) {
		*ret_out = NULL;
		return HQ_OK;
	}
	if (strcmp(what, "undefined") == 0)
		*ret_out = hq_js_undefined();
	else if (strcmp(what, "string") == 0)
		*ret_out = text_value("text");
	else
		return HQ_FAIL_DECLARED(e, "NOPE", NULL, "not that");
	return hq_json_own(c->arena, *ret_out, e);
}

static const struct hq_binding handlers[] = { { "list", list },
	{ "save", save }, { "get", get }, { "top", top }, { "run", run },
	{ "sub", sub }, { "file", file }, { "special", special },
	{ "made", made }, { 0 } };
static const struct hq_plugin plugin = { .handlers = handlers };
static const struct hq_composed rows[] = {
	{ .kind = HQ_KIND_API,
	    .capability = "x",
	    .name = "x",
	    .dir = "x",
	    .plugin = &plugin,
	    .contract = contract },
	{ 0 },
};

static struct hq_http_res res;
static struct hq_arena *small; /* what a call may use, where a test says so */

/* target: path and query.  False: nothing matched. */
static bool
ask(const char *method, const char *target, const char *type, const char *body)
{
	const char *q = strchr(target, '?');
	char *var = hq_arena_printf(arena, "CONTENT_TYPE=%s", type);
	const char *params[] = { var, NULL };
	struct hq_http_req req = { .arena = arena,
		.method = method,
		.path = q == NULL
		    ? target
		    : hq_arena_copy(arena, target, (size_t)(q - target)),
		.query = q == NULL ? "" : q + 1,
		.body = body == NULL ? "" : body,
		.body_bytes = body == NULL ? 0 : strlen(body),
		.has_body = body != NULL && *body != '\0',
		.params = params };
	struct hq_boundary c = { .arena = small != NULL ? small : arena };
	struct hq_procs procs;

	ck_hq_ok(hq_procs_load(rows, 1u << HQ_KIND_API, arena, &procs, &err));
	memset(&res, 0, sizeof(res));
	return hq_openapi_handle(hq_openapi_new(&procs, arena), "/api/orpc/",
	    &c, &req, &res);
}

static const char *
res_type(void)
{
	size_t i;

	for (i = 0; i < res.n_headers; i++)
		if (strcasecmp(res.headers[i].name, "content-type") == 0)
			return res.headers[i].value;
	return NULL;
}

#define RAN(name, in) "{\"ran\":\"" name "\",\"in\":" in "}"

static const struct route_row {
	const char *method, *target, *answer; /* NULL: no match */
} routes[] = {
	{ "GET", "/api/orpc/a", RAN("list", "{}") },
	{ "GET", "/api/orpc/a/", RAN("list", "{}") },
	{ "GET", "/api/orpc/a//", RAN("list", "{}") },
	{ "GET", "/api/orpc/a///", RAN("list", "{}") },
	{ "GET", "/api/orpc/a////", RAN("get", "{\"id\":\"\"}") },
	{ "GET", "/api/orpc//a", NULL },
	{ "GET", "/api/orpc", NULL },
	{ "GET", "/api/orpc/", NULL },
	{ "GET", "/api/orpcx/a", NULL },
	{ "GET", "/a", NULL },
	{ "GET", "/api/orpc/A", NULL },
	{ "GET", "/api/orpc/%61", NULL },
	{ "HEAD", "/api/orpc/a", NULL },
	{ "OPTIONS", "/api/orpc/a", NULL },
	{ "get", "/api/orpc/a", NULL },
	{ "DELETE", "/api/orpc/a/b", NULL },
	{ "GET", "/api/orpc/a/b", RAN("get", "{\"id\":\"b\"}") },
	{ "GET", "/api/orpc/a/b/c", NULL },
	{ "GET", "/api/orpc/a/top", RAN("top", "{}") },
	{ "GET", "/api/orpc/a/top/1", RAN("sub", "{\"n\":\"1\"}") },
	{ "POST", "/api/orpc/a/top/run", RAN("run", "{\"id\":\"top\"}") },
	{ "POST", "/api/orpc/a//run", RAN("run", "{\"id\":\"\"}") },
	{ "GET", "/api/orpc/a/b%2Fc", RAN("get", "{\"id\":\"b/c\"}") },
	{ "GET", "/api/orpc/a/b+c", RAN("get", "{\"id\":\"b+c\"}") },
	{ "GET", "/api/orpc/a/w%C3%B6rk",
	    RAN("get", "{\"id\":\"w\u00f6rk\"}") },
	{ "GET", "/api/orpc/a/%E0%A4%A", RAN("get", "{\"id\":\"%E0%A4%A\"}") },
	{ "GET", "/api/orpc/a/%zz", RAN("get", "{\"id\":\"%zz\"}") },
	{ "GET", "/api/orpc/f", NULL },
	{ "GET", "/api/orpc/f/a", RAN("file", "{\"rest\":\"a\"}") },
	{ "GET", "/api/orpc/f/a/b%20c", RAN("file", "{\"rest\":\"a/b c\"}") },
};

START_TEST(a_path_finds_its_procedure)
{
	const struct route_row *r = &routes[_i];
	bool found = ask(r->method, r->target, "", NULL);

	ck_assert_int_eq(found, r->answer != NULL);
	if (found)
		ck_assert_str_eq(res.body, r->answer);
}
END_TEST

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static const struct input_row {
	const char *method, *target, *type, *body, *in;
} inputs[] = {
	{ "GET", "/api/orpc/a?x=1&y[z]=2", "", NULL,
	    RAN("list", "{\"x\":\"1\",\"y\":{\"z\":\"2\"}}") },
	{ "GET", "/api/orpc/a?a+b=c+d", "", NULL,
	    RAN("list", "{\"a b\":\"c d\"}") },
	{ "GET", "/api/orpc/a?a[1]=y", "", NULL,
	    RAN("list", "{\"a\":[null,\"y\"]}") },
	{ "GET", "/api/orpc/a/b?id=c&x=1", "", NULL,
	    RAN("get", "{\"id\":\"b\",\"x\":\"1\"}") },
	{ "GET", "/api/orpc/a/b?0=c", "", NULL, RAN("get", "{\"id\":\"b\"}") },
	{ "POST", "/api/orpc/a", "", NULL, "{\"ran\":\"save\"}" },
	{ "POST", "/api/orpc/a", JSON, "", "{\"ran\":\"save\"}" },
	{ "POST", "/api/orpc/a", JSON, "null", RAN("save", "null") },
	{ "POST", "/api/orpc/a", JSON, "[1]", RAN("save", "[1]") },
	{ "POST", "/api/orpc/a?q=1", JSON, "{}", RAN("save", "{}") },
	{ "POST", "/api/orpc/a", FORM, "a[b]=1&c=2",
	    RAN("save", "{\"a\":{\"b\":\"1\"},\"c\":\"2\"}") },
	{ "POST", "/api/orpc/a", "text/plain", "hi", RAN("save", "\"hi\"") },
	{ "POST", "/api/orpc/a/b/run", JSON, "{\"x\":1,\"id\":\"c\"}",
	    RAN("run", "{\"x\":1,\"id\":\"b\"}") },
	{ "POST", "/api/orpc/a/b/run", JSON, "[1]",
	    RAN("run", "{\"id\":\"b\"}") },
	{ "POST", "/api/orpc/a/b/run", JSON, "null",
	    RAN("run", "{\"id\":\"b\"}") },
	{ "POST", "/api/orpc/a/b/run", "text/plain", "hi",
	    RAN("run", "{\"id\":\"b\"}") },
	{ "POST", "/api/orpc/a/b/run", FORM, "id=c&x=y",
	    RAN("run", "{\"id\":\"b\",\"x\":\"y\"}") },
};

START_TEST(an_input_is_made_of_path_query_and_body)
{
	const struct input_row *r = &inputs[_i];

	ck_assert(ask(r->method, r->target, r->type, r->body));
	ck_assert_str_eq(res.body, r->in);
}
END_TEST

#define MALFORMED \
	"{\"defined\":false,\"code\":\"BAD_REQUEST\",\"status\":400," \
	"\"message\":\"Malformed request. Ensure the request body is " \
	"properly formatted and the 'Content-Type' header is set " \
	"correctly.\"}"

static const struct output_row {
	const char *target, *body;
	int status;
	const char *type, *answer;
} outputs[] = {
	{ "/api/orpc/special", "1", 200, JSON,
	    "{\"set\":[\"12\",null],\"map\":[[\"k\",null]],"
	    "\"date\":\"1970-01-01T00:00:00.000Z\",\"bad\":null,"
	    "\"re\":\"/a/g\",\"url\":\"https://e.com/\"}" },
	{ "/api/orpc/made", "\"null\"", 201, JSON, "null" },
	{ "/api/orpc/made", "\"string\"", 201, JSON, "\"text\"" },
	{ "/api/orpc/made", "\"undefined\"", 201, NULL, "" },
	{ "/api/orpc/made", "\"x\"", 422, JSON,
	    "{\"defined\":true,\"code\":\"NOPE\",\"status\":422,"
	    "\"message\":\"not that\"}" },
	{ "/api/orpc/made", "{bad", 400, JSON, MALFORMED },
};

START_TEST(an_output_is_plain_json)
{
	const struct output_row *r = &outputs[_i];

	ck_assert(ask("POST", r->target, JSON, r->body));
	ck_assert_int_eq(res.status, r->status);
	ck_assert_str_eq(res.body == NULL ? "" : res.body, r->answer);
	if (r->type == NULL)
		ck_assert_ptr_null(res_type());
	else
		ck_assert_str_eq(res_type(), r->type);
}
END_TEST

START_TEST(a_bad_input_is_told_by_its_issues)
{
	ck_assert(ask("POST", "/api/orpc/a/b/run", JSON, "{\"id\":1}"));
	ck_assert_int_eq(res.status, 200);
	ck_assert(ask("GET", "/api/orpc/a?0=x", "", NULL));
	ck_assert_int_eq(res.status, 400);
	ck_assert_str_eq(res.body,
	    "{\"defined\":false,\"code\":\"BAD_REQUEST\",\"status\":400,"
	    "\"message\":\"Input validation failed\",\"data\":{\"issues\":["
	    "{\"message\":\"must be object\"}]}}");
}
END_TEST

START_TEST(a_deep_value_is_echoed)
{
	enum { DEPTH = 20000 };
	char *body = hq_arena_alloc(arena, 2 * DEPTH + 1, 1);

	memset(body, '[', DEPTH);
	memset(body + DEPTH, ']', DEPTH);
	ck_assert(ask("POST", "/api/orpc/a", JSON, body));
	ck_assert_int_eq(res.status, 200);
	ck_assert_uint_eq(res.body_bytes,
	    strlen("{\"ran\":\"save\",\"in\":}") + 2 * DEPTH);
}
END_TEST

/* The match and the input fit; the echo does not. */
START_TEST(an_answer_that_does_not_fit_is_an_error)
{
	char *body = hq_arena_alloc(arena, 40003, 1);

	memset(body, 'a', 40002);
	body[0] = body[40001] = '"';
	small = hq_arena_new(16384);
	ck_assert(ask("POST", "/api/orpc/a", JSON, body));
	hq_arena_free(small);
	ck_assert_int_eq(res.status, 500);
	ck_assert_str_eq(res.body,
	    "{\"defined\":false,\"code\":\"INTERNAL_SERVER_ERROR\","
	    "\"status\":500,\"message\":\"Internal server error\"}");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("openapi");
	TCase *t = tcase_create("openapi");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, a_path_finds_its_procedure, 0, COUNT(routes));
	tcase_add_loop_test(t, an_input_is_made_of_path_query_and_body, 0,
	    COUNT(inputs));
	tcase_add_loop_test(t, an_output_is_plain_json, 0, COUNT(outputs));
	tcase_add_test(t, a_bad_input_is_told_by_its_issues);
	tcase_add_test(t, a_deep_value_is_echoed);
	tcase_add_test(t, an_answer_that_does_not_fit_is_an_error);
	suite_add_tcase(s, t);
	return run_suite(s);
}

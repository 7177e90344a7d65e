#include <signal.h>

#include "hqtest.h"
#include "proto/contract.h"

#define OBJECT(props) "{\"type\":\"object\",\"properties\":{" props "}}"
#define ID \
	"{\"type\":\"object\",\"required\":[\"id\"],\"properties\":" \
	"{\"id\":{\"type\":\"string\"}},\"additionalProperties\":false}"
#define PROC(route, input, more) \
	"{\"route\":{" route "},\"input\":" input ",\"output\":" ID more "}"
#define GET_ROUTE "\"method\":\"GET\",\"path\":\"/things/{id}\""
#define ERRORS \
	",\"errors\":{\"THING_GONE\":{\"status\":404,\"defined\":true," \
	"\"message\":\"thing is gone\",\"data\":" ID "}," \
	"\"BROKEN\":{\"status\":500},\"CONFLICT\":{\"status\":409}}"
#define CONTRACT(procs) "{\"procedures\":{" procs "}}"

/* What the handler does next. */
static struct {
	enum hq_rc rc;
	const char *code, *msg, *out;
} script;

static enum hq_rc
play(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *data = NULL;

	(void)in;
	if (script.code != NULL && script.out != NULL)
		HQ_TRY(hq_json_parse(c->arena, script.out, strlen(script.out),
		    &data, e));
	if (script.code != NULL)
		return HQ_FAIL_DECLARED(e, script.code, data, "%s", script.msg);
	if (script.rc != HQ_OK) {
		hq_fail(e, script.rc, HQ_WHERE, "%s", script.msg);
		return script.rc;
	}
	return hq_json_parse(c->arena, script.out, strlen(script.out), ret_out,
	    e);
}

static enum hq_rc
other(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	return play(c, in, ret_out, e);
}

static const struct hq_binding get_only[] = { { "get", play }, { 0 } };
static const struct hq_plugin plugin = { .handlers = get_only };
static const struct hq_binding get_other[] = { { "get", other }, { 0 } };
static const struct hq_plugin plugin_other = { .handlers = get_other };
static const struct hq_binding two[] = { { "get", play }, { "put", play },
	{ 0 } };
static const struct hq_plugin plugin_two = { .handlers = two };

static struct hq_composed
row_of(enum hq_kind kind, const struct hq_plugin *p, const char *contract)
{
	struct hq_composed c = { .kind = kind,
		.capability = "things",
		.name = "x",
		.dir = kind == HQ_KIND_API ? "api/things" : "workflows/things",
		.plugin = p,
		.contract = contract };

	return c;
}

static struct hq_procs
loaded(const struct hq_plugin *p, const char *contract)
{
	struct hq_composed rows[2] = { row_of(HQ_KIND_API, p, contract),
		{ 0 } };
	struct hq_composed *kept = HQ_NEW(arena, struct hq_composed, 2);
	struct hq_procs procs;

	memcpy(kept, rows, sizeof(rows));
	ck_hq_ok(hq_procs_load(kept, 1u << HQ_KIND_API, arena, &procs, &err));
	return procs;
}

START_TEST(a_procedure_has_all_its_names)
{
	struct hq_procs p =
	    loaded(&plugin, CONTRACT("\"get\":" PROC(GET_ROUTE, ID, "")));

	ck_assert_uint_eq(p.n, 1);
	ck_assert_str_eq(p.v[0].name, "things.get");
	ck_assert_str_eq(p.v[0].rpc_path, "/things/get");
	ck_assert_str_eq(p.v[0].operation_id, "things.get");
	ck_assert_str_eq(p.v[0].method, "GET");
	ck_assert_str_eq(p.v[0].path, "/things/{id}");
	ck_assert_int_eq(p.v[0].success_status, 200);
	ck_assert_ptr_null(p.v[0].errors[0].code);
}
END_TEST

START_TEST(an_rpc_path_is_encoded)
{
	static const struct hq_binding b[] = { { "a b/\xc3\xa9", play },
		{ 0 } };
	static const struct hq_plugin odd = { .handlers = b };
	struct hq_procs p =
	    loaded(&odd, CONTRACT("\"a b/\xc3\xa9\":" PROC(GET_ROUTE, ID, "")));

	ck_assert_str_eq(p.v[0].rpc_path, "/things/a%20b%2F%C3%A9");
}
END_TEST

START_TEST(an_error_without_a_message_gets_the_default)
{
	struct hq_procs p =
	    loaded(&plugin, CONTRACT("\"get\":" PROC(GET_ROUTE, ID, ERRORS)));

	ck_assert_str_eq(p.v[0].errors[0].message, "thing is gone");
	ck_assert_str_eq(p.v[0].errors[1].message, "BROKEN");
	ck_assert_str_eq(p.v[0].errors[2].message, "Conflict");
}
END_TEST

static const struct bad_row {
	const char *contract, *msg;
} bad[] = {
	{ "{", NULL },
	{ "{\"procs\":{}}",
	    "api/things: contract.json: unknown key \"procs\"" },
	{ "{}", "api/things: contract.json: procedures: not an object" },
	{ CONTRACT(""),
	    "api/things: handler get has no procedure: declare it in "
	    "contract.json or drop it from router.c" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE, ID,
	      "") ",\"put\":" PROC("\"method\":\"PUT\",\"path\":\"/x\"", ID,
	      "")),
	    "api/things: procedure put has no handler: bind one in "
	    "router.c" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE, ID, ",\"in\":1")),
	    "api/things: things.get: unknown key \"in\"" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE ",\"verb\":1", ID, "")),
	    "api/things: things.get: unknown key \"verb\"" },
	{ CONTRACT("\"get\":" PROC("\"path\":\"/x\"", ID, "")),
	    "api/things: things.get: method is not GET, POST, PUT, PATCH or "
	    "DELETE" },
	{ CONTRACT("\"get\":" PROC("\"method\":\"GET\"", ID, "")),
	    "api/things: things.get: path: must begin with /" },
	{ CONTRACT(
	      "\"get\":" PROC("\"method\":\"GET\",\"path\":\"/x/\"", ID, "")),
	    "api/things: things.get: path: must not end with /" },
	{ CONTRACT(
	      "\"get\":" PROC("\"method\":\"GET\",\"path\":\"/x//y\"", ID, "")),
	    "api/things: things.get: path: an empty segment" },
	{ CONTRACT("\"get\":" PROC("\"method\":\"GET\",\"path\":\"/x/a{id}\"",
	      ID, "")),
	    "api/things: things.get: path: a parameter must be a whole "
	    "segment" },
	{ CONTRACT("\"get\":" PROC("\"method\":\"GET\",\"path\":\"/{+id}/y\"",
	      ID, "")),
	    "api/things: things.get: path: {+rest} must be the last segment" },
	{ CONTRACT("\"get\":" PROC("\"method\":\"GET\",\"path\":\"/x/{no}\"",
	      ID, "")),
	    "api/things: things.get: path: every parameter must be a required "
	    "property of an object input" },
	{ CONTRACT("\"get\":" PROC("\"method\":\"GET\",\"path\":\"/x\"",
	      "{\"type\":\"string\"}", "")),
	    "api/things: things.get: input of a GET must be an object" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE ",\"successStatus\":404", ID, "")),
	    "api/things: things.get: successStatus is not in 200..399" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE, "{\"typ\":1}", "")),
	    "api/things: things.get: input: #/typ: unknown keyword" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE, ID,
	      ",\"errors\":{\"E\":{\"status\":200}}")),
	    "api/things: things.get: error E: status is not in 400..599" },
	{ CONTRACT("\"get\":" PROC(GET_ROUTE, ID,
	      ",\"errors\":{\"E\":{\"status\":400,\"data\":[]}}")),
	    "api/things: things.get: error E: data: #: not a schema" },
};

START_TEST(a_contract_that_cannot_be_kept_is_refused)
{
	struct hq_composed rows[2] = {
		row_of(HQ_KIND_API, &plugin, bad[_i].contract), { 0 }
	};
	struct hq_procs procs;

	ck_assert_int_eq(hq_procs_load(rows, 1u << HQ_KIND_API, arena, &procs,
			     &err),
	    HQ_E_BAD_REQUEST);
	if (bad[_i].msg != NULL)
		ck_assert_str_eq(err.msg, bad[_i].msg);
}
END_TEST

#define BOTH (1u << HQ_KIND_API | 1u << HQ_KIND_WORKFLOWS)
#define THINGS CONTRACT("\"get\":" PROC(GET_ROUTE, ID, ""))

START_TEST(one_procedure_of_two_plugins_is_loaded_once)
{
	struct hq_composed rows[3] = { row_of(HQ_KIND_API, &plugin, THINGS),
		row_of(HQ_KIND_WORKFLOWS, &plugin, THINGS), { 0 } };
	struct hq_procs procs;

	ck_hq_ok(hq_procs_load(rows, BOTH, arena, &procs, &err));
	ck_assert_uint_eq(procs.n, 1);
	ck_assert_int_eq(procs.v[0].from->kind, HQ_KIND_API);
}
END_TEST

START_TEST(two_procedures_of_one_name_are_refused)
{
	struct hq_composed rows[3] = { row_of(HQ_KIND_API, &plugin, THINGS),
		row_of(HQ_KIND_WORKFLOWS, &plugin_other, THINGS), { 0 } };
	struct hq_procs procs;

	ck_assert_int_eq(hq_procs_load(rows, BOTH, arena, &procs, &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(two_procedures_of_one_route_are_refused)
{
	struct hq_composed rows[2] = {
		row_of(HQ_KIND_API, &plugin_two,
		    CONTRACT("\"get\":" PROC(GET_ROUTE, ID,
			"") ",\"put\":" PROC("\"method\":\"GET\","
					     "\"path\":\"/things/{name}\"",
			"{\"type\":\"object\",\"required\":[\"name\"],"
			"\"properties\":{\"name\":{}}}",
			""))),
		{ 0 }
	};
	struct hq_procs procs;

	ck_assert_int_eq(hq_procs_load(rows, BOTH, arena, &procs, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_str_eq(err.msg,
	    "api/things: things.put has the route of things.get in "
	    "api/things: GET /things/{name}");
}
END_TEST

START_TEST(a_kind_that_is_not_asked_for_is_not_read)
{
	struct hq_composed rows[2] = { row_of(HQ_KIND_WORKFLOWS, NULL, NULL),
		{ 0 } };
	struct hq_procs procs;

	ck_hq_ok(hq_procs_load(rows, 1u << HQ_KIND_API, arena, &procs, &err));
	ck_assert_uint_eq(procs.n, 0);
}
END_TEST

/* Call things.get as a carrier does; the answer's text. */
static const char *
called(const char *in)
{
	struct hq_procs p =
	    loaded(&plugin, CONTRACT("\"get\":" PROC(GET_ROUTE, ID, ERRORS)));
	struct hq_boundary c = { .arena = arena };
	struct json_object *v, *out;

	if (in != NULL) {
		ck_hq_ok(hq_json_parse(arena, in, strlen(in), &v, &err));
	} else {
		v = hq_js_undefined();
		ck_hq_ok(hq_json_own(arena, v, &err));
	}
	if (hq_proc_call(&p.v[0], &c, v, &out, &err) != HQ_OK)
		out = hq_orpc_error(&p.v[0], &err, arena);
	return hq_json_text(arena, out);
}

#define BODY(defined, code, status, msg, more) \
	"{\"defined\":" defined ",\"code\":\"" code "\",\"status\":" status \
	",\"message\":\"" msg "\"" more "}"
#define GOOD "{\"id\":\"a\"}"

static const struct call_row {
	const char *in;
	enum hq_rc rc;
	const char *code, *msg, *out, *answer;
} calls[] = {
	{ GOOD, HQ_OK, NULL, NULL, "{\"id\":\"b\"}", "{\"id\":\"b\"}" },
	{ NULL, HQ_OK, NULL, NULL, GOOD,
	    BODY("false", "BAD_REQUEST", "400", "Input validation failed",
		",\"data\":{\"issues\":[{\"message\":\"must be object\"}]}") },
	{ GOOD, HQ_OK, NULL, NULL, "{\"secret\":1}",
	    BODY("false", "INTERNAL_SERVER_ERROR", "500",
		"Output validation failed", "") },
	{ GOOD, HQ_E_INTERNAL_SERVER_ERROR, NULL, "disk on fire", NULL,
	    BODY("false", "INTERNAL_SERVER_ERROR", "500",
		"Internal server error", "") },
	{ GOOD, HQ_E_SERVICE_UNAVAILABLE, NULL, "lock is held", NULL,
	    BODY("false", "SERVICE_UNAVAILABLE", "503", "Service Unavailable",
		"") },
	{ GOOD, HQ_E_NOT_FOUND, NULL, "no a", NULL,
	    BODY("false", "NOT_FOUND", "404", "no a", "") },
	{ GOOD, HQ_E_NOT_FOUND, NULL, "", NULL,
	    BODY("false", "NOT_FOUND", "404", "Not Found", "") },
	{ GOOD, HQ_OK, "THING_GONE", "", GOOD,
	    BODY("true", "THING_GONE", "404", "thing is gone",
		",\"data\":{\"id\":\"a\"}") },
	{ GOOD, HQ_OK, "THING_GONE", "a left", GOOD,
	    BODY("true", "THING_GONE", "404", "a left",
		",\"data\":{\"id\":\"a\"}") },
	{ GOOD, HQ_OK, "THING_GONE", "", "{}",
	    BODY("false", "THING_GONE", "404", "thing is gone",
		",\"data\":{}") },
	{ GOOD, HQ_OK, "THING_GONE", "", NULL,
	    BODY("false", "THING_GONE", "404", "thing is gone", "") },
	{ GOOD, HQ_OK, "BROKEN", "the queue said no", "{\"n\":1}",
	    BODY("false", "BROKEN", "500", "the queue said no",
		",\"data\":{\"n\":1}") },
};

START_TEST(a_call_is_answered_as_the_reference_does)
{
	const struct call_row *r = &calls[_i];

	script.rc = r->rc;
	script.code = r->code;
	script.msg = r->msg;
	script.out = r->out;
	ck_assert_str_eq(called(r->in), r->answer);
}
END_TEST

START_TEST(an_undeclared_error_is_a_bug)
{
	script.code = "NO_SUCH_CODE";
	script.msg = "";
	called(GOOD);
}
END_TEST

START_TEST(an_error_without_procedure_is_never_defined)
{
	hq_fail(&err, HQ_E_FORBIDDEN, HQ_WHERE, "not you");
	ck_assert_str_eq(hq_json_text(arena, hq_orpc_error(NULL, &err, arena)),
	    BODY("false", "FORBIDDEN", "403", "not you", ""));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("contract");
	TCase *t = tcase_create("contract");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_test(t, a_procedure_has_all_its_names);
	tcase_add_test(t, an_rpc_path_is_encoded);
	tcase_add_test(t, an_error_without_a_message_gets_the_default);
	tcase_add_loop_test(t, a_contract_that_cannot_be_kept_is_refused, 0,
	    COUNT(bad));
	tcase_add_test(t, one_procedure_of_two_plugins_is_loaded_once);
	tcase_add_test(t, two_procedures_of_one_name_are_refused);
	tcase_add_test(t, two_procedures_of_one_route_are_refused);
	tcase_add_test(t, a_kind_that_is_not_asked_for_is_not_read);
	tcase_add_loop_test(t, a_call_is_answered_as_the_reference_does, 0,
	    COUNT(calls));
	tcase_add_test_raise_signal(t, an_undeclared_error_is_a_bug, SIGABRT);
	tcase_add_test(t, an_error_without_procedure_is_never_defined);
	suite_add_tcase(s, t);
	return run_suite(s);
}

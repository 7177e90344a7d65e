/*
 * tests/unit/rpctest.h - a small contract, and requests to it.
 */
#ifndef RPCTEST_H
#define RPCTEST_H

#include "hqtest.h"

#include "onecontract.h"
#include "proto/orpc/rpc.h"

#define MALFORMED \
	"{\"json\":{\"defined\":false,\"code\":\"BAD_REQUEST\"," \
	"\"status\":400,\"message\":\"Malformed request. Ensure the request " \
	"body is properly formatted and the 'Content-Type' header is set " \
	"correctly.\"}}"
#define NO_INPUT \
	"{\"json\":{\"defined\":false,\"code\":\"BAD_REQUEST\"," \
	"\"status\":400,\"message\":\"Input validation failed\",\"data\":{" \
	"\"issues\":[{\"message\":\"must be object\"}]}}}"
#define NOT_SUPPORTED \
	"{\"json\":{\"defined\":false,\"code\":\"METHOD_NOT_SUPPORTED\"," \
	"\"status\":405,\"message\":\"Method Not Supported\"}}"
#define UNEXPECTED \
	"{\"json\":{\"defined\":false,\"code\":\"INTERNAL_SERVER_ERROR\"," \
	"\"status\":500,\"message\":\"Internal server error\"}}"

static const char rpctest_contract[] =
    "{\"procedures\":{"
    "\"list\":{\"route\":{\"method\":\"GET\",\"path\":\"/t\","
    "\"summary\":\"s\",\"tags\":[\"t\"]},"
    "\"input\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{}},\"output\":{}},"
    "\"echo\":{\"route\":{\"method\":\"POST\",\"path\":\"/t\","
    "\"summary\":\"s\",\"tags\":[\"t\"]},\"input\":{},\"output\":{}},"
    "\"gone\":{\"route\":{\"method\":\"POST\",\"path\":\"/gone\","
    "\"summary\":\"s\",\"tags\":[\"t\"]},\"input\":{},\"output\":{},"
    "\"errors\":{\"IT_IS_GONE\":{\"status\":410,\"message\":\"gone\"}}},"
    "\"boom\":{\"route\":{\"method\":\"POST\",\"path\":\"/boom\","
    "\"summary\":\"s\",\"tags\":[\"t\"]},\"input\":{},\"output\":{}},"
    "\"greedy\":{\"route\":{\"method\":\"POST\",\"path\":\"/greedy\","
    "\"summary\":\"s\",\"tags\":[\"t\"]},\"input\":{},\"output\":{}}}}";

static int rpctest_calls; /* of handlers, in this process */

static enum hq_rc
list(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)in;
	rpctest_calls++;
	return hq_json_parse(c->arena, "[1]", 3, ret_out, e);
}

static enum hq_rc
echo(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)c;
	(void)e;
	rpctest_calls++;
	*ret_out = in;
	return HQ_OK;
}

static enum hq_rc
gone(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *data = json_object_new_object();

	(void)in;
	(void)ret_out;
	rpctest_calls++;
	HQ_TRY(hq_json_own(c->arena, data, e));
	hq_json_put_i64(data, "id", 7);
	return HQ_FAIL_DECLARED(e, "IT_IS_GONE", data, "it went");
}

/* Takes all the memory there is. */
static enum hq_rc
greedy(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)e;
	rpctest_calls++;
	ck_assert_ptr_null(hq_arena_alloc(c->arena, (size_t)1 << 40, 1));
	*ret_out = in;
	return HQ_OK;
}

static const struct hq_binding rpctest_handlers[] = {
	{ "list", list },
	{ "echo", echo },
	{ "gone", gone },
	{ "boom", boom },
	{ "greedy", greedy },
	{ 0 },
};

static struct hq_config rpctest_config;
static struct hq_boundary rpctest_boundary;
static struct hq_procs rpctest_procs;

static void
rpctest_open(void)
{
	arena_open();
	rpctest_calls = 0;
	rpctest_config.s[HQ_SET_RAWR_BASE_URL] = "https://rawr.example";
	rpctest_boundary = one_caller(arena, &rpctest_config);
	ck_hq_ok(one_contract_load(rpctest_contract, rpctest_handlers, arena,
	    &rpctest_procs, &err));
}

/* Up to three CGI parameters, each may be NULL. */
struct request {
	const char *method, *path, *query, *body;
	const char *params[4];
};

static struct hq_http_res rpctest_res;

/* False: not handled. */
static bool
send_request(const struct request *q)
{
	const struct hq_http_req req = {
		.arena = arena,
		.method = q->method,
		.path = q->path,
		.query = q->query != NULL ? q->query : "",
		.body = q->body != NULL ? q->body : "",
		.body_bytes = q->body != NULL ? strlen(q->body) : 0,
		.has_body = q->body != NULL && *q->body != '\0',
		.params = q->params,
	};

	memset(&rpctest_res, 0, sizeof(rpctest_res));
	return hq_rpc_handle(&rpctest_procs, "/rpc", &rpctest_boundary, &req,
	    &rpctest_res);
}

static void
check_reply(const struct request *q, int status, const char *body)
{
	ck_assert_msg(send_request(q), "%s %s was not handled", q->method,
	    q->path);
	ck_assert_msg(rpctest_res.status == status &&
		strcmp(rpctest_res.body, body) == 0,
	    "%s %s?%s %s: %d %s", q->method, q->path,
	    q->query != NULL ? q->query : "", q->body != NULL ? q->body : "",
	    rpctest_res.status, rpctest_res.body);
	ck_assert_uint_eq(rpctest_res.body_bytes, strlen(body));
}

#endif /* RPCTEST_H */

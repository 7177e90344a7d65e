/*
 * The OpenAPI protocol: routes, parameters, queries and bodies of any type.
 * What came out is what comes out of it the next time.
 */
#include "fuzz.h"
#include "proto/orpc/openapi.h"

static void
check_again(const struct hq_openapi *routes, const struct hq_http_res *first)
{
	static const char *const params[] = { "CONTENT_TYPE=application/json",
		NULL };
	const struct hq_http_req req = { .arena = arena,
		.method = "POST",
		.path = "/api/orpc/t",
		.query = "",
		.body = first->body,
		.body_bytes = first->body_bytes,
		.has_body = first->body_bytes > 0,
		.params = params };
	struct hq_http_res res = { 0 };

	HQ_ASSERT(hq_openapi_handle(routes, "/api/orpc/", &fuzz_boundary, &req,
	    &res));
	HQ_ASSERT(res.status == 200);
	HQ_ASSERT(res.body_bytes == first->body_bytes &&
	    memcmp(res.body, first->body, res.body_bytes) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct hq_openapi *routes;
	static struct hq_arena *lasting;
	const char *params[4] = { NULL };
	struct hq_http_res res = { 0 };
	const struct hq_procs *procs;
	struct hq_http_req req;

	fuzz_begin();
	procs = fuzz_procs();
	if (routes == NULL) {
		lasting = hq_arena_new(FUZZ_ARENA_BYTES);
		routes = hq_openapi_new(procs, lasting);
	}
	req = fuzz_request(data, n, params);
	if (!hq_openapi_handle(routes, "/api/orpc/", &fuzz_boundary, &req,
		&res))
		return 0;
	fuzz_check_reply(&res);
	HQ_ASSERT(res.status < 500);
	if (res.status == 200)
		check_again(routes, &res);
	return 0;
}

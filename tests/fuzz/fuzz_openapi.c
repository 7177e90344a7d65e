/* The OpenAPI protocol: routes, parameters, queries and bodies of any type. */
#include "fuzz.h"
#include "proto/orpc/openapi.h"

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
	if (hq_openapi_handle(routes, "/api/orpc/", &fuzz_boundary, &req, &res))
		fuzz_check_reply(&res);
	return 0;
}

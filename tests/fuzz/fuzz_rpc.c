/*
 * The RPC protocol: paths, the query's data, body and meta, out again.  What
 * came out is what comes out of it the next time.
 */
#include "fuzz.h"
#include "proto/orpc/envelope.h"
#include "proto/orpc/rpc.h"

static void
check_again(const struct hq_procs *procs, const struct hq_http_res *first)
{
	static const char *const params[] = { "CONTENT_TYPE=application/json",
		NULL };
	const struct hq_http_req req = { .arena = arena,
		.method = "POST",
		.path = "/rpc/t/echo",
		.query = "",
		.body = first->body,
		.body_bytes = first->body_bytes,
		.has_body = true,
		.params = params };
	struct hq_http_res res = { 0 };

	HQ_ASSERT(hq_rpc_handle(procs, "/rpc", &fuzz_boundary, &req, &res));
	HQ_ASSERT(res.status == 200);
	HQ_ASSERT(res.body_bytes == first->body_bytes &&
	    memcmp(res.body, first->body, res.body_bytes) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[4] = { NULL };
	struct hq_http_res res = { 0 };
	const struct hq_procs *procs;
	struct hq_http_req req;

	fuzz_begin();
	procs = fuzz_procs();
	req = fuzz_request(data, n, params);
	if (!hq_rpc_handle(procs, "/rpc", &fuzz_boundary, &req, &res))
		return 0;
	fuzz_check_reply(&res);
	/* Tagged values that are too deep cannot be written. */
	HQ_ASSERT(res.status < 500 || n > HQ_ENVELOPE_DEPTH_MAX);
	if (res.status == 200)
		check_again(procs, &res);
	return 0;
}

/* Batches: the input is the header x-orpc-batch, then the items. */
#include "fuzz.h"
#include "proto/orpc/rpc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	const char *params[4] = { "CONTENT_TYPE=application/json",
		"HTTP_HOST=h:8080" };
	struct hq_http_res res = { 0 };
	const struct hq_procs *procs;
	struct hq_http_req req;

	fuzz_begin();
	procs = fuzz_procs();
	params[2] =
	    hq_arena_printf(arena, "HTTP_X_ORPC_BATCH=%s", fuzz_line(&r));
	req = (struct hq_http_req){ .arena = arena,
		.method = "POST",
		.path = "/rpc/__batch__",
		.query = "",
		.body = hq_arena_copy(arena, r.p, r.n),
		.body_bytes = r.n,
		.has_body = r.n > 0,
		.params = params };
	if (hq_rpc_handle(procs, "/rpc", &fuzz_boundary, &req, &res))
		fuzz_check_reply(&res);
	return 0;
}

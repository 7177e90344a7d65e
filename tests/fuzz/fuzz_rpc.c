/* The RPC protocol: paths, the query's data, body and meta, out again. */
#include "fuzz.h"
#include "proto/orpc/rpc.h"

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
	if (hq_rpc_handle(procs, "/rpc", &fuzz_boundary, &req, &res))
		fuzz_check_reply(&res);
	return 0;
}

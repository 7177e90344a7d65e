/*
 * Batches: the input is the header x-orpc-batch, then the items.  A buffered
 * answer has one for each of them, in their order.
 */
#include "fuzz.h"
#include "proto/orpc/envelope.h"
#include "proto/orpc/rpc.h"

static void
check_items(const struct hq_http_req *req, const struct hq_http_res *res)
{
	struct json_object *asked, *told, *item;
	size_t i, n;

	HQ_ASSERT(hq_json_parse(arena, req->body, req->body_bytes, &asked,
		      &err) == HQ_OK);
	if (hq_json_parse(arena, res->body, res->body_bytes, &told, &err) !=
	    HQ_OK) {
		HQ_ASSERT(err.code == HQ_E_PAYLOAD_TOO_LARGE);
		return;
	}
	n = json_object_array_length(asked);
	HQ_ASSERT(json_object_array_length(told) == n && n <= HQ_RPC_BATCH_MAX);
	for (i = 0; i < n; i++) {
		item = json_object_array_get_idx(told, i);
		HQ_ASSERT(hq_json_i64(item, "index", -1) == (int64_t)i);
		HQ_ASSERT(hq_json_i64(item, "status", 0) < 500 ||
		    req->body_bytes > HQ_ENVELOPE_DEPTH_MAX);
	}
}

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
	if (!hq_rpc_handle(procs, "/rpc", &fuzz_boundary, &req, &res))
		return 0;
	fuzz_check_reply(&res);
	HQ_ASSERT(res.status < 500);
	if (res.status == 207 && res.body[0] == '[')
		check_items(&req, &res);
	return 0;
}

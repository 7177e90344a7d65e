/*
 * proto/orpc/call.h - one RPC call, however it came: as a request of its own
 * or as an item of a batch.  Private to this room.
 */
#ifndef HQ_PROTO_ORPC_CALL_H
#define HQ_PROTO_ORPC_CALL_H

#include "proto/contract.h"
#include "proto/http/http.h"

struct hq_rpc {
	const struct hq_procs *procs;
	const char *prefix;
	struct hq_boundary *c;
};

struct hq_rpc_call {
	const char *method;
	const char *path; /* of the URL, with the prefix */
	const char *query;
	bool guard; /* only procedures whose route says GET */
	const struct hq_http_req *http; /* has the body; NULL: it is in body */
	struct json_object *body;       /* decoded; may be undefined */
};

/* The handler waits: no status yet. */
enum { HQ_RPC_WAITS = -1 };

/*
 * Run a call and append the reply's JSON to out.  The HTTP status; 0 if no
 * procedure matches, and HQ_RPC_WAITS if it has to be called again: in both
 * cases nothing was written.
 */
int hq_rpc_run(const struct hq_rpc *r, const struct hq_rpc_call *call,
    struct hq_buf *out);

/*
 * Answer with what out holds, or with a plain 500 where the arena is full.
 * type: static.
 */
void hq_rpc_reply(const struct hq_rpc *r, struct hq_http_res *res, int status,
    const char *type, const struct hq_buf *out);

#endif /* HQ_PROTO_ORPC_CALL_H */

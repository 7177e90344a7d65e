/*
 * proto/orpc/rpc.h - oRPC's RPC protocol (facts: @orpc/server 1.16.1,
 * RPCHandler with StrictGetMethodPlugin and BatchHandlerPlugin).
 */
#ifndef HQ_PROTO_ORPC_RPC_H
#define HQ_PROTO_ORPC_RPC_H

#include "proto/contract.h"
#include "proto/http/http.h"

enum { HQ_RPC_BATCH_MAX = 10 };

/*
 * Answer a request whose path is the prefix or stands below it.  False: no
 * procedure matches and nothing was written; the host answers 404 "not found".
 * Methods other than GET, POST, PUT, PATCH and DELETE get 405.
 */
bool hq_rpc_handle(const struct hq_procs *procs, const char *prefix,
    struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res);

#endif /* HQ_PROTO_ORPC_RPC_H */

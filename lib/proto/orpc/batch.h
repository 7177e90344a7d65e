/*
 * proto/orpc/batch.h - several RPC calls in one request (facts: @orpc/server
 * 1.16.1, BatchHandlerPlugin; @orpc/standard-server 1.16.1, batch).  Private
 * to this room.
 */
#ifndef HQ_PROTO_ORPC_BATCH_H
#define HQ_PROTO_ORPC_BATCH_H

#include "proto/orpc/call.h"

/*
 * The items that a request carries: its JSON body, or the last `batch`
 * parameter of a GET.  NULL if that is not an array.  Arena's.
 */
struct json_object *hq_batch_items(const struct hq_rpc *r,
    const struct hq_http_req *req);

/*
 * Run the items in order and answer 207.  items may be NULL: 400.  mode is the
 * value of x-orpc-batch: "buffered" answers with an array, anything else with
 * an event stream.  False, and nothing was run, if an item is addressed to
 * another origin than ours.
 */
bool hq_batch_handle(const struct hq_rpc *r, const struct hq_http_req *req,
    struct json_object *items, const char *mode, struct hq_http_res *res);

#endif /* HQ_PROTO_ORPC_BATCH_H */

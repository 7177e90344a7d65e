/*
 * domain/state/discovery.h - what there is to call and to read, for programs
 * that come without knowing it.
 *
 * GET /llms.txt is an index in Markdown, GET /.well-known/api-catalog the same
 * as a linkset (RFC 9727, RFC 9264).  Both are made when they are asked for,
 * from the manifest and the runtime state: a plugin that is off is in neither.
 * Only the published family stands there; /rpc, web and cli plugins do not.
 */
#ifndef HQ_DOMAIN_STATE_DISCOVERY_H
#define HQ_DOMAIN_STATE_DISCOVERY_H

#include "hq/listing.h"
#include "proto/http/http.h"

/* True if the path is one of the two: res is filled in. */
bool hq_discovery_handle(const struct hq_listed *rows, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res);

#endif /* HQ_DOMAIN_STATE_DISCOVERY_H */

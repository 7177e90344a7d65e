/*
 * proto/orpc/openapi.h - oRPC's OpenAPI protocol (facts: @orpc/openapi 1.16.1,
 * OpenAPIHandler, compact input and output).
 */
#ifndef HQ_PROTO_ORPC_OPENAPI_H
#define HQ_PROTO_ORPC_OPENAPI_H

#include "proto/contract.h"
#include "proto/http/http.h"

struct hq_openapi; /* routes compiled for matching; immutable */

struct hq_openapi *hq_openapi_new(const struct hq_procs *procs,
    struct hq_arena *a);

/* As hq_rpc_handle(): false if no route matches (wrong method included). */
bool hq_openapi_handle(const struct hq_openapi *o, const char *prefix,
    struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res);

#endif /* HQ_PROTO_ORPC_OPENAPI_H */

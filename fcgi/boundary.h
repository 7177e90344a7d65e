/*
 * fcgi/boundary.h - the factory of the boundary context, one per HTTP request.
 */
#ifndef HQ_FCGI_BOUNDARY_H
#define HQ_FCGI_BOUNDARY_H

#include "host.h"

enum { HQ_CALLER_ID_MAX = 128 }; /* bytes of an accepted request id */

/*
 * Fill in everything but the principal.  x-request-id and x-correlation-id
 * are accepted where they are 1..128 of [A-Za-z0-9._-], traceparent where it is
 * W3C version 00; anything else is replaced, never echoed.  The correlation id
 * defaults to the request id.
 */
void hq_boundary_make(struct hq_host *h, const struct hq_http_req *req,
    struct hq_boundary *ret);

/* Echo the three ids on the reply. */
void hq_boundary_echo(const struct hq_boundary *c, struct hq_http_res *res);

/*
 * BAD_REQUEST if a header that anything here interprets came twice: two readers
 * could pick different ones.
 */
enum hq_rc hq_boundary_check(const struct hq_http_req *req, struct hq_err *err)
    HQ_MUST;

#endif /* HQ_FCGI_BOUNDARY_H */

/*
 * proto/http/multipart.h - multipart/form-data (RFC 7578, as browsers write
 * it and WHATWG Fetch reads it).
 */
#ifndef HQ_PROTO_HTTP_MULTIPART_H
#define HQ_PROTO_HTTP_MULTIPART_H

#include "proto/http/media.h"

/*
 * Parts in order; one with a filename becomes a file.  type: the content-type
 * with its boundary.  BAD_REQUEST if the boundary is missing or the body is
 * not delimited by it to its end, if a part has no name, or for too many.
 */
enum hq_rc hq_multipart_parse(struct hq_arena *a, const char *type,
    const char *body, size_t n, struct hq_pairs *ret, struct hq_err *err)
    HQ_MUST;

/* A file value: its bytes are not kept.  Owned by the arena. */
enum hq_rc hq_file_new(struct hq_arena *a, const char *name, const char *type,
    size_t size_bytes, struct json_object **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_HTTP_MULTIPART_H */

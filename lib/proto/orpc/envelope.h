/*
 * proto/orpc/envelope.h - {"json", "meta"?, "maps"?}: how the RPC protocol
 * carries JavaScript values in JSON (facts: @orpc/client 1.16.1,
 * StandardRPCSerializer and StandardRPCJsonSerializer).  Private to this room.
 */
#ifndef HQ_PROTO_ORPC_ENVELOPE_H
#define HQ_PROTO_ORPC_ENVELOPE_H

#include "proto/http/media.h"
#include "json/value.h"

enum {
	HQ_ENVELOPE_FILES_MAX = 1000,
	HQ_ENVELOPE_DEPTH_MAX = 4096, /* of a value with tags, when written */
};

/*
 * What the library says of every request that it cannot decode.
 */
extern const char hq_envelope_malformed[];

/*
 * The value in an envelope.  body may be undefined; it is changed in place, and
 * *ret lives as long as body does or in the arena.  A body without `json` is
 * undefined.  BAD_REQUEST with hq_envelope_malformed if the envelope is broken.
 */
enum hq_rc hq_envelope_decode(struct hq_arena *a, struct json_object *body,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* The same of a multipart form: field `data`, and files "0", "1", ... */
enum hq_rc hq_envelope_decode_form(struct hq_arena *a,
    const struct hq_pairs *form, struct json_object **ret, struct hq_err *err)
    HQ_MUST;

/*
 * Append the envelope of v.  INTERNAL_SERVER_ERROR if v holds tagged values
 * deeper than HQ_ENVELOPE_DEPTH_MAX; out may then hold a part of it.
 */
enum hq_rc hq_envelope_write(struct hq_arena *a, struct json_object *v,
    struct hq_buf *out, struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_ORPC_ENVELOPE_H */

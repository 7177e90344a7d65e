/*
 * proto/orpc/bracket.h - bracket notation: a[b][]=1 to nested values (facts:
 * @orpc/openapi-client 1.16.1, StandardBracketNotationSerializer).
 */
#ifndef HQ_PROTO_ORPC_BRACKET_H
#define HQ_PROTO_ORPC_BRACKET_H

#include "proto/http/media.h"

enum {
	HQ_BRACKET_INDEX_MAX = 9999,   /* a larger one is an object's key */
	HQ_BRACKET_PAIRS_MAX = 10000,  /* of one form or query */
	HQ_BRACKET_DEPTH_MAX = 100,    /* segments of one name */
	HQ_BRACKET_PLACES_MAX = 100000 /* of all arrays, holes included */
};

/*
 * Values are strings or files; a hole of an array is undefined.  Owned by the
 * arena.  BAD_REQUEST says which of the limits is passed.
 */
enum hq_rc hq_bracket_parse(struct hq_arena *a, const struct hq_pairs *pairs,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_ORPC_BRACKET_H */

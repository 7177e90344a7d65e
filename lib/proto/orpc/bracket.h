/*
 * proto/orpc/bracket.h - bracket notation: a[b][]=1 to nested values (facts:
 * @orpc/openapi-client 1.16.1, StandardBracketNotationSerializer).
 */
#ifndef HQ_PROTO_ORPC_BRACKET_H
#define HQ_PROTO_ORPC_BRACKET_H

#include "proto/http/media.h"

enum { HQ_BRACKET_INDEX_MAX = 9999 };

/* Values are strings or files.  Owned by the arena. */
enum hq_rc hq_bracket_parse(struct hq_arena *a, const struct hq_pairs *pairs,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_ORPC_BRACKET_H */

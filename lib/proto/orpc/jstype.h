/*
 * proto/orpc/jstype.h - the types of an envelope's `meta`, by their numbers
 * (facts: @orpc/client 1.16.1, StandardRPCJsonSerializer).  Private to this
 * room.
 */
#ifndef HQ_PROTO_ORPC_JSTYPE_H
#define HQ_PROTO_ORPC_JSTYPE_H

#include "json/value.h"

enum { HQ_JSTYPE_BIGINT_DIGITS_MAX = 4300 };

/*
 * What a type makes of its JSON form (NULL is null): a new reference, or NULL
 * if that form is not the type's.
 */
typedef struct json_object *hq_jstype_fn(struct hq_arena *a,
    struct json_object *form);

/* The type that a number names; NULL for all else. */
hq_jstype_fn *hq_jstype(struct json_object *code);

#endif /* HQ_PROTO_ORPC_JSTYPE_H */

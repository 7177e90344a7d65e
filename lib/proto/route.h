/*
 * proto/route.h - paths of routes: "/a/{id}/b", "/files/{+rest}".  Private to
 * lib/proto.
 *
 * {name} is one segment; {+name} is one or more, and the last.  All parameters
 * are properties of the procedure's input.
 */
#ifndef HQ_PROTO_ROUTE_H
#define HQ_PROTO_ROUTE_H

#include "json/json.h"

enum hq_segment {
	HQ_SEGMENT_STATIC, /* in this order, the first that fits wins */
	HQ_SEGMENT_PARAM,
	HQ_SEGMENT_REST,
};

/*
 * The segment behind the '/' at *path: its kind, its text or name (not
 * terminated) and length.  *path moves to the next '/' or the end.  False at
 * the end.
 */
bool hq_route_next(const char **path, enum hq_segment *ret_kind,
    const char **ret_text, size_t *ret_n);

bool hq_route_has_param(const char *path, const char *name);

/* The same requests match both, whatever the parameters are called. */
bool hq_route_same_path(const char *a, const char *b);

/*
 * What is wrong with a route; NULL if nothing.  path may be NULL.  input is
 * the schema of the procedure's input.
 */
const char *hq_route_fault(const char *method, const char *path,
    struct json_object *input);

/*
 * oRPC's "any" schema: not one keyword in it restricts the value (facts:
 * @orpc/openapi 1.16.1, isAnySchema).
 */
bool hq_schema_def_is_any(struct json_object *def);

#endif /* HQ_PROTO_ROUTE_H */

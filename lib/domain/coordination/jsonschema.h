/*
 * domain/coordination/jsonschema.h - does a value fit a desk's schema?
 *
 * A desk's inputSchema and outputSchema are callers' data, so nothing is
 * compiled and nothing about them is a fault: keywords of the subset (type,
 * properties, required, items, enum, additionalProperties, oneOf, anyOf, allOf)
 * are checked, others and those of the wrong type say nothing.
 */
#ifndef HQ_DOMAIN_COORDINATION_JSONSCHEMA_H
#define HQ_DOMAIN_COORDINATION_JSONSCHEMA_H

#include "json/json.h"

/*
 * NULL if v fits schema, else the first thing that is wrong, with its place
 * below name: "output.a[0].b must be string".  In the arena.  ret_path (may be
 * NULL) gets the place alone where there is a fault.
 */
const char *hq_coord_schema_fault(struct hq_arena *a,
    struct json_object *schema, const char *name, struct json_object *v,
    const char **ret_path);

#endif /* HQ_DOMAIN_COORDINATION_JSONSCHEMA_H */

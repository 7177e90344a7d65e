/*
 * json/schema.h - JSON Schema (the subset that contracts use), compiled once.
 *
 * Keywords: type, required, properties, additionalProperties (false or a
 * schema), patternProperties (only "^.*$"), items, minLength, minimum, const,
 * enum, anyOf, and the annotations title, description, default, examples and
 * HQ_SCHEMA_EXTENSION.  An unknown keyword fails the compilation, so a contract
 * cannot promise what is not checked.
 *
 * Issues are those of TypeBox 1.0.81 behind oRPC's Standard Schema adapter:
 * its texts, its order, at most HQ_SCHEMA_ISSUES_MAX.  Order per node: type,
 * required, additionalProperties, patternProperties, properties in schema
 * order, items, minLength, minimum, const, anyOf branches and then the anyOf.
 */
#ifndef HQ_JSON_SCHEMA_H
#define HQ_JSON_SCHEMA_H

#include "json/json.h"
#include "json/value.h"

enum { HQ_SCHEMA_ISSUES_MAX = 8 };

/*
 * true on an optional property that the recorded contract does not have: it is
 * checked like any other and left out of the recorded document.
 */
#define HQ_SCHEMA_EXTENSION "x-rawr-extension"

struct hq_schema; /* compiled; immutable; lives in the arena it was made in */

/*
 * def is borrowed for as long as the schema lives.  BAD_REQUEST names the
 * keyword and its place.
 */
enum hq_rc hq_schema_compile(struct hq_arena *a, struct json_object *def,
    const struct hq_schema **ret, struct hq_err *err) HQ_MUST;

/*
 * Check v (which may be undefined).  *ret_issues is NULL if it is valid, else
 * an array of {"message", "path"?} owned by a.  A path segment that looks like
 * a number is a number.  The result code is HQ_OK in both cases; it fails only
 * if the arena is full.
 */
enum hq_rc hq_schema_check(const struct hq_schema *s, struct json_object *v,
    struct hq_arena *a, struct json_object **ret_issues, struct hq_err *err)
    HQ_MUST;

#endif /* HQ_JSON_SCHEMA_H */

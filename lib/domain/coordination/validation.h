/*
 * domain/coordination/validation.h - is this graph of desks one that can run?
 *
 * Fourteen codes, all collected, in a fixed order (facts: coordination,
 * "Validation codes"); clients compare the texts.  Behind them, for live
 * workflows only (work.h): INVALID_EXECUTOR, INVALID_REWORK, INVALID_CONDITION,
 * INVALID_MAPPING.
 */
#ifndef HQ_DOMAIN_COORDINATION_VALIDATION_H
#define HQ_DOMAIN_COORDINATION_VALIDATION_H

#include "json/json.h"

/*
 * *ret: {"ok", "errors": [{"code", "message", "deskId"?, "handoffId"?}]},
 * owned by a.  Works on any JSON, so that an imported document is safe.
 * PAYLOAD_TOO_LARGE if the arena is full.
 */
enum hq_rc hq_coord_validate(struct hq_arena *a, struct json_object *workflow,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* Does what satisfies schema `output` also satisfy schema `input`? */
bool hq_coord_assignable(struct json_object *output, struct json_object *input);

#endif /* HQ_DOMAIN_COORDINATION_VALIDATION_H */

/*
 * domain/coordination/validation_work.h - private to validation: the checks of
 * live workflows (work.h), after the fourteen that every workflow passes.
 */
#ifndef HQ_DOMAIN_COORDINATION_VALIDATION_WORK_H
#define HQ_DOMAIN_COORDINATION_VALIDATION_WORK_H

#include "domain/coordination/graph.h"

/* Append {"code", "message", "handoffId"?, "deskId"?} to errors. */
void hq_coord_issue(struct json_object *errors, const char *code,
    const char *handoff_id, const char *desk_id, const char *message);

/*
 * INVALID_EXECUTOR and INVALID_REWORK of each desk in order, then
 * INVALID_CONDITION and INVALID_MAPPING of each handoff.  A message about an
 * expression ends in "at <offset>".
 */
enum hq_rc hq_coord_validate_work(struct hq_arena *a,
    struct json_object *workflow, const struct hq_graph *g,
    struct json_object *errors, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_VALIDATION_WORK_H */

/*
 * domain/coordination/shape.h - has a foreign document the shape that readers
 * of the store count on?  The schemas of the contract say the rest.
 */
#ifndef HQ_DOMAIN_COORDINATION_SHAPE_H
#define HQ_DOMAIN_COORDINATION_SHAPE_H

#include "json/json.h"

/* NULL, or what is wrong; static. */
const char *hq_coord_workflow_fault(struct json_object *v, const char *id);
const char *hq_coord_run_fault(struct json_object *v, const char *id);
const char *hq_coord_event_fault(struct json_object *v, const char *run_id);
const char *hq_coord_memory_fault(struct json_object *v,
    const char *workflow_id, const char *desk_id);

#endif /* HQ_DOMAIN_COORDINATION_SHAPE_H */

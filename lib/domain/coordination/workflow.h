/*
 * domain/coordination/workflow.h - stored workflows.
 */
#ifndef HQ_DOMAIN_COORDINATION_WORKFLOW_H
#define HQ_DOMAIN_COORDINATION_WORKFLOW_H

#include "domain/coordination/store.h"

/*
 * The stored workflow that the input's workflowId names, trimmed.
 * INVALID_WORKFLOW_ID (data as sent), WORKFLOW_NOT_FOUND (data trimmed).
 */
enum hq_rc hq_coord_workflow_of(struct hq_boundary *c, struct json_object *in,
    const char **ret_id, struct json_object **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_WORKFLOW_H */

/*
 * domain/coordination - agent workflows of desks and handoffs, and their runs:
 * rules and SQL that the api plugin, the workflows plugin and the importer
 * share.  No transport.
 *
 * Procedures are handlers here (proto/contract.h) because two plugins publish
 * the same ones; the plugins only bind them.
 */
#ifndef HQ_DOMAIN_COORDINATION_H
#define HQ_DOMAIN_COORDINATION_H

#include "proto/contract.h"

extern const struct hq_module hq_coordination_store;

/* Procedures; codes as in the contract. */
hq_handler hq_coord_list_workflows;
hq_handler hq_coord_save_workflow;
hq_handler hq_coord_get_workflow;
hq_handler hq_coord_validate_workflow;
hq_handler hq_coord_queue_run;
hq_handler hq_coord_get_run_status;
hq_handler hq_coord_get_run_timeline;
hq_handler hq_coord_cancel_run;
hq_handler hq_coord_list_runs;
hq_handler hq_coord_retry_run;
hq_handler hq_coord_rerun_run;
hq_handler hq_coord_explain_run;

#endif /* HQ_DOMAIN_COORDINATION_H */

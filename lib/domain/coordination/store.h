/*
 * domain/coordination/store.h - the numbered statements of this room.
 */
#ifndef HQ_DOMAIN_COORDINATION_STORE_H
#define HQ_DOMAIN_COORDINATION_STORE_H

#include "domain/coordination/coordination.h"

/* The event that starts a run. */
#define HQ_COORD_RUN_EVENT "rawr/coordination.workflow.run"

enum hq_coord_q {
	HQ_CQ_WORKFLOW_GET,
	HQ_CQ_WORKFLOW_LIST,
	HQ_CQ_WORKFLOW_PUT,
	HQ_CQ_RUN_ADD,
	HQ_CQ_RUN_GET,
	HQ_CQ_RUN_ORIGIN,
	HQ_CQ_RUN_START,
	HQ_CQ_RUN_END,
	HQ_CQ_RUN_SET_IMPORTED,
	HQ_CQ_RUN_IMPORT,
	HQ_CQ_REJECTED_PUT,
	HQ_CQ_TIMELINE_ADD,
	HQ_CQ_TIMELINE_ADD_ACTIVE,
	HQ_CQ_TIMELINE_GET,
	HQ_CQ_TIMELINE_IMPORT,
	HQ_CQ_TIMELINE_DROP_IMPORTED,
	HQ_CQ_MEMORY_GET,
	HQ_CQ_MEMORY_PUT_ACTIVE,
	HQ_CQ_MEMORY_IMPORT,
	HQ_CQ_RUN_LIST,
	HQ_CQ_TIMELINE_OUTPUTS,
	HQ_CQ_TIMELINE_DESK,
	HQ_CQ_TASK_LIVE,
	HQ_CQ_TASK_ADD,
	HQ_CQ_TASK_OF,
	HQ_CQ_TASK_GET,
	HQ_CQ_TASK_OFFERED,
	HQ_CQ_TASK_CLAIM,
	HQ_CQ_TASK_LEASE,
	HQ_CQ_TASK_EXPIRED,
	HQ_CQ_TASK_REOPEN,
	HQ_CQ_TASK_END,
	HQ_CQ_TASK_CLOSE_RUN,
	HQ_CQ_TASK_LIST,
	HQ_CQ__MAX
};

/* Columns of HQ_CQ_RUN_GET. */
enum {
	HQ_COL_RUN_WORKFLOW_ID,
	HQ_COL_RUN_VERSION,
	HQ_COL_RUN_STATUS,
	HQ_COL_RUN_STARTED_MS,
	HQ_COL_RUN_FINISHED_MS,
	HQ_COL_RUN_INPUT,
	HQ_COL_RUN_OUTPUT,
	HQ_COL_RUN_ERROR,
	HQ_COL_RUN_ENGINE_RUN_ID,
	HQ_COL_RUN_EVENT_ID,
	HQ_COL_RUN_IMPORTED,
};

/* hq_exec() and hq_query() on this room's module. */
#define HQ_COORD_EXEC(db, q, ret_changes, err, ...) \
	hq_exec((db), &hq_coordination_store, (q), HQ_BIND(__VA_ARGS__), \
	    (ret_changes), (err))
#define HQ_COORD_QUERY(db, q, cursor, err, ...) \
	hq_query((db), &hq_coordination_store, (q), HQ_BIND(__VA_ARGS__), \
	    (cursor), (err))

#endif /* HQ_DOMAIN_COORDINATION_STORE_H */

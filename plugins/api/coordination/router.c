/*
 * plugins/api/coordination - workflows and their runs, for every caller.
 */
#include "domain/coordination/coordination.h"
#include "engine/event.h"

static const struct hq_binding handlers[] = {
	{ "listWorkflows", hq_coord_list_workflows },
	{ "saveWorkflow", hq_coord_save_workflow },
	{ "getWorkflow", hq_coord_get_workflow },
	{ "validateWorkflow", hq_coord_validate_workflow },
	{ "queueRun", hq_coord_queue_run },
	{ "getRunStatus", hq_coord_get_run_status },
	{ "getRunTimeline", hq_coord_get_run_timeline },
	{ 0 },
};

static const struct hq_module *const modules[] = {
	&hq_coordination_store,
	&hq_engine_store,
	NULL,
};

extern const struct hq_plugin hq_plugin_api_coordination;

const struct hq_plugin hq_plugin_api_coordination = {
	.handlers = handlers,
	.modules = modules,
};

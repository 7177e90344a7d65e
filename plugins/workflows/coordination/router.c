/*
 * plugins/workflows/coordination - triggers and status of coordination runs,
 * and the durable function that executes them.
 */
#include "domain/coordination/coordination.h"
#include "domain/coordination/retain.h"
#include "domain/coordination/task.h"
#include "engine/event.h"
#include "plugins/workflows/coordination/functions.h"

static const struct hq_binding handlers[] = {
	{ "queueRun", hq_coord_queue_run },
	{ "getRunStatus", hq_coord_get_run_status },
	{ "getRunTimeline", hq_coord_get_run_timeline },
	{ "cancelRun", hq_coord_cancel_run },
	{ "claimTask", hq_coord_claim_task },
	{ "heartbeatTask", hq_coord_heartbeat_task },
	{ "completeTask", hq_coord_complete_task },
	{ "failTask", hq_coord_fail_task },
	{ "answerTask", hq_coord_answer_task },
	{ "getTask", hq_coord_get_task },
	{ "listTasks", hq_coord_list_tasks },
	{ "listRuns", hq_coord_list_runs },
	{ "retryRun", hq_coord_retry_run },
	{ "rerunRun", hq_coord_rerun_run },
	{ "explainRun", hq_coord_explain_run },
	{ 0 },
};

static const struct hq_function *const functions[] = {
	&hq_coord_workflow_runner,
	&hq_coord_task_reaper,
	NULL,
};

static const struct hq_module *const modules[] = {
	&hq_coordination_store,
	&hq_engine_store,
	NULL,
};

extern const struct hq_plugin hq_plugin_workflows_coordination;

const struct hq_plugin hq_plugin_workflows_coordination = {
	.handlers = handlers,
	.functions = functions,
	.modules = modules,
	.retain = hq_coord_retain,
};

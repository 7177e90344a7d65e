/*
 * plugins/workflows/coordination - the durable function that executes runs.
 */
#ifndef HQ_PLUGINS_WORKFLOWS_COORDINATION_FUNCTIONS_H
#define HQ_PLUGINS_WORKFLOWS_COORDINATION_FUNCTIONS_H

#include "flow/function.h"

/*
 * "coordination-workflow-runner", started by rawr/coordination.workflow.run
 * {runId, workflow, input, baseUrl}.  Its steps:
 *   coordination/run-start
 *   desk/<id>/started, desk/<id>/memory-read, desk/<id>/execute,
 *   desk/<id>/memory-write (only where the desk persists), desk/<id>/completed
 *   coordination/run-completed or coordination/run-failed
 * In a live workflow (domain work.h) a desk that has another executor does
 *   desk/<id>/invoke, or desk/<id>/offer, desk/<id>/wait, desk/<id>/outcome
 *   (desk/<id>/close if the time ran out) in the place of desk/<id>/execute,
 * one that is not reached has desk/<id>/skipped alone, and a desk's steps end
 * in "#2", "#3", ... when it is sent work again.
 */
extern const struct hq_function hq_coord_workflow_runner;

/*
 * "coordination-task-reaper", started by rawr/coordination.task.watch {dueMs}
 * while anything is claimed: takes back the leases of agents that died.
 */
extern const struct hq_function hq_coord_task_reaper;

#endif /* HQ_PLUGINS_WORKFLOWS_COORDINATION_FUNCTIONS_H */

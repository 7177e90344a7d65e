/*
 * The code of the runner's steps.  Each reads what it needs from the step's
 * input {runId, input, workflow, desk, received, memory, output, ...} and the
 * runtime, and may run more than once.
 */
#ifndef HQ_PLUGINS_WORKFLOWS_COORDINATION_STEPS_H
#define HQ_PLUGINS_WORKFLOWS_COORDINATION_STEPS_H

#include "domain/coordination/execution.h"
#include "flow/flow.h"

/* What the domain's functions want of a step. */
struct hq_coord_step hq_step_of(struct hq_flow *f, struct json_object *in);

/* The run: {active} of a run that is known; its end. */
hq_flow_fn hq_do_run_start;
hq_flow_fn hq_do_run_completed;
hq_flow_fn hq_do_run_failed; /* {error, deskId?} */

/* A desk: {desk, received, memory, output, round?, detail?, skipped?}. */
hq_flow_fn hq_do_desk_started;
hq_flow_fn hq_do_memory_read;
hq_flow_fn hq_do_desk_echo;
hq_flow_fn hq_do_memory_write; /* {keep}: what is remembered */
hq_flow_fn hq_do_desk_completed;

/* An agent's desk: {taskId, createdMs}; {state, output?, ...} of {taskId}. */
hq_flow_fn hq_do_task_offer; /* {upstream, policy members as in desk} */
hq_flow_fn hq_do_task_outcome;
hq_flow_fn hq_do_task_close;

/* An http desk: what its URL answered. */
hq_flow_fn hq_do_http_call;

#endif /* HQ_PLUGINS_WORKFLOWS_COORDINATION_STEPS_H */

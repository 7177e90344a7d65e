#include "domain/coordination/task.h"
#include "flow/flow.h"
#include "plugins/workflows/coordination/functions.h"
#include "plugins/workflows/coordination/steps.h"

enum { REAPER_RETRIES = 20 };

static enum hq_rc
take_back(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);
	struct json_object *out = hq_json_new_object();
	int64_t n;

	HQ_TRY(hq_json_own(s.arena, out, err));
	HQ_TRY(hq_coord_task_look(&s, hq_json_i64(in, "dueMs", 0), &n, err));
	hq_json_put_i64(out, "leases", n);
	*ret_out = out;
	return HQ_OK;
}

static enum hq_rc
reap(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	HQ_TRY(
	    hq_sleep_until(f, "until-due", hq_json_i64(in, "dueMs", 0), err));
	return hq_step(f, "take-back", take_back, in, ret_out, err);
}

static const struct hq_trigger triggers[] = {
	{ .event = HQ_COORD_TASK_WATCH },
	{ 0 },
};

const struct hq_function hq_coord_task_reaper = {
	.id = "coordination-task-reaper",
	.name = "Coordination Task Reaper",
	.triggers = triggers,
	.retries = REAPER_RETRIES,
	.run = reap,
};

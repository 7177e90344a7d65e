#include "domain/coordination/task.h"
#include "flow/flow.h"
#include "plugins/workflows/coordination/functions.h"

enum { REAPER_RETRIES = 2 };

static enum hq_rc
take_back(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	const struct hq_runtime *r = hq_flow_runtime(f);
	struct json_object *out = json_object_new_object();
	int64_t n;

	(void)in;
	HQ_TRY(hq_json_own(hq_flow_arena(f), out, err));
	HQ_TRY(hq_coord_task_expire(r->db, r->env, hq_flow_arena(f), &n, err));
	hq_json_put_i64(out, "leases", n);
	*ret_out = out;
	return HQ_OK;
}

static enum hq_rc
reap(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	return hq_step(f, "take-back", take_back, in, ret_out, err);
}

static const struct hq_trigger triggers[] = {
	{ .cron = "* * * * *" },
	{ 0 },
};

const struct hq_function hq_coord_task_reaper = {
	.id = "coordination-task-reaper",
	.name = "Coordination Task Reaper",
	.triggers = triggers,
	.retries = REAPER_RETRIES,
	.run = reap,
};

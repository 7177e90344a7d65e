#include "plugins/workflows/coordination/desk.h"
#include "plugins/workflows/coordination/steps.h"

typedef enum hq_rc execute_fn(struct hq_turn *t, struct hq_err *err);

static enum hq_rc
echo(struct hq_turn *t, struct hq_err *err)
{
	return hq_turn_run(t, "execute", hq_do_desk_echo, &t->output, err);
}

static enum hq_rc
http(struct hq_turn *t, struct hq_err *err)
{
	return hq_turn_run(t, "execute", hq_do_http_call, &t->output, err);
}

static enum hq_rc
function(struct hq_turn *t, struct hq_err *err)
{
	struct json_object *executor = hq_json_get(t->desk, "executor");
	struct json_object *data = hq_json_new_object();
	const char *id = hq_turn_step_id(t, "invoke");

	HQ_TRY(hq_json_own(hq_flow_arena(t->x->flow), data, err));
	if (id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	hq_json_put(data, "desk", json_object_get(t->desk));
	hq_json_put(data, "input", json_object_get(t->received));
	hq_json_put(data, "memory", json_object_get(t->memory));
	return hq_invoke(t->x->flow, id, hq_json_str(executor, "functionId"),
	    data, &t->output, err);
}

static execute_fn *const executors[HQ_COORD_EXEC__MAX] = {
	[HQ_COORD_EXEC_NONE] = echo,
	[HQ_COORD_EXEC_ECHO] = echo,
	[HQ_COORD_EXEC_AGENT] = hq_turn_execute_agent,
	[HQ_COORD_EXEC_FUNCTION] = function,
	[HQ_COORD_EXEC_HTTP] = http,
};

enum hq_rc
hq_turn_execute(struct hq_turn *t, struct hq_err *err)
{
	return executors[hq_coord_executor_of(t->desk)](t, err);
}

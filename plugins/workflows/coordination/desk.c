#include "plugins/workflows/coordination/desk.h"

#include <string.h>

#include "plugins/workflows/coordination/steps.h"

enum { MS_PER_S = 1000 };

enum hq_rc
hq_step_input(struct hq_execution *x, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *in = hq_json_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(x->flow), in, err));
	hq_json_put_str(in, "runId", hq_json_str(x->event, "runId"));
	hq_json_put(in, "input",
	    json_object_get(hq_json_get(x->event, "input")));
	hq_json_put(in, "workflow", json_object_get(x->workflow));
	*ret = in;
	return HQ_OK;
}

enum hq_rc
hq_turn_init(struct hq_turn *t, struct hq_execution *x, int node,
    struct hq_err *err)
{
	*t = (struct hq_turn){
		.x = x,
		.node = node,
		.desk = x->graph.desk[node],
	};
	HQ_TRY(hq_step_input(x, &t->in, err));
	hq_json_put(t->in, "desk", json_object_get(t->desk));
	return HQ_OK;
}

/* ------------------------------------------------------------------ policy -- */

static const struct {
	const char *name;
	int priority;
} priorities[] = {
	{ "low", -1 },
	{ "normal", 0 },
	{ "high", 1 },
};

static int64_t
clamp(int64_t v, int64_t max)
{
	if (v < 0)
		return 0;
	return v < max ? v : max;
}

struct hq_step_policy
hq_policy_of(struct json_object *desk)
{
	struct json_object *policy = hq_json_get(desk, "runtimePolicy");
	const char *priority = hq_json_str(policy, "priority");
	struct hq_step_policy p = { .retries = -1 };
	size_t i;

	if (hq_json_get(policy, "retries") != NULL)
		p.retries = (int)clamp(hq_json_i64(policy, "retries", 0),
		    HQ_DESK_RETRIES_MAX);
	p.timeout_ms = MS_PER_S *
	    clamp(hq_json_i64(policy, "timeoutSeconds", 0),
		INT64_MAX / MS_PER_S);
	for (i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++)
		if (priority != NULL &&
		    strcmp(priority, priorities[i].name) == 0)
			p.priority = priorities[i].priority;
	return p;
}

/* ------------------------------------------------------------------- steps -- */

const char *
hq_turn_step_id(const struct hq_turn *t, const char *what)
{
	struct hq_arena *a = hq_flow_arena(t->x->flow);
	const char *desk_id = hq_json_str(t->desk, "deskId");

	if (t->round == 0)
		return hq_arena_printf(a, "desk/%s/%s", desk_id, what);
	return hq_arena_printf(a, "desk/%s/%s#%d", desk_id, what, t->round + 1);
}

enum hq_rc
hq_turn_step(struct hq_turn *t, const char *what, hq_flow_fn *fn,
    struct json_object **ret_out, struct hq_err *err)
{
	const char *id = hq_turn_step_id(t, what);

	if (id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return hq_step(t->x->flow, id, fn, t->in, ret_out, err);
}

enum hq_rc
hq_turn_run(struct hq_turn *t, const char *what, hq_flow_fn *fn,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_step_policy p = hq_policy_of(t->desk);
	const char *id = hq_turn_step_id(t, what);

	if (hq_json_get(t->desk, "runtimePolicy") == NULL)
		return hq_turn_step(t, what, fn, ret_out, err);
	if (id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	p.timeout_ms =
	    clamp(p.timeout_ms, (int64_t)HQ_DESK_TIMEOUT_S_MAX * MS_PER_S);
	return hq_step_with(t->x->flow, id, &p, fn, t->in, ret_out, err);
}

enum hq_rc
hq_turn_start(struct hq_turn *t, struct hq_err *err)
{
	struct json_object *none;

	hq_json_put(t->in, "received", json_object_get(t->received));
	if (t->round > 0)
		hq_json_put_i64(t->in, "round", t->round);
	HQ_TRY(hq_turn_step(t, "started", hq_do_desk_started, &none, err));
	HQ_TRY(
	    hq_turn_step(t, "memory-read", hq_do_memory_read, &t->memory, err));
	hq_json_put(t->in, "memory", json_object_get(t->memory));
	return HQ_OK;
}

enum hq_rc
hq_turn_end(struct hq_turn *t, const char *detail, struct hq_err *err)
{
	struct json_object *keep = t->has_keep ? t->keep : t->output, *none;

	hq_json_put(t->in, "output", json_object_get(t->output));
	if (hq_coord_desk_persists(t->desk) && !t->timed_out) {
		hq_json_put(t->in, "keep", json_object_get(keep));
		HQ_TRY(hq_turn_step(t, "memory-write", hq_do_memory_write,
		    &none, err));
	}
	if (detail != NULL)
		hq_json_put_str(t->in, "detail", detail);
	return hq_turn_step(t, "completed", hq_do_desk_completed, &none, err);
}

/* -------------------------------------------------- outputs of another run -- */

bool
hq_turn_done_before(const struct hq_turn *t)
{
	struct json_object *reuse = hq_json_get(t->x->event, "reuse");

	return json_object_object_get_ex(reuse, hq_json_str(t->desk, "deskId"),
	    NULL);
}

enum hq_rc
hq_turn_reuse(struct hq_turn *t, struct hq_err *err)
{
	struct json_object *reuse = hq_json_get(t->x->event, "reuse"), *none;
	const char *detail;

	t->output = hq_json_get(reuse, hq_json_str(t->desk, "deskId"));
	hq_json_put(t->in, "output", json_object_get(t->output));
	detail = hq_arena_printf(hq_flow_arena(t->x->flow),
	    "%s taken over from an earlier run", hq_coord_desk_name(t->desk));
	hq_json_put_str(t->in, "detail", detail);
	return hq_turn_step(t, "reused", hq_do_desk_completed, &none, err);
}

/*
 * The agent executor: offer the work as a task, wait for its end, take what
 * came of it.  A desk:human-wait offers it to a person.
 */
#include <string.h>

#include "domain/coordination/task.h"
#include "plugins/workflows/coordination/desk.h"
#include "plugins/workflows/coordination/steps.h"

enum { MS_PER_S = 1000 };

/* ------------------------------------------------------------------- steps -- */

static bool
is_human(struct json_object *desk)
{
	return strcmp(hq_json_str(desk, "kind"), "desk:human-wait") == 0;
}

enum hq_rc
hq_do_task_offer(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);
	struct json_object *desk = hq_json_get(in, "desk"), *out;
	struct json_object *executor = hq_json_get(desk, "executor");
	struct hq_step_policy p = hq_policy_of(desk);
	struct hq_coord_offer o = {
		.workflow = hq_json_get(in, "workflow"),
		.desk = desk,
		.round = (int)hq_json_i64(in, "round", 0),
		.kind = hq_json_str(executor, "taskKind"),
		.human = is_human(desk),
		.input = hq_json_get(in, "received"),
		.memory = hq_json_get(in, "memory"),
		.upstream = hq_json_get(in, "upstream"),
		.max_attempts =
		    1 + (p.retries < 0 ? HQ_DESK_RETRIES : p.retries),
		.priority = p.priority,
		.lease_ms = MS_PER_S * hq_json_i64(executor, "leaseSeconds", 0),
	};
	const char *id;
	int64_t since_ms;

	if (o.kind == NULL)
		o.kind = hq_json_str(desk, "kind");
	if (p.timeout_ms > 0)
		o.due_ms =
		    hq_now_ms(s.env) + hq_json_i64(in, "waitMs", p.timeout_ms);
	HQ_TRY(hq_coord_task_offer(&s, &o, &id, &since_ms, err));
	out = hq_json_new_object();
	HQ_TRY(hq_json_own(s.arena, out, err));
	hq_json_put_str(out, "taskId", id);
	hq_json_put_i64(out, "sinceMs", since_ms);
	*ret_out = out;
	return HQ_OK;
}

enum hq_rc
hq_do_task_outcome(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);

	return hq_coord_task_outcome(&s, hq_json_str(in, "taskId"), ret_out,
	    err);
}

/* An answer that came at the last moment stands. */
enum hq_rc
hq_do_task_close(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);
	const char *id = hq_json_str(in, "taskId");

	HQ_TRY(hq_coord_task_close(&s, id, "the desk's time ran out", err));
	return hq_coord_task_outcome(&s, id, ret_out, err);
}

/* ------------------------------------------------------------------ waiting -- */

static int64_t
wait_ms(struct json_object *desk)
{
	const int64_t max =
	    (int64_t)HQ_DESK_WAIT_DAYS_MAX * 24 * 60 * 60 * MS_PER_S;
	int64_t ms = hq_policy_of(desk).timeout_ms;

	return ms > 0 && ms < max ? ms : max;
}

/* *ret is NULL if the time ran out. */
static enum hq_rc
wait_for_end(struct hq_turn *t, struct json_object *offer,
    struct json_object **ret, struct hq_err *err)
{
	const char *id = hq_turn_step_id(t, "wait"), *expression;

	expression = hq_arena_printf(hq_flow_arena(t->x->flow),
	    "async.data.taskId == '%s'", hq_json_str(offer, "taskId"));
	if (id == NULL || expression == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return hq_wait_for_event_since(t->x->flow, id, HQ_COORD_TASK_ENDED,
	    expression, wait_ms(t->desk),
	    hq_json_i64(offer, "sinceMs", hq_json_i64(offer, "createdMs", 0)),
	    ret, err);
}

static enum hq_rc
timed_out(struct hq_turn *t, struct hq_err *err)
{
	const char *then = hq_json_str(t->desk, "onTimeout");
	const char *id = hq_json_str(t->desk, "deskId");
	struct json_object *out;

	if (then == NULL || strcmp(then, "continue") != 0)
		return HQ_FAIL(err, TIMEOUT,
		    "desk %s had no answer within %lld s", id,
		    (long long)(wait_ms(t->desk) / MS_PER_S));
	out = hq_json_new_object();
	HQ_TRY(hq_json_own(hq_flow_arena(t->x->flow), out, err));
	hq_json_put_str(out, "deskId", id);
	hq_json_put_str(out, "status", "timeout");
	hq_json_put(out, "received", json_object_get(t->received));
	hq_json_put(out, "memory", json_object_get(t->memory));
	t->output = out;
	t->timed_out = true;
	return HQ_OK;
}

static enum hq_rc
take_outcome(struct hq_turn *t, struct json_object *o, struct hq_err *err)
{
	const char *state = hq_json_str(o, "state");
	const char *id = hq_json_str(t->desk, "deskId");
	const char *why = hq_json_str(o, "error");

	if (state == NULL || strcmp(state, "completed") != 0)
		return HQ_FAIL(err, UNPROCESSABLE_CONTENT,
		    "desk %s: its task %s%s%s", id,
		    state == NULL ? "is gone" : state, why == NULL ? "" : ": ",
		    why == NULL ? "" : why);
	t->output = hq_json_get(o, "output");
	t->by = hq_json_str(o, "by");
	t->has_keep = json_object_object_get_ex(o, "memory", &t->keep);
	return HQ_OK;
}

enum hq_rc
hq_turn_execute_agent(struct hq_turn *t, struct hq_err *err)
{
	struct json_object *offer, *ended, *outcome;
	const char *state;

	hq_json_put(t->in, "upstream", json_object_get(t->upstream));
	hq_json_put_i64(t->in, "waitMs", wait_ms(t->desk));
	HQ_TRY(hq_turn_step(t, "offer", hq_do_task_offer, &offer, err));
	hq_json_put_str(t->in, "taskId", hq_json_str(offer, "taskId"));
	HQ_TRY(wait_for_end(t, offer, &ended, err));
	if (ended != NULL) {
		HQ_TRY(hq_turn_step(t, "outcome", hq_do_task_outcome, &outcome,
		    err));
		return take_outcome(t, outcome, err);
	}
	HQ_TRY(hq_turn_step(t, "close", hq_do_task_close, &outcome, err));
	state = hq_json_str(outcome, "state");
	if (state != NULL && strcmp(state, "closed") != 0)
		return take_outcome(t, outcome, err);
	return timed_out(t, err);
}

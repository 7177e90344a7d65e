#include "flow/replay.h"

static struct json_object *
add(struct json_object *root, const char *key, struct json_object *v)
{
	hq_json_put(root, key, v);
	return v;
}

static enum hq_rc
flow_init(struct hq_flow *f, struct hq_exec_in *in, struct hq_err *err)
{
	*f = (struct hq_flow){ .in = in, .root = hq_json_new_object() };
	HQ_TRY(hq_json_own(in->arena, f->root, err));
	f->ops = add(f->root, "ops", hq_json_new_array());
	f->seen = add(f->root, "seen", hq_json_new_object());
	f->found = add(f->root, "found", hq_json_new_array());
	f->error = add(f->root, "error", hq_json_new_object());
	return HQ_OK;
}

static void
failed(struct hq_flow *f, enum hq_rc rc, const struct hq_err *err,
    struct hq_exec_out *ret)
{
	ret->what = HQ_EXEC_FAILED;
	ret->no_retry = !hq_flow_may_retry(&f->in->runtime, err);
	ret->value = f->error;
	/* A step's failure keeps all that was recorded of it. */
	if (hq_flow_is_step_failure(err) && err->data != NULL)
		ret->value = err->data;
	else
		hq_flow_error(f->error, rc, err);
}

/* The engine planned a step that this code does not come to. */
static void
not_found(struct hq_flow *f, struct hq_exec_out *ret)
{
	struct json_object *e = f->error;
	struct hq_err err = { 0 };

	HQ_IGNORE(HQ_FAIL(&err, NOT_FOUND, /* kept as text only */
	    "Could not find step \"%s\" to run; the function does not come "
	    "to it with the steps that are recorded",
	    f->in->target));
	hq_json_put_str(e, "name", "StepNotFound");
	hq_json_put_str(e, "message", err.msg);
	hq_json_put_str(e, "error", err.msg);
	hq_json_put_str(e, "requestedStep", f->in->target);
	hq_json_put_i64(e, "totalFoundSteps",
	    (int64_t)json_object_array_length(f->found));
	hq_json_put(e, "foundSteps", json_object_get(f->found));
	ret->what = HQ_EXEC_FAILED;
	ret->value = e;
}

static void
answer(struct hq_flow *f, enum hq_rc rc, struct json_object *out,
    const struct hq_err *err, struct hq_exec_out *ret)
{
	if (f->given_up) {
		ret->what = HQ_EXEC_GIVEN_UP;
	} else if (json_object_array_length(f->ops) > 0) {
		ret->what = HQ_EXEC_OPS;
		ret->value = f->ops;
		ret->no_retry = f->no_retry;
	} else if (f->in->target != NULL && (f->suspended || rc == HQ_OK)) {
		not_found(f, ret);
	} else if (rc == HQ_OK) {
		ret->what = HQ_EXEC_DONE;
		ret->value = out;
	} else {
		HQ_ASSERT(rc != HQ_SUSPEND);
		failed(f, rc, err, ret);
	}
}

/* The engine asks again for a step that it has: a late duplicate. */
static bool
is_recorded(const struct hq_exec_in *in)
{
	struct json_object *memo;

	return in->target != NULL && in->steps != NULL &&
	    json_object_object_get_ex(in->steps, in->target, &memo) &&
	    hq_json_get(memo, "input") == NULL;
}

void
hq_flow_exec(hq_flow_fn *fn, const struct hq_exec_in *in,
    struct hq_exec_out *ret)
{
	struct hq_exec_in own = *in; /* its attempt changes with the steps */
	struct json_object *out = NULL;
	struct hq_err err = { 0 };
	struct hq_flow f;
	enum hq_rc rc;

	*ret = (struct hq_exec_out){ .what = HQ_EXEC_FAILED };
	if (flow_init(&f, &own, &err) != HQ_OK)
		return;
	if (is_recorded(in)) {
		ret->what = HQ_EXEC_OPS;
		ret->value = f.ops;
		return;
	}
	rc = fn(&f, hq_json_get(in->runtime.event, "data"), &out, &err);
	if (hq_arena_ok(in->arena))
		answer(&f, rc, out, &err, ret);
}

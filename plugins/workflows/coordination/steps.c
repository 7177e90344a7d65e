#include "plugins/workflows/coordination/steps.h"

struct hq_coord_step
hq_step_of(struct hq_flow *f, struct json_object *in)
{
	const struct hq_runtime *r = hq_flow_runtime(f);

	return (struct hq_coord_step){
		.db = r->db,
		.env = r->env,
		.arena = hq_flow_arena(f),
		.run_id = hq_json_str(in, "runId"),
		.engine_run_id = r->run_id,
	};
}

enum hq_rc
hq_do_run_start(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);
	struct json_object *out;
	bool active, found;

	HQ_TRY(hq_coord_run_started(&s, hq_json_get(in, "input"), &active,
	    &found, err));
	if (!found)
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL,
		    "run %s is not known", s.run_id);
	out = hq_json_new_object();
	HQ_TRY(hq_json_own(s.arena, out, err));
	hq_json_put_bool(out, "active", active);
	*ret_out = out;
	return HQ_OK;
}

enum hq_rc
hq_do_run_completed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);

	*ret_out = NULL;
	return hq_coord_run_completed(&s, hq_json_get(in, "output"), err);
}

enum hq_rc
hq_do_run_failed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);

	*ret_out = NULL;
	return hq_coord_run_failed(&s, hq_json_str(in, "error"),
	    hq_json_str(in, "deskId"), hq_json_get(in, "input"), err);
}

static enum hq_rc
tell(struct hq_flow *f, struct json_object *in, bool completed,
    struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);
	const struct hq_coord_desk_news n = {
		.desk = hq_json_get(in, "desk"),
		.completed = completed,
		.skipped = hq_json_bool(in, "skipped", false),
		.round = (int)hq_json_i64(in, "round", 0),
		.detail = hq_json_str(in, "detail"),
		.payload = hq_json_get(in, completed ? "output" : "received"),
	};

	return hq_coord_desk_event(&s, &n, err);
}

enum hq_rc
hq_do_desk_started(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	*ret_out = NULL;
	return tell(f, in, false, err);
}

enum hq_rc
hq_do_desk_completed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	*ret_out = NULL;
	return tell(f, in, true, err);
}

enum hq_rc
hq_do_memory_read(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);

	return hq_coord_memory_read(&s, hq_json_get(in, "workflow"),
	    hq_json_get(in, "desk"), ret_out, err);
}

enum hq_rc
hq_do_memory_write(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_step s = hq_step_of(f, in);

	*ret_out = NULL;
	return hq_coord_memory_write(&s, hq_json_get(in, "workflow"),
	    hq_json_get(in, "desk"), hq_json_get(in, "keep"), err);
}

enum hq_rc
hq_do_desk_echo(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_err why;
	enum hq_rc rc;

	rc = hq_coord_desk_output(hq_flow_arena(f), hq_json_get(in, "desk"),
	    hq_json_get(in, "received"), hq_json_get(in, "memory"), ret_out,
	    &why);
	if (rc != HQ_OK) /* it would be as large in every attempt */
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL, "%s",
		    why.msg);
	return HQ_OK;
}

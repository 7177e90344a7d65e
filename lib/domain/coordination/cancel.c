#include <string.h>

#include "base/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/task.h"
#include "domain/coordination/timeline.h"
#include "engine/event.h"

enum { REASON_BYTES_MAX = 1024 };

struct cancel {
	struct hq_boundary *c;
	struct hq_coord_run run;
	const char *error;
	bool found, ended;
};

/* An imported run is told by its document: let that say the same. */
static enum hq_rc
mark_imported(struct cancel *x, struct hq_err *err)
{
	struct hq_arena *a = x->c->arena;
	struct json_object *doc;
	char iso[HQ_ISO_BYTES];

	HQ_TRY(hq_coord_parse(a, x->run.imported, &doc, err));
	hq_iso_from_ms(x->run.finished_ms, iso);
	hq_json_put_str(doc, "status", "failed");
	hq_json_put_str(doc, "finishedAt", iso);
	hq_json_put_str(doc, "error", x->error);
	x->run.imported = hq_json_text(a, doc);
	if (x->run.imported == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return HQ_COORD_EXEC(x->c->db, HQ_CQ_RUN_SET_IMPORTED, NULL, err,
	    hq_text(x->run.imported), hq_text(x->run.run_id));
}

/* Our own engine has nothing to end: an Inngest server is told. */
static enum hq_rc
tell_server(struct cancel *x, struct hq_err *err)
{
	struct hq_boundary *c = x->c;
	struct hq_event e = {
		.name = HQ_COORD_RUN_CANCELLED,
		.correlation_id = c->correlation_id,
		.traceparent = c->traceparent,
	};

	HQ_TRY(hq_coord_object(c->arena, &e.data, err));
	hq_json_put_str(e.data, "runId", x->run.run_id);
	return hq_event_send(c->db, c->env, &e, NULL, c->arena, err);
}

/* Its tasks, the run, and what the engine does for it. */
static enum hq_rc
end_run(struct cancel *x, struct hq_err *err)
{
	struct hq_boundary *c = x->c;
	const struct hq_coord_run *r = &x->run;

	HQ_TRY(hq_coord_task_close_run(c->db, r->run_id, r->finished_ms, err));
	HQ_TRY(HQ_COORD_EXEC(c->db, HQ_CQ_RUN_END, NULL, err,
	    hq_text(r->status), hq_i64(r->finished_ms), hq_null(),
	    hq_text(r->error), hq_text(r->run_id)));
	if (r->imported != NULL)
		return mark_imported(x, err);
	if (r->event_id == NULL)
		return HQ_OK;
	HQ_TRY(hq_event_cancel_runs(c->db, c->env, r->event_id, err));
	return hq_config_is_inngest(c->config) ? tell_server(x, err) : HQ_OK;
}

static enum hq_rc
cancel_tx(void *arg, struct hq_err *err)
{
	struct cancel *x = arg;
	struct hq_boundary *c = x->c;
	struct hq_coord_run *r = &x->run;
	struct hq_coord_event e = {
		.key = "failed",
		.type = "run.failed",
		.status = "failed",
		.detail = x->error,
		.correlation_id = c->correlation_id,
		.traceparent = c->traceparent,
	};

	HQ_TRY(
	    hq_coord_run_load(c->db, c->arena, r->run_id, r, &x->found, err));
	x->ended = x->found && !hq_coord_run_active(r);
	if (!x->found || x->ended)
		return HQ_OK;
	r->finished = true;
	r->finished_ms = e.ts_ms = hq_now_ms(c->env);
	r->status = "failed";
	r->error = x->error;
	e.output = r->input;
	HQ_TRY(
	    hq_coord_timeline_add(c->db, c->env, c->arena, r->run_id, &e, err));
	return end_run(x, err);
}

static enum hq_rc
cancel_text(struct hq_boundary *c, struct json_object *in, const char **ret,
    struct hq_err *err)
{
	const char *reason = hq_json_str(in, "reason");

	if (reason != NULL && strlen(reason) > REASON_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "reason is over %d bytes",
		    REASON_BYTES_MAX);
	*ret = hq_arena_printf(c->arena, "cancelled by %s%s%s", c->principal.id,
	    reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
	if (*ret == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "reason is too long");
	return HQ_OK;
}

/* {"run": ...}: the answer, or the data of RUN_ALREADY_ENDED. */
static enum hq_rc
cancel_json(const struct cancel *x, struct json_object **ret,
    struct hq_err *err)
{
	struct hq_boundary *c = x->c;
	struct json_object *run;

	HQ_TRY(hq_coord_run_json(&x->run, c->config, c->arena, &run, err));
	HQ_TRY(hq_coord_object(c->arena, ret, err));
	hq_json_put(*ret, "run", json_object_get(run));
	return HQ_OK;
}

/* cancelRun - INVALID_RUN_ID, RUN_NOT_FOUND, RUN_ALREADY_ENDED. */
enum hq_rc
hq_coord_cancel_run(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct cancel x = { .c = c };
	struct json_object *out;
	const char *id;

	HQ_TRY(hq_coord_run_id_of(c, in, &id, err));
	HQ_TRY(cancel_text(c, in, &x.error, err));
	x.run.run_id = id;
	HQ_TRY(hq_db_tx(c->db, cancel_tx, &x, err));
	if (!x.found)
		return hq_coord_run_not_found(c, id, err);
	HQ_TRY(cancel_json(&x, &out, err));
	if (x.ended)
		return HQ_FAIL_DECLARED(err, "RUN_ALREADY_ENDED", out,
		    "run has already ended");
	if (c->wake_runner != NULL)
		c->wake_runner(c->wake_ctx);
	*ret_out = out;
	return HQ_OK;
}

/*
 * Queueing a run: its row, its first timeline event and the event that starts
 * it are one transaction under the run id's unique key.  So a run is queued
 * exactly once, however many processes are asked.
 */
#include <string.h>

#include "base/ids.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/timeline.h"
#include "domain/coordination/validation.h"
#include "domain/coordination/workflow.h"
#include "engine/event.h"

struct queue {
	struct hq_boundary *c;
	struct json_object *workflow, *input, *reuse; /* reuse: or NULL */
	struct hq_coord_run run;                      /* as it is to be */
	const char *invalid; /* why the stored workflow cannot run; or NULL */
	enum { QUEUED, STORED, REJECTED, FAILED } outcome;
	struct hq_coord_run stored; /* with STORED */
};

/* The run id that the caller chose, or a new one.  INVALID_RUN_ID. */
static enum hq_rc
choose_run_id(struct hq_boundary *c, const char *sent, const char **ret,
    struct hq_err *err)
{
	struct json_object *data;

	*ret = sent == NULL ? "" : hq_coord_trim(c->arena, sent);
	if (*ret != NULL && (*ret)[0] == '\0')
		*ret = hq_stamped_id(c->env, c->arena, "run");
	if (*ret == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "runId is too long");
	if (hq_coord_id_ok(*ret))
		return HQ_OK;
	HQ_TRY(hq_coord_object(c->arena, &data, err));
	hq_json_put_str(data, "runId", *ret);
	return HQ_FAIL_DECLARED(err, "INVALID_RUN_ID", data,
	    "Invalid runId format: %s", *ret);
}

/* The input as it comes back from JSON; absent and null become {}. */
static enum hq_rc
take_input(struct queue *q, struct json_object *sent, struct hq_err *err)
{
	if (sent == NULL || hq_js_is_undefined(sent))
		HQ_TRY(hq_coord_object(q->c->arena, &sent, err));
	HQ_TRY(hq_coord_text(q->c->arena, "input", sent, &q->run.input, err));
	return hq_coord_parse(q->c->arena, q->run.input, &q->input, err);
}

/* Sets .invalid if the stored workflow is not one that can run. */
static enum hq_rc
check_workflow(struct queue *q, struct hq_err *err)
{
	struct hq_arena *a = q->c->arena;
	struct json_object *result, *errors, *e;
	struct hq_buf text;
	size_t i;

	HQ_TRY(hq_coord_validate(a, q->workflow, &result, err));
	if (hq_json_bool(result, "ok", false))
		return HQ_OK;
	errors = hq_json_get(result, "errors");
	hq_buf_init(&text, a);
	hq_buf_puts(&text, "Workflow validation failed");
	for (i = 0; i < json_object_array_length(errors); i++) {
		e = json_object_array_get_idx(errors, i);
		hq_buf_printf(&text, "%s%s", i == 0 ? ": " : ", ",
		    hq_json_str(e, "code"));
	}
	q->invalid = hq_buf_str(&text);
	return HQ_OK;
}

/* The run, as failed now and because of why. */
static void
fail_now(struct queue *q, const char *why)
{
	q->run.status = "failed";
	q->run.finished = true;
	q->run.finished_ms = q->run.started_ms;
	q->run.error = why;
	q->run.event_id = NULL;
}

static enum hq_rc
reject_tx(struct queue *q, const char *owner, struct hq_err *err)
{
	const struct hq_coord_run *r = &q->run;

	q->outcome = REJECTED;
	fail_now(q,
	    hq_arena_printf(q->c->arena,
		"runId %s is already used by workflow %s", r->run_id, owner));
	return HQ_COORD_EXEC(q->c->db, HQ_CQ_REJECTED_PUT, NULL, err,
	    hq_text(r->run_id), hq_text(r->workflow_id), hq_text(r->version),
	    hq_i64(r->started_ms), hq_text(r->error), hq_text(r->input));
}

static enum hq_rc
send_event(struct queue *q, struct hq_err *err)
{
	struct hq_boundary *c = q->c;
	struct hq_event e = {
		.id = q->run.event_id,
		.name = HQ_COORD_RUN_EVENT,
		.correlation_id = c->correlation_id,
		.traceparent = c->traceparent,
	};

	HQ_TRY(hq_coord_object(c->arena, &e.data, err));
	hq_json_put_str(e.data, "runId", q->run.run_id);
	hq_json_put(e.data, "workflow", json_object_get(q->workflow));
	hq_json_put(e.data, "input", json_object_get(q->input));
	if (q->reuse != NULL)
		hq_json_put(e.data, "reuse", json_object_get(q->reuse));
	hq_json_put_str(e.data, "baseUrl", c->config->s[HQ_SET_RAWR_BASE_URL]);
	return hq_event_send(c->db, c->env, &e, NULL, c->arena, err);
}

static enum hq_rc
first_event(struct queue *q, struct hq_err *err)
{
	struct hq_coord_event e = {
		.key = "queued",
		.type = "run.started",
		.status = q->run.status,
		.detail = "Coordination run queued for Inngest execution",
		.output = q->run.input,
		.ts_ms = q->run.started_ms,
		.any_state = true,
	};

	if (q->invalid != NULL) {
		e.key = "failed";
		e.type = "run.failed";
		e.detail = q->invalid;
	}
	return hq_coord_timeline_add(q->c->db, q->c->env, q->c->arena,
	    q->run.run_id, &e, err);
}

static enum hq_rc
queue_tx(void *arg, struct hq_err *err)
{
	struct queue *q = arg;
	struct hq_coord_run *r = &q->run;
	struct hq_boundary *c = q->c;
	bool found;
	int added;

	HQ_TRY(HQ_COORD_EXEC(c->db, HQ_CQ_RUN_ADD, &added, err,
	    hq_text(r->run_id), hq_text(r->workflow_id), hq_text(r->version),
	    hq_text(r->status), hq_i64(r->started_ms),
	    r->finished ? hq_i64(r->finished_ms) : hq_null(), hq_text(r->input),
	    hq_text(r->error), hq_text(r->event_id), hq_text(r->workflow),
	    hq_text(r->reuse), hq_text(c->correlation_id),
	    hq_text(c->traceparent)));
	if (added == 0) {
		HQ_TRY(hq_coord_run_load(c->db, c->arena, r->run_id, &q->stored,
		    &found, err));
		HQ_ASSERT(found);
		q->outcome = STORED;
		if (strcmp(q->stored.workflow_id, r->workflow_id) == 0)
			return HQ_OK;
		return reject_tx(q, q->stored.workflow_id, err);
	}
	HQ_TRY(first_event(q, err));
	if (q->invalid != NULL) {
		q->outcome = FAILED;
		return HQ_OK;
	}
	q->outcome = QUEUED;
	return send_event(q, err);
}

static enum hq_rc
queue_failed(struct queue *q, struct hq_err *err)
{
	struct json_object *data, *run;

	HQ_TRY(
	    hq_coord_run_json(&q->run, q->c->config, q->c->arena, &run, err));
	HQ_TRY(hq_coord_object(q->c->arena, &data, err));
	hq_json_put(data, "run", json_object_get(run));
	return HQ_FAIL_DECLARED(err, "RUN_QUEUE_FAILED", data, "%s",
	    q->run.error);
}

static enum hq_rc
answer(struct queue *q, struct json_object **ret_out, struct hq_err *err)
{
	const struct hq_coord_run *r =
	    q->outcome == STORED ? &q->stored : &q->run;
	struct json_object *out, *run, *ids = hq_json_new_array();

	HQ_TRY(hq_json_own(q->c->arena, ids, err));
	if (q->outcome == QUEUED)
		hq_json_push(ids, hq_json_new_string(r->event_id));
	HQ_TRY(hq_coord_run_json(r, q->c->config, q->c->arena, &run, err));
	HQ_TRY(hq_coord_object(q->c->arena, &out, err));
	hq_json_put(out, "run", json_object_get(run));
	hq_json_put(out, "eventIds", json_object_get(ids));
	*ret_out = out;
	return HQ_OK;
}

/* The run, as new. */
static enum hq_rc
begin(struct queue *q, struct hq_err *err)
{
	const struct hq_boundary *c = q->c;
	struct hq_coord_run *r = &q->run;

	r->status = "queued";
	r->started_ms = hq_now_ms(c->env);
	r->event_id = hq_stamped_id(c->env, c->arena, "evt");
	if (q->invalid != NULL)
		fail_now(q, q->invalid);
	if (!hq_arena_ok(c->arena))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "input is too large");
	return HQ_OK;
}

/* What the run keeps of its order, as text. */
static enum hq_rc
keep(struct queue *q, struct hq_err *err)
{
	struct hq_arena *a = q->c->arena;
	struct hq_coord_run *r = &q->run;

	HQ_TRY(hq_coord_text(a, "version", hq_json_get(q->workflow, "version"),
	    &r->version, err));
	HQ_TRY(hq_coord_text(a, "workflow", q->workflow, &r->workflow, err));
	if (q->reuse == NULL)
		return HQ_OK;
	return hq_coord_text(a, "reuse", q->reuse, &r->reuse, err);
}

/* What is known before the store is asked. */
static enum hq_rc
prepare(struct queue *q, const struct hq_coord_order *o, struct hq_err *err)
{
	struct hq_boundary *c = q->c;
	struct hq_coord_run *r = &q->run;

	r->workflow_id = o->workflow_id;
	q->workflow = o->workflow;
	q->reuse = o->reuse;
	HQ_TRY(choose_run_id(c, o->run_id, &r->run_id, err));
	HQ_TRY(take_input(q, o->input, err));
	HQ_TRY(check_workflow(q, err));
	HQ_TRY(keep(q, err));
	return begin(q, err);
}

enum hq_rc
hq_coord_queue(struct hq_boundary *c, const struct hq_coord_order *o,
    struct json_object **ret_out, struct hq_err *err)
{
	struct queue q = { .c = c };

	HQ_TRY(prepare(&q, o, err));
	HQ_TRY(hq_db_tx(c->db, queue_tx, &q, err));
	if (q.outcome == QUEUED && c->wake_runner != NULL)
		c->wake_runner(c->wake_ctx);
	if (q.outcome == REJECTED || q.outcome == FAILED)
		return queue_failed(&q, err);
	return answer(&q, ret_out, err);
}

/*
 * queueRun - INVALID_WORKFLOW_ID, WORKFLOW_NOT_FOUND, INVALID_RUN_ID;
 * RUN_QUEUE_FAILED if another workflow has the run id or the stored workflow
 * is invalid; BAD_REQUEST for an input that JSON cannot hold.
 */
enum hq_rc
hq_coord_queue_run(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_order o = {
		.run_id = hq_json_str(in, "runId"),
		.input = hq_json_get(in, "input"),
	};

	HQ_TRY(hq_coord_workflow_of(c, in, &o.workflow_id, &o.workflow, err));
	return hq_coord_queue(c, &o, ret_out, err);
}

#include <string.h>

#include "base/ids.h"
#include "base/log.h"
#include "base/process.h"
#include "engine/event.h"
#include "proto/inngest/room.h"

enum {
	HASH_CHARS = HQ_SHA1_HEX_BYTES - 1,
	TIMEOUT_DIGITS = 9,
	WATCHDOG_AFTER_MS = 1000,
};

struct call {
	const struct hq_inngest_ex *x;
	const struct hq_inngest_fn *fn;
	struct hq_exec_in in;
	struct hq_exec_out out;
	size_t checkpoints; /* that were sent */
};

/* ------------------------------------------------------------------ reading */

static bool
is_hash(const char *s)
{
	return strlen(s) == HASH_CHARS &&
	    strspn(s, "0123456789abcdef") == HASH_CHARS;
}

static bool
is_kind(struct json_object *o, const char *key, json_type type)
{
	struct json_object *v = hq_json_get(o, key);

	return v == NULL || json_object_is_type(v, type);
}

/* A whole number; absent where there is none, INT64_MIN if it is no number. */
static int64_t
whole(struct json_object *o, const char *key, int64_t absent)
{
	return hq_json_i64(o, key,
	    hq_json_get(o, key) == NULL ? absent : INT64_MIN);
}

/* stepId: "step" (or none) to discover, a hash to run that step. */
static enum hq_rc
read_target(struct call *c, struct hq_err *err)
{
	const char *id = hq_inngest_query(c->x->req, "stepId");

	if (id == NULL || strcmp(id, "step") == 0)
		return HQ_OK;
	if (!is_hash(id))
		return HQ_FAIL(err, BAD_REQUEST,
		    "stepId: \"step\" or 40 hex digits expected");
	c->in.target = id;
	return HQ_OK;
}

static enum hq_rc
read_event(struct call *c, struct json_object *body, struct hq_err *err)
{
	struct hq_runtime *r = &c->in.runtime;
	struct json_object *own;

	r->event = hq_json_get(body, "event");
	r->events = hq_json_get(body, "events");
	if (!json_object_is_type(r->event, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "event: an object expected");
	if (hq_json_str(r->event, "name") == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "event.name: a string expected");
	if (!is_kind(r->event, "data", json_type_object))
		return HQ_FAIL(err, BAD_REQUEST,
		    "event.data: an object expected");
	if (!is_kind(body, "events", json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "events: an array expected");
	/* A function may rely on data being there. */
	if (hq_json_get(r->event, "data") == NULL)
		hq_json_put(r->event, "data", hq_json_new_object());
	own = hq_json_get(hq_json_get(r->event, "data"), "_rawr");
	r->correlation_id = hq_json_str(own, "correlationId");
	r->traceparent = hq_json_str(own, "traceparent");
	return HQ_OK;
}

static enum hq_rc
read_ctx(struct call *c, struct json_object *ctx, struct hq_err *err)
{
	struct hq_runtime *r = &c->in.runtime;
	int64_t attempt = whole(ctx, "attempt", 0);
	int64_t max = whole(ctx, "max_attempts", 0);

	r->run_id = hq_json_str(ctx, "run_id");
	if (r->run_id == NULL || r->run_id[0] == '\0')
		return HQ_FAIL(err, BAD_REQUEST,
		    "ctx.run_id: a string expected");
	if (attempt < 0 || attempt > INT32_MAX || max < 0 || max > INT32_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "ctx.attempt, ctx.max_attempts: a count expected");
	if (hq_json_bool(ctx, "use_api", false))
		return HQ_FAIL(err, BAD_REQUEST,
		    "ctx.use_api: this host takes a run's state only with the "
		    "call");
	c->in.stack = hq_json_get(hq_json_get(ctx, "stack"), "stack");
	if (!json_object_is_type(c->in.stack, json_type_array))
		c->in.stack = NULL;
	r->attempt = (int)attempt;
	r->max_attempts = (int)max;
	c->in.plan_only =
	    hq_json_bool(ctx, "disable_immediate_execution", false);
	return HQ_OK;
}

static enum hq_rc
read_body(struct call *c, struct hq_err *err)
{
	struct json_object *body = c->x->body;
	int64_t version;

	if (!c->x->is_json || !json_object_is_type(body, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "a JSON object expected");
	version = whole(body, "version", -1);
	if (version != -1 && version != 1 && version != 2)
		return HQ_FAIL(err, BAD_REQUEST,
		    "version: -1, 1 or 2 expected");
	if (!is_kind(body, "ctx", json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "ctx: an object expected");
	if (!is_kind(body, "steps", json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "steps: an object expected");
	c->in.steps = hq_json_get(body, "steps");
	HQ_TRY(read_event(c, body, err));
	HQ_TRY(read_ctx(c, hq_json_get(body, "ctx"), err));
	return read_target(c, err);
}

/* -------------------------------------------------------------------- ports */

struct sending {
	struct call *c;
	struct hq_event event;
};

static enum hq_rc
store_event(void *arg, struct hq_err *err)
{
	const struct sending *s = arg;
	const struct hq_inngest_opts *o = &s->c->x->h->o;

	return hq_event_send(o->db, o->env, &s->event, NULL, s->c->in.arena,
	    err);
}

static enum hq_rc
send_event(void *ctx, const char *event_id, const char *name,
    struct json_object *data, struct hq_err *err)
{
	struct call *c = ctx;
	const struct hq_inngest_opts *o = &c->x->h->o;
	struct sending s = { .c = c };

	s.event = (struct hq_event){ .id = event_id,
		.name = name,
		.data = data,
		.correlation_id = c->in.runtime.correlation_id,
		.traceparent = c->in.runtime.traceparent };
	HQ_TRY(hq_db_tx(o->db, store_event, &s, err));
	if (o->wake_runner != NULL)
		o->wake_runner(o->wake_ctx);
	return HQ_OK;
}

/* What the wait says, over the events of ours that are on record. */
static enum hq_rc
past_event(void *ctx, struct json_object *asked, struct json_object **ret,
    struct hq_err *err)
{
	const struct call *c = ctx;
	const struct hq_past past = { .name = hq_json_str(asked, "name"),
		.expression = hq_json_str(asked, "expression"),
		.event = c->in.runtime.event,
		.since_ms = hq_json_i64(asked, "sinceMs", 0) };

	return hq_event_past(c->x->h->o.db, &past, c->in.arena, ret, err);
}

static bool
own_function(void *ctx, const char *id)
{
	const struct call *c = ctx;

	return hq_inngest_by_id(c->x->h, id) != NULL;
}

/* ----------------------------------------------------------------- watchdog */

/* X-RAWR-TIMEOUT-MS; 0 if it is absent or no positive number. */
static int64_t
timeout_ms(const struct hq_http_req *req)
{
	const char *s = hq_http_header(req, "x-rawr-timeout-ms");
	int64_t ms = 0;

	if (s == NULL || strlen(s) > TIMEOUT_DIGITS)
		return 0;
	for (; *s >= '0' && *s <= '9'; s++)
		ms = ms * 10 + (*s - '0');
	return *s == '\0' ? ms : 0;
}

/*
 * A function that hangs is ended with its worker, a second after the engine has
 * given the call up; the master starts another worker.  0: no longer.
 */
static void
watchdog(const struct call *c, int64_t ms)
{
	const struct hq_http_talk *t = c->x->req->talk;

	if (ms > 0)
		ms += WATCHDOG_AFTER_MS;
	if (t != NULL)
		t->limit(t->ctx, ms);
	else
		hq_process_watchdog(ms);
}

/* -------------------------------------------------------------- checkpoints */

/* A slow step blocks: what follows is for whichever worker is free. */
static bool
send_checkpoint(void *ctx, const char *op, size_t bytes)
{
	struct call *c = ctx;
	const struct hq_http_talk *t = c->x->req->talk;

	if (c->checkpoints == HQ_INNGEST_CHECKPOINTS_MAX || t->slow(t->ctx) ||
	    hq_arena_held(c->in.arena) > HQ_INNGEST_CHECKPOINT_BYTES ||
	    !t->may(t->ctx) || !t->say(t->ctx, op, bytes))
		return false;
	c->checkpoints++;
	return true;
}

static bool
wait_checkpoint(void *ctx)
{
	const struct call *c = ctx;
	const struct hq_http_talk *t = c->x->req->talk;

	return t->hear(t->ctx);
}

/* Our own runner takes them, and says so beside the HTTP request. */
static bool
takes_checkpoints(const struct hq_http_req *req)
{
	return req->talk != NULL &&
	    hq_http_param(req, "RAWR_CHECKPOINTS") != NULL;
}

/* ---------------------------------------------------------------- answering */

static const char *
first_op(const struct call *c)
{
	const char *op = NULL;

	if (c->out.what == HQ_EXEC_OPS &&
	    json_object_array_length(c->out.value) > 0)
		op = hq_json_str(json_object_array_get_idx(c->out.value, 0),
		    "op");
	return op == NULL ? "none" : op;
}

/* Only a failure says whether it may be tried again. */
static void
put_no_retry(const struct call *c)
{
	const char *op = first_op(c);

	if (c->out.what == HQ_EXEC_FAILED || strcmp(op, "StepError") == 0 ||
	    strcmp(op, "StepFailed") == 0)
		hq_http_res_header(c->x->res, "x-inngest-no-retry",
		    c->out.no_retry ? "true" : "false");
}

static int
status_of(const struct hq_exec_out *out)
{
	if (out->what == HQ_EXEC_DONE)
		return 200;
	if (out->what == HQ_EXEC_OPS)
		return 206;
	return out->no_retry ? 400 : 500;
}

static void
log_call(const struct call *c, int64_t took_ms)
{
	static const char *const names[] = { [HQ_EXEC_DONE] = "done",
		[HQ_EXEC_OPS] = "ops",
		[HQ_EXEC_FAILED] = "failed",
		[HQ_EXEC_GIVEN_UP] = "given_up" };
	const struct hq_runtime *r = &c->in.runtime;
	bool failed = c->out.what == HQ_EXEC_FAILED;

	hq_log(failed ? HQ_WARN : HQ_INFO, "call", HQ_LSTR("run", r->run_id),
	    HQ_LSTR("function", r->function_id), HQ_LI64("attempt", r->attempt),
	    HQ_LSTR("step", c->in.target == NULL ? "step" : c->in.target),
	    HQ_LSTR("outcome", names[c->out.what]), HQ_LSTR("op", first_op(c)),
	    HQ_LI64("checkpoints", (int64_t)c->checkpoints),
	    HQ_LSTR("error", failed ? hq_json_str(c->out.value, "name") : NULL),
	    HQ_LI64("ms", took_ms),
	    HQ_LSTR("correlation_id", r->correlation_id),
	    HQ_LSTR("traceparent", r->traceparent));
}

static void
run(struct call *c)
{
	const struct hq_inngest_opts *o = &c->x->h->o;
	const struct hq_checkpoints checkpoints = { send_checkpoint,
		wait_checkpoint, c };
	int64_t start = hq_mono_ms(o->env);

	c->in.arena = c->x->req->arena;
	c->in.runtime.function_id = c->fn->id;
	c->in.runtime.db = o->db;
	c->in.runtime.env = o->env;
	c->in.runtime.config = o->config;
	c->in.runtime.keys = o->keys;
	c->in.send_event = o->db == NULL ? NULL : send_event;
	c->in.send_ctx = c;
	/* Our own engine looks back by itself. */
	if (o->db != NULL && hq_config_is_inngest(o->config))
		c->in.past_event = past_event;
	c->in.past_ctx = c;
	c->in.own_function = own_function;
	c->in.own_ctx = c;
	if (takes_checkpoints(c->x->req))
		c->in.checkpoints = &checkpoints;
	watchdog(c, timeout_ms(c->x->req));
	hq_flow_exec(c->fn->run, &c->in, &c->out);
	watchdog(c, 0);
	log_call(c, hq_mono_ms(o->env) - start);
	put_no_retry(c); /* given up: nobody reads it */
	hq_inngest_answer(c->x, status_of(&c->out), c->out.value);
}

/* Retried: the app may be newer than this worker. */
static void
unknown(const struct hq_inngest_ex *x, const char *slug)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "type", "internal");
	hq_json_put_str(o, "name", "Error");
	hq_json_put_str(o, "message",
	    hq_arena_printf(x->req->arena,
		"Function \"%s\" was not found in this app; is the app synced "
		"correctly?",
		slug == NULL ? "" : slug));
	if (hq_json_own(x->req->arena, o, NULL) != HQ_OK)
		o = NULL;
	hq_inngest_answer(x, 500, o);
}

static void
probe(const struct hq_inngest_ex *x, const char *kind)
{
	if (strcmp(kind, "trust") == 0)
		hq_inngest_answer_empty(x, 200);
	else
		hq_inngest_refuse(x, 400, "invalid_request",
		    "probe: \"trust\" is the only one");
}

void
hq_inngest_post(const struct hq_inngest_ex *x)
{
	const char *kind = hq_inngest_query(x->req, "probe");
	const char *slug = hq_inngest_query(x->req, "fnId");
	struct call c = { .x = x };
	struct hq_err err = { 0 };

	if (kind != NULL) {
		probe(x, kind);
		return;
	}
	if (read_body(&c, &err) != HQ_OK) {
		hq_inngest_refuse(x, 400, "invalid_request", err.msg);
		return;
	}
	c.fn = slug == NULL ? NULL : hq_inngest_by_slug(x->h, slug);
	if (c.fn == NULL)
		unknown(x, slug);
	else
		run(&c);
}

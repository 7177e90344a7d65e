#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/replay.h"

enum {
	DURATION_BYTES = 64,
	S_MS = 1000,
	M_MS = 60 * S_MS,
	H_MS = 60 * M_MS,
	D_MS = 24 * H_MS,
};

static const int64_t last_ms = INT64_C(253402300799999); /* of year 9999 */

/* ------------------------------------------------------ the runtime context */

const struct hq_runtime *
hq_flow_runtime(const struct hq_flow *f)
{
	return &f->in->runtime;
}

struct hq_arena *
hq_flow_arena(struct hq_flow *f)
{
	return f->in->arena;
}

const char *
hq_flow_key(const struct hq_flow *f)
{
	HQ_ASSERT(f->key != NULL);
	return f->key;
}

void
hq_flow_log(const struct hq_flow *f, const char *event, const char *message)
{
	const struct hq_runtime *r = &f->in->runtime;

	hq_log(HQ_INFO, event, HQ_LSTR("message", message),
	    HQ_LSTR("run", r->run_id), HQ_LSTR("function", r->function_id),
	    HQ_LI64("attempt", r->attempt),
	    HQ_LSTR("correlation_id", r->correlation_id),
	    HQ_LSTR("traceparent", r->traceparent));
}

/* -------------------------------------------------------------------- steps */

static enum hq_rc
step(struct hq_flow *f, const char *id, const struct hq_todo *t,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_met m;

	HQ_TRY(hq_flow_meet(f, id, &m, err));
	if (m.state == HQ_MET_NEW)
		HQ_TRY(hq_flow_advance(f, &m, t));
	return hq_flow_recall(&m, ret_out, err);
}

enum hq_rc
hq_step(struct hq_flow *f, const char *id, hq_flow_fn *fn,
    struct json_object *in, struct json_object **ret_out, struct hq_err *err)
{
	struct hq_todo t = { .fn = fn, .in = in };

	return step(f, id, &t, ret_out, err);
}

/* NOLINTBEGIN(readability-function-size): hq_step() and its policy */
enum hq_rc
hq_step_with(struct hq_flow *f, const char *id,
    const struct hq_step_policy *policy, hq_flow_fn *fn, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *opts = hq_json_new_object();
	struct hq_todo t = { .fn = fn, .in = in, .opts = opts, .plan = true };

	HQ_TRY(hq_json_own(f->in->arena, opts, err));
	if (policy->retries >= 0)
		hq_json_put_i64(opts, "retries", policy->retries);
	if (policy->timeout_ms > 0)
		hq_json_put_i64(opts, "timeoutMs", policy->timeout_ms);
	if (policy->priority != 0)
		hq_json_put_i64(opts, "priority", policy->priority);
	return step(f, id, &t, ret_out, err);
}
/* NOLINTEND(readability-function-size) */

/*
 * Steps that were planned together are run only as targets: a discovery that
 * comes while some are still in flight reports the rest again and runs none.
 */
static enum hq_rc
start_branches(struct hq_flow *f, const struct hq_branch *branches, size_t n,
    struct hq_met *met)
{
	enum hq_rc rc = HQ_OK;
	size_t i;

	for (i = 0; i < n; i++) {
		struct hq_todo t = { .fn = branches[i].fn,
			.in = branches[i].in,
			.plan = n > 1 };

		if (met[i].state == HQ_MET_NEW)
			rc = hq_flow_advance(f, &met[i], &t);
	}
	return rc;
}

/* All are met before any is started: numbers of ids do not depend on state. */
static enum hq_rc
meet_branches(struct hq_flow *f, const struct hq_branch *branches, size_t n,
    struct hq_met *met, struct hq_err *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		HQ_TRY(hq_flow_meet(f, branches[i].id, &met[i], err));
	return HQ_OK;
}

enum hq_rc
hq_parallel(struct hq_flow *f, struct hq_branch *branches, size_t n,
    struct hq_err *err)
{
	struct json_object *out;
	struct hq_met *met;
	size_t i;

	if (n == 0)
		return HQ_OK;
	met = HQ_NEW(f->in->arena, struct hq_met, n);
	if (met == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	HQ_TRY(meet_branches(f, branches, n, met, err));
	HQ_TRY(start_branches(f, branches, n, met));
	for (i = 0; i < n; i++)
		HQ_TRY(hq_flow_recall(&met[i], &out, err));
	for (i = 0; i < n; i++)
		branches[i].out = met[i].value;
	return HQ_OK;
}

/* ---------------------------------------- steps that the engine carries out */

/* "1d1h1m1s", "0s"; "1500ms" where it is no whole number of seconds. */
static void
write_duration(int64_t ms, char out[DURATION_BYTES])
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = { { D_MS, 'd' }, { H_MS, 'h' }, { M_MS, 'm' },
		{ S_MS, 's' } };
	size_t i, n = 0;

	(void)snprintf(out, DURATION_BYTES, "0s");
	if (ms > 0 && ms % S_MS != 0) {
		(void)snprintf(out, DURATION_BYTES, "%jdms", (intmax_t)ms);
		return;
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms < units[i].ms)
			continue;
		n += (size_t)snprintf(out + n, DURATION_BYTES - n, "%jd%c",
		    (intmax_t)(ms / units[i].ms), units[i].unit);
		ms %= units[i].ms;
	}
}

static enum hq_rc
sleep_op(struct hq_flow *f, const char *id, const char *until,
    struct hq_err *err)
{
	struct json_object *ignored;
	struct hq_met m;

	HQ_TRY(hq_flow_meet(f, id, &m, err));
	if (m.state == HQ_MET_NEW)
		return hq_flow_report(f, &m, "Sleep", until, NULL);
	return hq_flow_recall(&m, &ignored, err);
}

enum hq_rc
hq_sleep(struct hq_flow *f, const char *id, int64_t ms, struct hq_err *err)
{
	char text[DURATION_BYTES];

	write_duration(ms, text);
	return sleep_op(f, id, text, err);
}

enum hq_rc
hq_sleep_until(struct hq_flow *f, const char *id, int64_t unix_ms,
    struct hq_err *err)
{
	char text[HQ_ISO_BYTES];

	if (unix_ms < 0 || unix_ms > last_ms)
		return HQ_FAIL(err, BAD_REQUEST,
		    "step %s sleeps until a time beyond the year 9999 or "
		    "before 1970",
		    id);
	hq_iso_from_ms(unix_ms, text);
	return sleep_op(f, id, text, err);
}

struct wait {
	const char *event, *expression;
	int64_t timeout_ms;
	int64_t since_ms; /* -1: from now on */
};

static struct json_object *
wait_opts(const struct wait *w)
{
	struct json_object *opts = hq_json_new_object();
	char text[DURATION_BYTES];

	write_duration(w->timeout_ms, text);
	hq_json_put_str(opts, "timeout", text);
	if (w->expression != NULL)
		hq_json_put_str(opts, "if", w->expression);
	return opts;
}

static enum hq_rc
wait_op(struct hq_flow *f, const char *id, const struct wait *w,
    struct json_object **ret_event, struct hq_err *err)
{
	struct json_object *opts;
	struct hq_met m;

	HQ_TRY(hq_flow_meet(f, id, &m, err));
	if (m.state != HQ_MET_NEW)
		return hq_flow_recall(&m, ret_event, err);
	opts = wait_opts(w);
	if (w->since_ms >= 0)
		hq_json_put_i64(opts, "sinceMs", w->since_ms);
	return hq_flow_report(f, &m, "WaitForEvent", w->event, opts);
}

/* -------------------------------------------------- waits that look back -- */

/*
 * An engine that does not look back by itself is told of the wait together with
 * a step that does: it is planned, so it runs when the wait is armed, and no
 * event falls between the two.  Whichever was recorded first counts, in every
 * later call too: the stack tells.
 */
static enum hq_rc
look_back(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	return f->in->past_event(f->in->past_ctx, in, ret_out, err);
}

static bool
is_first(const struct hq_flow *f, const struct hq_met *a,
    const struct hq_met *b)
{
	struct json_object *stack = f->in->stack;
	size_t i, n = stack == NULL ? 0 : json_object_array_length(stack);
	const char *hash;

	for (i = 0; i < n; i++) {
		hash =
		    json_object_get_string(json_object_array_get_idx(stack, i));
		if (hash != NULL && strcmp(hash, a->hash) == 0)
			return true;
		if (hash != NULL && strcmp(hash, b->hash) == 0)
			return false;
	}
	return false;
}

static enum hq_rc
plan_look(struct hq_flow *f, struct hq_met *m, const struct wait *w,
    struct hq_err *err)
{
	struct json_object *in = hq_json_new_object();
	struct json_object *opts = hq_json_new_object();
	struct hq_todo t = { .fn = look_back,
		.in = in,
		.opts = opts,
		.plan = true };

	HQ_TRY(hq_json_own(f->in->arena, in, err));
	HQ_TRY(hq_json_own(f->in->arena, opts, err));
	hq_json_put_str(in, "name", w->event);
	if (w->expression != NULL)
		hq_json_put_str(in, "expression", w->expression);
	hq_json_put_i64(in, "sinceMs", w->since_ms);
	/* The engine calls again once it is done, whatever the wait does. */
	hq_json_put_str(opts, "parallelMode", "race");
	return hq_flow_advance(f, m, &t);
}

static enum hq_rc
wait_since(struct hq_flow *f, const char *id, const struct wait *w,
    struct json_object **ret_event, struct hq_err *err)
{
	const char *look_id = hq_arena_printf(f->in->arena, "%s/past", id);
	struct hq_met m, look;
	bool found;

	if (look_id == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	HQ_TRY(hq_flow_meet(f, id, &m, err));
	HQ_TRY(hq_flow_meet(f, look_id, &look, err));
	if (look.state == HQ_MET_NEW && hq_flow_is_target(f, &look))
		return plan_look(f, &look, w, err);
	found = look.state != HQ_MET_NEW && look.value != NULL;
	if (m.state != HQ_MET_NEW && (!found || is_first(f, &m, &look)))
		return hq_flow_recall(&m, ret_event, err);
	if (found)
		return hq_flow_recall(&look, ret_event, err);
	HQ_IGNORE(hq_flow_report(f, &m, "WaitForEvent", w->event,
	    wait_opts(w))); /* the end, as what follows */
	return look.state == HQ_MET_NEW ? plan_look(f, &look, w, err)
					: HQ_SUSPEND;
}

/* NOLINTBEGIN(readability-function-size): a flow's calls name all they take */
enum hq_rc
hq_wait_for_event(struct hq_flow *f, const char *id, const char *event_name,
    const char *expression, int64_t timeout_ms, struct json_object **ret_event,
    struct hq_err *err)
{
	const struct wait w = { event_name, expression, timeout_ms, -1 };

	return wait_op(f, id, &w, ret_event, err);
}

enum hq_rc
hq_wait_for_event_since(struct hq_flow *f, const char *id,
    const char *event_name, const char *expression, int64_t timeout_ms,
    int64_t since_ms, struct json_object **ret_event, struct hq_err *err)
{
	const struct wait w = { event_name, expression, timeout_ms,
		since_ms < 0 ? 0 : since_ms };

	if (f->in->past_event != NULL)
		return wait_since(f, id, &w, ret_event, err);
	return wait_op(f, id, &w, ret_event, err);
}
/* NOLINTEND(readability-function-size) */

static const char *
slug(struct hq_flow *f, const char *function)
{
	const struct hq_exec_in *in = f->in;

	if (in->own_function == NULL ||
	    !in->own_function(in->own_ctx, function))
		return function;
	return hq_arena_printf(in->arena, HQ_APP_ID "-%s", function);
}

enum hq_rc
hq_invoke(struct hq_flow *f, const char *id, const char *function,
    struct json_object *data, struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *opts, *payload;
	struct hq_met m;

	HQ_TRY(hq_flow_meet(f, id, &m, err));
	if (m.state != HQ_MET_NEW)
		return hq_flow_recall(&m, ret_out, err);
	payload = hq_json_new_object();
	hq_json_put(payload, "data",
	    data == NULL ? hq_json_new_object() : json_object_get(data));
	opts = hq_json_new_object();
	hq_json_put_str(opts, "function_id", slug(f, function));
	hq_json_put(opts, "payload", payload);
	return hq_flow_report(f, &m, "InvokeFunction", NULL, opts);
}

/* -------------------------------------------------------------------- events */

static enum hq_rc
send_one(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	const struct hq_exec_in *x = f->in;
	const char *event_id = hq_flow_key(f);
	struct json_object *ids, *out;

	if (x->send_event == NULL)
		return HQ_FAIL(err, NOT_IMPLEMENTED,
		    "this host has nowhere to send events to");
	HQ_TRY(x->send_event(x->send_ctx, event_id, hq_json_str(in, "name"),
	    hq_json_get(in, "data"), err));
	out = hq_json_new_object();
	HQ_TRY(hq_json_own(x->arena, out, err));
	ids = hq_json_new_array();
	hq_json_push(ids, hq_json_new_string(event_id));
	hq_json_put(out, "ids", ids);
	*ret_out = out;
	return HQ_OK;
}

enum hq_rc
hq_send_event(struct hq_flow *f, const char *id, const char *name,
    struct json_object *data, struct hq_err *err)
{
	struct json_object *in = hq_json_new_object();
	struct json_object *opts, *ignored;
	struct hq_todo t = { .fn = send_one, .in = in, .name = "sendEvent" };

	HQ_TRY(hq_json_own(f->in->arena, in, err));
	hq_json_put_str(in, "name", name);
	hq_json_put(in, "data",
	    data == NULL ? hq_json_new_object() : json_object_get(data));
	opts = hq_json_new_object();
	HQ_TRY(hq_json_own(f->in->arena, opts, err));
	hq_json_put_str(opts, "type", "step.sendEvent");
	t.opts = opts;
	return step(f, id, &t, &ignored, err);
}

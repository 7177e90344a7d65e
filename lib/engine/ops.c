/*
 * Step operations (facts: Inngest protocol, op code table, 4.3).
 *
 * A discovery reports again what is still under way: a step's id is the key of
 * its job and of its memo, so the second report changes nothing.  All
 * operations are checked before the first is carried out.
 */
#include <string.h>

#include "engine/duration.h"
#include "engine/inside.h"

struct op {
	struct json_object *o, *opts;
	const char *id;   /* step hash */
	const char *name; /* means something else for each operation */
	const struct op_kind *kind;
};

typedef enum hq_rc op_fn(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err);

struct op_kind {
	const char *name;
	op_fn *run;
	const char *result; /* its member that is recorded; NULL: none is */
	bool first;         /* before the others of one answer */
	bool lazy;          /* does not make an answer a parallel one */
};

/* -------------------------------------------------------------- results -- */

static const char *
memo_text(struct hq_eng_tx *t, const struct op *op)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_buf_printf(&b, "{\"%s\":", op->kind->result);
	hq_json_write(&b, hq_json_get(op->o, op->kind->result));
	hq_buf_putc(&b, '}');
	return hq_buf_str(&b);
}

/* It gave a value, or has failed for good. */
static enum hq_rc
step_ended(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	(void)an;
	return hq_eng_memo(t, t->job->run, op->id, memo_text(t, op), err);
}

static enum hq_rc
step_error(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	if (t->job->settled)
		return HQ_OK; /* a second one: the retry brings it again */
	return hq_eng_attempt_failed(t, an,
	    hq_eng_text(t, hq_json_get(op->o, "error")), op->id, err);
}

static enum hq_rc
run_complete(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	(void)an;
	return hq_eng_finish(t, t->job->run, HQ_RUN_COMPLETED,
	    hq_eng_text(t, hq_json_get(op->o, "data")), err);
}

/* ------------------------------------------------------------- planning -- */

struct plan {
	enum hq_job_kind kind;
	int lane;
	int64_t due_ms, max_attempts, timeout_ms;
	/* Of a wait: */
	const char *wait_event, *wait_if;
	int64_t heard_ms;
	struct hq_eng_pin pin;
};

/* *ret_new may be NULL. */
static enum hq_rc
plan(struct hq_eng_tx *t, const struct op *op, const struct plan *p,
    bool *ret_new, struct hq_err *err)
{
	int changes;

	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_PLAN,
	    HQ_BIND(hq_text(t->job->run), hq_text(op->id), hq_i64(p->kind),
		hq_i64(p->lane), hq_i64(p->due_ms), hq_i64(p->max_attempts),
		hq_i64(p->timeout_ms), hq_text(p->wait_event),
		hq_text(p->wait_if), hq_i64(t->now_ms), hq_i64(p->heard_ms),
		hq_text(p->pin.path), hq_text(p->pin.value)),
	    &changes, err));
	if (ret_new != NULL)
		*ret_new = changes > 0;
	return HQ_OK;
}

/* The attempts of the function whose answer this is. */
static enum hq_rc
own_function(struct hq_eng_tx *t, const struct hq_fn **ret, struct hq_err *err)
{
	struct hq_eng_run run;
	bool found;

	HQ_TRY(hq_eng_run_get(t, t->job->run, &run, &found, err));
	HQ_ASSERT(found);
	*ret = hq_fns_find(t->fns, run.fn);
	return HQ_OK;
}

static enum hq_rc
step_planned(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	int64_t retries = hq_json_i64(op->opts, "retries", -1);
	int64_t priority = hq_json_i64(op->opts, "priority", 0);
	int64_t timeout = hq_json_i64(op->opts, "timeoutMs", 0);
	struct plan p = { .pin = HQ_ENG_NO_PIN,
		.kind = HQ_JOB_CALL,
		.lane = HQ_LANE_NORMAL,
		.due_ms = t->now_ms };
	const struct hq_fn *fn;

	(void)an;
	HQ_TRY(own_function(t, &fn, err));
	if (fn != NULL && fn->foreign)
		p.lane = HQ_LANE_APPS;
	else if (priority != 0)
		p.lane = priority > 0 ? HQ_LANE_HIGH : HQ_LANE_LOW;
	if (timeout > 0)
		p.timeout_ms = timeout;
	if (retries > HQ_ENGINE_RETRIES_MAX)
		retries = HQ_ENGINE_RETRIES_MAX;
	p.max_attempts = retries + 1;
	if (retries < 0)
		p.max_attempts = fn == NULL ? HQ_ENGINE_RETRIES_DEFAULT + 1
					    : fn->max_attempts;
	return plan(t, op, &p, NULL, err);
}

/* How long a Sleep takes: in its name, or in opts.duration. */
static const char *
sleep_text(const struct op *op)
{
	const char *s = hq_json_str(op->opts, "duration");

	return op->name != NULL && op->name[0] != '\0' ? op->name : s;
}

static int64_t
clamp(int64_t due, int64_t now)
{
	if (due < now)
		return now;
	return due > now + HQ_ENGINE_SLEEP_MAX_MS ? now + HQ_ENGINE_SLEEP_MAX_MS
						  : due;
}

static enum hq_rc
sleep_until(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	struct plan p = { .pin = HQ_ENG_NO_PIN,
		.kind = HQ_JOB_SLEEP,
		.lane = HQ_LANE_TIMER };

	(void)an;
	if (!hq_when_ms(sleep_text(op), t->now_ms, &p.due_ms))
		p.due_ms = t->now_ms;
	p.due_ms = clamp(p.due_ms, t->now_ms);
	return plan(t, op, &p, NULL, err);
}

/* *ret_wrong: why its expression cannot be one; else what finds the wait. */
static enum hq_rc
read_condition(struct hq_eng_tx *t, struct plan *p, const char **ret_wrong,
    struct hq_err *err)
{
	const struct hq_expr *x = NULL;
	struct hq_err why;

	*ret_wrong = NULL;
	if (p->wait_if != NULL && p->wait_if[0] == '\0')
		p->wait_if = NULL;
	if (p->wait_if == NULL)
		return HQ_OK;
	if (hq_expr_parse(t->a, p->wait_if, &x, NULL, &why) == HQ_OK)
		return hq_eng_pin_of(t, t->job->run, x, &p->pin, err);
	*ret_wrong = hq_eng_error(t, "InvalidExpression", why.msg);
	return HQ_OK;
}

/*
 * A wait without a timeout that can be read is over at once.  opts.sinceMs is
 * an extension: an event that came since then (hq_event_clock) counts as well.
 */
static enum hq_rc
wait_for_event(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	struct plan p = { .pin = HQ_ENG_NO_PIN,
		.kind = HQ_JOB_WAIT,
		.lane = HQ_LANE_TIMER,
		.wait_event = op->name,
		.wait_if = hq_json_str(op->opts, "if") };
	struct hq_eng_wait past = { .run = t->job->run,
		.step = op->id,
		.event = op->name,
		.since_ms = hq_json_i64(op->opts, "sinceMs", -1) };
	const char *wrong;
	bool is_new;

	(void)an;
	HQ_TRY(read_condition(t, &p, &wrong, err));
	if (wrong != NULL)
		return hq_eng_memo_error(t, t->job->run, op->id, wrong, err);
	if (!hq_when_ms(hq_json_str(op->opts, "timeout"), t->now_ms, &p.due_ms))
		p.due_ms = t->now_ms;
	p.due_ms = clamp(p.due_ms, t->now_ms);
	HQ_TRY(hq_event_clock(t->db, &p.heard_ms, err));
	HQ_TRY(plan(t, op, &p, &is_new, err));
	past.expression = p.wait_if;
	return is_new && past.since_ms >= 0 ? hq_eng_look_back(t, &past, err)
					    : HQ_OK;
}

/* --------------------------------------------------------------- invoke -- */

/* "<app>-<id>", or the id of a function of the caller's app. */
static enum hq_rc
invoked_function(struct hq_eng_tx *t, const char *id, const struct hq_fn **ret,
    struct hq_err *err)
{
	const struct hq_fn *own;
	const char *slug;

	*ret = hq_fns_find(t->fns, id);
	if (*ret == NULL) {
		HQ_TRY(own_function(t, &own, err));
		slug = own == NULL
		    ? id
		    : hq_arena_printf(t->a, "%s-%s", own->app, id);
		*ret = slug == NULL ? NULL : hq_fns_find(t->fns, slug);
	}
	if (*ret != NULL && (*ret)->archived)
		*ret = NULL;
	return HQ_OK;
}

/* The payload's data with what names the caller. */
static const char *
invoked_data(struct hq_eng_tx *t, const struct op *op, const struct hq_fn *fn,
    const char *correlation)
{
	struct json_object *data, *given, *ours = hq_json_new_object();
	const char *text;

	given = hq_json_get(hq_json_get(op->opts, "payload"), "data");
	data = json_object_is_type(given, json_type_object)
	    ? hq_json_clone(given)
	    : hq_json_new_object();
	hq_json_put_str(ours, "fn_id", fn->slug);
	hq_json_put_str(ours, "correlation_id", correlation);
	hq_json_put(data, "_inngest", ours);
	text = hq_eng_text(t, data);
	json_object_put(data);
	return text;
}

static enum hq_rc
start_invoked(struct hq_eng_tx *t, const struct op *op, const struct hq_fn *fn,
    struct hq_err *err)
{
	struct hq_eng_event e = { .name = "inngest/function.invoked" };
	struct hq_eng_start s = { .fn = fn, .event = &e };

	s.invoker = hq_arena_printf(t->a, "%s.%s", t->job->run, op->id);
	if (s.invoker == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	e.data = invoked_data(t, op, fn, s.invoker);
	if (!hq_eng_event_fits(e.data))
		return hq_eng_memo_error(t, t->job->run, op->id,
		    hq_eng_error(t, "Error",
			"the invoked function's data is too large"),
		    err);
	HQ_TRY(hq_eng_event_put(t, &e, false, err));
	return hq_eng_admit(t, &s, err);
}

static enum hq_rc
invoke(struct hq_eng_tx *t, const struct hq_eng_answer *an, const struct op *op,
    struct hq_err *err)
{
	struct plan p = { .pin = HQ_ENG_NO_PIN,
		.kind = HQ_JOB_INVOKE,
		.lane = HQ_LANE_TIMER };
	const char *id = hq_json_str(op->opts, "function_id");
	const struct hq_fn *fn;
	bool is_new;

	(void)an;
	HQ_TRY(invoked_function(t, id, &fn, err));
	if (fn == NULL)
		return hq_eng_memo_error(t, t->job->run, op->id,
		    hq_eng_error(t, "Error",
			hq_arena_printf(t->a,
			    "could not find function with ID: %s", id)),
		    err);
	if (!hq_when_ms(hq_json_str(op->opts, "timeout"), t->now_ms, &p.due_ms))
		p.due_ms = t->now_ms + HQ_ENGINE_INVOKE_MS;
	p.due_ms = clamp(p.due_ms, t->now_ms);
	HQ_TRY(plan(t, op, &p, &is_new, err));
	return is_new ? start_invoked(t, op, fn, err) : HQ_OK;
}

static enum hq_rc
discovery_request(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *op, struct hq_err *err)
{
	(void)an;
	(void)op;
	(void)err;
	t->job->again = true;
	return HQ_OK;
}

static enum hq_rc
none(struct hq_eng_tx *t, const struct hq_eng_answer *an, const struct op *op,
    struct hq_err *err)
{
	(void)t;
	(void)an;
	(void)op;
	(void)err;
	return HQ_OK;
}

static const struct op_kind kinds[] = {
	{ "StepRun", step_ended, "data", false, false },
	{ "Step", step_ended, "data", false, false },
	{ "StepError", step_error, NULL, false, false },
	{ "StepFailed", step_ended, "error", false, false },
	{ "StepPlanned", step_planned, NULL, false, false },
	{ "Sleep", sleep_until, NULL, false, false },
	{ "WaitForEvent", wait_for_event, NULL, true, false },
	{ "InvokeFunction", invoke, NULL, false, false },
	{ "RunComplete", run_complete, NULL, false, false },
	{ "SyncRunComplete", run_complete, NULL, false, false },
	{ "DiscoveryRequest", discovery_request, NULL, false, true },
	{ "None", none, NULL, false, true },
};

/* ------------------------------------------------------------- checking -- */

static bool
is_step_id(const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	return n > 0 && n <= HQ_ENGINE_STEP_ID_MAX &&
	    strspn(s,
		"0123456789abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == n &&
	    strcmp(s, HQ_ENG_DISCOVERY) != 0;
}

static const struct op_kind *
kind_of(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static const char *
check_members(struct hq_eng_tx *t, const struct op *op)
{
	int64_t due;

	const char *result = op->kind->result;

	if ((op->kind->run == step_error ||
		(result != NULL && strcmp(result, "error") == 0)) &&
	    hq_json_get(op->o, "error") == NULL)
		return "a failed step has no error";
	if (op->kind->run == sleep_until &&
	    !hq_when_ms(sleep_text(op), t->now_ms, &due))
		return "a Sleep has no duration";
	if (op->kind->run == wait_for_event &&
	    (op->name == NULL || op->name[0] == '\0'))
		return "a WaitForEvent names no event";
	if (op->kind->run == invoke &&
	    hq_json_str(op->opts, "function_id") == NULL)
		return "an InvokeFunction names no function";
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *
read_op(struct hq_eng_tx *t, struct json_object *o, struct op *ret)
{
	const char *name;

	if (!json_object_is_type(o, json_type_object))
		return "a step operation is not an object";
	name = hq_json_str(o, "op");
	ret->o = o;
	ret->opts = hq_json_get(o, "opts");
	ret->id = hq_json_str(o, "id");
	ret->name = hq_json_str(o, "name");
	ret->kind = kind_of(name);
	if (ret->kind == NULL)
		return hq_arena_printf(t->a,
		    "this engine has no step operation %.60s",
		    name == NULL ? "without a name" : name);
	if (!ret->kind->lazy && !is_step_id(ret->id))
		return "a step operation has a bad id";
	return check_members(t, ret);
}

/* ------------------------------------------------------------ the answer -- */

static enum hq_rc
run_ops(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const struct op *ops, size_t n, struct hq_err *err)
{
	size_t i, pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < n; i++)
			if (!t->job->over && ops[i].kind->first == (pass == 0))
				HQ_TRY(ops[i].kind->run(t, an, &ops[i], err));
	return HQ_OK;
}

static enum hq_rc
force_plan(struct hq_eng_tx *t, const struct op *ops, size_t n,
    struct hq_err *err)
{
	size_t i, busy = 0;

	for (i = 0; i < n; i++)
		busy += !ops[i].kind->lazy;
	if (busy < 2)
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_RUN_PLAN,
	    HQ_BIND(hq_text(t->job->run), hq_i64(1)), NULL, err);
}

enum hq_rc
hq_eng_ops(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    struct json_object *list, const char **ret_wrong, struct hq_err *err)
{
	bool one = json_object_is_type(list, json_type_object);
	size_t n = one ? 1 : 0, i;
	struct op *ops;

	if (json_object_is_type(list, json_type_array))
		n = json_object_array_length(list);
	ops = HQ_NEW(t->a, struct op, n + 1);
	if (n > HQ_ENGINE_OPS_MAX || ops == NULL) {
		*ret_wrong = "too many step operations in one answer";
		return HQ_OK;
	}
	for (i = 0; i < n && *ret_wrong == NULL; i++)
		*ret_wrong = read_op(t,
		    one ? list : json_object_array_get_idx(list, i), &ops[i]);
	if (*ret_wrong != NULL)
		return HQ_OK;
	HQ_TRY(force_plan(t, ops, n, err));
	return run_ops(t, an, ops, n, err);
}

/* ----------------------------------------------------------- checkpoints -- */

enum hq_rc
hq_eng_held(struct hq_eng_tx *t, const char *owner, struct hq_eng_job *j,
    bool *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_JOB_HELD,
	    HQ_BIND(hq_text(j->run), hq_text(j->step), hq_i64(j->generation),
		hq_text(owner)),
	    &row, err));
	*ret = hq_cursor_next(&row);
	if (!*ret)
		return hq_cursor_done(&row, err);
	j->attempt = (int)hq_cursor_i64(&row, 0);
	j->max_attempts = (int)hq_cursor_i64(&row, 1);
	j->crashes = (int)hq_cursor_i64(&row, 2);
	j->refusals = (int)hq_cursor_i64(&row, 3);
	j->again = hq_cursor_i64(&row, 4) == HQ_AGAIN;
	j->told = hq_cursor_i64(&row, 4) == HQ_AGAIN_TOLD;
	return HQ_OK;
}

/* A job that gets somewhere has failed at nothing. */
static enum hq_rc
start_anew(struct hq_eng_tx *t, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;

	if (j->attempt == 0 && j->crashes == 0 && j->refusals == 0)
		return HQ_OK;
	j->attempt = j->crashes = j->refusals = 0;
	return hq_exec(t->db, &hq_engine_store, Q_JOB_ANEW,
	    HQ_BIND(hq_text(j->run), hq_text(j->step)), NULL, err);
}

enum hq_rc
hq_eng_checkpoint(struct hq_eng_tx *t, struct json_object *o,
    const char **ret_wrong, size_t *ret_bytes, struct hq_err *err)
{
	const char *memo;
	struct op op;

	*ret_wrong = read_op(t, o, &op);
	if (*ret_wrong == NULL && op.kind->result == NULL)
		*ret_wrong = "only results can be checkpointed";
	if (*ret_wrong != NULL)
		return HQ_OK;
	memo = memo_text(t, &op);
	*ret_bytes = strlen(memo) + strlen(op.id);
	HQ_TRY(hq_eng_memo(t, t->job->run, op.id, memo, err));
	return start_anew(t, err);
}

/*
 * What an agent does with a task: claim it, keep it, end it.  Each is one
 * transaction, which takes back expired leases first: so a claim that has run
 * out is lost even if nobody has looked in between.
 */
#include <string.h>

#include "base/ids.h"
#include "domain/coordination/jsonschema.h"
#include "domain/coordination/run.h"
#include "domain/coordination/task_row.h"

enum { MS_PER_S = 1000 };

/* One procedure's transaction. */
struct act {
	struct hq_boundary *c;
	struct json_object *in;
	struct hq_coord_task_tx tx;
	struct hq_coord_task task; /* as it stands after the act */
	bool found, done;
	const char *wrong_path, *wrong; /* of an output that does not fit */
};

static struct act
act_of(struct hq_boundary *c, struct json_object *in)
{
	return (struct act){
		.c = c,
		.in = in,
		.tx = { .db = c->db,
		    .env = c->env,
		    .arena = c->arena,
		    .now_ms = hq_now_ms(c->env) },
	};
}

static enum hq_rc
run_act(struct act *x, hq_tx_fn *fn, struct hq_err *err)
{
	HQ_TRY(hq_db_tx(x->c->db, fn, x, err));
	if (x->tx.ended && x->c->wake_runner != NULL)
		x->c->wake_runner(x->c->wake_ctx);
	return HQ_OK;
}

/* BAD_REQUEST for what is larger than it may be. */
static enum hq_rc
check(struct json_object *in, struct hq_err *err)
{
	static const struct {
		const char *name;
		bool text;
		int max;
	} limits[] = {
		{ "agentId", true, HQ_COORD_TASK_AGENT_BYTES_MAX },
		{ "by", true, HQ_COORD_TASK_AGENT_BYTES_MAX },
		{ "error", true, HQ_COORD_TASK_ERROR_BYTES_MAX },
		{ "waitSeconds", false, HQ_COORD_TASK_WAIT_S_MAX },
		{ "leaseSeconds", false, HQ_COORD_TASK_LEASE_S_MAX },
	};
	const char *s;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		s = limits[i].text ? hq_json_str(in, limits[i].name) : NULL;
		if (s != NULL && strlen(s) > (size_t)limits[i].max)
			return HQ_FAIL(err, BAD_REQUEST, "%s is over %d bytes",
			    limits[i].name, limits[i].max);
		if (!limits[i].text &&
		    hq_json_i64(in, limits[i].name, 0) > limits[i].max)
			return HQ_FAIL(err, BAD_REQUEST, "%s is over %d",
			    limits[i].name, limits[i].max);
	}
	return HQ_OK;
}

/* Milliseconds of the input's leaseSeconds; NULL: the task's own. */
static struct hq_val
lease_of(struct json_object *in)
{
	int64_t s = hq_json_i64(in, "leaseSeconds", 0);

	return s > 0 ? hq_i64(s * MS_PER_S) : hq_null();
}

/* -------------------------------------------------------------- claiming -- */

/* The statement whose index finds the fewest that do not fit. */
static enum hq_coord_q
offered_by(struct json_object *in)
{
	if (hq_json_str(in, "deskId") != NULL)
		return HQ_CQ_TASK_OFFERED_DESK;
	if (hq_json_str(in, "workflowId") != NULL)
		return HQ_CQ_TASK_OFFERED_WORKFLOW;
	return hq_json_str(in, "kind") != NULL ? HQ_CQ_TASK_OFFERED_KIND
					       : HQ_CQ_TASK_OFFERED;
}

static enum hq_rc
offered(struct act *x, const char **ret_id, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret_id = NULL;
	HQ_TRY(HQ_COORD_QUERY(x->c->db, offered_by(x->in), &row, err,
	    hq_text(hq_json_str(x->in, "workflowId")),
	    hq_text(hq_json_str(x->in, "deskId")),
	    hq_text(hq_json_str(x->in, "kind"))));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret_id = hq_cursor_text(&row, 0, x->c->arena);
	if (*ret_id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no room for a task");
	return HQ_OK;
}

static enum hq_rc
claim_tx(void *arg, struct hq_err *err)
{
	struct act *x = arg;
	const char *id;
	int64_t n;
	int changed;

	HQ_TRY(hq_coord_task_take_back(&x->tx, &n, err));
	HQ_TRY(offered(x, &id, err));
	if (id == NULL)
		return HQ_OK;
	HQ_TRY(HQ_COORD_EXEC(x->c->db, HQ_CQ_TASK_CLAIM, &changed, err,
	    hq_text(hq_json_str(x->in, "agentId")), hq_i64(x->tx.now_ms),
	    lease_of(x->in), hq_text(id)));
	HQ_ASSERT(changed == 1);
	HQ_TRY(hq_coord_task_watch(&x->tx, err));
	return hq_coord_task_load(x->c->db, x->c->arena, id, &x->task,
	    &x->found, err);
}

/* Looking takes no lock: a claim that waits writes only when there is a task.
 */
static enum hq_rc
claim(struct act *x, struct hq_err *err)
{
	const char *id;
	bool any;

	HQ_TRY(offered(x, &id, err));
	HQ_TRY(hq_coord_task_any_expired(x->c->db, x->tx.now_ms, &any, err));
	return id == NULL && !any ? HQ_OK : run_act(x, claim_tx, err);
}

/* All claims with one filter find the same. */
static const char *
park_key(struct hq_arena *a, struct json_object *in)
{
	static const char *const names[] = { "workflowId", "deskId", "kind" };
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, a);
	hq_buf_puts(&b, "claim");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		hq_buf_putc(&b, ' ');
		if (hq_json_str(in, names[i]) != NULL)
			hq_json_write_string(&b, hq_json_str(in, names[i]));
	}
	return hq_buf_str(&b);
}

/* False: it has waited as long as it wants to, or may not wait. */
static bool
wait_on(struct hq_boundary *c, struct json_object *in)
{
	int64_t wait_ms = hq_json_i64(in, "waitSeconds", 0) * MS_PER_S;
	int64_t left = c->arrived_ms + wait_ms - hq_mono_ms(c->env);

	if (c->last || wait_ms == 0 || left <= 0)
		return false;
	c->park_ms = left;
	c->park_key = park_key(c->arena, in);
	return true;
}

/* claimTask - no code of its own; task is null if there is none in time. */
enum hq_rc
hq_coord_claim_task(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct act x = act_of(c, in);
	struct json_object *out, *task = NULL;

	HQ_TRY(check(in, err));
	HQ_TRY(claim(&x, err));
	if (!x.found && wait_on(c, in))
		return HQ_SUSPEND;
	if (x.found)
		HQ_TRY(hq_coord_task_json(&x.task, true, true, c->arena, &task,
		    err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put(out, "task", json_object_get(task));
	*ret_out = out;
	return HQ_OK;
}

/* --------------------------------------------------- the task of an input -- */

/* After what has run out was taken back. */
static enum hq_rc
load(struct act *x, struct hq_err *err)
{
	int64_t n;

	HQ_TRY(hq_coord_task_take_back(&x->tx, &n, err));
	return hq_coord_task_load(x->c->db, x->c->arena,
	    hq_json_str(x->in, "taskId"), &x->task, &x->found, err);
}

/* The caller's claim still holds. */
static bool
held(const struct act *x)
{
	return x->found && strcmp(x->task.state, "claimed") == 0 &&
	    hq_json_i64(x->in, "token", -1) == x->task.token;
}

static enum hq_rc
reload(struct act *x, struct hq_err *err)
{
	bool found;

	HQ_TRY(hq_coord_task_load(x->c->db, x->c->arena, x->task.id, &x->task,
	    &found, err));
	HQ_ASSERT(found);
	return HQ_OK;
}

static enum hq_rc
state_data(const struct act *x, struct json_object **ret, struct hq_err *err)
{
	HQ_TRY(hq_coord_object(x->c->arena, ret, err));
	hq_json_put_str(*ret, "taskId", x->task.id);
	hq_json_put_str(*ret, "state", x->task.state);
	return HQ_OK;
}

/* TASK_NOT_FOUND, TASK_LEASE_LOST, TASK_OUTPUT_INVALID; or it was done. */
static enum hq_rc
refuse(const struct act *x, struct hq_err *err)
{
	struct json_object *data;

	if (!x->found)
		return hq_coord_task_not_found(x->c->arena,
		    hq_json_str(x->in, "taskId"), err);
	if (x->wrong != NULL) {
		HQ_TRY(hq_coord_object(x->c->arena, &data, err));
		hq_json_put_str(data, "path", x->wrong_path);
		hq_json_put_str(data, "message", x->wrong);
		return HQ_FAIL_DECLARED(err, "TASK_OUTPUT_INVALID", data,
		    "the output does not fit the desk: %s", x->wrong);
	}
	if (x->done)
		return HQ_OK;
	HQ_TRY(state_data(x, &data, err));
	return HQ_FAIL_DECLARED(err, "TASK_LEASE_LOST", data,
	    "the task is not yours to answer any more: it is %s",
	    x->task.state);
}

static enum hq_rc
answer_task(const struct act *x, struct json_object **ret_out,
    struct hq_err *err)
{
	struct json_object *out, *task;

	HQ_TRY(hq_coord_task_json(&x->task, false, false, x->c->arena, &task,
	    err));
	HQ_TRY(hq_coord_object(x->c->arena, &out, err));
	hq_json_put(out, "task", json_object_get(task));
	*ret_out = out;
	return HQ_OK;
}

/* ------------------------------------------------------------- heartbeat -- */

static enum hq_rc
heartbeat_tx(void *arg, struct hq_err *err)
{
	struct act *x = arg;
	HQ_CURSOR(row);

	HQ_TRY(load(x, err));
	if (!held(x))
		return HQ_OK;
	HQ_TRY(HQ_COORD_QUERY(x->c->db, HQ_CQ_TASK_LEASE, &row, err,
	    hq_i64(x->tx.now_ms), lease_of(x->in), hq_text(x->task.id)));
	x->done = hq_cursor_next(&row);
	HQ_ASSERT(x->done);
	x->task.lease_until_ms = hq_cursor_i64(&row, 0);
	(void)hq_cursor_next(&row);
	HQ_TRY(hq_cursor_done(&row, err));
	hq_cursor_close(&row);
	return hq_coord_task_watch(&x->tx, err);
}

/* heartbeatTask - TASK_NOT_FOUND, TASK_LEASE_LOST. */
enum hq_rc
hq_coord_heartbeat_task(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct act x = act_of(c, in);
	struct json_object *out;
	char iso[HQ_ISO_BYTES];

	HQ_TRY(check(in, err));
	HQ_TRY(run_act(&x, heartbeat_tx, err));
	HQ_TRY(refuse(&x, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_iso_from_ms(x.task.lease_until_ms, iso);
	hq_json_put_str(out, "leaseUntil", iso);
	*ret_out = out;
	return HQ_OK;
}

/* ---------------------------------------------------- completing, failing -- */

struct result {
	const char *output, *memory; /* memory: or NULL */
};

/* PAYLOAD_TOO_LARGE; BAD_REQUEST for what JSON cannot hold. */
static enum hq_rc
result_of(struct hq_boundary *c, struct json_object *in, struct result *ret,
    struct hq_err *err)
{
	struct json_object *memory = hq_json_get(in, "memory");

	HQ_TRY(hq_coord_text(c->arena, "output", hq_json_get(in, "output"),
	    &ret->output, err));
	if (strlen(ret->output) > HQ_COORD_OUTPUT_BYTES_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "output is over %d bytes", HQ_COORD_OUTPUT_BYTES_MAX);
	ret->memory = NULL;
	if (memory == NULL)
		return HQ_OK;
	HQ_TRY(hq_coord_text(c->arena, "memory", memory, &ret->memory, err));
	if (strlen(ret->memory) > HQ_COORD_MEMORY_BYTES_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "memory is over %d bytes", HQ_COORD_MEMORY_BYTES_MAX);
	return HQ_OK;
}

/* Sets .wrong if the output is not what the desk promises. */
static enum hq_rc
check_output(struct act *x, struct hq_err *err)
{
	struct hq_arena *a = x->c->arena;
	struct json_object *desk;

	HQ_TRY(hq_coord_parse(a, x->task.desk, &desk, err));
	x->wrong = hq_coord_schema_fault(a, hq_json_get(desk, "outputSchema"),
	    "output", hq_json_get(x->in, "output"), &x->wrong_path);
	return HQ_OK;
}

static enum hq_rc
end_completed(struct act *x, const char *by, struct hq_err *err)
{
	struct hq_coord_task_end e = {
		.task_id = x->task.id,
		.run_id = x->task.run_id,
		.state = "completed",
		.by = by,
	};
	struct result r;

	HQ_TRY(result_of(x->c, x->in, &r, err));
	e.output = r.output;
	e.memory = r.memory;
	HQ_TRY(hq_coord_task_end(&x->tx, &e, err));
	x->done = true;
	return reload(x, err);
}

static enum hq_rc
complete_tx(void *arg, struct hq_err *err)
{
	struct act *x = arg;
	const char *state;

	HQ_TRY(load(x, err));
	if (!held(x))
		return HQ_OK;
	HQ_TRY(check_output(x, err));
	if (x->wrong == NULL)
		return end_completed(x, NULL, err);
	return hq_coord_task_attempt_failed(&x->tx, &x->task, x->wrong, true,
	    &state, err);
}

/*
 * completeTask - TASK_NOT_FOUND, TASK_LEASE_LOST; TASK_OUTPUT_INVALID, and the
 * attempt has failed.
 */
enum hq_rc
hq_coord_complete_task(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct act x = act_of(c, in);
	struct result r;

	HQ_TRY(result_of(c, in, &r, err));
	HQ_TRY(run_act(&x, complete_tx, err));
	HQ_TRY(refuse(&x, err));
	return answer_task(&x, ret_out, err);
}

static enum hq_rc
fail_tx(void *arg, struct hq_err *err)
{
	struct act *x = arg;
	const char *state;

	HQ_TRY(load(x, err));
	if (!held(x))
		return HQ_OK;
	HQ_TRY(hq_coord_task_attempt_failed(&x->tx, &x->task,
	    hq_json_str(x->in, "error"), hq_json_bool(x->in, "retryable", true),
	    &state, err));
	x->done = true;
	return reload(x, err);
}

/* failTask - TASK_NOT_FOUND, TASK_LEASE_LOST. */
enum hq_rc
hq_coord_fail_task(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct act x = act_of(c, in);

	HQ_TRY(check(in, err));
	HQ_TRY(run_act(&x, fail_tx, err));
	HQ_TRY(refuse(&x, err));
	return answer_task(&x, ret_out, err);
}

/* An answer that does not fit leaves the question open. */
static enum hq_rc
answer_tx(void *arg, struct hq_err *err)
{
	struct act *x = arg;

	HQ_TRY(load(x, err));
	if (!x->found || !x->task.human || !hq_coord_task_live(&x->task))
		return HQ_OK;
	HQ_TRY(check_output(x, err));
	if (x->wrong != NULL)
		return HQ_OK;
	return end_completed(x, hq_json_str(x->in, "by"), err);
}

/*
 * answerTask - TASK_NOT_FOUND, TASK_NOT_HUMAN, TASK_OUTPUT_INVALID;
 * TASK_LEASE_LOST if it has been answered, or nobody waits any more.
 */
enum hq_rc
hq_coord_answer_task(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct act x = act_of(c, in);
	struct json_object *data;
	struct result r;

	HQ_TRY(check(in, err));
	HQ_TRY(result_of(c, in, &r, err));
	HQ_TRY(run_act(&x, answer_tx, err));
	if (x.found && !x.task.human) {
		HQ_TRY(state_data(&x, &data, err));
		return HQ_FAIL_DECLARED(err, "TASK_NOT_HUMAN", data,
		    "the task is an agent's: claim it");
	}
	HQ_TRY(refuse(&x, err));
	return answer_task(&x, ret_out, err);
}

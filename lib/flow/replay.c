#include <string.h>

#include "flow/replay.h"

/* Marks, as err->where, what comes from a memo and not from code. */
static const char from_memo[] = "flow: recorded step failure";

static bool
is_seen(const struct hq_flow *f, const char *id)
{
	return json_object_object_get_ex(f->seen, id, NULL);
}

/* "loop", "loop:1", "loop:2", ...: the first that is not taken. */
static const char *
free_name(struct hq_flow *f, struct hq_met *m)
{
	const char *name = m->id;

	while (name != NULL && is_seen(f, name)) {
		m->index++;
		name = hq_arena_printf(f->in->arena, "%s:%zu", m->id, m->index);
	}
	return name;
}

/* {key: x} and nothing else, but for an optional "type": key. */
static bool
is_memo(struct json_object *v, const char *key, struct json_object **ret)
{
	const char *type;
	int n;

	if (!json_object_is_type(v, json_type_object) ||
	    !json_object_object_get_ex(v, key, ret))
		return false;
	n = json_object_object_length(v);
	type = hq_json_str(v, "type");
	return n == 1 || (n == 2 && type != NULL && strcmp(type, key) == 0);
}

static void
read_memo(struct json_object *memo, struct hq_met *m)
{
	struct json_object *v;

	m->state = HQ_MET_DONE;
	m->value = memo;
	if (is_memo(memo, "data", &v)) {
		m->value = v;
	} else if (is_memo(memo, "error", &v) &&
	    json_object_is_type(v, json_type_object)) {
		m->state = HQ_MET_FAILED;
		m->value = v;
	} else if (is_memo(memo, "input", &v) &&
	    json_object_is_type(v, json_type_array)) {
		m->state = HQ_MET_NEW;
		m->has_input = json_object_array_length(v) > 0;
		m->value =
		    m->has_input ? json_object_array_get_idx(v, 0) : NULL;
	}
}

enum hq_rc
hq_flow_meet(struct hq_flow *f, const char *id, struct hq_met *ret,
    struct hq_err *err)
{
	struct json_object *memo;
	const char *name;

	if (f->key != NULL)
		HQ_BUG("a step's code called another step");
	HQ_ASSERT(id != NULL && id[0] != '\0');
	if (f->suspended)
		return HQ_SUSPEND;
	if (f->n_met++ == HQ_FLOW_STEPS_MAX)
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL,
		    "a function has at most %d steps", HQ_FLOW_STEPS_MAX);

	memset(ret, 0, sizeof(*ret));
	ret->id = hq_arena_copy(f->in->arena, id, strlen(id));
	name = ret->id == NULL ? NULL : free_name(f, ret);
	if (name == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	hq_json_put_bool(f->seen, name, true);
	hq_sha1_hex(name, strlen(name), ret->hash);
	if (f->in->steps != NULL &&
	    json_object_object_get_ex(f->in->steps, ret->hash, &memo))
		read_memo(memo, ret);
	return HQ_OK;
}

enum hq_rc
hq_flow_recall(const struct hq_met *m, struct json_object **ret_out,
    struct hq_err *err)
{
	const char *name, *message;

	HQ_ASSERT(m->state != HQ_MET_NEW);
	if (m->state == HQ_MET_DONE) {
		*ret_out = m->value;
		return HQ_OK;
	}
	name = hq_json_str(m->value, "name");
	message = hq_json_str(m->value, "message");
	hq_fail_declared(err, name == NULL ? "Error" : name, m->value,
	    from_memo, "%s", message == NULL ? "Unknown error" : message);
	return HQ_E_DECLARED;
}

bool
hq_flow_is_step_failure(const struct hq_err *err)
{
	return err->where == from_memo;
}

bool
hq_flow_may_retry(const struct hq_runtime *r, const struct hq_err *err)
{
	if (hq_flow_is_step_failure(err))
		return false;
	if (err->name != NULL && strcmp(err->name, HQ_NON_RETRIABLE) == 0)
		return false;
	/* Not told how many there are: the engine knows. */
	return r->max_attempts <= 0 || r->attempt < r->max_attempts - 1;
}

void
hq_flow_error(struct json_object *e, enum hq_rc rc, const struct hq_err *err)
{
	hq_json_put_str(e, "name",
	    err->name == NULL ? hq_rc_name(rc) : err->name);
	hq_json_put_str(e, "message",
	    err->msg[0] == '\0' ? hq_rc_text(rc) : err->msg);
}

static struct json_object *
op_new(const struct hq_met *m, const char *op, const char *name)
{
	struct json_object *o = hq_json_new_object();
	struct json_object *userland = hq_json_new_object();

	hq_json_put_str(o, "id", m->hash);
	hq_json_put_str(o, "op", op);
	if (name != NULL)
		hq_json_put_str(o, "name", name);
	hq_json_put_str(o, "displayName", m->id);
	hq_json_put_str(userland, "id", m->id);
	if (m->index > 0)
		hq_json_put_i64(userland, "index", (int64_t)m->index);
	hq_json_put(o, "userland", userland);
	hq_json_put(o, "data", NULL);
	return o;
}

/* The call asks for another step: it is told what was there instead. */
static void
miss(struct hq_flow *f, const struct hq_met *m)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "id", m->hash);
	hq_json_put_str(o, "name", m->id);
	hq_json_put_str(o, "displayName", m->id);
	hq_json_push(f->found, o);
}

bool
hq_flow_is_target(const struct hq_flow *f, const struct hq_met *m)
{
	return f->in->target != NULL && strcmp(f->in->target, m->hash) == 0;
}

enum hq_rc
hq_flow_report(struct hq_flow *f, const struct hq_met *m, const char *op,
    const char *name, struct json_object *opts)
{
	struct json_object *o = op_new(m, op, name);

	hq_json_put(o, "opts", opts == NULL ? hq_json_new_object() : opts);
	f->suspended = true;
	if (f->in->target == NULL || hq_flow_is_target(f, m)) {
		hq_json_push(f->ops, o);
		return HQ_SUSPEND;
	}
	json_object_put(o);
	miss(f, m);
	return HQ_SUSPEND;
}

static void
put_timing(struct json_object *o, int64_t start_ms, int64_t took_ms)
{
	struct json_object *t = hq_json_new_object();

	hq_json_put_i64(t, "a", start_ms * 1000000);
	hq_json_put_i64(t, "b", took_ms * 1000000);
	hq_json_put(o, "timing", t);
}

/*
 * A step of a policy may have fewer attempts than the engine gives it, where
 * that does not know of policies.
 */
static bool
may_retry(const struct hq_flow *f, const struct hq_todo *t,
    const struct hq_err *err)
{
	int64_t retries = hq_json_i64(t->opts, "retries", INT64_MAX);

	return hq_flow_may_retry(&f->in->runtime, err) &&
	    f->in->runtime.attempt < retries;
}

static void
put_outcome(struct json_object *o, bool retry, enum hq_rc rc,
    const struct hq_err *err)
{
	struct json_object *e = hq_json_new_object();

	HQ_ASSERT(rc != HQ_SUSPEND);
	hq_json_put_str(o, "op", retry ? "StepError" : "StepFailed");
	hq_flow_error(e, rc, err);
	hq_json_put(o, "error", e);
}

/* ---------------------------------------------------------- checkpoints -- */

/*
 * The engine records this very text, so the function goes on with what a later
 * execution will read from it.
 */
static bool
send(struct hq_flow *f, struct hq_met *m, struct json_object *out)
{
	const struct hq_checkpoints *c = f->in->checkpoints;
	struct json_object *op;
	struct hq_buf b;

	if (c == NULL || hq_flow_is_target(f, m))
		return false;
	hq_buf_init(&b, f->in->arena);
	hq_buf_printf(&b,
	    "{\"op\":\"StepRun\",\"id\":\"%s\",\"data\":", m->hash);
	hq_json_write(&b, out);
	hq_buf_putc(&b, '}');
	if (!hq_arena_ok(f->in->arena) ||
	    hq_json_parse(f->in->arena, b.p, b.n, &op, NULL) != HQ_OK ||
	    !c->send(c->ctx, b.p, b.n))
		return false;
	m->state = HQ_MET_DONE;
	m->value = hq_json_get(op, "data");
	f->in->runtime.attempt = 0; /* the next step's first */
	f->unrecorded = true;
	return true;
}

/* No step's code runs before what came before it is recorded. */
static bool
is_recorded(struct hq_flow *f)
{
	const struct hq_checkpoints *c = f->in->checkpoints;

	if (f->unrecorded && !c->wait(c->ctx))
		f->given_up = f->suspended = true;
	f->unrecorded = false;
	return !f->given_up;
}

static enum hq_rc
run(struct hq_flow *f, struct hq_met *m, const struct hq_todo *t)
{
	const struct hq_env *env = f->in->runtime.env;
	int64_t start_ms = env == NULL ? 0 : hq_now_ms(env);
	int64_t start_mono = env == NULL ? 0 : hq_mono_ms(env);
	struct json_object *o, *out = NULL;
	struct hq_err err = { 0 };
	enum hq_rc rc;

	f->key = hq_arena_printf(f->in->arena, "%s/%s", f->in->runtime.run_id,
	    m->hash);
	if (f->key == NULL)
		f->key = ""; /* the arena is full: the outcome is discarded */
	rc = t->fn(f, m->has_input ? m->value : t->in, &out, &err);
	f->key = NULL;
	if (rc == HQ_OK && send(f, m, out))
		return HQ_OK;

	f->suspended = true;
	o = op_new(m, "StepRun", t->name == NULL ? m->id : t->name);
	hq_json_put(o, "opts",
	    t->opts == NULL ? hq_json_new_object() : json_object_get(t->opts));
	hq_json_push(f->ops, o);
	f->no_retry = rc != HQ_OK && !may_retry(f, t, &err);
	if (rc == HQ_OK) /* what a step gave is shared, not copied */
		hq_json_put(o, "data", json_object_get(out));
	else
		put_outcome(o, !f->no_retry, rc, &err);
	if (env != NULL)
		put_timing(o, start_ms, hq_mono_ms(env) - start_mono);
	return HQ_SUSPEND;
}

enum hq_rc
hq_flow_advance(struct hq_flow *f, struct hq_met *m, const struct hq_todo *t)
{
	HQ_ASSERT(m->state == HQ_MET_NEW);
	if (hq_flow_is_target(f, m) ||
	    (f->in->target == NULL && !f->in->plan_only && !t->plan))
		return is_recorded(f) ? run(f, m, t) : HQ_SUSPEND;
	return hq_flow_report(f, m, "StepPlanned",
	    t->name == NULL ? m->id : t->name,
	    t->opts == NULL ? NULL : json_object_get(t->opts));
}

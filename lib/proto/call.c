#include <stdio.h>
#include <string.h>

#include "proto/contract.h"

/*
 * An INTERNAL_SERVER_ERROR with data is a failed output check: data are the
 * issues, which only the log may see, and the text is fit for the client.
 */
static bool
is_output_failure(const struct hq_err *err)
{
	return err->code == HQ_E_INTERNAL_SERVER_ERROR && err->data != NULL;
}

static const struct hq_error_def *
find_error(const struct hq_proc *p, const char *code)
{
	const struct hq_error_def *e;

	if (p == NULL || p->errors == NULL)
		return NULL;
	for (e = p->errors; e->code != NULL; e++)
		if (strcmp(e->code, code) == 0)
			return e;
	return NULL;
}

/* What the contract knows and the handler does not. */
static void
complete(const struct hq_proc *p, struct hq_err *err)
{
	const struct hq_error_def *e = find_error(p, err->name);
	char why[HQ_ERR_MSG_BYTES];

	if (e == NULL) {
		(void)snprintf(why, sizeof(why),
		    "%s gave %s, which its contract does not declare", p->name,
		    err->name);
		HQ_BUG(why);
	}
	err->status = e->status;
	if (err->msg[0] == '\0')
		(void)snprintf(err->msg, sizeof(err->msg), "%s", e->message);
}

static enum hq_rc
check_in(const struct hq_proc *p, struct hq_arena *a, struct json_object *in,
    struct hq_err *err)
{
	struct json_object *issues, *data;

	HQ_TRY(hq_schema_check(p->input, in, a, &issues, err));
	if (issues == NULL)
		return HQ_OK;
	data = hq_json_new_object();
	HQ_TRY(hq_json_own(a, data, err));
	hq_json_put(data, "issues", json_object_get(issues));
	hq_fail(err, HQ_E_BAD_REQUEST, HQ_WHERE, "Input validation failed");
	err->data = data;
	return HQ_E_BAD_REQUEST;
}

static enum hq_rc
check_out(const struct hq_proc *p, struct hq_arena *a, struct json_object *out,
    struct hq_err *err)
{
	struct json_object *issues;

	HQ_TRY(hq_schema_check(p->output, out, a, &issues, err));
	if (issues == NULL)
		return HQ_OK;
	hq_fail(err, HQ_E_INTERNAL_SERVER_ERROR, HQ_WHERE,
	    "Output validation failed");
	err->data = issues;
	return HQ_E_INTERNAL_SERVER_ERROR;
}

static enum hq_rc
call(const struct hq_proc *p, struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out = NULL;
	enum hq_rc rc;

	HQ_TRY(check_in(p, c->arena, in, err));
	if (c->deadline_ms != 0 && hq_mono_ms(c->env) > c->deadline_ms)
		return HQ_FAIL(err, TIMEOUT,
		    "the request's time was over before %s began", p->name);
	rc = p->handle(c, in, &out, err);
	HQ_ASSERT(rc != HQ_SUSPEND || (!c->last && c->park_ms > 0));
	if (rc == HQ_E_DECLARED)
		complete(p, err);
	if (rc != HQ_OK)
		return rc;
	if (!hq_arena_ok(c->arena))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "%s needs more memory than a request may have", p->name);
	HQ_TRY(check_out(p, c->arena, out, err));
	*ret_out = out;
	return HQ_OK;
}

static void
tally(const struct hq_proc *p, const struct hq_boundary *c, int status)
{
	enum hq_call_end end = status >= 500 ? HQ_CALL_BROKE
	    : status > 0                     ? HQ_CALL_REFUSED
					     : HQ_CALL_DONE;

	hq_figure_add(&c->calls[p->number * HQ_CALL__MAX + end], 1);
}

enum hq_rc
hq_proc_call(const struct hq_proc *p, struct hq_boundary *c,
    struct json_object *in, struct json_object **ret_out, struct hq_err *err)
{
	enum hq_rc rc = call(p, c, in, ret_out, err);

	if (c->calls != NULL && rc != HQ_SUSPEND)
		tally(p, c, rc == HQ_OK ? 0 : err->status);
	if (rc != HQ_OK && rc != HQ_SUSPEND && err->status >= 500) {
		c->why = hq_arena_printf(c->arena, "%s", err->msg);
		c->where = err->where;
	}
	return rc;
}

/* oRPC's rule: declared so, with this status, and data of the schema. */
static bool
is_defined(const struct hq_proc *p, const struct hq_err *err,
    struct hq_arena *a)
{
	const struct hq_error_def *e = find_error(p, err->name);
	struct json_object *data = err->data, *issues, *none = NULL;
	bool ok;

	if (e == NULL || !e->defined || e->status != err->status)
		return false;
	if (e->data == NULL)
		return true;
	if (data == NULL)
		data = none = hq_js_undefined();
	ok = hq_schema_check(e->data, data, a, &issues, NULL) == HQ_OK &&
	    issues == NULL;
	json_object_put(none);
	return ok;
}

static const char *
message_of(const struct hq_err *err)
{
	bool ours = err->code == HQ_E_DECLARED || is_output_failure(err);

	if (err->code == HQ_E_INTERNAL_SERVER_ERROR && !ours)
		return "Internal server error";
	if ((err->status >= 500 && !ours) || err->msg[0] == '\0')
		return hq_rc_text(err->code);
	return err->msg;
}

struct json_object *
hq_orpc_error(const struct hq_proc *p, const struct hq_err *err,
    struct hq_arena *a)
{
	struct json_object *o = hq_json_new_object();
	bool show = err->code == HQ_E_DECLARED || err->status < 500;

	hq_json_put_bool(o, "defined", show && is_defined(p, err, a));
	hq_json_put_str(o, "code", err->name);
	hq_json_put_i64(o, "status", err->status);
	hq_json_put_str(o, "message", message_of(err));
	if (show && err->data != NULL)
		hq_json_put(o, "data", json_object_get(err->data));
	return hq_json_own(a, o, NULL) == HQ_OK ? o : NULL;
}

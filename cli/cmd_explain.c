/* rawr explain: every code that anything here can answer with. */
#include <string.h>

#include "cli.h"
#include "command/operator.h"

/* Codes of codes.def, of the contracts, and of this program. */
static const struct hq_explained explained[] = {
	{ "BAD_REQUEST",
	    "what was sent is not what the contract or the "
	    "command takes",
	    "read the message: it names the member; do not retry as it is" },
	{ "UNAUTHORIZED", "no credential, or an unknown one",
	    "send Authorization: Bearer with a token of the right list" },
	{ "FORBIDDEN", "a valid credential of a kind that may not do this",
	    "use a token of the right kind (docs/security.md)" },
	{ "NOT_FOUND", "there is nothing of that name",
	    "look at the list: rawr workflow list, rawr runs list" },
	{ "METHOD_NOT_SUPPORTED", "the path knows other methods",
	    "look at openapi.json" },
	{ "NOT_ACCEPTABLE", "no answer in a form that was asked for",
	    "accept application/json" },
	{ "TIMEOUT", "the client took too long to send", "send it again" },
	{ "CONFLICT", "what is there already stands against it",
	    "read the message; decide; do not retry blindly" },
	{ "PRECONDITION_FAILED", "something changed in between",
	    "read it again, then decide" },
	{ "PAYLOAD_TOO_LARGE", "over a limit of size",
	    "send less, or raise the limit that the message names" },
	{ "UNSUPPORTED_MEDIA_TYPE", "a content type that is not read",
	    "send application/json" },
	{ "UNPROCESSABLE_CONTENT", "well formed, but not sensible",
	    "mend what the message names" },
	{ "TOO_MANY_REQUESTS", "asked too often", "wait, then retry" },
	{ "INTERNAL_SERVER_ERROR",
	    "a fault of ours, of the disk or of the "
	    "set-up",
	    "read the log line with the request's id; rawr doctor" },
	{ "NOT_IMPLEMENTED", "this build does not have it",
	    "rawr plugins list" },
	{ "BAD_GATEWAY", "a peer died or spoke nonsense before it answered",
	    "read the peer's log" },
	{ "SERVICE_UNAVAILABLE", "busy, full or not started",
	    "retry after a pause; rawr doctor says what is in the way" },
	{ "GATEWAY_TIMEOUT", "a peer did not answer in time",
	    "retry after a pause" },
	{ "DECLARED",
	    "stands in the code for what a contract declares; "
	    "never on the wire",
	    NULL },
	{ "INVALID_WORKFLOW_ID", "not the form of a workflow's id",
	    "1 to 128 of A-Z a-z 0-9 . _ -, first a letter or digit" },
	{ "WORKFLOW_NOT_FOUND", "no workflow of that id is saved",
	    "rawr workflow list" },
	{ "WORKFLOW_VALIDATION_FAILED", "the workflow breaks a rule",
	    "mend each of data.errors, then save again" },
	{ "INVALID_RUN_ID", "not the form of a run's id",
	    "1 to 128 of A-Z a-z 0-9 . _ -, first a letter or digit" },
	{ "RUN_NOT_FOUND", "there is no run of that id", "rawr runs list" },
	{ "RUN_QUEUE_FAILED",
	    "another workflow has the run id, or the saved "
	    "workflow cannot run",
	    "read data.run.error; choose another run id or save it again" },
	{ "RUN_ALREADY_ENDED", "there is nothing left to cancel", NULL },
	{ "RUN_NOT_ENDED", "it still runs", "wait for its end, or cancel it" },
	{ "RUN_FAILED", "the run that was followed ended as failed",
	    "rawr workflow timeline RUN says which desk and why" },
	{ "DESK_NOT_FOUND", "the workflow has no desk of that id",
	    "rawr workflow show ID" },
	{ "TASK_NOT_FOUND", "there is no task of that id", "rawr tasks list" },
	{ "TASK_LEASE_LOST",
	    "the task is not yours any more: the lease ran "
	    "out or somebody ended it",
	    "throw the work away and claim again" },
	{ "TASK_NOT_HUMAN", "the task is for an agent, not for a person",
	    "claim it, then complete it" },
	{ "TASK_OUTPUT_INVALID",
	    "the output does not fit the desk's "
	    "outputSchema",
	    "mend what data names and send it again" },
	{ 0 },
};

const struct hq_explained *
hq_cli_explained(const char *code)
{
	const struct hq_explained *x;

	for (x = explained; x->code != NULL; x++)
		if (strcmp(x->code, code) == 0)
			return x;
	return NULL;
}

/* The status that codes.def gives a code; 0 if it is none of its. */
static int
own_status(const char *code)
{
	enum hq_rc rc;

	for (rc = HQ_E_BAD_REQUEST; rc < HQ_RC__MAX; rc++)
		if (strcmp(hq_rc_name(rc), code) == 0)
			return hq_rc_status(rc);
	return 0;
}

/* The procedures that declare a code; *status is what they give it. */
static struct json_object *
declared_by(const struct hq_procs *procs, const char *code, int *status,
    const char **text)
{
	struct json_object *names = hq_json_new_array();
	const struct hq_error_def *e;
	size_t i;

	for (i = 0; i < procs->n; i++)
		for (e = procs->v[i].errors; e != NULL && e->code != NULL;
		     e++) {
			if (strcmp(e->code, code) != 0)
				continue;
			*status = e->status;
			*text = e->message;
			hq_json_push(names,
			    hq_json_new_string(procs->v[i].name));
		}
	return names;
}

static struct json_object *
explanation(struct hq_cli *c, const struct hq_procs *procs, const char *code)
{
	const struct hq_explained *x = hq_cli_explained(code);
	struct json_object *o = hq_cli_object(c);
	struct hq_err as = { .status = own_status(code) };
	const char *text = x == NULL ? NULL : x->meaning;
	struct json_object *names = declared_by(procs, code, &as.status, &text);
	enum hq_cli_exit status;

	if (x != NULL)
		text = x->meaning;
	status = hq_cli_exit_of(c, HQ_E_DECLARED, &as);
	hq_json_put_str(o, "code", code);
	hq_json_put_i64(o, "status", as.status);
	hq_json_put_str(o, "meaning", text);
	hq_json_put_bool(o, "retryable",
	    status == HQ_EXIT_TRANSIENT || status == HQ_EXIT_LIMITED);
	hq_json_put_i64(o, "exit", (int64_t)status);
	hq_json_put_str(o, "fix", x == NULL ? NULL : x->fix);
	hq_json_put(o, "procedures", names);
	return o;
}

static enum hq_rc
run_explain(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_procs procs;
	struct json_object *o;

	HQ_TRY(hq_cli_procs(c, &procs, err));
	o = explanation(c, &procs, c->argv[0]);
	if (hq_json_str(o, "meaning") == NULL)
		return HQ_FAIL(err, NOT_FOUND, "no code %s; see rawr codes",
		    c->argv[0]);
	*ret = o;
	return HQ_OK;
}

static void
print_explain(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)printf("%s (HTTP %lld, exit %lld, %s)\n  %s\n",
	    hq_json_str(r, "code"), (long long)hq_json_i64(r, "status", 0),
	    (long long)hq_json_i64(r, "exit", 0),
	    hq_json_bool(r, "retryable", false) ? "retry" : "do not retry",
	    hq_json_str(r, "meaning"));
	if (hq_json_str(r, "fix") != NULL)
		(void)printf("  -> %s\n", hq_json_str(r, "fix"));
}

/* --------------------------------------------------------------- all of them -- */

static void
add_code(struct hq_cli *c, const struct hq_procs *procs,
    struct json_object *rows, struct json_object *seen, const char *code)
{
	if (hq_json_bool(seen, code, false))
		return;
	hq_json_put_bool(seen, code, true);
	hq_json_push(rows, json_object_get(explanation(c, procs, code)));
}

static enum hq_rc
run_codes(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = hq_json_new_array();
	struct json_object *seen = hq_cli_object(c);
	const struct hq_explained *x;
	const struct hq_error_def *e;
	struct hq_procs procs;
	size_t i;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "codes", rows);
	HQ_TRY(hq_cli_procs(c, &procs, err));
	for (x = explained; x->code != NULL; x++)
		if (x->fix != NULL || own_status(x->code) == 0)
			add_code(c, &procs, rows, seen, x->code);
	for (i = 0; i < procs.n; i++)
		for (e = procs.v[i].errors; e != NULL && e->code != NULL; e++)
			add_code(c, &procs, rows, seen, e->code);
	return HQ_OK;
}

static void
print_codes(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "codes");
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++)
		print_explain(c, json_object_array_get_idx(rows, i));
}

const struct hq_command hq_commands_explain[] = {
	{ NULL, "explain", "CODE", 1, 1, "what an error's code means",
	    run_explain, print_explain, HQ_CMD_BARE, NULL },
	{ NULL, "codes", "", 0, 0, "every code, explained", run_codes,
	    print_codes, HQ_CMD_BARE, NULL },
	{ 0 },
};

/* rawr workflow: save and look at workflows, run them. */
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "command/operator.h"

/* A FILE holds the workflow, or {"workflow": ...} as the API takes it. */
static enum hq_rc
save(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *in = hq_cli_object(c), *doc, *inner;

	HQ_TRY(hq_cli_read_json(c, c->argv[0], &doc, err));
	inner = json_object_is_type(doc, json_type_object)
	    ? hq_json_get(doc, "workflow")
	    : NULL;
	if (inner != NULL)
		doc = inner;
	hq_json_put(in, "workflow", json_object_get(doc));
	return hq_operator_do(c, "coordination.saveWorkflow", in, ret, err);
}

static void
print_saved(const struct hq_cli *c, struct json_object *r)
{
	(void)printf("%s: %s\n",
	    hq_json_str(hq_json_get(r, "workflow"), "workflowId"),
	    c->dry_run ? "would be saved" : "saved");
}

static enum hq_rc
run_list(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_do(c, "coordination.listWorkflows", hq_cli_object(c),
	    ret, err);
}

static void
print_list(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "workflows"), *w;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		w = json_object_array_get_idx(rows, i);
		(void)printf("%-32s v%-4lld %s\n", hq_json_str(w, "workflowId"),
		    (long long)hq_json_i64(w, "version", 0),
		    hq_json_str(w, "name"));
	}
}

static enum hq_rc
run_show(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.getWorkflow", "workflowId", ret,
	    err);
}

/* ----------------------------------------------------------------- validate -- */

static enum hq_rc
validate_stored(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *v;

	HQ_TRY(hq_operator_ask(c, "coordination.validateWorkflow", "workflowId",
	    ret, err));
	v = hq_json_get(*ret, "validation");
	if (hq_json_bool(v, "ok", false))
		return HQ_OK;
	(void)HQ_FAIL(err, BAD_REQUEST, "Workflow validation failed");
	if (err != NULL) {
		err->name = "WORKFLOW_VALIDATION_FAILED";
		err->data = v;
	}
	return HQ_E_BAD_REQUEST;
}

/* A file is checked as a save that is not kept. */
static enum hq_rc
validate_file(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *saved, *validation;

	c->dry_run = true;
	HQ_TRY(save(c, &saved, err));
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "workflowId",
	    hq_json_str(hq_json_get(saved, "workflow"), "workflowId"));
	validation = hq_json_new_object();
	hq_json_put_bool(validation, "ok", true);
	hq_json_put(validation, "errors", hq_json_new_array());
	hq_json_put(*ret, "validation", validation);
	return HQ_OK;
}

static enum hq_rc
run_validate(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct stat st;

	if (strcmp(c->argv[0], "-") == 0 || strchr(c->argv[0], '/') != NULL ||
	    stat(c->argv[0], &st) == 0)
		return validate_file(c, ret, err);
	return validate_stored(c, ret, err);
}

static void
print_valid(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)printf("%s: valid\n", hq_json_str(r, "workflowId"));
}

/* ---------------------------------------------------------------------- runs -- */

static enum hq_rc
run_run(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.queueRun", "workflowId", ret,
	    err);
}

static void
print_run(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *run = hq_json_get(r, "run");

	(void)printf("%s: %s%s\n", hq_json_str(run, "runId"),
	    c->dry_run ? "would be " : "", hq_json_str(run, "status"));
	if (hq_json_str(run, "error") != NULL)
		(void)printf("  %s\n", hq_json_str(run, "error"));
}

static enum hq_rc
run_status(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.getRunStatus", "runId", ret,
	    err);
}

static enum hq_rc
run_timeline(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.getRunTimeline", "runId", ret,
	    err);
}

static void
print_timeline(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "timeline");
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++)
		hq_cli_print_event(json_object_array_get_idx(rows, i), stdout);
}

static enum hq_rc
run_cancel(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.cancelRun", "runId", ret, err);
}

static const struct hq_option run_options[] = {
	{ "--input", "JSON", "the run's input; @FILE reads one", "input",
	    HQ_OPT_JSON },
	{ "--run-id", "ID", "its id: a repeat starts nothing", "runId",
	    HQ_OPT_TEXT },
	{ 0 },
};
static const struct hq_option cancel_options[] = {
	{ "--reason", "TEXT", "why; stands in the timeline", "reason",
	    HQ_OPT_TEXT },
	{ 0 },
};

const struct hq_command hq_commands_workflow[] = {
	{ "workflow", "create", "FILE", 1, 1, "save a workflow; - is stdin",
	    save, print_saved, HQ_CMD_MUTATES, NULL },
	{ "workflow", "list", "", 0, 0, "the saved workflows", run_list,
	    print_list, 0, NULL },
	{ "workflow", "show", "ID", 1, 1, "one workflow as saved", run_show,
	    hq_cli_print_json, 0, NULL },
	{ "workflow", "validate", "ID|FILE", 1, 1,
	    "check a saved workflow, or a file as if it were saved",
	    run_validate, print_valid, 0, NULL },
	{ "workflow", "run", "ID", 1, 1, "queue a run", run_run, print_run,
	    HQ_CMD_MUTATES, run_options },
	{ "workflow", "status", "RUN", 1, 1, "how a run stands", run_status,
	    print_run, 0, NULL },
	{ "workflow", "timeline", "RUN", 1, 1, "what happened to a run",
	    run_timeline, print_timeline, 0, NULL },
	{ "workflow", "cancel", "RUN", 1, 1, "end a run as failed", run_cancel,
	    print_run, HQ_CMD_MUTATES, cancel_options },
	{ 0 },
};

/* rawr tasks: work of desks that somebody at a console does. */
#include <string.h>

#include "cli.h"
#include "command/operator.h"

enum {
	CLAIM_WAIT_S_MAX = 3600,
	CLAIM_AGAIN_MS = 1000, /* a lease that runs out changes no store */
};

static enum hq_rc
run_list(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.listTasks", NULL, ret, err);
}

static void
print_list(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "tasks"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%-36s %-10s %-20s %s/%s\n",
		    hq_json_str(o, "taskId"), hq_json_str(o, "state"),
		    hq_json_str(o, "kind"), hq_json_str(o, "runId"),
		    hq_json_str(o, "deskId"));
	}
	if (hq_json_str(r, "nextCursor") != NULL)
		(void)printf("more: --cursor %s\n",
		    hq_json_str(r, "nextCursor"));
}

/*
 * The procedure's own wait is for callers over HTTP: here the console waits,
 * and asks when the store has changed.
 */
static enum hq_rc
claim(struct hq_operator *o, struct json_object *in, int64_t wait_s,
    struct json_object **ret, struct hq_err *err)
{
	const struct hq_env *env = o->boundary.env;
	int64_t end_ms = hq_mono_ms(env) + wait_s * 1000, left_ms, version;
	bool changed;

	HQ_TRY(hq_db_data_version(o->boundary.db, &version, err));
	for (;;) {
		HQ_TRY(hq_operator_call(o, "coordination.claimTask", in, ret,
		    err));
		if (hq_json_get(*ret, "task") != NULL)
			return HQ_OK;
		left_ms = end_ms - hq_mono_ms(env);
		if (left_ms <= 0)
			return HQ_OK;
		HQ_TRY(hq_cli_wait_change(o->boundary.db, &version,
		    left_ms < CLAIM_AGAIN_MS ? left_ms : CLAIM_AGAIN_MS,
		    &changed, err));
	}
}

static enum hq_rc
run_claim(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_operator o;
	struct json_object *in;
	int64_t wait_s = 0;
	enum hq_rc rc;

	HQ_TRY(hq_cli_input(c, "agentId", &in, err));
	HQ_TRY(hq_cli_opt_i64(c, "--wait", 0, CLAIM_WAIT_S_MAX, &wait_s, err));
	HQ_TRY(hq_operator_open(c, &o, err));
	rc = claim(&o, in, c->dry_run ? 0 : wait_s, ret, err);
	hq_operator_close(&o);
	return rc;
}

static void
print_claim(const struct hq_cli *c, struct json_object *r)
{
	if (hq_json_get(r, "task") == NULL)
		(void)printf("no task\n");
	else
		hq_cli_print_json(c, r);
}

static enum hq_rc
run_show(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.getTask", "taskId", ret, err);
}

static enum hq_rc
run_heartbeat(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.heartbeatTask", "taskId", ret,
	    err);
}

static enum hq_rc
run_complete(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.completeTask", "taskId", ret,
	    err);
}

static enum hq_rc
run_fail(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.failTask", "taskId", ret, err);
}

/* Who answers is the operator, unless another name is given. */
static enum hq_rc
run_answer(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *in;

	HQ_TRY(hq_cli_input(c, "taskId", &in, err));
	if (hq_json_str(in, "by") == NULL)
		hq_json_put_str(in, "by", "operator");
	return hq_operator_do(c, "coordination.answerTask", in, ret, err);
}

static void
print_done(const struct hq_cli *c, struct json_object *r)
{
	(void)r;
	(void)printf("%s: %s%s\n", c->argv[0], c->dry_run ? "would be " : "",
	    c->command->name);
}

static const struct hq_option list_options[] = {
	{ "--workflow", "ID", "only of this workflow", "workflowId",
	    HQ_OPT_TEXT },
	{ "--run", "RUN", "only of this run", "runId", HQ_OPT_TEXT },
	{ "--desk", "DESK", "only of this desk", "deskId", HQ_OPT_TEXT },
	{ "--kind", "KIND", "only of this kind", "kind", HQ_OPT_TEXT },
	{ "--state", "STATE", "open, claimed, completed, failed or closed",
	    "state", HQ_OPT_TEXT },
	{ "--limit", "N", "rows of one page", "limit", HQ_OPT_WHOLE },
	{ "--cursor", "CURSOR", "where the page before ended", "cursor",
	    HQ_OPT_TEXT },
	{ 0 },
};
static const struct hq_option claim_options[] = {
	{ "--workflow", "ID", "only of this workflow", "workflowId",
	    HQ_OPT_TEXT },
	{ "--desk", "DESK", "only of this desk", "deskId", HQ_OPT_TEXT },
	{ "--kind", "KIND", "only of this kind", "kind", HQ_OPT_TEXT },
	{ "--lease", "SECONDS", "how long it is yours without a heartbeat",
	    "leaseSeconds", HQ_OPT_WHOLE },
	{ "--wait", "SECONDS", "how long to wait for one; default 0", NULL, 0 },
	{ 0 },
};
static const struct hq_option heartbeat_options[] = {
	{ "--token", "N", "the claim's fencing token", "token", HQ_OPT_WHOLE },
	{ "--lease", "SECONDS", "from now", "leaseSeconds", HQ_OPT_WHOLE },
	{ 0 },
};
static const struct hq_option complete_options[] = {
	{ "--token", "N", "the claim's fencing token", "token", HQ_OPT_WHOLE },
	{ "--output", "JSON", "what the desk gives; @FILE reads one", "output",
	    HQ_OPT_JSON },
	{ "--memory", "JSON", "what the desk is to remember", "memory",
	    HQ_OPT_JSON },
	{ 0 },
};
static const struct hq_option fail_options[] = {
	{ "--token", "N", "the claim's fencing token", "token", HQ_OPT_WHOLE },
	{ "--error", "TEXT", "why", "error", HQ_OPT_TEXT },
	{ "--final", NULL, "do not offer the work again", "retryable",
	    HQ_OPT_FALSE },
	{ 0 },
};
static const struct hq_option answer_options[] = {
	{ "--output", "JSON", "the answer; @FILE reads one", "output",
	    HQ_OPT_JSON },
	{ "--by", "NAME", "who answers; default operator", "by", HQ_OPT_TEXT },
	{ 0 },
};

const struct hq_command hq_commands_tasks[] = {
	{ "tasks", "list", "", 0, 0, "tasks and how they stand", run_list,
	    print_list, 0, list_options },
	{ "tasks", "show", "TASK", 1, 1, "one task", run_show,
	    hq_cli_print_json, 0, NULL },
	{ "tasks", "claim", "AGENT", 1, 1,
	    "take the next task under an agent's name", run_claim, print_claim,
	    HQ_CMD_MUTATES, claim_options },
	{ "tasks", "heartbeat", "TASK", 1, 1, "keep a claimed task",
	    run_heartbeat, hq_cli_print_json, HQ_CMD_MUTATES,
	    heartbeat_options },
	{ "tasks", "complete", "TASK", 1, 1, "give a claimed task's output",
	    run_complete, print_done, HQ_CMD_MUTATES, complete_options },
	{ "tasks", "fail", "TASK", 1, 1, "give a claimed task up", run_fail,
	    print_done, HQ_CMD_MUTATES, fail_options },
	{ "tasks", "answer", "TASK", 1, 1,
	    "answer a task that waits for a person", run_answer, print_done,
	    HQ_CMD_MUTATES, answer_options },
	{ 0 },
};

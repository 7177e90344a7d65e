/* rawr runs: what ran, what runs, why it waits. */
#include <string.h>

#include "cli.h"
#include "command/operator.h"

enum { FOLLOW_ARENA_BYTES = 64 << 20 };

void
hq_cli_print_event(struct json_object *e, FILE *to)
{
	const char *desk = hq_json_str(e, "deskId");
	const char *detail = hq_json_str(e, "detail");

	(void)fprintf(to, "%s  %-16s %-10s%s%s%s%s\n", hq_json_str(e, "ts"),
	    hq_json_str(e, "type"), hq_json_str(e, "status"),
	    desk == NULL ? "" : " ", desk == NULL ? "" : desk,
	    detail == NULL ? "" : "  ", detail == NULL ? "" : detail);
}

static enum hq_rc
run_list(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.listRuns", NULL, ret, err);
}

static void
print_list(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "runs"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%-36s %-10s %s  %s\n", hq_json_str(o, "runId"),
		    hq_json_str(o, "status"), hq_json_str(o, "startedAt"),
		    hq_json_str(o, "workflowId"));
	}
	if (hq_json_str(r, "nextCursor") != NULL)
		(void)printf("more: --cursor %s\n",
		    hq_json_str(r, "nextCursor"));
}

static enum hq_rc
run_show(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.getRunStatus", "runId", ret,
	    err);
}

static enum hq_rc
run_why(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.explainRun", "runId", ret, err);
}

static enum hq_rc
run_retry(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.retryRun", "runId", ret, err);
}

static enum hq_rc
run_rerun(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return hq_operator_ask(c, "coordination.rerunRun", "runId", ret, err);
}

static void
print_run(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *run = hq_json_get(r, "run");

	(void)printf("%s: %s%s\n", hq_json_str(run, "runId"),
	    c->dry_run ? "would be " : "", hq_json_str(run, "status"));
}

/* ------------------------------------------------------------------- follow -- */

struct follow {
	struct hq_cli *c;
	struct hq_operator o;
	struct json_object *in;
	struct json_object *seen; /* {eventId: true} */
	struct json_object *run;  /* as last read; in the boundary's arena */
	struct json_object *events;
	bool ended;
};

static void
tell_new(struct follow *f)
{
	struct json_object *e;
	const char *id;
	size_t i;

	for (i = 0; i < json_object_array_length(f->events); i++) {
		e = json_object_array_get_idx(f->events, i);
		id = hq_json_str(e, "eventId");
		if (hq_json_bool(f->seen, id, false))
			continue;
		hq_json_put_bool(f->seen, id, true);
		hq_cli_print_event(e, f->c->json ? stderr : stdout);
	}
	(void)fflush(stdout);
}

/* The status first: what ended it stands in the timeline read after it. */
static enum hq_rc
look(struct follow *f, struct hq_err *err)
{
	struct json_object *out;
	const char *status;

	HQ_TRY(hq_operator_call(&f->o, "coordination.getRunStatus", f->in, &out,
	    err));
	f->run = hq_json_get(out, "run");
	status = hq_json_str(f->run, "status");
	f->ended =
	    strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
	HQ_TRY(hq_operator_call(&f->o, "coordination.getRunTimeline", f->in,
	    &out, err));
	f->events = hq_json_get(out, "timeline");
	tell_new(f);
	return HQ_OK;
}

static enum hq_rc
follow(struct follow *f, struct hq_err *err)
{
	struct hq_boundary *b = &f->o.boundary;
	int64_t version;
	bool changed;

	HQ_TRY(hq_db_data_version(b->db, &version, err));
	HQ_TRY(look(f, err));
	while (!f->ended) {
		HQ_TRY(hq_cli_wait_change(b->db, &version, INT64_MAX, &changed,
		    err));
		hq_arena_reset(b->arena);
		HQ_TRY(look(f, err));
	}
	return HQ_OK;
}

/* The document: what the last look gave, in whose arena it stays. */
static enum hq_rc
followed(struct follow *f, struct json_object **ret, struct hq_err *err)
{
	struct json_object *out = hq_cli_object(f->c);
	struct json_object *data;

	hq_json_put(out, "run", json_object_get(f->run));
	hq_json_put(out, "timeline", json_object_get(f->events));
	*ret = out;
	if (strcmp(hq_json_str(f->run, "status"), "failed") != 0)
		return HQ_OK;
	data = hq_cli_object(f->c);
	hq_json_put(data, "run", json_object_get(f->run));
	return HQ_FAIL_DECLARED(err, "RUN_FAILED", data, "run %s failed: %s",
	    hq_json_str(f->run, "runId"), hq_json_str(f->run, "error"));
}

static void
free_arena(void *p)
{
	hq_arena_free(p);
}

static enum hq_rc
run_follow(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_arena *each = hq_arena_new(FOLLOW_ARENA_BYTES);
	struct follow f = { .c = c, .seen = hq_cli_object(c) };
	enum hq_rc rc;

	HQ_TRY(hq_arena_defer(c->arena, free_arena, each, err));
	HQ_TRY(hq_cli_input(c, "runId", &f.in, err));
	HQ_TRY(hq_operator_open(c, &f.o, err));
	f.o.boundary.arena = each;
	rc = follow(&f, err);
	if (rc == HQ_OK)
		rc = followed(&f, ret, err);
	hq_operator_close(&f.o);
	return rc;
}

static void
print_followed(const struct hq_cli *c, struct json_object *r)
{
	print_run(c, r);
}

static const struct hq_option list_options[] = {
	{ "--workflow", "ID", "only of this workflow", "workflowId",
	    HQ_OPT_TEXT },
	{ "--status", "STATUS", "queued, running, completed or failed",
	    "status", HQ_OPT_TEXT },
	{ "--since", "TIME", "started then or later; RFC 3339", "since",
	    HQ_OPT_TEXT },
	{ "--limit", "N", "rows of one page", "limit", HQ_OPT_WHOLE },
	{ "--cursor", "CURSOR", "where the page before ended", "cursor",
	    HQ_OPT_TEXT },
	{ 0 },
};
static const struct hq_option retry_options[] = {
	{ "--new-run-id", "ID", "the new run's id", "newRunId", HQ_OPT_TEXT },
	{ 0 },
};
static const struct hq_option rerun_options[] = {
	{ "--from", "DESK", "the first desk that works again", "fromDeskId",
	    HQ_OPT_TEXT },
	{ "--new-run-id", "ID", "the new run's id", "newRunId", HQ_OPT_TEXT },
	{ 0 },
};

const struct hq_command hq_commands_runs[] = {
	{ "runs", "list", "", 0, 0, "runs, newest first", run_list, print_list,
	    0, list_options },
	{ "runs", "show", "RUN", 1, 1, "one run", run_show, hq_cli_print_json,
	    0, NULL },
	{ "runs", "follow", "RUN", 1, 1,
	    "its timeline as it comes, until it ends", run_follow,
	    print_followed, 0, NULL },
	{ "runs", "why", "RUN", 1, 1, "what a run waits for", run_why,
	    hq_cli_print_json, 0, NULL },
	{ "runs", "retry", "RUN", 1, 1, "an ended run once more, as a new one",
	    run_retry, print_run, HQ_CMD_MUTATES, retry_options },
	{ "runs", "rerun", "RUN", 1, 1, "a new run from a desk of an ended one",
	    run_rerun, print_run, HQ_CMD_MUTATES, rerun_options },
	{ 0 },
};

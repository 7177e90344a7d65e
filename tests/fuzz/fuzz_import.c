/*
 * An installation that is taken over: a line each for the files of a workflow,
 * a run, its timeline and a desk's memory.  Whatever they hold, the import comes
 * to an end, a second one is refused the same files, and what was taken over can
 * be asked for.
 */
#include <fcntl.h>

#include "domain/coordination/import.h"
#include "domain/state/state.h"
#include "engine/event.h"
#include "fuzz_mutate.h"
#include "fuzz_store.h"

enum { INPUTS_PER_STORE = 200 };

static const char *const places[] = { "coordination", "coordination/workflows",
	"coordination/runs", "coordination/timelines", "coordination/memory",
	"coordination/memory/wf" };
static const char *const files[] = { "coordination/workflows/wf.json",
	"coordination/runs/run-1.json", "coordination/timelines/run-1.json",
	"coordination/memory/wf/a.json" };
enum {
	PLACES = sizeof(places) / sizeof(places[0]),
	FILES = sizeof(files) / sizeof(files[0]),
};

static const char *const *
fuzz_values(void)
{
	static const char *const v[] = { "\"wf\"", "\"run-1\"", "\"a\"",
		"\"b\"", "\"2026-01-01T00:00:00.000Z\"",
		"\"2026-02-30T25:00:00Z\"", "\"completed\"", "\"failed\"",
		"\"running\"", "\"queued\"", "\"run.started\"",
		"\"run.completed\"", "\"desk.started\"", "\"desk.completed\"",
		"\"desk:qa\"", "\"desk:observer\"", "\"desk:human-wait\"",
		"\"default\"", "\"\"", "\"../x\"", "{\"kind\":\"agent\"}",
		"{\"kind\":\"http\",\"url\":\"http://h/\"}",
		"{\"kind\":\"function\",\"functionId\":\"f\"}",
		"{\"handoffId\":\"h\",\"fromDeskId\":\"a\",\"toDeskId\":\"b\","
		"\"condition\":\"output.a == 1\"}",
		"{\"persist\":true,\"ttlSeconds\":5}",
		"{\"toDeskId\":\"a\",\"when\":\"true\",\"maxRounds\":2}",
		"{\"type\":\"object\",\"required\":[\"a\"]}", "{}", "[]",
		"null", "true", "false", "0", "1", "-1", "1e300",
		"9007199254740993", NULL };

	return v;
}

static struct hq_db *db;

static void
store_close(void)
{
	hq_db_close(db);
	db = NULL;
	fuzz_store_remove();
}

static void
fuzz_leave(void)
{
	size_t i;

	store_close();
	for (i = 0; i < FILES; i++)
		(void)unlink(fuzz_path(files[i]));
	for (i = PLACES; i > 0; i--)
		(void)rmdir(fuzz_path(places[i - 1]));
	(void)rmdir(fuzz_dir);
}

static void
open_for_input(void)
{
	static const struct hq_module *const modules[] = {
		&hq_coordination_store, &hq_state_store, &hq_engine_store, NULL
	};
	static size_t inputs;
	size_t i;

	if (inputs == 0)
		for (i = 0; i < PLACES; i++)
			HQ_ASSERT(mkdir(fuzz_path(places[i]), 0700) == 0);
	if (inputs++ % INPUTS_PER_STORE != 0)
		return;
	store_close();
	db = fuzz_store_open(modules);
}

/* An empty line is a file that is missing. */
static void
put_file(const char *name, const char *text)
{
	int fd;

	if (*text == '\0') {
		(void)unlink(fuzz_path(name));
		return;
	}
	fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	HQ_ASSERT(
	    fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
}

static void
on_report(void *arg, const char *path, const char *reason)
{
	(void)arg;
	HQ_ASSERT(*path != '\0' && *reason != '\0');
}

static void
import(struct hq_coord_counts *ret)
{
	const struct hq_coord_watch w = { .report = on_report };
	static char dir[FUZZ_PATH_BYTES];

	(void)snprintf(dir, sizeof(dir), "%s", fuzz_dir);
	*ret = (struct hq_coord_counts){ 0 };
	if (hq_coord_import(db, dir, &w, ret, &err) != HQ_OK)
		HQ_BUG(err.msg);
}

static void
ask(hq_handler *handle, const char *text)
{
	struct hq_boundary c;
	struct json_object *in, *out;
	enum hq_rc rc;

	(void)fuzz_procs();
	c = fuzz_boundary;
	c.db = db;
	c.env = hq_env_system();
	c.last = true;
	HQ_ASSERT(hq_json_parse(arena, text, strlen(text), &in, &err) == HQ_OK);
	rc = handle(&c, in, &out, &err);
	if (rc == HQ_E_INTERNAL_SERVER_ERROR)
		HQ_BUG(err.msg);
	if (rc == HQ_OK)
		HQ_ASSERT(hq_json_text(arena, out) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_coord_counts one, two;
	size_t i;

	fuzz_begin();
	open_for_input();
	for (i = 0; i < FILES; i++)
		put_file(files[i], fuzz_line(&r));
	import(&one);
	import(&two);
	HQ_ASSERT(one.refused == two.refused);
	ask(hq_coord_list_workflows, "{}");
	ask(hq_coord_list_runs, "{}");
	ask(hq_coord_get_workflow, "{\"workflowId\":\"wf\"}");
	ask(hq_coord_validate_workflow, "{\"workflowId\":\"wf\"}");
	ask(hq_coord_get_run_status, "{\"runId\":\"run-1\"}");
	ask(hq_coord_get_run_timeline, "{\"runId\":\"run-1\"}");
	ask(hq_coord_explain_run, "{\"runId\":\"run-1\"}");
	return 0;
}

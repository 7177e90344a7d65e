/* rawr import DIR: take over a reference installation. */
#include <sys/stat.h>

#include "domain/state/state.h"
#include "transfer.h"

void
hq_cli_report(void *arg, const char *path, const char *reason)
{
	struct hq_transfer *t = arg;
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "path", path);
	hq_json_put_str(o, "reason", reason);
	hq_json_push(t->rows, o);
}

void
hq_cli_step(void *arg, size_t done, size_t total)
{
	struct hq_transfer *t = arg;

	hq_progress_step(&t->progress, done, total);
}

void
hq_cli_put_counts(struct json_object *o, const struct hq_coord_counts *n)
{
	hq_json_put_i64(o, "workflows", (int64_t)n->workflows);
	hq_json_put_i64(o, "runs", (int64_t)n->runs);
	hq_json_put_i64(o, "events", (int64_t)n->events);
	hq_json_put_i64(o, "memories", (int64_t)n->memories);
	hq_json_put_i64(o, "kept", (int64_t)n->kept);
	hq_json_put_i64(o, "refused", (int64_t)n->refused);
}

/* The .rawr of an installation's root, or the directory itself. */
static const char *
installation(struct hq_cli *c)
{
	const char *inner = hq_arena_printf(c->arena, "%s/.rawr", c->argv[0]);
	struct stat st;

	if (inner != NULL && stat(inner, &st) == 0 && S_ISDIR(st.st_mode))
		return inner;
	return c->argv[0];
}

/* Half an export must not pass for the whole. */
static enum hq_rc
check_finished(struct hq_cli *c, const char *dir, struct hq_err *err)
{
	const char *path = hq_arena_printf(c->arena, "%s/" HQ_EXPORT_MARK, dir);
	struct json_object *mark;
	struct hq_err why = { 0 };
	enum hq_rc rc;

	if (path == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the path is too long");
	rc = hq_cli_read_json(c, path, &mark, &why);
	if (rc == HQ_E_INTERNAL_SERVER_ERROR)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s", why.msg);
	if (rc != HQ_OK || hq_json_bool(mark, "complete", true))
		return HQ_OK;
	return HQ_FAIL(err, CONFLICT,
	    "%s is an export that was not finished: run it again first", dir);
}

static bool
has_state(struct hq_cli *c, const char *dir)
{
	const char *path = hq_arena_printf(c->arena, "%s/state", dir);
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Either half may be missing, not both. */
static enum hq_rc
import(struct hq_cli *c, struct hq_db *db, struct hq_transfer *t,
    struct hq_coord_counts *counts, bool *ret_state, struct hq_err *err)
{
	const struct hq_coord_watch w = { hq_cli_report, hq_cli_step, t };
	const char *dir = installation(c);
	enum hq_rc rc;

	HQ_TRY(check_finished(c, dir, err));
	rc = hq_coord_import(db, dir, &w, counts, err);
	if (rc != HQ_OK && rc != HQ_E_NOT_FOUND)
		return rc;
	HQ_TRY(hq_state_import(db, dir, hq_cli_report, t, ret_state, err));
	if (rc == HQ_E_NOT_FOUND && !has_state(c, dir))
		return HQ_FAIL(err, NOT_FOUND,
		    "%s holds neither coordination/ nor state/: name the "
		    "installation's root or its .rawr",
		    c->argv[0]);
	return HQ_OK;
}

static enum hq_rc
run_import(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_transfer t = { .rows = hq_json_new_array() };
	struct hq_coord_counts counts = { 0 };
	struct hq_db *db;
	bool state = false;
	enum hq_rc rc;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "unread", t.rows);
	HQ_TRY(hq_cli_open(c, true, &db, err));
	hq_progress_start(&t.progress, c, "import");
	rc = import(c, db, &t, &counts, &state, err);
	hq_progress_end(&t.progress);
	hq_db_close(db);
	hq_cli_put_counts(*ret, &counts);
	hq_json_put_bool(*ret, "state", state);
	c->failed = counts.missed > 0;
	return rc;
}

static void
print_import(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "unread"), *o;
	size_t i;

	if (c->dry_run)
		(void)printf("would be taken over: ");
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)fprintf(stderr, "not taken over: %s: %s\n",
		    hq_json_str(o, "path"), hq_json_str(o, "reason"));
	}
	(void)printf("%lld workflows, %lld runs, %lld timeline events, "
		     "%lld memories%s; %lld kept as they were, %lld refused\n",
	    (long long)hq_json_i64(r, "workflows", 0),
	    (long long)hq_json_i64(r, "runs", 0),
	    (long long)hq_json_i64(r, "events", 0),
	    (long long)hq_json_i64(r, "memories", 0),
	    hq_json_bool(r, "state", false) ? ", the runtime state" : "",
	    (long long)hq_json_i64(r, "kept", 0),
	    (long long)hq_json_i64(r, "refused", 0));
}

const struct hq_command hq_commands_import[] = {
	{ NULL, "import", "DIR", 1, 1,
	    "take over the .rawr of a reference installation", run_import,
	    print_import, HQ_CMD_MUTATES | HQ_CMD_LONG, NULL },
	{ 0 },
};

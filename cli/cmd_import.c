/* rawr import DIR: take over a reference installation. */
#include <stdio.h>
#include <sys/stat.h>

#include "cli.h"
#include "domain/coordination/import.h"
#include "domain/state/state.h"

static void
report(void *arg, const char *path, const char *reason)
{
	struct json_object *rows = arg, *o = json_object_new_object();

	hq_json_put_str(o, "path", path);
	hq_json_put_str(o, "reason", reason);
	hq_json_push(rows, o);
}

static void
put_counts(struct json_object *o, const struct hq_coord_counts *n)
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

/* Either half may be missing, not both. */
static enum hq_rc
import(struct hq_cli *c, struct hq_db *db, struct json_object *rows,
    struct hq_coord_counts *counts, bool *ret_state, struct hq_err *err)
{
	const char *dir = installation(c);
	enum hq_rc rc;

	rc = hq_coord_import(db, dir, report, rows, counts, err);
	if (rc != HQ_OK && rc != HQ_E_NOT_FOUND)
		return rc;
	HQ_TRY(hq_state_import(db, dir, report, rows, ret_state, err));
	if (rc == HQ_E_NOT_FOUND && !*ret_state)
		return HQ_FAIL(err, NOT_FOUND,
		    "%s holds neither coordination/ nor state/: name the "
		    "installation's root or its .rawr",
		    c->argv[0]);
	return HQ_OK;
}

static enum hq_rc
run_import(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = json_object_new_array();
	struct hq_coord_counts counts = { 0 };
	struct hq_db *db;
	bool state = false;
	enum hq_rc rc;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "unread", rows);
	HQ_TRY(hq_cli_open(c, true, &db, err));
	rc = import(c, db, rows, &counts, &state, err);
	hq_db_close(db);
	put_counts(*ret, &counts);
	hq_json_put_bool(*ret, "state", state);
	return rc;
}

static void
print_import(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "unread"), *o;
	size_t i;

	(void)c;
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
	    print_import },
	{ 0 },
};

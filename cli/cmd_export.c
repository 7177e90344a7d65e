/* rawr export DIR: what rawr import reads. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/coordination/export.h"
#include "domain/state/state.h"
#include "hq/export.h"
#include "transfer.h"

#define FORMAT "rawr export"
enum { FORMAT_VERSION = 1 };

static enum hq_rc
write_mark(struct hq_cli *c, const char *store, bool complete,
    struct hq_err *err)
{
	struct json_object *o = hq_cli_object(c);
	const char *path =
	    hq_arena_printf(c->arena, "%s/" HQ_EXPORT_MARK, c->argv[0]);

	HQ_ASSERT(path != NULL);
	hq_json_put_str(o, "format", FORMAT);
	hq_json_put_i64(o, "version", FORMAT_VERSION);
	hq_json_put_str(o, "store", store);
	hq_json_put_bool(o, "complete", complete);
	HQ_TRY(hq_export_file(path, o, c->arena, err));
	return hq_export_sync(c->argv[0], err);
}

/* Holds nothing, but for what a killed export had just begun? */
static bool
is_empty(const char *dir)
{
	struct dirent *e;
	bool empty = true;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return false;
	while ((e = readdir(d)) != NULL) /* NOLINT(concurrency-mt-unsafe) */
		empty = empty &&
		    (strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0 ||
			hq_export_is_temporary(e->d_name));
	(void)closedir(d);
	return empty;
}

/* A directory is ours to write to if it is new, empty, or of this store. */
static enum hq_rc
check_dir(struct hq_cli *c, const char *store, struct hq_err *err)
{
	const char *dir = c->argv[0], *of;
	const char *path = hq_arena_printf(c->arena, "%s/" HQ_EXPORT_MARK, dir);
	struct json_object *mark = NULL;
	struct hq_err why = { 0 };
	struct stat st;

	if (stat(dir, &st) != 0 && errno == ENOENT)
		return HQ_OK;
	if (!S_ISDIR(st.st_mode))
		return HQ_FAIL(err, CONFLICT, "%s is not a directory", dir);
	if (is_empty(dir))
		return HQ_OK;
	if (hq_cli_read_json(c, path, &mark, &why) ==
	    HQ_E_INTERNAL_SERVER_ERROR)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s", why.msg);
	if (!json_object_is_type(mark, json_type_object) ||
	    hq_json_str(mark, "format") == NULL ||
	    strcmp(hq_json_str(mark, "format"), FORMAT) != 0)
		return HQ_FAIL(err, CONFLICT,
		    "%s is not empty and not an export of ours: name another",
		    dir);
	of = hq_json_str(mark, "store");
	if (of == NULL || strcmp(of, store) != 0)
		return HQ_FAIL(err, CONFLICT,
		    "%s is the export of another store: name another", dir);
	return HQ_OK;
}

static enum hq_rc
export_both(struct hq_cli *c, struct hq_db *db, struct hq_transfer *t,
    struct json_object *out, struct hq_err *err)
{
	const struct hq_coord_watch w = { hq_cli_report, hq_cli_step, t };
	struct hq_coord_counts counts = { 0 };
	bool state = false;
	enum hq_rc rc;

	rc = hq_coord_export(db, &c->config, c->argv[0], &w, &counts, err);
	hq_cli_put_counts(out, &counts);
	HQ_TRY(rc);
	if (!c->dry_run)
		HQ_TRY(hq_state_export(db, c->argv[0], &state, err));
	hq_json_put_bool(out, "state", state);
	return HQ_OK;
}

static enum hq_rc export(struct hq_cli *c, struct hq_db *db,
    struct json_object *out, struct hq_err *err) {
	struct hq_transfer t = { .rows = hq_json_new_array() };
	char *store = realpath(c->config.s[HQ_SET_RAWR_STORE], NULL);
	enum hq_rc rc;

	hq_json_put(out, "left_out", t.rows);
	HQ_ASSERT(store != NULL); /* it is open */
	rc = check_dir(c, store, err);
	if (rc == HQ_OK && !c->dry_run) rc = hq_export_dir(c->argv[0], err);
	if (rc == HQ_OK && !c->dry_run) rc = write_mark(c, store, false, err);
	hq_progress_start(&t.progress, c, "export");
	if (rc == HQ_OK) rc = export_both(c, db, &t, out, err);
	hq_progress_end(&t.progress);
	if (rc == HQ_OK && !c->dry_run) rc = write_mark(c, store, true, err);
	free(store);
	return rc;
}

static enum hq_rc
run_export(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "dir", c->argv[0]);
	HQ_TRY(hq_cli_open(c, false, &db, err));
	rc = export(c, db, *ret, err);
	hq_db_close(db);
	return rc;
}

static void
print_export(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "left_out"), *o;
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)fprintf(stderr, "left out: %s: %s\n",
		    hq_json_str(o, "path"), hq_json_str(o, "reason"));
	}
	(void)printf("%s: %s%lld workflows, %lld runs, %lld timeline events, "
		     "%lld memories%s\n",
	    hq_json_str(r, "dir"), c->dry_run ? "would hold " : "",
	    (long long)hq_json_i64(r, "workflows", 0),
	    (long long)hq_json_i64(r, "runs", 0),
	    (long long)hq_json_i64(r, "events", 0),
	    (long long)hq_json_i64(r, "memories", 0),
	    hq_json_bool(r, "state", false) ? ", the runtime state" : "");
}

const struct hq_command hq_commands_export[] = {
	{ NULL, "export", "DIR", 1, 1, "write what rawr import reads",
	    run_export, print_export, HQ_CMD_MUTATES | HQ_CMD_LONG, NULL },
	{ 0 },
};

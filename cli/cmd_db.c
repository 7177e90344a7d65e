/* rawr db: the store, instead of the sqlite3 shell. */
#include <stdlib.h>
#include <sys/stat.h>

#include "cli.h"
#include "store/admin.h"

static void
report_step(void *arg, const char *module, int64_t to)
{
	struct json_object *steps = arg, *o = hq_json_new_object();

	hq_json_put_str(o, "module", module);
	hq_json_put_i64(o, "version", to);
	hq_json_push(steps, o);
}

static enum hq_rc
run_migrate(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *steps = hq_json_new_array();

	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "store", c->config.s[HQ_SET_RAWR_STORE]);
	hq_json_put(*ret, "steps", steps);
	if (c->dry_run)
		return hq_db_pending(c->config.s[HQ_SET_RAWR_STORE], c->modules,
		    report_step, steps, err);
	return hq_db_migrate(c->config.s[HQ_SET_RAWR_STORE], c->modules,
	    report_step, steps, err);
}

static void
print_migrate(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *steps = hq_json_get(r, "steps"), *o;
	size_t i, n = json_object_array_length(steps);

	for (i = 0; i < n; i++) {
		o = json_object_array_get_idx(steps, i);
		(void)printf("%s: version %lld\n", hq_json_str(o, "module"),
		    (long long)hq_json_i64(o, "version", 0));
	}
	(void)printf("%s: %s\n", hq_json_str(r, "store"),
	    n == 0           ? "up to date"
		: c->dry_run ? "would be migrated"
			     : "migrated");
}

static enum hq_rc
run_check(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(hq_cli_open(c, false, &db, err));
	rc = hq_db_check(db, err);
	hq_db_close(db);
	HQ_TRY(rc);
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "store", c->config.s[HQ_SET_RAWR_STORE]);
	hq_json_put_str(*ret, "integrity", "ok");
	return HQ_OK;
}

static void
print_check(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)printf("%s: %s\n", hq_json_str(r, "store"),
	    hq_json_str(r, "integrity"));
}

static enum hq_rc
run_backup(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_db *db;
	struct stat st;
	enum hq_rc rc;

	HQ_TRY(hq_cli_open(c, false, &db, err));
	if (!c->dry_run)
		rc = hq_db_backup(db, c->argv[0], err);
	else if (stat(c->argv[0], &st) == 0)
		rc = HQ_FAIL(err, CONFLICT, "%s exists already", c->argv[0]);
	else
		rc = HQ_OK;
	hq_db_close(db);
	HQ_TRY(rc);
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "file", c->argv[0]);
	if (stat(c->argv[0], &st) == 0)
		hq_json_put_i64(*ret, "bytes", (int64_t)st.st_size);
	return HQ_OK;
}

static void
print_backup(const struct hq_cli *c, struct json_object *r)
{
	if (c->dry_run) {
		(void)printf("%s: would be written\n", hq_json_str(r, "file"));
		return;
	}
	(void)printf("%s: %lld bytes, checked\n", hq_json_str(r, "file"),
	    (long long)hq_json_i64(r, "bytes", 0));
}

static enum hq_rc
run_restore(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	const char *store = c->config.s[HQ_SET_RAWR_STORE];
	char *kept = NULL;

	HQ_TRY(hq_db_restore(store, c->argv[0], c->modules, c->dry_run, &kept,
	    err));
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "store", store);
	hq_json_put_str(*ret, "from", c->argv[0]);
	hq_json_put_str(*ret, "kept", kept);
	free(kept);
	return HQ_OK;
}

static void
print_restore(const struct hq_cli *c, struct json_object *r)
{
	(void)printf("%s: %s from %s\n", hq_json_str(r, "store"),
	    c->dry_run ? "would be restored" : "restored",
	    hq_json_str(r, "from"));
	if (hq_json_str(r, "kept") != NULL)
		(void)printf("what was there: %s\n", hq_json_str(r, "kept"));
}

const struct hq_command hq_commands_db[] = {
	{ "db", "migrate", "", 0, 0, "create the store or bring it up to date",
	    run_migrate, print_migrate, HQ_CMD_MUTATES, NULL },
	{ "db", "check", "", 0, 0, "integrity and foreign keys", run_check,
	    print_check, 0, NULL },
	{ "db", "backup", "FILE", 1, 1, "a checked copy of the live store",
	    run_backup, print_backup, HQ_CMD_MUTATES, NULL },
	{ "db", "restore", "FILE", 1, 1,
	    "a backup in the place of a store that nobody uses", run_restore,
	    print_restore, HQ_CMD_MUTATES, NULL },
	{ 0 },
};

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "store/admin.h"
#include "store/internal.h"

static const char table_sql[] =
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "module TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)";
static const char has_table_sql[] =
    "SELECT count(*) FROM sqlite_schema "
    "WHERE type = 'table' AND name = 'schema_version'";
static const char version_sql[] =
    "SELECT version FROM schema_version WHERE module = $1";
static const char advance_sql[] =
    "INSERT INTO schema_version (module, version) VALUES ($1, 1) "
    "ON CONFLICT (module) DO UPDATE SET version = schema_version.version + 1 "
    "RETURNING version";

static int64_t
newest(const struct hq_module *m)
{
	int64_t n = 0;

	while (m->migrations[n] != NULL)
		n++;
	return n;
}

/* A module that stands in the list twice counts where it stands first. */
static bool
is_repeated(const struct hq_module *const *modules, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (strcmp(modules[i]->name, modules[at]->name) == 0)
			return true;
	return false;
}

/* The version in the file; it may not be newer than the program's. */
static enum hq_rc
stored(struct hq_db *db, const struct hq_module *m, int64_t *ret,
    struct hq_err *err)
{
	struct hq_answer table, version = { 0 };

	HQ_TRY(hq_store_ask(db, has_table_sql, NULL, &table, err));
	if (table.i != 0)
		HQ_TRY(hq_store_ask(db, version_sql, m->name, &version, err));
	if (version.i > newest(m))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "%s: schema of %s is version %" PRId64 ", this program "
		    "knows %" PRId64 ": upgrade the program",
		    db->path, m->name, version.i, newest(m));
	*ret = version.i;
	return HQ_OK;
}

enum hq_rc
hq_store_check_schema(struct hq_db *db, const struct hq_module *const *modules,
    struct hq_err *err)
{
	int64_t version;
	size_t i;

	for (i = 0; modules[i] != NULL; i++) {
		HQ_TRY(stored(db, modules[i], &version, err));
		if (version < newest(modules[i]))
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "%s: schema of %s is version %" PRId64
			    ", this program needs %" PRId64
			    ": run rawr db migrate",
			    db->path, modules[i]->name, version,
			    newest(modules[i]));
	}
	return HQ_OK;
}

enum hq_rc
hq_store_check_known(struct hq_db *db, const struct hq_module *const *modules,
    struct hq_err *err)
{
	int64_t version;
	size_t i;

	for (i = 0; modules[i] != NULL; i++)
		HQ_TRY(stored(db, modules[i], &version, err));
	return HQ_OK;
}

/* -------------------------------------------------------------- one step -- */

struct step {
	struct hq_db *db;
	const struct hq_module *m;
	int64_t version; /* after the step */
	bool taken;
};

static enum hq_rc
script(struct hq_db *db, const char *sql, struct hq_err *err)
{
	int code = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? HQ_OK : hq_store_fail(db->h, code, sql, err);
}

/* Another process may have taken the step before the lock was ours. */
static enum hq_rc
take_step(void *arg, struct hq_err *err)
{
	struct step *s = arg;
	struct hq_answer after;

	HQ_TRY(script(s->db, table_sql, err));
	HQ_TRY(stored(s->db, s->m, &s->version, err));
	if (s->version == newest(s->m))
		return HQ_OK;
	HQ_TRY(script(s->db, s->m->migrations[s->version], err));
	HQ_TRY(hq_store_ask(s->db, advance_sql, s->m->name, &after, err));
	HQ_ASSERT(after.i == s->version + 1);
	s->version = after.i;
	s->taken = true;
	return HQ_OK;
}

static enum hq_rc
bring_up(struct hq_db *db, const struct hq_module *m,
    const struct hq_migration_report *report, struct hq_err *err)
{
	struct step s = { .db = db, .m = m };

	HQ_TRY(stored(db, m, &s.version, err));
	while (s.version < newest(m)) {
		s.taken = false;
		HQ_TRY(hq_db_tx(db, take_step, &s, err));
		if (s.taken && report->fn != NULL)
			report->fn(report->arg, m->name, s.version);
	}
	return HQ_OK;
}

enum hq_rc
hq_store_migrate(struct hq_db *db, const struct hq_module *const *modules,
    const struct hq_migration_report *report, struct hq_err *err)
{
	int64_t wait_ms = db->write_wait_ms;
	enum hq_rc rc = HQ_OK;
	size_t i;

	if (wait_ms < HQ_MIGRATE_WAIT_MS)
		db->write_wait_ms = HQ_MIGRATE_WAIT_MS;
	for (i = 0; rc == HQ_OK && modules[i] != NULL; i++)
		if (!is_repeated(modules, i))
			rc = bring_up(db, modules[i], report, err);
	db->write_wait_ms = wait_ms;
	return rc;
}

static enum hq_rc
report_pending(struct hq_db *db, const struct hq_module *const *modules,
    const struct hq_migration_report *report, struct hq_err *err)
{
	int64_t version, to;
	size_t i;

	for (i = 0; modules[i] != NULL; i++) {
		if (is_repeated(modules, i))
			continue;
		version = 0;
		if (db != NULL)
			HQ_TRY(stored(db, modules[i], &version, err));
		for (to = version + 1; to <= newest(modules[i]); to++)
			report->fn(report->arg, modules[i]->name, to);
	}
	return HQ_OK;
}

enum hq_rc
hq_db_pending(const char *path, const struct hq_module *const *modules,
    void (*report)(void *arg, const char *module, int64_t to), void *arg,
    struct hq_err *err)
{
	struct hq_db_opts o = { .path = path, .read_only = true };
	struct hq_migration_report r = { report, arg };
	struct hq_db *db = NULL;
	enum hq_rc rc;

	if (access(path, F_OK) == 0)
		HQ_TRY(hq_store_connect(&o, &db, err));
	rc = report_pending(db, modules, &r, err);
	hq_db_close(db);
	return rc;
}

enum hq_rc
hq_db_migrate(const char *path, const struct hq_module *const *modules,
    void (*report)(void *arg, const char *module, int64_t to), void *arg,
    struct hq_err *err)
{
	struct hq_db_opts o = { .path = path,
		.migrate = true,
		.write_wait_ms = HQ_MIGRATE_WAIT_MS };
	struct hq_migration_report r = { report, arg };
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(hq_store_connect(&o, &db, err));
	rc = hq_store_migrate(db, modules, &r, err);
	hq_db_close(db);
	return rc;
}

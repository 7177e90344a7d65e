#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/admin.h"
#include "store/internal.h"
#include "store/os.h"

static const char *const control_sql[HQ_CTL__MAX] = {
	[HQ_CTL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[HQ_CTL_BEGIN_READ] = "BEGIN",
	[HQ_CTL_COMMIT] = "COMMIT",
	[HQ_CTL_ROLLBACK] = "ROLLBACK",
	[HQ_CTL_SAVEPOINT] = "SAVEPOINT member",
	[HQ_CTL_RELEASE] = "RELEASE member",
	[HQ_CTL_ROLLBACK_TO] = "ROLLBACK TO member",
	[HQ_CTL_DATA_VERSION] = "PRAGMA data_version",
};

/*
 * A WAL that was reset shrinks to 64 MiB.  temp_store: nothing of the store
 * goes to /tmp.
 */
static const char settings_sql[] = "PRAGMA synchronous=FULL;"
				   "PRAGMA foreign_keys=ON;"
				   "PRAGMA trusted_schema=OFF;"
				   "PRAGMA cell_size_check=ON;"
				   "PRAGMA mmap_size=0;"
				   "PRAGMA temp_store=MEMORY;"
				   "PRAGMA journal_size_limit=67108864;";

static const struct {
	int option;
	int on;
} switches[] = {
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_DQS_DDL, 0 }, /* "x" is a name, never a text */
	{ SQLITE_DBCONFIG_DQS_DML, 0 },
	/* No plan depends on a bound value, so none is made anew for one. */
	{ SQLITE_DBCONFIG_ENABLE_QPSG, 1 },
};

enum hq_rc
hq_store_fail(sqlite3 *h, int code, const char *what, struct hq_err *err)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return HQ_FAIL(err, SERVICE_UNAVAILABLE,
		    "the store is busy; try again");
	case SQLITE_FULL:
		return HQ_FAIL(err, SERVICE_UNAVAILABLE,
		    "the disk is full; nothing was written");
	case SQLITE_CONSTRAINT:
		return HQ_FAIL(err, CONFLICT, "conflicts with stored data");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "%s is damaged (run rawr db check): %s: %s",
		    sqlite3_db_filename(h, "main"), sqlite3_errmsg(h), what);
	default:
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "store: %s: %s",
		    sqlite3_errmsg(h), what);
	}
}

/* ---------------------------------------------------------- connecting -- */

/* The file, made if the opener is to migrate it and it is not there. */
static enum hq_rc
open_file(struct hq_db *db, const struct hq_db_opts *o, struct hq_err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
	    (o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	enum hq_rc rc;
	int code;

	HQ_TRY(hq_os_resolve(o->path, &db->path, err));
	db->wal_path = hq_os_concat(db->path, "-wal");
	if (access(db->path, F_OK) != 0) {
		if (!o->migrate)
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "no store at %s: run rawr db migrate", db->path);
		rc = hq_os_create(db->path, err);
		if (rc != HQ_OK && rc != HQ_E_CONFLICT)
			return rc;
	}
	code = sqlite3_open_v2(db->path, &db->h, flags, NULL);
	if (db->h == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "no memory for a connection");
	return code == SQLITE_OK ? HQ_OK
				 : hq_store_fail(db->h, code, db->path, err);
}

static enum hq_rc
set_up(struct hq_db *db, struct hq_err *err)
{
	size_t i;
	int code;

	(void)sqlite3_busy_timeout(db->h, HQ_BUSY_TIMEOUT_MS);
	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		(void)sqlite3_db_config(db->h, switches[i].option,
		    switches[i].on, NULL);
	if (!db->checkpointer)
		(void)sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
		    1, NULL);
	(void)sqlite3_wal_autocheckpoint(db->h, 0);
	code = sqlite3_exec(db->h, settings_sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? HQ_OK
				 : hq_store_fail(db->h, code, "settings", err);
}

/* A new file becomes a WAL file once, with nobody else writing. */
static enum hq_rc
enter_wal(struct hq_db *db, struct hq_err *err)
{
	struct hq_answer mode;
	enum hq_rc rc;

	HQ_TRY(hq_store_ask(db, "PRAGMA journal_mode", NULL, &mode, err));
	if (db->read_only || strcmp(mode.text, "wal") == 0)
		return HQ_OK;
	HQ_TRY(hq_lock_take(db->lock, db->write_wait_ms, err));
	rc = hq_store_ask(db, "PRAGMA journal_mode=WAL", NULL, &mode, err);
	hq_lock_release(db->lock);
	HQ_TRY(rc);
	if (strcmp(mode.text, "wal") != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "%s cannot be a WAL file (its file system may lack shared "
		    "memory): mode is %s",
		    db->path, mode.text);
	return HQ_OK;
}

static enum hq_rc
open_lock(struct hq_db *db, struct hq_err *err)
{
	char *path = hq_os_concat(db->path, "-lock");
	enum hq_rc rc = hq_lock_open(path, &db->lock, err);

	free(path);
	return rc;
}

static enum hq_rc
connect_to(struct hq_db *db, const struct hq_db_opts *o, struct hq_err *err)
{
	int code;
	size_t i;

	HQ_TRY(open_file(db, o, err));
	if (!db->read_only)
		HQ_TRY(open_lock(db, err));
	HQ_TRY(set_up(db, err));
	HQ_TRY(enter_wal(db, err));
	for (i = 0; i < HQ_CTL__MAX; i++) {
		code = sqlite3_prepare_v3(db->h, control_sql[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &db->ctl[i], NULL);
		if (code != SQLITE_OK)
			return hq_store_fail(db->h, code, control_sql[i], err);
	}
	return HQ_OK;
}

enum hq_rc
hq_store_connect(const struct hq_db_opts *o, struct hq_db **ret,
    struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	HQ_ASSERT(!o->read_only || (!o->checkpointer && !o->migrate));
	HQ_ASSERT(!o->dry_run || !o->migrate);
	HQ_TRY(hq_sqlite_safe(err));
	if (sqlite3_initialize() != SQLITE_OK)
		HQ_BUG("out of memory");
	db = calloc(1, sizeof(*db));
	HQ_ASSERT(db != NULL);
	STAILQ_INIT(&db->waiting);
	db->pid = getpid();
	db->read_only = o->read_only;
	db->checkpointer = o->checkpointer;
	db->dry_run = o->dry_run;
	db->write_wait_ms = o->write_wait_ms;
	db->wal_max_bytes = o->wal_max_bytes;
	if ((rc = connect_to(db, o, err)) != HQ_OK) {
		hq_db_close(db);
		return rc;
	}
	*ret = db;
	return HQ_OK;
}

/* ---------------------------------------------------------- statements -- */

/* Where each of $1 to $n stands; anything else is refused. */
static enum hq_rc
map_params(struct hq_stmt *s, const char *sql, struct hq_err *err)
{
	int n = sqlite3_bind_parameter_count(s->st), i, at;
	char name[16];

	if (n > HQ_PARAMS_MAX)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "more than %d parameters: %s", HQ_PARAMS_MAX, sql);
	for (i = 0; i < n; i++) {
		(void)sqlite3_snprintf(sizeof(name), name, "$%d", i + 1);
		at = sqlite3_bind_parameter_index(s->st, name);
		if (at == 0)
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "parameters are not $1 to $%d: %s", n, sql);
		s->at[i] = (unsigned char)at;
	}
	s->n = (unsigned char)n;
	return HQ_OK;
}

static enum hq_rc
check_tail(const struct hq_stmt *s, const char *tail, struct hq_err *err)
{
	if (s->st == NULL || *tail != '\0')
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "not exactly one statement: %s", s->sql);
	return HQ_OK;
}

static enum hq_rc
prepare(struct hq_db *db, struct hq_stmt *s, const char **ret_tail,
    struct hq_err *err)
{
	int code = sqlite3_prepare_v3(db->h, s->sql, -1,
	    SQLITE_PREPARE_PERSISTENT, &s->st, ret_tail);

	return code == SQLITE_OK ? HQ_OK
				 : hq_store_fail(db->h, code, s->sql, err);
}

/* What is wrong with it is said now; most connections use few of them. */
static enum hq_rc
check_one(struct hq_db *db, struct hq_stmt *s, struct hq_err *err)
{
	const char *tail;
	enum hq_rc rc;

	HQ_TRY(prepare(db, s, &tail, err));
	if ((rc = check_tail(s, tail, err)) == HQ_OK) {
		s->writes = !sqlite3_stmt_readonly(s->st);
		rc = map_params(s, s->sql, err);
	}
	(void)sqlite3_finalize(s->st);
	s->st = NULL;
	return rc;
}

enum hq_rc
hq_store_prepare(struct hq_db *db, struct hq_stmt *s, struct hq_err *err)
{
	const char *tail;

	return s->st != NULL ? HQ_OK : prepare(db, s, &tail, err);
}

static bool
is_checked(const struct hq_db *db, const struct hq_module *m)
{
	size_t i;

	for (i = 0; i < db->nsets; i++)
		if (db->sets[i].m == m)
			return true;
	return false;
}

static enum hq_rc
check_module(struct hq_db *db, const struct hq_module *m, struct hq_err *err)
{
	struct hq_stmt_set *set = &db->sets[db->nsets++];
	size_t i;

	set->m = m;
	while (m->sql[set->n] != NULL)
		set->n++;
	set->stmts = calloc(set->n + 1, sizeof(set->stmts[0]));
	HQ_ASSERT(set->stmts != NULL);
	for (i = 0; i < set->n; i++) {
		set->stmts[i].sql = m->sql[i];
		HQ_TRY(check_one(db, &set->stmts[i], err));
	}
	return HQ_OK;
}

enum hq_rc
hq_store_check_sql(struct hq_db *db, const struct hq_module *const *modules,
    struct hq_err *err)
{
	size_t i, n = 0;

	while (modules[n] != NULL)
		n++;
	db->sets = calloc(n + 1, sizeof(db->sets[0]));
	HQ_ASSERT(db->sets != NULL);
	for (i = 0; i < n; i++)
		if (!is_checked(db, modules[i]))
			HQ_TRY(check_module(db, modules[i], err));
	return HQ_OK;
}

/* -------------------------------------------------------- open and close -- */

static enum hq_rc
bring_up(struct hq_db *db, const struct hq_db_opts *o, struct hq_err *err)
{
	struct hq_migration_report silent = { 0 };

	if (o->migrate)
		HQ_TRY(hq_store_migrate(db, o->modules, &silent, err));
	else
		HQ_TRY(hq_store_check_schema(db, o->modules, err));
	return hq_store_check_sql(db, o->modules, err);
}

enum hq_rc
hq_db_open(const struct hq_db_opts *o, struct hq_db **ret, struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(hq_store_connect(o, &db, err));
	if ((rc = bring_up(db, o, err)) != HQ_OK) {
		hq_db_close(db);
		return rc;
	}
	*ret = db;
	return HQ_OK;
}

void
hq_db_close(struct hq_db *db)
{
	size_t i, q;

	if (db == NULL)
		return;
	HQ_ASSERT(db->pid == getpid());
	HQ_ASSERT(db->tx == HQ_TX_NONE && !db->held);
	HQ_ASSERT(STAILQ_EMPTY(&db->waiting));
	for (i = 0; i < db->nsets; i++) {
		for (q = 0; q < db->sets[i].n; q++)
			(void)sqlite3_finalize(db->sets[i].stmts[q].st);
		free(db->sets[i].stmts);
	}
	for (i = 0; i < HQ_CTL__MAX; i++)
		(void)sqlite3_finalize(db->ctl[i]);
	HQ_ASSERT(sqlite3_close(db->h) == SQLITE_OK);
	hq_lock_close(db->lock);
	free(db->sets);
	free(db->wal_path);
	free(db->path);
	free(db);
}

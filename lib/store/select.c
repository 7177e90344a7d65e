/* The operator's questions: any SQL, as long as it only reads. */
#include <stdlib.h>
#include <string.h>

#include "store/admin.h"
#include "store/internal.h"
#include "store/os.h"

struct select {
	struct hq_db *db;
	hq_db_row_fn *fn;
	void *arg;
};

/*
 * SQLite calls some statements that reach beyond the store "read-only": those
 * that open another file, or a transaction.
 */
static int
authorize(void *arg, int action, const char *a, const char *b, const char *c,
    const char *d)
{
	(void)arg;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	switch (action) {
	case SQLITE_ATTACH:
	case SQLITE_DETACH:
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
		return SQLITE_DENY;
	default:
		return SQLITE_OK;
	}
}

static enum hq_rc
prepare(struct hq_db *db, const char **sql, sqlite3_stmt **ret,
    struct hq_err *err)
{
	if (sqlite3_prepare_v2(db->h, *sql, -1, ret, sql) != SQLITE_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s", sqlite3_errmsg(db->h));
	if (*ret != NULL && !sqlite3_stmt_readonly(*ret)) {
		(void)sqlite3_finalize(*ret);
		return HQ_FAIL(err, BAD_REQUEST,
		    "this only reads: the statement would write");
	}
	return HQ_OK;
}

static struct hq_val
value_of(sqlite3_stmt *st, int col)
{
	struct hq_val v = { .type = HQ_VAL_NULL };

	switch (sqlite3_column_type(st, col)) {
	case SQLITE_INTEGER:
		return hq_i64(sqlite3_column_int64(st, col));
	case SQLITE_NULL:
		return v;
	case SQLITE_BLOB:
		v.type = HQ_VAL_BLOB;
		v.s = sqlite3_column_blob(st, col);
		v.i = sqlite3_column_bytes(st, col);
		return v;
	default:
		return hq_text((const char *)sqlite3_column_text(st, col));
	}
}

static bool
give_row(const struct select *s, sqlite3_stmt *st)
{
	const char *names[HQ_DB_SELECT_COLUMNS_MAX] = { 0 };
	struct hq_val vals[HQ_DB_SELECT_COLUMNS_MAX] = { 0 };
	struct hq_db_row row = { .names = names, .vals = vals };
	int i, n = sqlite3_column_count(st);

	if (n > HQ_DB_SELECT_COLUMNS_MAX)
		n = HQ_DB_SELECT_COLUMNS_MAX;
	for (i = 0; i < n; i++) {
		names[i] = sqlite3_column_name(st, i);
		vals[i] = value_of(st, i);
	}
	row.n = (size_t)n;
	return s->fn(s->arg, &row);
}

static enum hq_rc
run_one(const struct select *s, sqlite3_stmt *st, bool *ret_on,
    struct hq_err *err)
{
	int code = SQLITE_ROW;

	while (*ret_on && (code = sqlite3_step(st)) == SQLITE_ROW)
		*ret_on = give_row(s, st);
	if (code == SQLITE_ROW || code == SQLITE_DONE)
		return HQ_OK;
	if (code == SQLITE_READONLY || code == SQLITE_AUTH)
		return HQ_FAIL(err, BAD_REQUEST, "this only reads: %s",
		    sqlite3_errmsg(s->db->h));
	return hq_store_fail(s->db->h, code, "select", err);
}

/* Once through to see that all of it reads, once through to run it. */
static enum hq_rc
each_statement(const struct select *s, const char *sql, bool check,
    struct hq_err *err)
{
	enum hq_rc rc = HQ_OK;
	bool on = true;
	sqlite3_stmt *st;

	while (rc == HQ_OK && on && *sql != '\0') {
		HQ_TRY(prepare(s->db, &sql, &st, err));
		if (st != NULL && !check)
			rc = run_one(s, st, &on, err);
		(void)sqlite3_finalize(st);
	}
	return rc;
}

enum hq_rc
hq_db_select(struct hq_db *db, const char *sql, hq_db_row_fn *fn, void *arg,
    struct hq_err *err)
{
	struct select s = { .db = db, .fn = fn, .arg = arg };
	enum hq_rc rc;

	HQ_ASSERT(db->read_only);
	if (strlen(sql) > HQ_DB_SELECT_SQL_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the SQL is over %d bytes", HQ_DB_SELECT_SQL_MAX);
	(void)sqlite3_set_authorizer(db->h, authorize, NULL);
	rc = each_statement(&s, sql, true, err);
	if (rc == HQ_OK)
		rc = each_statement(&s, sql, false, err);
	(void)sqlite3_set_authorizer(db->h, NULL, NULL);
	return rc;
}

/* ------------------------------------------------------------------- tables -- */

enum { TABLES_MAX = 1024 };

struct names {
	size_t n;
	char *v[TABLES_MAX];
};

static bool
take_name(void *arg, const struct hq_db_row *row)
{
	struct names *t = arg;

	t->v[t->n++] = hq_os_concat(row->vals[0].s, "");
	return t->n < TABLES_MAX;
}

static bool
take_count(void *arg, const struct hq_db_row *row)
{
	int64_t *ret = arg;

	*ret = row->vals[0].i;
	return true;
}

/* A table's name is quoted by SQLite itself. */
static enum hq_rc
count_rows(struct hq_db *db, const char *table, int64_t *ret,
    struct hq_err *err)
{
	char *quoted = sqlite3_mprintf("\"%w\"", table), *sql;
	enum hq_rc rc;

	HQ_ASSERT(quoted != NULL);
	sql = hq_os_concat("SELECT count(*) FROM ", quoted);
	rc = hq_db_select(db, sql, take_count, ret, err);
	free(sql);
	sqlite3_free(quoted);
	return rc;
}

enum hq_rc
hq_db_tables(struct hq_db *db,
    void (*fn)(void *arg, const char *table, int64_t rows), void *arg,
    struct hq_err *err)
{
	struct names t = { 0 };
	int64_t rows = 0;
	enum hq_rc rc;
	size_t i;

	rc = hq_db_select(db,
	    "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " ORDER BY name",
	    take_name, &t, err);
	for (i = 0; i < t.n; i++) {
		if (rc == HQ_OK)
			rc = count_rows(db, t.v[i], &rows, err);
		if (rc == HQ_OK)
			fn(arg, t.v[i], rows);
		free(t.v[i]);
	}
	return rc;
}

enum hq_rc
hq_db_bytes(struct hq_db *db, struct hq_db_bytes *ret, struct hq_err *err)
{
	struct hq_answer pages, each;

	HQ_TRY(hq_store_ask(db, "PRAGMA freelist_count", NULL, &pages, err));
	HQ_TRY(hq_store_ask(db, "PRAGMA page_size", NULL, &each, err));
	ret->file = hq_os_bytes(db->path);
	ret->wal = hq_os_bytes(db->wal_path);
	ret->free = pages.i * each.i;
	return HQ_OK;
}

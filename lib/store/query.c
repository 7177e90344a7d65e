#include <stdio.h>
#include <string.h>

#include "store/internal.h"

static struct hq_stmt *
find(const struct hq_db *db, const struct hq_module *m, size_t q)
{
	size_t i;

	for (i = 0; i < db->nsets; i++)
		if (db->sets[i].m == m) {
			HQ_ASSERT(q < db->sets[i].n);
			return &db->sets[i].stmts[q];
		}
	HQ_BUG("a module that this connection was not opened with");
}

static int
bind_one(sqlite3_stmt *st, int at, const struct hq_val *v)
{
	switch (v->type) {
	case HQ_VAL_NULL:
		return sqlite3_bind_null(st, at);
	case HQ_VAL_I64:
		return sqlite3_bind_int64(st, at, v->i);
	case HQ_VAL_TEXT:
		return sqlite3_bind_text(st, at, v->s, -1, SQLITE_STATIC);
	case HQ_VAL_BLOB:
		HQ_ASSERT(v->i >= 0);
		return sqlite3_bind_blob64(st, at, v->s == NULL ? "" : v->s,
		    (sqlite3_uint64)v->i, SQLITE_STATIC);
	}
	HQ_BUG("hq_val.type");
}

/* NOLINTBEGIN(readability-function-size): a query has seven parts */
enum hq_rc
hq_query(struct hq_db *db, const struct hq_module *m, size_t q,
    const struct hq_val *vals, size_t n, struct hq_cursor *c,
    struct hq_err *err)
{
	struct hq_stmt *s = find(db, m, q);
	size_t i;
	int code;

	HQ_ASSERT(c->st == NULL);
	HQ_ASSERT(!sqlite3_stmt_busy(s->st));
	HQ_ASSERT(n == s->n);
	HQ_ASSERT(!s->writes || db->tx == HQ_TX_WRITE);
	/* SQLite ends a transaction by itself when the disk fails it. */
	if (db->tx != HQ_TX_NONE && sqlite3_get_autocommit(db->h) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "the transaction was rolled back after an error");
	if (db->tx == HQ_TX_NONE)
		hq_store_share(db);
	HQ_TRY(hq_store_prepare(db, s, err));
	for (i = 0; i < n; i++) {
		code = bind_one(s->st, s->at[i], &vals[i]);
		if (code == SQLITE_TOOBIG)
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "a value is too large for the store");
		if (code != SQLITE_OK)
			return hq_store_fail(db->h, code, "bind", err);
	}
	c->db = db;
	c->st = s->st;
	c->last = SQLITE_OK;
	db->n_cursors++;
	return HQ_OK;
}
/* NOLINTEND(readability-function-size) */

bool
hq_cursor_next(struct hq_cursor *c)
{
	HQ_ASSERT(c->st != NULL);
	if (c->last != SQLITE_OK && c->last != SQLITE_ROW)
		return false; /* another step would run it again */
	c->last = sqlite3_step(c->st);
	return c->last == SQLITE_ROW;
}

enum hq_rc
hq_cursor_done(struct hq_cursor *c, struct hq_err *err)
{
	HQ_ASSERT(c->st != NULL);
	HQ_ASSERT(c->last != SQLITE_OK && c->last != SQLITE_ROW);
	if (c->last == SQLITE_DONE)
		return HQ_OK;
	return hq_store_fail(sqlite3_db_handle(c->st), c->last,
	    sqlite3_sql(c->st), err);
}

void
hq_cursor_close(struct hq_cursor *c)
{
	if (c->st == NULL)
		return;
	(void)sqlite3_reset(c->st);
	(void)sqlite3_clear_bindings(c->st);
	c->st = NULL;
	c->db->n_cursors--;
}

int64_t
hq_cursor_i64(const struct hq_cursor *c, int col)
{
	HQ_ASSERT(c->last == SQLITE_ROW);
	return sqlite3_column_int64(c->st, col);
}

bool
hq_cursor_is_null(const struct hq_cursor *c, int col)
{
	HQ_ASSERT(c->last == SQLITE_ROW);
	return sqlite3_column_type(c->st, col) == SQLITE_NULL;
}

const char *
hq_cursor_peek(const struct hq_cursor *c, int col, size_t *ret_n)
{
	bool blob;
	const void *p;

	HQ_ASSERT(c->last == SQLITE_ROW);
	blob = sqlite3_column_type(c->st, col) == SQLITE_BLOB;
	p = blob ? sqlite3_column_blob(c->st, col)
		 : sqlite3_column_text(c->st, col);
	*ret_n = (size_t)sqlite3_column_bytes(c->st, col);
	return p == NULL && blob ? "" : p;
}

const char *
hq_cursor_text(const struct hq_cursor *c, int col, struct hq_arena *a)
{
	size_t n;
	const char *s = hq_cursor_peek(c, col, &n);

	return s == NULL ? NULL : hq_arena_copy(a, s, n);
}

bool
hq_cursor_copy(const struct hq_cursor *c, int col, char *out, size_t cap)
{
	size_t n;
	const char *s = hq_cursor_peek(c, col, &n);

	if (s == NULL || n >= cap)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

/* NOLINTBEGIN(readability-function-size): as hq_query() */
enum hq_rc
hq_exec(struct hq_db *db, const struct hq_module *m, size_t q,
    const struct hq_val *vals, size_t n, int *ret_changes, struct hq_err *err)
{
	HQ_CURSOR(c);

	HQ_TRY(hq_query(db, m, q, vals, n, &c, err));
	while (hq_cursor_next(&c))
		;
	HQ_TRY(hq_cursor_done(&c, err));
	if (ret_changes != NULL)
		*ret_changes = sqlite3_changes(db->h);
	return HQ_OK;
}
/* NOLINTEND(readability-function-size) */

/* ------------------------------------------- the store's own statements -- */

int
hq_store_control(struct hq_db *db, enum hq_control c)
{
	int code = sqlite3_step(db->ctl[c]);
	int after = sqlite3_reset(db->ctl[c]);

	return code == SQLITE_DONE || code == SQLITE_ROW ? after : code;
}

enum hq_rc
hq_store_ask(struct hq_db *db, const char *sql, const char *bound,
    struct hq_answer *ret, struct hq_err *err)
{
	HQ_CURSOR(c);
	const char *text;
	int code;

	memset(ret, 0, sizeof(*ret));
	code = sqlite3_prepare_v2(db->h, sql, -1, &c.st, NULL);
	if (code == SQLITE_OK && bound != NULL)
		code = sqlite3_bind_text(c.st, 1, bound, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(c.st);
	if (code == SQLITE_ROW) {
		ret->row = true;
		ret->i = sqlite3_column_int64(c.st, 0);
		text = (const char *)sqlite3_column_text(c.st, 0);
		(void)snprintf(ret->text, sizeof(ret->text), "%s",
		    text == NULL ? "" : text);
		code = sqlite3_step(c.st);
	}
	(void)sqlite3_finalize(c.st);
	c.st = NULL;
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		return hq_store_fail(db->h, code, sql, err);
	return HQ_OK;
}

enum hq_rc
hq_db_data_version(struct hq_db *db, int64_t *ret, struct hq_err *err)
{
	sqlite3_stmt *st = db->ctl[HQ_CTL_DATA_VERSION];
	int64_t version;
	int code;

	code = sqlite3_step(st);
	version = code == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	(void)sqlite3_reset(st);
	if (code != SQLITE_ROW)
		return hq_store_fail(db->h, code, "data_version", err);
	*ret = version;
	return HQ_OK;
}

int64_t
hq_db_own_changes(const struct hq_db *db)
{
	return sqlite3_total_changes64(db->h);
}

enum hq_rc
hq_query_i64(struct hq_db *db, const struct hq_module *m, size_t q,
    const struct hq_val *vals, size_t n, int64_t *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(db, m, q, vals, n, &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	if (!hq_cursor_is_null(&row, 0))
		*ret = hq_cursor_i64(&row, 0);
	return HQ_OK;
}

/*
 * tests/unit/storetest.h - a store of two small tables, and transactions on it.
 */
#ifndef STORETEST_H
#define STORETEST_H

#include "test_store_dir.h"

#include "store/db.h"

enum {
	Q_ADD,
	Q_GET,
	Q_ALL,
	Q_SWAPPED,
	Q_RETURNING,
	Q_ADD_CHILD,
	Q_FILL,
	Q__MAX
};

static const char *const item_migrations[] = {
	"CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER, b BLOB);"
	"CREATE TABLE child (id TEXT REFERENCES item (id))",
	NULL,
};
static const char *const item_sql[Q__MAX + 1] = {
	[Q_ADD] = "INSERT INTO item (id, n, b) VALUES ($1, $2, $3)",
	[Q_GET] = "SELECT id, n, b FROM item WHERE id = $1",
	[Q_ALL] = "SELECT id FROM item ORDER BY id",
	[Q_SWAPPED] = "SELECT $2, $1, $2",
	[Q_RETURNING] = "UPDATE item SET n = n + 1 WHERE id = $1 RETURNING n",
	[Q_ADD_CHILD] = "INSERT INTO child (id) VALUES ($1)",
	[Q_FILL] = "INSERT INTO item (id, b) VALUES ($1, zeroblob($2))",
};
static const struct hq_module item = { "item", item_migrations, item_sql };
static const struct hq_module *const modules[] = { &item, &item, NULL };

static struct hq_db *db;

static __attribute__((unused)) struct hq_db_opts
opts(void)
{
	return (struct hq_db_opts){ .path = path,
		.modules = modules,
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = 2000 };
}

static __attribute__((unused)) void
setup(void)
{
	struct hq_db_opts o = opts();

	dir_open();
	ck_hq_ok(hq_db_open(&o, &db, &err));
}

static __attribute__((unused)) void
teardown(void)
{
	hq_db_close(db);
	dir_close();
}

static __attribute__((unused)) enum hq_rc
add(const char *id, int64_t n, struct hq_err *e)
{
	return hq_exec(db, &item, Q_ADD,
	    HQ_BIND(hq_text(id), hq_i64(n), hq_null()), NULL, e);
}

static __attribute__((unused)) enum hq_rc
add_one(void *arg, struct hq_err *e)
{
	return add(arg, 1, e);
}

/* A transaction's argument is not const. */
static __attribute__((unused)) char *
name_of(const char *id)
{
	return hq_arena_printf(arena, "%s", id);
}

static __attribute__((unused)) enum hq_rc
in_tx(hq_tx_fn *fn, const char *id)
{
	return hq_db_tx(db, fn, name_of(id), &err);
}

static __attribute__((unused)) enum hq_rc
add_and_fail(void *arg, struct hq_err *e)
{
	HQ_TRY(add(arg, 1, e));
	return HQ_FAIL(e, NOT_FOUND, "changed my mind");
}

static __attribute__((unused)) bool
has(const char *id)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_GET, HQ_BIND(hq_text(id)), &c, &err));
	return hq_cursor_next(&c);
}

static __attribute__((unused)) enum hq_rc
fill(void *arg, struct hq_err *e)
{
	return hq_exec(db, &item, Q_FILL, HQ_BIND(hq_text(arg), hq_i64(300000)),
	    NULL, e);
}

#endif /* STORETEST_H */

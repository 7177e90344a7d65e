/*
 * store/db.h - SQLite, with the sharp edges filed off.
 *
 * SQL is a closed, numbered set.  A room that keeps something in the store
 * exports one struct hq_module: its numbered migrations and its statements.
 * All statements are checked when the store is opened, so a typo or a missing
 * migration stops the process, not a request at midnight; those that are used
 * stay prepared.  Values are only ever bound; no function here takes SQL built
 * at run time.  The SQL keeps to what PostgreSQL takes too: $1 parameters,
 * ON CONFLICT, RETURNING, text, integer and blob columns, times as integer
 * milliseconds.
 *
 * Writers queue on one fair lock per store (store/lock.h) and write only in
 * BEGIN IMMEDIATE, so nobody sleeps in SQLite's busy handler.  WAL mode with
 * synchronous=FULL: what hq_db_tx() gave HQ_OK for is on disk.  Only a
 * connection opened with .checkpointer moves the WAL into the file.
 */
#ifndef HQ_STORE_DB_H
#define HQ_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct hq_db; /* one connection; one thread; never carried across fork() */

/* What a room keeps in the store.  Static and const. */
struct hq_module {
	const char *name; /* row key of its schema version; static */
	/*
	 * migrations[i] takes the module from version i to i + 1; several
	 * statements, separated by ";".  Ends with NULL.  Never edited once
	 * released, only appended to.
	 */
	const char *const *migrations;
	/* sql[q], one statement each, ends with NULL. */
	const char *const *sql;
};

struct hq_db_opts {
	const char *path;
	/* Ends with NULL; a module may stand in it twice. */
	const struct hq_module *const *modules;
	bool migrate; /* bring the schema up to date first */
	bool read_only;
	bool checkpointer; /* the runner and `rawr db` */
	/*
	 * Roll every hq_db_tx() back where it would commit, and say HQ_OK: all
	 * that can be refused is refused, and nothing changes.  Not with
	 * migrate.
	 */
	bool dry_run;
	int64_t write_wait_ms;
	/* Above it writes give SERVICE_UNAVAILABLE; 0: no limit. */
	int64_t wal_max_bytes;
};

/*
 * INTERNAL_SERVER_ERROR if the linked SQLite loses rows in WAL mode (< 3.51.3
 * and not a fixed backport), if the file's schema is newer than the program's
 * ("upgrade the program"), or older while migrate is false ("run rawr db
 * migrate").  The caller closes; closing NULL is fine.
 */
enum hq_rc hq_db_open(const struct hq_db_opts *o, struct hq_db **ret,
    struct hq_err *err) HQ_MUST;
void hq_db_close(struct hq_db *db);

/* ------------------------------------------------------------- queries -- */

struct hq_val {
	enum { HQ_VAL_NULL, HQ_VAL_I64, HQ_VAL_TEXT, HQ_VAL_BLOB } type;
	int64_t i;     /* the integer, or a blob's bytes */
	const char *s; /* borrowed until the cursor is closed */
};

/* A value list and its length: HQ_BIND(hq_text(id), hq_i64(now)). */
#define HQ_BIND(...) \
	(const struct hq_val[]){ __VA_ARGS__ }, \
	    sizeof((const struct hq_val[]){ __VA_ARGS__ }) / \
	    sizeof(struct hq_val)
#define HQ_NO_BIND NULL, 0

/*
 * A running query.  HQ_CURSOR(c) declares one that closes itself on every way
 * out of the scope: a SELECT left open pins the WAL.
 */
struct hq_cursor {
	struct hq_db *db;
	struct sqlite3_stmt *st;
	int last; /* last result from sqlite3_step() */
};
#define HQ_CURSOR(c) \
	struct hq_cursor c __attribute__((cleanup(hq_cursor_close))) = { 0 }

/* Start statement q of module m.  n must equal its parameter count. */
enum hq_rc hq_query(struct hq_db *db, const struct hq_module *m, size_t q,
    const struct hq_val *vals, size_t n, struct hq_cursor *c,
    struct hq_err *err) HQ_MUST;
/* The first row's first column; *ret stays as it is without a row, or for NULL. */
enum hq_rc hq_query_i64(struct hq_db *db, const struct hq_module *m, size_t q,
    const struct hq_val *vals, size_t n, int64_t *ret, struct hq_err *err)
    HQ_MUST;
bool hq_cursor_next(struct hq_cursor *c);
/* Once next() has said false: HQ_OK at the end of the rows, else why. */
enum hq_rc hq_cursor_done(struct hq_cursor *c, struct hq_err *err) HQ_MUST;
void hq_cursor_close(struct hq_cursor *c);

int64_t hq_cursor_i64(const struct hq_cursor *c, int col);
bool hq_cursor_is_null(const struct hq_cursor *c, int col);
/* A copy in the arena; NULL for SQL NULL or a full arena. */
const char *hq_cursor_text(const struct hq_cursor *c, int col,
    struct hq_arena *a);
/* Borrowed until the next step or close; *ret_n without the NUL. */
const char *hq_cursor_peek(const struct hq_cursor *c, int col, size_t *ret_n);
/* A copy in cap bytes.  False, and out as it was, for SQL NULL or a longer one. */
bool hq_cursor_copy(const struct hq_cursor *c, int col, char *out, size_t cap)
    HQ_MUST;

/*
 * Run statement q for its effect, inside hq_db_tx() if it writes (asserted).
 * ret_changes may be NULL.
 */
enum hq_rc hq_exec(struct hq_db *db, const struct hq_module *m, size_t q,
    const struct hq_val *vals, size_t n, int *ret_changes, struct hq_err *err)
    HQ_MUST;

/* ---------------------------------------------------------- transactions -- */

typedef enum hq_rc hq_tx_fn(void *arg, struct hq_err *err);

/*
 * Take the writers' lock, BEGIN IMMEDIATE, fn(arg), then COMMIT if it gave
 * HQ_OK, else ROLLBACK.  Gives fn's result; SERVICE_UNAVAILABLE if the lock was
 * not had within write_wait_ms, the disk is full or the WAL is over its limit;
 * INTERNAL_SERVER_ERROR if the commit failed with an I/O error, after which
 * its outcome is unknown and the process must not go on writing.
 * Not re-entrant.
 *
 * When it returns, the transaction is over: HQ_OK means on disk, alone or in a
 * group (hq_db_gather).  So what is to follow a commit stands behind the call.
 */
enum hq_rc hq_db_tx(struct hq_db *db, hq_tx_fn *fn, void *arg,
    struct hq_err *err) HQ_MUST;

/*
 * Writes that come together share one lock, one transaction and one flush.
 *
 * With a gatherer, hq_db_tx() puts its fn in line and calls gather(ctx), which
 * returns once hq_db_flush() has been called: at once, or after other stacks of
 * the same thread (base/fiber.h) have put theirs in line.  Between the two
 * nothing of a group has been written, and what the connection reads is
 * committed.  fn may be called on another stack than the one that waits.
 *
 * In a group each fn has a savepoint, so that its failure undoes its own writes
 * alone.  It sees the writes of those before it; should the group be lost
 * (the commit fails, or SQLite gives the transaction up), then they and all
 * that came after the first of them get the error.  After HQ_GROUP_MS the rest
 * makes another group, behind those who wait for the lock.  A constraint that
 * is checked at the commit only would fail strangers: there are none.
 */
typedef void hq_db_gather_fn(void *ctx);
void hq_db_gather(struct hq_db *db, hq_db_gather_fn *gather, void *ctx);
/* Run all that stand in line, to their ends; nobody may: fine. */
void hq_db_flush(struct hq_db *db);

/*
 * A read transaction: fn sees one snapshot.  No network I/O inside.  Within a
 * transaction it runs fn in that one.
 */
enum hq_rc hq_db_read(struct hq_db *db, hq_tx_fn *fn, void *arg,
    struct hq_err *err) HQ_MUST;

/*
 * From hq_db_hold() to hq_db_release() reads outside of transactions share one
 * snapshot, where each would ask the system for one of its own.  The first read
 * begins it; a write ends it, and the next read begins another.  So whoever
 * reads within must have come before hq_db_hold(): then all is in the snapshot
 * that was on disk when he came.  Not to be kept over a wait: it pins the WAL.
 * Release without hold: fine.
 */
void hq_db_hold(struct hq_db *db);
void hq_db_release(struct hq_db *db);

/*
 * A commit failed half-way: its outcome is unknown, every further write is
 * refused, and the process should make way for one that opens the store anew.
 */
bool hq_db_is_broken(const struct hq_db *db);

/*
 * True while a transaction or a cursor is open, the shared snapshot aside:
 * asserted false before a reply is sent.
 */
bool hq_db_in_tx(const struct hq_db *db);

/* Opened with .dry_run: what was "written" cannot be read back. */
bool hq_db_is_dry(const struct hq_db *db);

/* Changes whenever another connection has committed; cheap. */
enum hq_rc hq_db_data_version(struct hq_db *db, int64_t *ret,
    struct hq_err *err) HQ_MUST;

/* Counts up with every row that this connection writes; kept or not. */
int64_t hq_db_own_changes(const struct hq_db *db);

static inline struct hq_val
hq_i64(int64_t i)
{
	return (struct hq_val){ .type = HQ_VAL_I64, .i = i };
}

static inline struct hq_val
hq_text(const char *s) /* NULL binds SQL NULL */
{
	return (struct hq_val){ .type = s == NULL ? HQ_VAL_NULL : HQ_VAL_TEXT,
		.s = s };
}

static inline struct hq_val
hq_null(void)
{
	return (struct hq_val){ .type = HQ_VAL_NULL };
}

#endif /* HQ_STORE_DB_H */

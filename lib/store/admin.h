/*
 * store/admin.h - what an operator does to a store: migrate, check, back up,
 * checkpoint.  Only the runner and `rawr db` use it.
 */
#ifndef HQ_STORE_ADMIN_H
#define HQ_STORE_ADMIN_H

#include "store/db.h"

/* HQ_OK if the linked SQLite is free of the WAL-reset bug. */
enum hq_rc hq_sqlite_safe(struct hq_err *err) HQ_MUST;
const char *hq_sqlite_version(void);

/*
 * Bring every module to its newest version, one transaction per migration.
 * report may be NULL; called once per step taken.
 */
enum hq_rc hq_db_migrate(const char *path,
    const struct hq_module *const *modules,
    void (*report)(void *arg, const char *module, int64_t to), void *arg,
    struct hq_err *err) HQ_MUST;

/* What hq_db_migrate() would do; changes nothing and makes no file. */
enum hq_rc hq_db_pending(const char *path,
    const struct hq_module *const *modules,
    void (*report)(void *arg, const char *module, int64_t to), void *arg,
    struct hq_err *err) HQ_MUST;

/* PRAGMA integrity_check and foreign_key_check; the first finding in err. */
enum hq_rc hq_db_check(struct hq_db *db, struct hq_err *err) HQ_MUST;

/* PRAGMA quick_check: pages and rows, not the indexes' content. */
enum hq_rc hq_db_quick_check(struct hq_db *db, struct hq_err *err) HQ_MUST;

/*
 * A consistent copy into to_path, which must not exist: VACUUM INTO a
 * temporary beside it, fsync, quick_check, rename.  Safe on a live store.
 */
enum hq_rc hq_db_backup(struct hq_db *db, const char *to_path,
    struct hq_err *err) HQ_MUST;

enum {
	/* Frames (pages) from which on the WAL is long. */
	HQ_WAL_FRAMES = 2000,
	/* Its file stays this long; and not over half of wal_max_bytes. */
	HQ_WAL_KEEP_BYTES = 64 << 20,
};

/*
 * Move the WAL's frames into the file, and start it over if no reader is in the
 * way: if empty says so, or it is long.  Till then nothing is moved, since a page
 * that is written again and again need be moved but once.  Its file stays, since
 * to write over it takes a fraction of what it takes to make it longer.
 * *ret_wal_bytes: 0 if it was started over, else its file's size.
 */
enum hq_rc hq_db_checkpoint(struct hq_db *db, bool empty,
    int64_t *ret_wal_bytes, struct hq_err *err) HQ_MUST;

/*
 * Put the backup in from_path in the place of the store at path, which nobody
 * may have open: CONFLICT if somebody has, or if the backup is the store.  The
 * backup is copied, checked and made durable first.  What stood there is kept
 * beside it, named *ret_kept (the caller frees with free(); NULL if there was
 * no store).  dry_run: everything but the exchange.
 */
enum hq_rc hq_db_restore(const char *path, const char *from_path,
    const struct hq_module *const *modules, bool dry_run, char **ret_kept,
    struct hq_err *err) HQ_MUST;

/*
 * The operator's own questions (`rawr db shell`, `rawr db size`), on a
 * connection opened read_only.  sql: statements that only read, separated by
 * ";"; BAD_REQUEST for any other, with SQLite's words, before the first runs
 * a step.  fn is called per row with borrowed names and values; it says
 * whether to go on.
 */
enum { HQ_DB_SELECT_COLUMNS_MAX = 256, HQ_DB_SELECT_SQL_MAX = 1 << 20 };
struct hq_db_row {
	size_t n;
	const char *const *names;
	const struct hq_val *vals;
};
typedef bool hq_db_row_fn(void *arg, const struct hq_db_row *row);
enum hq_rc hq_db_select(struct hq_db *db, const char *sql, hq_db_row_fn *fn,
    void *arg, struct hq_err *err) HQ_MUST;

/* fn once per table, by name, with its rows. */
enum hq_rc hq_db_tables(struct hq_db *db,
    void (*fn)(void *arg, const char *table, int64_t rows), void *arg,
    struct hq_err *err) HQ_MUST;

/*
 * Bytes of the file and of its WAL, and how many of the file's are free: the
 * next rows take them.
 */
struct hq_db_bytes {
	int64_t file, wal, free;
};
enum hq_rc hq_db_bytes(struct hq_db *db, struct hq_db_bytes *ret,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_STORE_ADMIN_H */

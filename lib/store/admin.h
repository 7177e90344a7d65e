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

/* PRAGMA integrity_check and foreign_key_check; the first finding in err. */
enum hq_rc hq_db_check(struct hq_db *db, struct hq_err *err) HQ_MUST;

/*
 * A consistent copy into to_path, which must not exist: VACUUM INTO a
 * temporary beside it, fsync, quick_check, rename.  Safe on a live store.
 */
enum hq_rc hq_db_backup(struct hq_db *db, const char *to_path,
    struct hq_err *err) HQ_MUST;

enum {
	/* Frames (pages) after which the WAL is started over by itself. */
	HQ_WAL_FRAMES = 1000,
	/* Its file stays this long; and not over half of wal_max_bytes. */
	HQ_WAL_KEEP_BYTES = 64 << 20,
};

/*
 * Move WAL frames into the file.  empty: also start the WAL over, if no reader
 * is in the way; so does a long one without being told.  Its file stays, since
 * to write over it takes a fraction of what it takes to make it longer.
 * *ret_wal_bytes: 0 if it was started over, else its file's size.
 */
enum hq_rc hq_db_checkpoint(struct hq_db *db, bool empty,
    int64_t *ret_wal_bytes, struct hq_err *err) HQ_MUST;

#endif /* HQ_STORE_ADMIN_H */

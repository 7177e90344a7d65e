#include <unistd.h>

#include "store/internal.h"
#include "store/os.h"

bool
hq_db_in_tx(const struct hq_db *db)
{
	return sqlite3_txn_state(db->h, NULL) != SQLITE_TXN_NONE;
}

bool
hq_db_is_broken(const struct hq_db *db)
{
	return db->broken;
}

bool
hq_db_is_dry(const struct hq_db *db)
{
	return db->dry_run;
}

/* Reasons to refuse that are known before the lock is asked for. */
static enum hq_rc
may_write(const struct hq_db *db, struct hq_err *err)
{
	if (db->broken)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "an earlier commit failed half-way; restart the process");
	if (db->wal_max_bytes > 0 &&
	    hq_os_bytes(db->wal_path) > db->wal_max_bytes)
		return HQ_FAIL(err, SERVICE_UNAVAILABLE,
		    "the store's log is over its limit: a reader or a stopped "
		    "runner keeps it from being emptied; try later");
	return HQ_OK;
}

/* End a transaction that is not to be kept, unless SQLite has done it. */
static void
roll_back(struct hq_db *db)
{
	if (sqlite3_get_autocommit(db->h) == 0 &&
	    hq_store_control(db, HQ_CTL_ROLLBACK) != SQLITE_OK)
		db->broken = true;
}

static enum hq_rc
commit(struct hq_db *db, struct hq_err *err)
{
	enum hq_rc rc;
	int code;

	if (sqlite3_get_autocommit(db->h) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "the transaction was rolled back after an error");
	if ((code = hq_store_control(db, HQ_CTL_COMMIT)) == SQLITE_OK)
		return HQ_OK;
	rc = hq_store_fail(db->h, code, "commit", err);
	if (rc == HQ_E_INTERNAL_SERVER_ERROR)
		db->broken = true;
	return rc;
}

static enum hq_rc
run(struct hq_db *db, enum hq_tx kind, hq_tx_fn *fn, void *arg,
    struct hq_err *err)
{
	enum hq_control begin =
	    kind == HQ_TX_WRITE ? HQ_CTL_BEGIN_WRITE : HQ_CTL_BEGIN_READ;
	enum hq_rc rc;
	bool dry;
	int code;

	if ((code = hq_store_control(db, begin)) != SQLITE_OK)
		return hq_store_fail(db->h, code, "begin", err);
	db->tx = kind;
	rc = fn(arg, err);
	dry = kind == HQ_TX_WRITE && db->dry_run;
	if (rc == HQ_OK && !dry)
		rc = commit(db, err);
	if (rc != HQ_OK || dry)
		roll_back(db);
	db->tx = HQ_TX_NONE;
	return rc;
}

enum hq_rc
hq_db_tx(struct hq_db *db, hq_tx_fn *fn, void *arg, struct hq_err *err)
{
	enum hq_rc rc;

	HQ_ASSERT(db->pid == getpid());
	HQ_ASSERT(!db->read_only);
	HQ_ASSERT(db->tx == HQ_TX_NONE);
	HQ_ASSERT(!hq_db_in_tx(db)); /* an open cursor is a transaction, too */
	HQ_TRY(may_write(db, err));
	HQ_TRY(hq_lock_take(db->lock, db->write_wait_ms, err));
	rc = run(db, HQ_TX_WRITE, fn, arg, err);
	hq_lock_release(db->lock);
	return rc;
}

enum hq_rc
hq_db_read(struct hq_db *db, hq_tx_fn *fn, void *arg, struct hq_err *err)
{
	HQ_ASSERT(db->pid == getpid());
	if (db->tx != HQ_TX_NONE)
		return fn(arg, err); /* it has its one snapshot already */
	return run(db, HQ_TX_READ, fn, arg, err);
}

#include <unistd.h>

#include "base/env.h"
#include "store/internal.h"
#include "store/os.h"

bool
hq_db_in_tx(const struct hq_db *db)
{
	if (db->held)
		return db->tx != HQ_TX_NONE || db->n_cursors > 0;
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

/* SQLite ends a transaction by itself when the disk fails it. */
static bool
is_open(const struct hq_db *db)
{
	return sqlite3_get_autocommit(db->h) == 0;
}

/* End a transaction that is not to be kept, unless SQLite has done it. */
static void
roll_back(struct hq_db *db)
{
	if (is_open(db) && hq_store_control(db, HQ_CTL_ROLLBACK) != SQLITE_OK)
		db->broken = true;
}

static enum hq_rc
commit(struct hq_db *db, struct hq_err *err)
{
	enum hq_rc rc;
	int code;

	if ((code = hq_store_control(db, HQ_CTL_COMMIT)) == SQLITE_OK)
		return HQ_OK;
	rc = hq_store_fail(db->h, code, "commit", err);
	if (rc == HQ_E_INTERNAL_SERVER_ERROR)
		db->broken = true;
	return rc;
}

/* --------------------------------------------------- a shared snapshot -- */

void
hq_store_share(struct hq_db *db)
{
	if (db->held && is_open(db))
		return;
	db->held =
	    db->hold && hq_store_control(db, HQ_CTL_BEGIN_READ) == SQLITE_OK;
}

static void
end_shared(struct hq_db *db)
{
	if (!db->held)
		return;
	HQ_ASSERT(!hq_db_in_tx(db));
	db->held = false;
	if (is_open(db) && hq_store_control(db, HQ_CTL_COMMIT) != SQLITE_OK)
		roll_back(db);
}

void
hq_db_hold(struct hq_db *db)
{
	HQ_ASSERT(db->tx == HQ_TX_NONE && !db->held);
	db->hold = true;
}

void
hq_db_release(struct hq_db *db)
{
	end_shared(db);
	db->hold = false;
}

/* ------------------------------------------------------------- groups -- */

/* One of several: what it has written is kept, or undone by itself. */
static enum hq_rc
run_guarded(struct hq_db *db, const struct hq_member *m, bool *ret_lost)
{
	enum hq_rc rc;
	int code;

	if ((code = hq_store_control(db, HQ_CTL_SAVEPOINT)) != SQLITE_OK)
		return hq_store_fail(db->h, code, "savepoint", m->err);
	rc = m->fn(m->arg, m->err);
	if (!is_open(db))
		return rc;
	if (rc != HQ_OK)
		*ret_lost =
		    hq_store_control(db, HQ_CTL_ROLLBACK_TO) != SQLITE_OK;
	if (hq_store_control(db, HQ_CTL_RELEASE) != SQLITE_OK)
		*ret_lost = true;
	return rc;
}

/* Why SQLite gave up the transaction: it knows as long as nothing else ran. */
static enum hq_rc
lost(const struct hq_db *db, struct hq_err *err)
{
	int code = sqlite3_errcode(db->h);

	if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
		return hq_store_fail(db->h, code, "rolled back", err);
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
	    "the transaction was rolled back after an error");
}

/*
 * Run those in line, which move to ran, until the time is over.  *ret_keep:
 * there is something to commit.  Fails if the transaction is lost.
 */
static enum hq_rc
run_members(struct hq_db *db, struct hq_members *ran, bool *ret_keep,
    struct hq_err *err)
{
	int64_t end_ms = hq_mono_ms(hq_env_system()) + HQ_GROUP_MS;
	bool alone = STAILQ_NEXT(STAILQ_FIRST(&db->waiting), line) == NULL;
	bool is_lost = false;
	struct hq_member *m;

	*ret_keep = false;
	while ((m = STAILQ_FIRST(&db->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&db->waiting, line);
		STAILQ_INSERT_TAIL(ran, m, line);
		m->rests = *ret_keep;
		m->rc = alone ? m->fn(m->arg, m->err)
			      : run_guarded(db, m, &is_lost);
		*ret_keep |= m->rc == HQ_OK;
		if (is_lost || !is_open(db))
			return lost(db, err);
		if (hq_mono_ms(hq_env_system()) >= end_ms)
			break;
	}
	return HQ_OK;
}

/* All of them are over.  rc: what became of the group. */
static void
settle(struct hq_members *ran, enum hq_rc rc, const struct hq_err *err)
{
	struct hq_member *m;

	while ((m = STAILQ_FIRST(ran)) != NULL) {
		STAILQ_REMOVE_HEAD(ran, line);
		if (rc != HQ_OK && (m->rc == HQ_OK || m->rests)) {
			m->rc = rc;
			if (m->err != NULL)
				*m->err = *err;
		}
		m->done = true;
	}
}

/* One transaction, with the lock held. */
static void
run_group(struct hq_db *db)
{
	struct hq_members ran = STAILQ_HEAD_INITIALIZER(ran);
	struct hq_err err = { 0 };
	enum hq_rc rc;
	bool keep;

	db->tx = HQ_TX_WRITE;
	rc = run_members(db, &ran, &keep, &err);
	keep = keep && !db->dry_run;
	if (rc == HQ_OK && keep)
		rc = commit(db, &err);
	if (rc != HQ_OK || !keep)
		roll_back(db);
	db->tx = HQ_TX_NONE;
	settle(&ran, rc, &err);
}

enum hq_rc
hq_store_begin(struct hq_db *db, struct hq_err *err)
{
	int code;

	HQ_TRY(may_write(db, err));
	HQ_TRY(hq_lock_take(db->lock, db->write_wait_ms, err));
	code = hq_store_control(db, HQ_CTL_BEGIN_WRITE);
	if (code == SQLITE_OK)
		return HQ_OK;
	hq_lock_release(db->lock);
	return hq_store_fail(db->h, code, "begin", err);
}

void
hq_db_flush(struct hq_db *db)
{
	struct hq_err err = { 0 };
	enum hq_rc rc;

	HQ_ASSERT(db->tx == HQ_TX_NONE);
	HQ_ASSERT(!hq_db_in_tx(db)); /* an open cursor is a transaction, too */
	end_shared(db);
	while (!STAILQ_EMPTY(&db->waiting)) {
		if ((rc = hq_store_begin(db, &err)) != HQ_OK) {
			settle(&db->waiting, rc, &err);
			return;
		}
		run_group(db);
		hq_lock_release(db->lock);
	}
}

void
hq_db_gather(struct hq_db *db, hq_db_gather_fn *gather, void *ctx)
{
	HQ_ASSERT(STAILQ_EMPTY(&db->waiting));
	db->gather = gather;
	db->gather_ctx = ctx;
}

enum hq_rc
hq_db_tx(struct hq_db *db, hq_tx_fn *fn, void *arg, struct hq_err *err)
{
	struct hq_member m = { .fn = fn, .arg = arg, .err = err };

	HQ_ASSERT(db->pid == getpid());
	HQ_ASSERT(!db->read_only);
	HQ_ASSERT(db->tx == HQ_TX_NONE);
	HQ_ASSERT(!hq_db_in_tx(db)); /* the caller's cursor, not closed */
	STAILQ_INSERT_TAIL(&db->waiting, &m, line);
	if (db->gather != NULL)
		db->gather(db->gather_ctx);
	else
		hq_db_flush(db);
	HQ_ASSERT(m.done);
	return m.rc;
}

static enum hq_rc
read_shared(struct hq_db *db, hq_tx_fn *fn, void *arg, struct hq_err *err)
{
	enum hq_rc rc;

	db->tx = HQ_TX_READ;
	rc = fn(arg, err);
	db->tx = HQ_TX_NONE;
	return rc == HQ_OK && !is_open(db) ? lost(db, err) : rc;
}

enum hq_rc
hq_db_read(struct hq_db *db, hq_tx_fn *fn, void *arg, struct hq_err *err)
{
	enum hq_rc rc;
	int code;

	HQ_ASSERT(db->pid == getpid());
	if (db->tx != HQ_TX_NONE)
		return fn(arg, err); /* it has its one snapshot already */
	hq_store_share(db);
	if (db->held)
		return read_shared(db, fn, arg, err);
	if ((code = hq_store_control(db, HQ_CTL_BEGIN_READ)) != SQLITE_OK)
		return hq_store_fail(db->h, code, "begin", err);
	db->tx = HQ_TX_READ;
	if ((rc = fn(arg, err)) == HQ_OK)
		rc = is_open(db) ? commit(db, err) : lost(db, err);
	if (rc != HQ_OK)
		roll_back(db);
	db->tx = HQ_TX_NONE;
	return rc;
}

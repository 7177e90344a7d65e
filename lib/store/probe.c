#include "store/probe.h"

#include "store/internal.h"

enum hq_rc
hq_db_probe_file(struct hq_db *db, struct hq_err *err)
{
	struct hq_answer a;
	int moved = 0;

	if (sqlite3_file_control(db->h, "main", SQLITE_FCNTL_HAS_MOVED,
		&moved) == SQLITE_OK &&
	    moved != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "%s is gone, or another file has its name", db->path);
	return hq_store_ask(db, "SELECT count(*) FROM sqlite_schema", NULL, &a,
	    err);
}

enum hq_rc
hq_db_probe_schema(struct hq_db *db, const struct hq_module *const *modules,
    struct hq_err *err)
{
	return hq_store_check_known(db, modules, err);
}

enum hq_rc
hq_db_probe_write(struct hq_db *db, int64_t wait_ms, struct hq_err *err)
{
	int64_t usual_ms = db->write_wait_ms;
	enum hq_rc rc;

	HQ_ASSERT(db->tx == HQ_TX_NONE && !hq_db_in_tx(db));
	hq_db_release(db); /* a snapshot cannot become a write */
	db->write_wait_ms = wait_ms;
	(void)sqlite3_busy_timeout(db->h, (int)wait_ms);
	rc = hq_store_begin(db, err);
	(void)sqlite3_busy_timeout(db->h, HQ_BUSY_TIMEOUT_MS);
	db->write_wait_ms = usual_ms;
	if (rc != HQ_OK)
		return rc;
	if (hq_store_control(db, HQ_CTL_ROLLBACK) != SQLITE_OK)
		db->broken = true;
	hq_lock_release(db->lock);
	return HQ_OK;
}

void
hq_db_waits(const struct hq_db *db, struct hq_db_waits *ret)
{
	*ret = (struct hq_db_waits){ 0 };
	if (db->lock != NULL)
		hq_lock_waits(db->lock, &ret->n, &ret->given_up, &ret->us);
}

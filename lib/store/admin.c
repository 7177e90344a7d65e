#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/admin.h"
#include "store/internal.h"
#include "store/os.h"

/* Versions without the WAL-reset bug: first and last of each range. */
static const struct {
	int first, last;
} safe_versions[] = {
	{ 3051003, 3999999 },
	{ 3050007, 3050999 },
	{ 3044006, 3044999 },
};

bool
hq_store_version_is_safe(int version)
{
	size_t i;

	for (i = 0; i < sizeof(safe_versions) / sizeof(safe_versions[0]); i++)
		if (version >= safe_versions[i].first &&
		    version <= safe_versions[i].last)
			return true;
	return false;
}

enum hq_rc
hq_sqlite_safe(struct hq_err *err)
{
	if (!hq_store_version_is_safe(sqlite3_libversion_number()))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "SQLite %s loses committed rows when several processes "
		    "share a WAL: link 3.51.3 or newer",
		    sqlite3_libversion());
	return HQ_OK;
}

const char *
hq_sqlite_version(void)
{
	return sqlite3_libversion();
}

enum hq_rc
hq_db_check(struct hq_db *db, struct hq_err *err)
{
	struct hq_answer a;

	HQ_TRY(hq_store_ask(db, "PRAGMA integrity_check(1)", NULL, &a, err));
	if (strcmp(a.text, "ok") != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s is damaged: %s",
		    db->path, a.text);
	HQ_TRY(hq_store_ask(db, "PRAGMA foreign_key_check", NULL, &a, err));
	if (a.row)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "%s: a row of %s refers to a row that is not there",
		    db->path, a.text);
	return HQ_OK;
}

enum hq_rc
hq_db_quick_check(struct hq_db *db, struct hq_err *err)
{
	struct hq_answer a;

	HQ_TRY(hq_store_ask(db, "PRAGMA quick_check(1)", NULL, &a, err));
	if (strcmp(a.text, "ok") != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s is damaged: %s",
		    db->path, a.text);
	return HQ_OK;
}

/* ---------------------------------------------------------------- backup -- */

/* The copy is looked at through a connection of its own. */
static enum hq_rc
verify(const char *path, struct hq_err *err)
{
	struct hq_db copy = { 0 };
	struct hq_answer a = { 0 };
	enum hq_rc rc;
	int code;

	code = sqlite3_open_v2(path, &copy.h,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
	    NULL);
	if (code == SQLITE_OK)
		rc =
		    hq_store_ask(&copy, "PRAGMA quick_check(1)", NULL, &a, err);
	else
		rc = hq_store_fail(copy.h, code, path, err);
	(void)sqlite3_close(copy.h);
	if (rc == HQ_OK && strcmp(a.text, "ok") != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "the copy is damaged: %s", a.text);
	return rc;
}

static enum hq_rc
copy_to(struct hq_db *db, const char *tmp, const char *to, struct hq_err *err)
{
	struct hq_answer none;

	HQ_TRY(hq_store_ask(db, "VACUUM INTO $1", tmp, &none, err));
	HQ_TRY(hq_os_sync(tmp, err));
	HQ_TRY(verify(tmp, err));
	if (rename(tmp, to) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "cannot name the copy %s", to);
	return hq_os_sync_dir(to, err);
}

enum hq_rc
hq_db_backup(struct hq_db *db, const char *to_path, struct hq_err *err)
{
	char suffix[32], *to, *tmp;
	enum hq_rc rc;

	HQ_ASSERT(!hq_db_in_tx(db));
	HQ_TRY(hq_os_resolve(to_path, &to, err));
	(void)snprintf(suffix, sizeof(suffix), ".part-%ld", (long)getpid());
	tmp = hq_os_concat(to, suffix);
	(void)unlink(tmp); /* of a process that died with our id */
	if (access(to, F_OK) == 0)
		rc = HQ_FAIL(err, CONFLICT, "%s exists already", to);
	else
		rc = hq_os_create(tmp, err);
	if (rc == HQ_OK) {
		rc = copy_to(db, tmp, to, err);
		if (rc != HQ_OK)
			(void)unlink(tmp);
	}
	free(tmp);
	free(to);
	return rc;
}

/* ------------------------------------------------------------ checkpoint -- */

/* *ret_frames: in the log; *ret_ok: no reader kept any of them. */
static enum hq_rc
move_frames(struct hq_db *db, int mode, int *ret_frames, bool *ret_ok,
    struct hq_err *err)
{
	int code =
	    sqlite3_wal_checkpoint_v2(db->h, NULL, mode, ret_frames, NULL);

	*ret_ok = code == SQLITE_OK;
	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY)
		return HQ_OK; /* a reader keeps some of it; next time */
	return hq_store_fail(db->h, code, "checkpoint", err);
}

/* A SQLite that cannot say (before 3.51) is told to move what there is. */
static bool
is_long(struct hq_db *db)
{
	int frames;

	return sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_NOOP,
		   &frames, NULL) != SQLITE_OK ||
	    frames >= HQ_WAL_FRAMES;
}

/* RESTART leaves the file as long as it is; too long a one is cut off. */
static int
mode_for(const struct hq_db *db)
{
	int64_t keep = HQ_WAL_KEEP_BYTES;

	if (db->wal_max_bytes > 0 && db->wal_max_bytes / 2 < keep)
		keep = db->wal_max_bytes / 2;
	return hq_os_bytes(db->wal_path) > keep ? SQLITE_CHECKPOINT_TRUNCATE
						: SQLITE_CHECKPOINT_RESTART;
}

/*
 * This keeps writers out while it works, so it comes when PASSIVE has moved
 * nearly all, takes its turn among the writers, and waits for no reader.
 */
static enum hq_rc
start_over(struct hq_db *db, bool *ret_ok, struct hq_err *err)
{
	enum hq_rc rc;
	int frames;

	HQ_TRY(hq_lock_take(db->lock, db->write_wait_ms, err));
	(void)sqlite3_busy_timeout(db->h, 0);
	rc = move_frames(db, mode_for(db), &frames, ret_ok, err);
	(void)sqlite3_busy_timeout(db->h, HQ_BUSY_TIMEOUT_MS);
	hq_lock_release(db->lock);
	return rc;
}

enum hq_rc
hq_db_checkpoint(struct hq_db *db, bool empty, int64_t *ret_wal_bytes,
    struct hq_err *err)
{
	bool emptied = false, unused;
	int frames = 0;

	HQ_ASSERT(db->checkpointer);
	HQ_ASSERT(!hq_db_in_tx(db));
	if (empty || is_long(db)) {
		HQ_TRY(move_frames(db, SQLITE_CHECKPOINT_PASSIVE, &frames,
		    &unused, err));
		HQ_TRY(start_over(db, &emptied, err));
	}
	*ret_wal_bytes = emptied ? 0 : hq_os_bytes(db->wal_path);
	return HQ_OK;
}

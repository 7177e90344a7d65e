/*
 * Restore: a backup takes the store's place.
 *
 * Every process of ours keeps SQLite's shared lock on the file while it has it
 * open (WAL mode), so the exclusive one is the proof that nobody does.
 */
/* For F_OFD_SETLK.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/admin.h"
#include "store/internal.h"
#include "store/os.h"

enum {
	/* Where SQLite keeps its locks: pending, reserved and shared bytes. */
	LOCKS_AT = 0x40000000,
	LOCKS_BYTES = 512,
	KEPT_MAX = 1000, /* files kept beside a store */
};

struct restore {
	char *path, *wal, *shm; /* of the store */
	char *tmp;              /* the checked copy */
	char *kept, *kept_wal;
	bool exists;
	struct stat was; /* of the store, if it exists */
};

static void
restore_done(struct restore *r)
{
	free(r->path);
	free(r->wal);
	free(r->shm);
	free(r->tmp);
	free(r->kept);
	free(r->kept_wal);
}

/* ------------------------------------------------------------- the copy -- */

/* Open, copy with VACUUM INTO, close: the backup may itself have a WAL. */
static enum hq_rc
copy(const char *from, const char *tmp, const struct hq_module *const *modules,
    struct hq_err *err)
{
	struct hq_db db = { 0 };
	struct hq_answer none;
	enum hq_rc rc;
	int code;

	code = sqlite3_open_v2(from, &db.h,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	db.path = hq_os_concat(from, "");
	if (code != SQLITE_OK)
		rc = hq_store_fail(db.h, code, from, err);
	else
		rc = hq_db_quick_check(&db, err);
	if (rc == HQ_OK)
		rc = hq_store_check_known(&db, modules, err);
	if (rc == HQ_OK && tmp != NULL)
		rc = hq_store_ask(&db, "VACUUM INTO $1", tmp, &none, err);
	(void)sqlite3_close(db.h);
	free(db.path);
	return rc == HQ_OK && tmp != NULL ? hq_os_sync(tmp, err) : rc;
}

/* ------------------------------------------------------- nobody has it open -- */

static enum hq_rc
in_use(const char *path, struct hq_err *err)
{
	return HQ_FAIL(err, CONFLICT,
	    "%s is in use: stop the responders and the runner first", path);
}

/* Leave WAL mode: only the last connection can, and it empties the WAL. */
static enum hq_rc
leave_wal(const struct restore *r, struct hq_err *err)
{
	struct hq_db db = { 0 };
	struct hq_answer a = { 0 };
	int code;

	code = sqlite3_open_v2(r->path, &db.h,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		/* A damaged store is no reason not to replace it. */
		HQ_IGNORE(hq_store_ask(&db, "PRAGMA journal_mode=DELETE", NULL,
		    &a, NULL));
	code = sqlite3_errcode(db.h) & 0xff;
	(void)sqlite3_close(db.h);
	return code == SQLITE_BUSY || code == SQLITE_LOCKED
	    ? in_use(r->path, err)
	    : HQ_OK;
}

/* *ret: a descriptor that keeps everybody out until it is closed. */
static enum hq_rc
shut(const struct restore *r, int *ret, struct hq_err *err)
{
	struct flock fl = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCKS_AT,
		.l_len = LOCKS_BYTES };
	int fd = open(r->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot open %s: %s",
		    r->path, hq_os_error(errno));
	if (fcntl(fd, F_OFD_SETLK, &fl) != 0) {
		(void)close(fd);
		return in_use(r->path, err);
	}
	*ret = fd;
	return HQ_OK;
}

/* ------------------------------------------------------------ the exchange -- */

static enum hq_rc
name_kept(struct restore *r, struct hq_err *err)
{
	char suffix[32];
	int i;

	for (i = 1; i <= KEPT_MAX; i++) {
		(void)snprintf(suffix, sizeof(suffix), ".before-restore-%d", i);
		free(r->kept);
		r->kept = hq_os_concat(r->path, suffix);
		if (access(r->kept, F_OK) != 0) {
			r->kept_wal = hq_os_concat(r->kept, "-wal");
			return HQ_OK;
		}
	}
	return HQ_FAIL(err, CONFLICT, "%s: remove old ones first", r->kept);
}

/*
 * The old store gets its second name first, the old WAL goes before the new
 * file comes: a WAL must never meet a file it is not of.
 */
static enum hq_rc
exchange(struct restore *r, struct hq_err *err)
{
	if (r->exists) {
		HQ_TRY(name_kept(r, err));
		if (link(r->path, r->kept) != 0 ||
		    (link(r->wal, r->kept_wal) != 0 && errno != ENOENT))
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "cannot keep %s: %s", r->kept, hq_os_error(errno));
		HQ_TRY(hq_os_sync_dir(r->path, err));
	}
	(void)unlink(r->shm);
	if (unlink(r->wal) != 0 && errno != ENOENT)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "cannot remove %s: %s", r->wal, hq_os_error(errno));
	if (rename(r->tmp, r->path) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "cannot name the copy %s: %s", r->path, hq_os_error(errno));
	return hq_os_sync_dir(r->path, err);
}

/* The copy belongs to whom the store belonged to. */
static enum hq_rc
own_alike(const struct restore *r, struct hq_err *err)
{
	if (chown(r->tmp, r->was.st_uid, r->was.st_gid) != 0 ||
	    chmod(r->tmp, r->was.st_mode & 0777) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "cannot give %s the owner of the store: %s", r->tmp,
		    hq_os_error(errno));
	return HQ_OK;
}

/* The copy, beside the store and ready to take its name; dry: only read. */
static enum hq_rc
prepare(struct restore *r, const char *from,
    const struct hq_module *const *modules, bool dry_run, struct hq_err *err)
{
	if (dry_run)
		return copy(from, NULL, modules, err);
	HQ_TRY(hq_os_create(r->tmp, err));
	HQ_TRY(copy(from, r->tmp, modules, err));
	if (!r->exists)
		return HQ_OK;
	HQ_TRY(own_alike(r, err));
	return leave_wal(r, err);
}

static enum hq_rc
replace(struct restore *r, const char *from,
    const struct hq_module *const *modules, bool dry_run, struct hq_err *err)
{
	int fd = -1;
	enum hq_rc rc;

	HQ_TRY(prepare(r, from, modules, dry_run, err));
	if (r->exists)
		HQ_TRY(shut(r, &fd, err));
	rc = dry_run ? HQ_OK : exchange(r, err);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

/* The two names of one file, or a backup that is not there. */
static enum hq_rc
check_names(struct restore *r, const char *from, struct hq_err *err)
{
	struct stat a, *b = &r->was;

	if (stat(from, &a) != 0)
		return HQ_FAIL(err, NOT_FOUND, "%s: %s", from,
		    hq_os_error(errno));
	if (!S_ISREG(a.st_mode))
		return HQ_FAIL(err, BAD_REQUEST, "%s is not a file", from);
	r->exists = stat(r->path, b) == 0;
	if (r->exists && a.st_dev == b->st_dev && a.st_ino == b->st_ino)
		return HQ_FAIL(err, CONFLICT, "%s is the store itself", from);
	return HQ_OK;
}

enum hq_rc
hq_db_restore(const char *path, const char *from_path,
    const struct hq_module *const *modules, bool dry_run, char **ret_kept,
    struct hq_err *err)
{
	struct restore r = { 0 };
	enum hq_rc rc;

	HQ_TRY(hq_sqlite_safe(err));
	if (sqlite3_initialize() != SQLITE_OK)
		HQ_BUG("out of memory");
	HQ_TRY(hq_os_resolve(path, &r.path, err));
	r.wal = hq_os_concat(r.path, "-wal");
	r.shm = hq_os_concat(r.path, "-shm");
	r.tmp = hq_os_concat(r.path, ".restoring");
	if (!dry_run)
		(void)unlink(r.tmp); /* of one that was killed */
	rc = check_names(&r, from_path, err);
	if (rc == HQ_OK)
		rc = replace(&r, from_path, modules, dry_run, err);
	if (rc != HQ_OK && !dry_run)
		(void)unlink(r.tmp);
	if (rc == HQ_OK) {
		*ret_kept = r.kept;
		r.kept = NULL;
	}
	restore_done(&r);
	return rc;
}

/*
 * tests/unit/faultvfs.h - a disk between SQLite and the file system that can
 * lose power and fail.
 *
 * It becomes the default VFS.  Of each file it keeps what is durable, and the
 * writes since: a sync makes them durable.  At any moment fault_image() writes
 * the files as they could be found after the power was cut at it: SQLite's
 * contract leaves open which of the writes since the last sync are there, in
 * which order, and which sectors of one.  One thread, no deleted directories.
 */
#ifndef FAULTVFS_H
#define FAULTVFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_UNUSED __attribute__((unused))

enum { FAULT_FILES = 8, FAULT_SECTOR = 512 };

enum fault_op { OP_WRITE, OP_SYNC, OP_TRUNCATE, OP_SHM, OP_OPEN, OP__MAX };
enum fault_kept {
	KEPT_NONE,
	KEPT_ALL,
	KEPT_SOME,
	KEPT_TORN,
	KEPT_LAST,
	KEPT__MAX
};
enum fault_error { FAIL_IO, FAIL_FULL, FAIL_SHORT, FAIL__MAX };

struct fault_write {
	sqlite3_int64 at;
	int n;
	enum { DATA, CUT, GONE } what;
	unsigned char *data;
};

struct fault_disk {
	char name[128];
	unsigned char *durable;
	sqlite3_int64 size;
	struct fault_write *since;
	size_t n, cap;
};

struct fault_file {
	sqlite3_file base;
	struct fault_disk *disk; /* NULL: not one that lasts */
	bool syncs_dir;          /* its first sync is one of the directory */
	sqlite3_file *real;
};

static struct {
	struct fault_disk disks[FAULT_FILES];
	size_t n;
	sqlite3_vfs vfs, *real;
	bool lies; /* a sync that does nothing: the negative control */
	long ops;
	/* Called before each write, sync and truncation; or NULL. */
	void (*at_op)(void);
	/* The at-th `op` from now on fails: once, or it and all after it. */
	bool armed, forever, hit;
	enum fault_op op;
	enum fault_error error;
	long at;
	uint64_t seed;
} fault;

static FAULT_UNUSED unsigned
fault_random(unsigned n)
{
	fault.seed =
	    fault.seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(fault.seed >> 33) % n;
}

static void *
fault_grown(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (p == NULL)
		abort();
	return p;
}

static struct fault_disk *
fault_disk_of(const char *name)
{
	size_t i;

	for (i = 0; i < fault.n; i++)
		if (strcmp(fault.disks[i].name, name) == 0)
			return &fault.disks[i];
	if (fault.n == FAULT_FILES ||
	    strlen(name) >= sizeof(fault.disks[0].name))
		abort();
	(void)snprintf(fault.disks[fault.n].name, sizeof(fault.disks[0].name),
	    "%s", name);
	return &fault.disks[fault.n++];
}

static void
fault_note(struct fault_disk *d, struct fault_write f, const void *data)
{
	if (d == NULL)
		return;
	if (d->n == d->cap) {
		d->cap = d->cap * 2 + 64;
		d->since = fault_grown(d->since, d->cap * sizeof(f));
	}
	if (f.n > 0) {
		f.data = fault_grown(NULL, (size_t)f.n);
		memcpy(f.data, data, (size_t)f.n);
	}
	d->since[d->n++] = f;
}

static void
fault_resize(struct fault_disk *d, sqlite3_int64 size)
{
	d->durable = fault_grown(d->durable, (size_t)size + 1);
	if (size > d->size)
		memset(d->durable + d->size, 0, (size_t)(size - d->size));
	d->size = size;
}

/* Bytes [from, to) of a write reach the disk. */
static void
fault_apply(struct fault_disk *d, const struct fault_write *f, int from, int to)
{
	if (f->what != DATA) {
		fault_resize(d, f->what == GONE ? 0 : f->at);
		return;
	}
	if (d->size < f->at + to)
		fault_resize(d, f->at + to);
	memcpy(d->durable + f->at + from, f->data + from, (size_t)(to - from));
}

static void
fault_synced(struct fault_disk *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		fault_apply(d, &d->since[i], 0, d->since[i].n);
		free(d->since[i].data);
	}
	d->n = 0;
}

/*
 * What was unlinked stays so.  Of the files themselves this syncs nothing.
 */
static void
fault_dir_synced(void)
{
	struct fault_disk *d;
	size_t i, k;

	for (d = fault.disks; d < fault.disks + fault.n; d++) {
		for (k = d->n; k > 0 && d->since[k - 1].what != GONE; k--)
			;
		for (i = 0; i < k; i++) {
			fault_apply(d, &d->since[i], 0, d->since[i].n);
			free(d->since[i].data);
		}
		if (k > 0)
			memmove(d->since, d->since + k,
			    (d->n - k) * sizeof(d->since[0]));
		d->n -= k;
	}
}

/* ---------------------------------------------------------- power is cut -- */

static FAULT_UNUSED bool
fault_unsynced(void)
{
	size_t i;

	for (i = 0; i < fault.n; i++)
		if (fault.disks[i].n > 0)
			return true;
	return false;
}

static void
fault_torn(struct fault_disk *d, const struct fault_write *f)
{
	int from, to;

	for (from = 0; from < f->n; from = to) {
		to = from + FAULT_SECTOR < f->n ? from + FAULT_SECTOR : f->n;
		if (fault_random(2) == 0)
			fault_apply(d, f, from, to);
	}
}

static void
fault_survive(struct fault_disk *d, size_t i, enum fault_kept kept)
{
	const struct fault_write *f = &d->since[i];

	if (kept == KEPT_TORN && f->what == DATA)
		fault_torn(d, f);
	else if (kept == KEPT_ALL || (kept == KEPT_LAST && i + 1 == d->n) ||
	    (kept != KEPT_NONE && kept != KEPT_LAST && fault_random(2) == 0))
		fault_apply(d, f, 0, f->n);
}

/*
 * The disk after the cut, as `to` and `to`-wal.  Destroys what is known of the
 * writes: for a child that is to die.
 */
static FAULT_UNUSED void
fault_image(const char *to, enum fault_kept kept)
{
	char path[160];
	const char *dash;
	size_t i, k;
	FILE *f;

	for (i = 0; i < fault.n; i++) {
		struct fault_disk *d = &fault.disks[i];

		for (k = 0; k < d->n; k++)
			fault_survive(d, k, kept);
		dash = strrchr(d->name, '-');
		if (d->size == 0 && dash != NULL)
			continue; /* as good as not there */
		(void)snprintf(path, sizeof(path), "%s%s", to,
		    dash == NULL ? "" : dash);
		f = fopen(path, "wb");
		if (f == NULL ||
		    fwrite(d->durable, 1, (size_t)d->size, f) !=
			(size_t)d->size ||
		    fclose(f) != 0)
			abort();
	}
}

/* ------------------------------------------------------------- one failure -- */

static bool
fault_strikes(enum fault_op op)
{
	if (!fault.armed || op != fault.op || --fault.at > 0)
		return false;
	if (fault.at < 0 && !fault.forever)
		return false;
	fault.hit = true;
	return true;
}

static int
fault_code(int io)
{
	return fault.error == FAIL_IO ? io : SQLITE_FULL;
}

static void
fault_tick(void)
{
	fault.ops++;
	if (fault.at_op != NULL)
		fault.at_op();
}

/* --------------------------------------------------------------- the files -- */

#define FAULT_FILE(f) ((struct fault_file *)(void *)(f))
#define REAL(f) (FAULT_FILE(f)->real)
#define PASS(f, method, ...) (REAL(f)->pMethods->method(REAL(f), __VA_ARGS__))

static int
fault_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int
fault_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return PASS(f, xRead, to, n, at);
}

static int
fault_put(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
	int code = PASS(f, xWrite, data, n, at);

	if (code == SQLITE_OK)
		fault_note(FAULT_FILE(f)->disk,
		    (struct fault_write){ .at = at, .n = n, .what = DATA },
		    data);
	return code;
}

static int
fault_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
	fault_tick();
	if (!fault_strikes(OP_WRITE))
		return fault_put(f, data, n, at);
	if (fault.error == FAIL_SHORT)
		(void)fault_put(f, data, n / 2, at);
	return fault_code(SQLITE_IOERR_WRITE);
}

static int
fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int code;

	fault_tick();
	if (fault_strikes(OP_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	code = PASS(f, xTruncate, size);
	if (code == SQLITE_OK)
		fault_note(FAULT_FILE(f)->disk,
		    (struct fault_write){ .at = size, .what = CUT }, NULL);
	return code;
}

static int
fault_sync(sqlite3_file *f, int flags)
{
	struct fault_file *file = FAULT_FILE(f);

	(void)flags;
	fault_tick();
	if (fault_strikes(OP_SYNC))
		return SQLITE_IOERR_FSYNC;
	if (fault.lies || file->disk == NULL)
		return SQLITE_OK;
	fault_synced(file->disk);
	if (file->syncs_dir)
		fault_dir_synced();
	file->syncs_dir = false;
	return SQLITE_OK;
}

static int
fault_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return PASS(f, xFileSize, ret);
}

static int
fault_lock(sqlite3_file *f, int level)
{
	return PASS(f, xLock, level);
}

static int
fault_unlock(sqlite3_file *f, int level)
{
	return PASS(f, xUnlock, level);
}

static int
fault_reserved(sqlite3_file *f, int *ret)
{
	return PASS(f, xCheckReservedLock, ret);
}

static int
fault_control(sqlite3_file *f, int op, void *arg)
{
	return PASS(f, xFileControl, op, arg);
}

static int
fault_sector(sqlite3_file *f)
{
	(void)f;
	return FAULT_SECTOR;
}

/* Nothing may be counted on: no atomic write, no safe append. */
static int
fault_traits(sqlite3_file *f)
{
	(void)f;
	return 0;
}

static int
fault_shm_map(sqlite3_file *f, int page, int bytes, int extend,
    void volatile **ret)
{
	if (fault_strikes(OP_SHM))
		return SQLITE_IOERR_SHMMAP;
	return PASS(f, xShmMap, page, bytes, extend, ret);
}

static int
fault_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return PASS(f, xShmLock, at, n, flags);
}

static void
fault_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int
fault_shm_unmap(sqlite3_file *f, int gone)
{
	return PASS(f, xShmUnmap, gone);
}

static const sqlite3_io_methods fault_methods = { 2, fault_close, fault_read,
	fault_write, fault_truncate, fault_sync, fault_size, fault_lock,
	fault_unlock, fault_reserved, fault_control, fault_sector, fault_traits,
	fault_shm_map, fault_shm_lock, fault_shm_barrier, fault_shm_unmap, NULL,
	NULL };

static int
fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *ret_flags)
{
	struct fault_file *file = FAULT_FILE(f);
	int code,
	    lasting = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL |
	    SQLITE_OPEN_MAIN_JOURNAL;

	(void)vfs;
	memset(file, 0, sizeof(*file));
	if (fault_strikes(OP_OPEN))
		return fault_code(SQLITE_CANTOPEN);
	file->real = (sqlite3_file *)(void *)(file + 1);
	code =
	    fault.real->xOpen(fault.real, name, file->real, flags, ret_flags);
	if (code != SQLITE_OK)
		return code;
	file->disk =
	    name != NULL && (flags & lasting) != 0 ? fault_disk_of(name) : NULL;
	/* As SQLite's own VFS has it, on which the end of a journal rests. */
	file->syncs_dir = (flags & SQLITE_OPEN_CREATE) != 0 &&
	    (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
	file->base.pMethods = &fault_methods;
	return SQLITE_OK;
}

static int
fault_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	struct fault_disk *d = fault_disk_of(name);
	int code;

	(void)vfs;
	fault_tick();
	code = fault.real->xDelete(fault.real, name, sync_dir);
	if (code != SQLITE_OK)
		return code;
	fault_note(d, (struct fault_write){ .what = GONE }, NULL);
	if (sync_dir != 0 && !fault.lies)
		fault_synced(d);
	return SQLITE_OK;
}

/* Connections that are opened from now on stand on this disk. */
static FAULT_UNUSED void
fault_begin(uint64_t seed)
{
	if (sqlite3_initialize() != SQLITE_OK)
		abort();
	memset(&fault, 0, sizeof(fault));
	fault.seed = seed * 2654435761U + 1;
	fault.real = sqlite3_vfs_find("unix");
	fault.vfs = *fault.real;
	fault.vfs.zName = "fault";
	fault.vfs.szOsFile =
	    (int)sizeof(struct fault_file) + fault.real->szOsFile;
	fault.vfs.pNext = NULL;
	fault.vfs.xOpen = fault_open;
	fault.vfs.xDelete = fault_delete;
	if (sqlite3_vfs_register(&fault.vfs, 1) != SQLITE_OK)
		abort();
}

/* And those from now on on the real one. */
static FAULT_UNUSED void
fault_leave(void)
{
	(void)sqlite3_vfs_register(fault.real, 1);
}

static FAULT_UNUSED void
fault_end(void)
{
	size_t i, k;

	(void)sqlite3_vfs_unregister(&fault.vfs);
	fault_leave();
	for (i = 0; i < fault.n; i++) {
		for (k = 0; k < fault.disks[i].n; k++)
			free(fault.disks[i].since[k].data);
		free(fault.disks[i].since);
		free(fault.disks[i].durable);
	}
	fault.n = 0;
}

#endif /* FAULTVFS_H */

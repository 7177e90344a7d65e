/*
 * store/internal.h - what the files of this room share, and its tests look at.
 * Nobody else includes it.
 */
#ifndef HQ_STORE_INTERNAL_H
#define HQ_STORE_INTERNAL_H

#include <sys/queue.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "store/db.h"
#include "store/lock.h"

enum {
	HQ_PARAMS_MAX = 64, /* parameters of one statement */
	/* Only foreign programs make a connection wait inside SQLite. */
	HQ_BUSY_TIMEOUT_MS = 1000,
	HQ_MIGRATE_WAIT_MS = 60 * 1000,
	/* After it a group is committed, and the rest queues again. */
	HQ_GROUP_MS = 10,
};

/* A statement of a module.  SQLite numbers $1, $2 as it meets them. */
struct hq_stmt {
	sqlite3_stmt *st; /* NULL until it is first used: 4 KB each */
	const char *sql;  /* the module's */
	bool writes;
	unsigned char n;                 /* parameters, $1 to $n */
	unsigned char at[HQ_PARAMS_MAX]; /* at[i]: SQLite's number of $i+1 */
};

struct hq_stmt_set {
	const struct hq_module *m;
	size_t n;
	struct hq_stmt *stmts; /* by the module's numbers */
};

/* The statements the store itself runs on every connection. */
enum hq_control {
	HQ_CTL_BEGIN_WRITE,
	HQ_CTL_BEGIN_READ,
	HQ_CTL_COMMIT,
	HQ_CTL_ROLLBACK,
	HQ_CTL_SAVEPOINT,
	HQ_CTL_RELEASE,
	HQ_CTL_ROLLBACK_TO,
	HQ_CTL_DATA_VERSION,
	HQ_CTL__MAX
};

enum hq_tx { HQ_TX_NONE, HQ_TX_READ, HQ_TX_WRITE };

/* A call of hq_db_tx(), from its beginning to its end; on the caller's stack. */
struct hq_member {
	STAILQ_ENTRY(hq_member) line;
	hq_tx_fn *fn;
	void *arg;
	struct hq_err *err; /* may be NULL */
	enum hq_rc rc;
	bool rests; /* it came after a write that was to be kept */
	bool done;
};
STAILQ_HEAD(hq_members, hq_member);

struct hq_db {
	sqlite3 *h;
	char *path;           /* resolved; heap */
	char *wal_path;       /* heap */
	struct hq_lock *lock; /* NULL if read_only */
	sqlite3_stmt *ctl[HQ_CTL__MAX];
	struct hq_stmt_set *sets;
	size_t nsets;
	pid_t pid; /* the process that opened it, the only one to use it */
	enum hq_tx tx;
	int n_cursors;             /* open ones */
	bool hold;                 /* reads may share a snapshot */
	bool held;                 /* they do: a transaction of no tx */
	struct hq_members waiting; /* for the next group */
	hq_db_gather_fn *gather;   /* NULL: every one by itself */
	void *gather_ctx;
	bool read_only;
	bool checkpointer;
	bool dry_run;
	bool broken; /* a commit failed half-way: no more writes */
	int64_t write_wait_ms;
	int64_t wal_max_bytes;
};

/*
 * Translate an SQLite result.  what: a name for the log; never shown for a
 * status below 500.
 */
enum hq_rc hq_store_fail(sqlite3 *h, int code, const char *what,
    struct hq_err *err);

/*
 * Open the file, set it up, prepare only the store's own statements.  The
 * schema is not looked at and no module is known yet.
 */
enum hq_rc hq_store_connect(const struct hq_db_opts *o, struct hq_db **ret,
    struct hq_err *err) HQ_MUST;

/* Check what the modules state; each module once. */
enum hq_rc hq_store_check_sql(struct hq_db *db,
    const struct hq_module *const *modules, struct hq_err *err) HQ_MUST;
/* Prepare it for good, if that has not been done. */
enum hq_rc hq_store_prepare(struct hq_db *db, struct hq_stmt *s,
    struct hq_err *err) HQ_MUST;

/* Outside of a transaction: begin the snapshot that reads share, if they may. */
void hq_store_share(struct hq_db *db);

/* Take the writers' lock and BEGIN IMMEDIATE; on failure neither is had. */
enum hq_rc hq_store_begin(struct hq_db *db, struct hq_err *err) HQ_MUST;

/* Run one of the store's own statements to its end; an SQLite code. */
int hq_store_control(struct hq_db *db, enum hq_control c);

/*
 * The first row's first column as a number (ret_i64) or as text of at most
 * cap - 1 bytes (text); *ret_row says whether there was a row.  For the store's
 * own questions only: sql is a literal.
 */
struct hq_answer {
	bool row;
	int64_t i;
	char text[160];
};
enum hq_rc hq_store_ask(struct hq_db *db, const char *sql, const char *bound,
    struct hq_answer *ret, struct hq_err *err) HQ_MUST;

/* Whether the modules' schemas are those of the program; see db.h, open. */
enum hq_rc hq_store_check_schema(struct hq_db *db,
    const struct hq_module *const *modules, struct hq_err *err) HQ_MUST;
/* Whether none of them is newer than the program's. */
enum hq_rc hq_store_check_known(struct hq_db *db,
    const struct hq_module *const *modules, struct hq_err *err) HQ_MUST;
struct hq_migration_report {
	void (*fn)(void *arg, const char *module, int64_t to); /* or NULL */
	void *arg;
};
enum hq_rc hq_store_migrate(struct hq_db *db,
    const struct hq_module *const *modules,
    const struct hq_migration_report *report, struct hq_err *err) HQ_MUST;

/* Whether a version of SQLite is free of the WAL-reset bug. */
bool hq_store_version_is_safe(int version);

#endif /* HQ_STORE_INTERNAL_H */

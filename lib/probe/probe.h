/*
 * probe/probe.h - is the system well?  Each question once, for /readyz and for
 * `rawr doctor`.  None of them writes, and none waits longer than
 * HQ_PROBE_WRITE_MS.
 */
#ifndef HQ_PROBE_PROBE_H
#define HQ_PROBE_PROBE_H

#include "base/config.h"
#include "store/db.h"

enum {
	HQ_PROBE_WRITE_MS = 200, /* a write has to begin by then */
	/* Without a sign for that long, and RAWR_WRITE_WAIT, a runner hangs. */
	HQ_PROBE_RUNNER_MS = 15000,
	HQ_PROBE_DISK_WARN_BYTES = 1 << 30,
	HQ_PROBE_DISK_MIN_BYTES = 64 << 20,
};

enum hq_probe_verdict { HQ_PROBE_OK, HQ_PROBE_WARN, HQ_PROBE_FAIL };

struct hq_probe {
	enum hq_probe_verdict verdict;
	const char *fix; /* what to do, static; NULL: nothing */
	char text[HQ_ERR_MSG_BYTES];
};

void hq_probe_set(struct hq_probe *p, enum hq_probe_verdict v, const char *fix,
    const char *fmt, ...) HQ_PRINTF(4, 5);

/* The store that a worker serves from (store/probe.h). */
void hq_probe_file(struct hq_db *db, struct hq_probe *p);
void hq_probe_schema(struct hq_db *db, const struct hq_module *const *modules,
    struct hq_probe *p);
void hq_probe_write(struct hq_db *db, struct hq_probe *p);

/* What stands around it. */
void hq_probe_wal(const struct hq_config *c, struct hq_probe *p);
void hq_probe_disk(const struct hq_config *c, struct hq_probe *p);
/* Bytes free on the store's disk; -1: there is no such place. */
int64_t hq_probe_disk_free(const struct hq_config *c);

/* The runner's sign of life, RAWR_VAR/run/runner.alive; mono_ms: now. */
void hq_probe_runner(const struct hq_config *c, int64_t mono_ms,
    struct hq_probe *p);
/* -1: no runner lives. */
int64_t hq_probe_runner_age_ms(const struct hq_config *c, int64_t mono_ms);

/*
 * Have all responders of this installation a master that lives, and a worker
 * that serves?  By what they write to RAWR_VAR/run; a: for names.
 */
void hq_probe_responders(const struct hq_config *c, struct hq_arena *a,
    struct hq_probe *p);
/* The i-th responder that there has to be; NULL: there are no more. */
const char *hq_probe_responder(const struct hq_config *c, size_t i);

/* "<RAWR_VAR>/run/<name>.<ending>" in the arena; NULL if that is full. */
char *hq_probe_path(const struct hq_config *c, struct hq_arena *a,
    const char *name, const char *ending) HQ_MUST;

#endif /* HQ_PROBE_PROBE_H */

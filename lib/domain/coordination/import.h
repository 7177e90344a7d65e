/*
 * domain/coordination/import.h - take over a reference's .rawr directory.
 *
 *   coordination/workflows/<workflowId>.json
 *   coordination/runs/<runId>.json
 *   coordination/timelines/<runId>.json           array of events
 *   coordination/memory/<workflowId>/<deskId>.json
 *   coordination/memory-versions/<workflowId>/<version>/<deskId>.json
 *
 * The last is an addition: memory of versions that are not the newest.
 * Runs and events come back byte for byte as the reference would have given
 * them.  Whatever is not taken over is reported, with the reason.  May be run
 * again: what is the same or newer here is kept.  A file is one transaction.
 */
#ifndef HQ_DOMAIN_COORDINATION_IMPORT_H
#define HQ_DOMAIN_COORDINATION_IMPORT_H

#include "domain/coordination/coordination.h"

enum { HQ_COORD_IMPORT_FILE_BYTES_MAX = 16 << 20 };

/* Told of what was not taken over, and why. */
typedef void hq_coord_report(void *arg, const char *path, const char *reason);

/* Who looks on; shared with the exporter. */
struct hq_coord_watch {
	hq_coord_report *report;
	/* After each file; total is what is known so far.  May be NULL. */
	void (*progress)(void *arg, size_t done, size_t total);
	void *arg;
};

struct hq_coord_counts {
	size_t workflows, runs, events, memories; /* taken over */
	size_t kept;    /* newer here, or the store's own */
	size_t refused; /* unreadable, or not what it should be */
	/* Of those: the system failed to read them.  Run again, it may not. */
	size_t missed;
};

/*
 * An error means that the store failed, or that nothing could be read: what
 * was counted so far stands.
 * NOT_FOUND if dir has no coordination directory.
 */
enum hq_rc hq_coord_import(struct hq_db *db, const char *dir,
    const struct hq_coord_watch *w, struct hq_coord_counts *ret,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_IMPORT_H */

/*
 * store/probe.h - is the store well?  For whoever asks now and then, on a
 * connection that serves: nothing here writes to the disk.
 */
#ifndef HQ_STORE_PROBE_H
#define HQ_STORE_PROBE_H

#include "store/db.h"

/* The file that is open is still the one of that name, and can be read. */
enum hq_rc hq_db_probe_file(struct hq_db *db, struct hq_err *err) HQ_MUST;

/* No module's schema is newer than this program knows. */
enum hq_rc hq_db_probe_schema(struct hq_db *db,
    const struct hq_module *const *modules, struct hq_err *err) HQ_MUST;

/*
 * A write could begin within wait_ms: one does, as all begin, and ends without
 * a page.  SERVICE_UNAVAILABLE as hq_db_tx() gives it.
 */
enum hq_rc hq_db_probe_write(struct hq_db *db, int64_t wait_ms,
    struct hq_err *err) HQ_MUST;

/* What this connection has waited for other writers, ever. */
struct hq_db_waits {
	int64_t n, given_up; /* of them, with nothing to show for it */
	int64_t us;
};
void hq_db_waits(const struct hq_db *db, struct hq_db_waits *ret);

#endif /* HQ_STORE_PROBE_H */

/*
 * domain/coordination/export.h - write the directory that import.h reads.
 *
 * What was imported is written byte for byte as it was read, if it was written
 * with two spaces of indentation.  Each file is there whole or not at all, and
 * a timeline comes before its run; a writer that was killed may be run again.
 * Every file is one snapshot of its subject; the directory as a whole is not
 * one while runs go on.  What the layout has no place for (tasks, refused run
 * ids, the engine's own state) is not written.
 */
#ifndef HQ_DOMAIN_COORDINATION_EXPORT_H
#define HQ_DOMAIN_COORDINATION_EXPORT_H

#include "domain/coordination/import.h"

/* The exporter's statements; it has no tables.  Open the store with it, too. */
extern const struct hq_module hq_coordination_export;

/*
 * dir exists and is the caller's to write to.  A dry store (hq_db_is_dry())
 * means: count, write nothing.  counts->kept stays 0; .refused counts what has
 * no place in the layout, each reported.
 */
enum hq_rc hq_coord_export(struct hq_db *db, const struct hq_config *config,
    const char *dir, const struct hq_coord_watch *w,
    struct hq_coord_counts *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_COORDINATION_EXPORT_H */

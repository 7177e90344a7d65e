/*
 * domain/coordination/ids.h - names of workflows, desks, handoffs and runs.
 */
#ifndef HQ_DOMAIN_COORDINATION_IDS_H
#define HQ_DOMAIN_COORDINATION_IDS_H

#include <stdbool.h>

#include "base/arena.h"

enum { HQ_COORD_ID_BYTES_MAX = 128 };

/* ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$ */
bool hq_coord_id_ok(const char *id);

/*
 * String.prototype.trim(): white space and line ends of ECMA-262, at both
 * ends.  NULL only if the arena is full.
 */
const char *hq_coord_trim(struct hq_arena *a, const char *s);

/*
 * Ids as String.prototype.localeCompare() sorts them: "_" "-" "." digits
 * letters, upper and lower case alike; then the shorter one; then lower case
 * before upper.  Ids are of the alphabet above.
 */
int hq_coord_id_compare(const char *a, const char *b);

#endif /* HQ_DOMAIN_COORDINATION_IDS_H */

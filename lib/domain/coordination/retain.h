/*
 * domain/coordination/retain.h - what this room may forget.
 */
#ifndef HQ_DOMAIN_COORDINATION_RETAIN_H
#define HQ_DOMAIN_COORDINATION_RETAIN_H

#include "store/retain.h"

/*
 * Runs that ended more than RAWR_RETAIN_WORK days ago, with timelines and
 * tasks, and imports that were refused so long ago; nothing if that is 0.
 */
hq_retain_fn hq_coord_retain;

#endif /* HQ_DOMAIN_COORDINATION_RETAIN_H */

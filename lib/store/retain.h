/*
 * store/retain.h - forgetting what nobody needs any more, a little at a time.
 *
 * A room that keeps rows which grow old has one hq_retain_fn.  The runner calls
 * it when it has nothing better to do, again and again until there is no more,
 * and some time later from the start.
 */
#ifndef HQ_STORE_RETAIN_H
#define HQ_STORE_RETAIN_H

#include "base/config.h"
#include "base/env.h"
#include "store/db.h"

enum {
	HQ_RETAIN_LOOK = 256,   /* rows that one call looks at */
	HQ_RETAIN_DROP = 2000,  /* rows after which it drops no more */
	HQ_RETAIN_PLACE = 1024, /* bytes of a place */
};

/*
 * What one sweep is at.  Zeroed, but for the first three, before it begins; it
 * lives in memory only: a sweep that was cut short begins anew.
 */
struct hq_retain {
	struct hq_db *db;
	const struct hq_env *env;
	const struct hq_config *config;
	int phase;
	int64_t place_ms;
	char place[HQ_RETAIN_PLACE], place2[HQ_RETAIN_PLACE];
	int64_t dropped; /* rows, in the whole sweep */
};

/*
 * Look at the next rows, and drop those that may go in one transaction; no
 * transaction if there are none.  *ret_more: the sweep is not over.
 */
typedef enum hq_rc hq_retain_fn(struct hq_retain *r, bool *ret_more,
    struct hq_err *err);

#endif /* HQ_STORE_RETAIN_H */

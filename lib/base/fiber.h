/*
 * base/fiber.h - several stacks in one thread.
 *
 * A fiber runs until it switches to another by name; nothing switches behind
 * its back.  So what the thread does between two switches is one piece, and no
 * lock is needed; but what it keeps across one must not be shared by fibers.
 */
#ifndef HQ_BASE_FIBER_H
#define HQ_BASE_FIBER_H

#include <stddef.h>

#include "base/err.h"

struct hq_fiber;

/* The stack that the caller runs on, as one that can be switched to. */
struct hq_fiber *hq_fiber_here(void);

/*
 * A stack of HQ_STACK_BYTES, of which only what is used takes memory.  The
 * first switch to it calls fn(arg), which must not return.  NULL if there is
 * no room for one.
 */
typedef void hq_fiber_fn(void *arg);
struct hq_fiber *hq_fiber_new(hq_fiber_fn *fn, void *arg) HQ_MUST;

/*
 * What stands on its stack is gone, without a trace.  Not the one that runs,
 * unless it is hq_fiber_here()'s; NULL is fine.
 */
void hq_fiber_free(struct hq_fiber *f);

/* from: the one that runs.  Returns when somebody switches to it. */
void hq_fiber_switch(struct hq_fiber *from, struct hq_fiber *to);

/*
 * Give back the memory that a deep call on it has used.  f runs, and uses less
 * than HQ_FIBER_KEEP_BYTES of its stack, or does not run.
 */
enum { HQ_FIBER_KEEP_BYTES = 256 << 10 };
void hq_fiber_trim(struct hq_fiber *f);

#endif /* HQ_BASE_FIBER_H */

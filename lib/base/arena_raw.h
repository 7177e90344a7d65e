/*
 * base/arena_raw.h - for lib/base only: arena memory that is not zeroed and
 * that may grow where it stands.
 */
#ifndef HQ_BASE_ARENA_RAW_H
#define HQ_BASE_ARENA_RAW_H

#include "base/arena.h"

/*
 * p (old bytes, from this function; NULL if none) as n >= old bytes.  Stays in
 * place if p is the newest allocation and has room behind it.  NULL past the
 * limit; p is then as it was.
 */
void *hq_arena_resize(struct hq_arena *a, void *p, size_t old, size_t n)
    HQ_MUST;

#endif /* HQ_BASE_ARENA_RAW_H */

/*
 * base/arena.h - memory with one lifetime.
 *
 * One arena per request, or per function execution.  Nothing taken from it is
 * freed on its own; hq_arena_reset() ends every life at once.  Foreign objects
 * (json-c, sqlite) join with hq_arena_defer().
 */
#ifndef HQ_BASE_ARENA_H
#define HQ_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct hq_arena;

/*
 * limit_bytes: most the arena may hold, so that one request cannot eat the
 * process.  Past it whoever asked for too much is refused; a process that gets
 * no memory below it aborts, here and in whatever allocates, for that is nobody
 * else's fault.  Never NULL.
 * The caller frees; freeing NULL is fine.
 */
struct hq_arena *hq_arena_new(size_t limit_bytes);
void hq_arena_free(struct hq_arena *a);

/*
 * Run the deferred calls, newest first, then forget every allocation.  The
 * first block is kept for the next request.
 */
void hq_arena_reset(struct hq_arena *a);

/*
 * n objects of size bytes, zeroed and aligned.  NULL past the limit, and from
 * then on until reset: a builder may allocate freely and ask hq_arena_ok()
 * once, at the end.
 */
void *hq_arena_alloc(struct hq_arena *a, size_t n, size_t size) HQ_MUST;
char *hq_arena_printf(struct hq_arena *a, const char *fmt, ...) HQ_PRINTF(2, 3)
    HQ_MUST;
/* A NUL-terminated copy of n bytes (which may hold anything). */
char *hq_arena_copy(struct hq_arena *a, const void *p, size_t n) HQ_MUST;
bool hq_arena_ok(const struct hq_arena *a);
/* Bytes of its blocks, free space in them included. */
size_t hq_arena_held(const struct hq_arena *a);

#define HQ_NEW(a, type, n) ((type *)hq_arena_alloc((a), (n), sizeof(type)))

/*
 * Call fn(p) on reset.  Ownership of p passes here even on failure: if the
 * call cannot be queued, fn(p) runs at once.
 */
enum hq_rc hq_arena_defer(struct hq_arena *a, void (*fn)(void *p), void *p,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_BASE_ARENA_H */

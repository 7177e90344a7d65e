/*
 * base/buf.h - bytes that grow, in an arena or on the heap.
 *
 * With an arena, growth obeys its limit and overflow is sticky (the arena's);
 * puts after an overflow do nothing.  Without one (arena NULL) the heap is
 * used, the caller calls hq_buf_done(), and no memory is an abort.
 */
#ifndef HQ_BASE_BUF_H
#define HQ_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

struct hq_buf {
	struct hq_arena *arena; /* NULL: heap */
	char *p;                /* NUL-terminated once anything was put */
	size_t n;               /* bytes, without the NUL */
	size_t cap;
};

void hq_buf_init(struct hq_buf *b, struct hq_arena *arena);
void hq_buf_done(struct hq_buf *b);
void hq_buf_clear(struct hq_buf *b); /* n = 0; memory is kept */

/* hq_buf_put() where there is no room. */
void hq_buf_grow(struct hq_buf *b, const void *p, size_t n);

static inline void
hq_buf_put(struct hq_buf *b, const void *p, size_t n)
{
	if (n >= b->cap - b->n) {
		hq_buf_grow(b, p, n);
		return;
	}
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

static inline void
hq_buf_puts(struct hq_buf *b, const char *s)
{
	hq_buf_put(b, s, strlen(s));
}

static inline void
hq_buf_putc(struct hq_buf *b, char c)
{
	hq_buf_put(b, &c, 1);
}

void hq_buf_printf(struct hq_buf *b, const char *fmt, ...) HQ_PRINTF(2, 3);

/* The text; "" if nothing was put or the arena is full. */
const char *hq_buf_str(const struct hq_buf *b);

#endif /* HQ_BASE_BUF_H */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_raw.h"
#include "base/buf.h"

enum { CAP_MIN = 512 };

void
hq_buf_init(struct hq_buf *b, struct hq_arena *arena)
{
	*b = (struct hq_buf){ .arena = arena };
}

void
hq_buf_done(struct hq_buf *b)
{
	if (b->arena == NULL)
		free(b->p);
	*b = (struct hq_buf){ .arena = b->arena };
}

void
hq_buf_clear(struct hq_buf *b)
{
	b->n = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}

/* Room for n more bytes and a NUL; false if the arena is full. */
static bool
room(struct hq_buf *b, size_t n)
{
	size_t cap = b->cap < CAP_MIN ? CAP_MIN : b->cap;
	char *p;

	if (n < b->cap - b->n)
		return true;
	if (n >= SIZE_MAX / 4 - b->n)
		HQ_BUG("a length that no memory holds");
	while (cap - b->n <= n)
		cap *= 2;
	if (b->arena != NULL)
		p = hq_arena_resize(b->arena, b->p, b->cap, cap);
	else if ((p = realloc(b->p, cap)) == NULL)
		HQ_BUG("out of memory");
	if (p == NULL) {
		*b = (struct hq_buf){ .arena = b->arena };
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void
hq_buf_grow(struct hq_buf *b, const void *p, size_t n)
{
	if (room(b, n))
		hq_buf_put(b, p, n);
}

/* Mostly there is room, and then once is enough. */
void
hq_buf_printf(struct hq_buf *b, const char *fmt, ...)
{
	size_t left = b->cap - b->n;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(left == 0 ? NULL : b->p + b->n, left, fmt, ap);
	if (n >= 0 && (size_t)n < left) {
		b->n += (size_t)n;
	} else if (n >= 0 && room(b, (size_t)n)) {
		(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

const char *
hq_buf_str(const struct hq_buf *b)
{
	if (b->p == NULL || (b->arena != NULL && !hq_arena_ok(b->arena)))
		return "";
	return b->p;
}

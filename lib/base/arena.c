/*
 * A bump allocator over a chain of blocks.  Free space is poisoned under
 * AddressSanitizer, otherwise an arena would hide every overrun from it.
 */
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_raw.h"
#include "base/asan.h"

#define REDZONE (HQ_ASAN ? 16u : 0u)
#define ALIGN alignof(max_align_t)
#define BLOCK_MIN ((size_t)16 * 1024)
/* Larger requests get a block of their own, behind the current one. */
#define SMALL_MAX (BLOCK_MIN / 4)
#define BYTES_MAX (SIZE_MAX / 2 - ALIGN - REDZONE)

enum { PRINTF_FEW = 256 }; /* most texts are shorter: printed once */

struct block {
	struct block *next;
	size_t cap;
	size_t used;
	alignas(max_align_t) unsigned char mem[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *p);
	void *p;
};

struct hq_arena {
	struct block *head;
	struct block *first;       /* survives a reset */
	struct deferred *deferred; /* newest first */
	size_t held;               /* bytes in blocks */
	size_t limit;
	bool overflowed;
};

struct hq_arena *
hq_arena_new(size_t limit_bytes)
{
	struct hq_arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		HQ_BUG("out of memory");
	a->limit = limit_bytes;
	return a;
}

static void
block_free(struct block *b)
{
	if (b == NULL)
		return;
	ASAN_UNPOISON_MEMORY_REGION(b->mem, b->cap);
	free(b);
}

void
hq_arena_free(struct hq_arena *a)
{
	if (a == NULL)
		return;
	hq_arena_reset(a);
	block_free(a->first);
	free(a);
}

void
hq_arena_reset(struct hq_arena *a)
{
	struct deferred *d;
	struct block *b, *next;

	while ((d = a->deferred) != NULL) {
		a->deferred = d->next;
		d->fn(d->p);
	}
	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		if (b != a->first)
			block_free(b);
	}
	if ((b = a->first) != NULL) {
		ASAN_POISON_MEMORY_REGION(b->mem, b->cap);
		b->next = NULL;
		b->used = 0;
	}
	a->head = a->first;
	a->held = b == NULL ? 0 : b->cap;
	a->overflowed = false;
}

static size_t
padded(size_t n)
{
	return (n + REDZONE + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* A block with room for need bytes: the new head, unless need is large. */
static struct block *
grow(struct hq_arena *a, size_t need)
{
	size_t room = a->limit - a->held;
	size_t cap = BLOCK_MIN < room ? BLOCK_MIN : room;
	struct block *b;

	if (need > room)
		return NULL;
	if (need > SMALL_MAX && a->head != NULL)
		cap = need;
	if (need > cap)
		cap = need;
	if ((b = malloc(sizeof(*b) + cap)) == NULL)
		HQ_BUG("out of memory");
	ASAN_POISON_MEMORY_REGION(b->mem, cap);
	b->cap = cap;
	b->used = 0;
	b->next = a->head;
	a->held += cap;
	if (need > SMALL_MAX && a->head != NULL) {
		b->next = a->head->next;
		a->head->next = b;
		return b;
	}
	if (a->first == NULL && cap <= BLOCK_MIN)
		a->first = b;
	a->head = b;
	return b;
}

static void *
take(struct hq_arena *a, size_t n)
{
	struct block *b = a->head;
	size_t bytes = padded(n);
	void *p;

	if (a->overflowed)
		return NULL;
	if (b == NULL || bytes > b->cap - b->used)
		b = grow(a, bytes);
	if (b == NULL) {
		a->overflowed = true;
		return NULL;
	}
	p = b->mem + b->used;
	b->used += bytes;
	ASAN_UNPOISON_MEMORY_REGION(p, n);
	return p;
}

void *
hq_arena_alloc(struct hq_arena *a, size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > BYTES_MAX / size) {
		a->overflowed = true;
		return NULL;
	}
	if ((p = take(a, n * size)) != NULL)
		memset(p, 0, n * size);
	return p;
}

/* Grow the newest allocation of b in place, if p is that and it fits. */
static bool
extend(struct block *b, const void *p, size_t old, size_t n)
{
	size_t at;

	if (b == NULL || b->used < padded(old))
		return false;
	at = b->used - padded(old);
	if (b->mem + at != p || padded(n) > b->cap - at)
		return false;
	b->used = at + padded(n);
	ASAN_UNPOISON_MEMORY_REGION(b->mem + at, n);
	return true;
}

/* A large block that holds p alone may move as a whole. */
static void *
move(struct hq_arena *a, const void *p, size_t n)
{
	struct block *b = a->head == NULL ? NULL : a->head->next, *to;
	size_t more;

	if (b == NULL || b == a->first || b->mem != p || b->used != b->cap)
		return NULL;
	more = padded(n) - b->cap;
	if (more > a->limit - a->held)
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(b->mem, b->cap);
	if ((to = realloc(b, sizeof(*b) + padded(n))) == NULL)
		HQ_BUG("out of memory");
	b = to;
	ASAN_POISON_MEMORY_REGION(b->mem, padded(n));
	ASAN_UNPOISON_MEMORY_REGION(b->mem, n);
	b->cap = b->used = padded(n);
	a->held += more;
	a->head->next = b;
	return b->mem;
}

void *
hq_arena_resize(struct hq_arena *a, void *p, size_t old, size_t n)
{
	void *to;

	if (a->overflowed)
		return NULL;
	if (n > BYTES_MAX) {
		a->overflowed = true;
		return NULL;
	}
	if (p != NULL && extend(a->head, p, old, n))
		return p;
	if (p != NULL && (to = move(a, p, n)) != NULL)
		return to;
	if ((to = take(a, n)) != NULL && p != NULL)
		memcpy(to, p, old);
	return to;
}

char *
hq_arena_printf(struct hq_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char few[PRINTF_FEW], *s = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(few, sizeof(few), fmt, ap);
	if (n >= 0 && (s = take(a, (size_t)n + 1)) != NULL) {
		if ((size_t)n < sizeof(few))
			memcpy(s, few, (size_t)n + 1);
		else
			(void)vsnprintf(s, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	va_end(ap);
	return s;
}

char *
hq_arena_copy(struct hq_arena *a, const void *p, size_t n)
{
	char *s;

	if (n >= BYTES_MAX) {
		a->overflowed = true;
		return NULL;
	}
	if ((s = take(a, n + 1)) == NULL)
		return NULL;
	if (n > 0)
		memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

bool
hq_arena_ok(const struct hq_arena *a)
{
	return !a->overflowed;
}

size_t
hq_arena_held(const struct hq_arena *a)
{
	return a->held;
}

enum hq_rc
hq_arena_defer(struct hq_arena *a, void (*fn)(void *p), void *p,
    struct hq_err *err)
{
	struct deferred *d;

	HQ_ASSERT(fn != NULL);
	if ((d = take(a, sizeof(*d))) == NULL) {
		fn(p);
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too large to process");
	}
	d->fn = fn;
	d->p = p;
	d->next = a->deferred;
	a->deferred = d;
	return HQ_OK;
}

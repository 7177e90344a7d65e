/* For MAP_STACK, MADV_*.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "base/fiber.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/asan.h"
#include "base/process.h"

enum { GUARD_BYTES = 64 << 10, WATCH_BYTES = 4 << 10 };

struct hq_fiber {
	ucontext_t at;
	unsigned char *map; /* the guard, and the stack above it; or NULL */
	const void *stack;  /* for the sanitizer, as are the next two */
	size_t stack_bytes;
	void *fake;
	hq_fiber_fn *fn;
	void *arg;
};

/* Who switched, and to whom: makecontext() passes no pointers. */
static struct hq_fiber *switched_from, *switched_to;

/* AddressSanitizer has to know which stack is in use. */
static void
leave(struct hq_fiber *from, const struct hq_fiber *to)
{
#if HQ_ASAN
	__sanitizer_start_switch_fiber(&from->fake, to->stack, to->stack_bytes);
#else
	(void)from;
	(void)to;
#endif
}

/* Only now does it tell what the thread's own stack is. */
static void
arrive(void *fake)
{
#if HQ_ASAN
	__sanitizer_finish_switch_fiber(fake, &switched_from->stack,
	    &switched_from->stack_bytes);
#else
	(void)fake;
#endif
}

static void
enter(void)
{
	struct hq_fiber *f = switched_to;

	arrive(NULL);
	f->fn(f->arg);
	HQ_BUG("a fiber has returned");
}

struct hq_fiber *
hq_fiber_here(void)
{
	struct hq_fiber *f = calloc(1, sizeof(*f));

	HQ_ASSERT(f != NULL);
	return f;
}

/*
 * Pages of the stack come as they are touched, one by one.  MAP_GROWSDOWN: it
 * counts as a stack, not as memory that hq_process_memory() bounds; the guard
 * keeps it from growing.
 */
static bool
map_stack(struct hq_fiber *f)
{
	void *p =
	    mmap(NULL, GUARD_BYTES + HQ_STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK |
		    MAP_GROWSDOWN,
		-1, 0);

	if (p == MAP_FAILED)
		return false;
	f->map = p;
	(void)madvise(p, GUARD_BYTES + HQ_STACK_BYTES, MADV_NOHUGEPAGE);
	return mprotect(p, GUARD_BYTES, PROT_NONE) == 0;
}

static bool
prepare(struct hq_fiber *f)
{
	if (getcontext(&f->at) != 0)
		return false;
	f->stack = f->map + GUARD_BYTES;
	f->stack_bytes = HQ_STACK_BYTES;
	f->at.uc_stack.ss_sp = f->map + GUARD_BYTES;
	f->at.uc_stack.ss_size = HQ_STACK_BYTES;
	f->at.uc_link = NULL;
	makecontext(&f->at, enter, 0);
	return true;
}

struct hq_fiber *
hq_fiber_new(hq_fiber_fn *fn, void *arg)
{
	struct hq_fiber *f = hq_fiber_here();

	f->fn = fn;
	f->arg = arg;
	if (map_stack(f) && prepare(f))
		return f;
	hq_fiber_free(f);
	return NULL;
}

void
hq_fiber_free(struct hq_fiber *f)
{
	if (f == NULL)
		return;
	if (f->map != NULL)
		(void)munmap(f->map, GUARD_BYTES + HQ_STACK_BYTES);
	free(f);
}

void
hq_fiber_switch(struct hq_fiber *from, struct hq_fiber *to)
{
	HQ_ASSERT(from != to);
	switched_from = from;
	switched_to = to;
	leave(from, to);
	HQ_ASSERT(swapcontext(&from->at, &to->at) == 0);
	arrive(from->fake);
}

/*
 * Whoever has been deeper has left something in the page below what is kept:
 * a look there costs less than asking the kernel for nothing each time.
 */
static __attribute__((no_sanitize("address"))) bool
was_deep(const unsigned char *page)
{
	uint64_t word, any = 0;
	size_t i;

	for (i = 0; i < WATCH_BYTES; i += sizeof(word)) {
		memcpy(&word, page + i, sizeof(word));
		any |= word;
	}
	return any != 0;
}

void
hq_fiber_trim(struct hq_fiber *f)
{
	const size_t deep = HQ_STACK_BYTES - HQ_FIBER_KEEP_BYTES;

	if (f->map != NULL &&
	    was_deep(f->map + GUARD_BYTES + deep - WATCH_BYTES))
		(void)madvise(f->map + GUARD_BYTES, deep, MADV_DONTNEED);
}

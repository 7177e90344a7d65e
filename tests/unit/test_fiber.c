/* For mincore().  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/fiber.h"
#include "base/process.h"
#include "hqtest.h"

enum { MANY = 200, ROUNDS = 3, PAGE = 4096, DEEP_BYTES = 4 << 20 };

static struct hq_fiber *own;

/* One that notes its name in the log each time it runs. */
struct walker {
	struct hq_fiber *self, *next;
	char name;
	int turns;
	uint64_t sum;
	const unsigned char *low; /* the lowest byte that it has used */
};

static char steps[64];

static void
setup(void)
{
	arena_open();
	own = hq_fiber_here();
	steps[0] = '\0';
}

static void
teardown(void)
{
	hq_fiber_free(own);
	arena_close();
}

static void
step(char name)
{
	size_t n = strlen(steps);

	ck_assert_uint_lt(n + 1, sizeof(steps));
	steps[n] = name;
	steps[n + 1] = '\0';
}

static void
walk(void *arg)
{
	struct walker *w = arg;

	for (;;) {
		step(w->name);
		w->turns++;
		hq_fiber_switch(w->self, w->next);
	}
}

static void
go(struct walker *w, hq_fiber_fn *fn, char name)
{
	*w = (struct walker){ .name = name, .next = own };
	w->self = hq_fiber_new(fn, w);
	ck_assert_ptr_nonnull(w->self);
}

START_TEST(who_is_switched_to_runs_and_nobody_else)
{
	struct walker a, b, c;

	go(&a, walk, 'a');
	go(&b, walk, 'b');
	go(&c, walk, 'c');
	a.next = b.self; /* and b goes back; c is never named */
	step('1');
	hq_fiber_switch(own, a.self);
	step('2');
	hq_fiber_switch(own, b.self);
	step('3');
	hq_fiber_switch(own, a.self);
	step('4');
	ck_assert_str_eq(steps, "1ab2b3ab4");
	ck_assert_int_eq(c.turns, 0);
	hq_fiber_free(a.self);
	hq_fiber_free(b.self);
	hq_fiber_free(c.self);
}
END_TEST

/* Numbers of its own on its stack, across every switch. */
static void
count(void *arg)
{
	struct walker *w = arg;
	volatile uint64_t own_numbers[64];
	size_t i;

	for (i = 0; i < 64; i++)
		own_numbers[i] = (uint64_t)(uintptr_t)w + i;
	for (;;) {
		hq_fiber_switch(w->self, w->next);
		w->turns++;
		for (w->sum = 0, i = 0; i < 64; i++)
			w->sum += own_numbers[i] - (uint64_t)(uintptr_t)w;
	}
}

START_TEST(each_of_many_keeps_what_is_on_its_stack)
{
	static struct walker v[MANY];
	int i, round;

	for (i = 0; i < MANY; i++)
		go(&v[i], count, 'x');
	for (round = 0; round <= ROUNDS; round++)
		for (i = MANY - 1; i >= 0; i--)
			hq_fiber_switch(own, v[i].self);
	for (i = 0; i < MANY; i++) {
		ck_assert_int_eq(v[i].turns, ROUNDS);
		ck_assert_uint_eq(v[i].sum, 63 * 64 / 2);
	}
	for (i = 0; i < MANY; i++)
		hq_fiber_free(v[i].self);
}
END_TEST

/* Touch DEEP_BYTES of the stack; the address of the lowest. */
static __attribute__((noinline)) const unsigned char *
go_deep(void)
{
	volatile unsigned char far[DEEP_BYTES];
	size_t i;

	for (i = 0; i < sizeof(far); i += PAGE)
		far[i] = 1;
	return (const unsigned char *)((uintptr_t)far / PAGE * PAGE + PAGE);
}

static void
dive(void *arg)
{
	struct walker *w = arg;
	volatile uint64_t kept = 4711;

	for (;;) {
		w->low = go_deep();
		hq_fiber_switch(w->self, w->next);
		hq_fiber_trim(w->self);
		w->sum = kept;
		w->turns++;
		hq_fiber_switch(w->self, w->next);
	}
}

/* Pages of the deep half of DEEP_BYTES that take memory. */
static int
pages_at(const unsigned char *low)
{
	static unsigned char in[DEEP_BYTES / 2 / PAGE];
	void *p = (void *)(uintptr_t)low;
	int n = 0;
	size_t i;

	ck_assert_int_eq(mincore(p, DEEP_BYTES / 2, in), 0);
	for (i = 0; i < sizeof(in); i++)
		n += in[i] & 1;
	return n;
}

START_TEST(the_memory_of_a_deep_call_is_given_back_and_can_be_used_again)
{
	struct walker d;
	int round;

	go(&d, dive, 'd');
	for (round = 0; round < ROUNDS; round++) {
		hq_fiber_switch(own, d.self);
		ck_assert_int_eq(pages_at(d.low), DEEP_BYTES / 2 / PAGE);
		hq_fiber_switch(own, d.self);
		ck_assert_int_eq(pages_at(d.low), 0);
		ck_assert_uint_eq(d.sum, 4711);
	}
	ck_assert_int_eq(d.turns, ROUNDS);
	hq_fiber_free(d.self);
}
END_TEST

static __attribute__((noinline)) uint64_t
dig(size_t bytes)
{
	volatile unsigned char block[32 << 10];

	block[0] = 1;
	block[sizeof(block) - 1] = 1;
	if (bytes <= sizeof(block))
		return block[0];
	return dig(bytes - sizeof(block)) + block[0];
}

static void
dig_all(void *arg)
{
	struct walker *w = arg;

	w->sum = dig(HQ_STACK_BYTES / 4 * 3);
	for (;;)
		hq_fiber_switch(w->self, w->next);
}

START_TEST(a_fiber_has_as_deep_a_stack_as_the_program)
{
	struct walker d;

	go(&d, dig_all, 'd');
	hq_fiber_switch(own, d.self);
	ck_assert_uint_ne(d.sum, 0);
	hq_fiber_free(d.self);
}
END_TEST

/* What would be overwritten: memory that ends where the stack's does. */
static void
lay_below(uintptr_t at)
{
	const size_t n = 2 * (size_t)HQ_STACK_BYTES;
	void *p = MAP_FAILED;

	for (at = (at / PAGE + 1) * PAGE - HQ_STACK_BYTES - n; p == MAP_FAILED;
	     at -= PAGE)
		p = mmap((void *)at, n, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			MAP_FIXED_NOREPLACE,
		    -1, 0);
}

static void
dig_too_far(void *arg)
{
	volatile char here = 0;

	(void)arg;
	lay_below((uintptr_t)&here);
	(void)dig(2 * (size_t)HQ_STACK_BYTES);
	HQ_BUG("not stopped");
}

START_TEST(who_digs_below_the_stack_is_stopped)
{
	struct hq_fiber *f = hq_fiber_new(dig_too_far, NULL);

	ck_assert_ptr_nonnull(f);
	ck_assert(signal(SIGSEGV, SIG_DFL) != SIG_ERR); /* a sanitizer's */
	hq_fiber_switch(own, f);
}
END_TEST

static void
give_up(void *arg)
{
	(void)arg;
}

START_TEST(a_fiber_that_returns_is_a_bug)
{
	struct hq_fiber *f = hq_fiber_new(give_up, NULL);

	ck_assert_ptr_nonnull(f);
	hq_fiber_switch(own, f);
}
END_TEST

/* The process's address space, in pages. */
static long
pages_mapped(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	char line[128] = "";

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	(void)fclose(f);
	return strtol(line, NULL, 10);
}

START_TEST(one_that_is_freed_half_way_leaves_no_room_taken)
{
	const long before = pages_mapped();
	struct walker d;
	int i;

	hq_fiber_free(NULL);
	for (i = 0; i < MANY; i++) {
		go(&d, dive, 'd');
		hq_fiber_switch(own, d.self);
		hq_fiber_free(d.self);
	}
	ck_assert_int_lt(pages_mapped() - before, HQ_STACK_BYTES / PAGE);
}
END_TEST

START_TEST(where_there_is_no_room_for_a_stack_there_is_no_fiber)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const struct rlimit little = { (rlim_t)pages_mapped() * PAGE,
		RLIM_INFINITY };
	struct hq_fiber *f;

	ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
	f = hq_fiber_new(give_up, NULL);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &all), 0);
	ck_assert_ptr_null(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fiber");
	TCase *tc = tcase_create("fibers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_is_switched_to_runs_and_nobody_else);
	tcase_add_test(tc, each_of_many_keeps_what_is_on_its_stack);
	tcase_add_test(tc,
	    the_memory_of_a_deep_call_is_given_back_and_can_be_used_again);
	tcase_add_test(tc, a_fiber_has_as_deep_a_stack_as_the_program);
	tcase_add_test_raise_signal(tc, who_digs_below_the_stack_is_stopped,
	    SIGSEGV);
	tcase_add_test_raise_signal(tc, a_fiber_that_returns_is_a_bug, SIGABRT);
	tcase_add_test(tc, one_that_is_freed_half_way_leaves_no_room_taken);
	tcase_add_test(tc,
	    where_there_is_no_room_for_a_stack_there_is_no_fiber);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

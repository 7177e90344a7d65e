/*
 * tests/unit/hqtest.h - what unit tests share: a fresh arena per test, checks
 * that show the error, and a clock that a test moves by hand.
 */
#ifndef HQTEST_H
#define HQTEST_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"

#define ck_hq_ok(expr) ck_assert_msg((expr) == HQ_OK, "%s: %s", #expr, err.msg)

/*
 * A test ends by what it waits for.  These are for one that would wait for ever,
 * on whatever machine and however busy that is.
 */
enum { PATIENCE_MS = 120000 }; /* for one thing that has to happen */
#define TEST_PATIENCE_S "300"  /* for a whole test, as check reads it */

static __attribute__((constructor)) void
be_patient(void)
{
	(void)setenv("CK_DEFAULT_TIMEOUT", TEST_PATIENCE_S, 0);
}

static struct hq_arena *arena __attribute__((unused));
static struct hq_err err __attribute__((unused));

static __attribute__((unused)) void
arena_open(void)
{
	arena = hq_arena_new((size_t)64 << 20);
	memset(&err, 0, sizeof(err));
}

static __attribute__((unused)) void
arena_close(void)
{
	hq_arena_free(arena);
}

/* A clock and a generator that repeat. */
struct fake_env {
	int64_t now_ms;
	unsigned char next;
};

static __attribute__((unused)) int64_t
fake_now(void *ctx)
{
	return ((struct fake_env *)ctx)->now_ms;
}

static __attribute__((unused)) void
fake_random(void *ctx, void *out, size_t n)
{
	struct fake_env *f = ctx;
	size_t i;

	for (i = 0; i < n; i++)
		((unsigned char *)out)[i] = f->next++;
}

#define FAKE_ENV(f) \
	{ \
		.ctx = (f), .now_ms = fake_now, .mono_ms = fake_now, \
		.random = fake_random \
	}

static __attribute__((unused)) int
run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* HQTEST_H */

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/env.h"
#include "base/err.h"

enum { POOL_BYTES = 1024 };

static int64_t
read_clock(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		HQ_BUG("no clock");
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
hq_mono_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		HQ_BUG("no clock");
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
now_ms(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
mono_ms(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_MONOTONIC);
}

/*
 * The kernel's randomness in bulk: ids want a few bytes each, and two of
 * them for every request.  What was given out is wiped, and a child begins with
 * nothing.
 */
static struct {
	unsigned char bytes[POOL_BYTES];
	size_t left; /* at the front */
	bool ready;
} pool;

static void
forget_pool(void)
{
	sodium_memzero(pool.bytes, sizeof(pool.bytes));
	pool.left = 0;
}

static void
fill_pool(void)
{
	/* sodium_init() is cheap after its first call. */
	if (sodium_init() < 0 ||
	    (!pool.ready && pthread_atfork(NULL, NULL, forget_pool) != 0))
		HQ_BUG("no randomness");
	pool.ready = true;
	randombytes_buf(pool.bytes, sizeof(pool.bytes));
	pool.left = sizeof(pool.bytes);
}

static void
random_bytes(void *ctx, void *out, size_t n)
{
	unsigned char *to = out;
	size_t k;

	(void)ctx;
	for (; n > 0; n -= k, to += k) {
		if (pool.left == 0)
			fill_pool();
		k = n < pool.left ? n : pool.left;
		pool.left -= k;
		memcpy(to, pool.bytes + pool.left, k);
		sodium_memzero(pool.bytes + pool.left, k);
	}
}

const struct hq_env *
hq_env_system(void)
{
	static const struct hq_env system_env = {
		.now_ms = now_ms,
		.mono_ms = mono_ms,
		.random = random_bytes,
	};

	return &system_env;
}

#include <sodium.h>
#include <time.h>

#include "base/env.h"
#include "base/err.h"

static int64_t
read_clock(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		HQ_BUG("no clock");
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

/* sodium_init() is cheap after its first call. */
static void
random_bytes(void *ctx, void *out, size_t n)
{
	(void)ctx;
	if (sodium_init() < 0)
		HQ_BUG("no randomness");
	randombytes_buf(out, n);
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

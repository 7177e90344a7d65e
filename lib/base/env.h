/*
 * base/env.h - time and randomness, the two things a library may not take from
 * the system behind its caller's back.
 *
 * Everything that needs either gets a struct hq_env.  hq_env_system() is the
 * real one; a test fills in its own and so moves time by hand.
 */
#ifndef HQ_BASE_ENV_H
#define HQ_BASE_ENV_H

#include <stddef.h>
#include <stdint.h>

struct hq_env {
	void *ctx;
	/* Wall clock, Unix milliseconds.  Stored times are of this clock. */
	int64_t (*now_ms)(void *ctx);
	/* Monotonic milliseconds, for measuring and for timeouts in a process. */
	int64_t (*mono_ms)(void *ctx);
	void (*random)(void *ctx, void *out, size_t n);
};

/* The system's clocks and libsodium's randomness.  Static; never fails. */
const struct hq_env *hq_env_system(void);

/* The monotonic clock of hq_env_system() in microseconds: for what is counted. */
int64_t hq_mono_us(void);

static inline int64_t
hq_now_ms(const struct hq_env *e)
{
	return e->now_ms(e->ctx);
}

static inline int64_t
hq_mono_ms(const struct hq_env *e)
{
	return e->mono_ms(e->ctx);
}

#endif /* HQ_BASE_ENV_H */

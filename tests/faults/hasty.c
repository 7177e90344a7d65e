/*
 * hasty - a monotonic clock that is on by RAWR_HASTE milliseconds whenever it is
 * read (LD_PRELOAD): between any two looks at the time something has passed.
 */
/* For RTLD_NEXT.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static int64_t step_ns, ahead_ns;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void
read_step(void)
{
	const char *ms = getenv("RAWR_HASTE");

	step_ns = ms == NULL ? 0 : strtoll(ms, NULL, 10) * NS_PER_MS;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns;
	int rc;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(id, ts);
	if (rc != 0 || id != CLOCK_MONOTONIC)
		return rc;
	ahead_ns += step_ns;
	ns = (int64_t)ts->tv_sec * NS_PER_S + ts->tv_nsec + ahead_ns;
	ts->tv_sec = ns / NS_PER_S;
	ts->tv_nsec = ns % NS_PER_S;
	return 0;
}

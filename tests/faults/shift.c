/*
 * shift - another wall clock for a program under test (LD_PRELOAD): what
 * RAWR_SHIFT names is a file of 8 bytes, the nanoseconds that are added to the
 * true time, shared by all processes and changed while they run.  The
 * monotonic clock is left alone, as it is when somebody sets the time.
 */
/* For RTLD_NEXT.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_US = 1000, NS_PER_S = 1000000000 };

static _Atomic int64_t *shift;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void
open_shift(void)
{
	const char *path = getenv("RAWR_SHIFT");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		shift = p;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns;
	int rc;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(id, ts);
	if (rc != 0 || shift == NULL ||
	    (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return rc;
	ns = (int64_t)ts->tv_sec * NS_PER_S + ts->tv_nsec + atomic_load(shift);
	ts->tv_sec = ns / NS_PER_S;
	ts->tv_nsec = ns % NS_PER_S;
	return 0;
}

time_t
time(time_t *ret)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / NS_PER_US;
	return 0;
}

#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/asan.h"
#include "base/err.h"
#include "base/process.h"

enum { MS_PER_S = 1000, NS_PER_MS = 1000000 };

void
hq_process_stack(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_STACK, &r) != 0 || r.rlim_cur >= HQ_STACK_BYTES)
		return;
	r.rlim_cur = HQ_STACK_BYTES;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_STACK, &r);
}

bool
hq_process_memory(int64_t bytes)
{
	struct rlimit r;

	if (HQ_ASAN)
		return true;
	if (getrlimit(RLIMIT_DATA, &r) != 0)
		return false;
	r.rlim_cur = (rlim_t)bytes;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_DATA, &r) == 0;
}

void
hq_process_watchdog(int64_t ms)
{
	static timer_t timer; /* a process has one; a child inherits none */
	static pid_t owner;
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGKILL };
	const struct itimerspec at = { .it_value = { .tv_sec = ms / MS_PER_S,
					   .tv_nsec =
					       ms % MS_PER_S * NS_PER_MS } };

	if (owner != getpid()) {
		HQ_ASSERT(timer_create(CLOCK_MONOTONIC, &kill, &timer) == 0);
		owner = getpid();
	}
	HQ_ASSERT(timer_settime(timer, 0, &at, NULL) == 0);
}

#include <sys/resource.h>

#include "base/process.h"

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

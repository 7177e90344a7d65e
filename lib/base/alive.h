/*
 * base/alive.h - a sign of life that writes nothing.
 *
 * A process that lives has a lock on its file, and the byte that it locks says
 * when it last gave a sign: so many seconds of the monotonic clock.  The kernel
 * keeps both, gives the lock back the moment the process is gone, and nothing
 * goes to a disk.  Several may have the same file.
 */
#ifndef HQ_BASE_ALIVE_H
#define HQ_BASE_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The lock is the process's own: no child has it, and it is lost when the
 * process closes any descriptor of the file.
 */
struct hq_alive {
	int fd;       /* -1: not open */
	int64_t at_s; /* the last sign */
};
#define HQ_ALIVE_NONE ((struct hq_alive){ .fd = -1 })

/* Give the first sign.  The file (0600) is made if it is not there. */
enum hq_rc hq_alive_open(const char *path, int64_t mono_ms,
    struct hq_alive *ret, struct hq_err *err) HQ_MUST;
/* Another sign; true if it was one: at most once a second. */
bool hq_alive_sign(struct hq_alive *l, int64_t mono_ms);
void hq_alive_close(struct hq_alive *l);

/*
 * For others: milliseconds since the newest sign of a process that lives; -1 if
 * none does.
 */
int64_t hq_alive_age_ms(const char *path, int64_t mono_ms);

#endif /* HQ_BASE_ALIVE_H */

/*
 * store/lock.h - the writers' queue of one store: first come, first served,
 * between processes.
 *
 * SQLite's busy handler sleeps and retries, so whoever sleeps longest starves.
 * Here every writer takes a ticket and waits for all earlier tickets to be
 * handed back; the kernel wakes it the moment that happens.  A ticket is a
 * byte-range lock, so the kernel also hands back the ticket of a process that
 * died, whether it was writing or still waiting.
 *
 * The lock orders our own writers.  It does not replace SQLite's locks, which
 * still hold against foreign programs.
 */
#ifndef HQ_STORE_LOCK_H
#define HQ_STORE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * One open file description: its tickets are this object's alone.  Opened after
 * fork(), used by one thread.
 */
struct hq_lock;

/*
 * path: the lock file, made (0600) if it is not there; its content is of no
 * use to anybody and it must not be removed while a process has it open.
 * Installs a handler for the signal SIGRTMIN + HQ_LOCK_SIGNAL, which ends a
 * wait that took too long.  The caller closes; closing NULL is fine.
 */
enum { HQ_LOCK_SIGNAL = 7 };
enum hq_rc hq_lock_open(const char *path, struct hq_lock **ret,
    struct hq_err *err) HQ_MUST;
void hq_lock_close(struct hq_lock *l); /* gives the lock back, too */

/*
 * Wait for the turn, wait_ms at most (0: do not wait).  SERVICE_UNAVAILABLE
 * when the time is over.  Other signals do not end the wait.  Not re-entrant.
 */
enum hq_rc hq_lock_take(struct hq_lock *l, int64_t wait_ms, struct hq_err *err)
    HQ_MUST;
void hq_lock_release(struct hq_lock *l);
bool hq_lock_held(const struct hq_lock *l);

/* Ever: waits, those that ended without it, and microseconds of all. */
void hq_lock_waits(const struct hq_lock *l, int64_t *ret_n,
    int64_t *ret_given_up, int64_t *ret_us);

#endif /* HQ_STORE_LOCK_H */

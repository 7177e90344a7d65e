/*
 * Bytes of the lock file: GATE is held while a ticket is drawn; ticket t is the
 * byte t.  Whoever holds t and sees no lock below t has the turn.
 */
/* For F_OFD_SETLK.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/env.h"
#include "store/lock.h"
#include "store/os.h"

enum {
	GATE = 0,
	FIRST_TICKET = 1,
	/* The alarm comes again, in case it came just before the wait began. */
	ALARM_AGAIN_MS = 10,
};

struct hq_lock {
	int fd;
	timer_t timer;
	bool has_timer;
	bool alarm_is_set;
	bool held;
	int64_t wait_ms;         /* of the take() that is under way */
	int64_t begun_us;        /* its wait; 0: it has not had to */
	int64_t n, given_up, us; /* waits, ever */
	sigset_t mask;           /* before the alarm was set */
};

/* One wait at a time in a process: it has one thread. */
static volatile sig_atomic_t time_is_over;

static void
on_alarm(int sig)
{
	(void)sig;
	time_is_over = 1;
}

static enum hq_rc
set_up(struct hq_lock *l, const char *path, struct hq_err *err)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL };

	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot open %s: %s",
		    path, hq_os_error(errno));
	ev.sigev_signo = SIGRTMIN + HQ_LOCK_SIGNAL;
	(void)sigemptyset(&sa.sa_mask);
	if (sigaction(ev.sigev_signo, &sa, NULL) != 0 ||
	    timer_create(CLOCK_MONOTONIC, &ev, &l->timer) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "cannot make the timer of %s: %s", path,
		    hq_os_error(errno));
	l->has_timer = true;
	return HQ_OK;
}

enum hq_rc
hq_lock_open(const char *path, struct hq_lock **ret, struct hq_err *err)
{
	struct hq_lock *l = calloc(1, sizeof(*l));
	enum hq_rc rc;

	HQ_ASSERT(l != NULL);
	l->fd = -1;
	if ((rc = set_up(l, path, err)) != HQ_OK) {
		hq_lock_close(l);
		return rc;
	}
	*ret = l;
	return HQ_OK;
}

void
hq_lock_close(struct hq_lock *l)
{
	if (l == NULL)
		return;
	if (l->has_timer)
		(void)timer_delete(l->timer);
	if (l->fd >= 0)
		(void)close(l->fd);
	free(l);
}

bool
hq_lock_held(const struct hq_lock *l)
{
	return l->held;
}

/* len 0 reaches to the end of all files, as fcntl() has it. */
static bool
range(struct hq_lock *l, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len };

	return fcntl(l->fd, cmd, &fl) == 0;
}

static void
unlock(struct hq_lock *l, off_t start, off_t len)
{
	HQ_ASSERT(range(l, F_OFD_SETLK, F_UNLCK, start, len));
}

/*
 * From here on a wait ends when the time is over.  The signal may be pending
 * from last time: unblocking delivers it before the flag is cleared.
 */
static void
set_alarm(struct hq_lock *l)
{
	struct itimerspec its = {
		.it_value = { .tv_sec = (time_t)(l->wait_ms / 1000),
		    .tv_nsec = (long)(l->wait_ms % 1000) * 1000000 },
		.it_interval = { .tv_nsec = ALARM_AGAIN_MS * 1000000L },
	};
	sigset_t ours;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGRTMIN + HQ_LOCK_SIGNAL);
	HQ_ASSERT(pthread_sigmask(SIG_UNBLOCK, &ours, &l->mask) == 0);
	time_is_over = 0;
	HQ_ASSERT(timer_settime(l->timer, 0, &its, NULL) == 0);
	l->alarm_is_set = true;
}

static void
clear_alarm(struct hq_lock *l)
{
	struct itimerspec off = { 0 };

	if (!l->alarm_is_set)
		return;
	HQ_ASSERT(timer_settime(l->timer, 0, &off, NULL) == 0);
	HQ_ASSERT(pthread_sigmask(SIG_SETMASK, &l->mask, NULL) == 0);
	l->alarm_is_set = false;
}

/* Lock a range, sleeping for it if it must.  False: errno says why. */
static bool
get(struct hq_lock *l, short type, off_t start, off_t len)
{
	if (range(l, F_OFD_SETLK, type, start, len))
		return true;
	if (errno != EAGAIN && errno != EACCES)
		return false;
	if (l->begun_us == 0)
		l->begun_us = hq_mono_us();
	if (l->wait_ms > 0 && !l->alarm_is_set)
		set_alarm(l);
	while (l->wait_ms > 0 && !time_is_over) {
		if (range(l, F_OFD_SETLKW, type, start, len))
			return true;
		if (errno != EINTR)
			return false;
	}
	errno = ETIME;
	return false;
}

/* The first above every ticket that is out; 0 if the file was misused. */
static off_t
next_ticket(struct hq_lock *l)
{
	off_t t = FIRST_TICKET;

	for (;;) {
		struct flock fl = { .l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = t };

		if (fcntl(l->fd, F_OFD_GETLK, &fl) != 0)
			return 0;
		if (fl.l_type == F_UNLCK)
			return t;
		errno = EBUSY;
		if (fl.l_len <= 0 || fl.l_start > INT64_MAX - fl.l_len)
			return 0;
		t = fl.l_start + fl.l_len;
	}
}

/* Draw a ticket at the gate; 0 if that failed: errno says why. */
static off_t
draw(struct hq_lock *l)
{
	off_t ticket;

	if (!get(l, F_WRLCK, GATE, 1))
		return 0;
	ticket = next_ticket(l);
	if (ticket != 0 && !range(l, F_OFD_SETLK, F_WRLCK, ticket, 1))
		ticket = 0;
	unlock(l, GATE, 1);
	return ticket;
}

static void
note_wait(struct hq_lock *l)
{
	if (l->begun_us == 0)
		return;
	l->n++;
	l->given_up += !l->held;
	l->us += hq_mono_us() - l->begun_us;
	l->begun_us = 0;
}

void
hq_lock_waits(const struct hq_lock *l, int64_t *ret_n, int64_t *ret_given_up,
    int64_t *ret_us)
{
	*ret_n = l->n;
	*ret_given_up = l->given_up;
	*ret_us = l->us;
}

enum hq_rc
hq_lock_take(struct hq_lock *l, int64_t wait_ms, struct hq_err *err)
{
	off_t ticket;
	int why;

	HQ_ASSERT(!l->held);
	HQ_ASSERT(wait_ms >= 0);
	l->wait_ms = wait_ms;
	ticket = draw(l);
	l->held = ticket == FIRST_TICKET ||
	    (ticket != 0 &&
		get(l, F_RDLCK, FIRST_TICKET, ticket - FIRST_TICKET));
	why = errno;
	clear_alarm(l);
	note_wait(l);
	if (l->held)
		return HQ_OK;
	unlock(l, FIRST_TICKET, 0);
	errno = why;
	if (why == ETIME)
		return HQ_FAIL(err, SERVICE_UNAVAILABLE,
		    "the store is busy: other writers are ahead; try again");
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
	    "cannot queue for the store's lock: %s", hq_os_error(why));
}

void
hq_lock_release(struct hq_lock *l)
{
	HQ_ASSERT(l->held);
	l->held = false;
	unlock(l, FIRST_TICKET, 0);
}

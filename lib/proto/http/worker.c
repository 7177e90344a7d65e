/* For accept4, strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "base/env.h"
#include "base/log.h"
#include "proto/http/exchange.h"
#include "proto/http/handover.h"
#include "proto/http/parts.h"
#include "proto/http/peek.h"

enum { EVENTS_MAX = 64 };

/* What an event is about: a connection's index, or one of these. */
enum { ON_LISTEN = HQ_SERVE_SLOTS_MAX, ON_SIGNAL, ON_POOL };

enum mode {
	SERVING,
	STOPPING, /* SIGTERM: answer what is in hand */
	LEAVING   /* SIGHUP, recycle: hand over what is open */
};

struct conn {
	FCGX_Request fr;  /* .ipcFd < 0: a free slot */
	bool partial;     /* part of a request is there */
	int64_t since_ms; /* of the first part, or of the last reply */
	bool waits;       /* its request is parked, and in the queue */
	struct hq_parked parked;
	TAILQ_ENTRY(conn) line;
};

struct worker {
	const struct hq_serve_opts *o;
	const struct hq_worker_fds *fds;
	void *app;
	struct hq_exchange x;
	struct conn *conns; /* o->slots of them */
	int n_open;
	int n_partial;
	TAILQ_HEAD(queue, conn) parked; /* in the order they came */
	int n_parked;
	int64_t looked_ms;     /* when the parked ones were looked at */
	int64_t looked_served; /* and how many had been served then */
	int64_t served;
	int64_t now_ms;
	int64_t stop_ms; /* when it began to stop */
	int ep;
	int sig;
	bool taking; /* the listening socket and the pool are polled */
	enum mode mode;
};

static bool
watch(const struct worker *w, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event ev = { .events = events, .data.u32 = what };

	return epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static void
set_partial(struct worker *w, struct conn *c, bool partial)
{
	if (c->partial == partial)
		return;
	c->partial = partial;
	c->since_ms = w->now_ms;
	w->n_partial += partial ? 1 : -1;
}

/* The slot is free again; libfcgi or we have closed the connection. */
static void
forget(struct worker *w, struct conn *c)
{
	set_partial(w, c, false);
	c->fr.ipcFd = -1;
	w->n_open--;
}

static void
drop(struct worker *w, struct conn *c)
{
	(void)close(c->fr.ipcFd);
	forget(w, c);
}

static long
fcgi_read(void *ctx, char *p, size_t n)
{
	FCGX_Request *fr = ctx;
	int k = FCGX_GetStr(p, n > 1 << 20 ? 1 << 20 : (int)n, fr->in);

	/* The stream ends in the same way where the connection broke. */
	return FCGX_GetError(fr->in) != 0 ? -1 : k;
}

static void
fcgi_write(void *ctx, const char *p, size_t n)
{
	FCGX_Request *fr = ctx;
	size_t k;

	while (n > 0 && FCGX_GetError(fr->out) == 0) {
		k = n > 1 << 20 ? 1 << 20 : n;
		if (FCGX_PutStr(p, (int)k, fr->out) < 0)
			return;
		p += k;
		n -= k;
	}
}

/* ------------------------------------------------------------- requests -- */

static bool
may_park(const struct worker *w)
{
	return w->mode == SERVING &&
	    w->n_parked < w->o->slots * HQ_SERVE_PARKED_PERCENT / 100;
}

/* The request has been answered, or cannot be. */
static void
finish(struct worker *w, struct conn *c, bool whole)
{
	/* With one slot, a connection that is kept keeps out all others. */
	if (!whole || w->o->slots == 1 || w->mode == STOPPING)
		c->fr.keepConnection = 0;
	FCGX_Finish_r(&c->fr);
	w->served++;
	c->since_ms = w->now_ms;
	if (c->fr.ipcFd < 0)
		forget(w, c);
}

static void
serve_one(struct worker *w, struct conn *c)
{
	const struct hq_carrier io = { &c->fr, fcgi_read, fcgi_write };
	enum hq_exchange_end end;

	set_partial(w, c, false);
	/*
	 * fr.ipcFd is open, so this reads a request and accepts nothing; the
	 * flag is for the Finish_r in it, which would close a new connection.
	 */
	c->fr.keepConnection = 1;
	if (FCGX_Accept_r(&c->fr) < 0) {
		forget(w, c);
		return;
	}
	end = hq_exchange_run(&w->x, (const char *const *)c->fr.envp, &io,
	    may_park(w) ? &c->parked : NULL);
	if (end != HQ_EXCHANGE_PARKED) {
		finish(w, c, end == HQ_EXCHANGE_DONE);
		return;
	}
	c->waits = true;
	TAILQ_INSERT_TAIL(&w->parked, c, line);
	w->n_parked++;
}

static void
unpark(struct worker *w, struct conn *c)
{
	c->waits = false;
	TAILQ_REMOVE(&w->parked, c, line);
	w->n_parked--;
}

/* Whoever asked has gone: nothing is done for him any more. */
static void
drop_parked(struct worker *w, struct conn *c)
{
	unpark(w, c);
	hq_parked_free(&c->parked);
	FCGX_Free(&c->fr, 1);
	forget(w, c);
}

static void look_at(struct worker *w, struct conn *c);

static void
resume(struct worker *w, struct conn *c, bool last)
{
	const struct hq_carrier io = { &c->fr, fcgi_read, fcgi_write };

	if (hq_peek(c->fr.ipcFd) == HQ_PEEK_CLOSED) {
		drop_parked(w, c);
		return;
	}
	if (hq_exchange_resume(&w->x, &c->parked, last, &io) ==
	    HQ_EXCHANGE_PARKED)
		return;
	unpark(w, c);
	finish(w, c, true);
	/* What came meanwhile was not announced again. */
	if (c->fr.ipcFd >= 0 && w->mode == SERVING)
		look_at(w, c);
}

/* Something changed in the store, or we ourselves have done something. */
static bool
changed(struct worker *w)
{
	bool ours = w->served != w->looked_served;

	w->looked_served = w->served;
	return (w->o->changed != NULL && w->o->changed(w->app)) || ours;
}

static void
look_at_parked(struct worker *w)
{
	struct conn *c, *next;
	bool all;

	if (w->now_ms - w->looked_ms < HQ_SERVE_LOOK_MS)
		return;
	w->looked_ms = w->now_ms;
	all = changed(w);
	for (c = TAILQ_FIRST(&w->parked); c != NULL; c = next) {
		next = TAILQ_NEXT(c, line);
		if (all || c->parked.due_ms <= w->now_ms)
			resume(w, c, false);
	}
}

static void
answer_parked(struct worker *w)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&w->parked)) != NULL)
		resume(w, c, true);
}

/* ---------------------------------------------------------- connections -- */

static void
look_at(struct worker *w, struct conn *c)
{
	enum hq_peek there = hq_peek(c->fr.ipcFd);

	if (c->waits) {
		if (there == HQ_PEEK_CLOSED)
			drop_parked(w, c);
		return;
	}
	switch (there) {
	case HQ_PEEK_CLOSED:
		drop(w, c);
		return;
	case HQ_PEEK_EMPTY:
		return;
	case HQ_PEEK_PARTIAL:
		set_partial(w, c, true);
		return;
	case HQ_PEEK_READY:
		serve_one(w, c);
		return;
	}
}

/*
 * Close an idle connection without losing a request that is just coming: when
 * its peer cannot send any more, what it has sent is served.
 */
static void
close_idle(struct worker *w, struct conn *c)
{
	(void)shutdown(c->fr.ipcFd, SHUT_RD);
	if (hq_peek(c->fr.ipcFd) == HQ_PEEK_READY)
		serve_one(w, c);
	if (c->fr.ipcFd >= 0)
		drop(w, c);
}

static struct conn *
free_slot(struct worker *w)
{
	int i;

	for (i = 0; i < w->o->slots; i++)
		if (w->conns[i].fr.ipcFd < 0)
			return &w->conns[i];
	return NULL;
}

/* A connection joins: serve what is there, then watch it. */
static void
join(struct worker *w, int fd)
{
	struct conn *c = free_slot(w);

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->fr.ipcFd = fd;
	c->since_ms = w->now_ms;
	w->n_open++;
	look_at(w, c);
	if (c->fr.ipcFd >= 0 &&
	    !watch(w, fd, EPOLLIN | EPOLLRDHUP | EPOLLET,
		(uint32_t)(c - w->conns)))
		drop(w, c);
}

static void
accept_one(struct worker *w)
{
	const struct timeval limit = { .tv_sec = HQ_SERVE_IO_S };
	int fd = accept4(w->fds->listen, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	join(w, fd);
}

static void
take_handed(struct worker *w)
{
	int fd = hq_handover_take(w->fds->pool[0]);

	if (fd >= 0)
		join(w, fd);
}

/* Poll for new connections exactly while there is room for one. */
static void
take_or_not(struct worker *w)
{
	bool want = w->mode == SERVING && w->n_open < w->o->slots;

	if (want == w->taking)
		return;
	w->taking = want;
	if (want) {
		/* A worker that cannot accept is of no use to anybody. */
		if (!watch(w, w->fds->listen, EPOLLIN | EPOLLEXCLUSIVE,
			ON_LISTEN) ||
		    !watch(w, w->fds->pool[0], EPOLLIN | EPOLLEXCLUSIVE,
			ON_POOL))
			w->mode = LEAVING;
		return;
	}
	(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, w->fds->listen, NULL);
	(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, w->fds->pool[0], NULL);
}

/* All slots are taken and somebody waits: the longest idle one has to go. */
static void
make_room(struct worker *w)
{
	struct pollfd p = { .fd = w->fds->listen, .events = POLLIN };
	struct conn *c, *oldest = NULL;

	if (poll(&p, 1, 0) <= 0)
		return;
	for (c = w->conns; c < w->conns + w->o->slots; c++)
		if (c->fr.ipcFd >= 0 && !c->partial && !c->waits &&
		    w->now_ms - c->since_ms >= HQ_SERVE_TICK_MS &&
		    (oldest == NULL || c->since_ms < oldest->since_ms))
			oldest = c;
	if (oldest != NULL)
		close_idle(w, oldest);
}

static void
drop_late(struct worker *w)
{
	struct conn *c;

	for (c = w->conns; c < w->conns + w->o->slots; c++)
		if (c->partial && w->now_ms - c->since_ms >= HQ_SERVE_READ_MS)
			drop(w, c);
}

/*
 * A connection that was used just now will be used again at once, and what its
 * peer sends at this moment would be lost on it: when stopping, such a one is
 * closed behind its next reply, and the others here.
 */
static void
close_quiet(struct worker *w)
{
	bool all = w->now_ms - w->stop_ms >= HQ_SERVE_QUIET_MAX_MS;
	struct conn *c;

	for (c = w->conns; c < w->conns + w->o->slots; c++)
		if (c->fr.ipcFd >= 0 && !c->partial &&
		    (all || w->now_ms - c->since_ms >= HQ_SERVE_TICK_MS))
			close_idle(w, c);
}

static void
tick(struct worker *w)
{
	if (w->n_partial > 0)
		drop_late(w);
	if (w->mode == STOPPING)
		close_quiet(w);
	if (w->mode == SERVING && w->n_open == w->o->slots)
		make_room(w);
}

static void
stop(struct worker *w)
{
	int fd;

	w->mode = STOPPING;
	w->stop_ms = w->now_ms;
	take_or_not(w);
	answer_parked(w);
	while (w->n_open < w->o->slots &&
	    (fd = hq_handover_take(w->fds->pool[0])) >= 0)
		join(w, fd);
	close_quiet(w);
}

static void
on_signal(struct worker *w)
{
	struct signalfd_siginfo si;

	if (read(w->sig, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM && w->mode == SERVING)
		stop(w);
	else if (w->mode == SERVING)
		w->mode = LEAVING;
}

static void
on_event(struct worker *w, uint32_t what)
{
	struct conn *c;

	switch (what) {
	case ON_LISTEN:
		if (w->mode == SERVING && w->n_open < w->o->slots)
			accept_one(w);
		return;
	case ON_POOL:
		if (w->mode == SERVING && w->n_open < w->o->slots)
			take_handed(w);
		return;
	case ON_SIGNAL:
		on_signal(w);
		return;
	default:
		c = &w->conns[what];
		if (c->fr.ipcFd >= 0)
			look_at(w, c);
		return;
	}
}

static void
loop(struct worker *w)
{
	const struct hq_env *env = hq_env_system();
	struct epoll_event ev[EVENTS_MAX];
	int i, n, wait_ms;

	while (w->mode == SERVING || (w->mode == STOPPING && w->n_open > 0)) {
		take_or_not(w);
		wait_ms =
		    w->taking && w->n_partial == 0 ? -1 : HQ_SERVE_TICK_MS;
		if (w->n_parked > 0)
			wait_ms = HQ_SERVE_LOOK_MS;
		n = epoll_wait(w->ep, ev, EVENTS_MAX, wait_ms);
		w->now_ms = hq_mono_ms(env);
		for (i = 0; i < n; i++)
			on_event(w, ev[i].data.u32);
		if (wait_ms >= 0)
			tick(w);
		if (w->n_parked > 0)
			look_at_parked(w);
		if (w->o->recycle > 0 && w->served >= w->o->recycle &&
		    w->mode == SERVING)
			w->mode = LEAVING;
	}
}

static void
hand_over(struct worker *w)
{
	struct conn *c;

	for (c = w->conns; c < w->conns + w->o->slots; c++) {
		if (c->fr.ipcFd < 0)
			continue;
		if (hq_handover_give(w->fds->pool[1], c->fr.ipcFd))
			drop(w, c);
		else
			close_idle(w, c);
	}
}

static int
open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Everything that does not depend on the application. */
static enum hq_rc
prepare(struct worker *w, struct hq_err *err)
{
	int i;

	w->ep = epoll_create1(EPOLL_CLOEXEC);
	w->sig = open_signals();
	if (w->ep < 0 || w->sig < 0 || !watch(w, w->sig, EPOLLIN, ON_SIGNAL))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "epoll: %s",
		    strerrordesc_np(errno));
	/* A unix socket loses nothing on close: do not linger. */
	/* One thread so far.  NOLINTNEXTLINE(concurrency-mt-unsafe) */
	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1) != 0 ||
	    FCGX_Init() != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "FCGX_Init");
	w->conns = calloc((size_t)w->o->slots, sizeof(*w->conns));
	HQ_ASSERT(w->conns != NULL);
	/* We accept; without a listening socket libfcgi cannot. */
	for (i = 0; i < w->o->slots; i++)
		(void)FCGX_InitRequest(&w->conns[i].fr, -1, 0);
	return HQ_OK;
}

static void
tell(const struct worker *w, enum hq_rc rc, const struct hq_err *err)
{
	struct hq_worker_note note = { .pid = getpid(), .rc = rc };

	if (rc != HQ_OK)
		memcpy(note.msg, err->msg, sizeof(note.msg));
	if (write(w->fds->notes, &note, sizeof(note)) != (ssize_t)sizeof(note))
		hq_log(HQ_WARN, "worker_note", HQ_LSTR("error", "lost"));
}

int
hq_worker_run(const struct hq_serve_opts *o, const struct hq_worker_fds *fds)
{
	struct worker w = { .o = o, .fds = fds };
	struct hq_err err = { 0 };
	enum hq_rc rc = prepare(&w, &err);

	TAILQ_INIT(&w.parked);
	if (rc == HQ_OK)
		rc = o->init(o->ctx, &w.app, &err);
	tell(&w, rc, &err);
	if (rc != HQ_OK) {
		free(w.conns);
		return EXIT_FAILURE;
	}
	hq_exchange_init(&w.x, o, w.app);
	loop(&w);
	answer_parked(&w);
	if (w.mode == LEAVING)
		hand_over(&w);
	o->done(w.app);
	hq_exchange_done(&w.x);
	free(w.conns);
	return EXIT_SUCCESS;
}

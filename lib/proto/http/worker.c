/* For accept4, strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "proto/http/conn.h"
#include "proto/http/handover.h"
#include "proto/http/peek.h"

/* What an event is about: a connection's index, or one of these. */
enum { ON_LISTEN = HQ_SERVE_SLOTS_MAX, ON_SIGNAL, ON_POOL };

static bool
watch(const struct hq_worker *w, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event ev = { .events = events, .data.u32 = what };

	return epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/*
 * Close an idle connection without losing a request that is just coming: when
 * its peer cannot send any more, what it has sent is served.
 */
static void
close_idle(struct hq_worker *w, struct hq_conn *c)
{
	(void)shutdown(c->fr.ipcFd, SHUT_RD);
	if (hq_peek(c->fr.ipcFd) == HQ_PEEK_READY)
		hq_conn_serve(w, c);
	if (c->fr.ipcFd >= 0)
		hq_conn_drop(w, c);
}

static struct hq_conn *
free_slot(struct hq_worker *w)
{
	struct hq_conn *c = TAILQ_FIRST(&w->free);

	if (c != NULL) {
		TAILQ_REMOVE(&w->free, c, line);
		return c;
	}
	if (w->n_used == w->slots)
		return NULL;
	c = &w->conns[w->n_used++];
	/* We accept; without a listening socket libfcgi cannot. */
	(void)FCGX_InitRequest(&c->fr, -1, 0);
	return c;
}

/* A connection joins: serve what is there, then watch it. */
static void
join(struct hq_worker *w, int fd)
{
	struct hq_conn *c = free_slot(w);

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->fr.ipcFd = fd;
	c->since_ms = w->now_ms;
	w->n_open++;
	hq_figure_add(&w->mine[HQ_SERVE_OPEN], 1);
	hq_conn_look(w, c);
	if (c->fr.ipcFd < 0 ||
	    watch(w, fd, EPOLLIN | EPOLLRDHUP | EPOLLET,
		(uint32_t)(c - w->conns)))
		return;
	if (c->hears != NULL)
		hq_talk_give_up(w, true);
	else
		hq_conn_drop(w, c);
}

static void
accept_one(struct hq_worker *w)
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
take_handed(struct hq_worker *w)
{
	int fd = hq_handover_take(w->fds->pool[0]);

	if (fd >= 0)
		join(w, fd);
}

/* Poll for new connections exactly while there is room for one. */
static void
take_or_not(struct hq_worker *w)
{
	bool want = w->mode == HQ_WORKER_SERVING && w->n_open < w->slots;

	if (want == w->taking)
		return;
	w->taking = want;
	if (want) {
		/* A worker that cannot accept is of no use to anybody. */
		if (!watch(w, w->fds->listen, EPOLLIN | EPOLLEXCLUSIVE,
			ON_LISTEN) ||
		    !watch(w, w->fds->pool[0], EPOLLIN | EPOLLEXCLUSIVE,
			ON_POOL))
			w->mode = HQ_WORKER_LEAVING;
		return;
	}
	(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, w->fds->listen, NULL);
	(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, w->fds->pool[0], NULL);
}

/* Nothing came on it for so long that somebody who waits may have its slot. */
static bool
may_go(const struct hq_worker *w, const struct hq_conn *c)
{
	int64_t least = c->partial ? HQ_SERVE_HALF_MS : HQ_SERVE_TICK_MS;

	return c->fr.ipcFd >= 0 && !c->busy && c->group == NULL &&
	    w->now_ms - c->since_ms >= least;
}

/* All slots are taken and somebody waits: the longest idle one has to go. */
static void
make_room(struct hq_worker *w)
{
	struct pollfd p = { .fd = w->fds->listen, .events = POLLIN };
	struct hq_conn *c, *oldest = NULL;

	if (poll(&p, 1, 0) <= 0)
		return;
	for (c = w->conns; c < w->conns + w->n_used; c++)
		if (may_go(w, c) &&
		    (oldest == NULL || c->since_ms < oldest->since_ms))
			oldest = c;
	if (oldest == NULL)
		return;
	if (oldest->partial)
		hq_conn_drop(w, oldest);
	else
		close_idle(w, oldest);
}

static void
drop_late(struct hq_worker *w)
{
	struct hq_conn *c;

	for (c = w->conns; c < w->conns + w->n_used; c++)
		if (c->partial && w->now_ms - c->since_ms >= HQ_SERVE_READ_MS)
			hq_conn_drop(w, c);
}

/*
 * A connection that was used just now will be used again at once, and what its
 * peer sends at this moment would be lost on it: when stopping, such a one is
 * closed behind its next reply, and the others here.
 */
static void
close_quiet(struct hq_worker *w)
{
	bool all = w->now_ms - w->stop_ms >= HQ_SERVE_QUIET_MAX_MS;
	struct hq_conn *c;

	for (c = w->conns; c < w->conns + w->n_used; c++)
		if (c->fr.ipcFd >= 0 && !c->busy && !c->partial &&
		    (all || w->now_ms - c->since_ms >= HQ_SERVE_TICK_MS))
			close_idle(w, c);
}

static void
tick(struct hq_worker *w)
{
	if (w->n_partial > 0)
		drop_late(w);
	hq_talk_give_up(w, false);
	if (w->mode == HQ_WORKER_STOPPING)
		close_quiet(w);
	if (w->mode == HQ_WORKER_SERVING && w->n_open == w->slots)
		make_room(w);
}

static void
stop(struct hq_worker *w)
{
	int fd;

	w->mode = HQ_WORKER_STOPPING;
	w->stop_ms = w->now_ms;
	take_or_not(w);
	hq_parked_answer(w);
	while (w->n_open < w->slots &&
	    (fd = hq_handover_take(w->fds->pool[0])) >= 0)
		join(w, fd);
	close_quiet(w);
}

static void
on_signal(struct hq_worker *w)
{
	struct signalfd_siginfo si;

	if (read(w->sig, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM)
		w->told = true; /* when what is in hand is answered */
	else if (w->mode == HQ_WORKER_SERVING)
		w->mode = HQ_WORKER_LEAVING;
}

struct hq_conn *
hq_worker_conn(struct hq_worker *w, uint32_t what)
{
	return what < HQ_SERVE_SLOTS_MAX ? &w->conns[what] : NULL;
}

void
hq_worker_event(struct hq_worker *w, uint32_t what)
{
	struct hq_conn *c;

	switch (what) {
	case ON_LISTEN:
		if (w->mode == HQ_WORKER_SERVING && w->n_open < w->slots)
			accept_one(w);
		return;
	case ON_POOL:
		if (w->mode == HQ_WORKER_SERVING && w->n_open < w->slots)
			take_handed(w);
		return;
	case ON_SIGNAL:
		on_signal(w);
		return;
	default:
		c = &w->conns[what];
		if (c->fr.ipcFd >= 0)
			hq_conn_look(w, c);
		return;
	}
}

static bool
goes_on(const struct hq_worker *w)
{
	switch (w->mode) {
	case HQ_WORKER_SERVING:
		return true;
	case HQ_WORKER_STOPPING:
		return w->n_open > 0;
	case HQ_WORKER_LEAVING: /* a stack cannot be handed over */
		return w->n_parked > 0 || hq_talk_busy(w) > 0;
	}
	return false;
}

static void
note(const struct hq_worker *w, const struct hq_worker_note *n)
{
	if (write(w->fds->notes, n, sizeof(*n)) != (ssize_t)sizeof(*n))
		hq_log(HQ_WARN, "worker_note", HQ_LSTR("error", "lost"));
}

void
hq_worker_give(struct hq_worker *w, struct hq_conn *c)
{
	/* It would go on to tell of what another worker has open. */
	(void)epoll_ctl(w->ep, EPOLL_CTL_DEL, c->fr.ipcFd, NULL);
	if (!w->told && hq_handover_give(w->fds->pool[1], c->fr.ipcFd))
		hq_conn_drop(w, c);
	else
		close_idle(w, c);
}

/*
 * Others take what is idle, and the master starts one more, before those that
 * wait are answered: there may be thousands.
 */
static void
part(struct hq_worker *w)
{
	const struct hq_worker_note n = { .pid = getpid(),
		.leaves = true,
		.rc = HQ_OK };
	struct hq_conn *c;

	w->parted = true;
	take_or_not(w);
	note(w, &n);
	for (c = w->conns; c < w->conns + w->n_used; c++)
		if (c->fr.ipcFd >= 0 && !c->busy && c->group == NULL)
			hq_worker_give(w, c);
	hq_talk_flush(w);
}

/* A handful of those that wait; the others are not forgotten meanwhile. */
static void
answer_some(struct hq_worker *w)
{
	struct hq_conn *c;
	int n;

	if (w->told)
		hq_parked_answer(w);
	if (w->n_parked > 0)
		(void)hq_parked_look(w);
	if (w->now_ms - w->ended_ms < HQ_SERVE_PART_MS)
		return;
	w->ended_ms = w->now_ms;
	for (n = 0; n < HQ_SERVE_LOOK_MAX; n++)
		if ((c = hq_waiting_any(w)) != NULL)
			hq_parked_end(w, c);
}

/* Behind the events of a turn.  True: those that wait have to be seen soon. */
static bool
look_after(struct hq_worker *w)
{
	if (w->o->recycle > 0 && w->served >= w->o->recycle &&
	    w->mode == HQ_WORKER_SERVING)
		w->mode = HQ_WORKER_LEAVING;
	if (w->mode != HQ_WORKER_LEAVING)
		return w->n_parked > 0 && hq_parked_look(w);
	if (!w->parted)
		part(w);
	answer_some(w);
	return true;
}

static void
loop(struct hq_worker *w)
{
	const struct hq_env *env = hq_env_system();
	struct hq_gather *t = &w->turn;
	bool more = false;
	int wait_ms;

	while (goes_on(w)) {
		take_or_not(w);
		wait_ms = w->taking && w->n_partial == 0 && hq_talk_busy(w) == 0
		    ? -1
		    : HQ_SERVE_TICK_MS;
		if (w->n_parked > 0)
			wait_ms = more ? HQ_SERVE_PASS_MS : HQ_SERVE_LOOK_MS;
		t->n_events =
		    epoll_wait(w->ep, t->events, HQ_SERVE_EVENTS_MAX, wait_ms);
		if (t->n_events < 0)
			t->n_events = 0; /* a signal */
		t->at = 0;
		w->now_ms = hq_mono_ms(env);
		hq_gather_run(w);
		if (w->told && w->mode == HQ_WORKER_SERVING)
			stop(w);
		if (wait_ms >= 0)
			tick(w);
		hq_talk_flush(w);
		hq_talk_rest(w);
		more = look_after(w);
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

/* As many slots as there may be open files, if that is fewer. */
static int
slots_of(const struct hq_serve_opts *o)
{
	rlim_t want = (rlim_t)o->slots + HQ_SERVE_FILES;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want)
		return o->slots;
	lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur >= want)
		return o->slots;
	hq_log(HQ_WARN, "slots", HQ_LI64("wanted", o->slots),
	    HQ_LI64("open_files", (int64_t)lim.rlim_cur),
	    HQ_LSTR("fix", "raise LimitNOFILE, or lower RAWR_SLOTS"));
	return lim.rlim_cur / 2 > HQ_SERVE_FILES
	    ? (int)lim.rlim_cur - HQ_SERVE_FILES
	    : HQ_SERVE_FILES;
}

/* Everything that does not depend on the application. */
static enum hq_rc
prepare(struct hq_worker *w, struct hq_err *err)
{
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
	w->slots = slots_of(w->o);
	w->conns = calloc((size_t)w->slots, sizeof(*w->conns));
	HQ_ASSERT(w->conns != NULL);
	return HQ_OK;
}

static void
tell(const struct hq_worker *w, enum hq_rc rc, const struct hq_err *err)
{
	struct hq_worker_note n = { .pid = getpid(), .rc = rc };

	if (rc != HQ_OK)
		memcpy(n.msg, err->msg, sizeof(n.msg));
	note(w, &n);
}

int
hq_worker_run(const struct hq_serve_opts *o, const struct hq_worker_fds *fds)
{
	struct hq_worker w = { .o = o, .fds = fds };
	struct hq_err err = { 0 };
	enum hq_rc rc = prepare(&w, &err);

	w.mine = o->figures == NULL ? w.unseen : hq_figures_mine(o->figures);
	TAILQ_INIT(&w.groups);
	TAILQ_INIT(&w.free);
	hq_buf_init(&w.out, NULL);
	if (rc == HQ_OK)
		rc = o->init(o->ctx, &w.app, &err);
	tell(&w, rc, &err);
	if (rc != HQ_OK) {
		free(w.conns);
		return EXIT_FAILURE;
	}
	hq_exchange_init(&w.x, o, w.app);
	hq_gather_init(&w);
	hq_talk_init(&w);
	loop(&w);
	hq_talk_done(&w);
	hq_gather_done(&w);
	o->done(w.app);
	hq_exchange_done(&w.x);
	hq_buf_done(&w.out);
	free(w.conns);
	return EXIT_SUCCESS;
}

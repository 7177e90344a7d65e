/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alive.h"
#include "base/env.h"
#include "base/log.h"
#include "proto/http/parts.h"

/* Old and new side by side while workers are replaced. */
enum { CHILDREN_MAX = 2 * HQ_SERVE_WORKERS_MAX };

struct child {
	pid_t pid; /* 0: a free place */
	int64_t started_ms;
	bool ready;   /* it serves */
	bool stale;   /* there before the last SIGHUP */
	bool leaving; /* told to go, or has said that it does */
};

struct master {
	const struct hq_serve_opts *o;
	struct hq_worker_fds fds;
	struct hq_alive alive;
	int notes; /* reading end */
	int sig;
	sigset_t old_mask;
	struct child children[CHILDREN_MAX];
	bool ever_ready;
	bool stopping;
	bool killed;
	int64_t now_ms;
	int64_t next_spawn_ms;
	int64_t pause_ms;
	int64_t kill_ms;
	struct hq_worker_note why; /* the last that could not start */
};

/* How many children are all that is asked for. */
struct want {
	bool staying; /* does not leave */
	bool stale;
	bool starting; /* not ready yet */
};

static int
count(const struct master *m, struct want want)
{
	int i, n = 0;

	for (i = 0; i < CHILDREN_MAX; i++) {
		const struct child *c = &m->children[i];

		if (c->pid != 0 && (!want.staying || !c->leaving) &&
		    (!want.stale || c->stale) && (!want.starting || !c->ready))
			n++;
	}
	return n;
}

static struct child *
find(struct master *m, pid_t pid)
{
	int i;

	for (i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid == pid)
			return &m->children[i];
	return NULL;
}

static size_t
place_of(const struct master *m, const struct child *c)
{
	return (size_t)(c - m->children);
}

static void
tally(const struct master *m, enum hq_serve_figure f, int64_t n)
{
	if (m->o->figures != NULL)
		hq_figure_add(&hq_figures_mine(m->o->figures)[f], n);
}

/* A worker that is gone has no connections. */
static void
forget_open(const struct master *m, size_t place)
{
	if (m->o->figures != NULL)
		hq_figures_clear(m->o->figures, place, HQ_SERVE_OPEN, 2);
}

static void
tally_ready(const struct master *m)
{
	struct want staying = { .staying = true };
	struct want starting = { .staying = true, .starting = true };

	if (m->o->figures != NULL)
		hq_figure_set(&hq_figures_mine(m->o->figures)[HQ_SERVE_READY],
		    count(m, staying) - count(m, starting));
}

static HQ_NORETURN void
be_worker(const struct master *m, pid_t master_pid, size_t place)
{
	sigset_t mask = m->old_mask;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master_pid)
		_exit(EXIT_SUCCESS);
	(void)close(m->sig);
	(void)close(m->notes);
	if (m->alive.fd >= 0)
		(void)close(m->alive.fd);
	if (m->o->figures != NULL)
		hq_figures_take(m->o->figures, place);
	/* SIGINT goes to the whole terminal; the master passes TERM on. */
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGHUP);
	(void)sigaddset(&mask, SIGINT);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	_exit(hq_worker_run(m->o, &m->fds));
}

/* The next worker comes later, and later again, until one can serve. */
static void
back_off(struct master *m)
{
	m->pause_ms =
	    m->pause_ms == 0 ? HQ_SERVE_PAUSE_MIN_MS : 2 * m->pause_ms;
	if (m->pause_ms > HQ_SERVE_PAUSE_MAX_MS)
		m->pause_ms = HQ_SERVE_PAUSE_MAX_MS;
	m->next_spawn_ms = m->now_ms + m->pause_ms;
}

static void
spawn(struct master *m)
{
	struct child *c = find(m, 0);
	pid_t me = getpid(), pid;

	if (c == NULL)
		return;
	pid = fork();
	if (pid == 0)
		be_worker(m, me, place_of(m, c));
	if (pid < 0) {
		hq_log(HQ_ERROR, "fork",
		    HQ_LSTR("error", strerrordesc_np(errno)));
		back_off(m);
		return;
	}
	*c = (struct child){ .pid = pid, .started_ms = m->now_ms };
	tally(m, HQ_SERVE_STARTS, 1);
}

static void
tell_to_go(struct child *c)
{
	c->leaving = true;
	(void)kill(c->pid, SIGHUP);
}

/* With a replacement up, one of the old ones may go. */
static void
retire(struct master *m)
{
	int spare = count(m, (struct want){ .staying = true }) -
	    count(m, (struct want){ .staying = true, .starting = true }) -
	    m->o->workers;
	int i;

	for (i = 0; i < CHILDREN_MAX && spare > 0; i++) {
		struct child *c = &m->children[i];

		if (c->pid != 0 && c->stale && !c->leaving && c->ready) {
			tell_to_go(c);
			spare--;
		}
	}
}

/* Keep the number; while stale workers are left, one more. */
static void
fill(struct master *m)
{
	int stale = count(m, (struct want){ .staying = true, .stale = true });
	int want = m->o->workers + (stale > 0 ? 1 : 0);
	int have = count(m, (struct want){ .staying = true });

	for (; have < want && m->now_ms >= m->next_spawn_ms; have++)
		spawn(m);
}

static void
on_note(struct master *m)
{
	struct hq_worker_note note;
	struct child *c;

	while (read(m->notes, &note, sizeof(note)) == (ssize_t)sizeof(note)) {
		c = find(m, note.pid);
		if (note.rc != HQ_OK) {
			note.msg[sizeof(note.msg) - 1] = '\0';
			hq_log(HQ_ERROR, "worker_init",
			    HQ_LI64("pid", note.pid),
			    HQ_LSTR("error", note.msg));
			m->why = note;
		} else if (c != NULL && note.leaves) {
			c->leaving = true; /* its replacement need not wait */
		} else if (c != NULL) {
			c->ready = true;
			m->ever_ready = true;
			m->pause_ms = 0; /* to start works again */
		}
	}
}

static void
on_exit_of(struct master *m, struct child *c, int st)
{
	bool quick = m->now_ms - c->started_ms < HQ_SERVE_QUICK_MS;
	bool fine = WIFEXITED(st) && WEXITSTATUS(st) == EXIT_SUCCESS;

	forget_open(m, place_of(m, c));
	tally(m, HQ_SERVE_DEATHS, !fine);
	if (!fine && !m->killed)
		hq_log(HQ_ERROR, "worker_died", HQ_LI64("pid", c->pid),
		    HQ_LI64("signal", WIFSIGNALED(st) ? WTERMSIG(st) : 0),
		    HQ_LI64("status", WIFEXITED(st) ? WEXITSTATUS(st) : 0));
	if (!c->leaving && !fine && quick)
		back_off(m);
	else if (!quick)
		m->pause_ms = 0;
	*c = (struct child){ 0 };
}

static void
reap(struct master *m)
{
	struct child *c;
	pid_t pid;
	int i, st;

	for (i = 0; i < CHILDREN_MAX; i++) {
		c = &m->children[i];
		if (c->pid == 0)
			continue;
		pid = waitpid(c->pid, &st, WNOHANG);
		if (pid == c->pid)
			on_exit_of(m, c, st);
	}
}

static void
stop(struct master *m)
{
	int i;

	if (!m->stopping)
		m->kill_ms = m->now_ms + HQ_SERVE_GRACE_MS;
	m->stopping = true;
	for (i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid != 0)
			(void)kill(m->children[i].pid, SIGTERM);
}

static void
kill_rest(struct master *m)
{
	int i;

	m->killed = true;
	m->kill_ms = INT64_MAX;
	hq_log(HQ_WARN, "workers_killed",
	    HQ_LI64("count", count(m, (struct want){ 0 })));
	for (i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid != 0)
			(void)kill(m->children[i].pid, SIGKILL);
}

static void
mark_stale(struct master *m)
{
	int i;

	hq_log(HQ_INFO, "workers_replaced", HQ_LI64("count", m->o->workers));
	for (i = 0; i < CHILDREN_MAX; i++)
		m->children[i].stale = m->children[i].pid != 0;
}

static void
on_signals(struct master *m)
{
	struct signalfd_siginfo si;

	while (read(m->sig, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(m);
		else if (si.ssi_signo == SIGHUP)
			mark_stale(m);
		else
			stop(m);
	}
}

/* Milliseconds until something is due; -1: nothing is. */
static int
wait_of(const struct master *m)
{
	int64_t due = m->stopping ? m->kill_ms : m->next_spawn_ms;

	if (due == INT64_MAX || (!m->stopping && due <= m->now_ms))
		return -1;
	return due <= m->now_ms ? 0 : (int)(due - m->now_ms) + 1;
}

/* Every worker said at its first start that it cannot: give up. */
static bool
none_can_start(const struct master *m)
{
	return !m->ever_ready && m->why.rc != HQ_OK &&
	    count(m, (struct want){ 0 }) == 0;
}

static void
supervise(struct master *m)
{
	const struct hq_env *env = hq_env_system();
	struct pollfd p[] = { { .fd = m->sig, .events = POLLIN },
		{ .fd = m->notes, .events = POLLIN } };

	m->now_ms = hq_mono_ms(env);
	fill(m);
	while (!m->stopping || count(m, (struct want){ 0 }) > 0) {
		(void)poll(p, 2, wait_of(m));
		m->now_ms = hq_mono_ms(env);
		/* Notes first: a child that is gone may have said why. */
		on_note(m);
		on_signals(m);
		tally_ready(m);
		if (none_can_start(m))
			return;
		if (m->stopping) {
			if (m->now_ms >= m->kill_ms)
				kill_rest(m);
			continue;
		}
		retire(m);
		fill(m);
	}
}

static enum hq_rc
prepare(struct master *m, struct hq_err *err)
{
	sigset_t set;
	int notes[2];

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)pthread_sigmask(SIG_BLOCK, &set, &m->old_mask);
	m->sig = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->sig < 0 || pipe(notes) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, m->fds.pool) != 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "start: %s",
		    strerrordesc_np(errno));
	m->notes = notes[0];
	m->fds.notes = notes[1];
	(void)fcntl(notes[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(notes[1], F_SETFD, FD_CLOEXEC);
	(void)fcntl(notes[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(m->fds.listen, F_SETFL,
	    fcntl(m->fds.listen, F_GETFL) | O_NONBLOCK);
	return HQ_OK;
}

static void
finish(struct master *m)
{
	hq_alive_close(&m->alive);
	(void)close(m->sig);
	(void)close(m->notes);
	(void)close(m->fds.notes);
	(void)close(m->fds.pool[0]);
	(void)close(m->fds.pool[1]);
	(void)pthread_sigmask(SIG_SETMASK, &m->old_mask, NULL);
}

/* For those who ask how we are; without it we serve as well. */
static void
show(struct master *m)
{
	struct hq_err err = { 0 };
	size_t i;

	m->alive = HQ_ALIVE_NONE;
	if (m->o->alive != NULL &&
	    hq_alive_open(m->o->alive, hq_mono_ms(hq_env_system()), &m->alive,
		&err) != HQ_OK)
		hq_log(HQ_WARN, "not_seen", HQ_LSTR("why", err.msg));
	for (i = 0; i < CHILDREN_MAX; i++)
		forget_open(m, i);
}

enum hq_rc
hq_master_run(const struct hq_serve_opts *o, int listen_fd, struct hq_err *err)
{
	struct master m = { .o = o, .fds = { .listen = listen_fd } };

	HQ_ASSERT(o->workers > 0 && o->workers <= HQ_SERVE_WORKERS_MAX);
	HQ_ASSERT(o->slots > 0 && o->slots <= HQ_SERVE_SLOTS_MAX);
	HQ_TRY(prepare(&m, err));
	show(&m);
	supervise(&m);
	finish(&m);
	if (m.ever_ready || m.why.rc == HQ_OK)
		return HQ_OK;
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s", m.why.msg);
}

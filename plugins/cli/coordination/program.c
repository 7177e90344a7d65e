#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/env.h"

enum { IN, OUT, LIFE, FDS };
enum { CANNOT_RUN = 127, CHUNK = 65536 };

struct child {
	const struct program *p;
	pid_t pid;
	struct pollfd fds[FDS]; /* its stdin, its stdout, itself; or -1 */
	size_t written;
	struct hq_buf out;
	bool gone;
	struct program_end *end;
};

/* ------------------------------------------------------------------- start -- */

enum hq_rc
program_find(const char *name, struct hq_err *err)
{
	const char *at, *path = getenv("PATH"); /* NOLINT(concurrency-mt-*) */
	char file[4096];
	size_t n;
	int len;

	if (strchr(name, '/') != NULL) {
		if (access(name, X_OK) == 0)
			return HQ_OK;
		return HQ_FAIL(err, NOT_FOUND, "%s: no such program", name);
	}
	for (at = path == NULL ? "" : path; *at != '\0';
	     at += n + (at[n] == ':')) {
		n = strcspn(at, ":");
		len = snprintf(file, sizeof(file), "%.*s/%s", (int)n, at, name);
		if (len > 0 && (size_t)len < sizeof(file) &&
		    access(file, X_OK) == 0)
			return HQ_OK;
	}
	return HQ_FAIL(err, NOT_FOUND, "%s: no such program on PATH", name);
}

static HQ_NORETURN void
become(const struct program *p, int in, int out, pid_t parent)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && dup2(in, STDIN_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0)
		(void)execvp(p->argv[0], p->argv);
	_exit(CANNOT_RUN);
}

/* Both ends go when another program begins. */
static bool
make_pipe(int ends[2])
{
	if (pipe(ends) != 0)
		return false;
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return true;
}

static enum hq_rc
start(struct child *c, struct hq_err *err)
{
	pid_t parent = getpid();
	int in[2], out[2];

	if (!make_pipe(in))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no pipe");
	if (!make_pipe(out)) {
		(void)close(in[0]);
		(void)close(in[1]);
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no pipe");
	}
	c->pid = fork();
	if (c->pid == 0)
		become(c->p, in[0], out[1], parent);
	(void)close(in[0]);
	(void)close(out[1]);
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	c->fds[IN] = (struct pollfd){ .fd = in[1], .events = POLLOUT };
	c->fds[OUT] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	if (c->pid < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "fork");
	(void)setpgid(c->pid, c->pid);
	c->fds[LIFE].fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	c->fds[LIFE].events = POLLIN;
	return HQ_OK;
}

/* ----------------------------------------------------------------- talking -- */

static void
shut(struct child *c, int which)
{
	if (c->fds[which].fd >= 0)
		(void)close(c->fds[which].fd);
	c->fds[which].fd = -1;
}

/* One that reads nothing closes its end: that is its affair. */
static void
write_more(struct child *c)
{
	size_t n = strlen(c->p->in) - c->written;
	ssize_t put = write(c->fds[IN].fd, c->p->in + c->written, n);

	if (put > 0)
		c->written += (size_t)put;
	if (c->p->in[c->written] == '\0' ||
	    (put < 0 && errno != EAGAIN && errno != EINTR))
		shut(c, IN);
}

/* All that is there; of one that prints too much no more is heard. */
static void
read_more(struct child *c)
{
	char chunk[CHUNK];
	ssize_t got = 1;

	while (c->fds[OUT].fd >= 0 && got > 0) {
		got = read(c->fds[OUT].fd, chunk, sizeof(chunk));
		if (got > 0 && (size_t)got <= PROGRAM_OUT_MAX - c->out.n)
			hq_buf_put(&c->out, chunk, (size_t)got);
		else if (got > 0)
			c->end->too_much = true;
		if (c->end->too_much || got == 0 ||
		    (got < 0 && errno != EAGAIN && errno != EINTR))
			shut(c, OUT);
	}
}

static void
wait_end(struct child *c, int flags)
{
	int status;

	if (c->gone || waitpid(c->pid, &status, flags) != c->pid)
		return;
	c->gone = true;
	c->end->exited = WIFEXITED(status);
	c->end->code = c->end->exited ? WEXITSTATUS(status) : WTERMSIG(status);
}

/* Until something happens, or ms have passed. */
static void
turn(struct child *c, int64_t ms)
{
	enum { LOOK_MS = 1000 }; /* a signal may come between look and poll */

	if (poll(c->fds, FDS, (int)(ms < LOOK_MS ? ms : LOOK_MS)) > 0) {
		if (c->fds[IN].fd >= 0 && c->fds[IN].revents != 0)
			write_more(c);
		if (c->fds[OUT].fd >= 0 && c->fds[OUT].revents != 0)
			read_more(c);
	}
	wait_end(c, WNOHANG);
}

/* By the clock: one that prints makes the turns short. */
static void
finish_off(struct child *c)
{
	const struct hq_env *env = hq_env_system();
	int64_t end_ms = hq_mono_ms(env) + PROGRAM_GRACE_MS, left_ms;

	(void)kill(-c->pid, SIGTERM);
	shut(c, IN);
	while (!c->gone && (left_ms = end_ms - hq_mono_ms(env)) > 0)
		turn(c, left_ms);
	(void)kill(-c->pid, SIGKILL);
	wait_end(c, 0);
}

enum hq_rc
program_run(const struct program *p, struct hq_arena *a,
    struct program_end *ret, struct hq_err *err)
{
	struct child c = {
		.p = p,
		.fds = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } },
		.end = ret,
	};
	int64_t ms;
	enum hq_rc rc;
	int i;

	*ret = (struct program_end){ 0 };
	hq_buf_init(&c.out, a);
	if ((rc = start(&c, err)) == HQ_OK) {
		while (!c.gone && !ret->too_much && (ms = p->look(p->ctx)) >= 0)
			turn(&c, ms);
		ret->ended = !c.gone && !ret->too_much;
		if (!c.gone)
			finish_off(&c);
		read_more(&c);
	}
	for (i = 0; i < FDS; i++)
		shut(&c, i);
	ret->out = c.out.n == 0 ? "" : hq_buf_str(&c.out);
	ret->out_bytes = c.out.n;
	return rc;
}

/*
 * The doorbell: a datagram socket.  Whoever has queued work sends a byte;
 * however many come, one look at the store answers them all.
 *
 * Of several runners one has it: who holds the lock on its directory, which a
 * death gives back.  The others look at the store every RUNNER_IDLE_MS.
 */
/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runner.h"

static bool
address(const char *var, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/run/runner.sock",
	    var);
	return n > 0 && (size_t)n < sizeof(ret->sun_path);
}

static enum hq_rc
bind_to(const struct sockaddr_un *at, struct runner_bell *b, struct hq_err *err)
{
	b->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "socket: %s",
		    strerrordesc_np(errno));
	(void)unlink(at->sun_path); /* of a runner that was killed */
	if (bind(b->fd, (const struct sockaddr *)at, sizeof(*at)) != 0) {
		(void)close(b->fd);
		b->fd = -1;
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "bind %s: %s",
		    at->sun_path, strerrordesc_np(errno));
	}
	return HQ_OK;
}

static enum hq_rc
open_directory(const char *var, struct runner_bell *b, struct hq_err *err)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	(void)snprintf(path, sizeof(path), "%s/run", var);
	b->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->lock < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "open %s: %s", path,
		    strerrordesc_np(errno));
	return HQ_OK;
}

enum hq_rc
runner_bell_take(const char *var, struct runner_bell *b, struct hq_err *err)
{
	struct sockaddr_un at;

	if (b->fd >= 0)
		return HQ_OK;
	if (!address(var, &at))
		return HQ_FAIL(err, BAD_REQUEST,
		    "RAWR_VAR is too long for a socket's path");
	if (b->lock < 0)
		HQ_TRY(open_directory(var, b, err));
	if (flock(b->lock, LOCK_EX | LOCK_NB) == 0)
		return bind_to(&at, b, err);
	if (errno == EWOULDBLOCK || errno == EINTR)
		return HQ_OK;
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "lock %s/run: %s", var,
	    strerrordesc_np(errno));
}

void
runner_bell_drain(const struct runner_bell *b)
{
	char buf[64];

	while (recv(b->fd, buf, sizeof(buf), 0) >= 0)
		;
}

void
runner_bell_close(const char *var, struct runner_bell *b)
{
	struct sockaddr_un at;

	if (b->fd >= 0) {
		(void)close(b->fd);
		if (address(var, &at))
			(void)unlink(at.sun_path);
	}
	if (b->lock >= 0)
		(void)close(b->lock);
	*b = RUNNER_NO_BELL;
}

/*
 * The doorbell: a datagram socket.  Whoever has queued work sends a byte;
 * however many come, one look at the store answers them all.
 */
/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
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

enum hq_rc
runner_bell_open(const char *var, int *ret_fd, struct hq_err *err)
{
	struct sockaddr_un at;
	int fd;

	if (!address(var, &at))
		return HQ_FAIL(err, BAD_REQUEST,
		    "RAWR_VAR is too long for a socket's path");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "socket: %s",
		    strerrordesc_np(errno));
	(void)unlink(at.sun_path); /* of a runner that was killed */
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		(void)close(fd);
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "bind %s: %s",
		    at.sun_path, strerrordesc_np(errno));
	}
	*ret_fd = fd;
	return HQ_OK;
}

void
runner_bell_drain(int fd)
{
	char buf[64];

	while (recv(fd, buf, sizeof(buf), 0) >= 0)
		;
}

void
runner_bell_close(const char *var, int fd)
{
	struct sockaddr_un at;

	if (fd < 0)
		return;
	(void)close(fd);
	if (address(var, &at))
		(void)unlink(at.sun_path);
}

#include "proto/http/serve.h"

#include <sys/socket.h>
#include <unistd.h>

#include "proto/http/parts.h"

/* The value of a socket option of fd; -1 if fd is not a socket. */
static int
option_of(int fd, int option)
{
	int value = -1;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &n) == 0 ? value : -1;
}

enum hq_rc
hq_serve(const struct hq_serve_opts *o, struct hq_err *err)
{
	if (option_of(STDIN_FILENO, SO_ACCEPTCONN) != 1) {
		if (hq_cgi_asked())
			return hq_cgi_run(o, err);
		return HQ_FAIL(err, BAD_REQUEST,
		    "fd 0 is not a listening socket: start me with spawn-fcgi "
		    "or a systemd .socket, or as CGI (GATEWAY_INTERFACE)");
	}
	/* Who can write to the socket says who the caller is. */
	if (option_of(STDIN_FILENO, SO_DOMAIN) != AF_UNIX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "fd 0 is not a unix socket: FastCGI does not authenticate "
		    "its peer, so a network socket is refused");
	return hq_master_run(o, STDIN_FILENO, err);
}

/* For POLLRDHUP.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "proto/http/peek.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "proto/http/fcgi_wire.h"

enum hq_peek
hq_peek_bytes(const unsigned char *p, size_t n)
{
	size_t at = 0;

	while (n - at >= HQ_FCGI_HEADER_BYTES) {
		const unsigned char *h = p + at;
		size_t content = (size_t)(h[4] << 8 | h[5]);
		size_t record = HQ_FCGI_HEADER_BYTES + content + h[6];

		if (h[0] != HQ_FCGI_VERSION || h[1] == HQ_FCGI_ABORT)
			return HQ_PEEK_READY;
		if (h[1] == HQ_FCGI_STDIN && content == 0)
			return HQ_PEEK_READY;
		if (record > n - at)
			break;
		at += record;
	}
	return n >= HQ_PEEK_BYTES ? HQ_PEEK_READY : HQ_PEEK_PARTIAL;
}

static enum hq_peek
look_at(int fd)
{
	static unsigned char look[HQ_PEEK_BYTES];
	ssize_t n = recv(fd, look, sizeof(look), MSG_PEEK | MSG_DONTWAIT);

	if (n > 0)
		return hq_peek_bytes(look, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return HQ_PEEK_EMPTY;
	return HQ_PEEK_CLOSED;
}

/* The peer will send no more: behind bytes that wait, recv() does not say. */
static bool
is_cut_off(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

enum hq_peek
hq_peek(int fd)
{
	enum hq_peek seen = look_at(fd);

	if (seen != HQ_PEEK_PARTIAL || !is_cut_off(fd))
		return seen;
	/* Nothing more can come now; some may have come before that. */
	return look_at(fd) == HQ_PEEK_READY ? HQ_PEEK_READY : HQ_PEEK_CLOSED;
}

#include "proto/http/talk.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/env.h"
#include "proto/http/fcgi_wire.h"

static void
say(void *ctx, const char *label, const char *body, size_t n)
{
	struct hq_talk *t = ctx;
	FCGX_Stream *out = t->fr->out;

	if (t->since_ms == 0)
		t->since_ms = hq_mono_ms(hq_env_system());
	(void)FCGX_FPrintF(out,
	    "Status: 102 Processing\r\n" HQ_FCGI_INTERIM_LABEL
	    ": %s\r\nContent-Length: %d\r\n\r\n",
	    label, (int)n);
	(void)FCGX_PutStr(body, (int)n, out);
}

/*
 * The caller's word, behind the end of STDIN, where libfcgi reads no more; it
 * is short enough to come whole.
 */
static bool
has_said_go_on(int fd)
{
	static const unsigned char expected[HQ_FCGI_HEADER_BYTES] = {
		HQ_FCGI_VERSION, HQ_FCGI_GO_ON, 0, HQ_FCGI_REQUEST_ID
	};
	unsigned char got[HQ_FCGI_HEADER_BYTES];

	return recv(fd, got, sizeof(got), MSG_DONTWAIT) ==
	    (ssize_t)sizeof(got) &&
	    memcmp(got, expected, sizeof(got)) == 0;
}

static bool
wait(void *ctx)
{
	struct hq_talk *t = ctx;
	bool had_turn =
	    hq_mono_ms(hq_env_system()) - t->since_ms >= HQ_TALK_TURN_MS;
	struct pollfd p[] = {
		{ .fd = t->fr->ipcFd, .events = POLLIN },
		{ .fd = t->sig, .events = POLLIN },
		{ .fd = had_turn ? t->listen : -1, .events = POLLIN },
	};

	if (FCGX_FFlush(t->fr->out) != 0 ||
	    poll(p, sizeof(p) / sizeof(p[0]), HQ_TALK_PATIENCE_MS) <= 0)
		return false;
	return p[1].revents == 0 && p[2].revents == 0 &&
	    has_said_go_on(t->fr->ipcFd);
}

struct hq_http_talk
hq_talk_port(struct hq_talk *talk)
{
	return (struct hq_http_talk){ talk, say, wait };
}

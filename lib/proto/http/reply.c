#include "proto/http/reply.h"

#include <errno.h>
#include <sys/socket.h>

#include "proto/http/fcgi_wire.h"

enum { CONTENT_MAX = 0xfff8, BYTE = 0xff, BITS = 8 };

static void
put_header(struct hq_reply *r, int type, size_t n)
{
	const char h[HQ_FCGI_HEADER_BYTES] = { HQ_FCGI_VERSION, (char)type,
		(char)(r->id >> BITS & BYTE), (char)(r->id & BYTE),
		(char)(n >> BITS & BYTE), (char)(n & BYTE) };

	hq_buf_put(r->out, h, sizeof(h));
}

static void
put_records(struct hq_reply *r, int type, const char *p, size_t n)
{
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = n < CONTENT_MAX ? n : CONTENT_MAX;
		put_header(r, type, k);
		hq_buf_put(r->out, p, k);
	}
}

void
hq_reply_write(void *ctx, const char *p, size_t n)
{
	put_records(ctx, HQ_FCGI_STDOUT, p, n);
}

/* What is sent goes to nginx, which reads; SO_SNDTIMEO bounds the rest. */
static bool
send_all(int fd, const char *p, size_t n)
{
	ssize_t k;

	while (n > 0) {
		k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

bool
hq_reply_send(struct hq_reply *r)
{
	static const char complete[HQ_FCGI_HEADER_BYTES] = { 0 };
	bool sent;

	put_header(r, HQ_FCGI_STDOUT, 0);
	put_header(r, HQ_FCGI_END, sizeof(complete));
	hq_buf_put(r->out, complete, sizeof(complete));
	sent = send_all(r->fd, r->out->p, r->out->n);
	hq_buf_clear(r->out);
	return sent;
}

bool
hq_reply_say(struct hq_reply *r, const char *p, size_t n)
{
	bool sent;

	put_records(r, HQ_FCGI_DATA, p, n);
	put_header(r, HQ_FCGI_DATA, 0);
	sent = send_all(r->fd, r->out->p, r->out->n);
	hq_buf_clear(r->out);
	return sent;
}

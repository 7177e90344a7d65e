/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "proto/http/fcgi_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "proto/http/fcgi_wire.h"

enum {
	READ_BYTES = 16384,
	BODY_STEP = 65528, /* content of a record: a multiple of 8 */
	REPLY_HEADERS_MAX = 32,
};

struct hq_fcgi_call {
	int fd;
	bool done;
	bool unread; /* the host closed before it had read what was sent */
	struct hq_buf out; /* the request; sent bytes of it are out */
	size_t sent;
	struct hq_buf in; /* records as they come, from parsed on */
	size_t parsed;
	struct hq_buf reply; /* what STDOUT carried; cut into lines by parse */
	struct hq_buf told;  /* a checkpoint */
	enum { TOLD_NOTHING, TOLD_PART, TOLD_ALL } state; /* of it */
	int status;
	struct {
		const char *name, *value;
	} headers[REPLY_HEADERS_MAX];
	size_t n_headers;
	size_t body_at;
};

static void
put_record(struct hq_buf *b, int type, const void *p, size_t n)
{
	const char h[HQ_FCGI_HEADER_BYTES] = { HQ_FCGI_VERSION, (char)type, 0,
		HQ_FCGI_REQUEST_ID, (char)(n >> 8), (char)(n & 255) };

	hq_buf_put(b, h, sizeof(h));
	if (n > 0)
		hq_buf_put(b, p, n);
}

/* A stream: as many records as it takes, and the empty one that ends it. */
static void
put_stream(struct hq_buf *b, int type, const char *p, size_t n)
{
	size_t k;

	for (; n > 0; n -= k, p += k) {
		k = n < BODY_STEP ? n : BODY_STEP;
		put_record(b, type, p, k);
	}
	put_record(b, type, NULL, 0);
}

static void
put_length(struct hq_buf *b, size_t n)
{
	if (n >= 0x80) {
		HQ_ASSERT(n <= 0x7fffffff);
		hq_buf_putc(b, (char)(n >> 24 | 0x80));
		hq_buf_putc(b, (char)(n >> 16));
		hq_buf_putc(b, (char)(n >> 8));
	}
	hq_buf_putc(b, (char)n);
}

static void
put_request(struct hq_buf *out, const struct hq_fcgi_param *params,
    const void *body, size_t n)
{
	static const char begin[8] = { 0, HQ_FCGI_RESPONDER_ROLE };
	struct hq_buf pairs;

	hq_buf_init(&pairs, NULL);
	for (; params->name != NULL; params++) {
		put_length(&pairs, strlen(params->name));
		put_length(&pairs, strlen(params->value));
		hq_buf_puts(&pairs, params->name);
		hq_buf_puts(&pairs, params->value);
	}
	put_record(out, HQ_FCGI_BEGIN, begin, sizeof(begin));
	put_stream(out, HQ_FCGI_PARAMS, pairs.p, pairs.n);
	put_stream(out, HQ_FCGI_STDIN, body, n);
	hq_buf_done(&pairs);
}

/*
 * EAGAIN is a full backlog: unlike TCP, a unix socket cannot wait for it with
 * poll().
 */
static enum hq_rc
open_socket(struct hq_fcgi_call *c, const char *path, struct hq_err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sa.sun_path))
		return HQ_FAIL(err, BAD_REQUEST, "socket path is too long: %s",
		    path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0)
		return HQ_FAIL(err, SERVICE_UNAVAILABLE, "connect to %s: %s",
		    path, strerrordesc_np(errno));
	return HQ_OK;
}

static enum hq_rc
broken(struct hq_err *err, const char *why)
{
	return HQ_FAIL(err, BAD_GATEWAY, "function host: %s", why);
}

/* Send what goes; a peer that closed may still have answered. */
static void
send_some(struct hq_fcgi_call *c)
{
	ssize_t k;

	while (c->sent < c->out.n) {
		k = send(c->fd, c->out.p + c->sent, c->out.n - c->sent,
		    MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN)
			return;
		if (k < 0) {
			c->unread = true;
			c->sent = c->out.n;
			return;
		}
		c->sent += (size_t)k;
	}
}

enum hq_rc
hq_fcgi_call_new(const char *path, const struct hq_fcgi_param *params,
    const void *body, size_t n, struct hq_fcgi_call **ret, struct hq_err *err)
{
	struct hq_fcgi_call *c = calloc(1, sizeof(*c));
	enum hq_rc rc;

	HQ_ASSERT(c != NULL);
	c->fd = -1;
	hq_buf_init(&c->out, NULL);
	hq_buf_init(&c->in, NULL);
	hq_buf_init(&c->reply, NULL);
	hq_buf_init(&c->told, NULL);
	rc = open_socket(c, path, err);
	if (rc != HQ_OK) {
		hq_fcgi_call_free(c);
		return rc;
	}
	put_request(&c->out, params, body, n);
	send_some(c);
	*ret = c;
	return HQ_OK;
}

void
hq_fcgi_call_free(struct hq_fcgi_call *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		(void)close(c->fd);
	hq_buf_done(&c->out);
	hq_buf_done(&c->in);
	hq_buf_done(&c->reply);
	hq_buf_done(&c->told);
	free(c);
}

int
hq_fcgi_call_fd(const struct hq_fcgi_call *c)
{
	return c->fd;
}

short
hq_fcgi_call_events(const struct hq_fcgi_call *c)
{
	return c->sent < c->out.n ? POLLIN | POLLOUT : POLLIN;
}

/* The line at c->reply.p[*at], ended by a NUL in place; NULL at the blank. */
static char *
next_line(struct hq_fcgi_call *c, size_t *at)
{
	char *line = c->reply.p + *at;
	char *eol = memchr(line, '\n', c->reply.n - *at);

	if (eol == NULL)
		return NULL;
	*at = (size_t)(eol + 1 - c->reply.p);
	if (eol > line && eol[-1] == '\r')
		eol--;
	*eol = '\0';
	return line;
}

static enum hq_rc
put_header(struct hq_fcgi_call *c, char *line, struct hq_err *err)
{
	char *colon = strchr(line, ':');

	if (colon == NULL)
		return broken(err, "bad header in its reply");
	if (c->n_headers == REPLY_HEADERS_MAX)
		return broken(err, "too many headers in its reply");
	*colon++ = '\0';
	while (*colon == ' ' || *colon == '\t')
		colon++;
	c->headers[c->n_headers].name = line;
	c->headers[c->n_headers++].value = colon;
	return HQ_OK;
}

/* CGI/1.1: header lines, a blank one, the body; Status is 200 by default. */
static enum hq_rc
parse_reply(struct hq_fcgi_call *c, struct hq_err *err)
{
	const char *status;
	size_t at = 0;
	char *line;

	while ((line = next_line(c, &at)) != NULL && *line != '\0')
		HQ_TRY(put_header(c, line, err));
	if (line == NULL)
		return broken(err, "no end of headers in its reply");
	c->body_at = at;
	status = hq_fcgi_call_header(c, "status");
	c->status = status == NULL ? 200 : (int)strtol(status, NULL, 10);
	if (c->status < 100 || c->status > 599)
		return broken(err, "bad status in its reply");
	c->done = true;
	return HQ_OK;
}

/* A part of a checkpoint, or its end.  The next one waits for our word. */
static enum hq_rc
on_data(struct hq_fcgi_call *c, const unsigned char *p, size_t n,
    struct hq_err *err)
{
	if (c->state == TOLD_ALL || n > HQ_FCGI_REPLY_MAX - c->told.n)
		return broken(err, "its checkpoint is too long");
	c->state = n > 0 ? TOLD_PART : TOLD_ALL;
	hq_buf_put(&c->told, p, n);
	return HQ_SUSPEND;
}

/* One record that is there as a whole. */
static enum hq_rc
on_record(struct hq_fcgi_call *c, int type, const unsigned char *p, size_t n,
    struct hq_err *err)
{
	if (type == HQ_FCGI_STDOUT && n > 0) {
		if (n > HQ_FCGI_REPLY_MAX - c->reply.n)
			return broken(err, "its reply is too long");
		hq_buf_put(&c->reply, p, n);
	}
	if (type == HQ_FCGI_DATA)
		return on_data(c, p, n, err);
	if (type != HQ_FCGI_END)
		return HQ_SUSPEND;
	if (n < 8 || p[4] != 0)
		return broken(err, "it refused the request");
	if (c->reply.n == 0)
		return broken(err, "its reply is empty");
	return parse_reply(c, err);
}

static enum hq_rc
take_records(struct hq_fcgi_call *c, struct hq_err *err)
{
	enum hq_rc rc = HQ_SUSPEND;

	while (
	    rc == HQ_SUSPEND && c->in.n - c->parsed >= HQ_FCGI_HEADER_BYTES) {
		const unsigned char *h =
		    (const unsigned char *)c->in.p + c->parsed;
		size_t n = (size_t)(h[4] << 8 | h[5]);
		size_t record = HQ_FCGI_HEADER_BYTES + n + h[6];

		if (h[0] != HQ_FCGI_VERSION)
			return broken(err, "it does not speak FastCGI");
		if (record > c->in.n - c->parsed)
			break;
		rc = on_record(c, h[1], h + HQ_FCGI_HEADER_BYTES, n, err);
		c->parsed += record;
	}
	if (c->parsed == c->in.n) {
		hq_buf_clear(&c->in);
		c->parsed = 0;
	}
	return rc;
}

/* Keep what is unparsed at the start, so that the buffer stays small. */
static void
compact(struct hq_fcgi_call *c)
{
	if (c->parsed == 0)
		return;
	memmove(c->in.p, c->in.p + c->parsed, c->in.n - c->parsed);
	c->in.n -= c->parsed;
	c->parsed = 0;
}

enum hq_rc
hq_fcgi_call_step(struct hq_fcgi_call *c, struct hq_err *err)
{
	char some[READ_BYTES];
	enum hq_rc rc = HQ_SUSPEND;
	ssize_t k;

	if (c->done)
		return HQ_OK;
	send_some(c);
	while (rc == HQ_SUSPEND) {
		k = recv(c->fd, some, sizeof(some), MSG_DONTWAIT);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN)
			return HQ_SUSPEND;
		/* So AF_UNIX tells of a close that threw away what had come. */
		c->unread = c->unread || (k < 0 && errno == ECONNRESET);
		if (k <= 0)
			return broken(err, "it closed without an answer");
		compact(c);
		hq_buf_put(&c->in, some, (size_t)k);
		rc = take_records(c, err);
	}
	return rc;
}

bool
hq_fcgi_call_unread(const struct hq_fcgi_call *c)
{
	return c->unread;
}

int
hq_fcgi_call_status(const struct hq_fcgi_call *c)
{
	return c->status;
}

const char *
hq_fcgi_call_header(const struct hq_fcgi_call *c, const char *lower_name)
{
	size_t i;

	for (i = 0; i < c->n_headers; i++)
		if (strcasecmp(c->headers[i].name, lower_name) == 0)
			return c->headers[i].value;
	return NULL;
}

const char *
hq_fcgi_call_body(const struct hq_fcgi_call *c, size_t *ret_n)
{
	*ret_n = c->reply.n - c->body_at;
	return c->reply.p + c->body_at;
}

const char *
hq_fcgi_call_checkpoint(const struct hq_fcgi_call *c, size_t *ret_n)
{
	if (c->state != TOLD_ALL)
		return NULL;
	*ret_n = c->told.n;
	return c->told.p == NULL ? "" : c->told.p;
}

void
hq_fcgi_call_go_on(struct hq_fcgi_call *c)
{
	HQ_ASSERT(c->state == TOLD_ALL);
	hq_buf_clear(&c->told);
	c->state = TOLD_NOTHING;
	if (c->done)
		return;
	if (c->sent == c->out.n) {
		hq_buf_clear(&c->out);
		c->sent = 0;
	}
	put_record(&c->out, HQ_FCGI_DATA, NULL, 0);
	send_some(c);
}

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
	HEAD_MAX = 65536,  /* header lines, where one may be interim */
	REPLY_HEADERS_MAX = 32,
	LENGTH_DIGITS = 9,
};

struct hq_fcgi_call {
	int fd;
	bool done;
	struct hq_buf out; /* the request; sent bytes of it are out */
	size_t sent;
	struct hq_buf in; /* records as they come, from parsed on */
	size_t parsed;
	struct hq_buf reply; /* what STDOUT carried; cut into lines by parse */
	bool in_parts;       /* it may bring interim replies */
	bool there;          /* one: reply's first part_end bytes */
	bool seen;           /* it was given out */
	bool waits;          /* it was not answered */
	size_t part_at, part_end;
	char label[HQ_FCGI_LABEL_BYTES];
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
			c->sent = c->out.n;
			return;
		}
		c->sent += (size_t)k;
	}
}

static bool
takes_parts(const struct hq_fcgi_param *params)
{
	for (; params->name != NULL; params++)
		if (strcmp(params->name, HQ_FCGI_INTERIM_PARAM) == 0)
			return true;
	return false;
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
	rc = open_socket(c, path, err);
	if (rc != HQ_OK) {
		hq_fcgi_call_free(c);
		return rc;
	}
	put_request(&c->out, params, body, n);
	c->in_parts = takes_parts(params);
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

/* ----------------------------------------------------------- interim replies */

/* The value of a head's line; NULL if there is none.  *ret_n: its length. */
static const char *
line_of(const char *head, size_t n, const char *name, size_t *ret_n)
{
	const char *p = head, *end = head + n, *eol;
	size_t k = strlen(name);

	for (; p < end; p = eol + 2) {
		eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		if (eol == NULL)
			eol = end - 2;
		if ((size_t)(eol - p) < k + 2 || memcmp(p, name, k) != 0 ||
		    memcmp(p + k, ": ", 2) != 0)
			continue;
		*ret_n = (size_t)(eol - p) - k - 2;
		return p + k + 2;
	}
	return NULL;
}

/* Its label, and where its body ends. */
static enum hq_rc
read_interim(struct hq_fcgi_call *c, size_t head, struct hq_err *err)
{
	const char *label, *length;
	size_t n = 0, digits = 0, body;

	label = line_of(c->reply.p, head, HQ_FCGI_INTERIM_LABEL, &n);
	length = line_of(c->reply.p, head, "Content-Length", &digits);
	if (label == NULL || n == 0 || n >= sizeof(c->label))
		return broken(err, "an interim reply without its label");
	if (length == NULL || digits == 0 || digits > LENGTH_DIGITS ||
	    strspn(length, "0123456789") != digits)
		return broken(err, "an interim reply without its length");
	body = strtoul(length, NULL, 10);
	if (body > HQ_FCGI_REPLY_MAX)
		return broken(err, "its interim reply is too long");
	memcpy(c->label, label, n);
	c->label[n] = '\0';
	c->part_at = head + 2;
	c->part_end = c->part_at + body;
	return HQ_OK;
}

/* Is what STDOUT has brought so far, or its first part, an interim reply? */
static enum hq_rc
look_for_interim(struct hq_fcgi_call *c, struct hq_err *err)
{
	static const char mark[] = "Status: 102 ";
	const char *blank;

	if (!c->in_parts || c->there || c->reply.n < sizeof(mark) - 1 ||
	    memcmp(c->reply.p, mark, sizeof(mark) - 1) != 0)
		return HQ_SUSPEND;
	if (c->waits)
		return broken(err, "an interim reply behind one that waits");
	blank = memmem(c->reply.p, c->reply.n, "\r\n\r\n", 4);
	if (blank == NULL)
		return c->reply.n < HEAD_MAX
		    ? HQ_SUSPEND
		    : broken(err, "no end of headers in its reply");
	HQ_TRY(read_interim(c, (size_t)(blank - c->reply.p) + 2, err));
	c->there = c->reply.n >= c->part_end;
	return HQ_SUSPEND;
}

/* What was given out is not needed any more. */
static void
drop_interim(struct hq_fcgi_call *c)
{
	if (!c->seen)
		return;
	memmove(c->reply.p, c->reply.p + c->part_end, c->reply.n - c->part_end);
	c->reply.n -= c->part_end;
	c->there = c->seen = false;
}

bool
hq_fcgi_call_interim(struct hq_fcgi_call *c, struct hq_fcgi_interim *ret)
{
	if (!c->there || c->seen)
		return false;
	c->seen = c->waits = true;
	ret->label = c->label;
	ret->body = c->reply.p + c->part_at;
	ret->n = c->part_end - c->part_at;
	return true;
}

void
hq_fcgi_call_go_on(struct hq_fcgi_call *c)
{
	HQ_ASSERT(c->waits);
	c->waits = false;
	if (c->sent == c->out.n) {
		hq_buf_clear(&c->out);
		c->sent = 0;
	}
	put_record(&c->out, HQ_FCGI_GO_ON, NULL, 0);
	send_some(c);
}

/* -------------------------------------------------------------- the reply -- */

/* CGI/1.1: header lines, a blank one, the body; Status is 200 by default. */
static enum hq_rc
parse_reply(struct hq_fcgi_call *c, struct hq_err *err)
{
	const char *status;
	size_t at = c->there ? c->part_end : 0;
	char *line;

	while ((line = next_line(c, &at)) != NULL && *line != '\0')
		HQ_TRY(put_header(c, line, err));
	if (line == NULL)
		return broken(err, "no end of headers in its reply");
	c->body_at = at;
	status = hq_fcgi_call_header(c, "status");
	c->status = status == NULL ? 200 : (int)strtol(status, NULL, 10);
	if (c->status < 100 || c->status > 599 ||
	    (c->in_parts && c->status == 102))
		return broken(err, "bad status in its reply");
	c->done = true;
	return HQ_OK;
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
		return look_for_interim(c, err);
	}
	if (type != HQ_FCGI_END)
		return HQ_SUSPEND;
	if (n < 8 || p[4] != 0)
		return broken(err, "it refused the request");
	if (c->reply.n == (c->there ? c->part_end : 0))
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
	enum hq_rc rc;
	ssize_t k;

	if (c->done)
		return HQ_OK;
	send_some(c);
	drop_interim(c);
	rc = look_for_interim(c, err);
	while (rc == HQ_SUSPEND && !c->there) {
		k = recv(c->fd, some, sizeof(some), MSG_DONTWAIT);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN)
			return HQ_SUSPEND;
		if (k <= 0)
			return broken(err, "it closed without an answer");
		compact(c);
		hq_buf_put(&c->in, some, (size_t)k);
		rc = take_records(c, err);
	}
	return rc;
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

#include "proto/http/exchange.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/log.h"
#include "proto/http/path.h"

#define PROBLEM(title, status, code, fix) \
	"{\"type\":\"about:blank\",\"title\":\"" title \
	"\",\"status\":" #status ",\"code\":\"" code \
	"\",\"retryable\":false,\"fix\":\"" fix "\"}"

static const struct refusal {
	enum hq_rc rc;
	int status;
	const char *body;
} refusals[] = {
	/* the last one stands for all others */
	{ HQ_E_BAD_REQUEST, 400,
	    PROBLEM("Bad Request", 400, "BAD_REQUEST",
		"Send a complete HTTP request.") },
	{ HQ_E_PAYLOAD_TOO_LARGE, 413,
	    PROBLEM("Payload Too Large", 413, "PAYLOAD_TOO_LARGE",
		"Send a smaller request.") },
	{ HQ_E_INTERNAL_SERVER_ERROR, 500,
	    PROBLEM("Internal Server Error", 500, "INTERNAL_SERVER_ERROR",
		"Ask for less in one request, or report this.") },
};

static void
refuse(struct hq_http_res *res, enum hq_rc rc)
{
	const struct refusal *r = refusals;

	while (r->rc != rc && r->rc != HQ_E_INTERNAL_SERVER_ERROR)
		r++;
	*res = (struct hq_http_res){ 0 };
	hq_http_res_text(res, r->status, "application/problem+json", r->body);
}

void
hq_exchange_init(struct hq_exchange *x, const struct hq_serve_opts *o,
    void *app)
{
	x->opts = o;
	x->app = app;
	x->spare = NULL;
	x->body_bytes = 0;
	hq_buf_init(&x->head, NULL);
}

void
hq_exchange_done(struct hq_exchange *x)
{
	hq_arena_free(x->spare);
	hq_buf_done(&x->head);
}

/* An arena for one request: as a rule the last one's, which has a block. */
static struct hq_arena *
take_arena(struct hq_exchange *x)
{
	struct hq_arena *a = x->spare;

	x->spare = NULL;
	return a != NULL ? a : hq_arena_new(x->opts->arena_max);
}

/*
 * free() keeps what is below the heap's last live block, and a large JSON text
 * takes 50 times its size: without this, one request makes a worker that large
 * until it is replaced.
 */
static void
give_arena(struct hq_exchange *x, struct hq_arena *a)
{
	bool large = hq_arena_held(a) > HQ_EXCHANGE_LARGE;

	if (x->spare == NULL) {
		hq_arena_reset(a);
		x->spare = a;
	} else {
		hq_arena_free(a);
	}
	if (large)
		(void)malloc_trim(0);
}

/* What CONTENT_LENGTH promises, within the limit: a hint, not a fact. */
static size_t
body_hint(const struct hq_http_req *req, size_t max)
{
	const char *text = hq_http_header(req, "content-length");
	unsigned long long n;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	n = strtoull(text, NULL, 10);
	return n < max ? (size_t)n : max;
}

/* Read the rest away, so that the reply is read and not a broken pipe. */
static enum hq_rc
too_large(const struct hq_carrier *io, struct hq_err *err)
{
	static char waste[16384];
	size_t left = HQ_EXCHANGE_DISCARD_MAX;
	long k = 1;

	while (left >= sizeof(waste) && k > 0) {
		k = io->read(io->ctx, waste, sizeof(waste));
		left -= sizeof(waste);
	}
	return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the body is too large");
}

/* SUSPEND: cut off.  PAYLOAD_TOO_LARGE: over the body's or the arena's limit. */
static enum hq_rc
read_body(struct hq_http_req *req, size_t max, const struct hq_carrier *io,
    struct hq_err *err)
{
	size_t cap = body_hint(req, max) + 1, n = 0;
	char *p = HQ_NEW(req->arena, char, cap + 1);
	long k = 0;

	while (p != NULL && (k = io->read(io->ctx, p + n, cap - n)) > 0) {
		n += (size_t)k;
		if (n > max)
			return too_large(io, err);
		if (n == cap) {
			char *old = p;

			cap = cap > max / 2 ? max + 1 : 2 * cap + 1024;
			p = HQ_NEW(req->arena, char, cap + 1);
			if (p != NULL)
				memcpy(p, old, n);
		}
	}
	if (p == NULL)
		return too_large(io, err);
	if (k < 0)
		return HQ_SUSPEND;
	p[n] = '\0';
	req->body = p;
	req->body_bytes = n;
	req->has_body = n > 0;
	return HQ_OK;
}

static const char *
reason(int status)
{
	int rc;

	if (status == 200)
		return "OK";
	for (rc = HQ_SUSPEND + 1; rc < HQ_E_DECLARED; rc++)
		if (hq_rc_status((enum hq_rc)rc) == status)
			return hq_rc_text((enum hq_rc)rc);
	return status < 300 ? "Success" : status < 400 ? "See Other" : "Error";
}

static bool
has_length(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

static void
put_u64(struct hq_buf *b, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	hq_buf_put(b, digits + n, sizeof(digits) - n);
}

static void
put_header(struct hq_buf *b, const char *name, const char *value)
{
	hq_buf_puts(b, name);
	hq_buf_put(b, ": ", 2);
	hq_buf_puts(b, value);
	hq_buf_put(b, "\r\n", 2);
}

static void
put_head(struct hq_buf *b, const struct hq_http_res *res)
{
	size_t i;

	hq_buf_clear(b);
	hq_buf_puts(b, "Status: ");
	put_u64(b, (uint64_t)res->status);
	hq_buf_putc(b, ' ');
	hq_buf_puts(b, reason(res->status));
	hq_buf_put(b, "\r\n", 2);
	for (i = 0; i < res->n_headers; i++)
		put_header(b, res->headers[i].name, res->headers[i].value);
	if (has_length(res->status)) {
		hq_buf_puts(b, "Content-Length: ");
		put_u64(b, res->body_bytes);
		hq_buf_put(b, "\r\n", 2);
	}
	hq_buf_put(b, "\r\n", 2);
}

static void
call(struct hq_exchange *x, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	x->body_bytes = req->body_bytes;
	x->opts->handle(x->app, req, res);
	/*
	 * What was built in a full arena is not whole.  An error may be: the
	 * handler noticed and answered from static memory.
	 */
	if (!hq_arena_ok(req->arena) &&
	    (res->status < 400 || res->body == NULL))
		refuse(res, HQ_E_INTERNAL_SERVER_ERROR);
	if (res->park_ms > 0) {
		HQ_ASSERT(!req->last);
		return;
	}
	HQ_ASSERT(res->status >= 200 && res->status <= 599);
	if (res->body == NULL)
		res->body_bytes = 0;
}

static void
reply(struct hq_exchange *x, const struct hq_http_req *req,
    const struct hq_http_res *res, const struct hq_carrier *io)
{
	put_head(&x->head, res);
	io->write(io->ctx, x->head.p, x->head.n);
	if (res->body_bytes > 0 && has_length(res->status) &&
	    (req->method == NULL || strcmp(req->method, "HEAD") != 0))
		io->write(io->ctx, res->body, res->body_bytes);
}

static char *
add(char **at, const char *p, size_t n)
{
	char *to = *at;

	memcpy(to, p, n);
	*at += n;
	return to;
}

/* A copy in one piece, as small as it can be: there may be thousands. */
static void
park(const struct hq_http_req *req, const struct hq_http_res *res,
    struct hq_parked *ret)
{
	size_t n = 0, i, bytes = req->body_bytes + 1;
	const char **params;
	char *at;

	HQ_ASSERT(ret != NULL); /* a last call answers */
	for (; req->params[n] != NULL; n++)
		bytes += strlen(req->params[n]) + 1;
	if (res->park_key != NULL)
		bytes += strlen(res->park_key) + 1;
	ret->mem = malloc((n + 1) * sizeof(*params) + bytes);
	HQ_ASSERT(ret->mem != NULL);
	params = (const char **)(void *)ret->mem;
	at = ret->mem + (n + 1) * sizeof(*params);
	for (i = 0; i < n; i++)
		params[i] =
		    add(&at, req->params[i], strlen(req->params[i]) + 1);
	params[n] = NULL;
	ret->params = params;
	ret->body_bytes = req->body_bytes;
	ret->body =
	    req->has_body ? add(&at, req->body, req->body_bytes + 1) : NULL;
	ret->key = res->park_key == NULL
	    ? NULL
	    : add(&at, res->park_key, strlen(res->park_key) + 1);
	ret->arrived_ms = req->arrived_ms;
	ret->due_ms = req->arrived_ms + res->park_ms;
}

enum hq_exchange_end
hq_exchange_run(struct hq_exchange *x, const char *const *params,
    const struct hq_carrier *io, struct hq_parked *ret_parked)
{
	int64_t now_us = hq_mono_us();
	struct hq_http_req req = { .arena = take_arena(x),
		.params = params,
		.arrived_ms = now_us / 1000,
		.arrived_us = now_us,
		.last = ret_parked == NULL,
		.talk = io->talk };
	struct hq_http_res res = { 0 };
	struct hq_err err = { 0 };
	enum hq_rc rc = hq_http_req_line(&req, &err);

	if (rc == HQ_OK)
		rc = read_body(&req, x->opts->body_max, io, &err);
	if (rc == HQ_OK)
		call(x, &req, &res);
	else if (rc != HQ_SUSPEND)
		refuse(&res, rc);
	if (res.park_ms > 0) {
		park(&req, &res, ret_parked);
		give_arena(x, req.arena);
		return HQ_EXCHANGE_PARKED;
	}
	if (rc != HQ_SUSPEND)
		reply(x, &req, &res, io);
	give_arena(x, req.arena);
	return rc != HQ_SUSPEND ? HQ_EXCHANGE_DONE : HQ_EXCHANGE_CUT;
}

enum hq_exchange_end
hq_exchange_resume(struct hq_exchange *x, struct hq_parked *p, bool last,
    const struct hq_carrier *io)
{
	struct hq_http_req req = { .arena = take_arena(x),
		.params = p->params,
		.body = p->body == NULL ? "" : p->body,
		.body_bytes = p->body_bytes,
		.has_body = p->body != NULL,
		.arrived_ms = p->arrived_ms,
		.last = last };
	struct hq_http_res res = { 0 };
	struct hq_err err = { 0 };

	/* It was understood when it came. */
	HQ_ASSERT(hq_http_req_line(&req, &err) == HQ_OK);
	call(x, &req, &res);
	if (res.park_ms > 0) {
		p->due_ms = hq_mono_ms(hq_env_system()) + res.park_ms;
		give_arena(x, req.arena);
		return HQ_EXCHANGE_PARKED;
	}
	reply(x, &req, &res, io);
	give_arena(x, req.arena);
	hq_parked_free(p);
	return HQ_EXCHANGE_DONE;
}

void
hq_parked_free(struct hq_parked *p)
{
	free(p->mem);
	*p = (struct hq_parked){ 0 };
}

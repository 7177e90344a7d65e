/*
 * A responder's request as FastCGI brings it: lines of parameters, an empty
 * line, then the body, which comes in pieces or is cut off.  The first byte
 * says how.  The answer is a whole CGI reply.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "proto/http/exchange.h"
#include "proto/orpc/openapi.h"
#include "proto/orpc/rpc.h"

enum { PARAMS_MAX = 24, BODY_MAX = 2048, HOW_CUT = 1, HOW_PIECE_SHIFT = 1 };

struct carried {
	const char *p;
	size_t n, piece;
	bool cut;
	struct hq_buf out;
};

static long
carry_in(void *ctx, char *p, size_t n)
{
	struct carried *c = ctx;

	if (n > c->piece)
		n = c->piece;
	if (n > c->n)
		n = c->n;
	if (n == 0 && c->cut)
		return -1;
	memcpy(p, c->p, n);
	c->p += n;
	c->n -= n;
	return (long)n;
}

static void
carry_out(void *ctx, const char *p, size_t n)
{
	struct carried *c = ctx;

	hq_buf_put(&c->out, p, n);
}

/* Both protocols, each below its mount. */
static void
handle(void *app, const struct hq_http_req *req, struct hq_http_res *res)
{
	struct hq_boundary c = fuzz_boundary;

	c.arena = req->arena;
	if (!hq_rpc_handle(fuzz_procs(), "/rpc", &c, req, res) &&
	    !hq_openapi_handle(app, "/api/orpc", &c, req, res))
		hq_http_res_text(res, 404, "text/plain", "not found");
}

/* Status first, then headers, then the body that Content-Length promises. */
static void
check_reply(const struct carried *c)
{
	const char *text = hq_buf_str(&c->out), *end, *length;
	long status;

	HQ_ASSERT(strncmp(text, "Status: ", 8) == 0);
	status = strtol(text + 8, NULL, 10);
	HQ_ASSERT(status >= 200 && status < 500);
	end = strstr(text, "\r\n\r\n");
	HQ_ASSERT(end != NULL);
	length = strstr(text, "\r\nContent-Length: ");
	if (length == NULL || length > end)
		return;
	HQ_ASSERT(strtoul(length + 18, NULL, 10) ==
		c->out.n - (size_t)(end + 4 - text) ||
	    end + 4 == text + c->out.n); /* HEAD */
}

static struct hq_exchange *
start(void)
{
	static const struct hq_serve_opts opts = { .body_max = BODY_MAX,
		.arena_max = FUZZ_ARENA_BYTES,
		.handle = handle };
	static struct hq_exchange x;
	static struct hq_arena *lasting;

	if (lasting == NULL) {
		lasting = hq_arena_new(FUZZ_ARENA_BYTES);
		hq_exchange_init(&x, &opts,
		    hq_openapi_new(fuzz_procs(), lasting));
	}
	return &x;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[PARAMS_MAX + 1] = { NULL };
	struct fuzz_rest r = { (const char *)data, n };
	struct carried c = { .cut = false };
	const struct hq_carrier io = { &c, carry_in, carry_out, NULL };
	enum hq_exchange_end end;
	size_t i = 0;

	if (n == 0)
		return 0;
	fuzz_begin();
	(void)fuzz_procs();
	c.cut = (data[0] & HOW_CUT) != 0;
	c.piece = (size_t)1 << (data[0] >> HOW_PIECE_SHIFT & 7);
	r.p++;
	r.n--;
	while (i < PARAMS_MAX && *(params[i] = fuzz_line(&r)) != '\0')
		i++;
	params[i] = NULL;
	c.p = r.p;
	c.n = r.n;
	hq_buf_init(&c.out, arena);
	end = hq_exchange_run(start(), params, &io, NULL);
	HQ_ASSERT(end == HQ_EXCHANGE_DONE || (c.cut && c.out.n == 0));
	if (end == HQ_EXCHANGE_DONE)
		check_reply(&c);
	return 0;
}

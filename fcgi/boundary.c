#include <string.h>

#include "base/ids.h"
#include "boundary.h"

static bool
is_id(const char *s)
{
	size_t n;

	if (s == NULL)
		return false;
	n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-");
	return n > 0 && n <= HQ_CALLER_ID_MAX && s[n] == '\0';
}

/* "00-<32 hex>-<16 hex>-<2 hex>", neither id all zeros (W3C Trace Context). */
static bool
is_traceparent(const char *s)
{
	static const char hex[] = "0123456789abcdef";

	return s != NULL && strlen(s) == 55 && strncmp(s, "00-", 3) == 0 &&
	    strspn(s + 3, hex) == 32 && s[35] == '-' &&
	    strspn(s + 36, hex) == 16 && s[52] == '-' &&
	    strspn(s + 53, hex) == 2 && strspn(s + 3, "0") < 32 &&
	    strspn(s + 36, "0") < 16;
}

/* One draw for the trace's id and the span's. */
static const char *
new_traceparent(const struct hq_host *h, struct hq_arena *a)
{
	const char *hex = hq_random_hex(h->env, a, 24);
	char *text = HQ_NEW(a, char, 56);

	if (hex == NULL || text == NULL)
		return NULL;
	memcpy(text, "00-", 4);
	memcpy(text + 3, hex, 32);
	text[35] = '-';
	memcpy(text + 36, hex + 32, 16);
	memcpy(text + 52, "-01", 4);
	return text;
}

void
hq_boundary_make(struct hq_host *h, const struct hq_http_req *req,
    struct hq_boundary *ret)
{
	const char *id = hq_http_header(req, "x-request-id");
	const char *correlation = hq_http_header(req, "x-correlation-id");
	const char *trace = hq_http_header(req, "traceparent");
	const char *addr = hq_http_param(req, "REMOTE_ADDR");

	*ret = (struct hq_boundary){
		.arena = req->arena,
		.env = h->env,
		.db = h->db,
		.calls = h->calls,
		.config = h->config,
		.source_addr = addr == NULL || *addr == '\0' ? "unix" : addr,
		.wake_runner = hq_host_wake,
		.wake_ctx = h,
		.arrived_ms = req->arrived_ms,
		.last = req->last,
	};
	ret->deadline_ms = hq_mono_ms(h->env) +
	    h->config->i[HQ_SET_RAWR_REQUEST_TIMEOUT] * 1000;
	ret->request_id =
	    is_id(id) ? id : hq_random_hex(h->env, req->arena, 16);
	ret->correlation_id =
	    is_id(correlation) ? correlation : ret->request_id;
	ret->traceparent =
	    is_traceparent(trace) ? trace : new_traceparent(h, req->arena);
}

void
hq_boundary_echo(const struct hq_boundary *c, struct hq_http_res *res)
{
	hq_http_res_header(res, "x-request-id", c->request_id);
	hq_http_res_header(res, "x-correlation-id", c->correlation_id);
	hq_http_res_header(res, "traceparent", c->traceparent);
}

enum hq_rc
hq_boundary_check(const struct hq_http_req *req, struct hq_err *err)
{
	static const char *const once[] = { "authorization", "content-type",
		"content-disposition", "x-inngest-signature", "x-orpc-batch",
		"x-request-id", "x-correlation-id", "traceparent",
		"sec-fetch-site", NULL };
	const char *twice = hq_http_header_repeated(req, once);

	if (twice == NULL)
		return HQ_OK;
	return HQ_FAIL(err, BAD_REQUEST,
	    "The header %s came more than once: send it once", twice);
}

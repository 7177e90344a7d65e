#include <string.h>
#include <strings.h>

#include "proto/http/media.h"
#include "proto/orpc/batch.h"
#include "proto/orpc/rpc.h"
#include "proto/orpc/url.h"

static const char type_json[] = "application/json";
static const char invalid[] =
    "\"Invalid batch request, this could be caused by a malformed request body "
    "or a missing header\"";
static const char too_many[] =
    "\"Batch request size exceeds the maximum allowed size\"";
static const char no_match[] = "\"No procedure matched\"";

struct item {
	struct hq_url url;
	const char *method;
	struct json_object *body;
};

static struct json_object *
parse_query(struct hq_arena *a, const char *query)
{
	struct hq_pairs pairs;
	struct json_object *v = NULL;
	const char *batch = "";
	struct hq_err err;
	size_t i;

	if (hq_urlencoded_parse(a, query, strlen(query), &pairs, &err) != HQ_OK)
		return NULL;
	for (i = 0; i < pairs.n; i++)
		if (strcmp(pairs.v[i].name, "batch") == 0)
			batch = pairs.v[i].value;
	if (hq_json_parse(a, batch, strlen(batch), &v, &err) != HQ_OK)
		return NULL;
	return v;
}

struct json_object *
hq_batch_items(const struct hq_rpc *r, const struct hq_http_req *req)
{
	struct json_object *v;
	struct hq_body body;
	struct hq_err err;

	if (strcmp(req->method, "GET") == 0) {
		v = parse_query(r->c->arena, req->query);
	} else {
		if (hq_body_decode(req, &body, &err) != HQ_OK ||
		    body.media != HQ_MEDIA_JSON)
			return NULL;
		v = body.json;
	}
	return hq_js_type(v) == HQ_JS_ARRAY ? v : NULL;
}

/*
 * An item's headers are read by nobody: its body is a value already, and the
 * boundary context is that of the request.
 */
static bool
read_item(const struct hq_rpc *r, const struct hq_http_req *req,
    struct json_object *v, struct item *ret)
{
	struct json_object *method, *undefined;
	const char *url;

	if (hq_js_type(v) != HQ_JS_OBJECT)
		return false;
	method = hq_json_get(v, "method");
	if (method != NULL && hq_js_type(method) != HQ_JS_STRING)
		return false;
	ret->method =
	    method != NULL ? json_object_get_string(method) : req->method;
	url = hq_json_str(v, "url");
	if (url == NULL || !hq_url_parse(r->c->arena, url, &ret->url))
		return false;
	if (json_object_object_get_ex(v, "body", &ret->body))
		return true;
	undefined = hq_js_undefined();
	ret->body = undefined;
	return hq_json_own(r->c->arena, undefined, NULL) == HQ_OK;
}

/* A Host header names the default port or leaves it out: the same host. */
static bool
same_host(const char *scheme, const char *url_host, const char *header)
{
	const char *port = strcmp(scheme, "https") == 0 ? ":443" : ":80";
	size_t n = strlen(header), k = strlen(port);

	if (n > k && strcmp(header + n - k, port) == 0)
		n -= k;
	return strlen(url_host) == n && strncasecmp(url_host, header, n) == 0;
}

/*
 * Ours is the host that the request itself was sent to, or that of
 * RAWR_BASE_URL where a proxy in front of us rewrites the Host header.
 */
static bool
is_ours(const struct hq_rpc *r, const struct hq_http_req *req,
    const struct hq_url *url)
{
	const char *host = hq_http_header(req, "host");
	struct hq_url base;

	if (strcmp(url->scheme, "http") != 0 &&
	    strcmp(url->scheme, "https") != 0)
		return false;
	if (host != NULL && same_host(url->scheme, url->host, host))
		return true;
	if (r->c->config == NULL ||
	    !hq_url_parse(r->c->arena, r->c->config->s[HQ_SET_RAWR_BASE_URL],
		&base))
		return false;
	return strcmp(url->scheme, base.scheme) == 0 &&
	    strcmp(url->host, base.host) == 0;
}

/*
 * A GET that carries a POST could be made by a link on a foreign page, so the
 * guard looks at the item's own method and at that of the request.
 */
static void
run_item(const struct hq_rpc *r, const struct item *item, bool outer_get,
    size_t index, struct hq_buf *out)
{
	const struct hq_rpc_call call = {
		.method = item->method,
		.path = item->url.path,
		.query = item->url.query,
		.guard = outer_get || strcmp(item->method, "GET") == 0,
		.body = item->body,
	};
	struct hq_buf body;
	int status;

	hq_buf_init(&body, r->c->arena);
	status = hq_rpc_run(r, &call, &body);
	if (status == 0) {
		status = 404;
		hq_buf_puts(&body, no_match);
	}
	hq_buf_printf(out, "{\"index\":%zu,\"status\":%d,\"body\":", index,
	    status);
	hq_buf_put(out, hq_buf_str(&body), body.n);
	hq_buf_putc(out, '}');
}

static void
run_buffered(const struct hq_rpc *r, const struct item *items, size_t n,
    bool outer_get, struct hq_buf *out)
{
	size_t i;

	hq_buf_putc(out, '[');
	for (i = 0; i < n; i++) {
		if (i > 0)
			hq_buf_putc(out, ',');
		run_item(r, &items[i], outer_get, i, out);
	}
	hq_buf_putc(out, ']');
}

static void
run_streaming(const struct hq_rpc *r, const struct item *items, size_t n,
    bool outer_get, struct hq_buf *out)
{
	size_t i;

	hq_buf_puts(out, ": \n\n");
	for (i = 0; i < n; i++) {
		hq_buf_puts(out, "event: message\ndata: ");
		run_item(r, &items[i], outer_get, i, out);
		hq_buf_puts(out, "\n\n");
	}
}

/*
 * The items of a real client stand on the origin that its batch was sent to.
 * Items for another host were not meant for this server: running them here
 * would act on a request that was addressed elsewhere, so such a batch is not
 * ours at all and is answered like any path without a procedure.
 */
bool
hq_batch_handle(const struct hq_rpc *r, const struct hq_http_req *req,
    struct json_object *items, const char *mode, struct hq_http_res *res)
{
	size_t i, n = items != NULL ? json_object_array_length(items) : 0;
	bool get = strcmp(req->method, "GET") == 0;
	struct item *v = HQ_NEW(r->c->arena, struct item, n + 1);
	struct hq_buf out;
	bool ok = items != NULL && v != NULL;

	for (i = 0; ok && i < n; i++)
		ok = read_item(r, req, json_object_array_get_idx(items, i),
		    &v[i]);
	if (!ok) {
		hq_http_res_text(res, 400, type_json, invalid);
		return true;
	}
	if (n > HQ_RPC_BATCH_MAX) {
		hq_http_res_text(res, 413, type_json, too_many);
		return true;
	}
	for (i = 0; i < n; i++)
		if (!is_ours(r, req, &v[i].url))
			return false;
	hq_buf_init(&out, r->c->arena);
	/* One item that waits would keep the others' answers back. */
	r->c->last = true;
	if (strcmp(mode, "buffered") == 0) {
		run_buffered(r, v, n, get, &out);
		hq_rpc_reply(r, res, 207, type_json, &out);
		return true;
	}
	run_streaming(r, v, n, get, &out);
	hq_rpc_reply(r, res, 207, "text/event-stream", &out);
	return true;
}

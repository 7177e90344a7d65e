#include <string.h>

#include "proto/http/media.h"
#include "proto/orpc/batch.h"
#include "proto/orpc/call.h"
#include "proto/orpc/envelope.h"
#include "proto/orpc/rpc.h"

static const char type_json[] = "application/json";

/* The answer where there is no memory to write one. */
static const char no_memory[] =
    "{\"json\":{\"defined\":false,\"code\":\"INTERNAL_SERVER_ERROR\","
    "\"status\":500,\"message\":\"Internal server error\"}}";

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE",
	NULL };

static bool
is_method(const char *method)
{
	size_t i;

	for (i = 0; methods[i] != NULL; i++)
		if (strcmp(methods[i], method) == 0)
			return true;
	return false;
}

/* What follows the prefix: "" or "/..."; NULL if path is not below it. */
static const char *
below(const char *prefix, const char *path)
{
	size_t n = strlen(prefix);

	if (n > 0 && prefix[n - 1] == '/')
		n--;
	if (strncmp(path, prefix, n) != 0)
		return NULL;
	path += n;
	return *path == '\0' || *path == '/' ? path : NULL;
}

/*
 * Paths are compared as they were sent: nothing is percent-decoded, and one
 * trailing slash is no part of the name.
 */
static const struct hq_proc *
find(const struct hq_rpc *r, const char *path)
{
	const char *rest = below(r->prefix, path);
	const struct hq_proc *p;
	size_t i, n;

	if (rest == NULL)
		return NULL;
	n = strlen(rest);
	if (n > 1 && rest[n - 1] == '/')
		n--;
	for (i = 0; i < r->procs->n; i++) {
		p = &r->procs->v[i];
		if (strncmp(p->rpc_path, rest, n) == 0 &&
		    p->rpc_path[n] == '\0')
			return p;
	}
	return NULL;
}

static enum hq_rc
undefined(struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	struct json_object *v = hq_js_undefined();

	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

/* The last `data` parameter; an empty one is no input. */
static enum hq_rc
decode_query(struct hq_arena *a, const char *query, struct json_object **ret,
    struct hq_err *err)
{
	struct hq_pairs pairs;
	struct json_object *v;
	const char *data = "";
	size_t i;

	HQ_TRY(hq_urlencoded_parse(a, query, strlen(query), &pairs, err));
	for (i = 0; i < pairs.n; i++)
		if (strcmp(pairs.v[i].name, "data") == 0)
			data = pairs.v[i].value;
	if (*data == '\0')
		return undefined(a, ret, err);
	HQ_TRY(hq_json_parse(a, data, strlen(data), &v, err));
	return hq_envelope_decode(a, v, ret, err);
}

static enum hq_rc
decode_http(struct hq_arena *a, const struct hq_http_req *req,
    struct json_object **ret, struct hq_err *err)
{
	struct hq_body body;
	struct json_object *stream;

	HQ_TRY(hq_body_decode(req, &body, err));
	switch (body.media) {
	case HQ_MEDIA_JSON:
		return hq_envelope_decode(a, body.json, ret, err);
	case HQ_MEDIA_FORM:
		return hq_envelope_decode_form(a, &body.pairs, ret, err);
	case HQ_MEDIA_SSE:
		/* An iterator: to a schema, an object without keys. */
		stream = hq_json_new_object();
		HQ_TRY(hq_json_own(a, stream, err));
		*ret = stream;
		return HQ_OK;
	case HQ_MEDIA_NONE:
	case HQ_MEDIA_QUERY:
	case HQ_MEDIA_TEXT:
	case HQ_MEDIA_FILE:
	default:
		return undefined(a, ret, err);
	}
}

static enum hq_rc
decode(struct hq_arena *a, const struct hq_rpc_call *call,
    struct json_object **ret, struct hq_err *err)
{
	enum hq_rc rc;

	if (strcmp(call->method, "GET") == 0)
		rc = decode_query(a, call->query, ret, err);
	else if (call->http != NULL)
		rc = decode_http(a, call->http, ret, err);
	else
		rc = hq_envelope_decode(a, call->body, ret, err);
	if (rc == HQ_E_BAD_REQUEST)
		return HQ_FAIL(err, BAD_REQUEST, "%s", hq_envelope_malformed);
	return rc;
}

static enum hq_rc
answer(const struct hq_rpc *r, const struct hq_rpc_call *call,
    const struct hq_proc *p, struct hq_buf *out, struct hq_err *err)
{
	struct hq_arena *a = r->c->arena;
	struct json_object *in, *result;

	if (!is_method(call->method))
		return HQ_FAIL(err, METHOD_NOT_SUPPORTED, "%s",
		    hq_rc_text(HQ_E_METHOD_NOT_SUPPORTED));
	HQ_TRY(decode(a, call, &in, err));
	if (call->guard && strcmp(p->method, "GET") != 0)
		return HQ_FAIL(err, METHOD_NOT_SUPPORTED, "%s",
		    hq_rc_text(HQ_E_METHOD_NOT_SUPPORTED));
	HQ_TRY(hq_proc_call(p, r->c, in, &result, err));
	return hq_envelope_write(a, result, out, err);
}

int
hq_rpc_run(const struct hq_rpc *r, const struct hq_rpc_call *call,
    struct hq_buf *out)
{
	const struct hq_proc *p = find(r, call->path);
	size_t mark = out->n;
	struct json_object *body;
	struct hq_err err;
	enum hq_rc rc;

	if (p == NULL)
		return 0;
	memset(&err, 0, sizeof(err));
	rc = answer(r, call, p, out, &err);
	if (rc == HQ_OK)
		return 200;
	out->n = mark;
	if (rc == HQ_SUSPEND)
		return HQ_RPC_WAITS;
	body = hq_orpc_error(p, &err, r->c->arena);
	if (hq_envelope_write(r->c->arena, body, out, NULL) != HQ_OK) {
		out->n = mark;
		hq_buf_puts(out, no_memory);
		return 500;
	}
	return err.status;
}

void
hq_rpc_reply(const struct hq_rpc *r, struct hq_http_res *res, int status,
    const char *type, const struct hq_buf *out)
{
	if (!hq_arena_ok(r->c->arena)) {
		hq_http_res_text(res, 500, type_json, no_memory);
		return;
	}
	res->status = status;
	hq_http_res_header(res, "content-type", type);
	res->body = hq_buf_str(out);
	res->body_bytes = out->n;
}

/*
 * The header alone does not make a batch: on the path of a procedure it takes
 * an array as well, so that a stray header does not break a call.
 */
static bool
try_batch(const struct hq_rpc *r, const struct hq_http_req *req,
    struct hq_http_res *res, bool *ret_handled)
{
	const char *mode = hq_http_header(req, "x-orpc-batch");
	struct json_object *items;

	if (mode == NULL || !is_method(req->method))
		return false;
	items = hq_batch_items(r, req);
	if (items == NULL && find(r, req->path) != NULL)
		return false;
	*ret_handled = hq_batch_handle(r, req, items, mode, res);
	return true;
}

bool
hq_rpc_handle(const struct hq_procs *procs, const char *prefix,
    struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	const struct hq_rpc r = { .procs = procs, .prefix = prefix, .c = c };
	const struct hq_rpc_call call = {
		.method = req->method,
		.path = req->path,
		.query = req->query,
		.guard = strcmp(req->method, "GET") == 0,
		.http = req,
	};
	struct hq_buf out;
	bool handled = false;
	int status;

	if (below(prefix, req->path) == NULL)
		return false;
	if (try_batch(&r, req, res, &handled))
		return handled;
	hq_buf_init(&out, c->arena);
	status = hq_rpc_run(&r, &call, &out);
	if (status == 0)
		return false;
	if (status == HQ_RPC_WAITS) {
		res->park_ms = c->park_ms;
		res->park_key = c->park_key;
		return true;
	}
	hq_rpc_reply(&r, res, status, type_json, &out);
	return true;
}

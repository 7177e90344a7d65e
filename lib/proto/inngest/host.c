#include <string.h>

#include "proto/inngest/room.h"
#include "proto/inngest/signature.h"

#define JSON_TYPE "application/json"

/*
 * 2: an engine may wait until all steps it was told of at once are done before
 * it calls again.  hq_parallel() settles all its branches, so nothing is lost.
 */
#define REQ_VERSION "2"

/* ---------------------------------------------------------------- answering */

/*
 * What every reply to a caller that proved itself carries.  A reply without
 * x-inngest-sdk fails the attempt; a refusal has none, and tells nothing.
 */
static void
put_headers(const struct hq_inngest_ex *x)
{
	const char *kind = hq_http_header(x->req, "x-inngest-server-kind");
	struct hq_http_res *res = x->res;

	hq_http_res_header(res, "x-inngest-sdk", HQ_INNGEST_SDK);
	hq_http_res_header(res, "x-inngest-sdk-handled", "true");
	hq_http_res_header(res, "x-inngest-framework", HQ_INNGEST_FRAMEWORK);
	hq_http_res_header(res, "x-inngest-req-version", REQ_VERSION);
	if (kind != NULL && strcmp(kind, "dev") == 0)
		hq_http_res_header(res, "x-inngest-expected-server-kind",
		    "dev");
	if (kind != NULL && strcmp(kind, "cloud") == 0)
		hq_http_res_header(res, "x-inngest-expected-server-kind",
		    "cloud");
}

static void
put_signature(const struct hq_inngest_ex *x)
{
	int64_t now_s = hq_now_ms(x->h->o.env) / 1000;
	char *text = hq_arena_alloc(x->req->arena, HQ_SIGNATURE_BYTES, 1);

	if (x->key == NULL || text == NULL)
		return;
	hq_signature_make(x->key, x->res->body, x->res->body_bytes, now_s,
	    text);
	hq_http_res_header(x->res, "x-inngest-signature", text);
}

void
hq_inngest_answer(const struct hq_inngest_ex *x, int status,
    struct json_object *v)
{
	const char *text = hq_json_text(x->req->arena, v);

	if (text == NULL || !hq_arena_ok(x->req->arena)) {
		status = 500;
		text = "{\"name\":\"PAYLOAD_TOO_LARGE\",\"message\":\"the call "
		       "needs more memory than a request may have\"}";
	}
	put_headers(x);
	hq_http_res_text(x->res, status, JSON_TYPE, text);
	put_signature(x);
}

void
hq_inngest_answer_empty(const struct hq_inngest_ex *x, int status)
{
	put_headers(x);
	hq_http_res_text(x->res, status, JSON_TYPE, "");
	put_signature(x);
}

void
hq_inngest_refuse(const struct hq_inngest_ex *x, int status, const char *code,
    const char *message)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "code", code);
	hq_json_put_str(o, "name", code);
	hq_json_put_str(o, "message", message);
	if (hq_json_own(x->req->arena, o, NULL) != HQ_OK)
		o = NULL;
	hq_http_res_header(x->res, "x-inngest-no-retry", "true");
	hq_inngest_answer(x, status, o);
}

/* To a stranger: that something is here, and nothing more. */
static void
turn_away(struct hq_http_res *res, int status, const char *body)
{
	hq_http_res_header(res, "x-inngest-sdk-handled", "true");
	hq_http_res_text(res, status, JSON_TYPE, body);
}

/* ------------------------------------------------------------------- asking */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decoding in the arena; NULL for what is malformed or holds a NUL. */
static const char *
decode(struct hq_arena *a, const char *s, size_t n)
{
	char *out = hq_arena_copy(a, s, n);
	size_t i, o = 0;

	if (out == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '+')
			c = ' ';
		if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				return NULL;
			c = hex(s[i + 1]) * 16 + hex(s[i + 2]);
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[o++] = (char)c;
	}
	out[o] = '\0';
	return out;
}

const char *
hq_inngest_query(const struct hq_http_req *req, const char *name)
{
	size_t len = strlen(name), n;
	const char *q;

	for (q = req->query; *q != '\0'; q += n + (q[n] == '&')) {
		n = strcspn(q, "&");
		if (n > len && strncmp(q, name, len) == 0 && q[len] == '=')
			return decode(req->arena, q + len + 1, n - len - 1);
	}
	return NULL;
}

/*
 * The protocol signs the canonical form of the JSON.  Our own runner signs the
 * bytes as they are, which saves both sides the sorting, so they are tried
 * first.
 */
static enum hq_rc
check_signature(struct hq_inngest_ex *x, struct hq_err *err)
{
	static const char *const once[] = { "x-inngest-signature", NULL };
	const struct hq_http_req *req = x->req;
	struct hq_signing_keys keys = { x->h->key, x->h->fallback };
	struct hq_signed s = { hq_http_header(req, "x-inngest-signature"),
		req->body, req->body_bytes };
	int64_t now_s = hq_now_ms(x->h->o.env) / 1000;
	struct hq_buf b;

	if (hq_http_header_repeated(req, once) != NULL)
		return HQ_FAIL(err, UNAUTHORIZED, "Unauthorized");
	if (hq_signature_verify(&s, &keys, now_s, &x->key, err) == HQ_OK)
		return HQ_OK;
	if (!x->is_json)
		return HQ_E_UNAUTHORIZED;
	hq_buf_init(&b, req->arena);
	hq_json_write_canonical(&b, x->body);
	s.body = hq_buf_str(&b);
	s.body_bytes = b.n;
	return hq_signature_verify(&s, &keys, now_s, &x->key, err);
}

static enum hq_rc
admit(struct hq_inngest_ex *x, struct hq_err *err)
{
	const struct hq_http_req *req = x->req;

	if (!x->h->o.dev && hq_http_header(req, "x-inngest-signature") == NULL)
		return HQ_FAIL(err, UNAUTHORIZED, "Unauthorized");
	x->is_json = req->body_bytes > 0 &&
	    hq_json_parse(req->arena, req->body, req->body_bytes, &x->body,
		err) == HQ_OK;
	return x->h->o.dev ? HQ_OK : check_signature(x, err);
}

static void
get(const struct hq_inngest_ex *x)
{
	hq_inngest_answer(x, 200, hq_inngest_inspect(x));
}

void
hq_inngest_http(void *app, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	static const struct {
		const char *method;
		void (*answer)(const struct hq_inngest_ex *x);
	} methods[] = {
		{ "GET", get },
		{ "POST", hq_inngest_post },
		{ "PUT", hq_inngest_put },
	};
	struct hq_inngest_ex x = { .h = app, .req = req, .res = res };
	struct hq_err err = { 0 };
	size_t i, n = sizeof(methods) / sizeof(methods[0]);

	for (i = 0; i < n; i++)
		if (strcmp(methods[i].method, req->method) == 0)
			break;
	if (i == n) {
		hq_http_res_header(res, "allow", "GET, POST, PUT");
		turn_away(res, 405, "{\"message\":\"Method not allowed\"}");
	} else if (admit(&x, &err) != HQ_OK) {
		turn_away(res, 401, "{\"message\":\"Unauthorized\"}");
	} else {
		methods[i].answer(&x);
	}
}

/* ----------------------------------------------------------------- starting */

static enum hq_rc
check_keys(const struct hq_inngest_opts *o, struct hq_err *err)
{
	const char *dir = o->config->s[HQ_SET_RAWR_KEYS];
	bool has = hq_keys_signing(o->keys) != NULL;

	if (o->dev && (has || hq_keys_signing_fallback(o->keys) != NULL))
		return HQ_FAIL(err, BAD_REQUEST,
		    "--dev takes unsigned calls, but %s has a signing key: "
		    "start without --dev, or take signing.key and "
		    "signing.key.fallback away",
		    dir);
	if (!o->dev && !has)
		return HQ_FAIL(err, BAD_REQUEST,
		    "no signing key: write one line \"signkey-prod-<hex>\" to "
		    "%s/signing.key (mode 0600), or start with --dev",
		    dir);
	return HQ_OK;
}

static enum hq_rc
check_function(const struct hq_function *f, struct hq_err *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t n = strlen(f->id);

	if (n == 0 || n > HQ_INNGEST_ID_MAX || strspn(f->id, plain) != n)
		return HQ_FAIL(err, BAD_REQUEST,
		    "function id \"%s\": 1 to %d of a-z 0-9 - _ . expected",
		    f->id, HQ_INNGEST_ID_MAX);
	if (f->retries < 0 || f->retries > HQ_INNGEST_RETRIES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "function %s: retries is %d, 0 to %d expected", f->id,
		    f->retries, HQ_INNGEST_RETRIES_MAX);
	return HQ_OK;
}

static enum hq_rc
check_functions(const struct hq_inngest_host *h, struct hq_err *err)
{
	const struct hq_inngest_fn *fn;
	size_t i;

	for (i = 0; i < h->fns.n; i++) {
		fn = &h->fns.v[i];
		HQ_TRY(check_function(fn->f, err));
		if (hq_inngest_by_slug(h, fn->slug) != fn)
			return HQ_FAIL(err, BAD_REQUEST,
			    "two functions have the id %s", fn->id);
	}
	return HQ_OK;
}

enum hq_rc
hq_inngest_host_new(const struct hq_inngest_opts *o, struct hq_arena *a,
    struct hq_inngest_host **ret, struct hq_err *err)
{
	struct hq_inngest_host *h = HQ_NEW(a, struct hq_inngest_host, 1);

	HQ_TRY(check_keys(o, err));
	if (h == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	h->o = *o;
	hq_inngest_list(o->composition, a, &h->fns);
	HQ_TRY(check_functions(h, err));
	if (!o->dev) {
		h->key = hq_keys_signing(o->keys);
		h->fallback = hq_keys_signing_fallback(o->keys);
		h->hash = hq_signing_key_hash(a, h->key);
	}
	if (h->fallback != NULL)
		h->fallback_hash = hq_signing_key_hash(a, h->fallback);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	*ret = h;
	return HQ_OK;
}

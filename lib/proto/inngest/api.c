#include "proto/inngest/api.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "proto/inngest/api_room.h"
#include "proto/inngest/signature.h"

#define JSON_TYPE "application/json"

enum { SIGNING_HEX_MIN = 32 };

/* ---------------------------------------------------------------- answering */

static void
answer(const struct hq_api_ex *x, int status, const char *text)
{
	hq_http_res_header(x->res, "x-inngest-server-kind",
	    x->api->o.dev ? "dev" : "cloud");
	hq_http_res_text(x->res, status, JSON_TYPE, text);
}

void
hq_api_text(const struct hq_api_ex *x, int status, const char *text)
{
	if (text == NULL || !hq_arena_ok(x->a)) {
		status = 413;
		text = "{\"error\":\"the answer needs more memory than a "
		       "request may have\",\"status\":413}";
	}
	answer(x, status, text);
}

void
hq_api_refuse(const struct hq_api_ex *x, int status, const char *message)
{
	struct hq_buf b;

	hq_buf_init(&b, x->a);
	hq_buf_puts(&b, "{\"error\":");
	hq_json_write_string(&b, message);
	hq_buf_printf(&b, ",\"status\":%d}", status);
	hq_api_text(x, status, hq_buf_str(&b));
}

void
hq_api_fail(const struct hq_api_ex *x, const struct hq_err *err)
{
	hq_api_refuse(x, err->status,
	    err->status >= 500 ? hq_rc_text(err->code) : err->msg);
}

enum hq_rc
hq_api_body(const struct hq_api_ex *x, struct json_object **ret,
    struct hq_err *err)
{
	return hq_json_parse(x->a, x->req->body, x->req->body_bytes, ret, err);
}

void
hq_api_wake(const struct hq_api_ex *x)
{
	x->api->o.wake_runner(x->api->o.wake_ctx);
}

/* ------------------------------------------------------------------- keys -- */

/* What stands behind "signkey-<env>-"; all of it if there is no such prefix. */
static const char *
secret_of(const char *key)
{
	const char *p;

	if (strncmp(key, "signkey-", 8) != 0)
		return key;
	p = strchr(key + 8, '-');
	return p == NULL ? key : p + 1;
}

static bool
is_same(const char *secret, const char *given)
{
	size_t n = strlen(secret);

	return strlen(given) == n && sodium_memcmp(secret, given, n) == 0;
}

static bool
has_signing_key(const struct hq_api_ex *x)
{
	const char *given = hq_http_header(x->req, "authorization");
	bool found = false;
	size_t i;

	if (x->api->o.dev)
		return true;
	if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0)
		return false;
	given = secret_of(given + 7);
	for (i = 0; i < sizeof(x->api->secrets) / sizeof(x->api->secrets[0]);
	     i++)
		if (x->api->secrets[i] != NULL &&
		    is_same(x->api->secrets[i], given))
			found = true;
	return found;
}

static bool
has_event_key(const struct hq_api_ex *x)
{
	return x->api->o.dev ||
	    hq_keys_is_event(x->api->o.keys, x->id, strlen(x->id));
}

static bool
is_dev(const struct hq_api_ex *x)
{
	return x->api->o.dev;
}

/* ----------------------------------------------------------------- routes -- */

static void
no_event_key(const struct hq_api_ex *x)
{
	answer(x, 401,
	    "{\"error\":\"Event key not found\",\"message\":\"\","
	    "\"status\":401}");
}

static void
no_signing_key(const struct hq_api_ex *x)
{
	answer(x, 401, "{\"error\":\"Authentication failed\",\"status\":401}");
}

static void
nothing_here(const struct hq_api_ex *x)
{
	answer(x, 404, "{\"error\":\"not found\",\"status\":404}");
}

/* Who may, and what anybody else is told. */
struct lock {
	bool (*opens)(const struct hq_api_ex *x);
	void (*refuse)(const struct hq_api_ex *x);
};
static const struct lock by_event_key = { has_event_key, no_event_key };
static const struct lock by_signing_key = { has_signing_key, no_signing_key };
static const struct lock in_dev = { is_dev, nothing_here };

static const struct route {
	const char *method, *path; /* "*" is a segment */
	const struct lock *lock;
	void (*answer)(const struct hq_api_ex *x);
} routes[] = {
	{ "POST", "/e/*", &by_event_key, hq_api_events },
	{ "POST", "/fn/register", &by_signing_key, hq_api_register },
	{ "POST", "/v1/checkpoint/*/async", &by_signing_key,
	    hq_api_checkpoint },
	{ "GET", "/v0/runs/*/actions", &by_signing_key, hq_api_actions },
	{ "GET", "/v0/runs/*/batch", &by_signing_key, hq_api_batch },
	{ "GET", "/v1/runs/*", &by_signing_key, hq_api_run },
	{ "DELETE", "/v1/runs/*", &by_signing_key, hq_api_cancel },
	{ "GET", "/v1/events/*", &by_signing_key, hq_api_event },
	{ "GET", "/v1/events/*/runs", &by_signing_key, hq_api_runs },
	{ "GET", "/dev", &in_dev, hq_api_dev },
	{ 0 },
};

/* *ret_id: the segment at "*", in a; NULL if there is none. */
static bool
matches(const char *pattern, const char *path, struct hq_arena *a,
    const char **ret_id)
{
	const char *star = strchr(pattern, '*');
	size_t before, n;

	*ret_id = NULL;
	if (star == NULL)
		return strcmp(pattern, path) == 0;
	before = (size_t)(star - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	n = strcspn(path + before, "/");
	if (n == 0 || strcmp(star + 1, path + before + n) != 0)
		return false;
	*ret_id = hq_arena_copy(a, path + before, n);
	return *ret_id != NULL;
}

void
hq_inngest_api_http(void *app, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	struct hq_api_ex x = { .api = app,
		.req = req,
		.res = res,
		.a = req->arena };
	const struct route *r;
	bool known = false;

	for (r = routes; r->path != NULL; r++) {
		if (!matches(r->path, req->path, x.a, &x.id))
			continue;
		known = true;
		if (strcmp(r->method, req->method) == 0)
			break;
	}
	if (r->path != NULL && r->lock->opens(&x))
		r->answer(&x);
	else if (r->path != NULL)
		r->lock->refuse(&x);
	else if (known)
		hq_api_refuse(&x, 405, "method not allowed");
	else
		nothing_here(&x);
}

/* ----------------------------------------------------------------- starting */

static enum hq_rc
check_keys(const struct hq_inngest_api_opts *o, struct hq_err *err)
{
	const char *dir = o->config->s[HQ_SET_RAWR_KEYS];
	bool has = hq_keys_signing(o->keys) != NULL ||
	    hq_keys_signing_fallback(o->keys) != NULL;

	if (o->dev && has)
		return HQ_FAIL(err, BAD_REQUEST,
		    "--dev takes calls without a key, but %s has a signing "
		    "key: start without --dev",
		    dir);
	if (!o->dev && hq_keys_signing(o->keys) == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "no signing key: write one line \"signkey-prod-<hex>\" to "
		    "%s/signing.key (mode 0600), or start with --dev",
		    dir);
	return HQ_OK;
}

/*
 * A bearer may be the key's hash, which is made of its hex digits alone: that of
 * a key without any is known to everybody.
 */
static enum hq_rc
check_hex(const char *key, struct hq_err *err)
{
	const char *hex = key == NULL ? NULL : strrchr(key, '-');
	size_t n = hex == NULL ? 0 : strlen(++hex);

	if (key == NULL ||
	    (n >= SIGNING_HEX_MIN && n % 2 == 0 &&
		strspn(hex, "0123456789abcdefABCDEF") == n))
		return HQ_OK;
	return HQ_FAIL(err, BAD_REQUEST,
	    "signing.key: \"signkey-prod-\" and at least %d hex digits expected",
	    SIGNING_HEX_MIN);
}

enum hq_rc
hq_inngest_api_new(const struct hq_inngest_api_opts *o, struct hq_arena *a,
    struct hq_inngest_api **ret, struct hq_err *err)
{
	struct hq_inngest_api *api = HQ_NEW(a, struct hq_inngest_api, 1);
	const char *keys[] = { hq_keys_signing(o->keys),
		hq_keys_signing_fallback(o->keys) };
	size_t i;

	HQ_TRY(check_keys(o, err));
	for (i = 0; i < 2; i++)
		HQ_TRY(check_hex(keys[i], err));
	if (api == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	api->o = *o;
	for (i = 0; i < 2; i++) {
		if (keys[i] == NULL)
			continue;
		api->secrets[2 * i] = secret_of(keys[i]);
		api->secrets[2 * i + 1] =
		    secret_of(hq_signing_key_hash(a, keys[i]));
	}
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	*ret = api;
	return HQ_OK;
}

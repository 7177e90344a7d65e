#include <string.h>

#include "proto/http/client.h"
#include "proto/inngest/room.h"

static const char registered[] = "Successfully registered";

struct outcome {
	int status;
	const char *message;
	bool modified;
};

static void
put_sync_kind(const struct hq_inngest_ex *x, const char *kind)
{
	hq_http_res_header(x->res, "x-inngest-sync-kind", kind);
}

static void
put_sdk(struct json_object *o)
{
	hq_json_put(o, "capabilities", hq_inngest_capabilities());
	hq_json_put_str(o, "framework", HQ_INNGEST_FRAMEWORK);
	hq_json_put_str(o, "sdk", HQ_INNGEST_SDK);
}

static void
put_functions(struct json_object *o, const struct hq_inngest_ex *x,
    const char *url)
{
	struct json_object *list =
	    hq_inngest_functions(x->h->o.composition, url, x->req->arena);

	hq_json_put_str(o, "url", url);
	hq_json_put(o, "functions",
	    list == NULL ? hq_json_new_array() : json_object_get(list));
}

/* -------------------------------------------------------------- out of band */

/* What POST /fn/register is sent. */
static struct json_object *
payload(const struct hq_inngest_ex *x, const char *deploy_id)
{
	struct json_object *o = hq_json_new_object();

	put_functions(o, x, hq_inngest_url(x));
	hq_json_put_str(o, "deployType", "ping");
	hq_json_put_str(o, "appName", HQ_APP_ID);
	hq_json_put_str(o, "v", "0.1");
	put_sdk(o);
	if (deploy_id != NULL)
		hq_json_put_str(o, "deployId", deploy_id);
	return hq_json_own(x->req->arena, o, NULL) == HQ_OK ? o : NULL;
}

static enum hq_rc
post(const struct hq_inngest_ex *x, const char *hash, const char *deploy_id,
    struct hq_http_answer *ret, struct hq_err *err)
{
	const char *kind = hq_http_header(x->req, "x-inngest-server-kind");
	const char *body;
	struct hq_arena *a = x->req->arena;
	const char *headers[8] = {
		"content-type: application/json",
		("x-inngest-sdk: " HQ_INNGEST_SDK),
		("x-inngest-framework: " HQ_INNGEST_FRAMEWORK),
		"x-inngest-sync-kind: out_of_band",
	};
	size_t n = 4;

	body = hq_json_text(a, payload(x, deploy_id));
	if (hash != NULL)
		headers[n++] =
		    hq_arena_printf(a, "authorization: Bearer %s", hash);
	if (kind != NULL && strcmp(kind, "dev") == 0)
		headers[n++] = "x-inngest-expected-server-kind: dev";
	if (kind != NULL && strcmp(kind, "cloud") == 0)
		headers[n++] = "x-inngest-expected-server-kind: cloud";
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	return hq_http_post(
	    &(struct hq_http_call){
		.url = hq_arena_printf(a, "%s/fn/register%s%s",
		    x->h->o.config->s[HQ_SET_RAWR_REGISTER_URL],
		    deploy_id == NULL ? "" : "?deployId=",
		    deploy_id == NULL ? "" : deploy_id),
		.headers = headers,
		.body = body,
		.body_bytes = strlen(body),
		.timeout_ms = HQ_INNGEST_REGISTER_MS,
	    },
	    a, ret, err);
}

static bool
is_object(struct json_object *o)
{
	return json_object_is_type(o, json_type_object);
}

/* The engine's HTTP status means nothing; its body does. */
static void
read_answer(const struct hq_inngest_ex *x, const struct hq_http_answer *in,
    struct outcome *o)
{
	struct json_object *v;
	const char *error;
	int64_t status;

	if (hq_json_parse(x->req->arena, in->body, in->body_bytes, &v, NULL) !=
		HQ_OK ||
	    !is_object(v)) {
		o->message = "Failed to register: the engine's answer is no "
			     "JSON object";
		return;
	}
	status = hq_json_i64(v, "status", 200);
	o->status = status >= 200 && status <= 599 ? (int)status : 500;
	error = hq_json_str(v, "error");
	o->message = error == NULL ? registered : error;
	o->modified = hq_json_bool(v, "modified", false);
}

static void
enroll(const struct hq_inngest_ex *x, const char *deploy_id, struct outcome *o)
{
	struct hq_http_answer got;
	struct hq_err err = { 0 };
	enum hq_rc rc;

	*o = (struct outcome){ .status = 500 };
	rc = post(x, x->h->hash, deploy_id, &got, &err);
	if (rc == HQ_OK && (got.status == 401 || got.status == 403) &&
	    x->h->fallback_hash != NULL)
		rc = post(x, x->h->fallback_hash, deploy_id, &got, &err);
	if (rc == HQ_OK)
		read_answer(x, &got, o);
	else
		o->message = hq_arena_printf(x->req->arena,
		    "Failed to register: %s", err.msg);
}

/* Goes into a URL as it is. */
static bool
is_plain(const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t n = strlen(s);

	return n > 0 && n <= HQ_INNGEST_ID_MAX && strspn(s, plain) == n;
}

/* With our own runner there is nobody to tell: it reads the same table. */
static void
out_of_band(const struct hq_inngest_ex *x)
{
	const char *deploy_id = hq_inngest_query(x->req, "deployId");
	struct outcome out = { .status = 200, .message = registered };
	struct json_object *o;

	put_sync_kind(x, "out_of_band");
	if (deploy_id != NULL && !is_plain(deploy_id)) {
		hq_inngest_refuse(x, 400, "invalid_request",
		    "deployId: letters, digits, - _ and . expected");
		return;
	}
	if (x->h->o.config->s[HQ_SET_RAWR_REGISTER_URL][0] != '\0')
		enroll(x, deploy_id, &out);
	o = hq_json_new_object();
	hq_json_put_str(o, "message", out.message);
	hq_json_put_bool(o, "modified", out.modified);
	if (hq_json_own(x->req->arena, o, NULL) != HQ_OK)
		o = NULL;
	hq_inngest_answer(x, out.status, o);
}

/* ------------------------------------------------------------------ in band */

/* Exactly {"url": "http(s)://..."}; NULL for anything else. */
static const char *
only_url(const struct hq_inngest_ex *x)
{
	const char *url;

	if (!x->is_json || !is_object(x->body) ||
	    json_object_object_length(x->body) != 1)
		return NULL;
	url = hq_json_str(x->body, "url");
	if (url == NULL ||
	    (strncmp(url, "http://", 7) != 0 &&
		strncmp(url, "https://", 8) != 0) ||
	    strpbrk(url, "?# ") != NULL)
		return NULL;
	return url;
}

static void
in_band(const struct hq_inngest_ex *x)
{
	const char *url = only_url(x);
	struct json_object *o;

	put_sync_kind(x, "in_band");
	if (url == NULL) {
		hq_inngest_refuse(x, 400, "invalid_request",
		    "the body must be {\"url\": \"<http or https URL, without "
		    "a query>\"} and nothing else");
		return;
	}
	o = hq_json_new_object();
	hq_json_put_str(o, "app_id", HQ_APP_ID);
	hq_json_put(o, "env", NULL);
	put_functions(o, x, url);
	hq_json_put(o, "inspection", json_object_get(hq_inngest_inspect(x)));
	hq_json_put_str(o, "sdk_author", HQ_APP_ID);
	hq_json_put_str(o, "sdk_language", HQ_INNGEST_SDK_LANGUAGE);
	hq_json_put_str(o, "sdk_version", HQ_VERSION);
	put_sdk(o);
	if (hq_json_own(x->req->arena, o, NULL) != HQ_OK)
		o = NULL;
	hq_inngest_answer(x, 200, o);
}

void
hq_inngest_put(const struct hq_inngest_ex *x)
{
	const char *kind = hq_http_header(x->req, "x-inngest-sync-kind");

	if (kind != NULL && strcmp(kind, "in_band") == 0)
		in_band(x);
	else
		out_of_band(x);
}

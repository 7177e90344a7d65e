#include <string.h>

#include "proto/http/client.h"
#include "proto/inngest/enroll.h"
#include "proto/inngest/room.h"

static void
put_sync_kind(const struct hq_inngest_ex *x, const char *kind)
{
	hq_http_res_header(x->res, "x-inngest-sync-kind", kind);
}

static void
put_functions(struct json_object *o, const struct hq_inngest_ex *x,
    const char *url)
{
	struct json_object *list =
	    hq_inngest_functions(x->h->o.composition, url, true, x->req->arena);

	hq_json_put_str(o, "url", url);
	hq_json_put(o, "functions",
	    list == NULL ? hq_json_new_array() : json_object_get(list));
}

/* -------------------------------------------------------------- out of band */

static enum hq_rc
post(const struct hq_inngest_ex *x, const char *hash, const char *deploy_id,
    struct hq_http_answer *ret, struct hq_err *err)
{
	const struct hq_enroll e = { .config = x->h->o.config,
		.composition = x->h->o.composition,
		.hash = hash,
		.kind = hq_http_header(x->req, "x-inngest-server-kind"),
		.deploy_id = deploy_id };
	struct hq_enroll_request r = { 0 };

	HQ_TRY(hq_enroll_request(&e, x->req->arena, &r, err));
	return hq_http_post(
	    &(struct hq_http_call){
		.url = r.url,
		.headers = r.headers,
		.body = r.body,
		.body_bytes = strlen(r.body),
		.timeout_ms = HQ_INNGEST_REGISTER_MS,
	    },
	    x->req->arena, ret, err);
}

static void
enroll(const struct hq_inngest_ex *x, const char *deploy_id,
    struct hq_enrolled *o)
{
	struct hq_http_answer got;
	struct hq_err err = { 0 };
	enum hq_rc rc;

	*o = (struct hq_enrolled){ .status = 500 };
	rc = post(x, x->h->hash, deploy_id, &got, &err);
	if (rc == HQ_OK && (got.status == 401 || got.status == 403) &&
	    x->h->fallback_hash != NULL)
		rc = post(x, x->h->fallback_hash, deploy_id, &got, &err);
	if (rc == HQ_OK)
		hq_enroll_answer(got.body, got.body_bytes, x->req->arena, o);
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
	struct hq_enrolled out = { .status = 200,
		.message = HQ_INNGEST_REGISTERED };
	struct json_object *o;

	put_sync_kind(x, "out_of_band");
	if (deploy_id != NULL && !is_plain(deploy_id)) {
		hq_inngest_refuse(x, 400, "invalid_request",
		    "deployId: letters, digits, - _ and . expected");
		return;
	}
	if (hq_config_is_inngest(x->h->o.config))
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

	if (!x->is_json || !json_object_is_type(x->body, json_type_object) ||
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
	hq_inngest_put_sdk(o);
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

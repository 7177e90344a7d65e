#include "proto/inngest/enroll.h"

#include <string.h>

#include "proto/inngest/room.h"

const char *
hq_inngest_serve_url(const struct hq_config *c, struct hq_arena *a)
{
	return hq_arena_printf(a, "%s" HQ_INNGEST_PATH,
	    c->s[HQ_SET_RAWR_BASE_URL]);
}

static const char *
body_of(const struct hq_enroll *e, struct hq_arena *a)
{
	struct json_object *o = hq_json_new_object(), *list;
	const char *url = hq_inngest_serve_url(e->config, a);

	if (url == NULL || hq_json_own(a, o, NULL) != HQ_OK)
		return NULL;
	list = hq_inngest_functions(e->composition, url, true, a);
	if (list == NULL)
		return NULL;
	hq_json_put_str(o, "url", url);
	hq_json_put(o, "functions", json_object_get(list));
	hq_json_put_str(o, "deployType", "ping");
	hq_json_put_str(o, "appName", HQ_APP_ID);
	hq_json_put_str(o, "v", "0.1");
	hq_inngest_put_sdk(o);
	if (e->deploy_id != NULL)
		hq_json_put_str(o, "deployId", e->deploy_id);
	return hq_json_text(a, o);
}

static bool
is_kind(const struct hq_enroll *e, const char *kind)
{
	return e->kind != NULL && strcmp(e->kind, kind) == 0;
}

enum hq_rc
hq_enroll_request(const struct hq_enroll *e, struct hq_arena *a,
    struct hq_enroll_request *ret, struct hq_err *err)
{
	const char **v = ret->headers;
	size_t n = 0;

	v[n++] = "content-type: application/json";
	v[n++] = "x-inngest-sdk: " HQ_INNGEST_SDK;
	v[n++] = "x-inngest-framework: " HQ_INNGEST_FRAMEWORK;
	v[n++] = "x-inngest-sync-kind: out_of_band";
	if (e->hash != NULL)
		v[n++] =
		    hq_arena_printf(a, "authorization: Bearer %s", e->hash);
	if (is_kind(e, "dev"))
		v[n++] = "x-inngest-expected-server-kind: dev";
	if (is_kind(e, "cloud"))
		v[n++] = "x-inngest-expected-server-kind: cloud";
	v[n] = NULL;
	HQ_ASSERT(n < HQ_ENROLL_HEADERS);
	ret->url = hq_arena_printf(a, "%s/fn/register%s%s",
	    e->config->s[HQ_SET_RAWR_INNGEST_URL],
	    e->deploy_id == NULL ? "" : "?deployId=",
	    e->deploy_id == NULL ? "" : e->deploy_id);
	ret->body = body_of(e, a);
	if (ret->body == NULL || !hq_arena_ok(a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "arena is full");
	return HQ_OK;
}

void
hq_enroll_answer(const char *body, size_t bytes, struct hq_arena *a,
    struct hq_enrolled *ret)
{
	struct json_object *v;
	const char *error;
	int64_t status;

	*ret = (struct hq_enrolled){ .status = 500 };
	if (hq_json_parse(a, body, bytes, &v, NULL) != HQ_OK ||
	    !json_object_is_type(v, json_type_object)) {
		ret->message = "Failed to register: the engine's answer is no "
			       "JSON object";
		return;
	}
	status = hq_json_i64(v, "status", 200);
	ret->status = status >= 200 && status <= 599 ? (int)status : 500;
	error = hq_json_str(v, "error");
	ret->message = error == NULL ? HQ_INNGEST_REGISTERED : error;
	ret->modified = hq_json_bool(v, "modified", false);
}

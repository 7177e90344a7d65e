/*
 * The http executor: one signed POST to a URL that the allow-list names.
 *
 * Body {runId, deskId, round, input, memory, key}; key is the same in every
 * attempt.  X-Rawr-Signature is "t=<unix s>&s=<hex HMAC-SHA256>" over the body
 * and t, under the text of http.key.
 */
#include <string.h>

#include "auth/keys.h"
#include "domain/coordination/jsonschema.h"
#include "plugins/workflows/coordination/desk.h"
#include "plugins/workflows/coordination/steps.h"
#include "proto/http/allow.h"
#include "proto/http/client.h"
#include "proto/inngest/signature.h"

enum {
	MS_PER_S = 1000,
	STATUS_OK = 200,
	STATUS_OTHER = 300,
	STATUS_SLOW_DOWN = 429,
	STATUS_THEIRS = 500,
};

#define FINAL(err, ...) \
	HQ_FAIL_DECLARED((err), HQ_NON_RETRIABLE, NULL, __VA_ARGS__)

struct http_call {
	struct hq_flow *flow;
	struct hq_arena *arena;
	struct json_object *in, *desk;
	const char *desk_id, *url, *key;
	const char *body;
	char signature[HQ_SIGNATURE_BYTES];
};

static enum hq_rc
check(struct http_call *c, struct hq_err *err)
{
	const struct hq_runtime *r = hq_flow_runtime(c->flow);

	if (!hq_url_allowed(r->config->s[HQ_SET_RAWR_HTTP_ALLOW], c->url))
		return FINAL(err,
		    "desk %s: its url is not on the list RAWR_HTTP_ALLOW",
		    c->desk_id);
	c->key = r->keys == NULL ? NULL : hq_keys_http(r->keys);
	if (c->key == NULL)
		return FINAL(err,
		    "desk %s: there is no http.key in RAWR_KEYS to sign with",
		    c->desk_id);
	return HQ_OK;
}

static enum hq_rc
write_body(struct http_call *c, struct hq_err *err)
{
	struct json_object *o = hq_json_new_object();
	static const char *const members[][2] = {
		{ "input", "received" },
		{ "memory", "memory" },
	};
	size_t i;

	HQ_TRY(hq_json_own(c->arena, o, err));
	hq_json_put_str(o, "runId", hq_json_str(c->in, "runId"));
	hq_json_put_str(o, "deskId", c->desk_id);
	hq_json_put_i64(o, "round", hq_json_i64(c->in, "round", 0));
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		hq_json_put(o, members[i][0],
		    json_object_get(hq_json_get(c->in, members[i][1])));
	hq_json_put_str(o, "key", hq_flow_key(c->flow));
	c->body = hq_json_text(c->arena, o);
	if (c->body == NULL)
		return FINAL(err, "desk %s: its input is too large",
		    c->desk_id);
	return HQ_OK;
}

static long
timeout_of(struct json_object *desk)
{
	int64_t ms = hq_policy_of(desk).timeout_ms;

	if (ms <= 0)
		return (long)HQ_DESK_HTTP_TIMEOUT_S * MS_PER_S;
	if (ms > (int64_t)HQ_DESK_TIMEOUT_S_MAX * MS_PER_S)
		return (long)HQ_DESK_TIMEOUT_S_MAX * MS_PER_S;
	return (long)ms;
}

static enum hq_rc
post(struct http_call *c, struct hq_http_answer *ret, struct hq_err *err)
{
	const char *headers[] = { "Content-Type: application/json",
		"Accept: application/json", NULL, NULL };
	struct hq_http_call call = {
		.url = c->url,
		.headers = headers,
		.body = c->body,
		.body_bytes = strlen(c->body),
		.timeout_ms = timeout_of(c->desk),
	};
	struct hq_err why = { 0 };

	hq_signature_make(c->key, call.body, call.body_bytes,
	    hq_now_ms(hq_flow_runtime(c->flow)->env) / MS_PER_S, c->signature);
	headers[2] =
	    hq_arena_printf(c->arena, "X-Rawr-Signature: %s", c->signature);
	if (headers[2] == NULL)
		return FINAL(err, "desk %s: its input is too large",
		    c->desk_id);
	if (hq_http_post(&call, c->arena, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_GATEWAY, "desk %s: %s", c->desk_id,
		    why.msg);
	return HQ_OK;
}

/* The reply as the desk's output; no body is null. */
static enum hq_rc
read_reply(struct http_call *c, const struct hq_http_answer *a,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_err why = { 0 };
	const char *what;

	if (a->status < STATUS_OK || a->status >= STATUS_OTHER) {
		if (a->status == STATUS_SLOW_DOWN || a->status >= STATUS_THEIRS)
			return HQ_FAIL(err, BAD_GATEWAY,
			    "desk %s: its url answered %d", c->desk_id,
			    a->status);
		return FINAL(err, "desk %s: its url answered %d", c->desk_id,
		    a->status);
	}
	if (a->body_bytes > HQ_DESK_HTTP_REPLY_MAX)
		return FINAL(err, "desk %s: the reply is over %d bytes",
		    c->desk_id, HQ_DESK_HTTP_REPLY_MAX);
	*ret_out = NULL;
	if (a->body_bytes > 0 &&
	    hq_json_parse(c->arena, a->body, a->body_bytes, ret_out, &why) !=
		HQ_OK)
		return HQ_FAIL(err, BAD_GATEWAY, "desk %s: the reply: %s",
		    c->desk_id, why.msg);
	what = hq_coord_schema_fault(c->arena,
	    hq_json_get(c->desk, "outputSchema"), "output", *ret_out, NULL);
	if (what != NULL) /* another attempt may be answered better */
		return HQ_FAIL(err, UNPROCESSABLE_CONTENT, "desk %s: %s",
		    c->desk_id, what);
	return HQ_OK;
}

enum hq_rc
hq_do_http_call(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct http_call c = {
		.flow = f,
		.arena = hq_flow_arena(f),
		.in = in,
		.desk = hq_json_get(in, "desk"),
	};
	struct hq_http_answer answer;

	c.desk_id = hq_json_str(c.desk, "deskId");
	c.url = hq_json_str(hq_json_get(c.desk, "executor"), "url");
	HQ_TRY(check(&c, err));
	HQ_TRY(write_body(&c, err));
	HQ_TRY(post(&c, &answer, err));
	return read_reply(&c, &answer, ret_out, err);
}

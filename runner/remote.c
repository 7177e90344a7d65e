/*
 * The engine's transport to SDK apps: one HTTP request per call, signed as an
 * Inngest server signs, on connections that are kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/limits.h"
#include "proto/http/allow.h"
#include "proto/http/calls.h"
#include "proto/inngest/signature.h"
#include "runner.h"
#include "json/json.h"

enum {
	/* For a body of HQ_ENGINE_CALL_BYTES_MAX that is read and written. */
	ARENA_BYTES = 1 << 30,
	HEADERS = 12,
};

struct remote_call {
	struct hq_calls_one *one; /* NULL: free */
	uint64_t ticket;
	int64_t started_ms;      /* monotonic */
	char run[HQ_ULID_BYTES]; /* for the log, as all that follows */
	char step[RUNNER_STEP_BYTES];
	char *correlation_id, *traceparent; /* or NULL */
};

struct runner_remote {
	struct hq_calls *calls;
	struct hq_arena *arena; /* of one request that is made */
	struct remote_call *v;  /* RAWR_APP_CALLS of them */
	size_t n;
};

/* ------------------------------------------------------------- its answer -- */

/* As the engine names it; *ret_event: for the log, NULL for an answer. */
static void
name_end(enum hq_calls_end end, struct hq_engine_reply *ret,
    const char **ret_event)
{
	*ret_event = NULL;
	switch (end) {
	case HQ_CALLS_ANSWERED:
		ret->what = HQ_REPLY_ANSWER;
		return;
	case HQ_CALLS_REFUSED:
		ret->what = HQ_REPLY_REFUSED;
		*ret_event = "app_refused";
		return;
	case HQ_CALLS_DIED:
		ret->what = HQ_REPLY_DIED;
		*ret_event = "app_died";
		return;
	case HQ_CALLS_LATE:
		ret->what = HQ_REPLY_TIMEOUT;
		*ret_event = "timeout";
		return;
	}
	HQ_BUG("a call ended in no way");
}

static void
forget(struct remote_call *c)
{
	free(c->correlation_id);
	free(c->traceparent);
	memset(c, 0, sizeof(*c));
}

static void
done(void *ctx, void *arg, const struct hq_calls_reply *in)
{
	struct runner *r = ctx;
	struct remote_call *c = arg;
	struct hq_engine_reply out = { .status = in->status,
		.body = in->body,
		.body_bytes = in->body_bytes,
		.sdk = hq_calls_header(in, "x-inngest-sdk"),
		.no_retry = hq_calls_header(in, "x-inngest-no-retry"),
		.retry_after = hq_calls_header(in, "retry-after"),
		.req_version = hq_calls_header(in, "x-inngest-req-version") };
	const char *event;

	name_end(in->end, &out, &event);
	if (event != NULL)
		hq_log(in->end == HQ_CALLS_REFUSED ? HQ_DEBUG : HQ_WARN, event,
		    HQ_LSTR("run", c->run), HQ_LSTR("step", c->step),
		    HQ_LI64("ms", hq_mono_ms(r->env) - c->started_ms),
		    HQ_LSTR("why", in->why),
		    HQ_LSTR("correlation_id", c->correlation_id),
		    HQ_LSTR("traceparent", c->traceparent));
	hq_engine_reply(r->engine, c->ticket, &out);
	forget(c);
}

/* ----------------------------------------------------------------- a call -- */

/* What is signed; the bytes are sent so, too. */
static const char *
canonical(const struct hq_engine_call *call, struct hq_arena *a, size_t *ret_n,
    struct hq_err *err)
{
	struct json_object *body;
	struct hq_buf b;

	if (hq_json_parse(a, call->body, call->body_bytes, &body, err) != HQ_OK)
		return NULL;
	hq_buf_init(&b, a);
	hq_json_write_canonical(&b, body);
	*ret_n = b.n;
	return hq_arena_ok(a) ? hq_buf_str(&b) : NULL;
}

static void
put_headers(struct runner *r, const struct hq_engine_call *call,
    const struct hq_calls_post *p, const char *v[HEADERS])
{
	struct hq_arena *a = r->remote->arena;
	const char *key = hq_keys_signing(r->keys);
	char signature[HQ_SIGNATURE_BYTES];
	size_t n = 0;

	v[n++] = "content-type: application/json";
	v[n++] = r->dev ? "x-inngest-server-kind: dev"
			: "x-inngest-server-kind: cloud";
	v[n++] = hq_arena_printf(a, "x-run-id: %s", call->run_id);
	v[n++] = hq_arena_printf(a, "x-inngest-step-id: %s", call->step_id);
	v[n++] = hq_arena_printf(a, "x-request-id: %s", call->request_id);
	v[n++] = hq_arena_printf(a, "x-inngest-generation-id: %lld",
	    (long long)call->generation);
	v[n++] = hq_arena_printf(a, "x-inngest-job-id: %s.%s", call->run_id,
	    call->step_id);
	if (call->traceparent != NULL)
		v[n++] =
		    hq_arena_printf(a, "traceparent: %s", call->traceparent);
	if (key != NULL) {
		hq_signature_make(key, p->body, p->body_bytes,
		    hq_now_ms(r->env) / 1000, signature);
		v[n++] =
		    hq_arena_printf(a, "x-inngest-signature: %s", signature);
	}
	v[n] = NULL;
	HQ_ASSERT(n < HEADERS);
}

static struct remote_call *
free_slot(struct runner_remote *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->v[i].one == NULL)
			return &m->v[i];
	HQ_BUG("more calls than slots");
}

static enum hq_rc
send_call(struct runner *r, const struct hq_engine_call *call,
    struct remote_call *c, struct hq_err *err)
{
	const char *headers[HEADERS];
	struct hq_calls_post p = { .url = call->url,
		.headers = headers,
		.body = call->body,
		.body_bytes = call->body_bytes,
		.timeout_ms = call->timeout_ms,
		.answer_max = HQ_ENGINE_ANSWER_BYTES_MAX,
		.arg = c };

	/* The settings may have changed since the app was registered. */
	if (!hq_url_allowed(r->config->s[HQ_SET_RAWR_APPS], call->url))
		return HQ_FAIL(err, FORBIDDEN,
		    "RAWR_APPS does not have the app's url");
	if (hq_keys_signing(r->keys) != NULL) {
		p.body = canonical(call, r->remote->arena, &p.body_bytes, err);
		if (p.body == NULL)
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "the call cannot be made canonical");
	}
	put_headers(r, call, &p, headers);
	if (!hq_arena_ok(r->remote->arena))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the call is too large");
	return hq_calls_post(r->remote->calls, &p, &c->one, err);
}

void
runner_remote_send(struct runner *r, const struct hq_engine_call *call)
{
	struct hq_engine_reply refused = { .what = HQ_REPLY_REFUSED };
	struct remote_call *c = free_slot(r->remote);
	struct hq_err err = { 0 };
	enum hq_rc rc;

	rc = send_call(r, call, c, &err);
	hq_arena_reset(r->remote->arena);
	if (rc != HQ_OK) {
		hq_log(HQ_WARN, "refused", HQ_LSTR("run", call->run_id),
		    HQ_LSTR("why", err.msg));
		hq_engine_reply(r->engine, call->ticket, &refused);
		return;
	}
	c->ticket = call->ticket;
	c->started_ms = hq_mono_ms(r->env);
	(void)snprintf(c->run, sizeof(c->run), "%s", call->run_id);
	(void)snprintf(c->step, sizeof(c->step), "%s", call->step_id);
	c->correlation_id = runner_copy(call->correlation_id);
	c->traceparent = runner_copy(call->traceparent);
}

void
runner_remote_abandon(struct runner *r, uint64_t ticket)
{
	struct remote_call *c = r->remote->v;

	for (; c < r->remote->v + r->remote->n; c++) {
		if (c->one == NULL || c->ticket != ticket)
			continue;
		hq_calls_drop(r->remote->calls, c->one);
		forget(c);
	}
}

/* ------------------------------------------------------------- in the loop -- */

int
runner_remote_fd(const struct runner *r)
{
	return hq_calls_fd(r->remote->calls);
}

int64_t
runner_remote_next(const struct runner *r)
{
	return hq_calls_next_ms(r->remote->calls);
}

void
runner_remote_step(struct runner *r)
{
	hq_calls_step(r->remote->calls);
}

enum hq_rc
runner_remote_open(struct runner *r, struct hq_err *err)
{
	struct hq_calls_opts o = { .env = r->env,
		.done = done,
		.ctx = r,
		.connections = (int)r->config->i[HQ_SET_RAWR_APP_CALLS] };
	struct runner_remote *m = calloc(1, sizeof(*m));

	if (m == NULL)
		HQ_BUG("out of memory");
	r->remote = m;
	m->n = (size_t)o.connections;
	m->v = calloc(m->n, sizeof(*m->v));
	if (m->v == NULL)
		HQ_BUG("out of memory");
	m->arena = hq_arena_new(ARENA_BYTES);
	return hq_calls_new(&o, &m->calls, err);
}

void
runner_remote_close(struct runner *r)
{
	struct runner_remote *m = r->remote;
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->n; i++)
		if (m->v[i].one != NULL)
			runner_remote_abandon(r, m->v[i].ticket);
	hq_calls_free(m->calls);
	hq_arena_free(m->arena);
	free(m->v);
	free(m);
	r->remote = NULL;
}

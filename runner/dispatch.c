/*
 * The engine's transport: one FastCGI request to inngest.fcgi per call.  Calls
 * that no worker has room for wait in the backlog of its socket.  That wait is
 * not the step's: its time begins when what was sent begins to be read.
 *
 * A call tells of the steps it runs on its way, and goes on when we have
 * recorded them.  A worker runs one of its calls at a time: one that a
 * neighbour keeps waiting is taken back, and one that dies with its worker
 * while it waited has tried nothing.
 */
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/log.h"
#include "proto/inngest/signature.h"
#include "runner.h"

enum { PATH_BYTES = 512, NUMBER_BYTES = 24, PARAMS = 21 };

static void
answer(struct runner *r, uint64_t ticket, const struct hq_engine_reply *reply)
{
	hq_engine_reply(r->engine, ticket, reply);
}

static void
drop(struct runner_call *c)
{
	hq_fcgi_call_free(c->call);
	free(c->correlation_id);
	free(c->traceparent);
	memset(c, 0, sizeof(*c));
}

static struct runner_call *
slot_of(struct runner *r, uint64_t ticket)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (r->calls[i].call != NULL && r->calls[i].ticket == ticket)
			return &r->calls[i];
	return NULL;
}

static struct runner_call *
free_slot(struct runner *r)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (r->calls[i].call == NULL)
			return &r->calls[i];
	HQ_BUG("more calls than slots");
}

/* ---------------------------------------------------------------- a call -- */

struct request {
	char length[NUMBER_BYTES], timeout[NUMBER_BYTES];
	char generation[NUMBER_BYTES];
	char signature[HQ_SIGNATURE_BYTES];
	const char *uri, *query;
	struct hq_fcgi_param params[PARAMS];
	size_t n;
};

static void
param(struct request *q, const char *name, const char *value)
{
	HQ_ASSERT(q->n + 1 < PARAMS);
	q->params[q->n++] = (struct hq_fcgi_param){ name, value };
}

/* "/api/inngest?fnId=..." of a function's URL. */
static const char *
uri_of(const char *url)
{
	const char *p = strstr(url, "://");

	p = p == NULL ? url : p + 3;
	p = strchr(p, '/');
	return p == NULL ? "/" : p;
}

static void
describe(struct runner *r, const struct hq_engine_call *call, struct request *q)
{
	const char *key = hq_keys_signing(r->keys), *mark;

	q->uri = uri_of(call->url);
	mark = strchr(q->uri, '?');
	q->query = mark == NULL ? "" : mark + 1;
	(void)snprintf(q->length, sizeof(q->length), "%zu", call->body_bytes);
	(void)snprintf(q->timeout, sizeof(q->timeout), "%lld",
	    (long long)call->timeout_ms);
	(void)snprintf(q->generation, sizeof(q->generation), "%lld",
	    (long long)call->generation);
	param(q, "REQUEST_METHOD", "POST");
	param(q, "REQUEST_URI", q->uri);
	param(q, "DOCUMENT_URI", "/api/inngest");
	param(q, "SCRIPT_NAME", "/api/inngest");
	param(q, "QUERY_STRING", q->query);
	param(q, "CONTENT_TYPE", "application/json");
	param(q, "CONTENT_LENGTH", q->length);
	param(q, "SERVER_PROTOCOL", "HTTP/1.1");
	param(q, "GATEWAY_INTERFACE", "CGI/1.1");
	param(q, "REMOTE_ADDR", "unix");
	param(q, "HTTP_HOST", "rawr");
	param(q, "HTTP_X_INNGEST_SERVER_KIND", key == NULL ? "dev" : "cloud");
	param(q, "HTTP_X_RUN_ID", call->run_id);
	param(q, "HTTP_X_INNGEST_STEP_ID", call->step_id);
	param(q, "HTTP_X_REQUEST_ID", call->request_id);
	param(q, "HTTP_X_INNGEST_GENERATION_ID", q->generation);
	param(q, "HTTP_X_RAWR_TIMEOUT_MS", q->timeout);
	param(q, "RAWR_CHECKPOINTS", "1");
	if (key == NULL)
		return;
	hq_signature_make(key, call->body, call->body_bytes,
	    hq_now_ms(r->env) / 1000, q->signature);
	param(q, "HTTP_X_INNGEST_SIGNATURE", q->signature);
}

char *
runner_copy(const char *s)
{
	char *p = s == NULL ? NULL : strdup(s);

	if (s != NULL && p == NULL)
		HQ_BUG("out of memory");
	return p;
}

/* What was sent and nobody has read; -1: not known. */
static int
unread(const struct runner_call *c)
{
	int n;

	return ioctl(hq_fcgi_call_fd(c->call), SIOCOUTQ, &n) == 0 ? n : -1;
}

static bool
is_unread(const struct runner_call *c)
{
	return c->state == RUNNER_SENT || c->state == RUNNER_TOLD;
}

/* Has the host begun?  Then the step's time begins. */
static void
look(struct runner_call *c, int64_t now)
{
	int n;

	if (!is_unread(c))
		return;
	n = unread(c);
	if (n > 0 && n >= c->unread) {
		c->unread = n;
		return;
	}
	c->state = RUNNER_BEGUN;
	c->started_ms = now;
	c->deadline_ms =
	    c->timeout_ms > INT64_MAX - now ? INT64_MAX : now + c->timeout_ms;
}

/* What was sent last is to be read before a step's time begins. */
static void
await(struct runner_call *c, enum runner_state state, int64_t now)
{
	c->state = state;
	c->started_ms = now;
	c->deadline_ms = INT64_MAX;
	c->unread = 0; /* the first look only takes the measure */
	look(c, now);
}

static void
note(struct runner_call *c, const struct hq_engine_call *call, int64_t now)
{
	c->ticket = call->ticket;
	c->timeout_ms = call->timeout_ms;
	(void)snprintf(c->run, sizeof(c->run), "%s", call->run_id);
	(void)snprintf(c->step, sizeof(c->step), "%s", call->step_id);
	c->correlation_id = runner_copy(call->correlation_id);
	c->traceparent = runner_copy(call->traceparent);
	await(c, RUNNER_SENT, now);
}

void
runner_send(void *ctx, const struct hq_engine_call *call)
{
	struct runner *r = ctx;
	struct hq_engine_reply refused = { .what = HQ_REPLY_REFUSED };
	struct request q = { 0 };
	struct runner_call *c;
	char path[PATH_BYTES];
	struct hq_err err = { 0 };

	if (call->foreign) {
		runner_remote_send(r, call);
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/run/inngest.sock",
	    r->config->s[HQ_SET_RAWR_VAR]);
	describe(r, call, &q);
	c = free_slot(r);
	if (hq_fcgi_call_new(path, q.params, call->body, call->body_bytes,
		&c->call, &err) != HQ_OK) {
		hq_log(HQ_DEBUG, "refused", HQ_LSTR("run", call->run_id),
		    HQ_LSTR("why", err.msg));
		memset(c, 0, sizeof(*c));
		answer(r, call->ticket, &refused);
		return;
	}
	note(c, call, hq_mono_ms(r->env));
}

void
runner_go_on(void *ctx, uint64_t ticket)
{
	struct runner *r = ctx;
	struct runner_call *c = slot_of(r, ticket);

	if (c == NULL)
		return; /* it has ended meanwhile */
	hq_fcgi_call_go_on(c->call);
	await(c, RUNNER_TOLD, hq_mono_ms(r->env));
}

void
runner_abandon(void *ctx, uint64_t ticket)
{
	struct runner_call *c = slot_of(ctx, ticket);

	if (c != NULL)
		drop(c);
	else
		runner_remote_abandon(ctx, ticket);
}

/* ------------------------------------------------------------- its answer -- */

static void
finished(struct runner *r, struct runner_call *c)
{
	struct hq_engine_reply reply = { .what = HQ_REPLY_ANSWER };
	const struct hq_fcgi_call *f = c->call;

	r->n_said++;
	reply.status = hq_fcgi_call_status(f);
	reply.body = hq_fcgi_call_body(f, &reply.body_bytes);
	reply.sdk = hq_fcgi_call_header(f, "x-inngest-sdk");
	reply.no_retry = hq_fcgi_call_header(f, "x-inngest-no-retry");
	reply.retry_after = hq_fcgi_call_header(f, "retry-after");
	reply.req_version = hq_fcgi_call_header(f, "x-inngest-req-version");
	answer(r, c->ticket, &reply);
}

static void
log_end(const struct runner_call *c, const char *event, const char *why,
    int64_t now)
{
	hq_log(HQ_WARN, event, HQ_LSTR("run", c->run), HQ_LSTR("step", c->step),
	    HQ_LI64("ms", now - c->started_ms), HQ_LSTR("why", why),
	    HQ_LSTR("correlation_id", c->correlation_id),
	    HQ_LSTR("traceparent", c->traceparent));
}

static void
take_checkpoint(struct runner *r, struct runner_call *c)
{
	const char *op;
	size_t n;

	if (c->state == RUNNER_HELD ||
	    (op = hq_fcgi_call_checkpoint(c->call, &n)) == NULL)
		return;
	c->state = RUNNER_HELD;
	c->deadline_ms = INT64_MAX;
	r->n_said++;
	hq_engine_checkpoint(r->engine, c->ticket, op, n);
}

/* No step was under way: the call may be made again as if it had not been. */
static void
put_back(struct runner *r, struct runner_call *c)
{
	struct hq_engine_reply refused = { .what = HQ_REPLY_REFUSED };

	answer(r, c->ticket, &refused);
}

static void
lost(struct runner *r, struct runner_call *c, const char *why, int64_t now)
{
	struct hq_engine_reply died = { .what = HQ_REPLY_DIED };

	log_end(c, "host_died", why, now);
	if (c->state == RUNNER_HELD || hq_fcgi_call_unread(c->call))
		put_back(r, c);
	else
		answer(r, c->ticket, &died);
}

static void
too_late(struct runner *r, struct runner_call *c, int64_t now)
{
	struct hq_engine_reply late = { .what = HQ_REPLY_TIMEOUT };

	log_end(c, "timeout", NULL, now);
	answer(r, c->ticket, &late);
}

static void
step(struct runner *r, struct runner_call *c, bool ready, int64_t now)
{
	struct hq_err err = { 0 };
	enum hq_rc rc;

	look(c, now); /* before more is sent */
	rc = ready ? hq_fcgi_call_step(c->call, &err) : HQ_SUSPEND;
	if (ready)
		take_checkpoint(r, c);
	if (rc == HQ_OK)
		finished(r, c);
	else if (rc != HQ_SUSPEND)
		lost(r, c, err.msg, now);
	else if (now >= c->deadline_ms)
		too_late(r, c, now);
	else if (c->state == RUNNER_TOLD &&
	    now - c->started_ms >= RUNNER_TAKE_BACK_MS)
		put_back(r, c);
	else
		return;
	drop(c);
}

void
runner_step_calls(struct runner *r)
{
	int64_t now = hq_mono_ms(r->env);
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (r->calls[i].call != NULL)
			step(r, &r->calls[i], r->polls[i + 2].revents != 0,
			    now);
}

bool
runner_is_early(const struct runner *r)
{
	int64_t since = hq_mono_ms(r->env) - RUNNER_GATHER_MS;
	const struct runner_call *c;
	size_t n = 0;

	if (r->n_said == 0)
		return false;
	for (c = r->calls; c < r->calls + r->n_calls; c++)
		n += c->call != NULL && c->state != RUNNER_HELD &&
		    c->started_ms >= since;
	return n > r->n_said;
}

int64_t
runner_first_deadline(const struct runner *r)
{
	int64_t first = INT64_MAX, at, soon = hq_mono_ms(r->env);
	const struct runner_call *c;

	soon += RUNNER_LOOK_MS;
	for (c = r->calls; c < r->calls + r->n_calls; c++) {
		if (c->call == NULL)
			continue;
		at = is_unread(c) ? soon : c->deadline_ms;
		if (at < first)
			first = at;
	}
	return first;
}

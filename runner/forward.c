/*
 * The runner's work where an Inngest server runs the functions: that server is
 * told which there are, and then has our events, in order, one request after
 * the other (docs/decisions/0022-an-inngest-server-has-the-events.md).
 *
 * Nothing is forwarded before the functions are registered: the server starts
 * nothing for an event that no function of its waits for.  Of several runners
 * the one that has the doorbell forwards.
 */
/* For memmem.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/log.h"
#include "engine/outbox.h"
#include "proto/http/calls.h"
#include "proto/inngest/deliver.h"
#include "proto/inngest/enroll.h"
#include "proto/inngest/signature.h"
#include "runner.h"

enum {
	ARENA_BYTES = 64 << 20, /* of one request and its answer */
	ANSWER_BYTES_MAX = 1 << 20,
};

static const char dev_key[] = "NO_EVENT_KEY_SET"; /* as the SDKs have it */

struct runner_forward {
	struct hq_calls *calls;
	struct hq_calls_one *one; /* under way; or NULL */
	struct hq_arena *arena;   /* of this request */
	const char *key;          /* of the events */
	const char *hash[2];      /* of the signing keys; or NULL */
	int which;                /* of the two registers us */
	bool registered, draining;
	struct hq_outgoings out; /* what is under way */
	char seed[HQ_DELIVER_SEED_BYTES];
	char seeded[HQ_SHA1_HEX_BYTES]; /* the events that it is for */
	size_t alone;     /* so many go one by one: one of them was refused */
	int failures;     /* in a row */
	int64_t retry_ms; /* wall clock: not before then */
	bool answered;    /* and not on record yet: */
	struct hq_delivery answer;
	/* What was told last; "": all is well. */
	char trouble[HQ_OUTBOX_WHY_BYTES_MAX];
};

/* --------------------------------------------------------- what came of it -- */

static void
give(struct runner_forward *w, enum hq_delivery_end what, const char *why)
{
	w->answer.what = what;
	w->answer.why = why == NULL ? "" : why;
	w->answered = true;
}

static bool
has(const char *text, size_t bytes, const char *secret)
{
	return secret != NULL && bytes > 0 &&
	    memmem(text, bytes, secret, strlen(secret)) != NULL;
}

/*
 * The server may quote the path or the header that it was asked with.  Its whole
 * answer is looked at: what is told of it may be cut within a key.
 */
static bool
quotes_a_key(const struct runner_forward *w, const char *text, size_t bytes)
{
	return has(text, bytes, w->key) || has(text, bytes, w->hash[0]) ||
	    has(text, bytes, w->hash[1]);
}

static const char *
unless_quoted(const struct runner_forward *w, const struct hq_calls_reply *in,
    const char *why)
{
	return quotes_a_key(w, in->body, in->body_bytes)
	    ? "its answer quotes a key of ours"
	    : why;
}

static void
take_registration(struct runner_forward *w, const struct hq_calls_reply *in)
{
	struct hq_enrolled got;

	hq_enroll_answer(in->body, in->body_bytes, w->arena, &got);
	if ((in->status == 401 || in->status == 403) && w->hash[1] != NULL)
		w->which = !w->which;
	if (in->status >= 200 && in->status < 300 && got.status == 200) {
		w->registered = true;
		hq_log(HQ_INFO, "registered",
		    HQ_LBOOL("modified", got.modified));
		give(w, HQ_DELIVERED, NULL);
		return;
	}
	give(w, HQ_DELIVERY_FAILED,
	    hq_arena_printf(w->arena,
		"it does not register our functions (%d: %.*s)", in->status,
		HQ_DELIVER_WHY_BYTES_MAX, unless_quoted(w, in, got.message)));
}

static void
take_answer(struct runner_forward *w, const struct hq_calls_reply *in)
{
	const struct hq_delivery_answer a = { .status = in->status,
		.body = in->body,
		.body_bytes = in->body_bytes,
		.events = w->out.n };
	struct hq_delivery got;

	hq_deliver_answer(&a, w->arena, &got);
	give(w, got.what, unless_quoted(w, in, got.why));
}

/* One that was away may have forgotten which functions there are. */
static void
take_absence(struct runner_forward *w, const struct hq_calls_reply *in)
{
	w->registered = false;
	give(w, HQ_DELIVERY_FAILED,
	    hq_arena_printf(w->arena, "it is not there: %s",
		quotes_a_key(w, in->why, strlen(in->why)) ? "" : in->why));
}

static void
done(void *ctx, void *arg, const struct hq_calls_reply *in)
{
	const struct runner *r = ctx;
	struct runner_forward *w = r->forward;

	(void)arg;
	w->one = NULL;
	if (in->end != HQ_CALLS_ANSWERED)
		take_absence(w, in);
	else if (!w->registered)
		take_registration(w, in);
	else
		take_answer(w, in);
}

/* ---------------------------------------------------------- on the record -- */

static int64_t
pause_ms(int failures)
{
	int64_t ms = RUNNER_FORWARD_MIN_MS;

	while (--failures > 0 && ms < RUNNER_FORWARD_MAX_MS)
		ms *= 2;
	return ms < RUNNER_FORWARD_MAX_MS ? ms : RUNNER_FORWARD_MAX_MS;
}

static enum hq_rc
record_trouble(struct runner *r, const char *why, struct hq_err *err)
{
	struct runner_forward *w = r->forward;

	w->retry_ms = hq_now_ms(r->env) + pause_ms(++w->failures);
	if (strncmp(w->trouble, why, sizeof(w->trouble) - 1) == 0)
		return HQ_OK;
	HQ_TRY(hq_outbox_trouble(r->db, r->env, why, err));
	(void)snprintf(w->trouble, sizeof(w->trouble), "%s", why);
	hq_log(HQ_WARN, "not_forwarded", HQ_LSTR("why", why),
	    HQ_LSTR("fix", "events wait meanwhile; rawr doctor"));
	return HQ_OK;
}

static enum hq_rc
record_mended(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;

	w->failures = 0;
	w->retry_ms = 0;
	if (w->trouble[0] == '\0')
		return HQ_OK;
	HQ_TRY(hq_outbox_mended(r->db, err));
	w->trouble[0] = '\0';
	hq_log(HQ_INFO, "forwarding_again", { 0 });
	return HQ_OK;
}

static enum hq_rc
record_delivered(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;

	if (w->out.n > 0)
		HQ_TRY(hq_outbox_sent(r->db, &w->out, err));
	w->alone -= w->alone < w->out.n ? w->alone : w->out.n;
	w->out.n = 0;
	return record_mended(r, err);
}

/* The only one of w->out; then that has none. */
static enum hq_rc
put_aside(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	const struct hq_outgoing *o = &w->out.v[0];
	enum hq_outbox_where where;

	HQ_TRY(hq_outbox_park(r->db, r->env, o, w->answer.why, &where, err));
	if (where == HQ_OUTBOX_WAITS)
		return HQ_OK;
	if (where == HQ_OUTBOX_PARKED)
		hq_log(HQ_ERROR, "event_parked", HQ_LSTR("event", o->event),
		    HQ_LSTR("name", o->name), HQ_LSTR("id", o->client_id),
		    HQ_LSTR("why", w->answer.why));
	w->alone -= w->alone > 0;
	w->out.n = 0;
	return HQ_OK;
}

/* Which of them it is, shows when each goes by itself. */
static enum hq_rc
record_refused(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;

	if (w->out.n > 1) {
		w->alone = w->out.n;
		return HQ_OK;
	}
	if (w->out.n == 1)
		HQ_TRY(put_aside(r, err));
	if (w->out.n == 1)
		return record_trouble(r,
		    "it refuses an event, and so many are refused already "
		    "that no more are put aside: see rawr events parked",
		    err);
	return record_mended(r, err);
}

static enum hq_rc
record(struct runner *r, struct hq_err *err)
{
	switch (r->forward->answer.what) {
	case HQ_DELIVERED:
		return record_delivered(r, err);
	case HQ_DELIVERY_REFUSED:
		return record_refused(r, err);
	case HQ_DELIVERY_FAILED:
		return record_trouble(r, r->forward->answer.why, err);
	}
	HQ_BUG("an answer that means nothing");
}

/* ---------------------------------------------------------------- sending -- */

static enum hq_rc
post(struct runner *r, const char *url, const char *const *headers,
    const char *body, size_t body_bytes, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	struct hq_calls_post p = { .url = url,
		.headers = headers,
		.body = body,
		.body_bytes = body_bytes,
		.timeout_ms = RUNNER_FORWARD_CALL_MS,
		.answer_max = ANSWER_BYTES_MAX };

	if (!hq_arena_ok(w->arena))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	return hq_calls_post(w->calls, &p, &w->one, err);
}

static enum hq_rc
send_registration(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	struct hq_enroll e = { .config = r->config,
		.composition = hq_composition,
		.hash = w->hash[w->which] };
	struct hq_enroll_request q = { 0 };

	w->out.n = 0;
	HQ_TRY(hq_enroll_request(&e, w->arena, &q, err));
	return post(r, q.url, q.headers, q.body, strlen(q.body), err);
}

/* The same events again have the same seed. */
static void
seed(struct runner *r)
{
	struct runner_forward *w = r->forward;
	char now[HQ_SHA1_HEX_BYTES];

	hq_sha1_hex(w->out.body, w->out.body_bytes, now);
	if (strcmp(now, w->seeded) == 0)
		return;
	memcpy(w->seeded, now, sizeof(now));
	hq_deliver_seed(r->env, w->seed);
}

/* None: *ret_any is false. */
static enum hq_rc
send_events(struct runner *r, bool *ret_any, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	const char *headers[HQ_DELIVER_HEADERS], *url;

	HQ_TRY(hq_outbox_next(r->db, w->alone > 0 ? 1 : HQ_OUTBOX_EVENTS_MAX,
	    w->arena, &w->out, err));
	*ret_any = w->out.n > 0;
	if (!*ret_any)
		return HQ_OK;
	seed(r);
	hq_deliver_headers(w->seed, w->arena, headers);
	url = hq_arena_printf(w->arena, "%s/e/%s",
	    r->config->s[HQ_SET_RAWR_INNGEST_URL], w->key);
	return post(r, url, headers, w->out.body, w->out.body_bytes, err);
}

/* *ret_next_ms: when there is something to do without an outside cause. */
static enum hq_rc
send_next(struct runner *r, int64_t *ret_next_ms, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	int64_t now_ms = hq_now_ms(r->env);
	bool any = true;

	*ret_next_ms = INT64_MAX;
	if (w->one != NULL || w->draining)
		return HQ_OK;
	if (r->bell.fd < 0) { /* another runner forwards, or none yet */
		*ret_next_ms = now_ms + RUNNER_IDLE_MS;
		return HQ_OK;
	}
	/* A clock that was set back has nobody wait for it. */
	if (w->retry_ms > now_ms &&
	    w->retry_ms <= now_ms + RUNNER_FORWARD_MAX_MS) {
		*ret_next_ms = w->retry_ms;
		return HQ_OK;
	}
	hq_arena_reset(w->arena);
	if (!w->registered)
		return send_registration(r, err);
	HQ_TRY(send_events(r, &any, err));
	if (!any)
		w->alone = 0;
	return HQ_OK;
}

/* ------------------------------------------------------------- as its work -- */

static enum hq_rc
turn(struct runner *r, int64_t *ret_next_ms, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	enum hq_rc rc;

	if (w->answered) {
		HQ_TRY(record(r, err));
		w->answered = false;
	}
	rc = send_next(r, ret_next_ms, err);
	if (rc != HQ_E_BAD_GATEWAY)
		return rc;
	/* It could not even be sent: no libcurl. */
	*ret_next_ms = hq_now_ms(r->env) + RUNNER_IDLE_MS;
	return record_trouble(r, err->msg, err);
}

static bool
has_news(const struct runner *r)
{
	return r->forward->answered;
}

static size_t
inflight(const struct runner *r)
{
	return r->forward->one != NULL || r->forward->answered;
}

static void
drain(struct runner *r)
{
	r->forward->draining = true;
}

/* What was sent and not answered goes again. */
static enum hq_rc
release(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;

	(void)err;
	if (w->one != NULL)
		hq_calls_drop(w->calls, w->one);
	w->one = NULL;
	return HQ_OK;
}

static enum hq_rc
take_keys(struct runner *r, struct hq_err *err)
{
	struct runner_forward *w = r->forward;
	const char *key = hq_keys_signing(r->keys);
	const char *old = hq_keys_signing_fallback(r->keys);

	w->key = hq_keys_inngest(r->keys);
	if (w->key == NULL && !r->dev)
		return HQ_FAIL(err, BAD_REQUEST,
		    "no inngest.key in RAWR_KEYS: the event key of the server "
		    "at RAWR_INNGEST_URL (--dev goes without)");
	if (w->key == NULL)
		w->key = dev_key;
	if (key != NULL)
		w->hash[0] = hq_signing_key_hash(r->arena, key);
	if (old != NULL)
		w->hash[1] = hq_signing_key_hash(r->arena, old);
	return HQ_OK;
}

static enum hq_rc
open(struct runner *r, struct hq_err *err)
{
	struct hq_calls_opts o = { .env = r->env,
		.done = done,
		.ctx = r,
		.connections = 1 };
	struct hq_outbox_look look;
	struct runner_forward *w = calloc(1, sizeof(*w));

	if (w == NULL)
		HQ_BUG("out of memory");
	r->forward = w;
	w->arena = hq_arena_new(ARENA_BYTES);
	HQ_TRY(take_keys(r, err));
	HQ_TRY(hq_outbox_look(r->db, r->arena, &look, err));
	if (look.why != NULL)
		(void)snprintf(w->trouble, sizeof(w->trouble), "%s", look.why);
	if (look.own_runs > 0)
		hq_log(HQ_WARN, "own_runs_stand",
		    HQ_LI64("count", look.own_runs),
		    HQ_LSTR("fix", "they go on with RAWR_ENGINE=own"));
	return hq_calls_new(&o, &w->calls, err);
}

static void
close(struct runner *r)
{
	struct runner_forward *w = r->forward;

	if (w == NULL)
		return;
	HQ_IGNORE(release(r, NULL));
	hq_calls_free(w->calls);
	hq_arena_free(w->arena);
	free(w);
	r->forward = NULL;
}

static int
fd(const struct runner *r)
{
	return hq_calls_fd(r->forward->calls);
}

static int64_t
next(const struct runner *r)
{
	return hq_calls_next_ms(r->forward->calls);
}

static void
step(struct runner *r)
{
	hq_calls_step(r->forward->calls);
}

const struct runner_work runner_forward = {
	.open = open,
	.close = close,
	.turn = turn,
	.has_news = has_news,
	.inflight = inflight,
	.drain = drain,
	.release = release,
	.fd = fd,
	.next = next,
	.step = step,
};

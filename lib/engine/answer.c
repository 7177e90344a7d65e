/*
 * What an answer to a call means (facts: Inngest protocol, responses, 2.5).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/inside.h"
#include "engine/retry.h"

enum { EXCERPT_BYTES = 200, REFUSED_DOUBLINGS = 16 };

/* ------------------------------------------------------- failed attempts -- */

static enum hq_rc
retry(struct hq_eng_tx *t, int64_t delay_ms, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;

	j->settled = true;
	return hq_exec(t->db, &hq_engine_store, Q_JOB_RETRY,
	    HQ_BIND(hq_text(j->run), hq_text(j->step), hq_i64(j->attempt),
		hq_i64(j->crashes), hq_i64(j->refusals),
		hq_i64(t->now_ms + delay_ms)),
	    NULL, err);
}

enum hq_rc
hq_eng_attempt_failed(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    const char *error, const char *step, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;
	int64_t delay;

	if (j->attempt + 1 >= j->max_attempts || (an != NULL && an->no_retry)) {
		if (step != NULL)
			return hq_eng_memo_error(t, j->run, step, error, err);
		return hq_eng_finish(t, j->run, HQ_RUN_FAILED, error, err);
	}
	if (an == NULL ||
	    !hq_retry_after_ms(an->retry_after, t->now_ms, &delay))
		delay =
		    hq_retry_delay_ms(t->env, t->retry_interval_ms, j->attempt);
	j->attempt++;
	j->refusals = 0;
	hq_eng_count(t, HQ_COUNT_RETRIES, 1);
	return retry(t, delay, err);
}

/* The step a job is about; NULL for a discovery: then it is the run. */
static const char *
step_of(const struct hq_eng_job *j)
{
	return j->discovery ? NULL : j->step;
}

/*
 * The host died under the call: no attempt is used, but not for ever, and less
 * and less often: each time it takes a worker from the others.
 */
static enum hq_rc
died(struct hq_eng_tx *t, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;
	struct hq_eng_answer final = { .no_retry = true };

	j->crashes++;
	if (j->crashes < HQ_ENGINE_CRASHES_MAX)
		return retry(t,
		    (int64_t)HQ_ENGINE_CRASH_DELAY_MS << (j->crashes - 1), err);
	return hq_eng_attempt_failed(t, &final,
	    hq_eng_error(t, "FunctionHostDied",
		hq_arena_printf(t->a,
		    "the function host died %d times without an answer",
		    j->crashes)),
	    step_of(j), err);
}

/*
 * Nobody was there: an app may be away for long, and each look for it costs a
 * call.  It says when it is back (hq_app_is_back).
 */
static enum hq_rc
refused(struct hq_eng_tx *t, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;
	int64_t most =
	    j->foreign ? HQ_ENGINE_AWAY_MAX_MS : HQ_ENGINE_REFUSED_MAX_MS;
	int64_t delay = most;

	if (j->refusals < REFUSED_DOUBLINGS)
		delay = (int64_t)HQ_ENGINE_REFUSED_MIN_MS << j->refusals;
	j->refusals++;
	return retry(t, delay < most ? delay : most, err);
}

static enum hq_rc
timed_out(struct hq_eng_tx *t, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;
	const char *message;

	message = hq_arena_printf(t->a, "timed out after %lld ms",
	    (long long)j->timeout_ms);
	return hq_eng_attempt_failed(t, NULL,
	    hq_eng_error(t, "TimeoutError", message), step_of(j), err);
}

static enum hq_rc
failed(struct hq_eng_tx *t, const struct hq_eng_answer *an, const char *why,
    struct hq_err *err)
{
	return hq_eng_attempt_failed(t, an, hq_eng_error(t, "Error", why), NULL,
	    err);
}

/* ------------------------------------------------------------- settling -- */

static enum hq_rc
exists(struct hq_eng_tx *t, size_t q, const struct hq_val *vals, size_t n,
    bool *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, q, vals, n, &row, err));
	*ret = hq_cursor_next(&row);
	return *ret ? HQ_OK : hq_cursor_done(&row, err);
}

static enum hq_rc
settle_discovery(struct hq_eng_tx *t, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;
	bool others = true;

	if (!j->again)
		HQ_TRY(exists(t, Q_JOB_OTHERS, HQ_BIND(hq_text(j->run)),
		    &others, err));
	if (!others && j->told)
		j->again = true; /* it stopped behind its own checkpoints */
	else if (!others)
		return failed(t, NULL,
		    "the function gave neither a result nor a step", err);
	return hq_exec(t->db, &hq_engine_store, Q_JOB_AGAIN,
	    HQ_BIND(hq_text(j->run), hq_text(j->step),
		hq_i64(j->again ? t->now_ms : HQ_ENG_PARKED)),
	    NULL, err);
}

/* A run never waits for nothing: a job ends in a memo, or is tried again. */
static enum hq_rc
settle(struct hq_eng_tx *t, struct hq_err *err)
{
	struct hq_eng_job *j = t->job;
	bool done;

	if (j->settled)
		return HQ_OK;
	if (j->discovery)
		return settle_discovery(t, err);
	HQ_TRY(exists(t, Q_MEMO_HAS, HQ_BIND(hq_text(j->run), hq_text(j->step)),
	    &done, err));
	if (done)
		return HQ_OK;
	return hq_eng_attempt_failed(t, NULL,
	    hq_eng_error(t, "Error", "the answer is not about the step"),
	    j->step, err);
}

/* -------------------------------------------------------------- answers -- */

/* Printable ASCII of a foreign body, for a message. */
static const char *
excerpt(struct hq_eng_tx *t, const struct hq_eng_answer *an)
{
	size_t n = an->body_bytes, i;
	char *s;

	if (n > EXCERPT_BYTES)
		n = EXCERPT_BYTES;
	s = hq_arena_copy(t->a, n == 0 ? "" : an->body, n);
	for (i = 0; s != NULL && i < n; i++)
		if (s[i] < ' ' || s[i] > '~')
			s[i] = '?';
	return s == NULL ? "" : s;
}

/* A status that is neither 2xx nor from a step: the function failed. */
static enum hq_rc
take_error(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    struct hq_err *err)
{
	struct json_object *body = NULL;

	HQ_IGNORE(hq_json_parse(t->a, an->body, an->body_bytes, &body, NULL));
	if (an->sdk != NULL && hq_json_str(body, "message") != NULL)
		return hq_eng_attempt_failed(t, an, hq_eng_text(t, body), NULL,
		    err);
	return failed(t, an,
	    hq_arena_printf(t->a, "the function host answered %d: %s",
		an->status, excerpt(t, an)),
	    err);
}

static enum hq_rc
take_result(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    struct hq_err *err)
{
	struct json_object *body = NULL;

	if (an->body_bytes > 0 &&
	    hq_json_parse(t->a, an->body, an->body_bytes, &body, NULL) != HQ_OK)
		return failed(t, an, "the result is not JSON", err);
	return hq_eng_finish(t, t->job->run, HQ_RUN_COMPLETED,
	    hq_eng_text(t, body), err);
}

static enum hq_rc
take_ops(struct hq_eng_tx *t, const struct hq_eng_answer *an,
    struct hq_err *err)
{
	struct json_object *body = NULL;
	const char *wrong = NULL;

	if (hq_json_parse(t->a, an->body, an->body_bytes, &body, NULL) != HQ_OK)
		return failed(t, an, "the step operations are not JSON", err);
	HQ_TRY(hq_eng_ops(t, an, body, &wrong, err));
	if (wrong != NULL)
		return failed(t, an, wrong, err);
	return settle(t, err);
}

/* A header of a streamed answer's inner envelope, in place of the outer. */
static const char *
inner(struct json_object *headers, const char *name, const char *outer)
{
	const char *s = hq_json_str(headers, name);

	return s != NULL ? s : outer;
}

static void
fill(struct hq_eng_answer *an, const char *no_retry, const char *version)
{
	if (no_retry != NULL)
		an->no_retry = strcmp(no_retry, "true") == 0;
	if (version != NULL && version[0] >= '0' && version[0] <= '9' &&
	    version[1] == '\0')
		an->req_version = version[0] - '0';
}

/* 201: the answer proper is {status, headers, body} in the body. */
static void
unwrap(struct hq_eng_tx *t, struct hq_eng_answer *an)
{
	struct json_object *o = NULL, *headers, *body;

	HQ_IGNORE(hq_json_parse(t->a, an->body, an->body_bytes, &o, NULL));
	if (hq_json_i64(o, "status", 0) == 0)
		return;
	headers = hq_json_get(o, "headers");
	body = hq_json_get(o, "body");
	an->status = (int)hq_json_i64(o, "status", 0);
	an->body = json_object_is_type(body, json_type_string)
	    ? hq_json_str(o, "body")
	    : hq_eng_text(t, body);
	an->body_bytes = strlen(an->body);
	an->sdk = inner(headers, "x-inngest-sdk", an->sdk);
	an->retry_after = inner(headers, "retry-after", an->retry_after);
	fill(an, hq_json_str(headers, "x-inngest-no-retry"),
	    hq_json_str(headers, "x-inngest-req-version"));
}

static enum hq_rc
answered(struct hq_eng_tx *t, const struct hq_engine_reply *r,
    struct hq_err *err)
{
	struct hq_eng_answer an = { .status = r->status,
		.body = r->body,
		.body_bytes = r->body_bytes,
		.sdk = r->sdk,
		.retry_after = r->retry_after,
		.req_version = -1 };

	if (an.body == NULL)
		an.body = "";
	fill(&an, r->no_retry, r->req_version);
	if (an.body_bytes > HQ_ENGINE_ANSWER_BYTES_MAX)
		return failed(t, &an, "output_too_large", err);
	if (an.status == 201 && an.sdk != NULL)
		unwrap(t, &an);
	if (an.req_version >= 0 && t->job->req_version < 0 && an.status != 200)
		HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_RUN_VERSION,
		    HQ_BIND(hq_text(t->job->run), hq_i64(an.req_version)), NULL,
		    err));
	if (an.status < 200 || an.status > 299)
		return take_error(t, &an, err);
	if (an.sdk == NULL)
		return failed(t, &an,
		    "The response did not come from an Inngest SDK", err);
	return an.status == 206 ? take_ops(t, &an, err)
				: take_result(t, &an, err);
}

enum hq_rc
hq_eng_answer(struct hq_eng_tx *t, const struct hq_engine_reply *r,
    struct hq_err *err)
{
	switch (r->what) {
	case HQ_REPLY_ANSWER:
		return answered(t, r, err);
	case HQ_REPLY_DIED:
		return died(t, err);
	case HQ_REPLY_REFUSED:
		return refused(t, err);
	case HQ_REPLY_TIMEOUT:
		return timed_out(t, err);
	}
	HQ_BUG("a reply of no kind");
}

/*
 * The body of a call (facts: Inngest protocol, call request, 2.4).
 *
 * Events and memos are stored as JSON text, members in the order they came in,
 * so the body is put together without parsing anything.
 * ctx.fn_id and qi_id let an SDK checkpoint (api.h).  Our own host does not:
 * without them it reports every step by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/inside.h"

/* The engine's own bounds keep a call within what is promised. */
_Static_assert(2 * HQ_ENGINE_END_BYTES_MAX + HQ_ENGINE_STATE_BYTES_MAX +
	    HQ_ENGINE_FRAME_BYTES_MAX <=
	HQ_ENGINE_CALL_BYTES_MAX,
    "a call may be too large");
_Static_assert(HQ_ENGINE_STEPS_MAX *(HQ_ENGINE_STEP_ID_MAX + 3) * 2 +
	    (24 + 4 * HQ_ENGINE_BATCH_SIZE_MAX) * HQ_ENGINE_NAME_BYTES_MAX +
	    8192 <=
	HQ_ENGINE_FRAME_BYTES_MAX,
    "a call's frame may be too large");
_Static_assert(2 * HQ_ENGINE_END_CONTAINERS_MAX < HQ_JSON_CONTAINERS_MAX &&
	HQ_ENGINE_END_DEPTH_MAX + 16 < HQ_JSON_DEPTH_MAX,
    "a call may not be readable");
_Static_assert(HQ_ENGINE_TURN_BYTES +
	    (size_t)2 * HQ_ENGINE_CLAIM * HQ_ENGINE_CALL_BYTES_MAX <
	HQ_ENGINE_TURN_BYTES_MAX,
    "a turn's calls may not fit");

/* One recorded step, in the order it was recorded. */
struct recorded {
	int64_t seq;
	const char *step;
};

struct state {
	struct hq_buf events; /* the body's member, of a batch */
	const struct hq_fn *fn;
	struct hq_buf steps; /* the body's member, an object */
	struct hq_buf order; /* struct recorded */
	size_t n;
	const char *too_much; /* the error, if the run is over a limit */
	bool elsewhere;       /* the SDK fetches it (api.h) */
	bool made;            /* the call */
};

const char *
hq_eng_overflow(struct hq_eng_tx *t, size_t n_steps, size_t state_bytes)
{
	const char *name;

	if (n_steps > HQ_ENGINE_STEPS_MAX)
		name = "InngestErrFunctionOverflowed";
	else if (state_bytes > t->state_bytes_max)
		name = "InngestErrStateOverflowed";
	else
		return NULL;
	return hq_eng_error(t, name,
	    hq_arena_printf(t->a,
		"The function run exceeded a limit: %d steps, %zu bytes of "
		"recorded state.",
		HQ_ENGINE_STEPS_MAX, t->state_bytes_max));
}

static enum hq_rc
read_memo(const struct hq_cursor *row, struct hq_eng_tx *t, struct state *s,
    struct hq_err *err)
{
	struct recorded r = { .seq = hq_cursor_i64(row, 1),
		.step = hq_cursor_text(row, 0, t->a) };
	const char *value;
	size_t n;

	if (r.step == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	value = hq_cursor_peek(row, 2, &n);
	hq_buf_puts(&s->steps, s->n == 0 ? "\"" : ",\"");
	hq_buf_puts(&s->steps, r.step);
	hq_buf_puts(&s->steps, "\":");
	hq_buf_put(&s->steps, value, n);
	hq_buf_put(&s->order, &r, sizeof(r));
	s->n++;
	s->too_much = hq_eng_overflow(t, s->n, s->steps.n);
	return HQ_OK;
}

static enum hq_rc
read_state(struct hq_eng_tx *t, const char *run, struct state *s,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	hq_buf_init(&s->steps, t->a);
	hq_buf_init(&s->order, t->a);
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_MEMO_ALL,
	    HQ_BIND(hq_text(run)), &row, err));
	while (s->too_much == NULL && hq_cursor_next(&row))
		HQ_TRY(read_memo(&row, t, s, err));
	return s->too_much != NULL ? HQ_OK : hq_cursor_done(&row, err);
}

static int
by_seq(const void *a, const void *b)
{
	const struct recorded *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
write_stack(struct hq_buf *b, const struct state *s)
{
	struct recorded r;
	size_t i;

	hq_buf_printf(b, "{\"current\":%zu,\"stack\":[", s->n);
	if (s->n > 1)
		qsort(s->order.p, s->n, sizeof(r), by_seq);
	for (i = 0; i < s->n; i++) {
		memcpy(&r, s->order.p + i * sizeof(r), sizeof(r));
		hq_buf_puts(b, i == 0 ? "\"" : ",\"");
		hq_buf_puts(b, r.step);
		hq_buf_putc(b, '"');
	}
	hq_buf_puts(b, "]}");
}

static void
write_ctx(struct hq_buf *b, const struct hq_eng_call *c, const struct state *s,
    bool plan)
{
	const struct hq_eng_job *j = &c->job;

	hq_buf_printf(b,
	    "{\"ctx\":{\"attempt\":%d,\"disable_immediate_execution\":%s,"
	    "\"env\":\"\",",
	    j->attempt, plan ? "true" : "false");
	if (c->foreign)
		hq_buf_printf(b, "\"fn_id\":\"%s\",\"qi_id\":\"%s.%s\",",
		    c->fn_id, j->run, j->step);
	hq_buf_printf(b,
	    "\"generation_id\":%lld,\"job_id\":\"%s.%s\","
	    "\"max_attempts\":%d,\"request_id\":\"%s\",\"run_id\":\"%s\","
	    "\"stack\":",
	    (long long)j->generation, j->run, j->step, j->max_attempts,
	    c->request_id, j->run);
	write_stack(b, s);
	hq_buf_printf(b, ",\"step_id\":\"step\",\"use_api\":%s},",
	    s->elsewhere ? "true" : "false");
}

static void
write_body(struct hq_buf *b, const struct hq_eng_call *c,
    const struct hq_eng_event *e, const struct state *s, bool plan)
{
	write_ctx(b, c, s, plan);
	hq_buf_puts(b, "\"defers\":{},\"event\":");
	hq_eng_event_write(b, e);
	hq_buf_puts(b, ",\"events\":[");
	if (!s->elsewhere && s->events.n > 0)
		hq_buf_put(b, s->events.p, s->events.n);
	else if (!s->elsewhere)
		hq_eng_event_write(b, e);
	hq_buf_puts(b, "],\"steps\":{");
	if (!s->elsewhere)
		hq_buf_put(b, hq_buf_str(&s->steps), s->steps.n);
	hq_buf_printf(b, "},\"use_api\":%s,\"version\":%d}",
	    s->elsewhere ? "true" : "false", c->job.req_version);
}

/* The function's URL for this step: "stepId=step" in it is replaced. */
static const char *
url_for(const char *url, const char *step, struct hq_arena *keep)
{
	const char *at = strstr(url, "stepId="), *rest;

	if (at == NULL)
		return hq_arena_printf(keep, "%s%cstepId=%s", url,
		    strchr(url, '?') == NULL ? '?' : '&', step);
	rest = at + strcspn(at, "&#");
	return hq_arena_printf(keep, "%.*sstepId=%s%s", (int)(at - url), url,
	    step, rest);
}

/* Planning stays forced; from version 2 on until what was planned is done. */
static enum hq_rc
must_plan(struct hq_eng_tx *t, const struct hq_eng_run *run, bool *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = run->force_plan;
	if (!run->force_plan || run->req_version < 2)
		return HQ_OK;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_JOB_OTHERS,
	    HQ_BIND(hq_text(run->id)), &row, err));
	*ret = hq_cursor_next(&row);
	return *ret ? HQ_OK : hq_cursor_done(&row, err);
}

static const char *
kept(struct hq_arena *keep, const char *s)
{
	return s == NULL ? NULL : hq_arena_copy(keep, s, strlen(s));
}

static enum hq_rc
read_events(struct hq_eng_tx *t, const struct hq_eng_run *run, struct state *s,
    struct hq_err *err)
{
	bool any;

	if (run->invoker == NULL || strcmp(run->invoker, HQ_ENG_INVOKERS) != 0)
		return HQ_OK;
	hq_buf_init(&s->events, t->a);
	return hq_eng_events_write(t, run->id, &s->events, &any, err);
}

static size_t
event_bytes(const struct hq_eng_event *e, const struct state *s)
{
	size_t n = strlen(e->data);

	return n + (s->events.n > 0 ? s->events.n : n);
}

static enum hq_rc
build(struct hq_eng_tx *t, struct hq_arena *keep, struct hq_eng_call *c,
    const struct hq_eng_run *run, struct state *s, struct hq_err *err)
{
	const struct hq_fn *fn = s->fn;
	struct hq_eng_trace trace;
	struct hq_eng_event e;
	char id[HQ_ULID_BYTES];
	struct hq_buf b;
	bool plan;

	HQ_TRY(hq_eng_event_get(t, run->event, &e, err));
	HQ_TRY(must_plan(t, run, &plan, err));
	hq_ulid(t->env, id);
	c->request_id = hq_arena_copy(keep, id, sizeof(id) - 1);
	c->url = url_for(fn->url, c->job.step, keep);
	c->job.req_version = run->req_version;
	c->foreign = fn->foreign;
	hq_uuid_named(fn->slug, c->fn_id);
	trace = hq_eng_event_trace(t, e.data);
	c->trace.correlation_id = kept(keep, trace.correlation_id);
	c->trace.traceparent = kept(keep, trace.traceparent);
	s->elsewhere = fn->foreign &&
	    event_bytes(&e, s) + s->steps.n > HQ_ENGINE_BODY_BYTES_MAX;
	hq_buf_init(&b, keep);
	write_body(&b, c, &e, s, plan);
	c->body = hq_buf_str(&b);
	c->body_bytes = b.n;
	if (!hq_arena_ok(keep) || !hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	return HQ_OK;
}

/*
 * What is stored of the function cannot be read (functions.c): until it is
 * registered anew, or a runner that can read it has the job.
 */
static enum hq_rc
put_off(struct hq_eng_tx *t, const struct hq_eng_job *j, struct hq_err *err)
{
	return hq_exec(t->db, &hq_engine_store, Q_JOB_PUT_OFF,
	    HQ_BIND(hq_text(j->run), hq_text(j->step),
		hq_i64(t->now_ms + HQ_ENGINE_AWAY_MAX_MS)),
	    NULL, err);
}

/* With what it needs; or the run is over it. */
static enum hq_rc
make(struct hq_eng_tx *t, struct hq_arena *keep, struct hq_eng_call *c,
    const struct hq_eng_run *run, struct state *s, struct hq_err *err)
{
	HQ_TRY(read_state(t, run->id, s, err));
	if (s->too_much != NULL)
		return hq_eng_finish(t, run->id, HQ_RUN_FAILED, s->too_much,
		    err);
	HQ_TRY(read_events(t, run, s, err));
	HQ_TRY(build(t, keep, c, run, s, err));
	if (c->body_bytes > HQ_ENGINE_CALL_BYTES_MAX)
		return hq_eng_finish(t, run->id, HQ_RUN_FAILED,
		    hq_eng_overflow(t, 0, SIZE_MAX), err);
	c->n_steps = s->n;
	c->state_bytes = s->steps.n;
	s->made = true;
	if (s->fn->options != NULL && c->job.first)
		return hq_eng_started(t, s->fn, run->id, err);
	return HQ_OK;
}

enum hq_rc
hq_eng_call_make(struct hq_eng_tx *t, struct hq_arena *keep,
    struct hq_eng_call *c, bool *ret_made, struct hq_err *err)
{
	const char *id = c->job.run;
	struct hq_eng_run run;
	struct state s = { 0 };
	bool found, passed = true;

	*ret_made = false;
	HQ_TRY(hq_eng_run_get(t, id, &run, &found, err));
	HQ_ASSERT(found);
	if (run.state != HQ_RUN_OPEN)
		return HQ_OK; /* ended over a job that was claimed with this */
	s.fn = hq_fns_find(t->fns, run.fn);
	if (s.fn == NULL)
		return hq_eng_finish(t, id, HQ_RUN_FAILED,
		    hq_eng_error(t, "Error", "the function is not registered"),
		    err);
	if (s.fn->url == NULL)
		return put_off(t, &c->job, err);
	if (s.fn->options != NULL)
		HQ_TRY(hq_eng_gate_pass(t, s.fn, keep, &c->job, &passed, err));
	if (passed)
		HQ_TRY(make(t, keep, c, &run, &s, err));
	*ret_made = s.made;
	return HQ_OK;
}

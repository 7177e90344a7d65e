/*
 * The end of a run.
 *
 * inngest/function.failed and .cancelled are always sent, .finished only where
 * a function's trigger or a wait names it: else every run would cost an event
 * that nobody reads.  An invoker is told directly.
 *
 * The events' data is bounded (HQ_ENGINE_END_BYTES_MAX) whatever the run was
 * started with: who has to hear of a failure must get a call that can be made.
 */
#include <string.h>

#include "base/log.h"
#include "engine/inside.h"
#include "engine/text.h"

static const struct {
	const char *status; /* in the events' data */
	const char *event;  /* beside .finished; or NULL */
	const char *member; /* of the events' data and of the invoker's memo */
} ends[] = {
	[HQ_RUN_OPEN] = { 0 },
	[HQ_RUN_COMPLETED] = { "Completed", NULL, "result" },
	[HQ_RUN_FAILED] = { "Failed", HQ_ENG_FAILED, "error" },
	[HQ_RUN_CANCELLED] = { "Cancelled", HQ_ENG_CANCELLED, "error" },
};

enum hq_rc
hq_eng_tell_invoker(struct hq_eng_tx *t, const char *invoker,
    enum hq_run_state state, const char *output, struct hq_err *err)
{
	const char *dot = strchr(invoker, '.');
	struct hq_eng_run parent;
	struct hq_buf b;
	const char *id;
	bool found;

	if (dot == NULL) /* HQ_ENG_INVOKERS: not for us to tell */
		return HQ_OK;
	id = hq_arena_copy(t->a, invoker, (size_t)(dot - invoker));
	HQ_TRY(hq_eng_run_get(t, id, &parent, &found, err));
	if (!found || parent.state != HQ_RUN_OPEN)
		return HQ_OK;
	if (state != HQ_RUN_COMPLETED)
		return hq_eng_memo_error(t, id, dot + 1, output, err);
	hq_buf_init(&b, t->a);
	hq_buf_puts(&b, "{\"data\":");
	hq_buf_puts(&b, output);
	hq_buf_putc(&b, '}');
	return hq_eng_memo(t, id, dot + 1, hq_buf_str(&b), err);
}

static bool
is_small(const char *outcome)
{
	struct hq_text_shape s = hq_text_shape(outcome);

	return s.bytes <= HQ_ENGINE_OUTCOME_BYTES_MAX &&
	    s.containers <= HQ_ENGINE_OUTCOME_CONTAINERS_MAX;
}

static bool
is_told_twice(const struct hq_eng_event *cause)
{
	struct hq_text_shape s = hq_text_shape(cause->data);

	return s.bytes <= HQ_ENGINE_TWICE_BYTES_MAX &&
	    s.containers <= HQ_ENGINE_TWICE_CONTAINERS_MAX;
}

/* The correlation of the cause, where the run that hears of it looks. */
static void
write_trace(struct hq_eng_tx *t, struct hq_buf *b,
    const struct hq_eng_event *cause)
{
	struct hq_eng_trace trace = hq_eng_event_trace(t, cause->data);

	if (trace.correlation_id == NULL && trace.traceparent == NULL)
		return;
	hq_buf_puts(b, ",\"_rawr\":{");
	if (trace.correlation_id != NULL) {
		hq_buf_puts(b, "\"correlationId\":");
		hq_json_write_string(b, trace.correlation_id);
	}
	if (trace.traceparent != NULL) {
		hq_buf_puts(b,
		    trace.correlation_id == NULL ? "\"traceparent\":"
						 : ",\"traceparent\":");
		hq_json_write_string(b, trace.traceparent);
	}
	hq_buf_putc(b, '}');
}

static void
write_cause(struct hq_buf *b, const struct hq_eng_event *cause)
{
	hq_buf_puts(b, ",\"event\":");
	hq_eng_event_write(b, cause);
	if (!is_told_twice(cause))
		return;
	hq_buf_puts(b, ",\"events\":[");
	hq_eng_event_write(b, cause);
	hq_buf_putc(b, ']');
}

/* The data of the events that tell of the end. */
static const char *
end_data(struct hq_eng_tx *t, const struct hq_eng_run *run,
    const struct hq_eng_event *cause, enum hq_run_state state,
    const char *output)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_buf_printf(&b, "{\"_inngest\":{\"status\":\"%s\"}",
	    ends[state].status);
	write_trace(t, &b, cause);
	if (run->invoker != NULL && strcmp(run->invoker, HQ_ENG_INVOKERS) != 0)
		hq_buf_printf(&b, ",\"correlation_id\":\"%s\"", run->invoker);
	if (state != HQ_RUN_COMPLETED) {
		hq_buf_puts(&b, ",\"error\":");
		hq_buf_puts(&b, output);
	}
	write_cause(&b, cause);
	hq_buf_puts(&b, ",\"function_id\":");
	hq_json_write_string(&b, run->fn);
	if (state == HQ_RUN_COMPLETED && is_small(output)) {
		hq_buf_puts(&b, ",\"result\":");
		hq_buf_puts(&b, output);
	}
	hq_buf_printf(&b, ",\"run_id\":\"%s\"}", run->id);
	return hq_buf_str(&b);
}

static bool
is_readable(const char *data)
{
	struct hq_text_shape s = hq_text_shape(data);

	return s.bytes <= HQ_ENGINE_END_BYTES_MAX &&
	    s.containers <= HQ_ENGINE_END_CONTAINERS_MAX &&
	    s.depth <= HQ_ENGINE_END_DEPTH_MAX;
}

/*
 * Whatever an event may hold fits.  What may not is the end of a run that the
 * end of another started, and so on: that cause goes without its data.
 */
static const char *
fitting_data(struct hq_eng_tx *t, const struct hq_eng_run *run,
    struct hq_eng_event *cause, enum hq_run_state state, const char *output)
{
	const char *data = end_data(t, run, cause, state, output);

	if (is_readable(data))
		return data;
	cause->data = "{}";
	return end_data(t, run, cause, state, output);
}

static enum hq_rc
finish_heard(struct hq_eng_tx *t, bool *ret, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_FINISH_HEARD, HQ_NO_BIND,
	    &row, err));
	*ret = false;
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_i64(&row, 0) != 0;
	return HQ_OK;
}

static enum hq_rc
send_events(struct hq_eng_tx *t, const struct hq_eng_run *run,
    enum hq_run_state state, const char *output, struct hq_err *err)
{
	struct hq_eng_event cause,
	    put = { .client_id = run->id, .name = ends[state].event };
	bool heard;

	HQ_TRY(finish_heard(t, &heard, err));
	if (!heard && put.name == NULL)
		return HQ_OK;
	HQ_TRY(hq_eng_event_get(t, run->event, &cause, err));
	if (strcmp(cause.name, HQ_ENG_FAILED) == 0 ||
	    strcmp(cause.name, HQ_ENG_FINISHED) == 0)
		return HQ_OK; /* else a failing failure handler never ends */
	put.data = fitting_data(t, run, &cause, state, output);
	if (put.name != NULL)
		HQ_TRY(hq_eng_event_put(t, &put, true, err));
	if (!heard)
		return HQ_OK;
	put.name = HQ_ENG_FINISHED;
	put.client_id = NULL;
	return hq_eng_event_put(t, &put, true, err);
}

/* What the jobs of a run that has ended had of gates goes to the next. */
static enum hq_rc
open_gates(struct hq_eng_tx *t, const struct hq_buf *keys, struct hq_err *err)
{
	const char *key;
	size_t at;

	for (at = 0; at < keys->n; at += sizeof(key)) {
		memcpy(&key, keys->p + at, sizeof(key));
		HQ_TRY(hq_eng_gate_open(t, key, 1, err));
	}
	return HQ_OK;
}

/* The places of a call whose answer is being taken are given back behind it. */
static bool
is_own(const struct hq_eng_tx *t, const struct hq_cursor *row, const char *run)
{
	size_t n;

	return t->job != NULL && strcmp(t->job->run, run) == 0 &&
	    strcmp(t->job->step, hq_cursor_peek(row, 0, &n)) == 0;
}

static enum hq_rc
drop_jobs(struct hq_eng_tx *t, const char *run, int *ret_n, struct hq_err *err)
{
	struct hq_buf keys;
	const char *key;
	int col;
	HQ_CURSOR(row);

	*ret_n = 0;
	hq_buf_init(&keys, t->a);
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_JOB_DROP_RUN,
	    HQ_BIND(hq_text(run)), &row, err));
	while (hq_cursor_next(&row)) {
		(*ret_n)++;
		for (col = 1; col <= 3 && !is_own(t, &row, run); col++) {
			key = hq_cursor_text(&row, col, t->a);
			if (key != NULL)
				hq_buf_put(&keys, &key, sizeof(key));
		}
	}
	HQ_TRY(hq_cursor_done(&row, err));
	hq_cursor_close(&row);
	return open_gates(t, &keys, err);
}

/* The run has ended: drop its jobs, say so. */
static enum hq_rc
tell(struct hq_eng_tx *t, const char *id, enum hq_run_state state,
    const char *output, struct hq_err *err)
{
	struct hq_eng_run run;
	int changes;
	bool found;

	HQ_TRY(drop_jobs(t, id, &changes, err));
	if (changes > 1 || t->job == NULL || strcmp(t->job->run, id) != 0)
		t->ended = true;
	HQ_TRY(hq_eng_run_get(t, id, &run, &found, err));
	HQ_ASSERT(found);
	if (run.invoker != NULL && strcmp(run.invoker, HQ_ENG_INVOKERS) == 0)
		HQ_TRY(hq_eng_batch_ended(t, id, state, output, err));
	else if (run.invoker != NULL)
		HQ_TRY(hq_eng_tell_invoker(t, run.invoker, state, output, err));
	return send_events(t, &run, state, output, err);
}

enum hq_rc
hq_eng_finish(struct hq_eng_tx *t, const char *id, enum hq_run_state state,
    const char *output, struct hq_err *err)
{
	int changes;

	if (!hq_arena_ok(t->a)) /* the output may be cut */
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "run too large");
	if (state != HQ_RUN_COMPLETED && !is_small(output))
		output = hq_eng_error(t, "Error", "the error is too large");
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_RUN_END,
	    HQ_BIND(hq_text(id), hq_i64(state), hq_text(output),
		hq_i64(t->now_ms)),
	    &changes, err));
	if (t->job != NULL && strcmp(t->job->run, id) == 0)
		t->job->settled = t->job->over = true;
	if (changes == 0)
		return HQ_OK;
	hq_eng_count(t, HQ_COUNT_COMPLETED + state - HQ_RUN_COMPLETED, 1);
	return tell(t, id, state, output, err);
}

enum hq_rc
hq_eng_fail_large(struct hq_eng_tx *t, const char *run, struct hq_err *err)
{
	hq_log(HQ_ERROR, "run_too_large", HQ_LSTR("run", run),
	    HQ_LSTR("why", err->msg), HQ_LSTR("where", err->where));
	hq_arena_reset(t->a);
	return hq_eng_finish(t, run, HQ_RUN_FAILED,
	    hq_eng_error(t, "InngestErrStateOverflowed",
		"the run needs more memory than the engine has for one"),
	    err);
}

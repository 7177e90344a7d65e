/*
 * The end of a run.
 *
 * inngest/function.failed and .cancelled are always sent, .finished only where
 * a function's trigger or a wait names it: else every run would cost an event
 * that nobody reads.  An invoker is told directly.
 */
#include <string.h>

#include "engine/inside.h"

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

/* The step that invoked this run gets its outcome. */
static enum hq_rc
resume_invoker(struct hq_eng_tx *t, const struct hq_eng_run *run,
    enum hq_run_state state, const char *output, struct hq_err *err)
{
	const char *dot = strchr(run->invoker, '.');
	struct hq_eng_run parent;
	struct hq_buf b;
	const char *id;
	bool found;

	HQ_ASSERT(dot != NULL);
	id = hq_arena_copy(t->a, run->invoker, (size_t)(dot - run->invoker));
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

/* The data of the events that tell of the end. */
static const char *
end_data(struct hq_eng_tx *t, const struct hq_eng_run *run,
    const struct hq_eng_event *e, enum hq_run_state state, const char *output)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_buf_printf(&b, "{\"_inngest\":{\"status\":\"%s\"}",
	    ends[state].status);
	if (run->invoker != NULL)
		hq_buf_printf(&b, ",\"correlation_id\":\"%s\"", run->invoker);
	if (state != HQ_RUN_COMPLETED) {
		hq_buf_puts(&b, ",\"error\":");
		hq_buf_puts(&b, output);
	}
	hq_buf_puts(&b, ",\"event\":");
	hq_eng_event_write(&b, e);
	hq_buf_puts(&b, ",\"events\":[");
	hq_eng_event_write(&b, e);
	hq_buf_puts(&b, "],\"function_id\":");
	hq_json_write_string(&b, run->fn);
	if (state == HQ_RUN_COMPLETED) {
		hq_buf_puts(&b, ",\"result\":");
		hq_buf_puts(&b, output);
	}
	hq_buf_printf(&b, ",\"run_id\":\"%s\"}", run->id);
	return hq_buf_str(&b);
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
	put.data = end_data(t, run, &cause, state, output);
	if (put.name != NULL)
		HQ_TRY(hq_eng_event_put(t, &put, true, err));
	if (!heard)
		return HQ_OK;
	put.name = HQ_ENG_FINISHED;
	put.client_id = NULL;
	return hq_eng_event_put(t, &put, true, err);
}

enum hq_rc
hq_eng_finish(struct hq_eng_tx *t, const char *id, enum hq_run_state state,
    const char *output, struct hq_err *err)
{
	struct hq_eng_run run;
	int changes;
	bool found;

	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_RUN_END,
	    HQ_BIND(hq_text(id), hq_i64(state), hq_text(output),
		hq_i64(t->now_ms)),
	    &changes, err));
	if (t->job != NULL && strcmp(t->job->run, id) == 0)
		t->job->settled = t->job->over = true;
	if (changes == 0)
		return HQ_OK;
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_DROP_RUN,
	    HQ_BIND(hq_text(id)), &changes, err));
	if (changes > 1 || t->job == NULL)
		t->ended = true;
	HQ_TRY(hq_eng_run_get(t, id, &run, &found, err));
	HQ_ASSERT(found);
	if (run.invoker != NULL)
		HQ_TRY(resume_invoker(t, &run, state, output, err));
	return send_events(t, &run, state, output, err);
}

/*
 * Runs, newest first, without what they were given and gave.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "domain/coordination/page.h"
#include "domain/coordination/run.h"
#include "domain/coordination/task.h"

/* Columns of HQ_CQ_RUN_LIST. */
enum {
	COL_RUN_ID,
	COL_WORKFLOW_ID,
	COL_VERSION,
	COL_STATUS,
	COL_STARTED_MS,
	COL_FINISHED_MS,
	COL_ERROR,
	COL_ENGINE_RUN_ID,
	COL_EVENT_ID,
	COL_IMPORTED
};

struct filter {
	int64_t below_ms, since_ms, limit;
	const char *below_id, *workflow_id, *status;
};

static enum hq_rc
read_run(const struct hq_cursor *row, struct hq_boundary *c,
    struct hq_coord_run *r, struct json_object **ret, struct hq_err *err)
{
	struct hq_arena *a = c->arena;

	*r = (struct hq_coord_run){
		.run_id = hq_cursor_text(row, COL_RUN_ID, a),
		.workflow_id = hq_cursor_text(row, COL_WORKFLOW_ID, a),
		.version = hq_cursor_text(row, COL_VERSION, a),
		.status = hq_cursor_text(row, COL_STATUS, a),
		.started_ms = hq_cursor_i64(row, COL_STARTED_MS),
		.finished = !hq_cursor_is_null(row, COL_FINISHED_MS),
		.finished_ms = hq_cursor_i64(row, COL_FINISHED_MS),
		.error = hq_cursor_text(row, COL_ERROR, a),
		.engine_run_id = hq_cursor_text(row, COL_ENGINE_RUN_ID, a),
		.event_id = hq_cursor_text(row, COL_EVENT_ID, a),
		.imported = hq_cursor_text(row, COL_IMPORTED, a),
	};
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the list is too large: ask for fewer");
	HQ_TRY(hq_coord_run_json(r, c->config, a, ret, err));
	json_object_object_del(*ret, "input");
	json_object_object_del(*ret, "output");
	return HQ_OK;
}

/* The statement whose index finds the fewest that do not fit. */
static enum hq_coord_q
list_by(const struct filter *f)
{
	if (f->status != NULL && strcmp(f->status, "completed") != 0)
		return HQ_CQ_RUN_LIST_STATUS;
	return f->workflow_id != NULL ? HQ_CQ_RUN_LIST_WORKFLOW
				      : HQ_CQ_RUN_LIST;
}

static enum hq_rc
list(struct hq_boundary *c, const struct filter *f, struct hq_coord_page *page,
    struct hq_err *err)
{
	struct json_object *run;
	struct hq_coord_run r;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(c->db, list_by(f), &row, err, hq_i64(f->below_ms),
	    hq_text(f->below_id), hq_i64(f->since_ms), hq_text(f->workflow_id),
	    hq_text(f->status), hq_i64(f->limit + 1)));
	while (hq_cursor_next(&row)) {
		if (page->n == f->limit) {
			page->more = true;
			return HQ_OK;
		}
		HQ_TRY(read_run(&row, c, &r, &run, err));
		hq_json_push(page->items, json_object_get(run));
		page->n++;
		page->cursor = hq_arena_printf(c->arena, "%lld.%s",
		    (long long)r.started_ms, r.run_id);
	}
	return hq_cursor_done(&row, err);
}

/* "<ms>.<run id>", as nextCursor says it. */
static enum hq_rc
read_cursor(const char *text, struct filter *f, struct hq_err *err)
{
	char *end;

	f->below_ms = INT64_MAX;
	f->below_id = "";
	if (text == NULL)
		return HQ_OK;
	f->below_ms = strtoll(text, &end, 10);
	if (end == text || *end != '.')
		return HQ_FAIL(err, BAD_REQUEST,
		    "cursor is not one that a list gave");
	f->below_id = end + 1;
	return HQ_OK;
}

static enum hq_rc
read_filter(struct json_object *in, struct filter *f, struct hq_err *err)
{
	const char *since = hq_json_str(in, "since");

	HQ_TRY(read_cursor(hq_json_str(in, "cursor"), f, err));
	HQ_TRY(hq_coord_integer(hq_json_get(in, "limit"), "limit",
	    HQ_COORD_TASK_LIST_MAX, HQ_COORD_PAGE, &f->limit, err));
	f->since_ms = INT64_MIN;
	if (since != NULL && !hq_iso_to_ms(since, &f->since_ms))
		return HQ_FAIL(err, BAD_REQUEST,
		    "since is not a time like 2026-11-23T11:23:52Z");
	f->workflow_id = hq_json_str(in, "workflowId");
	f->status = hq_json_str(in, "status");
	return HQ_OK;
}

/* listRuns - BAD_REQUEST for a limit, cursor or time that is none. */
enum hq_rc
hq_coord_list_runs(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct hq_coord_page page;
	struct filter f;

	HQ_TRY(hq_coord_page_open(c->arena, &page, err));
	HQ_TRY(read_filter(in, &f, err));
	HQ_TRY(list(c, &f, &page, err));
	return hq_coord_page_json(c->arena, &page, "runs", ret_out, err);
}

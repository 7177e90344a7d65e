/*
 * How tasks look to callers: one, and many.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "domain/coordination/page.h"
#include "domain/coordination/run.h"
#include "domain/coordination/task_row.h"

static enum hq_rc
put_json(struct hq_arena *a, struct json_object *o, const char *key,
    const char *text, struct hq_err *err)
{
	if (text != NULL)
		return hq_coord_put_stored(a, o, key, text, err);
	hq_json_add(o, key, NULL);
	return HQ_OK;
}

static void
put_time(struct json_object *o, const char *key, int64_t ms)
{
	char iso[HQ_ISO_BYTES];

	if (ms == 0)
		return;
	hq_iso_from_ms(ms, iso);
	hq_json_put_str(o, key, iso);
}

static void
put_opt(struct json_object *o, const char *key, const char *s)
{
	if (s != NULL)
		hq_json_put_str(o, key, s);
}

static enum hq_rc
put_whole(const struct hq_coord_task *t, struct hq_arena *a,
    struct json_object *o, struct hq_err *err)
{
	HQ_TRY(put_json(a, o, "desk", t->desk, err));
	HQ_TRY(put_json(a, o, "input", t->input, err));
	HQ_TRY(put_json(a, o, "memory", t->memory, err));
	HQ_TRY(put_json(a, o, "upstream",
	    t->upstream == NULL ? "{}" : t->upstream, err));
	if (t->output != NULL)
		HQ_TRY(put_json(a, o, "output", t->output, err));
	return HQ_OK;
}

enum hq_rc
hq_coord_task_json(const struct hq_coord_task *t, bool whole, bool fenced,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	struct json_object *o;

	HQ_TRY(hq_coord_object(a, &o, err));
	hq_json_put_str(o, "taskId", t->id);
	hq_json_put_str(o, "runId", t->run_id);
	hq_json_put_str(o, "workflowId", t->workflow_id);
	hq_json_put_str(o, "deskId", t->desk_id);
	hq_json_put_i64(o, "round", t->round);
	hq_json_put_str(o, "kind", t->kind);
	hq_json_put_bool(o, "human", t->human);
	hq_json_put_str(o, "state", t->state);
	hq_json_put_i64(o, "priority", t->priority);
	hq_json_put_i64(o, "attempt", t->attempt);
	hq_json_put_i64(o, "maxAttempts", t->max_attempts);
	put_time(o, "createdAt", t->created_ms);
	put_time(o, "dueAt", t->due_ms);
	put_time(o, "endedAt", t->ended_ms);
	put_time(o, "leaseUntil", t->lease_until_ms);
	put_opt(o, "by", t->claimed_by);
	put_opt(o, "error", t->error);
	if (fenced)
		hq_json_put_i64(o, "token", t->token);
	if (whole)
		HQ_TRY(put_whole(t, a, o, err));
	*ret = o;
	return HQ_OK;
}

enum hq_rc
hq_coord_task_not_found(struct hq_arena *a, const char *id, struct hq_err *err)
{
	struct json_object *data;

	HQ_TRY(hq_coord_object(a, &data, err));
	hq_json_put_str(data, "taskId", id);
	return HQ_FAIL_DECLARED(err, "TASK_NOT_FOUND", data, "task not found");
}

/* getTask - TASK_NOT_FOUND. */
enum hq_rc
hq_coord_get_task(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	const char *id = hq_json_str(in, "taskId");
	struct json_object *out, *task;
	struct hq_coord_task t;
	bool found;

	HQ_TRY(hq_coord_task_load(c->db, c->arena, id, &t, &found, err));
	if (!found)
		return hq_coord_task_not_found(c->arena, id, err);
	HQ_TRY(hq_coord_task_json(&t, true, false, c->arena, &task, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put(out, "task", json_object_get(task));
	*ret_out = out;
	return HQ_OK;
}

/* ----------------------------------------------------------------- lists -- */

struct window {
	int64_t below, least; /* seqs */
	int64_t limit;
};

static bool
is_live_state(const char *state)
{
	return state != NULL &&
	    (strcmp(state, "open") == 0 || strcmp(state, "claimed") == 0);
}

/*
 * An index finds the tasks of a run, and those that have not ended.  Of all
 * others a page looks at so many at most, and may end before it is full.
 */
static enum hq_rc
choose(struct hq_boundary *c, struct json_object *in, struct window *w,
    enum hq_coord_q *ret, struct hq_err *err)
{
	int64_t top = 0;

	w->least = 0;
	*ret = HQ_CQ_TASK_LIST_RUN;
	if (hq_json_str(in, "runId") != NULL)
		return HQ_OK;
	*ret = HQ_CQ_TASK_LIST_LIVE;
	if (is_live_state(hq_json_str(in, "state")))
		return HQ_OK;
	*ret = HQ_CQ_TASK_LIST;
	HQ_TRY(hq_query_i64(c->db, &hq_coordination_store, HQ_CQ_TASK_NEWEST,
	    HQ_NO_BIND, &top, err));
	if (w->below > top)
		w->below = top + 1;
	if (w->below > HQ_COORD_TASK_LOOK_MAX)
		w->least = w->below - HQ_COORD_TASK_LOOK_MAX;
	return HQ_OK;
}

static enum hq_rc
put_task(struct hq_boundary *c, const struct hq_cursor *row,
    struct hq_coord_page *page, struct hq_err *err)
{
	struct json_object *task;
	struct hq_coord_task t;

	hq_coord_task_read(row, c->arena, &t);
	if (!hq_arena_ok(c->arena))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the list is too large: ask for fewer");
	HQ_TRY(hq_coord_task_json(&t, false, false, c->arena, &task, err));
	hq_json_push(page->items, json_object_get(task));
	page->n++;
	page->cursor = hq_arena_printf(c->arena, "%lld", (long long)t.seq);
	return HQ_OK;
}

static enum hq_rc
list(struct hq_boundary *c, struct json_object *in, struct window *w,
    struct hq_coord_page *page, struct hq_err *err)
{
	enum hq_coord_q q;
	HQ_CURSOR(row);

	HQ_TRY(choose(c, in, w, &q, err));
	HQ_TRY(HQ_COORD_QUERY(c->db, q, &row, err, hq_i64(w->below),
	    hq_i64(w->least), hq_text(hq_json_str(in, "workflowId")),
	    hq_text(hq_json_str(in, "runId")),
	    hq_text(hq_json_str(in, "deskId")),
	    hq_text(hq_json_str(in, "kind")), hq_text(hq_json_str(in, "state")),
	    hq_i64(w->limit + 1)));
	while (hq_cursor_next(&row)) {
		if (page->n == w->limit) {
			page->more = true;
			return HQ_OK;
		}
		HQ_TRY(put_task(c, &row, page, err));
	}
	if (w->least > 1) {
		page->more = true;
		page->cursor =
		    hq_arena_printf(c->arena, "%lld", (long long)w->least);
	}
	return hq_cursor_done(&row, err);
}

/* listTasks - newest first; BAD_REQUEST for a limit or cursor that is none. */
enum hq_rc
hq_coord_list_tasks(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	const char *cursor = hq_json_str(in, "cursor");
	struct window w = { .below = INT64_MAX };
	struct hq_coord_page page;

	HQ_TRY(hq_coord_page_open(c->arena, &page, err));
	HQ_TRY(hq_coord_integer(hq_json_get(in, "limit"), "limit",
	    HQ_COORD_TASK_LIST_MAX, HQ_COORD_PAGE, &w.limit, err));
	if (cursor != NULL)
		HQ_TRY(hq_coord_integer(hq_json_get(in, "cursor"), "cursor",
		    INT64_MAX, INT64_MAX, &w.below, err));
	HQ_TRY(list(c, in, &w, &page, err));
	return hq_coord_page_json(c->arena, &page, "tasks", ret_out, err);
}

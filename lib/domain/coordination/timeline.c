#include "domain/coordination/timeline.h"

#include "base/ids.h"
#include "domain/coordination/run.h"

enum hq_rc
hq_coord_timeline_add(struct hq_db *db, const struct hq_env *env,
    struct hq_arena *a, const char *run_id, const struct hq_coord_event *e,
    struct hq_err *err)
{
	const char *id = hq_stamped_id(env, a, "evt");

	if (id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	if (e->any_state)
		return HQ_COORD_EXEC(db, HQ_CQ_TIMELINE_ADD, NULL, err,
		    hq_text(run_id), hq_text(e->key), hq_text(id),
		    hq_text(e->type), hq_text(e->desk_id), hq_i64(e->ts_ms),
		    hq_text(e->status), hq_text(e->detail), hq_text(e->output),
		    hq_text(e->correlation_id), hq_text(e->traceparent));
	return HQ_COORD_EXEC(db, HQ_CQ_TIMELINE_ADD_ACTIVE, NULL, err,
	    hq_text(e->key), hq_text(id), hq_text(e->type), hq_text(e->desk_id),
	    hq_i64(e->ts_ms), hq_text(e->status), hq_text(e->detail),
	    hq_text(e->output), hq_text(e->correlation_id),
	    hq_text(e->traceparent), hq_text(run_id));
}

/* Columns of HQ_CQ_TIMELINE_GET. */
enum {
	COL_EVENT_ID,
	COL_TYPE,
	COL_DESK_ID,
	COL_TS_MS,
	COL_STATUS,
	COL_DETAIL,
	COL_OUTPUT,
	COL_IMPORTED
};

enum hq_rc
hq_coord_event_json(const struct hq_cursor *row, const struct hq_coord_run *r,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	const char *imported = hq_cursor_text(row, COL_IMPORTED, a);
	const char *output = hq_cursor_text(row, COL_OUTPUT, a);
	struct json_object *e;
	char iso[HQ_ISO_BYTES];

	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the timeline is too large");
	if (imported != NULL)
		return hq_coord_parse_top(a, imported, ret, err);
	HQ_TRY(hq_coord_object(a, &e, err));
	hq_json_add_str(e, "eventId", hq_cursor_text(row, COL_EVENT_ID, a));
	hq_json_add_str(e, "runId", r->run_id);
	hq_json_add_str(e, "workflowId", r->workflow_id);
	hq_json_add_str(e, "type", hq_cursor_text(row, COL_TYPE, a));
	if (!hq_cursor_is_null(row, COL_DESK_ID))
		hq_json_add_str(e, "deskId",
		    hq_cursor_text(row, COL_DESK_ID, a));
	hq_iso_from_ms(hq_cursor_i64(row, COL_TS_MS), iso);
	hq_json_add_str(e, "ts", iso);
	hq_json_add_str(e, "status", hq_cursor_text(row, COL_STATUS, a));
	if (!hq_cursor_is_null(row, COL_DETAIL))
		hq_json_add_str(e, "detail",
		    hq_cursor_text(row, COL_DETAIL, a));
	HQ_TRY(hq_coord_put_stored(a, e, "output", output, err));
	*ret = e;
	return HQ_OK;
}

static enum hq_rc
events_json(struct hq_boundary *c, const struct hq_coord_run *r,
    struct json_object *events, struct hq_err *err)
{
	struct json_object *e;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(c->db, HQ_CQ_TIMELINE_GET, &row, err,
	    hq_text(r->run_id)));
	while (hq_cursor_next(&row)) {
		HQ_TRY(hq_coord_event_json(&row, r, c->arena, &e, err));
		hq_json_push(events, json_object_get(e));
	}
	return hq_cursor_done(&row, err);
}

/* getRunTimeline - INVALID_RUN_ID, RUN_NOT_FOUND. */
enum hq_rc
hq_coord_get_run_timeline(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out, *events;
	struct hq_coord_run r;
	const char *id;
	bool found;

	HQ_TRY(hq_coord_run_id_of(c, in, &id, err));
	HQ_TRY(hq_coord_run_load(c->db, c->arena, id, &r, &found, err));
	if (!found)
		return hq_coord_run_not_found(c, id, err);
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	events = hq_json_new_array();
	hq_json_put_str(out, "runId", id);
	hq_json_put(out, "timeline", events);
	HQ_TRY(events_json(c, &r, events, err));
	*ret_out = out;
	return HQ_OK;
}

#include "domain/coordination/run.h"

#include <string.h>

#include "base/ids.h"
#include "domain/coordination/ids.h"
#include "json/value.h"

bool
hq_coord_run_active(const struct hq_coord_run *r)
{
	return strcmp(r->status, "queued") == 0 ||
	    strcmp(r->status, "running") == 0;
}

enum hq_rc
hq_coord_run_load(struct hq_db *db, struct hq_arena *a, const char *run_id,
    struct hq_coord_run *r, bool *ret_found, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(db, HQ_CQ_RUN_GET, &row, err, hq_text(run_id)));
	*ret_found = hq_cursor_next(&row);
	if (!*ret_found)
		return hq_cursor_done(&row, err);
	*r = (struct hq_coord_run){
		.run_id = run_id,
		.workflow_id = hq_cursor_text(&row, HQ_COL_RUN_WORKFLOW_ID, a),
		.version = hq_cursor_text(&row, HQ_COL_RUN_VERSION, a),
		.status = hq_cursor_text(&row, HQ_COL_RUN_STATUS, a),
		.started_ms = hq_cursor_i64(&row, HQ_COL_RUN_STARTED_MS),
		.finished = !hq_cursor_is_null(&row, HQ_COL_RUN_FINISHED_MS),
		.finished_ms = hq_cursor_i64(&row, HQ_COL_RUN_FINISHED_MS),
		.input = hq_cursor_text(&row, HQ_COL_RUN_INPUT, a),
		.output = hq_cursor_text(&row, HQ_COL_RUN_OUTPUT, a),
		.error = hq_cursor_text(&row, HQ_COL_RUN_ERROR, a),
		.engine_run_id =
		    hq_cursor_text(&row, HQ_COL_RUN_ENGINE_RUN_ID, a),
		.event_id = hq_cursor_text(&row, HQ_COL_RUN_EVENT_ID, a),
		.imported = hq_cursor_text(&row, HQ_COL_RUN_IMPORTED, a),
	};
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return HQ_OK;
}

enum hq_rc
hq_coord_run_load_origin(struct hq_db *db, struct hq_arena *a,
    struct hq_coord_run *r, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(db, HQ_CQ_RUN_ORIGIN, &row, err,
	    hq_text(r->run_id)));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	r->workflow = hq_cursor_text(&row, 0, a);
	r->reuse = hq_cursor_text(&row, 1, a);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return HQ_OK;
}

static struct json_object *
link_json(const char *provider, const char *label, const char *url)
{
	struct json_object *l = hq_json_new_object();

	hq_json_add_str(l, "provider", provider);
	hq_json_add_str(l, "label", label);
	hq_json_add_str(l, "url", url);
	return l;
}

/* The texts one behind the other, without printf; NULL ends them. */
static const char *
join(struct hq_arena *a, const char *const *texts)
{
	struct hq_buf b;

	hq_buf_init(&b, a);
	for (; *texts != NULL; texts++)
		hq_buf_puts(&b, *texts);
	return hq_buf_str(&b);
}
#define JOIN(a, ...) join((a), (const char *const[]){ __VA_ARGS__, NULL })

/* Where to look at the run: by its engine run, else its event, else its id. */
static struct json_object *
trace_links(const struct hq_coord_run *r, const struct hq_config *config,
    struct hq_arena *a)
{
	struct json_object *links = hq_json_new_array_of(2);
	const char *engine = config->s[HQ_SET_RAWR_ENGINE_URL];
	const char *base = config->s[HQ_SET_RAWR_BASE_URL];
	const char *label = "Inngest Trace", *url;

	hq_json_push(links,
	    link_json("rawr", "RAWR Run Timeline",
		JOIN(a, base, "/api/orpc/coordination/runs/", r->run_id,
		    "/timeline")));
	if (r->engine_run_id != NULL) {
		label = JOIN(a, "Inngest Trace (", r->engine_run_id, ")");
		url = JOIN(a, engine, "/runs/", r->engine_run_id);
	} else if (r->event_id != NULL) {
		url = JOIN(a, engine, "/events/", r->event_id);
	} else {
		url = JOIN(a, engine, "/runs/", r->run_id);
	}
	hq_json_push(links, link_json("inngest", label, url));
	return links;
}

enum hq_rc
hq_coord_put_text(struct hq_arena *a, struct json_object *o, const char *key,
    const char *text, struct hq_err *err)
{
	struct json_object *v;

	if (text == NULL)
		return HQ_OK;
	HQ_TRY(hq_coord_parse(a, text, &v, err));
	hq_json_put(o, key, json_object_get(v));
	return HQ_OK;
}

enum hq_rc
hq_coord_put_stored(struct hq_arena *a, struct json_object *o, const char *key,
    const char *text, struct hq_err *err)
{
	if (text == NULL)
		return HQ_OK;
	HQ_TRY(hq_coord_check(a, text, err));
	hq_json_add(o, key, hq_js_json(text, strlen(text)));
	return HQ_OK;
}

static void
put_state(struct json_object *run, const struct hq_coord_run *r)
{
	char iso[HQ_ISO_BYTES];

	hq_json_add_str(run, "status", r->status);
	hq_iso_from_ms(r->started_ms, iso);
	hq_json_add_str(run, "startedAt", iso);
	if (!r->finished)
		return;
	hq_iso_from_ms(r->finished_ms, iso);
	hq_json_add_str(run, "finishedAt", iso);
}

enum hq_rc
hq_coord_run_json(const struct hq_coord_run *r, const struct hq_config *config,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	struct json_object *run;

	if (r->imported != NULL)
		return hq_coord_parse_top(a, r->imported, ret, err);
	HQ_TRY(hq_coord_object(a, &run, err));
	hq_json_add_str(run, "runId", r->run_id);
	hq_json_add_str(run, "workflowId", r->workflow_id);
	HQ_TRY(hq_coord_put_text(a, run, "workflowVersion", r->version, err));
	put_state(run, r);
	HQ_TRY(hq_coord_put_stored(a, run, "input", r->input, err));
	HQ_TRY(hq_coord_put_stored(a, run, "output", r->output, err));
	if (r->error != NULL)
		hq_json_add_str(run, "error", r->error);
	hq_json_add(run, "traceLinks", trace_links(r, config, a));
	*ret = run;
	return HQ_OK;
}

enum hq_rc
hq_coord_run_id_of(struct hq_boundary *c, struct json_object *in,
    const char **ret, struct hq_err *err)
{
	const char *sent = hq_json_str(in, "runId");
	const char *id = hq_coord_trim(c->arena, sent);
	struct json_object *data;

	if (id != NULL && hq_coord_id_ok(id)) {
		*ret = id;
		return HQ_OK;
	}
	HQ_TRY(hq_coord_object(c->arena, &data, err));
	hq_json_put_str(data, "runId", sent);
	return HQ_FAIL_DECLARED(err, "INVALID_RUN_ID", data,
	    "Invalid runId format");
}

enum hq_rc
hq_coord_run_not_found(struct hq_boundary *c, const char *run_id,
    struct hq_err *err)
{
	struct json_object *data;

	HQ_TRY(hq_coord_object(c->arena, &data, err));
	hq_json_put_str(data, "runId", run_id);
	return HQ_FAIL_DECLARED(err, "RUN_NOT_FOUND", data, "run not found");
}

/* getRunStatus - INVALID_RUN_ID, RUN_NOT_FOUND. */
enum hq_rc
hq_coord_get_run_status(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out, *run;
	struct hq_coord_run r;
	const char *id;
	bool found;

	HQ_TRY(hq_coord_run_id_of(c, in, &id, err));
	HQ_TRY(hq_coord_run_load(c->db, c->arena, id, &r, &found, err));
	if (!found)
		return hq_coord_run_not_found(c, id, err);
	HQ_TRY(hq_coord_run_json(&r, c->config, c->arena, &run, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_add(out, "run", json_object_get(run));
	*ret_out = out;
	return HQ_OK;
}

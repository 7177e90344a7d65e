#include "domain/coordination/execution.h"

#include <string.h>

#include "domain/coordination/run.h"
#include "domain/coordination/task.h"
#include "domain/coordination/timeline.h"
#include "domain/coordination/validation.h"

enum hq_rc
hq_coord_plan(struct hq_arena *a, struct json_object *workflow,
    struct hq_graph *ret_graph, int **ret_order, struct hq_err *err)
{
	struct json_object *result;
	size_t n;

	if (!json_object_is_type(workflow, json_type_object) ||
	    hq_coord_too_deep(workflow))
		return HQ_FAIL(err, BAD_REQUEST,
		    "the event carries no workflow");
	HQ_TRY(hq_coord_validate(a, workflow, &result, err));
	if (!hq_json_bool(result, "ok", false))
		return HQ_FAIL(err, BAD_REQUEST,
		    "the event's workflow is invalid");
	HQ_TRY(hq_graph_make(a, workflow, ret_graph, err));
	HQ_TRY(hq_graph_order(a, ret_graph, ret_order, &n, err));
	HQ_ASSERT(n == ret_graph->n_nodes && n > 0);
	return HQ_OK;
}

enum hq_rc
hq_coord_received(struct hq_arena *a, const struct hq_graph *g, int node,
    struct json_object *input, struct json_object *const *outputs,
    struct json_object **ret, struct hq_err *err)
{
	size_t e, first = g->in_start[node], end = g->in_start[node + 1];
	struct json_object *merged;

	if (first == end) {
		*ret = input;
		return HQ_OK;
	}
	if (end - first == 1) {
		*ret = outputs[g->from[g->in[first]]];
		return HQ_OK;
	}
	HQ_TRY(hq_coord_object(a, &merged, err));
	for (e = first; e < end; e++) {
		int from = g->from[g->in[e]];

		hq_json_put(merged, g->id[from],
		    json_object_get(outputs[from]));
	}
	*ret = merged;
	return HQ_OK;
}

/* One write of a step: an event, and perhaps a change of the run's status. */
struct write {
	const struct hq_coord_step *s;
	struct hq_coord_event event;
	struct hq_coord_event desk_event; /* before it, if .key is set */
	const char *end;                  /* status to end with; or NULL */
	const char *output, *error;       /* of the ended run */
	bool start, active, found;
};

static enum hq_rc
json_text(struct hq_arena *a, struct json_object *v, const char **ret,
    struct hq_err *err)
{
	*ret = hq_json_text(a, v);
	if (*ret == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the run is too large");
	return HQ_OK;
}

static enum hq_rc
start_run(struct write *w, struct hq_err *err)
{
	const struct hq_coord_step *s = w->s;
	struct hq_coord_run r;
	int changed;

	HQ_TRY(HQ_COORD_EXEC(s->db, HQ_CQ_RUN_START, &changed, err,
	    hq_text(s->engine_run_id), hq_text(s->run_id)));
	w->active = w->found = changed > 0;
	if (w->active)
		return HQ_OK;
	return hq_coord_run_load(s->db, s->arena, s->run_id, &r, &w->found,
	    err);
}

/* Events first: they are taken only while the run is active. */
static enum hq_rc
write_tx(void *arg, struct hq_err *err)
{
	struct write *w = arg;
	const struct hq_coord_step *s = w->s;

	if (w->start) {
		HQ_TRY(start_run(w, err));
		if (!w->active)
			return HQ_OK;
	}
	if (w->desk_event.key != NULL)
		HQ_TRY(hq_coord_timeline_add(s->db, s->env, s->arena, s->run_id,
		    &w->desk_event, false, err));
	HQ_TRY(hq_coord_timeline_add(s->db, s->env, s->arena, s->run_id,
	    &w->event, false, err));
	if (w->end == NULL)
		return HQ_OK;
	HQ_TRY(hq_coord_task_close_run(s->db, s->run_id, w->event.ts_ms, err));
	return HQ_COORD_EXEC(s->db, HQ_CQ_RUN_END, NULL, err, hq_text(w->end),
	    hq_i64(w->event.ts_ms), hq_text(w->output), hq_text(w->error),
	    hq_text(s->run_id));
}

enum hq_rc
hq_coord_run_started(const struct hq_coord_step *s, struct json_object *input,
    bool *ret_active, bool *ret_found, struct hq_err *err)
{
	struct write w = {
		.s = s,
		.start = true,
		.event = {
			.key = "run-start",
			.type = "run.started",
			.status = "running",
			.ts_ms = hq_now_ms(s->env),
		},
	};

	w.event.detail = hq_arena_printf(s->arena,
	    "Inngest execution started (%s)", s->engine_run_id);
	HQ_TRY(json_text(s->arena, input, &w.event.output, err));
	HQ_TRY(hq_db_tx(s->db, write_tx, &w, err));
	*ret_found = w.found;
	*ret_active = w.active;
	return HQ_OK;
}

const char *
hq_coord_desk_name(struct json_object *desk)
{
	const char *name = hq_json_str(desk, "name");

	return name == NULL ? hq_json_str(desk, "deskId") : name;
}

enum hq_rc
hq_coord_desk_event(const struct hq_coord_step *s,
    const struct hq_coord_desk_news *n, struct hq_err *err)
{
	const char *what = n->completed ? "completed" : "started";
	const char *id = hq_json_str(n->desk, "deskId");
	struct write w = {
		.s = s,
		.event = {
			.type = n->completed ? "desk.completed" : "desk.started",
			.desk_id = id,
			.status = "running",
			.detail = n->detail,
			.ts_ms = hq_now_ms(s->env),
		},
	};

	w.event.key = n->round == 0
	    ? hq_arena_printf(s->arena, "desk/%s/%s", id, what)
	    : hq_arena_printf(s->arena, "desk/%s/%s#%d", id, what,
		  n->round + 1);
	if (n->detail == NULL)
		w.event.detail = hq_arena_printf(s->arena, "%s %s",
		    hq_coord_desk_name(n->desk), what);
	if (!n->skipped)
		HQ_TRY(json_text(s->arena, n->payload, &w.event.output, err));
	return hq_db_tx(s->db, write_tx, &w, err);
}

enum hq_rc
hq_coord_run_completed(const struct hq_coord_step *s,
    struct json_object *output, struct hq_err *err)
{
	struct write w = {
		.s = s,
		.end = "completed",
		.event = {
			.key = "run-completed",
			.type = "run.completed",
			.status = "completed",
			.ts_ms = hq_now_ms(s->env),
		},
	};

	w.event.detail = hq_arena_printf(s->arena,
	    "Inngest execution completed (%s)", s->engine_run_id);
	HQ_TRY(json_text(s->arena, output, &w.output, err));
	w.event.output = w.output;
	return hq_db_tx(s->db, write_tx, &w, err);
}

enum hq_rc
hq_coord_run_failed(const struct hq_coord_step *s, const char *error,
    const char *desk_id, struct json_object *input, struct hq_err *err)
{
	struct write w = {
		.s = s,
		.end = "failed",
		.error = error,
		.event = {
			.key = "failed",
			.type = "run.failed",
			.status = "failed",
			.detail = error,
			.ts_ms = hq_now_ms(s->env),
		},
	};

	HQ_TRY(json_text(s->arena, input, &w.event.output, err));
	if (desk_id != NULL) {
		w.desk_event = w.event;
		w.desk_event.key =
		    hq_arena_printf(s->arena, "desk/%s/failed", desk_id);
		w.desk_event.type = "desk.failed";
		w.desk_event.desk_id = desk_id;
		w.desk_event.output = NULL;
	}
	return hq_db_tx(s->db, write_tx, &w, err);
}

/* What a kind of desk answers beside deskId and memory. */
static const struct answer {
	const char *kind;
	const char *status;
	const char *payload; /* member that holds what it received */
	bool tells_kind;
} answers[] = {
	{ "desk:human-wait", "received", "received", false },
	{ "desk:join", "joined", "merged", false },
	{ NULL, "ok", "received", true }, /* any other */
};

enum hq_rc
hq_coord_desk_output(struct hq_arena *a, struct json_object *desk,
    struct json_object *received, struct json_object *memory,
    struct json_object **ret, struct hq_err *err)
{
	const char *kind = hq_json_str(desk, "kind");
	const struct answer *how = answers;
	struct json_object *out;
	const char *text;

	while (how->kind != NULL && strcmp(how->kind, kind) != 0)
		how++;
	HQ_TRY(hq_coord_object(a, &out, err));
	hq_json_put_str(out, "deskId", hq_json_str(desk, "deskId"));
	hq_json_put_str(out, "status", how->status);
	if (how->tells_kind)
		hq_json_put_str(out, "kind", kind);
	hq_json_put(out, how->payload, json_object_get(received));
	hq_json_put(out, "memory", json_object_get(memory));
	text = hq_json_text(a, out);
	if (text == NULL || strlen(text) > HQ_COORD_OUTPUT_BYTES_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the output of desk %s is over %d bytes",
		    hq_json_str(desk, "deskId"), HQ_COORD_OUTPUT_BYTES_MAX);
	*ret = out;
	return HQ_OK;
}

#include "domain/coordination/workflow.h"

#include <stdlib.h>

#include "base/ids.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/validation.h"
#include "json/value.h"

enum hq_rc
hq_coord_workflow_of(struct hq_boundary *c, struct json_object *in,
    const char **ret_id, struct json_object **ret, struct hq_err *err)
{
	const char *sent = hq_json_str(in, "workflowId");
	const char *id = hq_coord_trim(c->arena, sent);
	struct json_object *data;
	HQ_CURSOR(row);

	HQ_TRY(hq_coord_object(c->arena, &data, err));
	hq_json_put_str(data, "workflowId", sent);
	if (id == NULL || !hq_coord_id_ok(id))
		return HQ_FAIL_DECLARED(err, "INVALID_WORKFLOW_ID", data,
		    "Invalid workflowId format");
	HQ_TRY(
	    HQ_COORD_QUERY(c->db, HQ_CQ_WORKFLOW_GET, &row, err, hq_text(id)));
	if (!hq_cursor_next(&row)) {
		HQ_TRY(hq_cursor_done(&row, err));
		hq_json_put_str(data, "workflowId", id);
		return HQ_FAIL_DECLARED(err, "WORKFLOW_NOT_FOUND", data,
		    "workflow not found");
	}
	*ret_id = id;
	return hq_coord_parse(c->arena, hq_cursor_text(&row, 0, c->arena), ret,
	    err);
}

/* getWorkflow - INVALID_WORKFLOW_ID, WORKFLOW_NOT_FOUND. */
enum hq_rc
hq_coord_get_workflow(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out, *workflow;
	const char *id;

	HQ_TRY(hq_coord_workflow_of(c, in, &id, &workflow, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put(out, "workflow", json_object_get(workflow));
	*ret_out = out;
	return HQ_OK;
}

/* validateWorkflow - INVALID_WORKFLOW_ID, WORKFLOW_NOT_FOUND. */
enum hq_rc
hq_coord_validate_workflow(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out, *workflow, *result;
	const char *id;

	HQ_TRY(hq_coord_workflow_of(c, in, &id, &workflow, err));
	HQ_TRY(hq_coord_validate(c->arena, workflow, &result, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put_str(out, "workflowId", id);
	hq_json_put(out, "validation", json_object_get(result));
	*ret_out = out;
	return HQ_OK;
}

struct save {
	struct hq_db *db;
	const char *id, *body;
	int64_t now_ms;
};

static enum hq_rc
save_tx(void *arg, struct hq_err *err)
{
	struct save *s = arg;

	return HQ_COORD_EXEC(s->db, HQ_CQ_WORKFLOW_PUT, NULL, err,
	    hq_text(s->id), hq_text(s->body), hq_i64(s->now_ms));
}

/*
 * The text of a workflow as it is stored, made from that of the one sent: with
 * an updatedAt of its own in the place of the one sent, else last.
 */
static enum hq_rc
stored_text(struct hq_arena *a, const struct hq_buf *sent,
    const struct hq_json_look *look, int64_t now_ms, const char **ret,
    struct hq_err *err)
{
	size_t at = look->at, end = look->end;
	char iso[HQ_ISO_BYTES];
	struct hq_buf b;

	hq_iso_from_ms(now_ms, iso);
	hq_buf_init(&b, a);
	if (end == 0)
		at = end = sent->n - 1; /* before the brace */
	hq_buf_put(&b, sent->p, at);
	if (look->end == 0)
		hq_buf_puts(&b, ",\"updatedAt\":");
	hq_json_write_string(&b, iso);
	hq_buf_put(&b, sent->p + end, sent->n - end);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "workflow is too large");
	*ret = b.p;
	return HQ_OK;
}

/* Check it, and write it once: for the store, and for the answer. */
static enum hq_rc
take_workflow(struct hq_boundary *c, struct json_object *sent, struct save *s,
    struct hq_err *err)
{
	struct hq_json_look look = { .key = "updatedAt" };
	struct json_object *result;
	struct hq_buf text;

	HQ_TRY(hq_coord_write(c->arena, "workflow", sent, &text, &look, err));
	HQ_TRY(hq_coord_validate(c->arena, sent, &result, err));
	if (!hq_json_bool(result, "ok", false))
		return HQ_FAIL_DECLARED(err, "WORKFLOW_VALIDATION_FAILED",
		    result, "Workflow validation failed");
	HQ_TRY(stored_text(c->arena, &text, &look, s->now_ms, &s->body, err));
	s->id = hq_json_str(sent, "workflowId");
	if (!look.special)
		hq_js_keep_text(sent, text.p);
	return HQ_OK;
}

/*
 * saveWorkflow - WORKFLOW_VALIDATION_FAILED; BAD_REQUEST for what JSON cannot
 * hold.  Answers what was sent.
 */
enum hq_rc
hq_coord_save_workflow(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *sent = hq_json_get(in, "workflow"), *out;
	struct save s = { .db = c->db, .now_ms = hq_now_ms(c->env) };

	HQ_TRY(take_workflow(c, sent, &s, err));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put(out, "workflow", json_object_get(sent));
	HQ_TRY(hq_db_tx(c->db, save_tx, &s, err));
	*ret_out = out;
	return HQ_OK;
}

/* A row of the list, kept until all are sorted. */
struct listed {
	struct listed *next;
	const char *id;
	struct json_object *workflow;
};

static int
listed_compare(const void *a, const void *b)
{
	const struct listed *const *x = a, *const *y = b;

	return hq_coord_id_compare((*x)->id, (*y)->id);
}

static enum hq_rc
list_read(struct hq_boundary *c, struct listed **ret, size_t *ret_n,
    struct hq_err *err)
{
	struct listed *l;
	const char *body;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(c->db, &hq_coordination_store, HQ_CQ_WORKFLOW_LIST,
	    HQ_NO_BIND, &row, err));
	for (*ret = NULL, *ret_n = 0; hq_cursor_next(&row); (*ret_n)++) {
		l = HQ_NEW(c->arena, struct listed, 1);
		if (l == NULL)
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "the list is too large");
		l->id = hq_cursor_text(&row, 0, c->arena);
		body = hq_cursor_text(&row, 1, c->arena);
		if (body == NULL)
			return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
			    "the list is too large");
		HQ_TRY(hq_coord_parse_top(c->arena, body, &l->workflow, err));
		l->next = *ret;
		*ret = l;
	}
	return hq_cursor_done(&row, err);
}

/* listWorkflows - sorted by id. */
enum hq_rc
hq_coord_list_workflows(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out, *list = hq_json_new_array();
	struct listed *l, **sorted;
	size_t i, n;

	(void)in;
	HQ_TRY(hq_json_own(c->arena, list, err));
	HQ_TRY(list_read(c, &l, &n, err));
	sorted = HQ_NEW(c->arena, struct listed *, n + 1);
	if (sorted == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the list is too large");
	for (i = 0; i < n; i++, l = l->next)
		sorted[i] = l;
	qsort(sorted, n, sizeof(struct listed *), listed_compare);
	for (i = 0; i < n; i++)
		hq_json_push(list, json_object_get(sorted[i]->workflow));
	HQ_TRY(hq_coord_object(c->arena, &out, err));
	hq_json_put(out, "workflows", json_object_get(list));
	*ret_out = out;
	return HQ_OK;
}

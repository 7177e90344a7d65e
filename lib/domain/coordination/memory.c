/*
 * Desk memory: what a desk of one workflow version answered last, for the
 * next run.
 */
#include <string.h>

#include "domain/coordination/execution.h"
#include "domain/coordination/run.h"

#define MEMORY_KEY "default"

enum { MS_PER_S = 1000 };

/* A longer time to live is for ever: 100 years. */
static const int64_t ttl_s_max = INT64_C(100) * 366 * 86400;

struct memory {
	const struct hq_coord_step *s;
	const char *workflow_id, *version, *desk_id;
	const char *data;
	int64_t now_ms, expires_ms; /* expires_ms 0: never */
};

static enum hq_rc
name_memory(struct memory *m, struct json_object *workflow,
    struct json_object *desk, struct hq_err *err)
{
	m->now_ms = hq_now_ms(m->s->env);
	m->workflow_id = hq_json_str(workflow, "workflowId");
	m->desk_id = hq_json_str(desk, "deskId");
	return hq_coord_text(m->s->arena, "version",
	    hq_json_get(workflow, "version"), &m->version, err);
}

bool
hq_coord_desk_persists(struct json_object *desk)
{
	return hq_json_bool(hq_json_get(desk, "memoryScope"), "persist", false);
}

/* Columns of HQ_CQ_MEMORY_GET. */
enum { COL_DATA, COL_UPDATED_MS, COL_EXPIRES_MS };

enum hq_rc
hq_coord_memory_read(const struct hq_coord_step *s,
    struct json_object *workflow, struct json_object *desk,
    struct json_object **ret, struct hq_err *err)
{
	struct memory m = { .s = s };
	HQ_CURSOR(row);

	HQ_TRY(name_memory(&m, workflow, desk, err));
	HQ_TRY(HQ_COORD_QUERY(s->db, HQ_CQ_MEMORY_GET, &row, err,
	    hq_text(m.workflow_id), hq_text(m.version), hq_text(m.desk_id),
	    hq_text(MEMORY_KEY)));
	*ret = NULL;
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	if (!hq_cursor_is_null(&row, COL_EXPIRES_MS) &&
	    hq_cursor_i64(&row, COL_EXPIRES_MS) <= m.now_ms)
		return HQ_OK;
	m.data = hq_cursor_text(&row, COL_DATA, s->arena);
	if (m.data == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the memory of desk %s is too large", m.desk_id);
	return hq_coord_parse(s->arena, m.data, ret, err);
}

/*
 * An output embeds the memory it was made with, which embeds the one before:
 * past the limit that chain is cut.
 */
static enum hq_rc
memory_text(struct memory *m, struct json_object *output, struct hq_err *err)
{
	struct hq_arena *a = m->s->arena;
	struct json_object *cut;

	m->data = hq_json_text(a, output);
	if (m->data != NULL && strlen(m->data) > HQ_COORD_MEMORY_BYTES_MAX &&
	    json_object_is_type(output, json_type_object)) {
		cut = hq_json_clone(output);
		HQ_TRY(hq_json_own(a, cut, err));
		hq_json_put(cut, "memory", NULL);
		m->data = hq_json_text(a, cut);
	}
	if (m->data == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the memory of desk %s is too large", m->desk_id);
	return HQ_OK;
}

static enum hq_rc
memory_tx(void *arg, struct hq_err *err)
{
	struct memory *m = arg;

	return HQ_COORD_EXEC(m->s->db, HQ_CQ_MEMORY_PUT_ACTIVE, NULL, err,
	    hq_text(m->workflow_id), hq_text(m->version), hq_text(m->desk_id),
	    hq_text(MEMORY_KEY), hq_text(m->data), hq_i64(m->now_ms),
	    m->expires_ms == 0 ? hq_null() : hq_i64(m->expires_ms),
	    hq_text(m->s->run_id));
}

enum hq_rc
hq_coord_memory_write(const struct hq_coord_step *s,
    struct json_object *workflow, struct json_object *desk,
    struct json_object *output, struct hq_err *err)
{
	struct json_object *scope = hq_json_get(desk, "memoryScope");
	struct memory m = { .s = s };
	int64_t ttl_s;

	HQ_TRY(name_memory(&m, workflow, desk, err));
	HQ_TRY(memory_text(&m, output, err));
	ttl_s = hq_json_i64(scope, "ttlSeconds", 0);
	if (ttl_s > 0 && ttl_s <= ttl_s_max)
		m.expires_ms = m.now_ms + ttl_s * MS_PER_S;
	return hq_db_tx(s->db, memory_tx, &m, err);
}

#include "domain/coordination/export.h"

#include <string.h>

#include "base/ids.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/timeline.h"
#include "hq/export.h"

enum {
	ARENA_BYTES = 32 * HQ_COORD_IMPORT_FILE_BYTES_MAX,
	VERSION_BYTES_MAX = 32, /* of a version's text */
};

enum {
	Q_COUNT,
	Q_WORKFLOW_NEXT,
	Q_RUN_NEXT,
	Q_TIMELINE,
	Q_MEMORY_NEXT,
	Q__MAX
};

static const char *const no_migrations[] = { NULL };

/* Parameters first appear in the order of their numbers. */
static const char *const sql[Q__MAX + 1] = {
	[Q_COUNT] = "SELECT (SELECT COUNT(*) FROM coordination_workflow) +"
		    " (SELECT COUNT(*) FROM coordination_run) +"
		    " (SELECT COUNT(*) FROM coordination_memory)",
	[Q_WORKFLOW_NEXT] =
	    "SELECT workflow_id, body FROM coordination_workflow"
	    " WHERE workflow_id > $1"
	    " ORDER BY workflow_id LIMIT 1",
	[Q_RUN_NEXT] = "SELECT run_id FROM coordination_run WHERE run_id > $1"
		       " ORDER BY run_id LIMIT 1",
	/* Those of an imported run in the order of its file. */
	[Q_TIMELINE] = "SELECT event_id, type, desk_id, ts_ms, status, detail,"
		       " output, imported FROM coordination_timeline"
		       " WHERE run_id = $1 ORDER BY"
		       " CASE WHEN $2 = 1 THEN seq ELSE ts_ms END, seq",
	/* Is a newer one of its desk there, and one of its version? */
	[Q_MEMORY_NEXT] =
	    "SELECT m.workflow_id, m.desk_id, m.workflow_version,"
	    " m.memory_key, m.data, m.updated_ms, m.expires_ms,"
	    " CASE WHEN EXISTS (SELECT 1 FROM coordination_memory n"
	    " WHERE n.workflow_id = m.workflow_id AND n.desk_id = m.desk_id"
	    " AND (n.updated_ms, n.workflow_version, n.memory_key) >"
	    " (m.updated_ms, m.workflow_version, m.memory_key))"
	    " THEN 1 ELSE 0 END,"
	    " CASE WHEN EXISTS (SELECT 1 FROM coordination_memory n"
	    " WHERE n.workflow_id = m.workflow_id"
	    " AND n.workflow_version = m.workflow_version"
	    " AND n.desk_id = m.desk_id"
	    " AND (n.updated_ms, n.memory_key) > (m.updated_ms, m.memory_key))"
	    " THEN 1 ELSE 0 END FROM coordination_memory m"
	    " WHERE (m.workflow_id, m.workflow_version, m.desk_id,"
	    " m.memory_key) > ($1, $2, $3, $4)"
	    " ORDER BY m.workflow_id, m.workflow_version, m.desk_id,"
	    " m.memory_key LIMIT 1",
};

const struct hq_module hq_coordination_export = {
	.name = "coordination_export",
	.migrations = no_migrations,
	.sql = sql,
};

/* One export, and the subject it is at. */
struct export
{
	struct hq_db *db;
	const struct hq_config *config;
	const char *dir;
	const struct hq_coord_watch *watch;
	struct hq_coord_counts *counts;
	struct hq_arena *arena; /* of one subject */
	size_t done, total;
	/* The subject; the ids outlive the arena. */
	bool found;
	char id[HQ_COORD_ID_BYTES_MAX + 1];
	struct json_object *doc, *events;
};

static void
step(struct export *x)
{
	x->done++;
	if (x->watch->progress != NULL)
		x->watch->progress(x->watch->arg, x->done,
		    x->done > x->total ? x->done : x->total);
}

static void
leave_out(struct export *x, const char *what, const char *reason)
{
	x->counts->refused++;
	x->watch->report(x->watch->arg, what, reason);
}

/* Remember a row's key; false if it cannot be a file's name. */
static bool
take_id(char out[HQ_COORD_ID_BYTES_MAX + 1], const char *id)
{
	size_t n = strlen(id);

	if (n > HQ_COORD_ID_BYTES_MAX)
		return false;
	memcpy(out, id, n + 1);
	return hq_coord_id_ok(id);
}

static enum hq_rc
write_doc(struct export *x, const char *path, struct json_object *doc,
    struct hq_err *err)
{
	if (path == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the path is too long");
	if (hq_db_is_dry(x->db))
		return HQ_OK;
	return hq_export_file(path, doc, x->arena, err);
}

static enum hq_rc
make_dir(struct export *x, const char *path, struct hq_err *err)
{
	if (path == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the path is too long");
	return hq_db_is_dry(x->db) ? HQ_OK : hq_export_dir(path, err);
}

/* ------------------------------------------------------------ workflows -- */

static enum hq_rc
read_workflow(void *arg, struct hq_err *err)
{
	struct export *x = arg;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(x->db, &hq_coordination_export, Q_WORKFLOW_NEXT,
	    HQ_BIND(hq_text(x->id)), &row, err));
	x->found = hq_cursor_next(&row);
	if (!x->found)
		return hq_cursor_done(&row, err);
	HQ_ASSERT(take_id(x->id, hq_cursor_text(&row, 0, x->arena)));
	return hq_coord_parse(x->arena, hq_cursor_text(&row, 1, x->arena),
	    &x->doc, err);
}

static enum hq_rc
write_workflow(struct export *x, struct hq_err *err)
{
	x->counts->workflows++;
	return write_doc(x,
	    hq_arena_printf(x->arena, "%s/coordination/workflows/%s.json",
		x->dir, x->id),
	    x->doc, err);
}

/* ----------------------------------------------------------------- runs -- */

static enum hq_rc
read_events(struct export *x, const struct hq_coord_run *r, struct hq_err *err)
{
	struct json_object *e;
	HQ_CURSOR(row);

	x->events = hq_json_new_array();
	HQ_TRY(hq_json_own(x->arena, x->events, err));
	HQ_TRY(hq_query(x->db, &hq_coordination_export, Q_TIMELINE,
	    HQ_BIND(hq_text(r->run_id), hq_i64(r->imported != NULL)), &row,
	    err));
	while (hq_cursor_next(&row)) {
		HQ_TRY(hq_coord_event_json(&row, r, x->arena, &e, err));
		hq_json_push(x->events, json_object_get(e));
	}
	return hq_cursor_done(&row, err);
}

/* Run and timeline in one snapshot. */
static enum hq_rc
read_run(void *arg, struct hq_err *err)
{
	struct export *x = arg;
	struct hq_coord_run r;
	bool found;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(x->db, &hq_coordination_export, Q_RUN_NEXT,
	    HQ_BIND(hq_text(x->id)), &row, err));
	x->found = hq_cursor_next(&row);
	if (!x->found)
		return hq_cursor_done(&row, err);
	HQ_ASSERT(take_id(x->id, hq_cursor_text(&row, 0, x->arena)));
	hq_cursor_close(&row);
	HQ_TRY(hq_coord_run_load(x->db, x->arena, x->id, &r, &found, err));
	HQ_ASSERT(found);
	HQ_TRY(hq_coord_run_json(&r, x->config, x->arena, &x->doc, err));
	return read_events(x, &r, err);
}

static enum hq_rc
write_run(struct export *x, struct hq_err *err)
{
	size_t n = json_object_array_length(x->events);

	x->counts->runs++;
	x->counts->events += n;
	if (n > 0)
		HQ_TRY(write_doc(x,
		    hq_arena_printf(x->arena,
			"%s/coordination/timelines/%s.json", x->dir, x->id),
		    x->events, err));
	return write_doc(x,
	    hq_arena_printf(x->arena, "%s/coordination/runs/%s.json", x->dir,
		x->id),
	    x->doc, err);
}

/* --------------------------------------------------------------- memory -- */

/* Where the walk is. */
struct memories {
	struct export *x;
	char workflow_id[HQ_COORD_ID_BYTES_MAX + 1];
	char desk_id[HQ_COORD_ID_BYTES_MAX + 1];
	char version[VERSION_BYTES_MAX];
	char key[HQ_COORD_ID_BYTES_MAX + 1];
	bool newer_of_desk, newer_of_version;
};

enum {
	COL_WORKFLOW_ID,
	COL_DESK_ID,
	COL_VERSION,
	COL_KEY,
	COL_DATA,
	COL_UPDATED_MS,
	COL_EXPIRES_MS,
	COL_NEWER_OF_DESK,
	COL_NEWER_OF_VERSION
};

static enum hq_rc
memory_doc(struct memories *m, const struct hq_cursor *row, struct hq_err *err)
{
	struct hq_arena *a = m->x->arena;
	struct json_object *o, *version, *data;
	char iso[HQ_ISO_BYTES];

	HQ_TRY(hq_coord_object(a, &o, err));
	HQ_TRY(hq_coord_parse(a, m->version, &version, err));
	HQ_TRY(hq_coord_parse(a, hq_cursor_text(row, COL_DATA, a), &data, err));
	hq_json_put_str(o, "workflowId", m->workflow_id);
	hq_json_put(o, "workflowVersion", json_object_get(version));
	hq_json_put_str(o, "deskId", m->desk_id);
	hq_json_put_str(o, "memoryKey", m->key);
	hq_json_put(o, "data", json_object_get(data));
	hq_iso_from_ms(hq_cursor_i64(row, COL_UPDATED_MS), iso);
	hq_json_put_str(o, "updatedAt", iso);
	if (!hq_cursor_is_null(row, COL_EXPIRES_MS)) {
		hq_iso_from_ms(hq_cursor_i64(row, COL_EXPIRES_MS), iso);
		hq_json_put_str(o, "expiresAt", iso);
	}
	m->x->doc = o;
	return HQ_OK;
}

static enum hq_rc
read_memory(void *arg, struct hq_err *err)
{
	struct memories *m = arg;
	bool fits;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(m->x->db, &hq_coordination_export, Q_MEMORY_NEXT,
	    HQ_BIND(hq_text(m->workflow_id), hq_text(m->version),
		hq_text(m->desk_id), hq_text(m->key)),
	    &row, err));
	m->x->found = hq_cursor_next(&row);
	if (!m->x->found)
		return hq_cursor_done(&row, err);
	fits = hq_cursor_copy(&row, COL_WORKFLOW_ID, m->workflow_id,
		   sizeof(m->workflow_id)) &&
	    hq_cursor_copy(&row, COL_DESK_ID, m->desk_id, sizeof(m->desk_id)) &&
	    hq_cursor_copy(&row, COL_VERSION, m->version, sizeof(m->version)) &&
	    hq_cursor_copy(&row, COL_KEY, m->key, sizeof(m->key));
	if (!fits)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "a memory has a name that is too long");
	m->newer_of_desk = hq_cursor_i64(&row, COL_NEWER_OF_DESK) != 0;
	m->newer_of_version = hq_cursor_i64(&row, COL_NEWER_OF_VERSION) != 0;
	return memory_doc(m, &row, err);
}

/* The layout has one memory per desk; older versions go beside it. */
static enum hq_rc
write_memory(struct memories *m, struct hq_err *err)
{
	struct export *x = m->x;
	const char *base = hq_arena_printf(x->arena, "%s/coordination/%s",
	    x->dir, m->newer_of_desk ? "memory-versions" : "memory");
	const char *at =
	    hq_arena_printf(x->arena, "%s/%s", base, m->workflow_id);

	HQ_TRY(make_dir(x, base, err));
	HQ_TRY(make_dir(x, at, err));
	if (m->newer_of_desk) {
		at = hq_arena_printf(x->arena, "%s/%s", at, m->version);
		HQ_TRY(make_dir(x, at, err));
	}
	x->counts->memories++;
	HQ_TRY(write_doc(x,
	    hq_arena_printf(x->arena, "%s/%s.json", at, m->desk_id), x->doc,
	    err));
	return hq_db_is_dry(x->db) ? HQ_OK : hq_export_sync(at, err);
}

/* NULL, or why a memory has no file of its own. */
static const char *
memory_fault(const struct memories *m)
{
	if (!hq_coord_id_ok(m->workflow_id) || !hq_coord_id_ok(m->desk_id) ||
	    !hq_coord_id_ok(m->version))
		return "its name cannot be a file's";
	if (m->newer_of_version)
		return "there is a newer one under another key";
	return NULL;
}

static enum hq_rc
export_memories(struct export *x, struct hq_err *err)
{
	struct memories m = { .x = x };
	const char *fault;

	for (;;) {
		hq_arena_reset(x->arena);
		HQ_TRY(hq_db_read(x->db, read_memory, &m, err));
		if (!x->found)
			return HQ_OK;
		if ((fault = memory_fault(&m)) != NULL)
			leave_out(x,
			    hq_arena_printf(x->arena,
				"memory of %s, version %s, desk %s, key %s",
				m.workflow_id, m.version, m.desk_id, m.key),
			    fault);
		else
			HQ_TRY(write_memory(&m, err));
		step(x);
	}
}

/* ------------------------------------------------------------------ all -- */

typedef enum hq_rc write_fn(struct export *x, struct hq_err *err);

/* From the first id to the last, one snapshot each: a long one would keep the
 * store's log from being emptied. */
static enum hq_rc
export_each(struct export *x, hq_tx_fn *read, write_fn *write,
    struct hq_err *err)
{
	x->id[0] = '\0';
	for (;;) {
		hq_arena_reset(x->arena);
		HQ_TRY(hq_db_read(x->db, read, x, err));
		if (!x->found)
			return HQ_OK;
		HQ_TRY(write(x, err));
		step(x);
	}
}

static enum hq_rc
count(struct export *x, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(x->db, &hq_coordination_export, Q_COUNT, HQ_NO_BIND,
	    &row, err));
	while (hq_cursor_next(&row))
		x->total = (size_t)hq_cursor_i64(&row, 0);
	return hq_cursor_done(&row, err);
}

static enum hq_rc
sync_dir(struct export *x, const char *path, struct hq_err *err)
{
	if (path == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the path is too long");
	return hq_db_is_dry(x->db) ? HQ_OK : hq_export_sync(path, err);
}

typedef enum hq_rc dir_fn(struct export *x, const char *path,
    struct hq_err *err);

static enum hq_rc
each_dir(struct export *x, dir_fn *fn, struct hq_err *err)
{
	static const char *const dirs[] = {
		"",
		"/workflows",
		"/timelines",
		"/runs",
		"/memory",
	};
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		HQ_TRY(fn(x,
		    hq_arena_printf(x->arena, "%s/coordination%s", x->dir,
			dirs[i]),
		    err));
	return HQ_OK;
}

static enum hq_rc
export_all(struct export *x, struct hq_err *err)
{
	HQ_TRY(count(x, err));
	HQ_TRY(each_dir(x, make_dir, err));
	HQ_TRY(export_each(x, read_workflow, write_workflow, err));
	HQ_TRY(export_each(x, read_run, write_run, err));
	HQ_TRY(export_memories(x, err));
	return each_dir(x, sync_dir, err);
}

enum hq_rc
hq_coord_export(struct hq_db *db, const struct hq_config *config,
    const char *dir, const struct hq_coord_watch *w,
    struct hq_coord_counts *ret, struct hq_err *err)
{
	struct export x = {
		.db = db,
		.config = config,
		.dir = dir,
		.watch = w,
		.counts = ret,
		.arena = hq_arena_new(ARENA_BYTES),
	};
	enum hq_rc rc;

	*ret = (struct hq_coord_counts){ 0 };
	rc = export_all(&x, err);
	hq_arena_free(x.arena);
	return rc;
}

#include "domain/coordination/import.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ids.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/run.h"
#include "domain/coordination/shape.h"
#include "hq/manifest.h"
#include "store/os.h"

enum {
	ARENA_BYTES = 32 * HQ_COORD_IMPORT_FILE_BYTES_MAX,
	KEY_BYTES = 48,
};

/* One import, and the file it is at. */
struct import {
	struct hq_db *db;
	struct hq_arena *arena; /* of one file */
	const struct hq_coord_watch *watch;
	struct hq_coord_counts *counts;
	size_t done, total; /* files */
	const char *dir;    /* of the file; "<.rawr>/coordination/runs" */
	const char *path;   /* the file */
	const char *id;     /* its name without ".json" */
	struct json_object *doc;
	struct json_object *events; /* of a run; or NULL */
	const char *events_path;
	const char *memory_of; /* workflow id, while memory is read */
	bool kept;
	size_t n_events;
};

static void
refuse(struct import *m, const char *path, const char *reason)
{
	m->counts->refused++;
	m->watch->report(m->watch->arg, path, reason);
}

/* What is there, and the system does not give. */
static void
miss(struct import *m, const char *path, const char *reason)
{
	m->counts->missed++;
	refuse(m, path, reason);
}

static void
keep(struct import *m, const char *reason)
{
	m->counts->kept++;
	m->watch->report(m->watch->arg, m->path, reason);
}

/* Milliseconds of a member that is a time; dflt where it is none. */
static int64_t
time_of(struct json_object *v, const char *key, int64_t dflt)
{
	const char *text = hq_json_str(v, key);
	int64_t ms;

	return text != NULL && hq_iso_to_ms(text, &ms) ? ms : dflt;
}

/* What it cannot take it tells, but for a file that is not there. */
static enum hq_rc
read_json(struct import *m, const char *path, struct json_object **ret)
{
	struct hq_err why = { 0 };
	enum hq_rc rc;
	char *text;
	size_t n;

	rc = hq_file_read(path, HQ_COORD_IMPORT_FILE_BYTES_MAX, m->arena, &text,
	    &n, &why);
	if (rc == HQ_OK)
		rc = hq_json_parse(m->arena, text, n, ret, &why);
	if (rc == HQ_E_INTERNAL_SERVER_ERROR)
		miss(m, path, why.msg);
	else if (rc != HQ_OK && rc != HQ_E_NOT_FOUND)
		refuse(m, path, why.msg);
	return rc;
}

/* ------------------------------------------------------------ workflows -- */

static enum hq_rc
workflow_tx(void *arg, struct hq_err *err)
{
	struct import *m = arg;
	int64_t updated_ms = time_of(m->doc, "updatedAt", 0);
	const char *body;
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(m->db, HQ_CQ_WORKFLOW_GET, &row, err,
	    hq_text(m->id)));
	m->kept = hq_cursor_next(&row) && hq_cursor_i64(&row, 1) > updated_ms;
	hq_cursor_close(&row);
	if (m->kept)
		return HQ_OK;
	HQ_TRY(hq_coord_text(m->arena, "workflow", m->doc, &body, err));
	return HQ_COORD_EXEC(m->db, HQ_CQ_WORKFLOW_PUT, NULL, err,
	    hq_text(m->id), hq_text(body), hq_i64(updated_ms));
}

static enum hq_rc
import_workflow(struct import *m, struct hq_err *err)
{
	const char *fault = hq_coord_workflow_fault(m->doc, m->id);

	if (fault == NULL && hq_coord_too_deep(m->doc))
		fault = "it is nested too deeply";
	if (fault != NULL) {
		refuse(m, m->path, fault);
		return HQ_OK;
	}
	HQ_TRY(hq_db_tx(m->db, workflow_tx, m, err));
	if (m->kept)
		keep(m, "the stored workflow is newer");
	else
		m->counts->workflows++;
	return HQ_OK;
}

/* ----------------------------------------------------------------- runs -- */

static enum hq_rc
put_events(struct import *m, struct hq_err *err)
{
	int64_t ts_ms = 0;
	size_t i;

	HQ_TRY(HQ_COORD_EXEC(m->db, HQ_CQ_TIMELINE_DROP_IMPORTED, NULL, err,
	    hq_text(m->id)));
	m->n_events = 0;
	for (i = 0; i < json_object_array_length(m->events); i++) {
		struct json_object *e = json_object_array_get_idx(m->events, i);
		const char *body = hq_json_text(m->arena, e);
		char key[KEY_BYTES];

		if (hq_coord_event_fault(e, m->id) != NULL)
			continue;
		ts_ms = time_of(e, "ts", ts_ms);
		(void)snprintf(key, sizeof(key), "imported/%zu", i);
		HQ_TRY(HQ_COORD_EXEC(m->db, HQ_CQ_TIMELINE_IMPORT, NULL, err,
		    hq_text(m->id), hq_text(key),
		    hq_text(hq_json_str(e, "eventId")),
		    hq_text(hq_json_str(e, "type")), hq_i64(ts_ms),
		    hq_text(hq_json_str(e, "status")), hq_text(body)));
		m->n_events++;
	}
	return HQ_OK;
}

/* Ours, or an imported one that has ended since: not to be replaced. */
static bool
run_is_newer(const struct hq_coord_run *have, struct json_object *doc)
{
	struct hq_coord_run coming = { .status = hq_json_str(doc, "status") };

	if (have->imported == NULL)
		return true;
	return !hq_coord_run_active(have) && hq_coord_run_active(&coming);
}

static enum hq_rc
run_tx(void *arg, struct hq_err *err)
{
	struct import *m = arg;
	int64_t started_ms = time_of(m->doc, "startedAt", 0);
	int64_t finished_ms = time_of(m->doc, "finishedAt", started_ms);
	struct json_object *version = hq_json_get(m->doc, "workflowVersion");
	struct hq_coord_run have;
	bool found;

	HQ_TRY(hq_coord_run_load(m->db, m->arena, m->id, &have, &found, err));
	m->kept = found && run_is_newer(&have, m->doc);
	if (m->kept)
		return HQ_OK;
	HQ_TRY(HQ_COORD_EXEC(m->db, HQ_CQ_RUN_IMPORT, NULL, err, hq_text(m->id),
	    hq_text(hq_json_str(m->doc, "workflowId")),
	    hq_text(hq_json_text(m->arena, version)),
	    hq_text(hq_json_str(m->doc, "status")), hq_i64(started_ms),
	    hq_json_str(m->doc, "finishedAt") == NULL ? hq_null()
						      : hq_i64(finished_ms),
	    hq_text(hq_json_text(m->arena, m->doc))));
	return m->events == NULL ? HQ_OK : put_events(m, err);
}

/*
 * The run's timeline file; .events stays NULL where there is none to take.
 * False if there may be one: then the run has to wait for it.
 */
static bool
read_events(struct import *m)
{
	const char *fault;
	enum hq_rc rc;
	size_t i;

	m->events = NULL;
	m->events_path =
	    hq_arena_printf(m->arena, "%s/../timelines/%s.json", m->dir, m->id);
	if (m->events_path == NULL)
		return true;
	rc = read_json(m, m->events_path, &m->events);
	if (rc != HQ_OK)
		return rc != HQ_E_INTERNAL_SERVER_ERROR;
	if (!json_object_is_type(m->events, json_type_array)) {
		refuse(m, m->events_path, "it is not an array");
		m->events = NULL;
		return true;
	}
	for (i = 0; i < json_object_array_length(m->events); i++) {
		fault =
		    hq_coord_event_fault(json_object_array_get_idx(m->events,
					     i),
			m->id);
		if (fault != NULL)
			refuse(m, m->events_path, fault);
	}
	return true;
}

static enum hq_rc
import_run(struct import *m, struct hq_err *err)
{
	const char *fault = hq_coord_run_fault(m->doc, m->id);
	struct hq_coord_run r;

	if (fault != NULL) {
		refuse(m, m->path, fault);
		return HQ_OK;
	}
	if (!read_events(m)) {
		refuse(m, m->path, "its timeline could not be read");
		return HQ_OK;
	}
	HQ_TRY(hq_db_tx(m->db, run_tx, m, err));
	if (m->kept) {
		keep(m, "the stored run is newer; its timeline was kept too");
		return HQ_OK;
	}
	m->counts->runs++;
	m->counts->events += m->events == NULL ? 0 : m->n_events;
	r.status = hq_json_str(m->doc, "status");
	if (hq_coord_run_active(&r))
		m->watch->report(m->watch->arg, m->path,
		    "taken over, but it had not ended: nothing will finish it; "
		    "cancel it or run it again under another id");
	return HQ_OK;
}

static bool
has_run_file(struct import *m)
{
	const char *path =
	    hq_arena_printf(m->arena, "%s/../runs/%s.json", m->dir, m->id);

	return path != NULL && access(path, F_OK) == 0;
}

/* Timelines are taken with their runs; here only those without one. */
static enum hq_rc
check_timeline(struct import *m, struct hq_err *err)
{
	struct hq_coord_run have;
	bool found;

	HQ_TRY(hq_coord_run_load(m->db, m->arena, m->id, &have, &found, err));
	if (!found && hq_db_is_dry(m->db)) /* then it is not stored yet */
		found = has_run_file(m);
	if (!found)
		refuse(m, m->path, "there is no run of this timeline");
	return HQ_OK;
}

/* --------------------------------------------------------------- memory -- */

static enum hq_rc
memory_tx(void *arg, struct hq_err *err)
{
	struct import *m = arg;
	int64_t updated_ms = time_of(m->doc, "updatedAt", 0);
	const char *expires = hq_json_str(m->doc, "expiresAt");
	const char *key = hq_json_str(m->doc, "memoryKey");
	const char *version =
	    hq_json_text(m->arena, hq_json_get(m->doc, "workflowVersion"));
	HQ_CURSOR(row);

	HQ_TRY(HQ_COORD_QUERY(m->db, HQ_CQ_MEMORY_GET, &row, err,
	    hq_text(m->memory_of), hq_text(version), hq_text(m->id),
	    hq_text(key)));
	m->kept = hq_cursor_next(&row) && hq_cursor_i64(&row, 1) > updated_ms;
	hq_cursor_close(&row);
	if (m->kept)
		return HQ_OK;
	return HQ_COORD_EXEC(m->db, HQ_CQ_MEMORY_IMPORT, NULL, err,
	    hq_text(m->memory_of), hq_text(version), hq_text(m->id),
	    hq_text(key),
	    hq_text(hq_json_text(m->arena, hq_json_get(m->doc, "data"))),
	    hq_i64(updated_ms),
	    expires == NULL ? hq_null()
			    : hq_i64(time_of(m->doc, "expiresAt", 0)));
}

static enum hq_rc
import_memory(struct import *m, struct hq_err *err)
{
	const char *fault = hq_coord_memory_fault(m->doc, m->memory_of, m->id);

	if (fault != NULL) {
		refuse(m, m->path, fault);
		return HQ_OK;
	}
	HQ_TRY(hq_db_tx(m->db, memory_tx, m, err));
	if (m->kept)
		keep(m, "the stored memory is newer");
	else
		m->counts->memories++;
	return HQ_OK;
}

/* ---------------------------------------------------------------- files -- */

typedef enum hq_rc import_fn(struct import *m, struct hq_err *err);

static enum hq_rc
import_file(struct import *m, const char *dir, const char *name, import_fn *fn,
    struct hq_err *err)
{
	static const char suffix[] = ".json";
	size_t n = strlen(name), cut = sizeof(suffix) - 1;
	enum hq_rc rc;

	hq_arena_reset(m->arena);
	m->dir = dir;
	m->path = hq_arena_printf(m->arena, "%s/%s", dir, name);
	if (n <= cut || strcmp(name + n - cut, suffix) != 0) {
		refuse(m, m->path, "it is not a .json file");
		return HQ_OK;
	}
	m->id = hq_arena_copy(m->arena, name, n - cut);
	if (!hq_coord_id_ok(m->id)) {
		refuse(m, m->path, "its name is no id");
		return HQ_OK;
	}
	rc = read_json(m, m->path, &m->doc);
	if (rc == HQ_E_NOT_FOUND)
		refuse(m, m->path, "it is not there any more");
	return rc == HQ_OK ? fn(m, err) : HQ_OK;
}

static int
no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* One that is not there has nothing to take over. */
static void
not_listed(struct import *m, const char *dir)
{
	if (errno == ENOTDIR)
		refuse(m, dir, "it is not a directory");
	else if (errno != ENOENT)
		miss(m, dir, hq_os_error(errno));
}

/* Every file of a directory by name, so that a second import is like it. */
static enum hq_rc
import_files(struct import *m, const char *dir, import_fn *fn,
    struct hq_err *err)
{
	struct dirent **entries;
	enum hq_rc rc = HQ_OK;
	int i, n;

	n = scandir(dir, &entries, no_dots, alphasort);
	if (n < 0) {
		not_listed(m, dir);
		return HQ_OK;
	}
	m->total += (size_t)n;
	for (i = 0; i < n; i++) {
		if (rc == HQ_OK)
			rc = import_file(m, dir, entries[i]->d_name, fn, err);
		m->done++;
		if (m->watch->progress != NULL)
			m->watch->progress(m->watch->arg, m->done, m->total);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

typedef enum hq_rc dir_fn(struct import *m, const char *dir,
    struct hq_arena *names, struct hq_err *err);

/* fn for each directory in dir, which must be named by an id. */
static enum hq_rc
import_dirs(struct import *m, const char *dir, struct hq_arena *names,
    dir_fn *fn, struct hq_err *err)
{
	struct dirent **entries;
	enum hq_rc rc = HQ_OK;
	const char *path;
	int i, n;

	if (dir == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "the path is too long");
	n = scandir(dir, &entries, no_dots, alphasort);
	if (n < 0)
		not_listed(m, dir);
	for (i = 0; i < n; i++) {
		path = hq_arena_printf(names, "%s/%s", dir, entries[i]->d_name);
		if (rc == HQ_OK && path == NULL)
			rc = HQ_FAIL(err, BAD_REQUEST, "the path is too long");
		else if (rc == HQ_OK && !hq_coord_id_ok(entries[i]->d_name))
			refuse(m, path, "its name is no workflow's id");
		else if (rc == HQ_OK)
			rc = fn(m, path, names, err);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return rc;
}

static const char *
last_part(const char *path)
{
	return strrchr(path, '/') + 1;
}

static enum hq_rc
import_memory_dir(struct import *m, const char *dir, struct hq_arena *names,
    struct hq_err *err)
{
	(void)names;
	m->memory_of = last_part(dir);
	return import_files(m, dir, import_memory, err);
}

static enum hq_rc
import_version_dir(struct import *m, const char *dir, struct hq_arena *names,
    struct hq_err *err)
{
	(void)names;
	return import_files(m, dir, import_memory, err);
}

static enum hq_rc
import_versions(struct import *m, const char *dir, struct hq_arena *names,
    struct hq_err *err)
{
	m->memory_of = last_part(dir);
	return import_dirs(m, dir, names, import_version_dir, err);
}

/* What else stands beside the four directories. */
static void
report_unknown(struct import *m, const char *dir, struct hq_arena *names)
{
	static const char *const known[] = {
		"workflows",
		"runs",
		"timelines",
		"memory",
		"memory-versions",
		NULL,
	};
	struct dirent **entries;
	size_t k;
	int i, n;

	n = scandir(dir, &entries, no_dots, alphasort);
	if (n < 0) {
		not_listed(m, dir);
		return;
	}
	for (i = 0; i < n; i++) {
		for (k = 0; known[k] != NULL; k++)
			if (strcmp(entries[i]->d_name, known[k]) == 0)
				break;
		if (known[k] == NULL)
			refuse(m,
			    hq_arena_printf(names, "%s/%s", dir,
				entries[i]->d_name),
			    "it is not part of this layout");
		free(entries[i]);
	}
	free(entries);
}

static enum hq_rc
import_all(struct import *m, const char *dir, struct hq_arena *names,
    struct hq_err *err)
{
	static const struct {
		const char *sub;
		import_fn *fn;
	} subs[] = {
		{ "workflows", import_workflow },
		{ "runs", import_run },
		{ "timelines", check_timeline },
	};
	const char *path;
	size_t i;

	for (i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		path = hq_arena_printf(names, "%s/coordination/%s", dir,
		    subs[i].sub);
		if (path == NULL)
			return HQ_FAIL(err, BAD_REQUEST,
			    "the path is too long");
		HQ_TRY(import_files(m, path, subs[i].fn, err));
	}
	path = hq_arena_printf(names, "%s/coordination/memory", dir);
	HQ_TRY(import_dirs(m, path, names, import_memory_dir, err));
	path = hq_arena_printf(names, "%s/coordination/memory-versions", dir);
	return import_dirs(m, path, names, import_versions, err);
}

enum hq_rc
hq_coord_import(struct hq_db *db, const char *dir,
    const struct hq_coord_watch *w, struct hq_coord_counts *ret,
    struct hq_err *err)
{
	struct hq_arena *names = hq_arena_new(ARENA_BYTES);
	struct import m = {
		.db = db,
		.arena = hq_arena_new(ARENA_BYTES),
		.watch = w,
		.counts = ret,
	};
	const char *path = hq_arena_printf(names, "%s/coordination", dir);
	DIR *there = path == NULL ? NULL : opendir(path);
	enum hq_rc rc;

	*ret = (struct hq_coord_counts){ 0 };
	if (there == NULL && (errno == ENOENT || errno == ENOTDIR)) {
		rc = HQ_FAIL(err, NOT_FOUND, "%s has no coordination directory",
		    dir);
	} else if (there == NULL) {
		rc = HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot read %s: %s",
		    path == NULL ? dir : path, hq_os_error(errno));
	} else {
		(void)closedir(there);
		report_unknown(&m, path, names);
		rc = import_all(&m, dir, names, err);
	}
	hq_arena_free(m.arena);
	hq_arena_free(names);
	return rc;
}

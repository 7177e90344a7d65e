#include "domain/state/document.h"

#include <string.h>

#include "base/ids.h"
#include "hq/manifest.h"

enum { Q_GET, Q_PUT, Q__MAX };

static const char *const migrations[] = {
	"CREATE TABLE state_runtime ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),"
	" body TEXT NOT NULL)",
	NULL,
};

static const char *const sql[Q__MAX + 1] = {
	[Q_GET] = "SELECT body FROM state_runtime WHERE id = 1",
	[Q_PUT] = "INSERT INTO state_runtime (id, body) VALUES (1, $1)"
		  " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
};

const struct hq_module hq_state_store = {
	.name = "state",
	.migrations = migrations,
	.sql = sql,
};

enum hq_rc
hq_state_load(struct hq_db *db, struct hq_arena *a, struct json_object **ret,
    struct hq_err *err)
{
	const char *body;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(db, &hq_state_store, Q_GET, HQ_NO_BIND, &row, err));
	*ret = NULL;
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	body = hq_cursor_text(&row, 0, a);
	if (body == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the state is too large");
	return hq_json_parse(a, body, strlen(body), ret, err);
}

static enum hq_rc
store(struct hq_db *db, struct hq_arena *a, struct json_object *state,
    struct hq_err *err)
{
	const char *body = hq_json_text(a, state);

	if (body == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the state is too large");
	return hq_exec(db, &hq_state_store, Q_PUT, HQ_BIND(hq_text(body)), NULL,
	    err);
}

/* The document of these lists, as of now.  disabled may be NULL. */
static enum hq_rc
make(const struct hq_env *env, struct hq_arena *a, struct json_object *enabled,
    struct json_object *disabled, struct json_object **ret, struct hq_err *err)
{
	struct json_object *state = hq_json_new_object();
	struct json_object *plugins = hq_json_new_object();
	char iso[HQ_ISO_BYTES];

	hq_iso_from_ms(hq_now_ms(env), iso);
	hq_json_put_i64(state, "version", 1);
	hq_json_put(state, "plugins", plugins);
	hq_json_put(plugins, "enabled", enabled);
	if (disabled != NULL)
		hq_json_put(plugins, "disabled", disabled);
	hq_json_put_str(plugins, "lastUpdatedAt", iso);
	*ret = state;
	return hq_json_own(a, state, err);
}

enum hq_rc
hq_state_read(struct hq_db *db, const struct hq_env *env, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err)
{
	HQ_TRY(hq_state_load(db, a, ret, err));
	if (*ret != NULL)
		return HQ_OK;
	return make(env, a, hq_json_new_array(), NULL, ret, err);
}

/* getRuntimeState - no error of its own. */
enum hq_rc
hq_state_get_runtime_state(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out, *state;

	(void)in;
	HQ_TRY(hq_state_read(c->db, c->env, c->arena, &state, err));
	out = hq_json_new_object();
	HQ_TRY(hq_json_own(c->arena, out, err));
	hq_json_put(out, "state", json_object_get(state));
	*ret_out = out;
	return HQ_OK;
}

static struct json_object *
list_of(struct json_object *state, const char *key)
{
	struct json_object *v = hq_json_get(hq_json_get(state, "plugins"), key);

	return json_object_is_type(v, json_type_array) ? v : NULL;
}

static bool
lists(struct json_object *list, const char *name)
{
	struct json_object *v;
	size_t i;

	if (list == NULL || name == NULL)
		return false;
	for (i = 0; i < json_object_array_length(list); i++) {
		v = json_object_array_get_idx(list, i);
		if (json_object_is_type(v, json_type_string) &&
		    strcmp(json_object_get_string(v), name) == 0)
			return true;
	}
	return false;
}

enum hq_rc
hq_state_is_enabled(struct hq_db *db, struct hq_arena *a,
    const struct hq_state_plugin *plugin, bool *ret, struct hq_err *err)
{
	struct json_object *state, *list;
	bool listed;

	HQ_TRY(hq_state_load(db, a, &state, err));
	list = state == NULL
	    ? NULL
	    : list_of(state, plugin->by_default ? "disabled" : "enabled");
	listed = lists(list, plugin->name) || lists(list, plugin->dir);
	*ret = plugin->by_default ? !listed : listed;
	return HQ_OK;
}

enum hq_rc
hq_state_is_listed_on(struct hq_db *db, struct hq_arena *a,
    const struct hq_listed *plugin, bool *ret, struct hq_err *err)
{
	const struct hq_state_plugin p = {
		.name = plugin->name,
		.dir = strrchr(plugin->dir, '/') + 1,
		.by_default = plugin->kind != HQ_KIND_WEB,
	};

	return hq_state_is_enabled(db, a, &p, ret, err);
}

/* A new list without name. */
static struct json_object *
without(struct json_object *list, const char *name)
{
	struct json_object *v, *out = hq_json_new_array();
	size_t i;

	for (i = 0; list != NULL && i < json_object_array_length(list); i++) {
		v = json_object_array_get_idx(list, i);
		if (json_object_is_type(v, json_type_string) &&
		    strcmp(json_object_get_string(v), name) != 0)
			hq_json_push(out, json_object_get(v));
	}
	return out;
}

struct set {
	struct hq_db *db;
	const struct hq_env *env;
	struct hq_arena *arena;
	const char *name;
	bool enabled;
};

static enum hq_rc
set_tx(void *arg, struct hq_err *err)
{
	struct set *s = arg;
	struct json_object *state, *on, *off, *into, *changed;
	struct json_object *was_on = NULL, *was_off = NULL;

	HQ_TRY(hq_state_load(s->db, s->arena, &state, err));
	if (state != NULL) {
		was_on = list_of(state, "enabled");
		was_off = list_of(state, "disabled");
	}
	if (lists(was_on, s->name) == s->enabled &&
	    lists(was_off, s->name) == !s->enabled)
		return HQ_OK;
	on = without(was_on, s->name);
	off = was_off == NULL && s->enabled ? NULL : without(was_off, s->name);
	into = s->enabled ? on : off;
	hq_json_push(into, hq_json_new_string(s->name));
	HQ_TRY(make(s->env, s->arena, on, off, &changed, err));
	if (json_object_array_length(into) > HQ_STATE_PLUGINS_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "the state names more than %d plugins",
		    HQ_STATE_PLUGINS_MAX);
	return store(s->db, s->arena, changed, err);
}

enum hq_rc
hq_state_set(struct hq_db *db, const struct hq_env *env, struct hq_arena *a,
    const char *name, bool enabled, struct hq_err *err)
{
	struct set s = {
		.db = db,
		.env = env,
		.arena = a,
		.name = name,
		.enabled = enabled,
	};

	if (name[0] == '\0' || strlen(name) > HQ_STATE_NAME_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "a plugin's name has 1 to %d bytes",
		    HQ_STATE_NAME_BYTES_MAX);
	return hq_db_tx(db, set_tx, &s, err);
}

/* ---------------------------------------------------------------- import -- */

struct import {
	struct hq_db *db;
	struct hq_arena *arena;
	struct json_object *state;
	bool kept, done;
};

static bool
all_strings(struct json_object *list)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i),
			json_type_string))
			return false;
	return true;
}

/* NULL, or why the document is not one that a caller could be given. */
static const char *
fault(struct json_object *state)
{
	struct json_object *plugins, *off;

	if (!json_object_is_type(state, json_type_object) ||
	    hq_json_i64(state, "version", 0) != 1)
		return "version is not 1";
	plugins = hq_json_get(state, "plugins");
	if (!json_object_is_type(plugins, json_type_object))
		return "plugins is not an object";
	if (list_of(state, "enabled") == NULL ||
	    !all_strings(list_of(state, "enabled")))
		return "plugins.enabled is not an array of strings";
	if (json_object_object_get_ex(plugins, "disabled", &off) &&
	    (list_of(state, "disabled") == NULL || !all_strings(off)))
		return "plugins.disabled is not an array of strings";
	if (hq_json_str(plugins, "lastUpdatedAt") == NULL)
		return "plugins.lastUpdatedAt is not a string";
	return NULL;
}

/* When a document was made; INT64_MIN where its date is none. */
static int64_t
date_of(struct json_object *state)
{
	const char *text =
	    hq_json_str(hq_json_get(state, "plugins"), "lastUpdatedAt");
	int64_t ms;

	return text != NULL && hq_iso_to_ms(text, &ms) ? ms : INT64_MIN;
}

static enum hq_rc
import_tx(void *arg, struct hq_err *err)
{
	struct import *m = arg;
	struct json_object *have;

	HQ_TRY(hq_state_load(m->db, m->arena, &have, err));
	m->kept = have != NULL && date_of(have) > date_of(m->state);
	if (m->kept)
		return HQ_OK;
	m->done = true;
	return store(m->db, m->arena, m->state, err);
}

/*
 * Read and judge the file; *ret_why is NULL if .state is set.  A failure is the
 * system's: what is wrong with the file is only told.
 */
static enum hq_rc
import_read(struct import *m, const char *path, const char **ret_why,
    struct hq_err *err)
{
	struct hq_err why = { 0 };
	enum hq_rc rc;
	char *text;
	size_t n;

	rc = hq_file_read(path, HQ_STATE_FILE_BYTES_MAX, m->arena, &text, &n,
	    &why);
	if (rc == HQ_OK)
		rc = hq_json_parse(m->arena, text, n, &m->state, &why);
	if (rc == HQ_E_INTERNAL_SERVER_ERROR)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s", why.msg);
	*ret_why = rc == HQ_OK ? fault(m->state)
			       : hq_arena_printf(m->arena, "%s", why.msg);
	return HQ_OK;
}

enum hq_rc
hq_state_import(struct hq_db *db, const char *dir, hq_state_report *report,
    void *arg, bool *ret_imported, struct hq_err *err)
{
	enum { ARENA_BYTES = 32 * HQ_STATE_FILE_BYTES_MAX };
	struct import m = { .db = db, .arena = hq_arena_new(ARENA_BYTES) };
	enum hq_rc rc = HQ_OK;
	const char *path, *why = NULL;

	*ret_imported = false;
	path = hq_arena_printf(m.arena, "%s/state/state.json", dir);
	if (path == NULL) {
		rc = HQ_FAIL(err, BAD_REQUEST, "the path is too long");
		goto out;
	}
	rc = import_read(&m, path, &why, err);
	if (why != NULL)
		report(arg, path, why);
	if (rc != HQ_OK || why != NULL)
		goto out;
	rc = hq_db_tx(db, import_tx, &m, err);
	if (m.kept)
		report(arg, path, "the stored state is newer; it was kept");
	*ret_imported = rc == HQ_OK && m.done;
out:
	hq_arena_free(m.arena);
	return rc;
}

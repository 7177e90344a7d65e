/* rawr plugins: the switches of the runtime state. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "domain/state/state.h"
#include "hq/manifest.h"
#include "proto/contract.h"

static enum hq_rc
push_row(struct hq_cli *c, struct hq_db *db, struct json_object *rows,
    const char *kind, const struct hq_state_plugin *p, struct hq_err *err)
{
	struct json_object *o;
	bool on;

	HQ_TRY(hq_state_is_enabled(db, c->arena, p, &on, err));
	o = hq_json_new_object();
	hq_json_put_str(o, "name", p->name);
	hq_json_put_str(o, "dir", p->dir);
	hq_json_put_str(o, "kind", kind);
	hq_json_put_bool(o, "enabled", on);
	hq_json_push(rows, o);
	return HQ_OK;
}

/* A web plugin's package name; its directory's where there is none. */
static const char *
web_name(struct hq_cli *c, const char *dir)
{
	struct json_object *package;
	const char *path, *name;
	char *text;
	size_t n;

	path = hq_arena_printf(c->arena, "%s/%s/package.json",
	    c->config.s[HQ_SET_RAWR_WEB_PLUGINS], dir);
	if (path == NULL ||
	    hq_file_read(path, HQ_MANIFEST_FILE_MAX, c->arena, &text, &n,
		NULL) != HQ_OK ||
	    hq_json_parse(c->arena, text, n, &package, NULL) != HQ_OK)
		return dir;
	name = hq_json_str(package, "name");
	return name == NULL ? dir : name;
}

static enum hq_rc
list_web(struct hq_cli *c, struct hq_db *db, struct json_object *rows,
    struct hq_err *err)
{
	const char *base = c->config.s[HQ_SET_RAWR_WEB_PLUGINS];
	struct hq_state_plugin p = { 0 };
	enum hq_rc rc = HQ_OK;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if ((d = opendir(base)) == NULL)
		return HQ_OK; /* no web plugins */
	while (rc == HQ_OK &&
	    (e = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
		const char *path =
		    hq_arena_printf(c->arena, "%s/%s", base, e->d_name);

		if (e->d_name[0] == '.' || path == NULL ||
		    stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
			continue;
		p.dir = hq_arena_printf(c->arena, "%s", e->d_name);
		p.name = web_name(c, p.dir);
		rc = push_row(c, db, rows, hq_kind_name(HQ_KIND_WEB), &p, err);
	}
	(void)closedir(d);
	return rc;
}

static enum hq_rc
list_linked(struct hq_cli *c, struct hq_db *db, struct json_object *rows,
    struct hq_err *err)
{
	const struct hq_listed *p;

	for (p = hq_listing; p->name != NULL; p++) {
		const struct hq_state_plugin sp = {
			.name = p->name,
			.dir = strrchr(p->dir, '/') + 1,
			.by_default = true,
		};

		if (p->kind != HQ_KIND_WEB) /* which need not be linked */
			HQ_TRY(push_row(c, db, rows, hq_kind_name(p->kind), &sp,
			    err));
	}
	return HQ_OK;
}

static enum hq_rc
list(struct hq_cli *c, struct hq_db *db, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *rows = hq_json_new_array();

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "plugins", rows);
	HQ_TRY(list_linked(c, db, rows, err));
	return list_web(c, db, rows, err);
}

static enum hq_rc
run_list(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(hq_cli_open(c, true, &db, err));
	rc = list(c, db, ret, err);
	hq_db_close(db);
	return rc;
}

static void
print_list(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "plugins"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%-4s %-10s %s\n",
		    hq_json_bool(o, "enabled", false) ? "on" : "off",
		    hq_json_str(o, "kind"), hq_json_str(o, "name"));
	}
}

static bool
is_listed(struct json_object *result, const char *name)
{
	struct json_object *rows = hq_json_get(result, "plugins"), *o;
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		if (strcmp(hq_json_str(o, "name"), name) == 0 ||
		    strcmp(hq_json_str(o, "dir"), name) == 0)
			return true;
	}
	return false;
}

static enum hq_rc
throw_switch(struct hq_cli *c, bool on, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *known;
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(hq_cli_open(c, true, &db, err));
	rc = list(c, db, &known, err);
	if (rc == HQ_OK && !is_listed(known, c->argv[0]))
		rc = HQ_FAIL(err, NOT_FOUND,
		    "no plugin %s; see rawr plugins list", c->argv[0]);
	if (rc == HQ_OK)
		rc = hq_state_set(db, c->env, c->arena, c->argv[0], on, err);
	hq_db_close(db);
	HQ_TRY(rc);
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "name", c->argv[0]);
	hq_json_put_bool(*ret, "enabled", on);
	return HQ_OK;
}

static enum hq_rc
run_enable(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return throw_switch(c, true, ret, err);
}

static enum hq_rc
run_disable(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return throw_switch(c, false, ret, err);
}

static void
print_switch(const struct hq_cli *c, struct json_object *r)
{
	(void)printf("%s: %s%s\n", hq_json_str(r, "name"),
	    c->dry_run ? "would be " : "",
	    hq_json_bool(r, "enabled", false) ? "on" : "off");
}

const struct hq_command hq_commands_plugins[] = {
	{ "plugins", "list", "", 0, 0,
	    "what is linked or served, and what is on", run_list, print_list, 0,
	    NULL },
	{ "plugins", "enable", "NAME", 1, 1, "switch a plugin on", run_enable,
	    print_switch, HQ_CMD_MUTATES, NULL },
	{ "plugins", "disable", "NAME", 1, 1, "switch a plugin off",
	    run_disable, print_switch, HQ_CMD_MUTATES, NULL },
	{ 0 },
};

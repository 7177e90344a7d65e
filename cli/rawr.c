#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "base/version.h"
#include "cli.h"
#include "domain/state/state.h"
#include "proto/contract.h"
#include "store/admin.h"

static enum hq_rc
run_version(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	(void)err;
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "version", HQ_VERSION);
	hq_json_put_str(*ret, "sqlite", hq_sqlite_version());
	return HQ_OK;
}

static void
print_version(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)printf("rawr %s (SQLite %s)\n", hq_json_str(r, "version"),
	    hq_json_str(r, "sqlite"));
}

static enum hq_rc
run_settings(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = json_object_new_array(), *o;
	enum hq_setting s;

	(void)err;
	*ret = hq_cli_object(c);
	hq_json_put(*ret, "settings", rows);
	for (s = 0; s < HQ_SET__MAX; s++) {
		const struct hq_setting_row *row = hq_setting_row(s);

		o = json_object_new_object();
		hq_json_put_str(o, "name", row->name);
		hq_json_put_str(o, "default", row->dflt);
		hq_json_put_str(o, "unit", row->unit);
		if (row->is_int) {
			hq_json_put_i64(o, "min", row->min);
			hq_json_put_i64(o, "max", row->max);
			hq_json_put_i64(o, "value", c->config.i[s]);
		} else
			hq_json_put_str(o, "value", c->config.s[s]);
		hq_json_put_str(o, "meaning", row->text);
		hq_json_push(rows, o);
	}
	return HQ_OK;
}

/* A table's cell: a bar within it would end it. */
static void
print_cell(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			(void)putchar('\\');
		(void)putchar(*text);
	}
}

/* Markdown: the table of docs/configuration.md is this output. */
static void
print_settings(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "settings"), *o;
	size_t i;

	(void)c;
	(void)printf("| setting | default | unit | bounds | meaning |\n"
		     "| --- | --- | --- | --- | --- |\n");
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("| `%s` | `%s` | ", hq_json_str(o, "name"),
		    hq_json_str(o, "default"));
		print_cell(hq_json_str(o, "unit"));
		(void)printf(" | ");
		if (hq_json_get(o, "min") != NULL)
			(void)printf("%lld..%lld",
			    (long long)hq_json_i64(o, "min", 0),
			    (long long)hq_json_i64(o, "max", 0));
		(void)printf(" | %s |\n", hq_json_str(o, "meaning"));
	}
}

static enum hq_rc
run_setting(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	enum hq_setting s;

	for (s = 0; s < HQ_SET__MAX; s++)
		if (strcmp(hq_setting_row(s)->name, c->argv[0]) == 0)
			break;
	if (s == HQ_SET__MAX)
		return HQ_FAIL(err, NOT_FOUND,
		    "no setting %s; see rawr settings", c->argv[0]);
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "name", c->argv[0]);
	hq_json_put_str(*ret, "value",
	    hq_setting_row(s)->is_int
		? hq_arena_printf(c->arena, "%lld", (long long)c->config.i[s])
		: c->config.s[s]);
	return HQ_OK;
}

static void
print_setting(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)printf("%s\n", hq_json_str(r, "value"));
}

static const struct hq_command own[] = {
	{ NULL, "version", "", 0, 0, "what this is, and its SQLite",
	    run_version, print_version },
	{ NULL, "settings", "", 0, 0,
	    "every setting with default, unit, bounds and present value",
	    run_settings, print_settings },
	{ NULL, "setting", "NAME", 1, 1, "the present value of one setting",
	    run_setting, print_setting },
	{ 0 },
};

static const struct hq_command *const tables[] = { hq_commands_hq,
	hq_commands_plugins, hq_commands_db, hq_commands_import, own, NULL };

/* ----------------------------------------------------------------- helpers -- */

struct json_object *
hq_cli_object(struct hq_cli *c)
{
	struct json_object *o = json_object_new_object();
	enum hq_rc rc = hq_json_own(c->arena, o, NULL);

	HQ_ASSERT(rc == HQ_OK);
	return o;
}

enum hq_rc
hq_cli_open(struct hq_cli *c, bool migrate, struct hq_db **ret,
    struct hq_err *err)
{
	struct hq_db_opts o = {
		.path = c->config.s[HQ_SET_RAWR_STORE],
		.modules = c->modules,
		.migrate = migrate,
		.write_wait_ms = c->config.i[HQ_SET_RAWR_WRITE_WAIT],
	};

	return hq_db_open(&o, ret, err);
}

static const struct hq_module **
modules_of(struct hq_arena *a)
{
	enum { MODULES_MAX = 256 };
	const struct hq_module **m, *const *from;
	const struct hq_composed *p;
	size_t k = 0;

	m = HQ_NEW(a, const struct hq_module *, MODULES_MAX + 1);
	HQ_ASSERT(m != NULL);
	m[k++] = &hq_state_store;
	for (p = hq_composition; p->plugin != NULL; p++)
		for (from = p->plugin->modules;
		     from != NULL && *from != NULL && k < MODULES_MAX; from++)
			m[k++] = *from;
	return m;
}

static enum hq_cli_exit
exit_of(const struct hq_cli *c, enum hq_rc rc, const struct hq_err *e)
{
	static const struct {
		int status;
		enum hq_cli_exit code;
	} map[] = { { 400, HQ_EXIT_USAGE }, { 422, HQ_EXIT_USAGE },
		{ 413, HQ_EXIT_USAGE }, { 401, HQ_EXIT_AUTH },
		{ 403, HQ_EXIT_AUTH }, { 404, HQ_EXIT_NOT_FOUND },
		{ 409, HQ_EXIT_CONFLICT }, { 429, HQ_EXIT_LIMITED },
		{ 503, HQ_EXIT_TRANSIENT }, { 504, HQ_EXIT_TRANSIENT } };
	size_t i;

	if (c->drift)
		return HQ_EXIT_DRIFT;
	if (rc == HQ_OK)
		return HQ_EXIT_OK;
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].status == e->status)
			return map[i].code;
	return HQ_EXIT_FAILURE;
}

static void
print_document(struct hq_cli *c, enum hq_rc rc, struct json_object *result,
    const struct hq_err *e)
{
	struct json_object *doc = hq_cli_object(c), *o;
	const char *text;

	hq_json_put_i64(doc, "schema_version", HQ_CLI_SCHEMA_VERSION);
	hq_json_put_bool(doc, "ok", rc == HQ_OK);
	if (rc == HQ_OK)
		hq_json_put(doc, "result", json_object_get(result));
	else {
		o = json_object_new_object();
		hq_json_put_str(o, "code", e->name);
		hq_json_put_str(o, "message", e->msg);
		hq_json_put_bool(o, "retryable",
		    exit_of(c, rc, e) == HQ_EXIT_TRANSIENT);
		hq_json_put(doc, "error", o);
	}
	text = hq_json_text(c->arena, doc);
	(void)printf("%s\n", text == NULL ? "{}" : text);
}

static void
usage(FILE *to)
{
	const struct hq_command *const *t, *cmd;
	char line[128];

	(void)fprintf(to,
	    "usage: rawr [--json] [--root DIR] COMMAND [ARGUMENT...]\n\n");
	for (t = tables; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++) {
			(void)snprintf(line, sizeof(line), "%s%s%s %s",
			    cmd->group == NULL ? "" : cmd->group,
			    cmd->group == NULL ? "" : " ", cmd->name,
			    cmd->args);
			(void)fprintf(to, "  %-32s %s\n", line, cmd->summary);
		}
	(void)fprintf(to,
	    "\nSettings come from the environment: rawr settings.  Exit: 0 ok, "
	    "1 failure,\n2 usage, 3 not found, 4 not allowed, 5 conflict, "
	    "6 limited, 7 try again, 8 drift.\n");
}

/* --------------------------------------------------------------------- main -- */

static const char *
system_env(const char *name)
{
	return getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* Take the options wherever they stand; the words that are left are compacted. */
static enum hq_rc
take_options(struct hq_cli *c, int argc, char *argv[], bool *ret_help,
    struct hq_err *err)
{
	int i;

	c->argv = argv + 1;
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			c->json = true;
		else if (strcmp(argv[i], "--help") == 0)
			*ret_help = true;
		else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc)
			c->root = argv[++i];
		else if (strncmp(argv[i], "--", 2) == 0)
			return HQ_FAIL(err, BAD_REQUEST,
			    "unknown option %s; see rawr --help", argv[i]);
		else
			c->argv[c->argc++] = argv[i];
	}
	return HQ_OK;
}

/* The command that the words name; moves past its name. */
static const struct hq_command *
find(struct hq_cli *c)
{
	const struct hq_command *const *t, *cmd;
	int words;

	for (t = tables; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++) {
			words = cmd->group == NULL ? 1 : 2;
			if (c->argc < words ||
			    (words == 2 &&
				strcmp(c->argv[0], cmd->group) != 0) ||
			    strcmp(c->argv[words - 1], cmd->name) != 0)
				continue;
			c->argc -= words;
			c->argv += words;
			return cmd;
		}
	return NULL;
}

static enum hq_rc
run(struct hq_cli *c, const struct hq_command **ret_cmd,
    struct json_object **ret, struct hq_err *err)
{
	const struct hq_command *cmd = find(c);

	if (cmd == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "no such command%s%s; see rawr --help",
		    c->argc > 0 ? ": " : "", c->argc > 0 ? c->argv[0] : "");
	if (c->argc < cmd->min_args || c->argc > cmd->max_args)
		return HQ_FAIL(err, BAD_REQUEST, "usage: rawr %s%s%s %s",
		    cmd->group == NULL ? "" : cmd->group,
		    cmd->group == NULL ? "" : " ", cmd->name, cmd->args);
	*ret_cmd = cmd;
	HQ_TRY(hq_config_load(&c->config, system_env, c->arena, err));
	c->modules = modules_of(c->arena);
	return cmd->run(c, ret, err);
}

static void
on_interrupt(int sig)
{
	(void)sig;
	_exit(HQ_EXIT_INTERRUPTED);
}

int
main(int argc, char *argv[])
{
	struct hq_cli c = { .root = ".", .env = hq_env_system() };
	const struct hq_command *cmd = NULL;
	struct json_object *result = NULL;
	struct hq_err err = { 0 };
	bool help = false;
	enum hq_rc rc;
	int status;

	(void)signal(SIGINT, on_interrupt);
	hq_process_stack();
	hq_log_open("rawr", HQ_WARN);
	c.arena = hq_arena_new(HQ_CLI_ARENA_MAX);
	rc = take_options(&c, argc, argv, &help, &err);
	if (rc == HQ_OK && help) {
		usage(stdout);
		hq_arena_free(c.arena);
		return HQ_EXIT_OK;
	}
	if (rc == HQ_OK)
		rc = run(&c, &cmd, &result, &err);
	if (c.json)
		print_document(&c, rc, result, &err);
	else if (rc == HQ_OK)
		cmd->print(&c, result);
	else
		(void)fprintf(stderr, "rawr: %s\n", err.msg);
	status = (int)exit_of(&c, rc, &err);
	hq_arena_free(c.arena);
	return status;
}

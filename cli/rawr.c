#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "cli.h"
#include "domain/coordination/export.h"
#include "domain/state/state.h"
#include "hq/manifest.h"
#include "proto/contract.h"

const struct hq_command *const hq_commands[] = {
	hq_commands_workflow,
	hq_commands_runs,
	hq_commands_tasks,
	hq_commands_events,
	hq_commands_plugins,
	hq_commands_agents,
	hq_commands_db,
	hq_commands_look,
	hq_commands_import,
	hq_commands_export,
	hq_commands_doctor,
	hq_commands_explain,
	hq_commands_hq,
	hq_commands_own,
	NULL,
};

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
	m[k++] = &hq_coordination_export;
	for (p = hq_composition; p->plugin != NULL; p++)
		for (from = p->plugin->modules;
		     from != NULL && *from != NULL && k < MODULES_MAX; from++)
			m[k++] = *from;
	return m;
}

/* --------------------------------------------------------------------- main -- */

static const char *
system_env(const char *name)
{
	return getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* A plugin's command runs while the plugin is on. */
static enum hq_rc
check_switch(struct hq_cli *c, struct hq_err *err)
{
	const struct hq_cli_composed *row = hq_cli_plugin_of(c, c->command);
	struct hq_state_plugin p = { .by_default = true };
	struct hq_db *db;
	enum hq_rc rc;
	bool on;

	if (row == NULL)
		return HQ_OK;
	p.name = row->name;
	p.dir = strrchr(row->dir, '/') + 1;
	HQ_TRY(hq_cli_open(c, true, &db, err));
	rc = hq_state_is_enabled(db, c->arena, &p, &on, err);
	hq_db_close(db);
	HQ_TRY(rc);
	if (on)
		return HQ_OK;
	return HQ_FAIL(err, CONFLICT,
	    "%s is of a plugin that is off: rawr plugins enable %s",
	    hq_command_name(c->arena, c->command), row->name);
}

static enum hq_rc
run(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	int64_t every = 0;
	enum hq_rc rc;

	rc = hq_config_load(&c->config, system_env, c->arena, err);
	if (rc != HQ_OK && (c->command->flags & HQ_CMD_BARE) == 0)
		return rc;
	HQ_TRY(hq_cli_opt_i64(c, "--progress", 1, INT32_MAX, &every, err));
	c->composition = hq_composition;
	c->modules = modules_of(c->arena);
	HQ_TRY(check_switch(c, err));
	return c->command->run(c, ret, err);
}

static void
help(const struct hq_cli *c)
{
	if (c->command == NULL)
		hq_cli_usage(c, stdout);
	else
		hq_cli_help(c->command, stdout);
}

/* So that a call that cannot be read is answered in the form it asks for. */
static bool
wants_json(int argc, char *argv[])
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* A plugin that is wrong is told of to who calls what it may have been. */
static enum hq_rc
take(struct hq_cli *c, int argc, char *argv[], struct hq_err *err)
{
	struct hq_err wrong = { 0 };
	enum hq_rc loaded = hq_cli_commands_load(c, &wrong);
	enum hq_rc rc = hq_args_take(c, argc, argv, err);

	if (rc == HQ_OK || c->command != NULL || loaded == HQ_OK)
		return rc;
	*err = wrong;
	return loaded;
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
	struct json_object *result = NULL;
	struct hq_err err = { 0 };
	enum hq_rc rc;
	int status;

	(void)signal(SIGINT, on_interrupt);
	hq_process_stack();
	hq_log_open("rawr", HQ_WARN);
	c.arena = hq_arena_new(HQ_CLI_ARENA_MAX);
	c.json = wants_json(argc, argv);
	rc = take(&c, argc, argv, &err);
	if (rc == HQ_OK && hq_cli_opt(&c, "--help") != NULL) {
		help(&c);
		hq_arena_free(c.arena);
		return HQ_EXIT_OK;
	}
	if (rc == HQ_OK)
		rc = run(&c, &result, &err);
	if (c.json)
		hq_cli_document(&c, rc, result, &err);
	else if (rc == HQ_OK)
		c.command->print(&c, result);
	else
		hq_cli_complain(&c, rc, &err);
	status = (int)hq_cli_exit_of(&c, rc, &err);
	hq_arena_free(c.arena);
	return status;
}

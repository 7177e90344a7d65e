/*
 * cli/cli.h - `rawr`: a table of commands, what was typed, and what is said.
 *
 * Progress and errors go to stderr, a command's result to stdout.
 */
#ifndef HQ_CLI_CLI_H
#define HQ_CLI_CLI_H

#include <stdio.h>

#include "command/command.h"

enum {
	HQ_CLI_SCHEMA_VERSION = 1,
	HQ_CLI_ARENA_MAX = 1 << 30,
	HQ_CLI_PROGRESS_MS = 100, /* between two looks at a terminal */
};

/* Exit statuses; stable. */
enum hq_cli_exit {
	HQ_EXIT_OK = 0,
	HQ_EXIT_FAILURE = 1,
	HQ_EXIT_USAGE = 2, /* or validation: do not retry */
	HQ_EXIT_NOT_FOUND = 3,
	HQ_EXIT_AUTH = 4,
	HQ_EXIT_CONFLICT = 5,
	HQ_EXIT_LIMITED = 6,
	HQ_EXIT_TRANSIENT = 7, /* retry */
	HQ_EXIT_DRIFT = 8,
	HQ_EXIT_INTERRUPTED = 130,
};

/* Our own.  Each ends with { 0 }; the list ends with NULL. */
extern const struct hq_command hq_commands_hq[], hq_commands_plugins[],
    hq_commands_agents[], hq_commands_db[], hq_commands_look[],
    hq_commands_import[], hq_commands_export[], hq_commands_workflow[],
    hq_commands_runs[], hq_commands_tasks[], hq_commands_events[],
    hq_commands_doctor[], hq_commands_explain[], hq_commands_own[];
extern const struct hq_command *const hq_commands[];
extern const struct hq_option hq_options[]; /* of every command */

/* ----------------------------------------------------- commands of plugins -- */

enum { HQ_CLI_WORDS_MAX = 1024 }; /* that a plugin's command may take */

/*
 * Set c->commands: our own, then those of the plugins.  BAD_REQUEST says what is
 * wrong with which plugin: a key, a name that is taken, a command without a
 * function, a function without a command.  Then those before it are there.
 */
enum hq_rc hq_cli_commands_load(struct hq_cli *c, struct hq_err *err) HQ_MUST;
/* The plugin that a command is of; NULL if it is our own. */
const struct hq_cli_composed *hq_cli_plugin_of(const struct hq_cli *c,
    const struct hq_command *cmd);

/* --------------------------------------------------------- the words given -- */

/*
 * Find the command and its options; they may stand anywhere after it, as
 * "--name VALUE" or "--name=VALUE", and "--" ends them.  BAD_REQUEST says what
 * is wrong.  c->command stays NULL where no word names one.
 */
enum hq_rc hq_args_take(struct hq_cli *c, int argc, char *argv[],
    struct hq_err *err) HQ_MUST;

/* One line of a timeline. */
void hq_cli_print_event(struct json_object *event, FILE *to);

/* "group name", in the arena. */
const char *hq_command_name(struct hq_arena *a, const struct hq_command *cmd);

/* ------------------------------------------------------------- the outcome -- */

enum hq_cli_exit hq_cli_exit_of(const struct hq_cli *c, enum hq_rc rc,
    const struct hq_err *err);
/* The one document, on stdout. */
void hq_cli_document(struct hq_cli *c, enum hq_rc rc,
    struct json_object *result, const struct hq_err *err);
/* For people, on stderr. */
void hq_cli_complain(struct hq_cli *c, enum hq_rc rc, const struct hq_err *err);
void hq_cli_usage(const struct hq_cli *c, FILE *to);
/* A command's usage and options. */
void hq_cli_help(const struct hq_command *cmd, FILE *to);
/* Prints the result as indented JSON: for results that are documents. */
void hq_cli_print_json(const struct hq_cli *c, struct json_object *result);

/* What a code means and what to do; NULL where the table says nothing. */
struct hq_explained {
	const char *code, *meaning, *fix;
};
const struct hq_explained *hq_cli_explained(const char *code);

/* How far a long command is: on a terminal, or with --progress, on stderr. */
struct hq_progress {
	const struct hq_cli *c;
	const char *what;
	int64_t every; /* --progress; 0: not asked for */
	int64_t told_ms;
	bool terminal;
};
void hq_progress_start(struct hq_progress *p, const struct hq_cli *c,
    const char *what);
void hq_progress_step(struct hq_progress *p, size_t done, size_t total);
void hq_progress_end(struct hq_progress *p);

#endif /* HQ_CLI_CLI_H */

/*
 * cli/cli.h - `rawr`: a table of subcommands.
 *
 * A command computes one JSON result.  With --json that result is the one
 * document on stdout, on failure too; without, the command prints it for
 * people.  Everything else (progress, errors) goes to stderr.
 */
#ifndef HQ_CLI_CLI_H
#define HQ_CLI_CLI_H

#include <stdio.h>

#include "base/config.h"
#include "base/env.h"
#include "store/db.h"
#include "json/json.h"

enum { HQ_CLI_SCHEMA_VERSION = 1, HQ_CLI_ARENA_MAX = 1 << 30 };

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

/* A row per option: of one command, or of all. */
struct hq_option {
	const char *name;  /* "--input" */
	const char *value; /* "JSON", for the usage line; NULL: a switch */
	const char *text;
	/* What it sets in a procedure's input; or NULL. */
	const char *member;
	enum { HQ_OPT_TEXT, HQ_OPT_WHOLE, HQ_OPT_JSON, HQ_OPT_FALSE } kind;
};

enum {
	HQ_CLI_OPTIONS_MAX = 32,     /* in one call */
	HQ_CLI_INPUT_MAX = 16 << 20, /* bytes of a FILE or of stdin */
	HQ_CLI_PROGRESS_MS = 100,    /* between two looks at a terminal */
};

struct hq_command;
struct hq_cli;

/* *ret: the result; owned by the arena. */
typedef enum hq_rc hq_command_run(struct hq_cli *c, struct json_object **ret,
    struct hq_err *err);
typedef void hq_command_print(const struct hq_cli *c,
    struct json_object *result);

struct hq_cli {
	struct hq_arena *arena;
	const struct hq_env *env;
	struct hq_config config;
	const struct hq_module *const *modules; /* of the whole composition */
	/* Tables, each ending with { 0 }; ends with NULL. */
	const struct hq_command *const *commands;
	const struct hq_command *command;
	const char *root; /* --root: the tree that holds plugins/ */
	bool json;        /* --json */
	bool dry_run;     /* --dry-run: validate, say what would be, no more */
	bool drift;       /* set by a command that found drift: exit 8 */
	bool failed;      /* set by a command whose result is bad: exit 1 */
	int argc;         /* words after the command's name */
	char **argv;
	int n_given;
	struct {
		const struct hq_option *option;
		const char *value; /* "" for a switch */
	} given[HQ_CLI_OPTIONS_MAX];
};

enum {
	HQ_CMD_MUTATES = 1, /* knows --dry-run */
	HQ_CMD_LONG = 2,    /* knows --progress */
	HQ_CMD_BARE = 4,    /* needs no valid settings */
};

struct hq_command {
	const char *group; /* "db", or NULL */
	const char *name;  /* "backup" */
	const char *args;  /* "FILE", for the usage line; "" if none */
	int min_args, max_args;
	const char *summary;
	hq_command_run *run;
	hq_command_print *print;
	unsigned flags;
	const struct hq_option *options; /* ends with { 0 }; or NULL */
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

/*
 * A plugin of kind cli says in commands.json what its commands take, and binds
 * each by name to what it does.  It may include cli.h and operator.h.
 */
struct hq_command_binding {
	const char *name; /* "notes add" */
	hq_command_run *run;
	hq_command_print *print;
};
struct hq_cli_plugin {
	const struct hq_command_binding *commands; /* ends with { 0 } */
};

/* One row of the composition that the build generates from rawr.hq.json. */
struct hq_cli_composed {
	const char *name; /* of the plugin: what is switched */
	const char *dir;  /* "plugins/cli/notes" */
	const struct hq_cli_plugin *plugin;
	const char *commands; /* commands.json */
};
extern const struct hq_cli_composed hq_cli_composition[]; /* ends with { 0 } */

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

/* An option's value, "" for a switch; NULL if it was not given. */
const char *hq_cli_opt(const struct hq_cli *c, const char *name);
/* A whole number; dflt if not given.  BAD_REQUEST if it is none in bounds. */
enum hq_rc hq_cli_opt_i64(const struct hq_cli *c, const char *name, int64_t min,
    int64_t max, int64_t *ret, struct hq_err *err) HQ_MUST;
/* Its JSON; *ret NULL if it was not given.  BAD_REQUEST names the option. */
enum hq_rc hq_cli_opt_json(struct hq_cli *c, const char *name,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* One line of a timeline. */
void hq_cli_print_event(struct json_object *event, FILE *to);

/*
 * A procedure's input: the first word as word_member (or NULL: none), and what
 * was given of the options that have a member.  BAD_REQUEST.
 */
enum hq_rc hq_cli_input(struct hq_cli *c, const char *word_member,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* All of a file, or of stdin for "-". */
enum hq_rc hq_cli_read(struct hq_cli *c, const char *file, char **ret,
    size_t *ret_n, struct hq_err *err) HQ_MUST;
enum hq_rc hq_cli_read_json(struct hq_cli *c, const char *file,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

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

/* --------------------------------------------------------------- the store -- */

/*
 * The store of the configuration; the caller closes.  A dry run opens what is
 * there and migrates nothing.
 */
enum hq_rc hq_cli_open(struct hq_cli *c, bool migrate, struct hq_db **ret,
    struct hq_err *err) HQ_MUST;

/* A new object owned by the arena. */
struct json_object *hq_cli_object(struct hq_cli *c);

#endif /* HQ_CLI_CLI_H */

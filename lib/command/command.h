/*
 * command/command.h - what a command of `rawr` is: its own, and those of plugins.
 *
 * A command computes one JSON result.  With --json that result is the one
 * document on stdout, on failure too; without, its print shows it to people.
 */
#ifndef HQ_COMMAND_COMMAND_H
#define HQ_COMMAND_COMMAND_H

#include "base/config.h"
#include "base/env.h"
#include "proto/contract.h"
#include "store/db.h"
#include "json/json.h"

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
	const struct hq_composed *composition;
	const struct hq_module *const *modules; /* of the whole of it */
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

/* ----------------------------------------------------- commands of plugins -- */

/*
 * A plugin of kind cli says in commands.json what its commands take, and binds
 * each by name to what it does.
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

/* --------------------------------------------------------- what was given -- */

/* An option's value, "" for a switch; NULL if it was not given. */
const char *hq_cli_opt(const struct hq_cli *c, const char *name);
/* A whole number; dflt if not given.  BAD_REQUEST if it is none in bounds. */
enum hq_rc hq_cli_opt_i64(const struct hq_cli *c, const char *name, int64_t min,
    int64_t max, int64_t *ret, struct hq_err *err) HQ_MUST;
/* Its JSON; *ret NULL if it was not given.  BAD_REQUEST names the option. */
enum hq_rc hq_cli_opt_json(struct hq_cli *c, const char *name,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

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

/* --------------------------------------------------------------- the store -- */

/*
 * The store of the configuration; the caller closes.  A dry run opens what is
 * there and migrates nothing.
 */
enum hq_rc hq_cli_open(struct hq_cli *c, bool migrate, struct hq_db **ret,
    struct hq_err *err) HQ_MUST;

/* A new object owned by the arena. */
struct json_object *hq_cli_object(struct hq_cli *c);

#endif /* HQ_COMMAND_COMMAND_H */

/*
 * cli/cli.h - `rawr`: a table of subcommands.
 *
 * A command computes one JSON result.  With --json that result is the one
 * document on stdout, on failure too; without, the command prints it for
 * people.  Everything else (progress, errors) goes to stderr.
 */
#ifndef HQ_CLI_CLI_H
#define HQ_CLI_CLI_H

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

struct hq_cli {
	struct hq_arena *arena;
	const struct hq_env *env;
	struct hq_config config;
	const struct hq_module *const *modules; /* of the whole composition */
	const char *root; /* --root: the tree that holds plugins/ */
	bool json;        /* --json */
	bool drift;       /* set by a command that found drift: exit 8 */
	int argc;         /* words after the command's name */
	char **argv;
};

struct hq_command {
	const char *group; /* "db", or NULL */
	const char *name;  /* "backup" */
	const char *args;  /* "FILE", for the usage line; "" if none */
	int min_args, max_args;
	const char *summary;
	/* *ret: the result; owned by the arena. */
	enum hq_rc (*run)(struct hq_cli *c, struct json_object **ret,
	    struct hq_err *err);
	void (*print)(const struct hq_cli *c, struct json_object *result);
};

extern const struct hq_command hq_commands_hq[];
extern const struct hq_command hq_commands_plugins[];
extern const struct hq_command hq_commands_db[];
extern const struct hq_command hq_commands_import[];

/* The store of the configuration; the caller closes. */
enum hq_rc hq_cli_open(struct hq_cli *c, bool migrate, struct hq_db **ret,
    struct hq_err *err) HQ_MUST;

/* A new object owned by the arena. */
struct json_object *hq_cli_object(struct hq_cli *c);

#endif /* HQ_CLI_CLI_H */

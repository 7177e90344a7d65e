/* What was typed: the command's words, its options, everybody's options. */
#include <string.h>

#include "cli.h"

const struct hq_option hq_options[] = {
	{ "--json", NULL, "one JSON document on stdout, on failure too", NULL,
	    0 },
	{ "--root", "DIR", "the tree that holds plugins/; default .", NULL, 0 },
	{ "--dry-run", NULL,
	    "check everything, say what would be, change nothing", NULL, 0 },
	{ "--yes", NULL, "nothing is ever asked; accepted for scripts", NULL,
	    0 },
	{ "--progress", "N", "say how far it is every N items, on stderr", NULL,
	    0 },
	{ "--help", NULL, "this text, or that of a command", NULL, 0 },
	{ 0 },
};

/* The row of "--name" or "--name=value"; *ret_value is what follows the "=". */
static const struct hq_option *
row_of(const struct hq_option *rows, const char *word, const char **ret_value)
{
	size_t n;

	for (; rows != NULL && rows->name != NULL; rows++) {
		n = strlen(rows->name);
		if (strncmp(word, rows->name, n) != 0 ||
		    (word[n] != '\0' && word[n] != '='))
			continue;
		*ret_value = word[n] == '=' ? word + n + 1 : NULL;
		return rows;
	}
	return NULL;
}

/* The command that the words so far name; NULL if none yet. */
static const struct hq_command *
find(const struct hq_cli *c)
{
	const struct hq_command *const *t, *cmd;
	int words;

	for (t = c->commands; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++) {
			words = cmd->group == NULL ? 1 : 2;
			if (c->argc != words ||
			    (words == 2 &&
				strcmp(c->argv[0], cmd->group) != 0) ||
			    strcmp(c->argv[words - 1], cmd->name) != 0)
				continue;
			return cmd;
		}
	return NULL;
}

static void
take_word(struct hq_cli *c, char *word)
{
	c->argv[c->argc++] = word;
	if (c->command != NULL || (c->command = find(c)) == NULL)
		return;
	c->argv += c->argc;
	c->argc = 0;
}

static enum hq_rc
take_option(struct hq_cli *c, const char *word, const char *next,
    bool *ret_used_next, struct hq_err *err)
{
	const struct hq_option *row;
	const char *value = NULL;

	*ret_used_next = false;
	row = row_of(hq_options, word, &value);
	if (row == NULL && c->command != NULL)
		row = row_of(c->command->options, word, &value);
	if (row == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "unknown option %s; see rawr --help", word);
	if (row->value == NULL && value != NULL)
		return HQ_FAIL(err, BAD_REQUEST, "%s takes no value",
		    row->name);
	if (row->value != NULL && value == NULL) {
		if (next == NULL)
			return HQ_FAIL(err, BAD_REQUEST, "%s needs %s",
			    row->name, row->value);
		value = next;
		*ret_used_next = true;
	}
	if (c->n_given == HQ_CLI_OPTIONS_MAX || hq_cli_opt(c, row->name))
		return HQ_FAIL(err, BAD_REQUEST, "%s was given twice",
		    row->name);
	c->given[c->n_given].option = row;
	c->given[c->n_given++].value = value == NULL ? "" : value;
	return HQ_OK;
}

static enum hq_rc
check_words(const struct hq_cli *c, struct hq_err *err)
{
	const struct hq_command *cmd = c->command;

	if (cmd == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "no such command%s%s%s%s; see rawr --help",
		    c->argc > 0 ? ": " : "", c->argc > 0 ? c->argv[0] : "",
		    c->argc > 1 ? " " : "", c->argc > 1 ? c->argv[1] : "");
	if (c->argc < cmd->min_args || c->argc > cmd->max_args)
		return HQ_FAIL(err, BAD_REQUEST, "usage: rawr %s%s%s %s",
		    cmd->group == NULL ? "" : cmd->group,
		    cmd->group == NULL ? "" : " ", cmd->name, cmd->args);
	return HQ_OK;
}

enum hq_rc
hq_args_take(struct hq_cli *c, int argc, char *argv[], struct hq_err *err)
{
	bool words_only = false, used_next;
	int i;

	c->argv = argv + 1;
	for (i = 1; i < argc; i++) {
		if (words_only || strncmp(argv[i], "--", 2) != 0) {
			take_word(c, argv[i]);
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			words_only = true;
			continue;
		}
		HQ_TRY(take_option(c, argv[i],
		    i + 1 < argc ? argv[i + 1] : NULL, &used_next, err));
		i += used_next ? 1 : 0;
	}
	c->json = hq_cli_opt(c, "--json") != NULL;
	c->dry_run = hq_cli_opt(c, "--dry-run") != NULL;
	if (hq_cli_opt(c, "--root") != NULL)
		c->root = hq_cli_opt(c, "--root");
	return hq_cli_opt(c, "--help") != NULL ? HQ_OK : check_words(c, err);
}

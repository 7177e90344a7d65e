/* rawr about itself: version, settings, commands, completion. */
#include <string.h>

#include "base/version.h"
#include "cli.h"
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
	struct json_object *rows = hq_json_new_array(), *o;
	enum hq_setting s;

	(void)err;
	*ret = hq_cli_object(c);
	hq_json_put(*ret, "settings", rows);
	for (s = 0; s < HQ_SET__MAX; s++) {
		const struct hq_setting_row *row = hq_setting_row(s);

		o = hq_json_new_object();
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
	struct json_object *rows = hq_json_new_array(), *o;
	enum hq_setting s;
	int i;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "settings", rows);
	for (i = 0; i < c->argc; i++) {
		for (s = 0; s < HQ_SET__MAX; s++)
			if (strcmp(hq_setting_row(s)->name, c->argv[i]) == 0)
				break;
		if (s == HQ_SET__MAX)
			return HQ_FAIL(err, NOT_FOUND,
			    "no setting %s; see rawr settings", c->argv[i]);
		o = hq_json_new_object();
		hq_json_put_str(o, "name", c->argv[i]);
		hq_json_put_str(o, "value",
		    hq_setting_row(s)->is_int
			? hq_arena_printf(c->arena, "%lld",
			      (long long)c->config.i[s])
			: c->config.s[s]);
		hq_json_push(rows, o);
	}
	return HQ_OK;
}

static void
print_setting(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "settings");
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++)
		(void)printf("%s\n",
		    hq_json_str(json_object_array_get_idx(rows, i), "value"));
}

const char *
hq_command_name(struct hq_arena *a, const struct hq_command *cmd)
{
	return hq_arena_printf(a, "%s%s%s",
	    cmd->group == NULL ? "" : cmd->group, cmd->group == NULL ? "" : " ",
	    cmd->name);
}

static void
usage_line(FILE *to, const struct hq_command *cmd, int width)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s%s%s%s%s",
	    cmd->group == NULL ? "" : cmd->group, cmd->group == NULL ? "" : " ",
	    cmd->name, cmd->args[0] == '\0' ? "" : " ", cmd->args);
	(void)fprintf(to, "  %-*s %s\n", width, line, cmd->summary);
}

static void
option_lines(FILE *to, const struct hq_option *o)
{
	char line[64];

	for (; o != NULL && o->name != NULL; o++) {
		(void)snprintf(line, sizeof(line), "%s%s%s", o->name,
		    o->value == NULL ? "" : " ",
		    o->value == NULL ? "" : o->value);
		(void)fprintf(to, "  %-24s %s\n", line, o->text);
	}
}

void
hq_cli_usage(const struct hq_cli *c, FILE *to)
{
	enum { WIDTH = 34 };
	const struct hq_command *const *t, *cmd;

	(void)fprintf(to, "usage: rawr COMMAND [ARGUMENT...] [OPTION...]\n\n");
	for (t = c->commands; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++)
			usage_line(to, cmd, WIDTH);
	(void)fprintf(to, "\noptions of every command:\n");
	option_lines(to, hq_options);
	(void)fprintf(to,
	    "\nSettings come from the environment: rawr settings.  Exit: 0 ok, "
	    "1 failure,\n2 usage, 3 not found, 4 not allowed, 5 conflict, "
	    "6 limited, 7 try again, 8 drift,\n130 interrupted.\n");
}

void
hq_cli_help(const struct hq_command *cmd, FILE *to)
{
	(void)fprintf(to, "usage: rawr\n");
	usage_line(to, cmd, 0);
	if (cmd->options != NULL)
		(void)fprintf(to, "\noptions:\n");
	option_lines(to, cmd->options);
	(void)fprintf(to, "\noptions of every command:\n");
	option_lines(to, hq_options);
}

/* ----------------------------------------------------------------- commands -- */

static struct json_object *
options_json(const struct hq_option *o)
{
	struct json_object *rows = hq_json_new_array(), *row;

	for (; o != NULL && o->name != NULL; o++) {
		row = hq_json_new_object();
		hq_json_put_str(row, "name", o->name);
		if (o->value != NULL)
			hq_json_put_str(row, "value", o->value);
		hq_json_put_str(row, "text", o->text);
		hq_json_push(rows, row);
	}
	return rows;
}

static struct json_object *
command_json(struct hq_cli *c, const struct hq_command *cmd)
{
	const struct hq_cli_composed *plugin = hq_cli_plugin_of(c, cmd);
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "name", hq_command_name(c->arena, cmd));
	hq_json_put_str(o, "args", cmd->args);
	hq_json_put_i64(o, "min_args", cmd->min_args);
	hq_json_put_i64(o, "max_args", cmd->max_args);
	hq_json_put_str(o, "summary", cmd->summary);
	hq_json_put_bool(o, "mutates", (cmd->flags & HQ_CMD_MUTATES) != 0);
	hq_json_put(o, "options", options_json(cmd->options));
	if (plugin != NULL)
		hq_json_put_str(o, "plugin", plugin->name);
	return o;
}

static enum hq_rc
run_commands(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = hq_json_new_array();
	const struct hq_command *const *t, *cmd;

	(void)err;
	*ret = hq_cli_object(c);
	hq_json_put(*ret, "commands", rows);
	for (t = c->commands; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++)
			hq_json_push(rows, command_json(c, cmd));
	hq_json_put(*ret, "options", options_json(hq_options));
	return HQ_OK;
}

static void
print_commands(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "commands"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%-8s %s %s\n",
		    hq_json_bool(o, "mutates", false) ? "changes" : "reads",
		    hq_json_str(o, "name"), hq_json_str(o, "args"));
	}
}

/* --------------------------------------------------------------- completion -- */

/* Every word that may follow "rawr" or "rawr GROUP", each once. */
static void
put_words(const struct hq_cli *c, struct hq_buf *b, const char *group)
{
	const struct hq_command *const *t, *cmd;
	const char *last = "";

	for (t = c->commands; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++) {
			const char *word = cmd->name;

			if (group == NULL && cmd->group != NULL)
				word = cmd->group;
			else if (group != NULL &&
			    (cmd->group == NULL ||
				strcmp(cmd->group, group) != 0))
				continue;
			if (strcmp(word, last) != 0)
				hq_buf_printf(b, " %s", word);
			last = word;
		}
}

static void
put_options(struct hq_buf *b, const struct hq_option *o)
{
	for (; o != NULL && o->name != NULL; o++)
		hq_buf_printf(b, " %s", o->name);
}

/* One "case" arm per group and per command with options of its own. */
static void
put_arms(const struct hq_cli *c, struct hq_buf *b)
{
	const struct hq_command *const *t, *cmd;
	const char *last = "";

	for (t = c->commands; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++) {
			if (cmd->group == NULL || strcmp(cmd->group, last) == 0)
				continue;
			last = cmd->group;
			hq_buf_printf(b, "\t%s) words=\"", last);
			put_words(c, b, last);
			hq_buf_puts(b, "\" ;;\n");
		}
	for (t = c->commands; *t != NULL; t++)
		for (cmd = *t; cmd->name != NULL; cmd++) {
			if (cmd->options == NULL)
				continue;
			hq_buf_printf(b, "\t\"%s%s%s\") options=\"",
			    cmd->group == NULL ? "" : cmd->group,
			    cmd->group == NULL ? "" : " ", cmd->name);
			put_options(b, cmd->options);
			hq_buf_puts(b, "\" ;;\n");
		}
}

/* zsh runs bash's by its own bashcompinit. */
static enum hq_rc
run_completion(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	bool zsh = strcmp(c->argv[0], "zsh") == 0;
	const char *script;
	struct hq_buf b;

	if (!zsh && strcmp(c->argv[0], "bash") != 0)
		return HQ_FAIL(err, BAD_REQUEST, "completion: bash or zsh");
	hq_buf_init(&b, c->arena);
	if (zsh)
		hq_buf_puts(&b,
		    "#compdef rawr\n"
		    "autoload -U +X bashcompinit && bashcompinit\n");
	hq_buf_puts(&b,
	    "_rawr()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words= options=\n"
	    "\tCOMPREPLY=()\n"
	    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then words=\"");
	put_words(c, &b, NULL);
	hq_buf_puts(&b,
	    "\"; fi\n"
	    "\tfor at in \"${COMP_WORDS[1]}\" "
	    "\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"; do\n"
	    "\tcase $at in\n");
	put_arms(c, &b);
	hq_buf_puts(&b,
	    "\tesac\n\tdone\n"
	    "\t[ \"$COMP_CWORD\" -le 2 ] || words=\n"
	    "\toptions=\"$options");
	put_options(&b, hq_options);
	hq_buf_puts(&b,
	    "\"\n"
	    "\tcase $cur in -*) words=$options ;; esac\n"
	    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "\t[ -n \"$words\" ] || "
	    "COMPREPLY=($(compgen -f -- \"$cur\"))\n"
	    "}\ncomplete -F _rawr rawr\n");
	script = hq_buf_str(&b);
	HQ_ASSERT(script != NULL);
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "shell", c->argv[0]);
	hq_json_put_str(*ret, "script", script);
	return HQ_OK;
}

static void
print_completion(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)fputs(hq_json_str(r, "script"), stdout);
}

const struct hq_command hq_commands_own[] = {
	{ NULL, "commands", "", 0, 0,
	    "every command with its arguments and options", run_commands,
	    print_commands, HQ_CMD_BARE, NULL },
	{ NULL, "completion", "bash|zsh", 1, 1, "a script for the shell",
	    run_completion, print_completion, HQ_CMD_BARE, NULL },
	{ NULL, "settings", "", 0, 0,
	    "every setting with default, unit, bounds and present value",
	    run_settings, print_settings, 0, NULL },
	{ NULL, "setting", "NAME...", 1, HQ_SET__MAX,
	    "the present values of settings, one a line", run_setting,
	    print_setting, 0, NULL },
	{ NULL, "version", "", 0, 0, "what this is, and its SQLite",
	    run_version, print_version, HQ_CMD_BARE, NULL },
	{ 0 },
};

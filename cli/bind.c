/* Commands of plugins: commands.json, bound to the functions by their names. */
#include <string.h>

#include "cli.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

struct binder {
	struct hq_arena *arena;
	const struct hq_cli_composed *row;
	const char *name; /* of the command in hand */
};

#define WRONG(b, err, fmt, ...) \
	HQ_FAIL(err, BAD_REQUEST, "%s: %s: " fmt, (b)->row->dir, (b)->name, \
	    __VA_ARGS__)

/* ------------------------------------------------------------------- names -- */

static bool
is_word(const char *s, size_t n)
{
	return n > 0 && n <= 32 && s[0] >= 'a' && s[0] <= 'z' &&
	    strspn(s, letters) >= n;
}

/* "name" or "group name". */
static bool
split(struct hq_arena *a, const char *text, struct hq_command *ret)
{
	size_t n = strcspn(text, " ");

	if (!is_word(text, n))
		return false;
	ret->name = text;
	if (text[n] == '\0')
		return true;
	ret->group = hq_arena_copy(a, text, n);
	ret->name = text + n + 1;
	return ret->group != NULL && is_word(ret->name, strlen(ret->name));
}

static const char *
first_word(const struct hq_command *cmd)
{
	return cmd->group == NULL ? cmd->name : cmd->group;
}

/* A first word is ours or one plugin's. */
static enum hq_rc
check_word(const struct hq_cli *c, const struct binder *b,
    const struct hq_command *cmd, struct hq_err *err)
{
	const struct hq_command *const *t, *other;
	const struct hq_cli_composed *from;

	for (t = c->commands; *t != NULL; t++)
		for (other = *t; other->name != NULL; other++) {
			if (strcmp(first_word(other), first_word(cmd)) != 0)
				continue;
			from = hq_cli_plugin_of(c, other);
			if (from == NULL)
				return WRONG(b, err,
				    "%s is a word of rawr's own: begin with "
				    "another",
				    first_word(cmd));
			return WRONG(b, err,
			    "%s has commands that begin so, too: rename one",
			    from->dir);
		}
	return HQ_OK;
}

/* Within one plugin: "x" and "x y" would both be x. */
static enum hq_rc
check_lone(const struct binder *b, const struct hq_command *table,
    const struct hq_command *cmd, struct hq_err *err)
{
	for (; table < cmd; table++)
		if ((table->group == NULL) != (cmd->group == NULL) &&
		    strcmp(first_word(table), first_word(cmd)) == 0)
			return WRONG(b, err,
			    "%s cannot be a command and the first word of "
			    "others",
			    first_word(cmd));
	return HQ_OK;
}

/* ----------------------------------------------------------------- members -- */

static bool
is_one_of(const char *key, const char *const *known)
{
	for (; *known != NULL; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

static const char *
unknown_key(struct json_object *o, const char *const *known)
{
	json_object_object_foreach (o, key, value) {
		(void)value;
		if (!is_one_of(key, known))
			return key;
	}
	return NULL;
}

static enum hq_rc
check_keys(const struct binder *b, struct json_object *o,
    const char *const *known, struct hq_err *err)
{
	const char *bad;

	if (!json_object_is_type(o, json_type_object))
		return WRONG(b, err, "%s", "must be an object");
	bad = unknown_key(o, known);
	return bad == NULL ? HQ_OK : WRONG(b, err, "unknown key \"%s\"", bad);
}

/* "text" if it has none; false if it has another that is no kind. */
static bool
kind_of(const char *type, struct hq_option *ret)
{
	static const char *const types[] = {
		[HQ_OPT_TEXT] = "text",
		[HQ_OPT_WHOLE] = "whole",
		[HQ_OPT_JSON] = "json",
		[HQ_OPT_FALSE] = "false",
	};
	size_t i;

	ret->kind = HQ_OPT_TEXT;
	for (i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], type) == 0) {
			ret->kind = (unsigned)i;
			return true;
		}
	return type == NULL;
}

static enum hq_rc
read_option(const struct binder *b, struct json_object *o,
    struct hq_option *ret, struct hq_err *err)
{
	static const char *const known[] = { "name", "value", "text", "member",
		"type", NULL };
	const struct hq_option *of_all;

	HQ_TRY(check_keys(b, o, known, err));
	ret->name = hq_json_str(o, "name");
	ret->value = hq_json_str(o, "value");
	ret->text = hq_json_str(o, "text");
	ret->member = hq_json_str(o, "member");
	if (ret->name == NULL || strncmp(ret->name, "--", 2) != 0 ||
	    !is_word(ret->name + 2, strlen(ret->name + 2)))
		return WRONG(b, err, "%s",
		    "an option's \"name\" is \"--\" and a word");
	if (ret->text == NULL)
		return WRONG(b, err, "%s needs \"text\"", ret->name);
	if (!kind_of(hq_json_str(o, "type"), ret))
		return WRONG(b, err,
		    "%s: \"type\" is text, whole, json or false", ret->name);
	for (of_all = hq_options; of_all->name != NULL; of_all++)
		if (strcmp(of_all->name, ret->name) == 0)
			return WRONG(b, err, "%s is an option of every command",
			    ret->name);
	return HQ_OK;
}

static enum hq_rc
read_options(const struct binder *b, struct json_object *rows,
    const struct hq_option **ret, struct hq_err *err)
{
	size_t i,
	    n = json_object_is_type(rows, json_type_array)
	    ? json_object_array_length(rows)
	    : 0;
	struct hq_option *v = HQ_NEW(b->arena, struct hq_option, n + 1);

	HQ_ASSERT(v != NULL);
	for (i = 0; i < n; i++)
		HQ_TRY(read_option(b, json_object_array_get_idx(rows, i), &v[i],
		    err));
	*ret = n == 0 ? NULL : v;
	return HQ_OK;
}

static enum hq_rc
read_command(const struct binder *b, struct json_object *o,
    struct hq_command *ret, struct hq_err *err)
{
	static const char *const known[] = { "args", "minArgs", "maxArgs",
		"summary", "mutates", "options", NULL };
	int64_t min, max;

	HQ_TRY(check_keys(b, o, known, err));
	if (!split(b->arena, b->name, ret))
		return WRONG(b, err, "%s",
		    "a command is named by one or two words in lower case");
	ret->args = hq_json_str(o, "args");
	ret->summary = hq_json_str(o, "summary");
	min = hq_json_i64(o, "minArgs", 0);
	max = hq_json_i64(o, "maxArgs", min);
	if (ret->args == NULL)
		ret->args = "";
	if (ret->summary == NULL)
		return WRONG(b, err, "%s", "needs \"summary\"");
	if (min < 0 || max < min || max > HQ_CLI_WORDS_MAX)
		return WRONG(b, err,
		    "\"minArgs\" and \"maxArgs\" are numbers from 0 to %d",
		    HQ_CLI_WORDS_MAX);
	ret->min_args = (int)min;
	ret->max_args = (int)max;
	ret->flags = hq_json_bool(o, "mutates", false) ? HQ_CMD_MUTATES : 0;
	return read_options(b, hq_json_get(o, "options"), &ret->options, err);
}

/* ----------------------------------------------------------------- binding -- */

static enum hq_rc
bind(const struct binder *b, struct hq_command *cmd, struct hq_err *err)
{
	const struct hq_command_binding *p = b->row->plugin->commands;

	for (; p->name != NULL; p++)
		if (strcmp(p->name, b->name) == 0)
			break;
	if (p->name == NULL || p->run == NULL || p->print == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: command %s has no function: bind one in commands.c",
		    b->row->dir, b->name);
	cmd->run = p->run;
	cmd->print = p->print;
	return HQ_OK;
}

static enum hq_rc
check_left_over(const struct hq_cli_composed *row, struct json_object *commands,
    struct hq_err *err)
{
	const struct hq_command_binding *p;

	for (p = row->plugin->commands; p->name != NULL; p++)
		if (hq_json_get(commands, p->name) == NULL)
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s: function %s has no command: declare it in "
			    "commands.json or drop it from commands.c",
			    row->dir, p->name);
	return HQ_OK;
}

/* The commands of b->row, one after the other, into table. */
static enum hq_rc
bind_all(const struct hq_cli *c, struct binder *b, struct json_object *commands,
    struct hq_command *table, struct hq_err *err)
{
	struct hq_command *cmd = table;

	json_object_object_foreach (commands, key, value) {
		b->name = key;
		HQ_TRY(read_command(b, value, cmd, err));
		HQ_TRY(check_word(c, b, cmd, err));
		HQ_TRY(check_lone(b, table, cmd, err));
		HQ_TRY(bind(b, cmd++, err));
	}
	return check_left_over(b->row, commands, err);
}

static enum hq_rc
load(const struct hq_cli *c, const struct hq_cli_composed *row,
    const struct hq_command **ret, struct hq_err *err)
{
	static const char *const known[] = { "commands", NULL };
	struct binder b = { c->arena, row, "commands.json" };
	struct json_object *doc, *commands;
	struct hq_command *v;

	HQ_TRY(hq_json_parse(c->arena, row->commands, strlen(row->commands),
	    &doc, err));
	HQ_TRY(check_keys(&b, doc, known, err));
	commands = hq_json_get(doc, "commands");
	if (!json_object_is_type(commands, json_type_object))
		return WRONG(&b, err, "%s", "\"commands\" must be an object");
	v = HQ_NEW(c->arena, struct hq_command,
	    (size_t)json_object_object_length(commands) + 1);
	HQ_ASSERT(v != NULL);
	HQ_TRY(bind_all(c, &b, commands, v, err));
	*ret = v;
	return HQ_OK;
}

static size_t
count_own(void)
{
	size_t n = 0;

	while (hq_commands[n] != NULL)
		n++;
	return n;
}

enum hq_rc
hq_cli_commands_load(struct hq_cli *c, struct hq_err *err)
{
	size_t own = count_own(), n = 0, i;
	const struct hq_command **tables;

	while (hq_cli_composition[n].name != NULL)
		n++;
	tables = HQ_NEW(c->arena, const struct hq_command *, own + n + 1);
	HQ_ASSERT(tables != NULL);
	for (i = 0; i < own; i++)
		tables[i] = hq_commands[i];
	c->commands = tables;
	for (i = 0; i < n; i++)
		HQ_TRY(load(c, &hq_cli_composition[i], &tables[own + i], err));
	return HQ_OK;
}

const struct hq_cli_composed *
hq_cli_plugin_of(const struct hq_cli *c, const struct hq_command *cmd)
{
	const struct hq_command *const *t = c->commands + count_own(), *other;
	const struct hq_cli_composed *row;

	for (row = hq_cli_composition; *t != NULL; t++, row++)
		for (other = *t; other->name != NULL; other++)
			if (other == cmd)
				return row;
	return NULL;
}

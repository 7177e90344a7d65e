#include "command/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hq/manifest.h"

struct json_object *
hq_cli_object(struct hq_cli *c)
{
	struct json_object *o = hq_json_new_object();
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
		.migrate = migrate && !c->dry_run,
		.dry_run = c->dry_run,
		.write_wait_ms = c->config.i[HQ_SET_RAWR_WRITE_WAIT],
	};

	return hq_db_open(&o, ret, err);
}

/* stdin has no size to be known before. */
static enum hq_rc
read_stdin(struct hq_cli *c, char **ret, size_t *ret_n, struct hq_err *err)
{
	char *p = HQ_NEW(c->arena, char, HQ_CLI_INPUT_MAX + 1);
	size_t n;

	HQ_ASSERT(p != NULL);
	n = fread(p, 1, HQ_CLI_INPUT_MAX + 1, stdin);
	if (ferror(stdin) != 0)
		return HQ_FAIL(err, BAD_REQUEST, "stdin cannot be read");
	if (n > HQ_CLI_INPUT_MAX)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "stdin: over %d bytes",
		    HQ_CLI_INPUT_MAX);
	p[n] = '\0';
	*ret = p;
	*ret_n = n;
	return HQ_OK;
}

enum hq_rc
hq_cli_read(struct hq_cli *c, const char *file, char **ret, size_t *ret_n,
    struct hq_err *err)
{
	if (strcmp(file, "-") == 0)
		return read_stdin(c, ret, ret_n, err);
	return hq_file_read(file, HQ_CLI_INPUT_MAX, c->arena, ret, ret_n, err);
}

enum hq_rc
hq_cli_read_json(struct hq_cli *c, const char *file, struct json_object **ret,
    struct hq_err *err)
{
	struct hq_err why = { 0 };
	char *text;
	size_t n;

	HQ_TRY(hq_cli_read(c, file, &text, &n, err));
	if (hq_json_parse(c->arena, text, n, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", file, why.msg);
	return HQ_OK;
}

const char *
hq_cli_opt(const struct hq_cli *c, const char *name)
{
	int i;

	for (i = 0; i < c->n_given; i++)
		if (strcmp(c->given[i].option->name, name) == 0)
			return c->given[i].value;
	return NULL;
}

enum hq_rc
hq_cli_opt_i64(const struct hq_cli *c, const char *name, int64_t min,
    int64_t max, int64_t *ret, struct hq_err *err)
{
	const char *text = hq_cli_opt(c, name);
	long long v;
	char *end;

	if (text == NULL)
		return HQ_OK;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || v < min || v > max)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s %s: not a whole number from %lld to %lld", name, text,
		    (long long)min, (long long)max);
	*ret = v;
	return HQ_OK;
}

enum hq_rc
hq_cli_opt_json(struct hq_cli *c, const char *name, struct json_object **ret,
    struct hq_err *err)
{
	const char *text = hq_cli_opt(c, name);
	struct hq_err why = { 0 };

	*ret = NULL;
	if (text == NULL)
		return HQ_OK;
	if (text[0] == '@')
		return hq_cli_read_json(c, text + 1, ret, err);
	if (hq_json_parse(c->arena, text, strlen(text), ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", name, why.msg);
	return HQ_OK;
}

static enum hq_rc
put_given(struct hq_cli *c, struct json_object *in, const struct hq_option *o,
    struct hq_err *err)
{
	struct json_object *v;
	int64_t i = 0;

	switch (o->kind) {
	case HQ_OPT_TEXT:
		hq_json_put_str(in, o->member, hq_cli_opt(c, o->name));
		return HQ_OK;
	case HQ_OPT_FALSE:
		hq_json_put_bool(in, o->member, false);
		return HQ_OK;
	case HQ_OPT_JSON:
		HQ_TRY(hq_cli_opt_json(c, o->name, &v, err));
		hq_json_put(in, o->member, json_object_get(v));
		return HQ_OK;
	case HQ_OPT_WHOLE:
		HQ_TRY(hq_cli_opt_i64(c, o->name, 0, INT32_MAX, &i, err));
		hq_json_put_i64(in, o->member, i);
		return HQ_OK;
	}
	HQ_BUG("an option of no kind");
}

enum hq_rc
hq_cli_input(struct hq_cli *c, const char *word_member,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *in = hq_cli_object(c);
	int i;

	if (word_member != NULL)
		hq_json_put_str(in, word_member, c->argv[0]);
	for (i = 0; i < c->n_given; i++)
		if (c->given[i].option->member != NULL)
			HQ_TRY(put_given(c, in, c->given[i].option, err));
	*ret = in;
	return HQ_OK;
}

/* What a command leaves behind: its document or its text, its exit status. */
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum hq_cli_exit
hq_cli_exit_of(const struct hq_cli *c, enum hq_rc rc, const struct hq_err *e)
{
	static const struct {
		int status;
		enum hq_cli_exit code;
	} map[] = { { 400, HQ_EXIT_USAGE }, { 422, HQ_EXIT_USAGE },
		{ 413, HQ_EXIT_USAGE }, { 401, HQ_EXIT_AUTH },
		{ 403, HQ_EXIT_AUTH }, { 404, HQ_EXIT_NOT_FOUND },
		{ 409, HQ_EXIT_CONFLICT }, { 412, HQ_EXIT_CONFLICT },
		{ 429, HQ_EXIT_LIMITED }, { 503, HQ_EXIT_TRANSIENT },
		{ 504, HQ_EXIT_TRANSIENT } };
	size_t i;

	if (c->drift)
		return HQ_EXIT_DRIFT;
	if (rc == HQ_OK)
		return c->failed ? HQ_EXIT_FAILURE : HQ_EXIT_OK;
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].status == e->status)
			return map[i].code;
	return HQ_EXIT_FAILURE;
}

static struct json_object *
error_json(const struct hq_cli *c, enum hq_rc rc, const struct hq_err *e)
{
	const struct hq_explained *x = hq_cli_explained(e->name);
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "code", e->name);
	hq_json_put_str(o, "message", e->msg);
	hq_json_put_bool(o, "retryable",
	    hq_cli_exit_of(c, rc, e) == HQ_EXIT_TRANSIENT);
	if (x != NULL)
		hq_json_put_str(o, "fix", x->fix);
	if (e->data != NULL)
		hq_json_put(o, "data", json_object_get(e->data));
	return o;
}

void
hq_cli_document(struct hq_cli *c, enum hq_rc rc, struct json_object *result,
    const struct hq_err *e)
{
	struct json_object *doc = hq_cli_object(c);
	const char *text;

	hq_json_put_i64(doc, "schema_version", HQ_CLI_SCHEMA_VERSION);
	hq_json_put_bool(doc, "ok", rc == HQ_OK && !c->failed);
	if (c->command != NULL)
		hq_json_put_str(doc, "command",
		    hq_command_name(c->arena, c->command));
	if (c->dry_run)
		hq_json_put_bool(doc, "dry_run", true);
	if (rc == HQ_OK)
		hq_json_put(doc, "result", json_object_get(result));
	else
		hq_json_put(doc, "error", error_json(c, rc, e));
	text = hq_json_text(c->arena, doc);
	(void)printf("%s\n", text == NULL ? "{}" : text);
}

void
hq_cli_complain(struct hq_cli *c, enum hq_rc rc, const struct hq_err *e)
{
	const struct hq_explained *x = hq_cli_explained(e->name);
	const char *data =
	    e->data == NULL ? NULL : hq_json_text(c->arena, e->data);

	(void)rc;
	(void)fprintf(stderr, "rawr: %s\n", e->msg);
	if (data != NULL)
		(void)fprintf(stderr, "  %s\n", data);
	if (x != NULL && x->fix != NULL)
		(void)fprintf(stderr, "  %s: %s\n", e->name, x->fix);
}

void
hq_cli_print_json(const struct hq_cli *c, struct json_object *result)
{
	const char *text;
	struct hq_buf b;

	hq_buf_init(&b, c->arena);
	hq_json_write_pretty(&b, result);
	text = hq_buf_str(&b);
	(void)printf("%s\n", text == NULL ? "{}" : text);
}

/* ----------------------------------------------------------------- progress -- */

void
hq_progress_start(struct hq_progress *p, const struct hq_cli *c,
    const char *what)
{
	*p = (struct hq_progress){
		.c = c,
		.what = what,
		.terminal = isatty(STDERR_FILENO) == 1,
	};
	HQ_IGNORE(
	    hq_cli_opt_i64(c, "--progress", 0, INT64_MAX, &p->every, NULL));
}

void
hq_progress_step(struct hq_progress *p, size_t done, size_t total)
{
	int64_t now_ms;

	if (p->every > 0) {
		if (done == total || (int64_t)done % p->every == 0)
			(void)fprintf(stderr, "%s: %zu of %zu\n", p->what, done,
			    total);
		return;
	}
	if (!p->terminal)
		return;
	now_ms = hq_mono_ms(p->c->env);
	if (now_ms - p->told_ms < HQ_CLI_PROGRESS_MS && done != total)
		return;
	p->told_ms = now_ms;
	(void)fprintf(stderr, "\r%s: %zu of %zu\033[K", p->what, done, total);
}

void
hq_progress_end(struct hq_progress *p)
{
	if (p->terminal && p->told_ms != 0)
		(void)fprintf(stderr, "\r\033[K");
}

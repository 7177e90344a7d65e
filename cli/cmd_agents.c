/* rawr agents: the pages of the agents plugins that are linked. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "domain/state/state.h"

/* "coordination/skills/x/SKILL.md", as it stands in the path over HTTP. */
static const char *
place(struct hq_cli *c, const struct hq_listed *r, const struct hq_page *p)
{
	return hq_arena_printf(c->arena, "%s/%s", strrchr(r->dir, '/') + 1,
	    p->path);
}

static struct json_object *
page_json(struct hq_cli *c, const struct hq_listed *r, const struct hq_page *p,
    bool on)
{
	struct json_object *o = hq_cli_object(c);

	hq_json_put_str(o, "page", place(c, r, p));
	hq_json_put_str(o, "name", p->name);
	hq_json_put_str(o, "description", p->description);
	hq_json_put_str(o, "capability", r->capability);
	hq_json_put_str(o, "plugin", r->name);
	hq_json_put_bool(o, "enabled", on);
	return o;
}

static enum hq_rc
list(struct hq_cli *c, struct hq_db *db, struct json_object *rows,
    struct hq_err *err)
{
	const struct hq_listed *r;
	const struct hq_page *p;
	bool on;

	for (r = hq_listing; r->name != NULL; r++) {
		if (r->pages == NULL)
			continue;
		HQ_TRY(hq_state_is_listed_on(db, c->arena, r, &on, err));
		for (p = r->pages; p->path != NULL; p++)
			hq_json_push(rows,
			    json_object_get(page_json(c, r, p, on)));
	}
	return HQ_OK;
}

static enum hq_rc
run_list(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = hq_json_new_array();
	struct hq_db *db;
	enum hq_rc rc;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "pages", rows);
	HQ_TRY(hq_cli_open(c, true, &db, err));
	rc = list(c, db, rows, err);
	hq_db_close(db);
	return rc;
}

static void
print_list(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "pages"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%-4s %s\n",
		    hq_json_bool(o, "enabled", false) ? "on" : "off",
		    hq_json_str(o, "page"));
		if (hq_json_str(o, "description") != NULL)
			(void)printf("     %s\n",
			    hq_json_str(o, "description"));
	}
}

/* The page of that place, or the one page of that name. */
static enum hq_rc
find(struct hq_cli *c, const char *word, const struct hq_listed **ret_row,
    const struct hq_page **ret, struct hq_err *err)
{
	const struct hq_listed *r;
	const struct hq_page *p;

	*ret = NULL;
	for (r = hq_listing; r->name != NULL; r++)
		for (p = r->pages; p != NULL && p->path != NULL; p++) {
			if (strcmp(place(c, r, p), word) != 0 &&
			    (p->name == NULL || strcmp(p->name, word) != 0))
				continue;
			if (*ret != NULL)
				return HQ_FAIL(err, CONFLICT,
				    "%s and %s are called %s: name one",
				    place(c, *ret_row, *ret), place(c, r, p),
				    word);
			*ret_row = r;
			*ret = p;
		}
	return *ret != NULL
	    ? HQ_OK
	    : HQ_FAIL(err, NOT_FOUND, "no page %s; see rawr agents list", word);
}

static enum hq_rc
run_show(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	const struct hq_listed *r;
	const struct hq_page *p;
	struct hq_db *db;
	enum hq_rc rc;
	bool on;

	HQ_TRY(find(c, c->argv[0], &r, &p, err));
	HQ_TRY(hq_cli_open(c, true, &db, err));
	rc = hq_state_is_listed_on(db, c->arena, r, &on, err);
	hq_db_close(db);
	HQ_TRY(rc);
	if (!on)
		return HQ_FAIL(err, NOT_FOUND,
		    "%s is of a plugin that is off: rawr plugins enable %s",
		    c->argv[0], r->name);
	*ret = page_json(c, r, p, on);
	hq_json_put_str(*ret, "text", p->text);
	return HQ_OK;
}

static void
print_show(const struct hq_cli *c, struct json_object *r)
{
	(void)c;
	(void)fputs(hq_json_str(r, "text"), stdout);
}

const struct hq_command hq_commands_agents[] = {
	{ "agents", "list", "", 0, 0, "skills and workflows for agents",
	    run_list, print_list, 0, NULL },
	{ "agents", "show", "PAGE", 1, 1, "one of them, as Markdown", run_show,
	    print_show, 0, NULL },
	{ 0 },
};

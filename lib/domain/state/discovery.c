#include "domain/state/discovery.h"

#include <string.h>

#include "domain/state/state.h"

static const char llms_path[] = "/llms.txt";
static const char catalog_path[] = "/.well-known/api-catalog";
static const char plain[] = "text/plain;charset=utf-8";
static const char catalog_type[] =
    "application/linkset+json; "
    "profile=\"https://www.rfc-editor.org/info/rfc9727\"";

/* An API is what one openapi.json describes. */
struct api {
	enum hq_kind kind;      /* of its procedures */
	const char *capability; /* NULL: of all of that kind */
	const char *path;
};

struct discovery {
	struct hq_arena *arena;
	const char *base;            /* of every URL */
	const struct hq_listed **on; /* what is switched on; ends with NULL */
	struct api *apis;            /* ends with { 0 } */
};

/* ------------------------------------------------------------- what there is -- */

/* Has the API procedures of this plugin? */
static bool
is_of(const struct api *api, const struct hq_listed *r)
{
	return r->kind == api->kind && r->procedures > 0 &&
	    (api->capability == NULL ||
		strcmp(api->capability, r->capability) == 0);
}

/* Has it procedures that an agents plugin of this capability is about? */
static bool
concerns(const struct discovery *d, const struct api *api,
    const char *capability)
{
	const struct hq_listed **r;

	for (r = d->on; *r != NULL; r++)
		if (is_of(api, *r) && strcmp((*r)->capability, capability) == 0)
			return true;
	return false;
}

/* /api/orpc, then one per capability of workflows; none without procedures. */
static void
list_apis(struct discovery *d)
{
	const struct hq_listed **r;
	struct api *to = d->apis;

	*to = (struct api){ HQ_KIND_API, NULL, "/api/orpc" };
	for (r = d->on; *r != NULL && !is_of(to, *r); r++)
		;
	if (*r != NULL)
		to++;
	for (r = d->on; *r != NULL; r++) {
		*to = (struct api){ HQ_KIND_WORKFLOWS, (*r)->capability,
			hq_arena_printf(d->arena, "/api/workflows/%s",
			    (*r)->capability) };
		if (is_of(to, *r))
			to++;
	}
	*to = (struct api){ 0 };
}

static enum hq_rc
look(struct discovery *d, const struct hq_listed *rows, struct hq_db *db,
    struct hq_err *err)
{
	const struct hq_listed *r;
	size_t n = 0;
	bool on;

	for (r = rows; r->name != NULL; r++)
		n++;
	d->on = HQ_NEW(d->arena, const struct hq_listed *, n + 1);
	d->apis = HQ_NEW(d->arena, struct api, n + 2);
	if (d->on == NULL || d->apis == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no memory");
	for (r = rows, n = 0; r->name != NULL; r++) {
		HQ_TRY(hq_state_is_listed_on(db, d->arena, r, &on, err));
		if (on)
			d->on[n++] = r;
	}
	list_apis(d);
	return HQ_OK;
}

static const char *
page_path(struct discovery *d, const struct hq_listed *r,
    const struct hq_page *p)
{
	return hq_arena_printf(d->arena, "/rawr/%s/%s", r->dir, p->path);
}

/* ---------------------------------------------------------------- llms.txt -- */

static void
put_apis(struct discovery *d, struct hq_buf *b)
{
	const struct hq_listed **r;
	const struct api *api;
	const char *comma;

	hq_buf_puts(b, "\n## APIs\n\n");
	for (api = d->apis; api->path != NULL; api++) {
		hq_buf_printf(b, "- [%s](%s%s/openapi.json): OpenAPI 3.1;",
		    api->path, d->base, api->path);
		for (r = d->on, comma = ""; *r != NULL; r++)
			if (is_of(api, *r)) {
				hq_buf_printf(b, "%s %s", comma,
				    (*r)->capability);
				comma = ",";
			}
		hq_buf_puts(b, "\n");
	}
}

/* The skills, or the workflows: by where their pages stand. */
static void
put_pages(struct discovery *d, const char *title, const char *below,
    struct hq_buf *b)
{
	const struct hq_listed **r;
	const struct hq_page *p;
	bool told = false;

	for (r = d->on; *r != NULL; r++)
		for (p = (*r)->pages; p != NULL && p->path != NULL; p++) {
			if (p->name == NULL ||
			    strncmp(p->path, below, strlen(below)) != 0)
				continue;
			if (!told)
				hq_buf_printf(b, "\n## %s\n\n", title);
			told = true;
			hq_buf_printf(b, "- [%s](%s%s): %s\n", p->name, d->base,
			    page_path(d, *r, p), p->description);
		}
}

static const char *
write_llms(struct discovery *d)
{
	struct hq_buf b;

	hq_buf_init(&b, d->arena);
	hq_buf_puts(&b,
	    "# rawr\n\n"
	    "> Typed procedures over HTTP, durable workflows, and tasks that "
	    "agents do.\n\n"
	    "What may be called stands in the OpenAPI documents below, each with "
	    "its input,\noutput and errors. Bodies are JSON. Where a token is "
	    "asked for (401), send\n`Authorization: Bearer` with a published "
	    "API token.\n");
	put_apis(d, &b);
	put_pages(d, "Skills", "skills/", &b);
	put_pages(d, "Workflows", "workflows/", &b);
	hq_buf_printf(&b,
	    "\n## Optional\n\n"
	    "- [API catalog](%s%s): the APIs as a linkset, RFC 9727\n"
	    "- [Health](%s/health): `{\"ok\":true}` while it serves\n",
	    d->base, catalog_path, d->base);
	return hq_buf_str(&b);
}

/* ----------------------------------------------------------------- catalog -- */

/* Append a target: {href, type?, title?}. */
static void
put_target(struct discovery *d, struct json_object *to, const char *path,
    const char *type, const char *title)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "href",
	    hq_arena_printf(d->arena, "%s%s", d->base, path));
	if (type != NULL)
		hq_json_put_str(o, "type", type);
	if (title != NULL)
		hq_json_put_str(o, "title", title);
	hq_json_push(to, o);
}

static struct json_object *
put_targets(struct json_object *context, const char *relation)
{
	struct json_object *rows = hq_json_new_array();

	hq_json_put(context, relation, rows);
	return rows;
}

static struct json_object *
new_context(struct discovery *d, struct json_object *linkset, const char *path)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "anchor",
	    hq_arena_printf(d->arena, "%s%s", d->base, path));
	hq_json_push(linkset, o);
	return o;
}

static void
put_api(struct discovery *d, const struct api *api, struct json_object *linkset)
{
	struct json_object *o = new_context(d, linkset, api->path), *docs;
	const struct hq_listed **r;
	const struct hq_page *p;

	put_target(d, put_targets(o, "service-desc"),
	    hq_arena_printf(d->arena, "%s/openapi.json", api->path),
	    "application/json", NULL);
	docs = put_targets(o, "service-doc");
	put_target(d, docs, llms_path, "text/markdown", NULL);
	for (r = d->on; *r != NULL; r++)
		for (p = (*r)->pages; p != NULL && p->path != NULL; p++)
			if (p->name != NULL &&
			    concerns(d, api, (*r)->capability))
				put_target(d, docs, page_path(d, *r, p),
				    "text/markdown", p->name);
	put_target(d, put_targets(o, "status"), "/health", "application/json",
	    NULL);
}

static enum hq_rc
write_catalog(struct discovery *d, const char **ret, struct hq_err *err)
{
	struct json_object *doc = hq_json_new_object(), *linkset, *items = NULL;
	const struct api *api;

	HQ_TRY(hq_json_own(d->arena, doc, err));
	linkset = put_targets(doc, "linkset");
	if (d->apis->path != NULL) /* no relation is without a target */
		items =
		    put_targets(new_context(d, linkset, catalog_path), "item");
	for (api = d->apis; api->path != NULL; api++) {
		put_target(d, items, api->path, NULL, NULL);
		put_api(d, api, linkset);
	}
	*ret = hq_json_text(d->arena, doc);
	return HQ_OK;
}

/* ----------------------------------------------------------------- requests -- */

static bool
is_get(const struct hq_http_req *req)
{
	return strcmp(req->method, "GET") == 0 ||
	    strcmp(req->method, "HEAD") == 0;
}

static enum hq_rc
write_text(struct discovery *d, const struct hq_listed *rows, struct hq_db *db,
    bool catalog, const char **ret, struct hq_err *err)
{
	HQ_TRY(look(d, rows, db, err));
	if (catalog)
		HQ_TRY(write_catalog(d, ret, err));
	else
		*ret = write_llms(d);
	return *ret == NULL ? HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no memory")
			    : HQ_OK;
}

bool
hq_discovery_handle(const struct hq_listed *rows, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	bool catalog = strcmp(req->path, catalog_path) == 0;
	struct discovery d = {
		.arena = c->arena,
		.base = c->config->s[HQ_SET_RAWR_BASE_URL],
	};
	struct hq_err err = { 0 };
	const char *text;

	if (!catalog && strcmp(req->path, llms_path) != 0)
		return false;
	if (!is_get(req)) {
		hq_http_res_text(res, 404, plain, "NOT_FOUND");
		return true;
	}
	if (write_text(&d, rows, c->db, catalog, &text, &err) != HQ_OK) {
		c->why = hq_arena_printf(c->arena, "%s", err.msg);
		c->where = err.where;
		hq_http_res_text(res, 500, plain, "INTERNAL_SERVER_ERROR");
		return true;
	}
	hq_http_res_text(res, 200,
	    catalog ? catalog_type : "text/markdown; charset=utf-8", text);
	hq_http_res_header(res, "cache-control", "no-store");
	if (catalog)
		hq_http_res_header(res, "link",
		    "</.well-known/api-catalog>; rel=\"api-catalog\"");
	return true;
}

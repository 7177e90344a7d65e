#include "domain/state/agents.h"

#include <string.h>

#include "domain/state/state.h"

static const char prefix[] = "/rawr/plugins/agents/";
static const char plain[] = "text/plain;charset=utf-8";

/* The page at "<dir>/<page>"; NULL if there is none.  *ret_row is its plugin. */
static const struct hq_page *
find(const struct hq_listed *rows, const char *path,
    const struct hq_listed **ret_row)
{
	size_t n = strcspn(path, "/");
	const struct hq_page *p;
	const char *dir;

	for (; rows->name != NULL; rows++) {
		dir = strrchr(rows->dir, '/') + 1;
		if (rows->kind != HQ_KIND_AGENTS || strlen(dir) != n ||
		    strncmp(dir, path, n) != 0)
			continue;
		*ret_row = rows;
		for (p = rows->pages; p->path != NULL; p++)
			if (path[n] == '/' &&
			    strcmp(p->path, path + n + 1) == 0)
				return p;
	}
	return NULL;
}

bool
hq_agents_handle(const struct hq_listed *rows, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	const struct hq_listed *row;
	const struct hq_page *page;
	bool on = false;

	if (strncmp(req->path, prefix, sizeof(prefix) - 1) != 0)
		return false;
	if (strcmp(req->method, "GET") != 0 &&
	    strcmp(req->method, "HEAD") != 0) {
		hq_http_res_text(res, 404, plain, "NOT_FOUND");
		return true;
	}
	page = find(rows, req->path + sizeof(prefix) - 1, &row);
	if (page == NULL ||
	    hq_state_is_listed_on(c->db, c->arena, row, &on, NULL) != HQ_OK ||
	    !on) {
		hq_http_res_text(res, 404, plain, "not found");
		return true;
	}
	hq_http_res_text(res, 200, "text/markdown; charset=utf-8", page->text);
	hq_http_res_header(res, "cache-control", "no-store");
	return true;
}

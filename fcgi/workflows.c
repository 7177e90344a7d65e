/*
 * workflows.fcgi - /api/workflows/<capability>: published triggers and status
 * of the workflows plugins, and an openapi.json for each capability and for all
 * of them.
 */
#include "host.h"
#include "surface.h"

static bool
open_route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	struct hq_document *d;
	const char *path;

	(void)h;
	for (d = s->documents; d->capability != NULL; d++) {
		path = hq_arena_printf(c->arena,
		    "/api/workflows/%s/openapi.json", d->capability);
		if (path != NULL && hq_surface_document(s, d, path, req, res))
			return true;
	}
	return hq_surface_document(s, d, "/api/workflows/openapi.json", req,
	    res);
}

static bool
route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	(void)h;
	return hq_openapi_handle(s->router, "/api/workflows", c, req, res);
}

int
main(int argc, char *argv[])
{
	static const struct hq_responder workflows = {
		.name = "workflows",
		.family = HQ_FAMILY_WORKFLOWS,
		.kinds = 1u << HQ_KIND_WORKFLOWS,
		.prefix = "/api/workflows",
		.title = "RAWR HQ Workflows API",
		.mount = "/api/workflows",
		.route = route,
		.open_route = open_route,
	};

	return hq_host_main(&workflows, argc, argv);
}

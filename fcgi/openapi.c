/*
 * openapi.fcgi - /api/orpc: published callers, oRPC's OpenAPI protocol over the
 * api plugins, and their openapi.json.  Also what tells such callers what there
 * is: the index, the catalog, the pages of agents plugins.
 */
#include "domain/state/agents.h"
#include "domain/state/discovery.h"
#include "host.h"
#include "surface.h"

static bool
open_route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	struct hq_document *d = s->documents;

	(void)h;
	if (hq_agents_handle(hq_listing, c, req, res) ||
	    hq_discovery_handle(hq_listing, c, req, res))
		return true;
	while (d->capability != NULL)
		d++;
	return hq_surface_document(s, d, "/api/orpc/openapi.json", req, res);
}

static bool
route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	(void)h;
	return hq_openapi_handle(s->router, "/api/orpc", c, req, res);
}

int
main(int argc, char *argv[])
{
	static const struct hq_responder openapi = {
		.name = "openapi",
		.family = HQ_FAMILY_OPENAPI,
		.kinds = 1u << HQ_KIND_API,
		.prefix = "/api/orpc",
		.title = "RAWR HQ ORPC API",
		.mount = "",
		.recorded = true,
		.route = route,
		.open_route = open_route,
	};

	return hq_host_main(&openapi, argc, argv);
}

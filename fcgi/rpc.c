/*
 * rpc.fcgi - /rpc: first-party callers, oRPC's RPC protocol, over every
 * procedure of the composition.  Also what the browsers of the first party load
 * beside it: web plugin modules, and /health.  And what those ask who want to know
 * how the system is: /readyz, /metrics (probes.h).
 */
#include "proto/orpc/rpc.h"
#include "domain/state/web.h"
#include "host.h"
#include "surface.h"

static bool
open_route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	(void)h;
	(void)s;
	return hq_host_health(req, res) || hq_web_handle(c, req, res);
}

static bool
route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	(void)h;
	return hq_rpc_handle(&s->procs, "/rpc", c, req, res);
}

int
main(int argc, char *argv[])
{
	static const struct hq_responder rpc = {
		.name = "rpc",
		.family = HQ_FAMILY_RPC,
		.kinds = 1u << HQ_KIND_API | 1u << HQ_KIND_WORKFLOWS,
		.fronts = true,
		.prefix = "/rpc",
		.title = "RAWR HQ RPC",
		.mount = "/rpc",
		.route = route,
		.open_route = open_route,
	};

	return hq_host_main(&rpc, argc, argv);
}

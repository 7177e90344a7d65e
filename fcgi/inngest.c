/*
 * inngest.fcgi - /api/inngest: the durable engine's calls, signed, and nobody
 * else's.  Hosts the durable functions; their code may block, so a worker has
 * few calls in hand.
 */
#include <string.h>

#include "base/digest.h"
#include "base/process.h"
#include "engine/engine.h"
#include "host.h"
#include "proto/inngest/host.h"

static enum hq_rc
init(struct hq_host *h, struct hq_err *err)
{
	const struct hq_inngest_opts o = {
		.composition = hq_composition,
		.keys = h->keys,
		.dev = h->dev,
		.db = h->db,
		.env = h->env,
		.config = h->config,
		.wake_runner = hq_host_wake,
		.wake_ctx = h,
	};

	if (!hq_process_memory(h->config->i[HQ_SET_RAWR_FUNCTION_MEMORY]))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "RAWR_FUNCTION_MEMORY cannot be set");
	return hq_inngest_host_new(&o, h->arena,
	    (struct hq_inngest_host **)&h->app, err);
}

static bool
route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	(void)s;
	(void)c;
	if (strcmp(req->path, "/api/inngest") != 0 &&
	    strcmp(req->path, "/api/inngest/") != 0)
		return false;
	hq_inngest_http(h->app, req, res);
	return true;
}

int
main(int argc, char *argv[])
{
	static const struct hq_responder inngest = {
		.name = "inngest",
		.family = HQ_FAMILY_INNGEST,
		.kinds = 1u << HQ_KIND_WORKFLOWS,
		.hosts_functions = true,
		.takes_dev = true,
		.body_max = HQ_ENGINE_CALL_BYTES_MAX,
		.prefix = "",
		.title = "",
		.mount = "",
		.init = init,
		.route = route,
	};

	hq_digest_open();
	return hq_host_main(&inngest, argc, argv);
}

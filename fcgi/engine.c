/*
 * engine.fcgi - the engine API: what Inngest SDK apps send and ask.  Started
 * only where there are such apps (RAWR_APPS).  It hosts nothing, so nothing in
 * it blocks, and one worker is enough: writes that come together share a commit.
 */
#include "host.h"
#include "proto/inngest/api.h"

static enum hq_rc
init(struct hq_host *h, struct hq_err *err)
{
	const struct hq_inngest_api_opts o = {
		.keys = h->keys,
		.dev = h->dev,
		.db = h->db,
		.env = h->env,
		.config = h->config,
		.wake_runner = hq_host_wake,
		.wake_ctx = h,
	};

	return hq_inngest_api_new(&o, h->arena,
	    (struct hq_inngest_api **)&h->app, err);
}

static bool
route(struct hq_host *h, const struct hq_surface *s, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	(void)s;
	(void)c;
	hq_inngest_api_http(h->app, req, res);
	return true;
}

int
main(int argc, char *argv[])
{
	static const struct hq_responder engine = {
		.name = "engine",
		.family = HQ_FAMILY_ENGINE,
		.takes_dev = true,
		.workers = 1,
		.body_max = HQ_INNGEST_API_BYTES_MAX,
		.prefix = "",
		.title = "",
		.mount = "",
		.init = init,
		.route = route,
	};

	return hq_host_main(&engine, argc, argv);
}

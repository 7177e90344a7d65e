/*
 * The runner's work where our own engine runs the functions.
 */
#include "base/log.h"
#include "proto/contract.h"
#include "proto/inngest/enroll.h"
#include "proto/inngest/host.h"
#include "runner.h"
#include "store/admin.h"

static enum hq_rc
register_functions(struct runner *r, struct hq_err *err)
{
	struct json_object *functions;
	const char *url;
	bool modified;

	url = hq_inngest_serve_url(r->config, r->arena);
	functions = hq_inngest_functions(hq_composition, url, false, r->arena);
	HQ_TRY(hq_engine_register(r->engine, HQ_APP_ID, functions, &modified,
	    err));
	hq_log(HQ_INFO, "registered",
	    HQ_LI64("functions", (int64_t)json_object_array_length(functions)),
	    HQ_LBOOL("modified", modified));
	return HQ_OK;
}

/*
 * The log may be over RAWR_WAL_MAX, which nobody but a runner can mend: empty it
 * and try again.  Where a reader keeps it so, until his end, or ours.
 */
static enum hq_rc
register_patiently(struct runner *r, struct hq_err *err)
{
	struct pollfd p = { .fd = r->signal, .events = POLLIN };
	struct hq_err why = { 0 };
	int64_t wal;
	enum hq_rc rc;

	while ((rc = register_functions(r, err)) == HQ_E_SERVICE_UNAVAILABLE) {
		hq_log(HQ_WARN, "not_yet", HQ_LSTR("why", err->msg));
		if (hq_db_checkpoint(r->db, true, &wal, &why) != HQ_OK)
			hq_log(HQ_WARN, "checkpoint", HQ_LSTR("why", why.msg));
		if (poll(&p, 1, RUNNER_BUSY_MS) != 0)
			return rc;
	}
	return rc;
}

static enum hq_rc
open(struct runner *r, struct hq_err *err)
{
	const struct hq_config *c = r->config;
	struct hq_engine_opts o = { .db = r->db,
		.env = r->env,
		.send = runner_send,
		.go_on = runner_go_on,
		.abandon = runner_abandon,
		.ctx = r,
		.own_app = HQ_APP_ID,
		.owner = hq_random_hex(r->env, r->arena, 8),
		.concurrency = (int)c->i[HQ_SET_RAWR_CONCURRENCY],
		.app_concurrency = (int)c->i[HQ_SET_RAWR_APP_CALLS],
		.lease_ms = c->i[HQ_SET_RAWR_LEASE] * 1000,
		.call_timeout_ms = c->i[HQ_SET_RAWR_CALL_TIMEOUT] * 1000,
		.retry_interval_ms = c->i[HQ_SET_RAWR_RETRY_INTERVAL] * 1000 };

	HQ_TRY(runner_remote_open(r, err));
	HQ_TRY(hq_engine_new(&o, &r->engine, err));
	return register_patiently(r, err);
}

static void
close(struct runner *r)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (r->calls[i].call != NULL)
			runner_abandon(r, r->calls[i].ticket);
	runner_remote_close(r);
	hq_engine_free(r->engine);
	r->engine = NULL;
}

static void
tell_lost(struct runner *r)
{
	size_t lost = hq_engine_lost(r->engine);

	if (lost > r->lost)
		hq_log(HQ_INFO, "calls_lost",
		    HQ_LI64("count", (int64_t)(lost - r->lost)));
	r->lost = lost;
}

static enum hq_rc
turn(struct runner *r, int64_t *ret_next_ms, struct hq_err *err)
{
	HQ_TRY(hq_engine_turn(r->engine, ret_next_ms, err));
	tell_lost(r);
	return HQ_OK;
}

static bool
has_news(const struct runner *r)
{
	return hq_engine_replied(r->engine);
}

static size_t
inflight(const struct runner *r)
{
	return hq_engine_inflight(r->engine);
}

static void
drain(struct runner *r)
{
	hq_engine_drain(r->engine);
}

static enum hq_rc
release(struct runner *r, struct hq_err *err)
{
	return hq_engine_release(r->engine, err);
}

const struct runner_work runner_engine = {
	.open = open,
	.close = close,
	.turn = turn,
	.has_news = has_news,
	.inflight = inflight,
	.drain = drain,
	.release = release,
	.fd = runner_remote_fd,
	.next = runner_remote_next,
	.step = runner_remote_step,
};

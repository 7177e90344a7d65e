/*
 * From settings to a running engine.
 */
#include <stdlib.h>

#include "base/ids.h"
#include "base/log.h"
#include "proto/contract.h"
#include "proto/inngest/host.h"
#include "runner.h"
#include "store/admin.h"

/* The engine's tables and those of every plugin that a function may use. */
static const struct hq_module *const *
modules_of(struct hq_arena *a)
{
	const struct hq_module *const *m;
	const struct hq_module **v;
	const struct hq_composed *c;
	size_t n = 2;

	for (c = hq_composition; c->plugin != NULL; c++)
		for (m = c->plugin->modules; m != NULL && *m != NULL; m++)
			n++;
	v = HQ_NEW(a, const struct hq_module *, n);
	if (v == NULL)
		HQ_BUG("out of memory");
	n = 0;
	v[n++] = &hq_engine_store;
	for (c = hq_composition; c->plugin != NULL; c++)
		for (m = c->plugin->modules; m != NULL && *m != NULL; m++)
			v[n++] = *m;
	return v;
}

static enum hq_rc
open_store(struct runner *r, struct hq_err *err)
{
	const struct hq_config *c = r->config;
	struct hq_db_opts o = { .path = c->s[HQ_SET_RAWR_STORE],
		.modules = modules_of(r->arena),
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = c->i[HQ_SET_RAWR_WRITE_WAIT],
		.wal_max_bytes = c->i[HQ_SET_RAWR_WAL_MAX] };

	return hq_db_open(&o, &r->db, err);
}

static enum hq_rc
open_engine(struct runner *r, struct hq_err *err)
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
	return hq_engine_new(&o, &r->engine, err);
}

static enum hq_rc
register_functions(struct runner *r, struct hq_err *err)
{
	struct json_object *functions;
	const char *url;
	bool modified;

	url = hq_arena_printf(r->arena, "%s/api/inngest",
	    r->config->s[HQ_SET_RAWR_BASE_URL]);
	functions = hq_inngest_functions(hq_composition, url, r->arena);
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

/* From here on others see us, and can wake us. */
static enum hq_rc
be_known(struct runner *r, struct hq_err *err)
{
	HQ_TRY(runner_figures_open(r, err));
	HQ_TRY(runner_alive_open(r, err));
	return runner_bell_take(r->config->s[HQ_SET_RAWR_VAR], &r->bell, err);
}

enum hq_rc
runner_start(struct runner *r, struct hq_err *err)
{
	HQ_TRY(hq_keys_load(r->config->s[HQ_SET_RAWR_KEYS], r->arena, &r->keys,
	    err));
	if (hq_keys_signing(r->keys) == NULL && !r->dev)
		return HQ_FAIL(err, BAD_REQUEST,
		    "no signing.key in RAWR_KEYS (--dev goes without)");
	r->n_calls = (size_t)r->config->i[HQ_SET_RAWR_CONCURRENCY];
	r->calls = calloc(r->n_calls, sizeof(*r->calls));
	r->polls = calloc(r->n_calls + 3, sizeof(*r->polls));
	if (r->calls == NULL || r->polls == NULL)
		HQ_BUG("out of memory");
	HQ_TRY(open_store(r, err));
	HQ_TRY(open_engine(r, err));
	HQ_TRY(register_patiently(r, err));
	runner_retain_open(r);
	return be_known(r, err);
}

void
runner_stop(struct runner *r)
{
	size_t i;

	if (r->engine != NULL && r->figures != NULL)
		runner_figures_note(r);
	runner_bell_close(r->config->s[HQ_SET_RAWR_VAR], &r->bell);
	hq_alive_close(&r->alive);
	hq_figures_close(r->figures);
	for (i = 0; r->calls != NULL && i < r->n_calls; i++)
		if (r->calls[i].call != NULL)
			runner_abandon(r, r->calls[i].ticket);
	runner_remote_close(r);
	hq_engine_free(r->engine);
	hq_db_close(r->db);
	free(r->calls);
	free(r->polls);
	free(r->sweeps);
}

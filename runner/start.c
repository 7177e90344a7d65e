/*
 * From settings to a running engine.
 */
#include <stdlib.h>

#include "proto/contract.h"
#include "runner.h"

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

/* From here on others see us, and can wake us. */
static enum hq_rc
be_known(struct runner *r, struct hq_err *err)
{
	HQ_TRY(runner_figures_open(r, err));
	runner_alive_open(r);
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
	r->work =
	    hq_config_is_inngest(r->config) ? &runner_forward : &runner_engine;
	if (r->work == &runner_engine)
		r->n_calls = (size_t)r->config->i[HQ_SET_RAWR_CONCURRENCY];
	r->calls = calloc(r->n_calls + 1, sizeof(*r->calls));
	r->polls = calloc(r->n_calls + 3, sizeof(*r->polls));
	if (r->calls == NULL || r->polls == NULL)
		HQ_BUG("out of memory");
	HQ_TRY(open_store(r, err));
	HQ_TRY(r->work->open(r, err));
	runner_retain_open(r);
	return be_known(r, err);
}

void
runner_stop(struct runner *r)
{
	if (r->figures != NULL)
		runner_figures_note(r);
	runner_bell_close(r->config->s[HQ_SET_RAWR_VAR], &r->bell);
	hq_alive_close(&r->alive);
	hq_figures_close(r->figures);
	if (r->work != NULL)
		r->work->close(r);
	hq_db_close(r->db);
	free(r->calls);
	free(r->polls);
	free(r->sweeps);
}

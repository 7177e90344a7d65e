/*
 * Forgetting: a little whenever there is nothing else to do, and a little now
 * and then where there always is.
 */
#include <stdlib.h>

#include "base/log.h"
#include "proto/contract.h"
#include "runner.h"

static struct runner_sweep *
sweep_of(struct runner *r, hq_retain_fn *fn)
{
	struct runner_sweep *s = &r->sweeps[r->n_sweeps++];

	*s = (struct runner_sweep){ .fn = fn,
		.state = { .db = r->db, .env = r->env, .config = r->config } };
	return s;
}

void
runner_retain_open(struct runner *r)
{
	const struct hq_composed *c;
	size_t n = 1;

	for (c = hq_composition; c->plugin != NULL; c++)
		n++;
	r->sweeps = calloc(n, sizeof(*r->sweeps));
	if (r->sweeps == NULL)
		HQ_BUG("out of memory");
	(void)sweep_of(r, hq_engine_retain);
	for (c = hq_composition; c->plugin != NULL; c++)
		if (c->plugin->retain != NULL)
			(void)sweep_of(r, c->plugin->retain);
}

/* The sweep is over; the next begins later. */
static void
rest(struct runner_sweep *s, int64_t now_ms)
{
	const struct hq_retain *was = &s->state;

	if (was->dropped > 0)
		hq_log(HQ_INFO, "forgotten", HQ_LI64("rows", was->dropped));
	s->state = (struct hq_retain){ .db = was->db,
		.env = was->env,
		.config = was->config };
	s->next_ms = now_ms + RUNNER_RETAIN_MS;
}

static bool
step(struct runner *r, struct runner_sweep *s, bool idle)
{
	int64_t now = hq_mono_ms(r->env), before = s->state.dropped;
	struct hq_err err = { 0 };
	bool more = true, wrote;

	if (s->fn(&s->state, &more, &err) != HQ_OK) {
		hq_log(HQ_WARN, "retain", HQ_LSTR("why", err.msg),
		    HQ_LSTR("where", err.where));
		s->next_ms = now + RUNNER_RETAIN_FAIL_MS;
		return false;
	}
	wrote = s->state.dropped > before;
	s->next_ms = idle ? now : now + RUNNER_RETAIN_BUSY_MS;
	if (!more)
		rest(s, now);
	return wrote;
}

bool
runner_retain(struct runner *r, bool idle)
{
	int64_t now = hq_mono_ms(r->env);
	struct runner_sweep *s;

	for (s = r->sweeps; s < r->sweeps + r->n_sweeps; s++)
		if (s->next_ms <= now)
			return step(r, s, idle);
	return false;
}

int64_t
runner_retain_next(const struct runner *r)
{
	const struct runner_sweep *s;
	int64_t next = INT64_MAX;

	for (s = r->sweeps; s < r->sweeps + r->n_sweeps; s++)
		if (s->next_ms < next)
			next = s->next_ms;
	return next;
}

#include <string.h>

#include "proto/http/conn.h"

static void
go_to(struct hq_gather *t, struct hq_fiber *to)
{
	struct hq_fiber *from = t->now;

	t->now = to;
	hq_fiber_switch(from, to);
}

static bool
is_late(const struct hq_gather *t)
{
	return t->n_open > 0 &&
	    hq_mono_ms(t->env) - t->since_ms >= HQ_GATHER_MS;
}

static void
commit(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;

	w->o->flush(w->app);
	t->n_done = t->n_line;
	t->due = t->n_open > 0;
	t->n_open = 0;
	t->bytes = 0;
}

static void
serve(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;

	while (t->at < t->n_events && !t->due) {
		hq_worker_event(w, t->events[t->at++].data.u32);
		if (is_late(t))
			commit(w);
	}
}

/* A fiber: events while the worker's own stack waits, or as long as it may. */
static void
carry_on(void *arg)
{
	struct hq_worker *w = arg;
	struct hq_gather *t = &w->turn;

	for (;;) {
		serve(w);
		if (t->own_waits && t->n_open > 0)
			commit(w);
		hq_fiber_trim(t->now);
		t->idle[t->n_idle++] = t->now;
		go_to(t, t->own);
	}
}

/* Who goes on when the one that runs waits; NULL if nobody can. */
static struct hq_fiber *
who_goes_on(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;
	struct hq_fiber *f;

	if (t->now != t->own && !t->own_waits)
		return t->own;
	if (t->n_idle > 0)
		return t->idle[--t->n_idle];
	if (t->n_all == HQ_GATHER_MAX ||
	    (f = hq_fiber_new(carry_on, w)) == NULL)
		return NULL;
	t->all[t->n_all++] = f;
	return f;
}

/* Whoever writes now has nobody to wait for, or is not to. */
static bool
is_last(const struct hq_worker *w)
{
	const struct hq_gather *t = &w->turn;

	return t->at == t->n_events || t->n_open + 1 == HQ_GATHER_MAX ||
	    t->bytes + w->x.body_bytes > HQ_GATHER_BYTES || is_late(t);
}

/* Called within a handler that is to write; back when that is committed. */
static void
wait_for_commit(void *ctx)
{
	struct hq_worker *w = ctx;
	struct hq_gather *t = &w->turn;
	struct hq_fiber *next;

	if (is_last(w) || (next = who_goes_on(w)) == NULL) {
		commit(w);
		return;
	}
	if (t->n_open++ == 0)
		t->since_ms = hq_mono_ms(t->env);
	t->bytes += w->x.body_bytes;
	if (t->now != t->own) {
		t->line[t->n_line++] = t->now;
		go_to(t, next);
		return;
	}
	t->own_waits = true;
	go_to(t, next);
	t->own_waits = false;
}

/* All that have been committed go on, until they end or write again. */
static void
tell(struct hq_gather *t)
{
	struct hq_fiber *f;

	while (t->n_done > 0) {
		f = t->line[0];
		memmove(t->line, t->line + 1,
		    (size_t)--t->n_line * sizeof(t->line[0]));
		t->n_done--;
		go_to(t, f);
	}
	t->due = false;
}

void
hq_gather_run(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;

	do {
		serve(w);
		if (t->n_open > 0 && t->at == t->n_events)
			commit(w);
		tell(t);
		hq_talk_flush(w);
	} while (t->at < t->n_events || t->n_line > 0);
}

void
hq_gather_init(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;

	t->env = hq_env_system();
	t->own = t->now = hq_fiber_here();
	if (w->o->gather != NULL && !w->o->talks)
		w->o->gather(w->app, wait_for_commit, w);
}

void
hq_gather_done(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;

	HQ_ASSERT(t->now == t->own && t->n_idle == t->n_all);
	while (t->n_all > 0)
		hq_fiber_free(t->all[--t->n_all]);
	hq_fiber_free(t->own);
}

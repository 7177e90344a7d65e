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
	t->n_open = t->n_seen = 0;
	t->bytes = 0;
}

/*
 * All events are done and n writers wait for a commit: have others come while
 * they were handled?  Asked again only as long as there are more writers each
 * time, so that no stream of readers puts off a commit.  Not for a parked
 * request: nobody would handle what came.
 */
static bool
look_again(struct hq_worker *w, int n)
{
	struct hq_gather *t = &w->turn;

	if (!t->running || n <= t->n_seen || is_late(t))
		return false;
	t->n_seen = n;
	t->n_events = epoll_wait(w->ep, t->events, HQ_SERVE_EVENTS_MAX, 0);
	t->at = 0;
	if (t->n_events <= 0)
		t->n_events = 0;
	return t->n_events > 0;
}

void
hq_gather_release(struct hq_worker *w)
{
	if (w->turn.held)
		w->o->release(w->app);
	w->turn.held = false;
}

/*
 * Requests that are there together read one snapshot.  It begins when all of
 * them have been seen, so what was acknowledged before one was sent is in it.
 */
static void
hold(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;
	struct hq_conn *c;
	int i, n = 0;

	hq_gather_release(w);
	if (w->o->hold == NULL || t->n_events < 2)
		return;
	for (i = 0; i < t->n_events; i++)
		if ((c = hq_worker_conn(w, t->events[i].data.u32)) != NULL)
			n += hq_conn_is_ready(c);
	if (n < 2)
		return;
	w->o->hold(w->app);
	t->held = true;
}

static void
serve(struct hq_worker *w)
{
	struct hq_gather *t = &w->turn;

	while (!t->due && (t->at < t->n_events || look_again(w, t->n_open))) {
		if (t->at == 0)
			hold(w);
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
is_last(struct hq_worker *w)
{
	const struct hq_gather *t = &w->turn;

	return (t->at == t->n_events && !look_again(w, t->n_open + 1)) ||
	    t->n_open + 1 == HQ_GATHER_MAX ||
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

	t->running = true;
	do {
		serve(w);
		if (t->n_open > 0 && t->at == t->n_events)
			commit(w);
		tell(t);
		hq_talk_flush(w);
	} while (t->at < t->n_events || t->n_line > 0);
	t->running = false;
	hq_gather_release(w);
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

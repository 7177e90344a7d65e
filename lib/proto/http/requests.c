/*
 * Requests on their connections: read, served, and parked where their handler
 * waits.  A parked one keeps its connection and its bytes, not the worker.
 */
#include <unistd.h>

#include "base/env.h"
#include "proto/http/conn.h"
#include "proto/http/peek.h"
#include "proto/http/reply.h"

void
hq_conn_partial(struct hq_worker *w, struct hq_conn *c, bool partial)
{
	if (c->partial == partial)
		return;
	c->partial = partial;
	c->since_ms = w->now_ms;
	w->n_partial += partial ? 1 : -1;
}

/* The slot is free again; libfcgi or we have closed the connection. */
static void
forget(struct hq_worker *w, struct hq_conn *c)
{
	hq_conn_partial(w, c, false);
	c->missed = c->ready = false;
	c->fr.ipcFd = -1;
	w->n_open--;
	hq_figure_add(&w->mine[HQ_SERVE_OPEN], -1);
	TAILQ_INSERT_HEAD(&w->free, c, line);
}

void
hq_conn_drop(struct hq_worker *w, struct hq_conn *c)
{
	(void)close(c->fr.ipcFd);
	forget(w, c);
}

static long
fcgi_read(void *ctx, char *p, size_t n)
{
	FCGX_Request *fr = ctx;
	int k = FCGX_GetStr(p, n > 1 << 20 ? 1 << 20 : (int)n, fr->in);

	/* The stream ends in the same way where the connection broke. */
	return FCGX_GetError(fr->in) != 0 ? -1 : k;
}

static void
fcgi_write(void *ctx, const char *p, size_t n)
{
	FCGX_Request *fr = ctx;
	size_t k;

	while (n > 0 && FCGX_GetError(fr->out) == 0) {
		k = n > 1 << 20 ? 1 << 20 : n;
		if (FCGX_PutStr(p, (int)k, fr->out) < 0)
			return;
		p += k;
		n -= k;
	}
}

/* ------------------------------------------------------------- requests -- */

static bool
may_park(const struct hq_worker *w)
{
	return w->mode == HQ_WORKER_SERVING &&
	    w->n_parked < w->slots * HQ_SERVE_PARKED_PERCENT / 100;
}

/* The request has been answered, or cannot be. */
static void
finish(struct hq_worker *w, struct hq_conn *c, bool whole)
{
	/*
	 * Where slots are few, a connection that is kept keeps out others; and
	 * once all are told to stop, nobody would take it over.
	 */
	if (!whole || w->slots == 1 || w->o->talks || w->told ||
	    w->mode == HQ_WORKER_STOPPING)
		c->fr.keepConnection = 0;
	FCGX_Finish_r(&c->fr);
	w->served++;
	c->since_ms = w->now_ms;
	if (c->fr.ipcFd < 0)
		forget(w, c);
}

void
hq_conn_serve(struct hq_worker *w, struct hq_conn *c)
{
	hq_conn_partial(w, c, false);
	/*
	 * fr.ipcFd is open, so this reads a request and accepts nothing; the
	 * flag is for the Finish_r in it, which would close a new connection.
	 */
	c->fr.keepConnection = 1;
	if (FCGX_Accept_r(&c->fr) < 0) {
		forget(w, c);
		return;
	}
	if (w->o->talks)
		hq_talk_begin(w, c);
	else
		hq_conn_handle(w, c, NULL);
}

void
hq_conn_handle(struct hq_worker *w, struct hq_conn *c,
    const struct hq_http_talk *talk)
{
	const struct hq_carrier io = { &c->fr, fcgi_read, fcgi_write, talk };
	enum hq_exchange_end end;

	c->busy = true;
	end = hq_exchange_run(&w->x, (const char *const *)c->fr.envp, &io,
	    may_park(w) ? &c->parked : NULL);
	c->busy = false;
	if (end != HQ_EXCHANGE_PARKED) {
		finish(w, c, end == HQ_EXCHANGE_DONE);
	} else {
		FCGX_Free(&c->fr, 0); /* the streams, not the connection */
		hq_waiting_add(w, c);
	}
	if (c->missed && c->fr.ipcFd >= 0)
		hq_conn_look(w, c);
}

/* Whoever asked has gone: nothing is done for him any more. */
static void
drop_parked(struct hq_worker *w, struct hq_conn *c)
{
	hq_waiting_remove(w, c);
	hq_parked_free(&c->parked);
	hq_conn_drop(w, c);
}

/* False: it goes on waiting. */
static bool
resume(struct hq_worker *w, struct hq_conn *c, bool last)
{
	struct hq_reply reply = { c->fr.ipcFd, c->fr.requestId, &w->out };
	const struct hq_carrier io = { &reply, NULL, hq_reply_write, NULL };
	bool sent;

	if (hq_peek(c->fr.ipcFd) == HQ_PEEK_CLOSED) {
		drop_parked(w, c);
		return true;
	}
	if (hq_exchange_resume(&w->x, &c->parked, last, &io) ==
	    HQ_EXCHANGE_PARKED)
		return false;
	hq_waiting_remove(w, c);
	sent = hq_reply_send(&reply);
	finish(w, c, sent);
	if (c->fr.ipcFd < 0)
		return true;
	if (w->mode == HQ_WORKER_LEAVING)
		hq_worker_give(w, c);
	else if (w->mode == HQ_WORKER_SERVING)
		hq_conn_look(w, c); /* it was not announced again */
	return true;
}

/*
 * A handful of those whose time is over; the others say when theirs is.  True if
 * it has not come to the last slot.
 */
static bool
look_due(struct hq_worker *w)
{
	int64_t soonest = w->now_ms + HQ_SERVE_DUE_MS;
	struct hq_conn *c;
	int n = 0;

	if (w->due_at == 0) {
		if (w->now_ms < w->due_ms)
			return false;
		w->due_ms = INT64_MAX; /* who joins meanwhile has a say, too */
	}
	while (w->due_at < w->n_used && n < HQ_SERVE_LOOK_MAX) {
		c = &w->conns[w->due_at++];
		if (c->group != NULL && c->parked.due_ms <= w->now_ms) {
			(void)resume(w, c, false);
			n++;
		}
		if (c->group != NULL && c->parked.due_ms < w->due_ms)
			w->due_ms = c->parked.due_ms;
	}
	if (w->due_at < w->n_used)
		return true;
	w->due_at = 0;
	if (w->due_ms < soonest)
		w->due_ms = soonest;
	return false;
}

bool
hq_parked_look(struct hq_worker *w)
{
	struct hq_conn *c;
	bool more;
	int n;

	if (w->now_ms - w->looked_ms >= HQ_SERVE_LOOK_MS) {
		w->looked_ms = w->now_ms;
		if (w->o->changed != NULL && w->o->changed(w->app))
			w->change++;
	}
	if (w->now_ms - w->passed_ms < HQ_SERVE_PASS_MS)
		return w->due_at > 0 || hq_waiting_stale(w) != NULL;
	w->passed_ms = w->now_ms;
	more = look_due(w);
	for (n = 0; n < HQ_SERVE_LOOK_MAX; n++) {
		if ((c = hq_waiting_stale(w)) == NULL)
			return more;
		if (!resume(w, c, false))
			hq_waiting_looked(w, c);
	}
	return more || hq_waiting_stale(w) != NULL;
}

void
hq_parked_end(struct hq_worker *w, struct hq_conn *c)
{
	(void)resume(w, c, true);
}

void
hq_parked_answer(struct hq_worker *w)
{
	struct hq_conn *c;

	while ((c = hq_waiting_any(w)) != NULL)
		hq_parked_end(w, c);
}

/* ---------------------------------------------------------- connections -- */

bool
hq_conn_is_ready(struct hq_conn *c)
{
	c->ready = c->fr.ipcFd >= 0 && !c->busy && c->group == NULL &&
	    hq_peek(c->fr.ipcFd) == HQ_PEEK_READY;
	return c->ready;
}

/* What was seen before the hold need not be looked for again. */
static enum hq_peek
look_at(struct hq_worker *w, struct hq_conn *c)
{
	enum hq_peek there = c->ready ? HQ_PEEK_READY : hq_peek(c->fr.ipcFd);

	if (there == HQ_PEEK_READY && !c->ready)
		hq_gather_release(w);
	c->ready = false;
	return there;
}

void
hq_conn_look(struct hq_worker *w, struct hq_conn *c)
{
	enum hq_peek there;

	if (c->hears != NULL) {
		hq_talk_look(w, c);
		return;
	}
	c->missed = c->busy;
	if (c->busy)
		return;
	there = look_at(w, c);
	if (c->group != NULL) {
		if (there == HQ_PEEK_CLOSED)
			drop_parked(w, c);
		return;
	}
	switch (there) {
	case HQ_PEEK_CLOSED:
		hq_conn_drop(w, c);
		return;
	case HQ_PEEK_EMPTY:
		return;
	case HQ_PEEK_PARTIAL:
		hq_conn_partial(w, c, true);
		return;
	case HQ_PEEK_READY:
		hq_conn_serve(w, c);
		return;
	}
}

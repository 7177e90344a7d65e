/*
 * Requests that talk to their peer while they are in hand: each on a stack of
 * its own.  A stack runs until its request is answered or waits for the peer's
 * word; then the worker's own goes on, and comes back to it when there is one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/env.h"
#include "base/process.h"
#include "proto/http/conn.h"
#include "proto/http/fcgi_wire.h"
#include "proto/http/reply.h"

/* A request in hand; on its own stack. */
struct hq_talker {
	struct hq_worker *w;
	struct hq_conn *c;
	int64_t since_ms; /* it runs */
	int64_t held_ms;  /* it ran before that */
	int64_t limit_ms; /* of both; 0: none */
};

/* To a request's stack, until it is done or waits. */
static void
enter(struct hq_worker *w, struct hq_fiber *f)
{
	w->talkers.now = f;
	hq_fiber_switch(w->turn.own, f);
	w->talkers.now = NULL;
}

/* From one to the worker's own. */
static void
leave(struct hq_worker *w)
{
	hq_fiber_switch(w->talkers.now, w->turn.own);
}

static int64_t
now_ms(void)
{
	return hq_mono_ms(hq_env_system());
}

static int64_t
held_ms(const struct hq_talker *t)
{
	return t->held_ms + now_ms() - t->since_ms;
}

static bool
slow(void *ctx)
{
	return held_ms(ctx) > HQ_TALK_SLOW_MS;
}

/* The kernel has one watchdog for the worker: it is for the one that runs. */
static void
watch(const struct hq_talker *t)
{
	int64_t left = t->limit_ms - t->held_ms;

	if (t->limit_ms > 0)
		hq_process_watchdog(left > 0 ? left : 1);
}

static void
limit(void *ctx, int64_t ms)
{
	struct hq_talker *t = ctx;

	if (ms == 0 && t->limit_ms > 0)
		hq_process_watchdog(0);
	t->held_ms = 0;
	t->since_ms = now_ms();
	t->limit_ms = ms;
	watch(t);
}

/* It has kept the others waiting: for some time, none is to wait for another. */
static void
notice(struct hq_talker *t)
{
	t->held_ms = held_ms(t);
	if (t->held_ms > HQ_TALK_SLOW_MS)
		t->w->talkers.wary_until_ms = now_ms() + HQ_TALK_WARY_MS;
}

/* Let others run. */
static void
rest(struct hq_talker *t)
{
	notice(t);
	if (t->limit_ms > 0)
		hq_process_watchdog(0);
	leave(t->w);
	t->w->talkers.talker = t;
	t->since_ms = now_ms();
	watch(t);
}

/* ------------------------------------------------------------ the word --- */

enum word { WORD_NONE, WORD_GO_ON, WORD_GONE };

/* The peer's word is one empty record; behind it there is nothing but its end. */
static enum word
listen_to(int fd)
{
	unsigned char h[HQ_FCGI_HEADER_BYTES];
	ssize_t n = recv(fd, h, sizeof(h), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? WORD_NONE
							 : WORD_GONE;
	if (n > 0 && n < (ssize_t)sizeof(h))
		return WORD_NONE;
	if (n == 0 || recv(fd, h, sizeof(h), MSG_DONTWAIT) != n)
		return WORD_GONE;
	if (h[0] != HQ_FCGI_VERSION || h[1] != HQ_FCGI_DATA || h[4] != 0 ||
	    h[5] != 0 || h[6] != 0)
		return WORD_GONE;
	/* It may have given us up since: a worker can be late to listen. */
	n = recv(fd, h, sizeof(h), MSG_PEEK | MSG_DONTWAIT);
	return n < 0 && errno == EAGAIN ? WORD_GO_ON : WORD_GONE;
}

static bool
may(void *ctx)
{
	const struct hq_talker *t = ctx;

	return t->w->mode == HQ_WORKER_SERVING && !t->w->told;
}

/* A peer that is still there must not take what follows for an answer. */
static bool
or_part(const struct hq_conn *c, bool understood)
{
	if (!understood)
		(void)shutdown(c->fr.ipcFd, SHUT_RDWR);
	return understood;
}

static bool
say(void *ctx, const char *p, size_t n)
{
	struct hq_talker *t = ctx;
	struct hq_reply r = { t->c->fr.ipcFd, t->c->fr.requestId, &t->w->out };

	return or_part(t->c, hq_reply_say(&r, p, n));
}

static bool
hear(void *ctx)
{
	struct hq_talker *t = ctx;
	struct hq_conn *c = t->c;
	enum word word = listen_to(c->fr.ipcFd);

	if (word == WORD_NONE) {
		c->hears = t->w->talkers.now;
		c->give_up_ms = now_ms() + HQ_TALK_WAIT_MS;
		rest(t);
		c->hears = NULL;
		word = c->heard ? WORD_GO_ON : WORD_GONE;
	}
	limit(t, t->limit_ms); /* anew */
	return or_part(c, word == WORD_GO_ON);
}

static void
resume(struct hq_worker *w, struct hq_conn *c, bool heard)
{
	c->heard = heard;
	enter(w, c->hears);
}

void
hq_talk_look(struct hq_worker *w, struct hq_conn *c)
{
	enum word word = listen_to(c->fr.ipcFd);

	if (word != WORD_NONE)
		resume(w, c, word == WORD_GO_ON);
}

void
hq_talk_give_up(struct hq_worker *w, bool all)
{
	struct hq_conn *c;

	if (hq_talk_busy(w) == 0)
		return;
	for (c = w->conns; c < w->conns + w->n_used; c++)
		if (c->hears != NULL && (all || w->now_ms >= c->give_up_ms))
			resume(w, c, false);
}

/* --------------------------------------------------------------- writes -- */

static void
commit_now(struct hq_worker *w)
{
	int64_t start_ms = now_ms();

	w->o->flush(w->app);
	if (w->talkers.now != NULL) /* that was not the handler's doing */
		w->talkers.talker->since_ms += now_ms() - start_ms;
}

/*
 * Called within a handler that is to write; back when that is committed.  The
 * line is committed when all that was there has been handled: where one of
 * those keeps the worker, the line waits for it, once, and then the worker is
 * wary.
 */
static void
wait_for_commit(void *ctx)
{
	struct hq_worker *w = ctx;
	struct hq_talkers *s = &w->talkers;

	if (s->now == NULL || now_ms() < s->wary_until_ms) {
		commit_now(w);
		return;
	}
	s->line[s->n_line++] = s->now;
	rest(s->talker);
}

void
hq_talk_flush(struct hq_worker *w)
{
	struct hq_talkers *s = &w->talkers;
	int i, n;

	while ((n = s->n_line) > 0) {
		w->o->flush(w->app);
		s->n_line = 0;
		memcpy(s->told, s->line, (size_t)n * sizeof(s->line[0]));
		for (i = 0; i < n; i++)
			enter(w, s->told[i]);
	}
}

/* ---------------------------------------------------------- the stacks --- */

static void
serve(void *arg)
{
	struct hq_worker *w = arg;
	struct hq_talkers *s = &w->talkers;

	for (;;) {
		struct hq_talker t = { .w = w,
			.c = s->begin,
			.since_ms = now_ms() };
		const struct hq_http_talk talk = { may, say, hear, slow, limit,
			&t };

		s->talker = &t;
		hq_conn_handle(w, t.c, &talk);
		notice(&t);
		hq_fiber_trim(s->now);
		s->idle[s->n_idle++] = s->now;
		leave(w);
	}
}

void
hq_talk_begin(struct hq_worker *w, struct hq_conn *c)
{
	struct hq_talkers *s = &w->talkers;
	struct hq_fiber *f = NULL;

	if (s->n_idle > 0)
		f = s->idle[--s->n_idle];
	else if ((f = hq_fiber_new(serve, w)) != NULL)
		s->n_all++;
	if (f == NULL) { /* no memory for one: it is served without a talk */
		hq_conn_handle(w, c, NULL);
		return;
	}
	s->begin = c;
	enter(w, f);
}

void
hq_talk_rest(struct hq_worker *w)
{
	struct hq_talkers *s = &w->talkers;

	if (s->n_idle < s->n_all)
		return;
	for (; s->n_idle > HQ_TALK_KEEP; s->n_all--)
		hq_fiber_free(s->idle[--s->n_idle]);
}

int
hq_talk_busy(const struct hq_worker *w)
{
	return w->talkers.n_all - w->talkers.n_idle;
}

void
hq_talk_init(struct hq_worker *w)
{
	struct hq_talkers *s = &w->talkers;
	size_t n = (size_t)w->slots;

	if (!w->o->talks)
		return;
	s->idle = calloc(3 * n, sizeof(s->idle[0]));
	HQ_ASSERT(s->idle != NULL);
	s->line = s->idle + n;
	s->told = s->line + n;
	if (w->o->gather != NULL)
		w->o->gather(w->app, wait_for_commit, w);
}

void
hq_talk_done(struct hq_worker *w)
{
	struct hq_talkers *s = &w->talkers;

	HQ_ASSERT(s->n_idle == s->n_all);
	while (s->n_idle > 0)
		hq_fiber_free(s->idle[--s->n_idle]);
	free(s->idle);
}

/*
 * Requests that talk to their peer while they are in hand: each on a stack of
 * its own.  A stack runs until its request is answered or waits for the peer's
 * word; then the worker's own goes on, and comes back to it when there is one.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/env.h"
#include "proto/http/conn.h"
#include "proto/http/fcgi_wire.h"
#include "proto/http/reply.h"

struct talker {
	struct hq_worker *w;
	struct hq_conn *c;
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
	const struct talker *t = ctx;

	return t->w->mode == HQ_WORKER_SERVING && !t->w->told;
}

static bool
say(void *ctx, const char *p, size_t n)
{
	const struct talker *t = ctx;
	struct hq_reply r = { t->c->fr.ipcFd, t->c->fr.requestId, &t->w->out };

	return hq_reply_say(&r, p, n);
}

static bool
hear(void *ctx)
{
	const struct talker *t = ctx;
	struct hq_conn *c = t->c;
	enum word word = listen_to(c->fr.ipcFd);

	if (word != WORD_NONE)
		return word == WORD_GO_ON;
	c->hears = t->w->talkers.now;
	c->give_up_ms = hq_mono_ms(hq_env_system()) + HQ_TALK_WAIT_MS;
	leave(t->w);
	c->hears = NULL;
	return c->heard;
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

/* ---------------------------------------------------------- the stacks --- */

static void
serve(void *arg)
{
	struct hq_worker *w = arg;
	struct hq_talkers *s = &w->talkers;

	for (;;) {
		struct talker t = { w, s->begin };
		const struct hq_http_talk talk = { may, say, hear, &t };
		struct hq_fiber *me = s->now;

		hq_conn_handle(w, t.c, &talk);
		s->now = me;
		hq_fiber_trim(me);
		s->idle[s->n_idle++] = me;
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
	if (!w->o->talks)
		return;
	HQ_ASSERT(w->o->gather == NULL);
	w->talkers.idle = calloc((size_t)w->slots, sizeof(struct hq_fiber *));
	HQ_ASSERT(w->talkers.idle != NULL);
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

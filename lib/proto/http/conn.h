/*
 * proto/http/conn.h - for lib/proto/http only: a worker and its connections.
 *
 * requests.c serves what stands on a connection and keeps the requests that
 * wait; gather.c lets the writes of one turn share a commit, talk.c has
 * requests wait for their peer; worker.c decides when, and which connections
 * there are.
 */
#ifndef HQ_PROTO_HTTP_CONN_H
#define HQ_PROTO_HTTP_CONN_H

#include <sys/epoll.h>
#include <sys/queue.h>

#include <fcgiapp.h>

#include "base/env.h"
#include "base/fiber.h"
#include "proto/http/exchange.h"
#include "proto/http/parts.h"

enum hq_worker_mode {
	HQ_WORKER_SERVING,
	HQ_WORKER_STOPPING, /* SIGTERM: answer what is in hand */
	HQ_WORKER_LEAVING   /* SIGHUP, recycle: hand over what is open */
};

struct hq_conn {
	FCGX_Request fr;        /* .ipcFd < 0: a free slot */
	bool ready;             /* a whole one is; seen before the hold */
	bool partial;           /* part of a request is there */
	int64_t since_ms;       /* of the first part, or of the last reply */
	bool busy;              /* its request is in hand, maybe in a group */
	bool missed;            /* something happened on it meanwhile */
	struct hq_fiber *hears; /* waits for the peer's word here; or NULL */
	bool heard;             /* it has come */
	int64_t give_up_ms;     /* or will not any more */
	struct hq_parked parked;
	struct hq_wait_group *group; /* its request is parked; or NULL */
	TAILQ_ENTRY(hq_conn) line;   /* in the group, or of the free slots */
};

TAILQ_HEAD(hq_conn_line, hq_conn);

/*
 * What the worker does between two looks for events: it handles them, on its
 * own stack, until a handler is to write.  That one waits, and a fiber goes on
 * with the events.  Whoever commits, all that waited go on one after another.
 */
struct hq_gather {
	const struct hq_env *env;
	struct epoll_event events[HQ_SERVE_EVENTS_MAX];
	int n_events, at;           /* those before `at` are done or in hand */
	struct hq_fiber *own, *now; /* the worker's stack; the one that runs */
	struct hq_fiber *all[HQ_GATHER_MAX], *idle[HQ_GATHER_MAX];
	int n_all, n_idle;
	/* Fibers that wait, in their order; the first n_done need no longer. */
	struct hq_fiber *line[HQ_GATHER_MAX];
	int n_line, n_done;
	int n_open;     /* who waits for a commit; .own may be one of them */
	int n_seen;     /* how many did when the worker last looked again */
	bool running;   /* within hq_gather_run(): new events will be handled */
	bool own_waits; /* .own does, or has not been told of its end */
	bool due;       /* somebody is to be told: handle no more events */
	bool held;      /* requests may read one snapshot: .ready ones */
	size_t bytes;   /* bodies of the open ones */
	int64_t since_ms;
};

/* The stacks of requests that may talk. */
struct hq_talkers {
	struct hq_fiber **idle;
	int n_all, n_idle; /* those that are not idle have a request in hand */
	struct hq_fiber **line; /* those that wait for a commit */
	int n_line;
	int64_t wary_until_ms;  /* nobody is to wait in it */
	struct hq_fiber **told; /* those of a commit that is made */
	struct hq_fiber *now;   /* the one that runs; NULL: the worker's own */
	struct hq_talker *talker; /* its request */
	struct hq_conn *begin;    /* what it is to serve */
};

struct hq_worker {
	const struct hq_serve_opts *o;
	const struct hq_worker_fds *fds;
	void *app;
	struct hq_figure *mine; /* enum hq_serve_figure, and more */
	struct hq_figure unseen[HQ_SERVE__FIGURES];
	struct hq_exchange x;
	/* A slot's memory is not touched before it is first used. */
	struct hq_conn *conns;
	int slots, n_used;
	struct hq_conn_line free; /* of those used, the last one first */
	int n_open;
	int n_partial;
	/* waiting.c: those looked at longest ago first; and by their keys */
	TAILQ_HEAD(hq_wait_groups, hq_wait_group) groups;
	LIST_HEAD(hq_wait_bucket, hq_wait_group)
	buckets[HQ_SERVE_WAIT_BUCKETS];
	int n_parked;
	int64_t change; /* counted up when something has changed */
	int64_t due_ms; /* of the first parked one, or earlier */
	int due_at;     /* the slot to look at next for who is due; 0: none */
	struct hq_buf out; /* replies of parked ones; on the heap */
	int64_t looked_ms; /* when the parked ones were looked at */
	int64_t passed_ms; /* when some were handed in again */
	int64_t ended_ms;  /* when some were answered because it leaves */
	int64_t served;
	int64_t now_ms;
	int64_t stop_ms; /* when it began to stop */
	int ep;
	int sig;
	bool told;   /* by a signal, to stop */
	bool parted; /* LEAVING, and what was idle has been handed over */
	bool taking; /* the listening socket and the pool are polled */
	enum hq_worker_mode mode;
	struct hq_gather turn;
	struct hq_talkers talkers;
};

/* Part of a request has come, or no more of one. */
void hq_conn_partial(struct hq_worker *w, struct hq_conn *c, bool partial);
/* Close it; the slot is free again. */
void hq_conn_drop(struct hq_worker *w, struct hq_conn *c);
/* Something has happened on it: serve what is whole, notice its end. */
void hq_conn_look(struct hq_worker *w, struct hq_conn *c);
/* Is a whole request there that can be handed in?  Remember if so. */
bool hq_conn_is_ready(struct hq_conn *c);
/* Read and serve the request that is there. */
void hq_conn_serve(struct hq_worker *w, struct hq_conn *c);

/* What is there is a whole request: hand it in, on this stack. */
void hq_conn_handle(struct hq_worker *w, struct hq_conn *c,
    const struct hq_http_talk *talk);

/* Where the handlers of a worker have stacks of their own. */
void hq_talk_init(struct hq_worker *w);
void hq_talk_done(struct hq_worker *w);
/* Hand in what is there; back when it is answered, or waits for its peer. */
void hq_talk_begin(struct hq_worker *w, struct hq_conn *c);
/* Something has happened on a connection whose request waits. */
void hq_talk_look(struct hq_worker *w, struct hq_conn *c);
/* Give up those that have waited too long; all: every one that waits. */
void hq_talk_give_up(struct hq_worker *w, bool all);
/* Commit what those in line are to write; they go on. */
void hq_talk_flush(struct hq_worker *w);
/* With none in hand: give back most of the stacks. */
void hq_talk_rest(struct hq_worker *w);
/* How many requests are in hand. */
int hq_talk_busy(const struct hq_worker *w);

void hq_gather_init(struct hq_worker *w);
void hq_gather_done(struct hq_worker *w);
/* Handle the events, to the end of every request. */
void hq_gather_run(struct hq_worker *w);
/* A request is to be served that may have come later than the snapshot. */
void hq_gather_release(struct hq_worker *w);
/* worker.c's part: another worker gets it, or it is closed. */
void hq_worker_give(struct hq_worker *w, struct hq_conn *c);
/* worker.c's part: one event, and the connection that one is about, or NULL. */
void hq_worker_event(struct hq_worker *w, uint32_t what);
struct hq_conn *hq_worker_conn(struct hq_worker *w, uint32_t what);

/*
 * Hand in what is parked again, where it is due or something has changed; a few
 * at a time.  True if there are more.
 */
bool hq_parked_look(struct hq_worker *w);
/* Answer all of it now. */
void hq_parked_answer(struct hq_worker *w);
/* Answer the one that is parked on it. */
void hq_parked_end(struct hq_worker *w, struct hq_conn *c);

/* waiting.c: a parked request joins and leaves those that wait. */
void hq_waiting_add(struct hq_worker *w, struct hq_conn *c);
void hq_waiting_remove(struct hq_worker *w, struct hq_conn *c);
/* The oldest of a group that has not been looked at since the last change. */
struct hq_conn *hq_waiting_stale(struct hq_worker *w);
/* It goes on waiting, and its group with it. */
void hq_waiting_looked(struct hq_worker *w, struct hq_conn *c);
/* Some one that waits; NULL if none does. */
struct hq_conn *hq_waiting_any(struct hq_worker *w);

#endif /* HQ_PROTO_HTTP_CONN_H */

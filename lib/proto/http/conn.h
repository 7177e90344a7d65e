/*
 * proto/http/conn.h - for lib/proto/http only: a worker and its connections.
 *
 * requests.c serves what stands on a connection and keeps the requests that
 * wait; worker.c decides when, and which connections there are.
 */
#ifndef HQ_PROTO_HTTP_CONN_H
#define HQ_PROTO_HTTP_CONN_H

#include <sys/queue.h>

#include <fcgiapp.h>

#include "proto/http/exchange.h"
#include "proto/http/parts.h"

enum hq_worker_mode {
	HQ_WORKER_SERVING,
	HQ_WORKER_STOPPING, /* SIGTERM: answer what is in hand */
	HQ_WORKER_LEAVING   /* SIGHUP, recycle: hand over what is open */
};

struct hq_conn {
	FCGX_Request fr;  /* .ipcFd < 0: a free slot */
	bool partial;     /* part of a request is there */
	int64_t since_ms; /* of the first part, or of the last reply */
	struct hq_parked parked;
	struct hq_wait_group *group; /* its request is parked; or NULL */
	TAILQ_ENTRY(hq_conn) line;   /* in the group, or of the free slots */
};

TAILQ_HEAD(hq_conn_line, hq_conn);

struct hq_worker {
	const struct hq_serve_opts *o;
	const struct hq_worker_fds *fds;
	void *app;
	struct hq_exchange x;
	/* A slot's memory is not touched before it is first used. */
	struct hq_conn *conns;
	int slots, n_used;
	struct hq_conn_line free; /* of those used, the last one first */
	int n_open;
	int n_partial;
	/* waiting.c: those looked at longest ago first; and by their keys */
	TAILQ_HEAD(, hq_wait_group) groups;
	LIST_HEAD(, hq_wait_group) buckets[HQ_SERVE_WAIT_BUCKETS];
	int n_parked;
	int64_t change;        /* counted up when something has changed */
	int64_t due_ms;        /* of the first parked one, or earlier */
	struct hq_buf out;     /* replies of parked ones; on the heap */
	int64_t looked_ms;     /* when the parked ones were looked at */
	int64_t looked_served; /* and how many had been served then */
	int64_t served;
	int64_t now_ms;
	int64_t stop_ms; /* when it began to stop */
	int ep;
	int sig;
	bool taking; /* the listening socket and the pool are polled */
	enum hq_worker_mode mode;
};

/* Part of a request has come, or no more of one. */
void hq_conn_partial(struct hq_worker *w, struct hq_conn *c, bool partial);
/* Close it; the slot is free again. */
void hq_conn_drop(struct hq_worker *w, struct hq_conn *c);
/* Something has happened on it: serve what is whole, notice its end. */
void hq_conn_look(struct hq_worker *w, struct hq_conn *c);
/* Read and serve the request that is there. */
void hq_conn_serve(struct hq_worker *w, struct hq_conn *c);

/*
 * Hand in what is parked again, where it is due or something has changed; a few
 * at a time.  True if there are more.
 */
bool hq_parked_look(struct hq_worker *w);
/* Answer all of it now; nothing is parked unless the worker is SERVING. */
void hq_parked_answer(struct hq_worker *w);

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

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
	bool waits;       /* its request is parked, and in the queue */
	struct hq_parked parked;
	TAILQ_ENTRY(hq_conn) line;
};

struct hq_worker {
	const struct hq_serve_opts *o;
	const struct hq_worker_fds *fds;
	void *app;
	struct hq_exchange x;
	struct hq_conn *conns; /* o->slots of them */
	int n_open;
	int n_partial;
	TAILQ_HEAD(hq_conn_line, hq_conn) parked; /* in the order they came */
	int n_parked;
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

/* Hand in what is parked again, where it is due or something has changed. */
void hq_parked_look(struct hq_worker *w);
/* Answer all of it now; nothing is parked unless the worker is SERVING. */
void hq_parked_answer(struct hq_worker *w);

#endif /* HQ_PROTO_HTTP_CONN_H */

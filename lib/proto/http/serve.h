/*
 * proto/http/serve.h - a responder: a master that keeps N workers alive, each
 * an event loop over stock libfcgi requests.
 *
 * fd 0 is the listening socket (spawn-fcgi, or systemd with Accept=no and
 * StandardInput=socket).  With GATEWAY_INTERFACE set and no socket on fd 0 one
 * request is answered as plain CGI and the function returns.
 *
 * A worker polls fd 0 and every open connection and calls FCGX_Accept_r() only
 * on what is readable, so fastcgi_keep_conn is safe with fewer workers than
 * connections.  SIGTERM: stop accepting, answer what is in hand, leave.
 * SIGHUP: replace the workers one by one.  A worker that dies is replaced, after
 * a pause if it dies at once; the pause grows while none comes to serve.
 */
#ifndef HQ_PROTO_HTTP_SERVE_H
#define HQ_PROTO_HTTP_SERVE_H

#include "base/figures.h"
#include "proto/http/http.h"

enum {
	HQ_SERVE_LOOK_MS = 25,
	/* Of a worker's slots, so many in 100 may hold parked requests; the
	 * next that wants to wait is answered at once. */
	HQ_SERVE_PARKED_PERCENT = 75,
};

/* What the server counts by itself: the first figures of opts.figures. */
enum hq_serve_figure {
	HQ_SERVE_STARTS,  /* workers that were started, */
	HQ_SERVE_DEATHS,  /* that ended by a signal or with an error, */
	HQ_SERVE_READY,   /* that serve */
	HQ_SERVE_OPEN,    /* connections */
	HQ_SERVE_WAITING, /* requests that are parked */
	HQ_SERVE__FIGURES
};

struct hq_serve_opts {
	struct hq_figures *figures; /* a row for each worker; or NULL */
	const char
	    *alive; /* the master's sign of life (base/alive.h); or NULL */
	int workers;
	int slots; /* connections one worker keeps; 1: one at a time */
	/*
	 * Handlers run on stacks of their own and may talk to their peer
	 * (http.h); a connection takes one request.
	 */
	bool talks;
	int64_t recycle;  /* requests until a worker is replaced; 0: never */
	size_t body_max;  /* bytes; a larger one is answered with 413 */
	size_t arena_max; /* bytes one request may hold */
	/*
	 * In each worker after fork (and once for CGI): make what serves the
	 * requests.  *ret_app is handed to handle and to done.
	 */
	enum hq_rc (*init)(void *ctx, void **ret_app, struct hq_err *err);
	void (*done)(void *app);
	void *ctx;
	hq_http_fn *handle;
	/*
	 * While requests are parked, asked every HQ_SERVE_LOOK_MS: has anything
	 * changed that one of them may wait for?  NULL: never.
	 */
	bool (*changed)(void *app);
	/*
	 * How writes that come together share a commit (store/db.h); NULL, both:
	 * they do not.  gather: called once, before the first request.  From
	 * then on a handler that is to write has wait(w) called, which returns
	 * when flush(app) has been; meanwhile other requests may be handled, on
	 * other stacks.  So a handler is to keep nothing across a write that
	 * another call of it may change.  Handlers' code after the write runs
	 * when it is on disk, and so does what follows: the answer, the log.
	 *
	 * A worker flushes when it has handled all that was there when it
	 * looked, and what has come meanwhile brought no other writer; or when
	 * one of the limits HQ_GATHER_* is reached.  A request that is parked is
	 * handed in by itself.
	 */
	void (*gather)(void *app, void (*wait)(void *w), void *w);
	void (*flush)(void *app);
	/*
	 * Whether requests are there together, which may read one snapshot of
	 * the store; NULL, both: they may not.  hold: all that are handled from
	 * here to release had come before it.  No event is waited for between
	 * the two.  NULL where requests talk.
	 */
	void (*hold)(void *app);
	void (*release)(void *app);
};

/* Serve until SIGTERM.  Gives an error if nothing could be served at all. */
enum hq_rc hq_serve(const struct hq_serve_opts *o, struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_HTTP_SERVE_H */

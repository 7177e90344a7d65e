/*
 * fcgi/host.h - what the responders share as hosts: settings, keys, the
 * store, the boundary context of a request, admission and the log line.
 *
 * A responder is a family and a route function; everything else is here, once.
 */
#ifndef HQ_FCGI_HOST_H
#define HQ_FCGI_HOST_H

#include "auth/policy.h"
#include "proto/contract.h"
#include "proto/http/http.h"
#include "store/probe.h"

/* Calls of functions that a worker has in hand; the others wait. */
enum { HQ_HOST_FUNCTION_CALLS = 16 };

/* What one worker process holds. */
struct hq_host {
	const struct hq_responder *responder;
	struct hq_arena *arena; /* the worker's: lives as long as it */
	const struct hq_config *config;
	const struct hq_keys *keys;
	struct hq_policy policy;
	const struct hq_env *env;
	struct hq_db *db;
	const struct hq_module *const *modules; /* of db */
	struct hq_figure *mine;   /* what this worker counts: count.h */
	struct hq_figure *calls;  /* of it, those of procedures; or NULL */
	struct hq_db_waits waits; /* that have been counted */
	struct hq_procs procs;    /* of the responder's kinds */
	bool dev;                 /* --dev */
	/* Calls of handle() that have begun: a write waits for its commit in it. */
	int in_hand;
	int wake_fd; /* datagram socket to the runner's doorbell */
	struct hq_surface_cache *surfaces;
	int64_t seen_version, seen_changes; /* of the store, by who looks for
					   parked requests */
	void *app;                          /* made by responder->init */
};

struct hq_surface;

struct hq_responder {
	const char
	    *name; /* "rpc": log component; sockets and pids use it too */
	enum hq_family family;
	unsigned kinds;       /* plugin kinds whose procedures it serves */
	bool hosts_functions; /* which may block: one runs at a time */
	bool takes_dev;       /* knows --dev */
	bool fronts;     /* asked how it goes, it speaks for all: probes.h */
	size_t body_max; /* where it takes larger bodies than RAWR_BODY_MAX */
	int workers;     /* where RAWR_WORKERS is not what it needs; or 0 */
	const char *prefix; /* its mount: what is below it is "not found" */
	const char *title;  /* of its openapi.json */
	const char *mount;  /* appended to the base URL in its `servers` */
	bool recorded; /* its document is the recorded one: no extensions */
	/* Make what route needs, in h->arena; may be NULL. */
	enum hq_rc (*init)(struct hq_host *h, struct hq_err *err);
	/*
	 * Answer, or return false for 404 "not found".  Called for admitted
	 * requests only; s holds the procedures that are on.
	 */
	bool (*route)(struct hq_host *h, const struct hq_surface *s,
	    struct hq_boundary *c, const struct hq_http_req *req,
	    struct hq_http_res *res);
	/*
	 * Answer before admission (health, documents, modules); may be NULL.
	 * True if it did.
	 */
	bool (*open_route)(struct hq_host *h, const struct hq_surface *s,
	    struct hq_boundary *c, const struct hq_http_req *req,
	    struct hq_http_res *res);
};

/* main() of a responder: exit status. */
int hq_host_main(const struct hq_responder *r, int argc, char *argv[]);

/* Ring the runner's bell; a boundary's wake port.  ctx: struct hq_host. */
void hq_host_wake(void *ctx);

/* GET and HEAD of a fixed path; a trailing slash is tolerated. */
bool hq_host_is_get(const struct hq_http_req *req, const char *path);

/* GET /health: {"ok":true}.  True if it was that. */
bool hq_host_health(const struct hq_http_req *req, struct hq_http_res *res);

/* True unless the plugin was switched off in the runtime state. */
enum hq_rc hq_host_is_on(struct hq_host *h, const struct hq_composed *plugin,
    struct hq_arena *scratch, bool *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_FCGI_HOST_H */

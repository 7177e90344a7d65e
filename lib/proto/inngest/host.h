/*
 * proto/inngest/host.h - the function host: GET (introspect), PUT (sync) and
 * POST (call) of an Inngest serve endpoint (facts: sections 2 to 4), over the
 * functions of the composition.
 */
#ifndef HQ_PROTO_INNGEST_HOST_H
#define HQ_PROTO_INNGEST_HOST_H

#include "auth/keys.h"
#include "flow/exec.h"
#include "proto/contract.h"
#include "proto/http/http.h"

struct hq_inngest_host;

struct hq_inngest_opts {
	const struct hq_composed *composition; /* ends with { 0 } */
	const struct hq_keys *keys;
	bool dev; /* --dev: unsigned; BAD_REQUEST if a signing key exists */
	struct hq_db *db;
	const struct hq_env *env;
	const struct hq_config *config;
	/* After a commit that queued an event. */
	void (*wake_runner)(void *ctx);
	void *wake_ctx;
};

enum hq_rc hq_inngest_host_new(const struct hq_inngest_opts *o,
    struct hq_arena *a, struct hq_inngest_host **ret, struct hq_err *err)
    HQ_MUST;

/* Answer a request to /api/inngest.  app is a struct hq_inngest_host. */
void hq_inngest_http(void *app, const struct hq_http_req *req,
    struct hq_http_res *res);

/*
 * The register payload's `functions` for every function of the composition:
 * what PUT sends, and what the runner registers with the engine directly.
 * url: the endpoint's, without a query.  cancels: with the events that cancel
 * their runs, for an Inngest server; our own engine is told by
 * hq_event_cancel_runs().  Owned by the arena.
 */
struct json_object *hq_inngest_functions(const struct hq_composed *rows,
    const char *url, bool cancels, struct hq_arena *a);

#endif /* HQ_PROTO_INNGEST_HOST_H */

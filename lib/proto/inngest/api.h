/*
 * proto/inngest/api.h - the engine API: what Inngest SDK apps ask of a server
 * (facts: sections 2.3, 4.8 and 7).
 *
 *   POST /e/<event key>             send events
 *   POST /fn/register               an app tells of its functions
 *   GET  /v0/runs/<id>/actions      a state that was too large for a call
 *   GET  /v0/runs/<id>/batch        and its events
 *   POST /v1/checkpoint/<id>/async  steps that are done while a call goes on
 *   GET  /v1/events/<id>[/runs], GET and DELETE /v1/runs/<id>
 *   GET  /dev                       --dev only
 *
 * Events come with an event key, all else with the signing key as bearer token,
 * plain or hashed.  With dev every key is taken.  Nothing here blocks for longer
 * than the store does.
 */
#ifndef HQ_PROTO_INNGEST_API_H
#define HQ_PROTO_INNGEST_API_H

#include "auth/keys.h"
#include "proto/http/http.h"
#include "store/db.h"

enum {
	HQ_INNGEST_API_BYTES_MAX = 8 << 20, /* of a body */
	HQ_INNGEST_EVENTS_MAX = 5000,       /* in one request */
	HQ_INNGEST_FUNCTIONS_MAX = 1000,    /* of one app */
};

struct hq_inngest_api;

struct hq_inngest_api_opts {
	const struct hq_keys *keys;
	bool dev; /* BAD_REQUEST if a signing key exists */
	struct hq_db *db;
	const struct hq_env *env;
	const struct hq_config *config;
	/* After a commit that the runner has to hear of. */
	void (*wake_runner)(void *ctx);
	void *wake_ctx;
};

enum hq_rc hq_inngest_api_new(const struct hq_inngest_api_opts *o,
    struct hq_arena *a, struct hq_inngest_api **ret, struct hq_err *err)
    HQ_MUST;

/* Answer any request of the family.  app is a struct hq_inngest_api. */
void hq_inngest_api_http(void *app, const struct hq_http_req *req,
    struct hq_http_res *res);

#endif /* HQ_PROTO_INNGEST_API_H */

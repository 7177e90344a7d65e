/*
 * proto/inngest/api_room.h - private to the engine API: its parts.
 *
 * api.c takes a request and checks its key; the others answer.
 */
#ifndef HQ_PROTO_INNGEST_API_ROOM_H
#define HQ_PROTO_INNGEST_API_ROOM_H

#include "base/config.h"
#include "proto/inngest/api.h"
#include "json/json.h"

struct hq_inngest_api {
	struct hq_inngest_api_opts o;
	/* Of the signing keys, without "signkey-<env>-"; NULL: none. */
	const char *secrets[4];
};

/* One request whose key is right. */
struct hq_api_ex {
	const struct hq_inngest_api *api;
	const struct hq_http_req *req;
	struct hq_http_res *res;
	const char *id;     /* the variable segment of its path; or NULL */
	struct hq_arena *a; /* the request's */
};

/* Answer with JSON text, or with 413 if the arena is full. */
void hq_api_text(const struct hq_api_ex *x, int status, const char *text);
/* {"error": message, "status": status}; 5xx tells no more than its code. */
void hq_api_refuse(const struct hq_api_ex *x, int status, const char *message);
void hq_api_fail(const struct hq_api_ex *x, const struct hq_err *err);

/* The body as JSON; BAD_REQUEST if it is none. */
enum hq_rc hq_api_body(const struct hq_api_ex *x, struct json_object **ret,
    struct hq_err *err) HQ_MUST;

void hq_api_wake(const struct hq_api_ex *x);

void hq_api_events(const struct hq_api_ex *x);     /* api_events.c */
void hq_api_register(const struct hq_api_ex *x);   /* api_register.c */
void hq_api_checkpoint(const struct hq_api_ex *x); /* api_runs.c */
void hq_api_actions(const struct hq_api_ex *x);
void hq_api_batch(const struct hq_api_ex *x);
void hq_api_run(const struct hq_api_ex *x);
void hq_api_cancel(const struct hq_api_ex *x);
void hq_api_event(const struct hq_api_ex *x);
void hq_api_runs(const struct hq_api_ex *x);
void hq_api_dev(const struct hq_api_ex *x);

#endif /* HQ_PROTO_INNGEST_API_ROOM_H */

/*
 * proto/inngest/room.h - private to lib/proto/inngest: the host's parts.
 *
 * host.c takes a request and checks who sent it, call.c, sync.c and
 * introspect.c answer one method each, config.c knows the functions.
 */
#ifndef HQ_PROTO_INNGEST_ROOM_H
#define HQ_PROTO_INNGEST_ROOM_H

#include "base/version.h"
#include "flow/function.h"
#include "proto/inngest/host.h"

#define HQ_INNGEST_SDK_LANGUAGE "c"
#define HQ_INNGEST_SDK HQ_INNGEST_SDK_LANGUAGE ":v" HQ_VERSION
#define HQ_INNGEST_FRAMEWORK "fastcgi"
#define HQ_INNGEST_PATH "/api/inngest"
#define HQ_INNGEST_SCHEMA "2024-05-24"
#define HQ_INNGEST_REGISTERED "Successfully registered"

enum {
	HQ_INNGEST_RETRIES_MAX = 20,
	HQ_INNGEST_ID_MAX = 128, /* bytes of a function's id */
	/*
	 * A call goes on behind so many steps: then it ends, and other runs
	 * have their turn;
	 */
	HQ_INNGEST_CHECKPOINTS_MAX = 64,
	/* nor with so many bytes held, which only the end of the call frees. */
	HQ_INNGEST_CHECKPOINT_BYTES = 8 << 20,
};

/* A function as the engine sees it: one of ours, or what follows its failure. */
struct hq_inngest_fn {
	const struct hq_function *f;
	hq_flow_fn *run;
	const char *id;   /* within the app */
	const char *slug; /* HQ_APP_ID "-" id */
	bool on_failure;
};

struct hq_inngest_fns {
	const struct hq_inngest_fn *v;
	size_t n;
};

struct hq_inngest_host {
	struct hq_inngest_opts o;
	struct hq_inngest_fns fns;
	const char *key, *fallback; /* NULL in dev mode */
	const char *hash;           /* of key, as a bearer token */
	const char *fallback_hash;  /* or NULL */
};

/* One request that has passed the signature check. */
struct hq_inngest_ex {
	const struct hq_inngest_host *h;
	const struct hq_http_req *req;
	struct hq_http_res *res;
	const char *key; /* that signed it; NULL: nothing to sign with */
	bool is_json;    /* the body is JSON: */
	struct json_object *body; /* borrowed from the arena */
};

/*
 * Every function of the composition, each once, a failure function behind its
 * own.  Nothing if the arena is full.
 */
void hq_inngest_list(const struct hq_composed *rows, struct hq_arena *a,
    struct hq_inngest_fns *ret);

/* By slug or by id; NULL if there is none. */
const struct hq_inngest_fn *hq_inngest_by_slug(const struct hq_inngest_host *h,
    const char *slug);
const struct hq_inngest_fn *hq_inngest_by_id(const struct hq_inngest_host *h,
    const char *id);

/* {"trust_probe":"v1"}; new reference. */
struct json_object *hq_inngest_capabilities(void);
/* What and who this is, in a registration. */
void hq_inngest_put_sdk(struct json_object *o);

/* What a GET tells; owned by the arena; NULL if that is full. */
struct json_object *hq_inngest_inspect(const struct hq_inngest_ex *x);

/* A query parameter, decoded; NULL if absent or malformed. */
const char *hq_inngest_query(const struct hq_http_req *req, const char *name);

/* Answer with the protocol's headers, signed; v may be NULL: null. */
void hq_inngest_answer(const struct hq_inngest_ex *x, int status,
    struct json_object *v);
/* The same without a body. */
void hq_inngest_answer_empty(const struct hq_inngest_ex *x, int status);
/* The same with {"code", "message"} and x-inngest-no-retry: true. */
void hq_inngest_refuse(const struct hq_inngest_ex *x, int status,
    const char *code, const char *message);

void hq_inngest_put(const struct hq_inngest_ex *x);
void hq_inngest_post(const struct hq_inngest_ex *x);

#endif /* HQ_PROTO_INNGEST_ROOM_H */

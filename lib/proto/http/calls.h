/*
 * proto/http/calls.h - many HTTP requests of our own at once, inside somebody
 * else's loop: the runner's calls of the functions of SDK apps.
 *
 * Non-blocking; connections are kept and used again.  The caller polls
 * hq_calls_fd() for POLLIN, at most until hq_calls_next_ms(), and then calls
 * hq_calls_step().  As in client.h: redirects are not followed, certificates are
 * checked, only http and https are spoken, nothing of the environment is used.
 */
#ifndef HQ_PROTO_HTTP_CALLS_H
#define HQ_PROTO_HTTP_CALLS_H

#include "base/buf.h"
#include "base/env.h"

enum {
	HQ_CALLS_CONNECT_MS = 5000,         /* until then nobody is there */
	HQ_CALLS_HEAD_BYTES_MAX = 64 << 10, /* of an answer; more is not kept */
};

struct hq_calls;
struct hq_calls_one;

enum hq_calls_end {
	HQ_CALLS_ANSWERED, /* whole, or cut behind answer_max bytes */
	HQ_CALLS_REFUSED,  /* nobody was there: nothing was tried */
	HQ_CALLS_DIED,     /* it may have been taken; no answer came */
	HQ_CALLS_LATE,     /* the same, and its time is over */
};

/* How a call ended; borrowed for the length of done(). */
struct hq_calls_reply {
	enum hq_calls_end end;
	const char *why; /* static; of the last three */
	int status;
	const char *body; /* NUL-terminated */
	size_t body_bytes;
	const struct hq_calls_one *one; /* for hq_calls_header() */
};

/* A header of the answer by its name; NULL if absent.  Borrowed. */
const char *hq_calls_header(const struct hq_calls_reply *r, const char *name);

typedef void hq_calls_done_fn(void *ctx, void *arg,
    const struct hq_calls_reply *r);

struct hq_calls_opts {
	const struct hq_env *env;
	hq_calls_done_fn *done; /* from within hq_calls_step() only */
	void *ctx;
	int connections; /* kept, at most */
};

/*
 * libcurl is loaded by the first call.  The caller frees it, when every call has
 * ended or was dropped; NULL is fine.
 */
enum hq_rc hq_calls_new(const struct hq_calls_opts *o, struct hq_calls **ret,
    struct hq_err *err) HQ_MUST;
void hq_calls_free(struct hq_calls *c);

struct hq_calls_post {
	const char *url;
	const char *const *headers; /* "name: value", ends with NULL */
	const char *body;
	size_t body_bytes;
	int64_t timeout_ms; /* of the whole call */
	size_t answer_max;  /* bytes */
	void *arg;          /* for done() */
};

/*
 * Start a POST; everything is copied.  done() is called once, unless it is
 * dropped before.  BAD_GATEWAY if it cannot be made at all.
 */
enum hq_rc hq_calls_post(struct hq_calls *c, const struct hq_calls_post *p,
    struct hq_calls_one **ret, struct hq_err *err) HQ_MUST;
void hq_calls_drop(struct hq_calls *c, struct hq_calls_one *one);

int hq_calls_fd(const struct hq_calls *c);
/* Monotonic; INT64_MAX: nothing is due. */
int64_t hq_calls_next_ms(const struct hq_calls *c);
void hq_calls_step(struct hq_calls *c);

#endif /* HQ_PROTO_HTTP_CALLS_H */

/*
 * proto/http/client.h - one HTTP request of our own, sent and waited for.
 *
 * For the few calls that a worker makes itself (registering with an Inngest
 * server); the runner's calls are concurrent and do not go through here.
 * Redirects are not followed, certificates are checked, only http and https are
 * spoken, and no proxy or netrc of the environment is used.
 */
#ifndef HQ_PROTO_HTTP_CLIENT_H
#define HQ_PROTO_HTTP_CLIENT_H

#include <stddef.h>

#include "base/arena.h"

enum {
	HQ_CLIENT_ANSWER_MAX = 4 << 20, /* bytes of a body that is taken */
};

struct hq_http_call {
	const char *url;
	const char *const *headers; /* "name: value", ends with NULL; or NULL */
	const char *body;
	size_t body_bytes;
	long timeout_ms; /* of the whole call */
};

struct hq_http_answer {
	int status;
	const char *body; /* in the arena; NUL-terminated for convenience */
	size_t body_bytes;
};

/*
 * POST and wait.  Any status is HQ_OK.  BAD_GATEWAY if there is no whole answer
 * (nobody there, broken off, larger than HQ_CLIENT_ANSWER_MAX, or libcurl is not
 * installed), GATEWAY_TIMEOUT after timeout_ms.  The message names the cause, not the URL.
 */
enum hq_rc hq_http_post(const struct hq_http_call *c, struct hq_arena *a,
    struct hq_http_answer *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_HTTP_CLIENT_H */

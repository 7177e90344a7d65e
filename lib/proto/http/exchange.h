/*
 * proto/http/exchange.h - one request and its reply, over FastCGI or CGI.
 *
 * What the two have in common: read the body up to its limit, call the
 * handler, write a CGI/1.1 reply.  What the server itself has to refuse is
 * answered as RFC 9457 problem+json.
 */
#ifndef HQ_PROTO_HTTP_EXCHANGE_H
#define HQ_PROTO_HTTP_EXCHANGE_H

#include "proto/http/serve.h"

enum {
	/* Of a body that is too large, this much is read away before 413. */
	HQ_EXCHANGE_DISCARD_MAX = 64 << 20,
	/* A request's arena above this is large: bytes. */
	HQ_EXCHANGE_LARGE = 256 << 10,
};

struct hq_carrier {
	void *ctx;
	/* At most n bytes of the body; 0: end; -1: cut off before its end. */
	long (*read)(void *ctx, char *p, size_t n);
	void (*write)(void *ctx, const char *p, size_t n);
	const struct hq_http_talk *talk; /* for the request; or NULL */
};

struct hq_exchange {
	const struct hq_serve_opts *opts;
	void *app;
	struct hq_arena *spare; /* for the next request; NULL: in use */
	struct hq_buf head;     /* on the heap; reused */
	size_t body_bytes;      /* of the request that was handed in last */
};

void hq_exchange_init(struct hq_exchange *x, const struct hq_serve_opts *o,
    void *app);
void hq_exchange_done(struct hq_exchange *x);

/* A request that waits for its answer: its bytes, and no more than those. */
struct hq_parked {
	char *mem;                 /* all that follows; from malloc() */
	const char *const *params; /* as hq_exchange_run() was given them */
	const char *body;
	size_t body_bytes;
	const char *key; /* struct hq_http_res; or NULL */
	int64_t arrived_ms;
	int64_t due_ms; /* monotonic: hand it in again by then */
};
/* It will not be answered. */
void hq_parked_free(struct hq_parked *p);

enum hq_exchange_end {
	HQ_EXCHANGE_CUT, /* the body was cut off: nothing done or answered */
	HQ_EXCHANGE_DONE,
	HQ_EXCHANGE_PARKED,
};

/*
 * Both may be called while an earlier call is in its handler, on another stack
 * (base/fiber.h).
 *
 * Serve the request with these CGI parameters ("NAME=value", NULL-ended;
 * borrowed until it is answered).  ret_parked: NULL if it may not wait.
 */
enum hq_exchange_end hq_exchange_run(struct hq_exchange *x,
    const char *const *params, const struct hq_carrier *io,
    struct hq_parked *ret_parked);

/* Hand it in again; last: for an answer.  DONE or PARKED. */
enum hq_exchange_end hq_exchange_resume(struct hq_exchange *x,
    struct hq_parked *p, bool last, const struct hq_carrier *io);

#endif /* HQ_PROTO_HTTP_EXCHANGE_H */

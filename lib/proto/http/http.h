/*
 * proto/http/http.h - a request and its reply, whatever carried them.
 *
 * serve.c carries them over FastCGI (or plain CGI); tests call the function
 * directly.
 */
#ifndef HQ_PROTO_HTTP_HTTP_H
#define HQ_PROTO_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/*
 * A request in hand may say something to its peer before it is answered, and
 * wait for a word back; meanwhile the worker handles others, on other stacks.
 * Only the runner (fcgi_client.h) understands it, and asks for it.
 */
struct hq_http_talk {
	/* False: the worker is to stop; end soon, say no more. */
	bool (*may)(void *ctx);
	/*
	 * False: the peer has gone; to hear(), too, if it has said nothing for
	 * HQ_TALK_WAIT_MS.  Then the answer reaches nobody.
	 */
	bool (*say)(void *ctx, const char *p, size_t n);
	bool (*hear)(void *ctx);
	/*
	 * True: it has kept the worker from others for over HQ_TALK_SLOW_MS
	 * since it last said or heard something.  What it waited, it did not.
	 */
	bool (*slow)(void *ctx);
	/* Have the worker killed when that gets so long; 0: not any more. */
	void (*limit)(void *ctx, int64_t ms);
	void *ctx;
};

struct hq_http_req {
	struct hq_arena *arena; /* reset when the reply is out */
	const char *method;     /* as sent; case-sensitive */
	/*
	 * The path as `new URL()` yields it: "." and ".." and their %2e
	 * spellings resolved, "\" turned to "/", nothing else decoded.
	 */
	const char *path;
	const char *query; /* raw, after '?'; "" if none */
	const char *body;  /* NUL-terminated for convenience; may hold NULs */
	size_t body_bytes;
	bool has_body;             /* false: no bytes were sent */
	const char *const *params; /* CGI "NAME=value", ends with NULL */
	/* Those of them that are HTTP_*; NULL: nobody has looked. */
	const char *const *headers;
	int64_t arrived_ms; /* monotonic; the same when it is called again */
	int64_t arrived_us; /* the same; 0: it is called again */
	bool last;          /* do not park it: answer now */
	const struct hq_http_talk *talk; /* or NULL */
};

/*
 * Fill req->headers, in the arena: they are asked for often.  A full arena
 * leaves it NULL.
 */
void hq_http_find_headers(struct hq_http_req *req);
/* A CGI parameter ("REMOTE_ADDR"); NULL if absent. */
const char *hq_http_param(const struct hq_http_req *req, const char *name);
/* A header by lower-case name ("content-type"); NULL if absent or empty. */
const char *hq_http_header(const struct hq_http_req *req, const char *name);
/*
 * Which of these headers (lower-case, NULL-ended, at most 64) came more than
 * once, for nginx passes all on; NULL if none did.
 */
const char *hq_http_header_repeated(const struct hq_http_req *req,
    const char *const *names);

enum { HQ_HTTP_RES_HEADERS_MAX = 16 };

struct hq_http_res {
	int status; /* 0: the handler left it; a bug */
	struct {
		const char *name, *value; /* arena or static; no CR, LF */
	} headers[HQ_HTTP_RES_HEADERS_MAX];
	size_t n_headers;
	const char *body; /* arena or static; NULL: none */
	size_t body_bytes;
	/*
	 * Above 0: no answer yet.  The request waits without a worker and is
	 * handed in again, whole, after so many ms or when something changed.
	 */
	int64_t park_ms;
	/*
	 * What it waits for, a text in the arena: of the requests with the same
	 * one, if the oldest has to wait on, all have.  NULL: its own matter.
	 */
	const char *park_key;
};

void hq_http_res_header(struct hq_http_res *res, const char *name,
    const char *value);
/* Status, content-type (NULL: none) and a NUL-terminated body. */
void hq_http_res_text(struct hq_http_res *res, int status, const char *type,
    const char *body);

typedef void hq_http_fn(void *app, const struct hq_http_req *req,
    struct hq_http_res *res);

#endif /* HQ_PROTO_HTTP_HTTP_H */

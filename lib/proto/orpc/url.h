/*
 * proto/orpc/url.h - new URL(text), as far as calls need it (WHATWG URL; no
 * IDNA, no rewriting of IPv4 and IPv6 addresses).  Private to this room.
 */
#ifndef HQ_PROTO_ORPC_URL_H
#define HQ_PROTO_ORPC_URL_H

#include "base/arena.h"

struct hq_url {
	const char *scheme; /* lower case, without ':' */
	/* With ":port" unless it is default; lower case for http and its like. */
	const char *host;
	const char *path;  /* dot segments resolved where the scheme has them */
	const char *query; /* without '?'; "" if none */
	const char *href;
};

/* False if text is no absolute URL or the arena is full. */
bool hq_url_parse(struct hq_arena *a, const char *text, struct hq_url *ret);

#endif /* HQ_PROTO_ORPC_URL_H */

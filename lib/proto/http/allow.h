/*
 * proto/http/allow.h - which URLs may be called: an allow-list of prefixes.
 *
 * The two readers of a URL (this and the one that connects) must not come to
 * different answers, so only plain ones are taken: http or https, a host name,
 * an IPv4 address or [IPv6], perhaps a port; a path without "." and ".."
 * segments, plain or encoded; no user, no fragment, no back slash, nothing
 * outside visible ASCII.
 */
#ifndef HQ_PROTO_HTTP_ALLOW_H
#define HQ_PROTO_HTTP_ALLOW_H

#include <stdbool.h>

enum { HQ_ALLOW_URL_BYTES_MAX = 2048 };

/* A URL of that plain kind. */
bool hq_url_plain(const char *url);

/*
 * The URL is plain, and an entry of list ("prefix,prefix") has its scheme, host
 * and port, and a path that is the URL's or leads to it at a "/" or "?".
 */
bool hq_url_allowed(const char *list, const char *url);

#endif /* HQ_PROTO_HTTP_ALLOW_H */

/*
 * proto/http/reply.h - for lib/proto/http only: a FastCGI reply without
 * libfcgi's streams.
 *
 * A request that waits gives its streams back (16 KB of buffers); its reply is
 * written by this.
 */
#ifndef HQ_PROTO_HTTP_REPLY_H
#define HQ_PROTO_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct hq_reply {
	int fd, id;         /* the connection, and the request's id on it */
	struct hq_buf *out; /* emptied by hq_reply_send() */
};

/* Standard output; ctx is a struct hq_reply. */
void hq_reply_write(void *ctx, const char *p, size_t n);
/* Its end, and all of it onto the connection; false if that is gone. */
bool hq_reply_send(struct hq_reply *r);
/*
 * Something before the reply (HQ_FCGI_DATA), at once; false if nobody is there.
 */
bool hq_reply_say(struct hq_reply *r, const char *p, size_t n);

#endif /* HQ_PROTO_HTTP_REPLY_H */

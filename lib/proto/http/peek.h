/*
 * proto/http/peek.h - is there a whole request on this connection?
 *
 * libfcgi reads a request with blocking reads, so a worker that starts on half
 * a request waits for the rest while its other connections wait for it.
 * Looking first costs one recv() and keeps one slow peer from holding many.
 */
#ifndef HQ_PROTO_HTTP_PEEK_H
#define HQ_PROTO_HTTP_PEEK_H

#include <stddef.h>

enum {
	HQ_PEEK_BYTES = 65536, /* a request is read blocking from here on */
};

enum hq_peek {
	HQ_PEEK_CLOSED,
	HQ_PEEK_EMPTY,
	HQ_PEEK_PARTIAL,
	HQ_PEEK_READY /* whole, longer than HQ_PEEK_BYTES, or not FastCGI */
};

/* Consumes nothing and never blocks. */
enum hq_peek hq_peek(int fd);

/* The same of n > 0 bytes that stand at the start of a request. */
enum hq_peek hq_peek_bytes(const unsigned char *p, size_t n);

#endif /* HQ_PROTO_HTTP_PEEK_H */

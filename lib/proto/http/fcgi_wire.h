/*
 * proto/http/fcgi_wire.h - the numbers of FastCGI 1.0 that libfcgi keeps to
 * itself.
 */
#ifndef HQ_PROTO_HTTP_FCGI_WIRE_H
#define HQ_PROTO_HTTP_FCGI_WIRE_H

enum {
	HQ_FCGI_VERSION = 1,
	HQ_FCGI_HEADER_BYTES = 8,
	HQ_FCGI_RECORD_MAX = 65535, /* content of one record */
	HQ_FCGI_RESPONDER_ROLE = 1,
	HQ_FCGI_REQUEST_ID = 1, /* one request per connection at a time */
};

/* Record types. */
enum {
	HQ_FCGI_BEGIN = 1,
	HQ_FCGI_ABORT = 2,
	HQ_FCGI_END = 3,
	HQ_FCGI_PARAMS = 4,
	HQ_FCGI_STDIN = 5,
	HQ_FCGI_STDOUT = 6,
	HQ_FCGI_STDERR = 7,
	/*
	 * A responder has no data stream, so we use its type for what the
	 * runner and the function host say to each other while a request is in
	 * hand, where the runner has asked for it (RAWR_CHECKPOINTS): from the
	 * host a stream with one checkpoint, ended by an empty record; from the
	 * runner one empty record: it is recorded, go on.
	 */
	HQ_FCGI_DATA = 8,
};

#endif /* HQ_PROTO_HTTP_FCGI_WIRE_H */

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
	/* Not of FastCGI: an interim reply was taken, the request may go on. */
	HQ_FCGI_GO_ON = 100,
};

/*
 * The parameter by which a caller says that it takes interim replies.  Not
 * HTTP_..., so no client of nginx can set it.  An interim reply is, before the
 * reply and like it on STDOUT: header lines with "Status: 102", a label and a
 * Content-Length, a blank line, the body.  Each is answered with a HQ_FCGI_GO_ON
 * record without content, behind the end of STDIN.
 */
#define HQ_FCGI_INTERIM_PARAM "RAWR_STEPS"
#define HQ_FCGI_INTERIM_VALUE "ack"
#define HQ_FCGI_INTERIM_LABEL "X-Rawr-Step"

#endif /* HQ_PROTO_HTTP_FCGI_WIRE_H */

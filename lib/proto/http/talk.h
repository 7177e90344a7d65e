/*
 * proto/http/talk.h - for lib/proto/http only: interim replies of a request
 * that libfcgi serves, by a worker that has no other at a time.
 *
 * A call may take as long as it likes while it is alone; once it has had
 * HQ_TALK_TURN_MS, it ends at its next interim reply if somebody waits for a
 * worker.  So long runs do not keep out short ones.
 */
#ifndef HQ_PROTO_HTTP_TALK_H
#define HQ_PROTO_HTTP_TALK_H

#include <fcgiapp.h>

#include "proto/http/http.h"

enum {
	HQ_TALK_TURN_MS = 250,
	/* A caller that says nothing for so long is left. */
	HQ_TALK_PATIENCE_MS = 2000,
};

struct hq_talk {
	FCGX_Request *fr;
	int listen;       /* readable: somebody waits for a worker */
	int sig;          /* readable: the worker is to stop */
	int64_t since_ms; /* monotonic: of the first interim reply; 0: none */
};

/* talk is borrowed for as long as the port is used. */
struct hq_http_talk hq_talk_port(struct hq_talk *talk);

#endif /* HQ_PROTO_HTTP_TALK_H */

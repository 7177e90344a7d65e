/*
 * proto/http/parts.h - for lib/proto/http only: the parts of serve.c.
 */
#ifndef HQ_PROTO_HTTP_PARTS_H
#define HQ_PROTO_HTTP_PARTS_H

#include <sys/types.h>

#include "proto/http/serve.h"

enum {
	HQ_SERVE_READ_MS = 10000,     /* a request must be whole by then */
	HQ_SERVE_HALF_MS = 500,       /* and by then where others wait */
	HQ_SERVE_IO_S = 5,            /* one read or write on a connection */
	HQ_SERVE_TICK_MS = 100,       /* how often a full worker looks around */
	HQ_SERVE_QUIET_MAX_MS = 2000, /* SIGTERM until all idle ones close */
	HQ_SERVE_GRACE_MS = 25000,    /* SIGTERM until SIGKILL */
	HQ_SERVE_PAUSE_MIN_MS = 20,
	HQ_SERVE_PAUSE_MAX_MS = 10000,
	HQ_SERVE_QUICK_MS = 1000, /* who dies younger died at once */
	HQ_SERVE_SLOTS_MAX = 16384,
	HQ_SERVE_FILES = 64,         /* a worker's beside its connections */
	HQ_SERVE_WAIT_BUCKETS = 256, /* a hash table's */
	/* Of parked requests so many are handed in again so often. */
	HQ_SERVE_LOOK_MAX = 8,
	HQ_SERVE_PASS_MS = 2,
	/* And so often by a worker that leaves: they will all come back. */
	HQ_SERVE_PART_MS = 10,
	HQ_SERVE_DUE_MS = 100, /* how late one may be whose time is over */
	HQ_SERVE_WORKERS_MAX = 256,
	HQ_SERVE_EVENTS_MAX = 64, /* that a worker takes at once */
	/* A group of writes is committed when it has so many, */
	HQ_GATHER_MAX = 32,
	HQ_GATHER_BYTES = 1 << 20, /* their bodies are so large, */
	HQ_GATHER_MS = 5,          /* or the first has waited so long. */
	/* A request that waits for its peer's word is given up after that. */
	HQ_TALK_WAIT_MS = 5000,
	/* One that kept the others for longer makes the worker wary for so long. */
	HQ_TALK_SLOW_MS = 5,
	HQ_TALK_WARY_MS = 10000,
	HQ_TALK_KEEP = 2, /* stacks, while nobody talks */
};

/* True if the process was started as a CGI program. */
bool hq_cgi_asked(void);
/* Answer the one request on stdin and stdout. */
enum hq_rc hq_cgi_run(const struct hq_serve_opts *o, struct hq_err *err)
    HQ_MUST;

/* A worker tells its master that it serves, or why it cannot; that it leaves. */
struct hq_worker_note {
	pid_t pid;
	bool leaves;
	enum hq_rc rc;
	char msg[HQ_ERR_MSG_BYTES];
};

struct hq_worker_fds {
	int listen;
	int notes; /* pipe to the master */
	/*
	 * Open connections that a leaving worker hands to the others, so that
	 * a replacement closes no connection in its peer's face: [0] in,
	 * [1] out; a pair of SOCK_SEQPACKET, non-blocking.
	 */
	int pool[2];
};

/*
 * Serve until SIGTERM (finish what is in hand), SIGHUP or the recycle count
 * (hand everything over, answer what waits).  Both signals must be blocked.
 * The exit status.
 */
int hq_worker_run(const struct hq_serve_opts *o,
    const struct hq_worker_fds *fds);

/* Keep o->workers workers alive until SIGTERM. */
enum hq_rc hq_master_run(const struct hq_serve_opts *o, int listen_fd,
    struct hq_err *err) HQ_MUST;

#endif /* HQ_PROTO_HTTP_PARTS_H */

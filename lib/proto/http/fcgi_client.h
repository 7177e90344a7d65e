/*
 * proto/http/fcgi_client.h - the client's side of FastCGI, which libfcgi does
 * not have: the runner calls inngest.fcgi over its socket, so that the engine
 * does not depend on the gateway.
 *
 * Non-blocking; one request per connection (inngest.fcgi's workers take one at
 * a time, so a connection that waits costs nobody anything).  The caller polls
 * hq_fcgi_call_fd() for hq_fcgi_call_events() and then calls _step().
 *
 * Where the request had the parameter RAWR_CHECKPOINTS, the host may tell of a
 * step before it replies, and waits until it is told to go on (fcgi_wire.h).
 */
#ifndef HQ_PROTO_HTTP_FCGI_CLIENT_H
#define HQ_PROTO_HTTP_FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum {
	HQ_FCGI_REPLY_MAX = 16 << 20, /* bytes; a longer one: BAD_GATEWAY */
};

struct hq_fcgi_call;

struct hq_fcgi_param {
	const char *name, *value;
};

/*
 * Connect to the unix socket at path and start to send.  params end with
 * { NULL }; they and the body are copied.  SERVICE_UNAVAILABLE if nobody
 * listens.  The caller frees; freeing NULL or an unfinished call is fine and
 * closes its connection.
 */
enum hq_rc hq_fcgi_call_new(const char *path,
    const struct hq_fcgi_param *params, const void *body, size_t n,
    struct hq_fcgi_call **ret, struct hq_err *err) HQ_MUST;
void hq_fcgi_call_free(struct hq_fcgi_call *c);

int hq_fcgi_call_fd(const struct hq_fcgi_call *c);
short hq_fcgi_call_events(const struct hq_fcgi_call *c); /* POLLIN | POLLOUT */

/*
 * Go on after poll().  HQ_SUSPEND: not finished.  HQ_OK: the reply is whole.
 * BAD_GATEWAY: the peer closed or spoke nonsense before the reply was whole:
 * it died without an answer.
 */
enum hq_rc hq_fcgi_call_step(struct hq_fcgi_call *c, struct hq_err *err)
    HQ_MUST;

/*
 * After BAD_GATEWAY: the host had not read all that was sent, be it the request
 * or that it may go on.
 */
bool hq_fcgi_call_unread(const struct hq_fcgi_call *c);

/*
 * After _step(), whatever it gave: what the host has told, borrowed until the
 * call is told to go on; NULL: nothing new.
 */
const char *hq_fcgi_call_checkpoint(const struct hq_fcgi_call *c,
    size_t *ret_n);
/* It is recorded: the host may run the next step. */
void hq_fcgi_call_go_on(struct hq_fcgi_call *c);

/* After HQ_OK; borrowed until free. */
int hq_fcgi_call_status(const struct hq_fcgi_call *c);
const char *hq_fcgi_call_header(const struct hq_fcgi_call *c,
    const char *lower_name); /* NULL if absent */
const char *hq_fcgi_call_body(const struct hq_fcgi_call *c, size_t *ret_n);

#endif /* HQ_PROTO_HTTP_FCGI_CLIENT_H */

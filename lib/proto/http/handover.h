/*
 * proto/http/handover.h - an open connection as a message (SCM_RIGHTS).
 */
#ifndef HQ_PROTO_HTTP_HANDOVER_H
#define HQ_PROTO_HTTP_HANDOVER_H

#include <stdbool.h>

/* Send a copy of fd; the caller still closes its own.  Never blocks. */
bool hq_handover_give(int pool, int fd);
/* The next one, close-on-exec; -1 if there is none. */
int hq_handover_take(int pool);

#endif /* HQ_PROTO_HTTP_HANDOVER_H */

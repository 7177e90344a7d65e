/*
 * auth/addr.h - peers without an address, for this room.
 */
#ifndef HQ_AUTH_ADDR_H
#define HQ_AUTH_ADDR_H

#include <stdbool.h>

/* NULL, "unix", or "unix:..." as nginx calls a peer on a local socket. */
bool hq_addr_is_local(const char *addr);

#endif /* HQ_AUTH_ADDR_H */

/*
 * auth/principal.h - who calls, and which family of routes they may call.
 */
#ifndef HQ_AUTH_PRINCIPAL_H
#define HQ_AUTH_PRINCIPAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/config.h"

/* Families of routes; one responder serves one family, and all the probes. */
enum hq_family {
	HQ_FAMILY_RPC,       /* first-party */
	HQ_FAMILY_OPENAPI,   /* published */
	HQ_FAMILY_WORKFLOWS, /* published */
	HQ_FAMILY_INNGEST,   /* runtime only */
	HQ_FAMILY_ENGINE,    /* SDK apps: the engine API */
	HQ_FAMILY_PROBES,    /* of every responder: is it well? */
	HQ_FAMILY__MAX
};

enum hq_caller {
	HQ_CALLER_ANONYMOUS,
	HQ_CALLER_FIRST_PARTY, /* first-party token, or an address that counts */
	HQ_CALLER_PUBLISHED,   /* published API token */
	HQ_CALLER_RUNTIME,     /* carries a runtime signature */
	HQ_CALLER_APP,         /* an SDK app, from an address that counts */
	HQ_CALLER_PROBE,       /* the same, who asks how it goes */
	HQ_CALLER__MAX
};

struct hq_principal {
	enum hq_caller caller;
	const char *
	    id; /* token's public id, or "anonymous", "local", "runtime", "app",
	       "probe" */
};

const char *hq_family_name(enum hq_family f); /* "rpc" ... */
const char *hq_caller_name(enum hq_caller c); /* "anonymous" ... */

#endif /* HQ_AUTH_PRINCIPAL_H */

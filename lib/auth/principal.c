#include "auth/principal.h"

static const char *const families[HQ_FAMILY__MAX] = {
	[HQ_FAMILY_RPC] = "rpc",
	[HQ_FAMILY_OPENAPI] = "openapi",
	[HQ_FAMILY_WORKFLOWS] = "workflows",
	[HQ_FAMILY_INNGEST] = "inngest",
	[HQ_FAMILY_ENGINE] = "engine",
	[HQ_FAMILY_PROBES] = "probes",
};

static const char *const callers[HQ_CALLER__MAX] = {
	[HQ_CALLER_ANONYMOUS] = "anonymous",
	[HQ_CALLER_FIRST_PARTY] = "first-party",
	[HQ_CALLER_PUBLISHED] = "published",
	[HQ_CALLER_RUNTIME] = "runtime",
	[HQ_CALLER_APP] = "app",
	[HQ_CALLER_PROBE] = "probe",
};

const char *
hq_family_name(enum hq_family f)
{
	HQ_ASSERT(f < HQ_FAMILY__MAX);
	return families[f];
}

const char *
hq_caller_name(enum hq_caller c)
{
	HQ_ASSERT(c < HQ_CALLER__MAX);
	return callers[c];
}

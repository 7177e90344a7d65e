/*
 * auth/policy.h - may this caller reach this family?  One table, deny by
 * default.  nginx decides the same by its own rules; either alone must hold.
 */
#ifndef HQ_AUTH_POLICY_H
#define HQ_AUTH_POLICY_H

#include "auth/keys.h"

/* Parsed "127.0.0.0/8,::1"; "unix" stands for a peer without an address. */
struct hq_cidrs;
enum hq_rc hq_cidrs_parse(const char *text, struct hq_arena *a,
    const struct hq_cidrs **ret, struct hq_err *err) HQ_MUST;
bool hq_cidrs_match(const struct hq_cidrs *c, const char *addr);

struct hq_policy {
	const struct hq_keys *keys;
	bool tokens_required;               /* RAWR_AUTH=required */
	const struct hq_cidrs *first_party; /* RAWR_FIRST_PARTY_FROM */
	const struct hq_cidrs *engine;      /* RAWR_ENGINE_FROM */
	const struct hq_cidrs *apps;        /* RAWR_APPS_FROM */
	const struct hq_cidrs *probes;      /* RAWR_PROBES_FROM */
	const char *base_url; /* RAWR_BASE_URL; NULL: loopback only */
};

/* The facts about a request that the policy looks at. */
struct hq_credentials {
	const char *remote_addr; /* nginx's REMOTE_ADDR; NULL: a local socket */
	const char *authorization; /* header or NULL */
	bool has_signature;        /* an X-Inngest-Signature header is there */
	const char *fetch_site;    /* Sec-Fetch-Site or NULL */
	const char *host;          /* Host or NULL */
	const char *origin;        /* Origin or NULL */
	bool is_json; /* content-type: a page of another site must ask first */
};

/*
 * Who it is, and whether that caller may use the family.  UNAUTHORIZED: no or
 * an unknown credential.  FORBIDDEN: a valid credential of the wrong kind, a
 * cross-site browser request to /rpc, a runtime signature outside
 * /api/inngest.  A caller that /rpc admits by its address alone must name a host
 * that is ours (that of base_url, localhost, a loopback address), so that no
 * name of somebody else's which leads here speaks for it, and a request that
 * browsers send unasked must come from a page of that host.  For
 * HQ_FAMILY_PROBES the address counts alone: no credential opens them.  For
 * HQ_FAMILY_INNGEST and _ENGINE only the address is checked here; the signature
 * and the keys are proto/inngest's to verify.  *ret is set on success only.
 */
enum hq_rc hq_policy_admit(const struct hq_policy *p, enum hq_family family,
    const struct hq_credentials *c, struct hq_arena *a,
    struct hq_principal *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_AUTH_POLICY_H */

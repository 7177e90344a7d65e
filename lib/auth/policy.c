#include <string.h>
#include <strings.h>

#include "auth/addr.h"
#include "auth/policy.h"

/*
 * What opens a family.  /api/inngest, the engine API and the probes have no
 * row: they are opened by an address, and the first two by what is checked
 * elsewhere: the signature, the keys.
 */
static const struct rule {
	const char *path;
	enum hq_token_kind token; /* the kind that opens it */
	enum hq_caller caller;    /* whom that kind makes */
	enum hq_caller without;   /* who comes without one, if open */
	bool by_address;          /* and only from first_party */
	bool same_site;           /* no cross-site browser request */
	const char *needs;        /* what to do */
} rules[HQ_FAMILY__MAX] = {
	[HQ_FAMILY_RPC] = { "/rpc", HQ_TOKEN_FIRST_PARTY, HQ_CALLER_FIRST_PARTY,
	    HQ_CALLER_FIRST_PARTY, true, true,
	    "send \"Authorization: Bearer\" with a first-party token" },
	[HQ_FAMILY_OPENAPI] = { "/api/orpc", HQ_TOKEN_PUBLISHED,
	    HQ_CALLER_PUBLISHED, HQ_CALLER_ANONYMOUS, false, false,
	    "send \"Authorization: Bearer\" with a published API token" },
	[HQ_FAMILY_WORKFLOWS] = { "/api/workflows", HQ_TOKEN_PUBLISHED,
	    HQ_CALLER_PUBLISHED, HQ_CALLER_ANONYMOUS, false, false,
	    "send \"Authorization: Bearer\" with a published API token" },
};

static const char *const kind_names[HQ_TOKEN__MAX] = {
	[HQ_TOKEN_FIRST_PARTY] = "a first-party token",
	[HQ_TOKEN_PUBLISHED] = "a published API token",
};

static bool
is_set(const char *header)
{
	return header != NULL && *header != '\0';
}

/* What follows "Bearer ", NULL if the scheme is another. */
static const char *
bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1;

	if (strncasecmp(authorization, scheme, n) != 0)
		return NULL;
	return authorization + n + strspn(authorization + n, " ");
}

static enum hq_rc
named(enum hq_caller caller, const char *id, struct hq_arena *a,
    struct hq_principal *ret, struct hq_err *err)
{
	const char *copy = hq_arena_copy(a, id, strlen(id));

	if (copy == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "the request is too large");
	ret->caller = caller;
	ret->id = copy;
	return HQ_OK;
}

static enum hq_rc
admit_bearer(const struct hq_policy *p, const struct rule *r,
    const char *authorization, struct hq_arena *a, struct hq_principal *ret,
    struct hq_err *err)
{
	const char *text = bearer(authorization), *id;
	enum hq_token_kind kind;

	if (text == NULL || !hq_token_kind_of(text, &kind))
		return HQ_FAIL(err, UNAUTHORIZED,
		    "the credential is not a token: %s", r->needs);
	if (kind != r->token)
		return HQ_FAIL(err, FORBIDDEN, "%s does not open %s: %s",
		    kind_names[kind], r->path, r->needs);
	id = p->keys == NULL ? NULL : hq_keys_find(p->keys, text);
	if (id == NULL)
		return HQ_FAIL(err, UNAUTHORIZED,
		    "the token is not known here: %s that is in use", r->needs);
	return named(r->caller, id, a, ret, err);
}

/* The host of "host:port" or "[v6]:port": its length. */
static size_t
host_length(const char *s)
{
	if (*s == '[')
		return strcspn(s, "]") + 1;
	return strcspn(s, ":/");
}

static bool
is_own_host(const struct hq_policy *p, const char *host)
{
	const char *base =
	    p->base_url == NULL ? NULL : strstr(p->base_url, "://");
	size_t n = host_length(host);

	if ((n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	    (n > 4 && strncmp(host, "127.", 4) == 0 &&
		strspn(host, "0123456789.") == n) ||
	    (n == 5 && strncmp(host, "[::1]", n) == 0))
		return true;
	return base != NULL && host_length(base + 3) == n &&
	    strncasecmp(base + 3, host, n) == 0;
}

/* Of a browser that was led here by a page of somebody else's? */
static enum hq_rc
check_browser(const struct hq_policy *p, const struct rule *r,
    const struct hq_credentials *c, struct hq_err *err)
{
	const char *at;

	if (c->host != NULL && !is_own_host(p, c->host))
		return HQ_FAIL(err, FORBIDDEN,
		    "%s needs a token under this host name: set RAWR_BASE_URL "
		    "to the name that it is called by",
		    r->path);
	if (c->origin == NULL || c->is_json)
		return HQ_OK;
	at = strstr(c->origin, "://");
	if (at == NULL || c->host == NULL || strcasecmp(at + 3, c->host) != 0)
		return HQ_FAIL(err, FORBIDDEN,
		    "%s takes no forms from pages of other sites", r->path);
	return HQ_OK;
}

static enum hq_rc
admit_without(const struct hq_policy *p, const struct rule *r,
    const struct hq_credentials *c, struct hq_arena *a,
    struct hq_principal *ret, struct hq_err *err)
{
	if (p->tokens_required)
		return HQ_FAIL(err, UNAUTHORIZED, "%s needs a token: %s",
		    r->path, r->needs);
	if (r->by_address &&
	    (p->first_party == NULL ||
		!hq_cidrs_match(p->first_party, c->remote_addr)))
		return HQ_FAIL(err, UNAUTHORIZED,
		    "%s needs a token from this address: %s", r->path,
		    r->needs);
	if (r->by_address)
		HQ_TRY(check_browser(p, r, c, err));
	return named(r->without, r->by_address ? "local" : "anonymous", a, ret,
	    err);
}

static bool
is_cross_site(const struct hq_credentials *c)
{
	return c->fetch_site != NULL &&
	    strcasecmp(c->fetch_site, "cross-site") == 0;
}

/* Neither a browser on another site nor a token of ours. */
static enum hq_rc
check_machine(const struct hq_credentials *c, struct hq_err *err)
{
	const char *text;
	enum hq_token_kind kind;

	if (is_cross_site(c))
		return HQ_FAIL(err, FORBIDDEN, "not for this caller");
	text = is_set(c->authorization) ? bearer(c->authorization) : NULL;
	if (text != NULL && hq_token_kind_of(text, &kind))
		return HQ_FAIL(err, FORBIDDEN, "not for this caller");
	return HQ_OK;
}

/* A peer without an address is a runner on our own socket. */
static enum hq_rc
admit_engine(const struct hq_policy *p, const struct hq_credentials *c,
    struct hq_arena *a, struct hq_principal *ret, struct hq_err *err)
{
	if (!hq_addr_is_local(c->remote_addr) &&
	    (p->engine == NULL || !hq_cidrs_match(p->engine, c->remote_addr)))
		return HQ_FAIL(err, FORBIDDEN, "not for this caller");
	HQ_TRY(check_machine(c, err));
	return named(HQ_CALLER_RUNTIME, "runtime", a, ret, err);
}

/* Apps carry keys; what is signed goes the other way. */
static enum hq_rc
admit_app(const struct hq_policy *p, const struct hq_credentials *c,
    struct hq_arena *a, struct hq_principal *ret, struct hq_err *err)
{
	if (p->apps == NULL || !hq_cidrs_match(p->apps, c->remote_addr) ||
	    c->has_signature)
		return HQ_FAIL(err, FORBIDDEN, "not for this caller");
	HQ_TRY(check_machine(c, err));
	return named(HQ_CALLER_APP, "app", a, ret, err);
}

/* Who may write to our socket may ask, too. */
static enum hq_rc
admit_probe(const struct hq_policy *p, const struct hq_credentials *c,
    struct hq_arena *a, struct hq_principal *ret, struct hq_err *err)
{
	if (c->has_signature ||
	    (!hq_addr_is_local(c->remote_addr) &&
		(p->probes == NULL ||
		    !hq_cidrs_match(p->probes, c->remote_addr))))
		return HQ_FAIL(err, FORBIDDEN, "not for this caller");
	HQ_TRY(check_machine(c, err));
	/* A page whose name leads to this machine is not of another site. */
	if (c->fetch_site != NULL && strcasecmp(c->fetch_site, "none") != 0)
		return HQ_FAIL(err, FORBIDDEN, "not for this caller");
	return named(HQ_CALLER_PROBE, "probe", a, ret, err);
}

enum hq_rc
hq_policy_admit(const struct hq_policy *p, enum hq_family family,
    const struct hq_credentials *c, struct hq_arena *a,
    struct hq_principal *ret, struct hq_err *err)
{
	const struct rule *r;

	HQ_ASSERT(family < HQ_FAMILY__MAX);
	r = &rules[family];
	if (family == HQ_FAMILY_INNGEST)
		return admit_engine(p, c, a, ret, err);
	if (family == HQ_FAMILY_ENGINE)
		return admit_app(p, c, a, ret, err);
	if (family == HQ_FAMILY_PROBES)
		return admit_probe(p, c, a, ret, err);
	if (c->has_signature)
		return HQ_FAIL(err, FORBIDDEN,
		    "signed runtime traffic does not open %s: it belongs to "
		    "/api/inngest",
		    r->path);
	if (r->same_site && is_cross_site(c))
		return HQ_FAIL(err, FORBIDDEN,
		    "%s takes no requests from pages of other sites: call "
		    "/api/orpc instead",
		    r->path);
	if (is_set(c->authorization))
		return admit_bearer(p, r, c->authorization, a, ret, err);
	return admit_without(p, r, c, a, ret, err);
}

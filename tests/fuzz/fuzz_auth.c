/*
 * Who may come in: lines for the networks, the address, the Authorization, the
 * Host, the Origin and the Sec-Fetch-Site.
 */
#include "auth/policy.h"
#include "auth/token.h"
#include "fuzz.h"

/* A list holds what each of its own entries holds. */
static void
check_list(const char *list, const char *addr, bool matches)
{
	const struct hq_cidrs *one;
	char *copy = hq_arena_copy(arena, list, strlen(list)), *p, *next;
	bool any = false;

	for (p = copy; p != NULL; p = next) {
		next = strchr(p, ',');
		if (next != NULL)
			*next++ = '\0';
		if (hq_cidrs_parse(p, arena, &one, &err) == HQ_OK)
			any = any || hq_cidrs_match(one, addr);
	}
	HQ_ASSERT(any == matches);
}

static void
check_token(const char *text)
{
	enum hq_token_kind kind;
	struct hq_token t;

	if (!hq_token_parse(text, &t)) {
		HQ_ASSERT(!hq_token_kind_of(text, &kind));
		return;
	}
	HQ_ASSERT(hq_token_kind_of(text, &kind) && kind == t.kind);
	HQ_ASSERT(t.n == strlen(text));
	HQ_ASSERT(t.id_n >= HQ_TOKEN_ID_MIN && t.id_n <= HQ_TOKEN_ID_MAX);
	HQ_ASSERT(t.n - t.id_n >= HQ_TOKEN_SECRET_MIN);
}

/* Without a list of tokens only an address opens anything of its own. */
static void
check_admission(const struct hq_policy *p, const struct hq_credentials *c)
{
	struct hq_principal who;
	enum hq_family f;
	enum hq_rc rc;

	for (f = 0; f < HQ_FAMILY__MAX; f++) {
		rc = hq_policy_admit(p, f, c, arena, &who, &err);
		HQ_ASSERT(rc == HQ_OK || rc == HQ_E_UNAUTHORIZED ||
		    rc == HQ_E_FORBIDDEN);
		if (rc != HQ_OK)
			continue;
		HQ_ASSERT(who.id != NULL);
		if (f == HQ_FAMILY_RPC)
			HQ_ASSERT(
			    hq_cidrs_match(p->first_party, c->remote_addr) &&
			    !p->tokens_required &&
			    (c->authorization == NULL ||
				*c->authorization == '\0'));
	}
}

static const char *
or_null(const char *s)
{
	return *s == '\0' ? NULL : s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_policy p = { .base_url = "https://rawr.example:8443" };
	struct hq_credentials c = { 0 };
	const char *list;

	fuzz_begin();
	list = fuzz_line(&r);
	c.remote_addr = or_null(fuzz_line(&r));
	c.authorization = fuzz_line(&r);
	check_token(c.authorization);
	if (strncmp(c.authorization, "Bearer ", 7) == 0)
		check_token(c.authorization + 7);
	c.host = or_null(fuzz_line(&r));
	c.origin = or_null(fuzz_line(&r));
	c.fetch_site = or_null(fuzz_line(&r));
	c.is_json = n % 2 == 0;
	if (hq_cidrs_parse(list, arena, &p.first_party, &err) != HQ_OK) {
		HQ_ASSERT(err.code == HQ_E_BAD_REQUEST);
		return 0;
	}
	p.engine = p.first_party;
	check_list(list, c.remote_addr,
	    hq_cidrs_match(p.first_party, c.remote_addr));
	check_admission(&p, &c);
	p.tokens_required = true;
	check_admission(&p, &c);
	return 0;
}

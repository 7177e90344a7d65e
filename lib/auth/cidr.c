#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "auth/addr.h"
#include "auth/policy.h"

enum { CIDRS_MAX = 256, ADDR_BYTES = 16, V4_AT = 12, V4_BITS = 96 };

/*
 * An address of either family as 16 bytes, IPv4 as ::ffff:a.b.c.d.  An IPv6
 * range never holds an IPv4 address, or ::/0 would open what nobody meant.
 */
struct range {
	unsigned char addr[ADDR_BYTES];
	unsigned bits; /* of the 128 */
	bool v4;
};

struct hq_cidrs {
	bool local; /* "unix" stands in the list */
	size_t n;
	struct range ranges[CIDRS_MAX];
};

static const unsigned char mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

bool
hq_addr_is_local(const char *addr)
{
	return addr == NULL || strcmp(addr, "unix") == 0 ||
	    strncmp(addr, "unix:", 5) == 0;
}

static bool
parse_addr(const char *text, struct range *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->addr, mapped, sizeof(mapped));
	r->v4 = inet_pton(AF_INET, text, r->addr + V4_AT) == 1;
	if (r->v4)
		return true;
	if (inet_pton(AF_INET6, text, r->addr) != 1)
		return false;
	r->v4 = memcmp(r->addr, mapped, sizeof(mapped)) == 0;
	return true;
}

static bool
same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	size_t whole = bits / 8;
	unsigned char mask = (unsigned char)(0xff00u >> bits % 8);

	if (memcmp(a, b, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

/* Digits only, without a sign or a leading zero; at most max. */
static bool
parse_bits(const char *s, unsigned max, unsigned *ret)
{
	size_t n = strspn(s, "0123456789"), i;
	unsigned v = 0;

	if (n == 0 || n > 3 || s[n] != '\0' || (n > 1 && s[0] == '0'))
		return false;
	for (i = 0; i < n; i++)
		v = v * 10 + (unsigned)(s[i] - '0');
	*ret = v;
	return v <= max;
}

/* The bits after the prefix must be 0: 10.0.0.1/8 is a slip of the pen. */
static bool
is_clean(const struct range *r)
{
	unsigned i;

	for (i = r->bits; i < ADDR_BYTES * 8; i++)
		if ((r->addr[i / 8] >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

/* text is cut at its slash. */
static bool
parse_range(char *text, struct range *r)
{
	char *slash = strchr(text, '/');
	bool dotted = strchr(text, ':') == NULL;

	if (slash != NULL)
		*slash++ = '\0';
	if (!parse_addr(text, r))
		return false;
	r->bits = ADDR_BYTES * 8;
	if (slash == NULL)
		return true;
	if (!parse_bits(slash, dotted ? 32 : 128, &r->bits))
		return false;
	if (dotted)
		r->bits += V4_BITS;
	if (r->bits < V4_BITS) /* wider than the mapped addresses */
		r->v4 = false;
	return is_clean(r);
}

static enum hq_rc
parse_item(struct hq_cidrs *c, char *item, struct hq_err *err)
{
	char shown[64];

	(void)snprintf(shown, sizeof(shown), "%s", item);
	if (strcmp(item, "unix") == 0) {
		c->local = true;
		return HQ_OK;
	}
	if (c->n == CIDRS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d addresses",
		    CIDRS_MAX);
	if (!parse_range(item, &c->ranges[c->n]))
		return HQ_FAIL(err, BAD_REQUEST,
		    "\"%s\" is not an address, a range without stray bits "
		    "(10.0.0.0/8, fd00::/8) or unix",
		    shown);
	c->n++;
	return HQ_OK;
}

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
	return s;
}

enum hq_rc
hq_cidrs_parse(const char *text, struct hq_arena *a,
    const struct hq_cidrs **ret, struct hq_err *err)
{
	struct hq_cidrs *c = HQ_NEW(a, struct hq_cidrs, 1);
	char *rest = hq_arena_copy(a, text, strlen(text)), *item;

	if (c == NULL || rest == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "no memory for a list of addresses");
	if (*trim(rest) == '\0')
		rest = NULL; /* an empty list holds nobody */
	while (rest != NULL) {
		item = rest;
		if ((rest = strchr(item, ',')) != NULL)
			*rest++ = '\0';
		HQ_TRY(parse_item(c, trim(item), err));
	}
	*ret = c;
	return HQ_OK;
}

bool
hq_cidrs_match(const struct hq_cidrs *c, const char *addr)
{
	struct range peer;
	size_t i;

	if (hq_addr_is_local(addr))
		return c->local;
	if (!parse_addr(addr, &peer))
		return false;
	for (i = 0; i < c->n; i++)
		if (c->ranges[i].v4 == peer.v4 &&
		    same_bits(c->ranges[i].addr, peer.addr, c->ranges[i].bits))
			return true;
	return false;
}

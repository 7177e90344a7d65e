#include <stdint.h>

#include "json/grapheme.h"

enum { ZWJ = 0x200d };

struct range {
	uint32_t lo, hi;
};

/* Combining marks and variation selectors. */
static const struct range modifiers[] = {
	{ 0x0300, 0x036f },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
	{ 0, 0 },
};

/* Where the quick count of UTF-16 units gives up. */
static const struct range joining[] = {
	{ 0x0300, 0x036f },
	{ ZWJ, ZWJ },
	{ 0xd800, 0xdbff },
	{ 0x10000, 0x10ffff },
	{ 0, 0 },
};

static bool
in_ranges(const struct range *r, uint32_t c)
{
	for (; r->hi != 0; r++)
		if (c >= r->lo && c <= r->hi)
			return true;
	return false;
}

/* The code point at *p, and *p past it.  0 at the end. */
static uint32_t
next_point(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	uint32_t c = s[0];
	unsigned more = 0;

	if (c == 0)
		return 0;
	if (c >= 0xf0) {
		c &= 0x07;
		more = 3;
	} else if (c >= 0xe0) {
		c &= 0x0f;
		more = 2;
	} else if (c >= 0xc0) {
		c &= 0x1f;
		more = 1;
	}
	for (s++; more > 0 && (*s & 0xc0) == 0x80; s++, more--)
		c = c << 6 | (*s & 0x3fU);
	*p = (const char *)s;
	/* U+0000 is stored as C0 80: any other character counts alike. */
	return c == 0 ? 1 : c;
}

static uint32_t
peek_point(const char *p)
{
	return next_point(&p);
}

static const char *
skip_modifiers(const char *p)
{
	while (in_ranges(modifiers, peek_point(p)))
		next_point(&p);
	return p;
}

static bool
is_flag_half(uint32_t c)
{
	return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static const char *
skip_cluster(const char *p)
{
	uint32_t first = next_point(&p);
	const char *q;

	p = skip_modifiers(p);
	for (;;) {
		q = p;
		if (next_point(&q) != ZWJ || *q == '\0')
			break;
		next_point(&q);
		p = skip_modifiers(q);
	}
	if (is_flag_half(first) && is_flag_half(peek_point(p)))
		next_point(&p);
	return p;
}

static bool
has_min_clusters(const char *p, size_t min)
{
	size_t n;

	for (n = 0; n < min && *p != '\0'; n++)
		p = skip_cluster(p);
	return n >= min;
}

bool
hq_text_has_min_length(const char *s, size_t min)
{
	const char *p = s;
	uint32_t c;
	size_t n;

	for (n = 0; n < min; n++) {
		c = next_point(&p);
		if (c == 0)
			return false;
		if (in_ranges(joining, c))
			return has_min_clusters(s, min);
	}
	return true;
}

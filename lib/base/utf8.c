#include "base/utf8.h"

/* By first byte: the sequence's length and the bounds of its second byte. */
static const struct {
	unsigned char from, to, len, min, max;
} leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

enum { N_LEADS = sizeof(leads) / sizeof(leads[0]) };

size_t
hq_utf8_next(const void *text, size_t n, bool *ret_ok)
{
	const unsigned char *s = text;
	size_t i, at;

	*ret_ok = s[0] < 0x80;
	if (s[0] < 0xc2)
		return 1;
	for (i = 0; i < N_LEADS && s[0] > leads[i].to;)
		i++;
	if (i == N_LEADS || n < 2 || s[1] < leads[i].min || s[1] > leads[i].max)
		return 1;
	for (at = 2; at < leads[i].len; at++)
		if (at >= n || (s[at] & 0xc0) != 0x80)
			return at;
	*ret_ok = true;
	return at;
}

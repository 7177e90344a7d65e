/*
 * json/plain.h - for lib/json only: the bytes of a string that need no thought.
 */
#ifndef HQ_JSON_PLAIN_H
#define HQ_JSON_PLAIN_H

#include <stdint.h>
#include <string.h>

#define HQ_JSON_EACH_BYTE UINT64_C(0x0101010101010101)

/*
 * Nonzero if one of eight bytes is a quote, a backslash, a control character
 * or not ASCII: each of these borrows into the top bit of its byte.
 */
static inline uint64_t
hq_json_any_special(uint64_t x)
{
	const uint64_t each = HQ_JSON_EACH_BYTE;
	uint64_t quote = x ^ each * '"', escape = x ^ each * '\\';

	return (x | (x - each * 0x20) | (quote - each) | (escape - each)) &
	    each * 0x80;
}

/* The first byte from s on that is not copied as it stands; end if none. */
static inline const char *
hq_json_skip_plain(const char *s, const char *end)
{
	uint64_t x;
	unsigned char c;

	for (; end - s >= 8; s += 8) {
		memcpy(&x, s, 8);
		if (hq_json_any_special(x) != 0)
			break;
	}
	for (; s < end; s++) {
		c = (unsigned char)*s;
		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return s;
}

#endif /* HQ_JSON_PLAIN_H */

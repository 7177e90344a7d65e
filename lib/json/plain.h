/*
 * json/plain.h - for lib/json only: the bytes of a string that need no thought.
 */
#ifndef HQ_JSON_PLAIN_H
#define HQ_JSON_PLAIN_H

#include <endian.h>
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

/*
 * Which of eight bytes is the first special one; 8 if none.  It is the first to
 * borrow, so behind it alone a bit can be wrong.
 */
static inline size_t
hq_json_first_special(const char *s)
{
	uint64_t x;

	memcpy(&x, s, 8);
	x = hq_json_any_special(le64toh(x));
	return x == 0 ? 8 : (size_t)__builtin_ctzll(x) / 8;
}

/* The first byte from s on that is not copied as it stands; end if none. */
static inline const char *
hq_json_skip_plain(const char *s, const char *end)
{
	const char *start = s;
	unsigned char c;
	size_t n;

	for (; end - s >= 8; s += 8)
		if ((n = hq_json_first_special(s)) < 8)
			return s + n;
	/* The last eight once more, as far as they are known to be plain. */
	if (s < end && end - start >= 8)
		return end - 8 + hq_json_first_special(end - 8);
	for (; s < end; s++) {
		c = (unsigned char)*s;
		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return s;
}

#endif /* HQ_JSON_PLAIN_H */

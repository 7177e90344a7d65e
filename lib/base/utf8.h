/*
 * base/utf8.h - where one character ends and the next begins.
 */
#ifndef HQ_BASE_UTF8_H
#define HQ_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes of the UTF-8 sequence at text, which has n > 0 bytes.  If they are not
 * UTF-8, *ret_ok is false and the result is the length of the maximal subpart
 * (WHATWG Encoding, Unicode 3.9): what a decoder replaces by one U+FFFD.
 */
size_t hq_utf8_next(const void *text, size_t n, bool *ret_ok);

#endif /* HQ_BASE_UTF8_H */

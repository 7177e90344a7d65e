/*
 * proto/http/text.h - bytes that came over HTTP as strings of this program
 * (modified WTF-8, see json/json.h): U+0000 is C0 80, and what is not UTF-8 is
 * U+FFFD, as a TextDecoder would have it.
 */
#ifndef HQ_PROTO_HTTP_TEXT_H
#define HQ_PROTO_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Never fails but for a full arena: then NULL. */
char *hq_text_from_bytes(struct hq_arena *a, const void *p, size_t n);

/* The same without a leading byte order mark, as Response.text() gives it. */
char *hq_text_decode(struct hq_arena *a, const void *p, size_t n);

/* 0..255 of the two hexadecimal digits at s; -1 if they are none. */
int hq_text_hex2(const char *s);

/*
 * A parameter of a header value, by its name in any case:
 * "form-data; name=\"a\"" has "name".  *ret, *ret_n: the raw bytes, without
 * quotes.  False if there is none.
 */
bool hq_header_param(const char *value, size_t n, const char *name,
    const char **ret, size_t *ret_n);

#endif /* HQ_PROTO_HTTP_TEXT_H */

/*
 * json/grapheme.h - string length as JSON Schema validators of JavaScript see
 * it (facts: TypeBox 1.0.81, guard/string, IsMinLengthFast).
 *
 * A length counts grapheme clusters, but only where the string holds a
 * character that may join another; else it counts UTF-16 units.
 */
#ifndef HQ_JSON_GRAPHEME_H
#define HQ_JSON_GRAPHEME_H

#include <stdbool.h>
#include <stddef.h>

/* s: modified WTF-8, as all strings are here (json.h). */
bool hq_text_has_min_length(const char *s, size_t min);

#endif /* HQ_JSON_GRAPHEME_H */

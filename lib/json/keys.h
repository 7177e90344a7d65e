/*
 * json/keys.h - for lib/json only: in which order an object is written.
 */
#ifndef HQ_JSON_KEYS_H
#define HQ_JSON_KEYS_H

#include "json/json.h"

/*
 * The value of a canonical array index ("0" to "4294967294"), which JavaScript
 * puts before other keys; -1 for any other key.
 */
int64_t hq_json_index(const char *key);

/* As strcmp, by UTF-16 code unit; of modified WTF-8. */
int hq_json_compare_utf16(const char *a, const char *b);

/*
 * The entries of o, sorted: the indexes alone, ascending, or all of them by
 * UTF-16 code unit.  The caller frees.
 */
struct lh_entry **hq_json_index_entries(struct json_object *o, size_t *ret_n);
struct lh_entry **hq_json_sorted_entries(struct json_object *o, size_t *ret_n);

#endif /* HQ_JSON_KEYS_H */

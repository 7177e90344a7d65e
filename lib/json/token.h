/*
 * json/token.h - for lib/json only: the strings and numbers of a JSON text.
 *
 * Written here because json-c's own reader takes more than the grammar allows,
 * loses lone surrogates and NUL, and keeps integers that a double cannot.
 */
#ifndef HQ_JSON_TOKEN_H
#define HQ_JSON_TOKEN_H

#include "base/buf.h"
#include "json/json.h"

struct hq_json_cursor {
	const char *s; /* moved behind what was read */
	const char *end;
};

/*
 * From behind the opening quote to behind the closing one; false if that is no
 * JSON string.  *ret_s is modified WTF-8 of *ret_n bytes, in the text itself
 * or in scratch, whose former content is lost.  If the arena of scratch is
 * full the result is empty.
 */
bool hq_json_string_at(struct hq_json_cursor *c, struct hq_buf *scratch,
    const char **ret_s, size_t *ret_n);

/*
 * A number; false if there is none.  *ret is a new reference; ret may be NULL:
 * then it is only looked at.
 */
bool hq_json_number_at(struct hq_json_cursor *c, struct json_object **ret);

#endif /* HQ_JSON_TOKEN_H */

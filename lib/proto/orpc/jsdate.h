/*
 * proto/orpc/jsdate.h - new Date(text).toISOString() (ECMA-262, Date Time
 * String Format).  Private to this room.
 */
#ifndef HQ_PROTO_ORPC_JSDATE_H
#define HQ_PROTO_ORPC_JSDATE_H

#include <stdbool.h>

enum { HQ_JSDATE_BYTES = 32 };

/*
 * A date in ISO form: a year, year-month or full date, each with or without a
 * time of day and an offset (none: UTC).  A day past the end of its month runs
 * into the next one, as in V8.  False if text is no such date.
 */
bool hq_jsdate_iso(const char *text, char ret[HQ_JSDATE_BYTES]);

#endif /* HQ_PROTO_ORPC_JSDATE_H */

/*
 * base/log.h - one JSON line per event on stderr.
 *
 * Only programs configure it; libraries other than the hosts' loops do not
 * log.  A line is {"ts","level","component","event", ...fields} and is written
 * by one write(2), so lines of several processes do not mix.  Values are
 * escaped; control bytes never reach the stream.  Never pass a secret.
 */
#ifndef HQ_BASE_LOG_H
#define HQ_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum hq_level { HQ_DEBUG, HQ_INFO, HQ_WARN, HQ_ERROR, HQ_LEVEL__MAX };

struct hq_field {
	const char *key;
	enum { HQ_F_STR, HQ_F_I64, HQ_F_BOOL } type;
	const char *s; /* NULL: the field is left out */
	int64_t i;
};

#define HQ_LSTR(k, v) \
	(struct hq_field) \
	{ \
		.key = (k), .type = HQ_F_STR, .s = (v) \
	}
#define HQ_LI64(k, v) \
	(struct hq_field) \
	{ \
		.key = (k), .type = HQ_F_I64, .i = (v) \
	}
#define HQ_LBOOL(k, v) \
	(struct hq_field) \
	{ \
		.key = (k), .type = HQ_F_BOOL, .i = (v) \
	}

/* component: "rpc", "runner", ...; static.  Lines below level are dropped. */
void hq_log_open(const char *component, enum hq_level level);
/* Is a line of that level written?  For who would have to gather it. */
bool hq_log_is_on(enum hq_level level);
bool hq_log_level_parse(const char *text, enum hq_level *ret);

/* hq_log(HQ_INFO, "request", HQ_LSTR("code", "OK"), HQ_LI64("ms", 3)); */
#define hq_log(level, event, ...) \
	hq_log_fields((level), (event), \
	    (const struct hq_field[]){ __VA_ARGS__, { 0 } })
void hq_log_fields(enum hq_level level, const char *event,
    const struct hq_field *fields); /* ends with key NULL */

#endif /* HQ_BASE_LOG_H */

/*
 * engine/cron.h - the five-field cron of the robfig dialect.
 *
 * "m h dom mon dow" with lists, ranges, steps and names (JAN, MON), "?" for
 * "*", the descriptors @yearly @annually @monthly @weekly @daily @midnight
 * @hourly, and "TZ=Europe/Paris " or "CRON_TZ=..." before it; UTC without.
 * Where both dom and dow are restricted, either may match.
 *
 * A tick is a real minute whose local time matches.  A local time that the
 * clocks skip has no tick; one they repeat has one, except where the hour is
 * "*" (every hour is an hour).
 */
#ifndef HQ_ENGINE_CRON_H
#define HQ_ENGINE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct hq_cron {
	uint64_t minute, hour, dom, month, dow; /* bit n: value n */
	bool dom_any, dow_any, hour_any;
	char zone[64]; /* "" is UTC */
};

/* BAD_REQUEST says which field is wrong. */
enum hq_rc hq_cron_parse(const char *text, struct hq_cron *ret,
    struct hq_err *err) HQ_MUST;

/* The first tick after after_ms; INT64_MAX if none within five years. */
int64_t hq_cron_next(const struct hq_cron *c, int64_t after_ms);

#endif /* HQ_ENGINE_CRON_H */

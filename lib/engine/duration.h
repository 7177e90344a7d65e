/*
 * engine/duration.h - durations and dates as step operations write them.
 *
 * "2s", "1d1h1m1s", "90m", "1.5h", "500ms": units w d h m s ms.
 */
#ifndef HQ_ENGINE_DURATION_H
#define HQ_ENGINE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* False if the text is no duration (an empty one is none) or too long. */
bool hq_duration_ms(const char *text, int64_t *ret_ms);

/* A duration from now on, or an RFC 3339 date. */
bool hq_when_ms(const char *text, int64_t now_ms, int64_t *ret_due_ms);

#endif /* HQ_ENGINE_DURATION_H */

/*
 * engine/retry.h - when the next attempt of a failed job is due.
 */
#ifndef HQ_ENGINE_RETRY_H
#define HQ_ENGINE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/*
 * attempt: the 0-based one that failed.  constant_ms > 0 is the delay as it
 * is; else the protocol's table plus up to 30 s of jitter.
 */
int64_t hq_retry_delay_ms(const struct hq_env *env, int64_t constant_ms,
    int attempt);

/*
 * A retry-after header: whole seconds, or a date (RFC 3339 or RFC 1123), as a
 * delay from now_ms, held between one second and a day.  False: not readable.
 */
bool hq_retry_after_ms(const char *text, int64_t now_ms, int64_t *ret_ms);

#endif /* HQ_ENGINE_RETRY_H */

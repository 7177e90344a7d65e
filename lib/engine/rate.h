/*
 * engine/rate.h - how often something may happen (GCRA, facts: Inngest, App. D).
 *
 * A rate is one each `emission`, and `burst` more at once after a pause.  What is
 * remembered of it is a time, at which it is as if nothing had happened yet.
 */
#ifndef HQ_ENGINE_RATE_H
#define HQ_ENGINE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct hq_rate {
	int64_t emission_us, burst;
};

/*
 * Once more at now_us?  Then *tat_us, 0 at first, moves on; else *ret_wait_us is
 * how long not.  A *tat_us further ahead than the rate can bring it (a clock that
 * went back, another rate before) becomes the furthest.
 */
bool hq_rate_take(const struct hq_rate *r, int64_t now_us, int64_t *tat_us,
    int64_t *ret_wait_us);

#endif /* HQ_ENGINE_RATE_H */

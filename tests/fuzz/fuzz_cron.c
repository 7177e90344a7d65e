/*
 * Crons, durations and dates.  A tick is a later, whole minute, and the same
 * one from every moment before it.
 */
#include "engine/cron.h"
#include "engine/duration.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const int64_t from[] = { 0, 1700000000123, 1711846799999,
		4102444800000 };
	struct hq_cron c;
	const char *text;
	int64_t ms;
	size_t i;

	fuzz_begin();
	text = hq_arena_copy(arena, data, n);
	if (hq_duration_ms(text, &ms))
		HQ_ASSERT(ms >= 0);
	(void)hq_when_ms(text, from[1], &ms);
	if (hq_cron_parse(text, &c, &err) != HQ_OK)
		return 0;
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		ms = hq_cron_next(&c, from[i]);
		HQ_ASSERT(ms > from[i]);
		if (ms == INT64_MAX)
			continue;
		HQ_ASSERT(ms % 60000 == 0);
		HQ_ASSERT(hq_cron_next(&c, ms - 1) == ms);
		HQ_ASSERT(hq_cron_next(&c, from[i] + (ms - from[i]) / 2) == ms);
	}
	return 0;
}

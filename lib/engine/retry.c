#include "engine/retry.h"

#include <string.h>
#include <time.h>

#include "base/ids.h"
#include "engine/limits.h"

enum {
	JITTER_MS = 30000,
	AFTER_MIN_MS = 1000,
	AFTER_DIGITS = 7,
};

/* Seconds, by the attempt that failed (Inngest: backoff table). */
static const int table_s[] = { 15, 30, 60, 120, 300, 600, 1200, 2400, 3600,
	7200 };

int64_t
hq_retry_delay_ms(const struct hq_env *env, int64_t constant_ms, int attempt)
{
	size_t last = sizeof(table_s) / sizeof(table_s[0]) - 1;
	size_t i = attempt < 0 ? 0 : (size_t)attempt;
	uint32_t r;

	if (constant_ms > 0)
		return constant_ms;
	env->random(env->ctx, &r, sizeof(r));
	return (int64_t)table_s[i < last ? i : last] * 1000 +
	    r % (JITTER_MS + 1);
}

static bool
seconds(const char *text, int64_t *ret_ms)
{
	int64_t n = 0;
	const char *p;

	if (*text == '\0' || strlen(text) > AFTER_DIGITS)
		return false;
	for (p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (*p - '0');
	}
	*ret_ms = n * 1000;
	return n > 0;
}

static bool
http_date(const char *text, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (end == NULL || *end != '\0')
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

bool
hq_retry_after_ms(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	int64_t ms;

	if (text == NULL)
		return false;
	if (!seconds(text, &ms)) {
		if (!hq_iso_to_ms(text, &ms) && !http_date(text, &ms))
			return false;
		ms -= now_ms;
	}
	if (ms < AFTER_MIN_MS)
		ms = AFTER_MIN_MS;
	*ret_ms = ms > HQ_ENGINE_DAY_MS ? HQ_ENGINE_DAY_MS : ms;
	return true;
}

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/ids.h"

/* Years 0000 and 9999, first and last millisecond. */
#define ISO_MIN_MS INT64_C(-62167219200000)
#define ISO_MAX_MS INT64_C(253402300799999)

#define DAY_MS INT64_C(86400000)

enum {
	STAMP_CHARS = 8,
	ULID_CHARS = HQ_ULID_BYTES - 1,
	ULID_MS_CHARS = 10,
	ULID_RANDOM_BYTES = 10
};

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void
hex(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void
hq_ulid_of(int64_t ms, const unsigned char random[10], char out[HQ_ULID_BYTES])
{
	unsigned bits = 0, have = 0;
	size_t i, at;

	hq_ulid_least(ms, out);
	for (i = 0, at = ULID_MS_CHARS; i < ULID_RANDOM_BYTES; i++) {
		bits = bits << 8 | random[i];
		for (have += 8; have >= 5; have -= 5)
			out[at++] = crockford[(bits >> (have - 5)) & 31];
	}
	out[at] = '\0';
}

void
hq_ulid(const struct hq_env *env, char out[HQ_ULID_BYTES])
{
	unsigned char r[ULID_RANDOM_BYTES];

	env->random(env->ctx, r, sizeof(r));
	hq_ulid_of(hq_now_ms(env), r, out);
}

void
hq_uuid_named(const char *name, char out[HQ_UUID_BYTES])
{
	char h[HQ_SHA1_HEX_BYTES];

	hq_sha1_hex(name, strlen(name), h);
	(void)snprintf(out, HQ_UUID_BYTES, "%.8s-%.4s-5%.3s-a%.3s-%.12s", h,
	    h + 8, h + 13, h + 17, h + 20);
}

void
hq_ulid_after(const struct hq_env *env, const char *last,
    char out[HQ_ULID_BYTES])
{
	size_t i = ULID_CHARS;

	HQ_ASSERT(strlen(last) == ULID_CHARS);
	hq_ulid(env, out);
	if (strcmp(out, last) > 0)
		return;
	memcpy(out, last, HQ_ULID_BYTES);
	while (i-- > 0 && out[i] == 'Z')
		out[i] = '0';
	HQ_ASSERT(i < ULID_CHARS);
	out[i] = strchr(crockford, out[i])[1];
}

void
hq_ulid_least(int64_t ms, char out[HQ_ULID_BYTES])
{
	size_t i;

	memset(out, '0', ULID_CHARS);
	for (i = 0; i < ULID_MS_CHARS; i++)
		out[i] = crockford[((uint64_t)ms >> (45 - 5 * i)) & 31];
	out[ULID_CHARS] = '\0';
}

int64_t
hq_ulid_ms(const char *ulid)
{
	const char *digit;
	int64_t ms = 0;
	size_t i;

	for (i = 0; i < ULID_MS_CHARS; i++) {
		digit = ulid[i] == '\0' ? NULL : strchr(crockford, ulid[i]);
		HQ_ASSERT(digit != NULL);
		ms = ms << 5 | (int64_t)(digit - crockford);
	}
	return ms;
}

char *
hq_stamped_id(const struct hq_env *env, struct hq_arena *a, const char *prefix)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char tail[STAMP_CHARS + 1] = { 0 };
	uint64_t r;
	size_t i;

	env->random(env->ctx, &r, sizeof(r));
	for (i = 0; i < STAMP_CHARS; i++, r /= 36)
		tail[i] = digits[r % 36];
	return hq_arena_printf(a, "%s-%" PRId64 "-%s", prefix, hq_now_ms(env),
	    tail);
}

char *
hq_random_hex(const struct hq_env *env, struct hq_arena *a, size_t n)
{
	unsigned char *p = HQ_NEW(a, unsigned char, n);
	char *out = HQ_NEW(a, char, 2 * n + 1);

	if (p == NULL || out == NULL)
		return NULL;
	env->random(env->ctx, p, n);
	hex(p, n, out);
	return out;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back.  Years are
 * counted from March, in eras of 400, so that the leap day is the last. */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
date_of(int64_t days, int *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

/* v in n digits, and what stands behind it; gives the end. */
static char *
put_digits(char *out, int v, int n, char after)
{
	int i;

	for (i = n - 1; i >= 0; i--, v /= 10)
		out[i] = (char)('0' + v % 10);
	out[n] = after;
	return out + n + 1;
}

void
hq_iso_from_ms(int64_t ms, char out[HQ_ISO_BYTES])
{
	int64_t days, rest;
	int y, m, d, s;

	if (ms < ISO_MIN_MS)
		ms = ISO_MIN_MS;
	if (ms > ISO_MAX_MS)
		ms = ISO_MAX_MS;
	days = ms / DAY_MS;
	rest = ms % DAY_MS;
	if (rest < 0) {
		days--;
		rest += DAY_MS;
	}
	date_of(days, &y, &m, &d);
	s = (int)(rest / 1000);
	out = put_digits(out, y, 4, '-');
	out = put_digits(out, m, 2, '-');
	out = put_digits(out, d, 2, 'T');
	out = put_digits(out, s / 3600, 2, ':');
	out = put_digits(out, s / 60 % 60, 2, ':');
	out = put_digits(out, s % 60, 2, '.');
	out = put_digits(out, (int)(rest % 1000), 3, 'Z');
	*out = '\0';
}

/* n digits at *s, which is moved past them; -1 if they are not there. */
static int
digits_at(const char **s, int n)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

static bool
char_at(const char **s, const char *any)
{
	if (**s == '\0' || strchr(any, **s) == NULL)
		return false;
	(*s)++;
	return true;
}

static bool
date_at(const char **s, int64_t *ret_days)
{
	int y, m, d, back_y, back_m, back_d;

	y = digits_at(s, 4);
	if (y < 0 || !char_at(s, "-"))
		return false;
	m = digits_at(s, 2);
	if (m < 1 || m > 12 || !char_at(s, "-"))
		return false;
	d = digits_at(s, 2);
	if (d < 1)
		return false;
	*ret_days = days_of(y, m, d);
	date_of(*ret_days, &back_y, &back_m, &back_d);
	return back_m == m && back_d == d; /* no 31 February */
}

static bool
time_at(const char **s, int64_t *ret_ms)
{
	int h, m, sec, scale, ms = 0;

	h = digits_at(s, 2);
	if (h < 0 || h > 23 || !char_at(s, ":"))
		return false;
	m = digits_at(s, 2);
	if (m < 0 || m > 59 || !char_at(s, ":"))
		return false;
	sec = digits_at(s, 2);
	if (sec < 0 || sec > 59)
		return false;
	if (char_at(s, ".")) {
		if (**s < '0' || **s > '9')
			return false;
		for (scale = 100; **s >= '0' && **s <= '9'; (*s)++, scale /= 10)
			ms += (**s - '0') * scale;
	}
	*ret_ms = ((h * 60 + m) * 60 + sec) * INT64_C(1000) + ms;
	return true;
}

static bool
zone_at(const char **s, int64_t *ret_ms)
{
	bool minus = **s == '-';
	int h, m;

	*ret_ms = 0;
	if (char_at(s, "Zz"))
		return true;
	if (!char_at(s, "+-"))
		return false;
	h = digits_at(s, 2);
	if (h < 0 || h > 23 || !char_at(s, ":"))
		return false;
	m = digits_at(s, 2);
	if (m < 0 || m > 59)
		return false;
	*ret_ms = (h * 60 + m) * INT64_C(60000);
	if (minus)
		*ret_ms = -*ret_ms;
	return true;
}

bool
hq_iso_to_ms(const char *text, int64_t *ret_ms)
{
	int64_t days, ms, zone;

	if (!date_at(&text, &days) || !char_at(&text, "Tt") ||
	    !time_at(&text, &ms) || !zone_at(&text, &zone) || *text != '\0')
		return false;
	*ret_ms = days * DAY_MS + ms - zone;
	return true;
}

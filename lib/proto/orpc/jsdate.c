#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/orpc/jsdate.h"

static const int64_t ms_per_day = 86400000;
static const int64_t day_max = 100000000; /* of an ECMAScript time value */

struct fields {
	int64_t year, month, day, hour, minute, second, ms;
	int64_t offset_min;
};

/* Exactly n digits. */
static bool
digits(const char **s, int n, int64_t *ret)
{
	int64_t v = 0;
	int i;

	for (i = 0; i < n; i++) {
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return false;
		v = v * 10 + ((*s)[i] - '0');
	}
	*s += n;
	*ret = v;
	return true;
}

static bool
skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool
read_year(const char **s, int64_t *ret)
{
	bool minus = **s == '-';

	if (**s != '+' && !minus)
		return digits(s, 4, ret);
	(*s)++;
	if (!digits(s, 6, ret) || (minus && *ret == 0))
		return false;
	if (minus)
		*ret = -*ret;
	return true;
}

static bool
read_date(const char **s, struct fields *f)
{
	f->month = f->day = 1;
	if (!read_year(s, &f->year))
		return false;
	if (skip(s, '-')) {
		if (!digits(s, 2, &f->month))
			return false;
		if (skip(s, '-') && !digits(s, 2, &f->day))
			return false;
	}
	return f->month >= 1 && f->month <= 12 && f->day >= 1 && f->day <= 31;
}

/* Digits past the third are dropped, not rounded. */
static bool
read_fraction(const char **s, int64_t *ret)
{
	int64_t scale = 100, v = 0;
	const char *start = *s;

	for (; **s >= '0' && **s <= '9'; (*s)++) {
		v += (**s - '0') * scale;
		scale /= 10;
	}
	*ret = v;
	return *s > start;
}

static bool
read_offset(const char **s, int64_t *ret_min)
{
	int64_t h, m, sign = **s == '-' ? -1 : 1;

	if (**s == '\0' || skip(s, 'Z'))
		return true;
	if (!skip(s, '+') && !skip(s, '-'))
		return false;
	if (!digits(s, 2, &h) || !skip(s, ':') || !digits(s, 2, &m))
		return false;
	*ret_min = sign * (h * 60 + m);
	return h <= 23 && m <= 59;
}

static bool
read_time(const char **s, struct fields *f)
{
	if (!digits(s, 2, &f->hour) || !skip(s, ':') ||
	    !digits(s, 2, &f->minute))
		return false;
	if (skip(s, ':')) {
		if (!digits(s, 2, &f->second))
			return false;
		if (skip(s, '.') && !read_fraction(s, &f->ms))
			return false;
	}
	if (!read_offset(s, &f->offset_min))
		return false;
	if (f->hour == 24)
		return f->minute == 0 && f->second == 0 && f->ms == 0;
	return f->hour < 24 && f->minute <= 59 && f->second <= 59;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t
days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil_from_days(int64_t z, struct fields *f)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	f->day = doy - (153 * mp + 2) / 5 + 1;
	f->month = mp < 10 ? mp + 3 : mp - 9;
	f->year = yoe + era * 400 + (f->month <= 2);
}

static void
format(const struct fields *f, int64_t ms, char *ret)
{
	unsigned long long year = (unsigned long long)llabs(f->year);

	if (f->year >= 0 && f->year <= 9999)
		ret += snprintf(ret, 8, "%04llu", year % 10000);
	else
		ret += snprintf(ret, 8, "%c%06llu", f->year < 0 ? '-' : '+',
		    year % 1000000);
	(void)snprintf(ret, HQ_JSDATE_BYTES - 8,
	    "-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)f->month % 100,
	    (unsigned)f->day % 100, (unsigned)(ms / 3600000) % 100,
	    (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
	    (unsigned)(ms % 1000));
}

bool
hq_jsdate_iso(const char *text, char ret[HQ_JSDATE_BYTES])
{
	struct fields f = { 0 };
	int64_t t, day;

	if (!read_date(&text, &f))
		return false;
	if (skip(&text, 'T') && !read_time(&text, &f))
		return false;
	if (*text != '\0')
		return false;
	t = days_from_civil(f.year, f.month, f.day) * ms_per_day +
	    f.hour * 3600000 + (f.minute - f.offset_min) * 60000 +
	    f.second * 1000 + f.ms;
	if (t > day_max * ms_per_day || t < -day_max * ms_per_day)
		return false;
	day = t >= 0 ? t / ms_per_day : -((-t + ms_per_day - 1) / ms_per_day);
	civil_from_days(day, &f);
	format(&f, t - day * ms_per_day, ret);
	return true;
}

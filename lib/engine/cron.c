#include "engine/cron.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { FIELDS = 5, YEARS_MAX = 5 };

static const char *const months[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
	"JUL", "AUG", "SEP", "OCT", "NOV", "DEC", NULL };
static const char *const days[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI",
	"SAT", NULL };

static const struct field {
	const char *what;
	int min, max;
	const char *const *names; /* of min, min + 1, ... */
} fields[FIELDS] = {
	{ "minute", 0, 59, NULL },
	{ "hour", 0, 23, NULL },
	{ "day of month", 1, 31, NULL },
	{ "month", 1, 12, months },
	{ "day of week", 0, 6, days },
};

static const struct {
	const char *name, *text;
} descriptors[] = {
	{ "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
	{ "@monthly", "0 0 1 * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@daily", "0 0 * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@hourly", "0 * * * *" },
};

/* A number or a name at *p; -1 if neither. */
static int
take_value(const char **p, const struct field *f)
{
	int n = 0, i;
	const char *s = *p;

	for (i = 0; f->names != NULL && f->names[i] != NULL; i++)
		if (strncasecmp(s, f->names[i], 3) == 0) {
			*p += 3;
			return f->min + i;
		}
	for (; **p >= '0' && **p <= '9' && n < 1000; (*p)++)
		n = n * 10 + (**p - '0');
	return *p == s ? -1 : n;
}

static bool
is_any(char c)
{
	return c == '*' || c == '?';
}

/* One element of a list: "*", "3", "1-5", each with "/2" after it. */
static bool
take_range(const char **p, const struct field *f, uint64_t *bits)
{
	int lo = f->min, hi = f->max, step = 1, i;

	if (is_any(**p)) {
		(*p)++;
	} else {
		lo = hi = take_value(p, f);
		if (**p == '-') {
			(*p)++;
			hi = take_value(p, f);
		} else if (**p == '/') {
			hi = f->max;
		}
	}
	if (**p == '/') {
		(*p)++;
		step = take_value(p, &fields[0]);
	}
	if (lo < f->min || hi > f->max || lo > hi || step < 1)
		return false;
	HQ_ASSERT(lo >= 0 && hi < 64);
	for (i = lo; i <= hi; i += step)
		*bits |= (uint64_t)1 << i;
	return true;
}

static bool
take_field(const char **p, const struct field *f, uint64_t *ret_bits,
    bool *ret_any)
{
	*ret_bits = 0;
	*ret_any = is_any(**p) && ((*p)[1] == ' ' || (*p)[1] == '\0');
	while (take_range(p, f, ret_bits)) {
		if (**p == ',') {
			(*p)++;
			continue;
		}
		if (**p != ' ' && **p != '\0')
			return false;
		while (**p == ' ')
			(*p)++;
		return true;
	}
	return false;
}

/* The system's zone file, so that a misspelt zone is not taken for UTC. */
static bool
zone_exists(const char *zone)
{
	char path[128] = "/usr/share/zoneinfo/";
	size_t n = strlen(path), k = strlen(zone);

	if (zone[0] == '/' || zone[0] == '.' || strstr(zone, "..") != NULL)
		return false;
	memcpy(path + n, zone, k + 1); /* zone[] is shorter than the rest */
	return access(path, R_OK) == 0;
}

static enum hq_rc
take_zone(const char **text, struct hq_cron *c, struct hq_err *err)
{
	const char *p = *text;
	size_t n;

	if (strncmp(p, "CRON_TZ=", 8) != 0 && strncmp(p, "TZ=", 3) != 0)
		return HQ_OK;
	p = strchr(p, '=') + 1;
	n = strcspn(p, " ");
	if (n == 0 || n >= sizeof(c->zone) || p[n] == '\0')
		return HQ_FAIL(err, BAD_REQUEST, "bad time zone in the cron");
	memcpy(c->zone, p, n);
	c->zone[n] = '\0';
	*text = p + n + strspn(p + n, " ");
	if (strcmp(c->zone, "UTC") == 0) {
		c->zone[0] = '\0';
		return HQ_OK;
	}
	if (!zone_exists(c->zone))
		return HQ_FAIL(err, BAD_REQUEST, "unknown time zone \"%s\"",
		    c->zone);
	return HQ_OK;
}

static const char *
expand(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		if (strcmp(text, descriptors[i].name) == 0)
			return descriptors[i].text;
	return text;
}

enum hq_rc
hq_cron_parse(const char *text, struct hq_cron *ret, struct hq_err *err)
{
	struct hq_cron c = { 0 };
	uint64_t *bits[FIELDS] = { &c.minute, &c.hour, &c.dom, &c.month,
		&c.dow };
	bool any[FIELDS];
	const char *p = text + strspn(text, " ");
	size_t i;

	HQ_TRY(take_zone(&p, &c, err));
	p = expand(p);
	for (i = 0; i < FIELDS; i++)
		if (!take_field(&p, &fields[i], bits[i], &any[i]))
			return HQ_FAIL(err, BAD_REQUEST,
			    "bad %s in the cron \"%.100s\"", fields[i].what,
			    text);
	if (*p != '\0')
		return HQ_FAIL(err, BAD_REQUEST,
		    "more than five fields in the cron \"%.100s\"", text);
	c.hour_any = any[1];
	c.dom_any = any[2];
	c.dow_any = any[4];
	*ret = c;
	return HQ_OK;
}

/* ------------------------------------------------------------- local time -- */

/*
 * libc knows one zone per process.  It is switched here and back again before
 * the caller sees it; this program has no threads.
 */
struct zone {
	char *old; /* NULL: there was no TZ */
};

/* NOLINTBEGIN(concurrency-mt-unsafe): as above */

static void
zone_enter(struct zone *z, const char *name)
{
	const char *old = getenv("TZ");

	z->old = old == NULL ? NULL : strdup(old);
	HQ_ASSERT(setenv("TZ", name[0] == '\0' ? "UTC0" : name, 1) == 0);
	tzset();
}

static void
zone_leave(struct zone *z)
{
	if (z->old == NULL)
		HQ_ASSERT(unsetenv("TZ") == 0);
	else
		HQ_ASSERT(setenv("TZ", z->old, 1) == 0);
	free(z->old);
	tzset();
}

/* NOLINTEND(concurrency-mt-unsafe) */

static bool
has(uint64_t bits, int n)
{
	return (bits >> n & 1) != 0;
}

static bool
day_matches(const struct hq_cron *c, const struct tm *tm)
{
	bool dom = has(c->dom, tm->tm_mday), dow = has(c->dow, tm->tm_wday);

	return c->dom_any || c->dow_any ? dom && dow : dom || dow;
}

/* Midnight of a later day or month; always after t. */
static time_t
jump(time_t t, const struct tm *at, int months_on, int days_on)
{
	struct tm tm = { .tm_year = at->tm_year,
		.tm_mon = at->tm_mon + months_on,
		.tm_mday = months_on > 0 ? 1 : at->tm_mday + days_on,
		.tm_isdst = -1 };
	time_t to = mktime(&tm);

	return to > t ? to : t + 3600;
}

/* Is this the second time today that the clock shows this? */
static bool
is_repeat(time_t t, const struct tm *tm)
{
	struct tm before;
	time_t u = t - 3600;

	return localtime_r(&u, &before) != NULL &&
	    before.tm_hour == tm->tm_hour && before.tm_min == tm->tm_min;
}

/* t itself if it is a tick, else a later time before which there is none. */
static time_t
forward(const struct hq_cron *c, time_t t)
{
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		HQ_BUG("a time beyond the calendar");
	if (!has(c->month, tm.tm_mon + 1))
		return jump(t, &tm, 1, 0);
	if (!day_matches(c, &tm))
		return jump(t, &tm, 0, 1);
	if (!has(c->hour, tm.tm_hour))
		return t + (time_t)(60 - tm.tm_min) * 60;
	if (!has(c->minute, tm.tm_min) || (!c->hour_any && is_repeat(t, &tm)))
		return t + 60;
	return t;
}

int64_t
hq_cron_next(const struct hq_cron *c, int64_t after_ms)
{
	time_t t = (time_t)(after_ms / 60000 + 1) * 60, to;
	time_t end = t + (time_t)YEARS_MAX * 366 * 86400;
	struct zone z;

	zone_enter(&z, c->zone);
	while (t < end && (to = forward(c, t)) != t)
		t = to;
	zone_leave(&z);
	return t < end ? (int64_t)t * 1000 : INT64_MAX;
}

#include "engine/duration.h"

#include <stddef.h>
#include <string.h>

#include "base/ids.h"

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "ms", 1 }, /* before "m" */
	{ "w", 604800000 },
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
};

/* Ten thousand years: any sum of two such fits. */
#define SPAN_MAX 315576000000000LL

static const struct unit *
unit_at(const char *p)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strncmp(p, units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12.5" at *p as thousandths; moves *p behind it. */
static bool
take_number(const char **p, int64_t *ret_milli)
{
	int64_t n = 0, scale = 100;

	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++) {
		n = n * 10 + (**p - '0');
		if (n > SPAN_MAX / 1000)
			return false;
	}
	n *= 1000;
	if (**p == '.') {
		(*p)++;
		if (!is_digit(**p))
			return false;
		for (; is_digit(**p); (*p)++, scale /= 10)
			n += (**p - '0') * scale;
	}
	*ret_milli = n;
	return true;
}

bool
hq_duration_ms(const char *text, int64_t *ret_ms)
{
	const char *p = text;
	const struct unit *u;
	int64_t total = 0, milli;

	if (p == NULL || *p == '\0')
		return false;
	while (*p != '\0') {
		if (!take_number(&p, &milli) || (u = unit_at(p)) == NULL)
			return false;
		if (milli > SPAN_MAX * 1000 / u->ms)
			return false;
		total += milli * u->ms / 1000;
		if (total > SPAN_MAX)
			return false;
		p += strlen(u->name);
	}
	*ret_ms = total;
	return true;
}

bool
hq_when_ms(const char *text, int64_t now_ms, int64_t *ret_due_ms)
{
	int64_t ms;

	if (hq_duration_ms(text, &ms)) {
		*ret_due_ms = now_ms + ms;
		return true;
	}
	return text != NULL && hq_iso_to_ms(text, ret_due_ms);
}

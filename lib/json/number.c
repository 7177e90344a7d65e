/*
 * Number::toString (ECMA-262, 6.1.6.1.20): the shortest digits that read back
 * as the same double, of several such the nearest.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#define EXACT_MAX 1e15 /* DBL_DIG digits */

enum { DIGITS_MAX = 17, PLAIN_MAX = 21, ZEROS_MAX = 6 };

/* 0.d1d2... * 10^point */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int n;
	int point;
};

static void
split(const char *e_text, int precision, struct decimal *x)
{
	x->digits[0] = e_text[0];
	memcpy(x->digits + 1, e_text + 2, (size_t)precision - 1);
	x->n = precision;
	x->point = (int)strtol(strchr(e_text, 'e') + 1, NULL, 10) + 1;
	while (x->n > 1 && x->digits[x->n - 1] == '0')
		x->n--;
	x->digits[x->n] = '\0';
}

/* The next decimal of as many digits; false if a carry runs out of them. */
static bool
step_up(char *e_text, int precision)
{
	char *p = e_text + (precision == 1 ? 0 : precision);

	while (p > e_text && (*p == '9' || *p == '.')) {
		if (*p == '9')
			*p = '0';
		p--;
	}
	if (*p == '9')
		return false;
	++*p;
	return true;
}

/*
 * Try this many digits.  Below a power of two doubles lie closer than above,
 * so the nearest decimal may miss where the one above it does not.
 */
static bool
try_precision(double d, int precision, struct decimal *x)
{
	char text[DIGITS_MAX + 16];
	int exponent;

	(void)snprintf(text, sizeof(text), "%.*e", precision - 1, d);
	if (strtod(text, NULL) == d) {
		split(text, precision, x);
		return true;
	}
	if (frexp(d, &exponent) != 0.5 || !step_up(text, precision) ||
	    strtod(text, NULL) != d)
		return false;
	split(text, precision, x);
	return true;
}

/*
 * The common case, a few digits behind the point, without printf.  A decimal
 * of DBL_DIG digits that reads back as d is the only one of so many digits, so
 * the first that does is the shortest.  The products are at most a half off;
 * the quotient, of two exact doubles, is what strtod() would read.
 */
static bool
try_short(double d, struct decimal *x)
{
	static const double tens[] = { 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
	enum { N_TENS = sizeof(tens) / sizeof(tens[0]) };
	char text[DIGITS_MAX + 16];
	int64_t whole;
	int i;

	for (i = 0; i < N_TENS && d * tens[i] < EXACT_MAX; i++) {
		whole = (int64_t)(d * tens[i] + 0.5);
		if (whole == 0 || (double)whole / tens[i] != d)
			continue;
		x->n = 0;
		for (; whole > 0; whole /= 10)
			text[x->n++] = (char)('0' + whole % 10);
		x->point = x->n - (i + 1);
		for (i = 0; i < x->n; i++)
			x->digits[i] = text[x->n - 1 - i];
		x->digits[x->n] = '\0';
		return true;
	}
	return false;
}

/* A normal double keeps any decimal of DBL_DIG digits, so one try does. */
static void
shortest(double d, struct decimal *x)
{
	int precision = d < DBL_MIN ? 1 : DBL_DIG;

	if (try_short(d, x))
		return;
	while (precision < DIGITS_MAX && !try_precision(d, precision, x))
		precision++;
	if (precision == DIGITS_MAX)
		HQ_ASSERT(try_precision(d, precision, x));
}

static void
put_zeros(struct hq_buf *b, int n)
{
	hq_buf_put(b, "000000000000000000000", n > 0 ? (size_t)n : 0);
}

static void
put_decimal(struct hq_buf *b, const struct decimal *x)
{
	int e = x->point - 1;
	int whole = x->point < x->n ? x->point : x->n;

	if (x->point > 0 && x->point <= PLAIN_MAX) {
		hq_buf_put(b, x->digits, (size_t)whole);
		put_zeros(b, x->point - x->n);
		if (x->n > whole)
			hq_buf_printf(b, ".%s", x->digits + whole);
		return;
	}
	if (x->point <= 0 && x->point > -ZEROS_MAX) {
		hq_buf_puts(b, "0.");
		put_zeros(b, -x->point);
		hq_buf_puts(b, x->digits);
		return;
	}
	hq_buf_putc(b, x->digits[0]);
	if (x->n > 1)
		hq_buf_printf(b, ".%s", x->digits + 1);
	hq_buf_printf(b, "e%c%d", e < 0 ? '-' : '+', abs(e));
}

static void
put_int(struct hq_buf *b, int64_t i)
{
	uint64_t u = i < 0 ? (uint64_t)0 - (uint64_t)i : (uint64_t)i;
	char text[24], *p = text + sizeof(text);

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (i < 0)
		*--p = '-';
	hq_buf_put(b, p, (size_t)(text + sizeof(text) - p));
}

void
hq_json_write_number(struct hq_buf *b, double d)
{
	struct decimal x;

	if (!isfinite(d)) {
		hq_buf_puts(b, "null");
		return;
	}
	if (fabs(d) <= 0x1p53 && d == (double)(int64_t)d) {
		put_int(b, (int64_t)d);
		return;
	}
	if (d < 0)
		hq_buf_putc(b, '-');
	shortest(fabs(d), &x);
	put_decimal(b, &x);
}

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "json/plain.h"
#include "json/token.h"

/* Integers of so many digits are exact, in an int64_t as in a double. */
enum { EXACT_DIGITS = 15, EXACT_POWER = 22, NUMBER_BYTES = 64 };

static int
hex4(const char *s, const char *end)
{
	int i, v = 0;
	char c;

	if (end - s < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		c = s[i];
		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

/* Modified WTF-8: surrogates as if they were characters, NUL as two bytes. */
static void
put_code(struct hq_buf *b, int u)
{
	char p[4];

	if (u > 0 && u < 0x80) {
		hq_buf_putc(b, (char)u);
		return;
	}
	p[3] = (char)(0x80 | (u & 0x3f));
	p[2] = (char)(0x80 | (u >> 6 & 0x3f));
	p[1] = (char)(0x80 | (u >> 12 & 0x3f));
	p[0] = (char)(0xf0 | u >> 18);
	if (u < 0x800) {
		p[2] = (char)(0xc0 | u >> 6);
		hq_buf_put(b, p + 2, 2);
	} else if (u < 0x10000) {
		p[1] = (char)(0xe0 | u >> 12);
		hq_buf_put(b, p + 1, 3);
	} else {
		hq_buf_put(b, p, 4);
	}
}

/* Behind "\u". */
static bool
take_unicode(struct hq_json_cursor *c, struct hq_buf *b)
{
	int u = hex4(c->s, c->end), low = -1;

	if (u < 0)
		return false;
	c->s += 4;
	if (u >= 0xd800 && u < 0xdc00 && c->end - c->s > 2 && c->s[0] == '\\' &&
	    c->s[1] == 'u')
		low = hex4(c->s + 2, c->end);
	if (low >= 0xdc00 && low < 0xe000) {
		c->s += 6;
		u = 0x10000 + ((u & 0x3ff) << 10 | (low & 0x3ff));
	}
	put_code(b, u);
	return true;
}

/* Behind the backslash. */
static bool
take_escape(struct hq_json_cursor *c, struct hq_buf *b)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *p;

	if (c->s == c->end || *c->s == '\0')
		return false;
	if (*c->s == 'u') {
		c->s++;
		return take_unicode(c, b);
	}
	if ((p = strchr(names, *c->s)) == NULL)
		return false;
	hq_buf_putc(b, bytes[p - names]);
	c->s++;
	return true;
}

/* What hq_json_skip_plain() stopped at, unless it is the closing quote. */
static bool
take_special(struct hq_json_cursor *c, struct hq_buf *b)
{
	size_t n;
	bool ok;

	if ((unsigned char)*c->s < 0x20)
		return false;
	if (*c->s == '\\') {
		c->s++;
		return take_escape(c, b);
	}
	n = hq_utf8_next(c->s, (size_t)(c->end - c->s), &ok);
	hq_buf_put(b, ok ? c->s : "\xef\xbf\xbd", ok ? n : 3);
	c->s += n;
	return true;
}

/* As far as the text is the string. */
static void
skip_same(struct hq_json_cursor *c)
{
	size_t n;
	bool ok = true;

	for (;;) {
		c->s = hq_json_skip_plain(c->s, c->end);
		if (c->s == c->end || (unsigned char)*c->s < 0x80)
			return;
		n = hq_utf8_next(c->s, (size_t)(c->end - c->s), &ok);
		if (!ok)
			return;
		c->s += n;
	}
}

bool
hq_json_string_at(struct hq_json_cursor *c, struct hq_buf *scratch,
    const char **ret_s, size_t *ret_n)
{
	const char *run = c->s;

	skip_same(c);
	if (c->s < c->end && *c->s == '"') {
		*ret_s = run;
		*ret_n = (size_t)(c->s++ - run);
		return true;
	}
	hq_buf_clear(scratch);
	hq_buf_put(scratch, run, (size_t)(c->s - run));
	while (c->s < c->end && *c->s != '"') {
		if (!take_special(c, scratch))
			return false;
		run = c->s;
		c->s = hq_json_skip_plain(run, c->end);
		hq_buf_put(scratch, run, (size_t)(c->s - run));
	}
	if (c->s == c->end)
		return false;
	c->s++;
	*ret_s = hq_buf_str(scratch);
	*ret_n = scratch->n;
	return true;
}

/* What a number's text says, as far as it fits. */
struct number {
	const char *start;
	int64_t digits; /* of whole part and fraction, without the point */
	int n_digits;   /* how many; past EXACT_DIGITS digits is meaningless */
	int n_fraction;
	int power;  /* the text's own exponent */
	bool whole; /* neither fraction nor exponent */
	bool negative;
};

static bool
skip_char(struct hq_json_cursor *c, char any)
{
	if (c->s == c->end || *c->s != any)
		return false;
	c->s++;
	return true;
}

/* How many digits there are; sums them up as long as they fit. */
static int
take_digits(struct hq_json_cursor *c, struct number *x)
{
	const char *start = c->s;

	for (; c->s < c->end && *c->s >= '0' && *c->s <= '9'; c->s++)
		if (x->n_digits <= EXACT_DIGITS) {
			x->digits = x->digits * 10 + (*c->s - '0');
			x->n_digits += x->digits != 0;
		}
	return (int)(c->s - start);
}

static bool
take_power(struct hq_json_cursor *c, struct number *x)
{
	bool minus = false;
	const char *start;

	if (!skip_char(c, '+'))
		minus = skip_char(c, '-');
	start = c->s;
	for (; c->s < c->end && *c->s >= '0' && *c->s <= '9'; c->s++)
		if (x->power < 100000)
			x->power = x->power * 10 + (*c->s - '0');
	if (minus)
		x->power = -x->power;
	return c->s > start;
}

static bool
take_number(struct hq_json_cursor *c, struct number *x)
{
	x->start = c->s;
	x->whole = true;
	x->negative = skip_char(c, '-');
	if (!skip_char(c, '0') && take_digits(c, x) == 0)
		return false;
	if (skip_char(c, '.')) {
		x->whole = false;
		if ((x->n_fraction = take_digits(c, x)) == 0)
			return false;
	}
	if (skip_char(c, 'e') || skip_char(c, 'E')) {
		x->whole = false;
		return take_power(c, x);
	}
	return true;
}

/* strtod() wants a NUL behind the number. */
static double
slow_double(const char *s, size_t n)
{
	char few[NUMBER_BYTES], *text = few;
	double d;

	if (n >= sizeof(few) && (text = malloc(n + 1)) == NULL)
		HQ_BUG("out of memory");
	memcpy(text, s, n);
	text[n] = '\0';
	d = strtod(text, NULL);
	if (text != few)
		free(text);
	return d;
}

/* Digits and power of ten are exact doubles: one rounding, the right one. */
static double
exact_double(const struct number *x, int power)
{
	static const double tens[EXACT_POWER + 1] = { 1e0, 1e1, 1e2, 1e3, 1e4,
		1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
		1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	double d = (double)x->digits;

	d = power < 0 ? d / tens[-power] : d * tens[power];
	return x->negative ? -d : d;
}

bool
hq_json_number_at(struct hq_json_cursor *c, struct json_object **ret)
{
	struct number x = { 0 };
	bool fits;
	int power;

	if (!take_number(c, &x))
		return false;
	if (ret == NULL)
		return true;
	power = x.power - x.n_fraction;
	fits = x.n_digits <= EXACT_DIGITS;
	if (fits && x.whole)
		*ret = hq_json_new_int64(x.negative ? -x.digits : x.digits);
	else if (fits && power >= -EXACT_POWER && power <= EXACT_POWER)
		*ret = hq_json_new_double(exact_double(&x, power));
	else
		*ret = hq_json_new_double(
		    slow_double(x.start, (size_t)(c->s - x.start)));
	return true;
}

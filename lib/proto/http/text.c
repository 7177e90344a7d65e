#include "proto/http/text.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "proto/http/media.h"

static const char replacement[] = "\xef\xbf\xbd";
static const char nul[] = "\xc0\x80";

/* Most bytes that one byte can become. */
enum { GROWTH_MAX = 3 };

/*
 * Into out, which has room for GROWTH_MAX times n bytes and a NUL.  *ret_valid:
 * all of it was UTF-8.
 */
static void
decode(const char *s, size_t n, char *out, bool *ret_valid)
{
	const char *end = s + n;
	size_t k;
	bool ok;

	*ret_valid = true;
	while (s < end) {
		const char *from = s;

		k = hq_utf8_next(s, (size_t)(end - s), &ok);
		s += k;
		if (!ok) {
			*ret_valid = false;
			from = replacement;
			k = sizeof(replacement) - 1;
		} else if (*from == '\0') {
			from = nul;
			k = sizeof(nul) - 1;
		}
		memcpy(out, from, k);
		out += k;
	}
	*out = '\0';
}

/* Nothing to replace: the usual case, and the cheap one. */
static bool
is_plain(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((signed char)s[i] <= 0) /* NUL or not ASCII */
			return false;
	return true;
}

static char *
from_bytes(struct hq_arena *a, const char *s, size_t n, bool *ret_valid)
{
	char *out;

	*ret_valid = true;
	if (is_plain(s, n))
		return hq_arena_copy(a, s, n);
	out = hq_arena_alloc(a, n + 1, GROWTH_MAX);
	if (out != NULL)
		decode(s, n, out, ret_valid);
	return out;
}

char *
hq_text_from_bytes(struct hq_arena *a, const void *p, size_t n)
{
	bool valid;

	return from_bytes(a, p, n, &valid);
}

char *
hq_text_decode(struct hq_arena *a, const void *p, size_t n)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *s = p;

	if (n >= 3 && memcmp(s, bom, 3) == 0)
		return hq_text_from_bytes(a, s + 3, n - 3);
	return hq_text_from_bytes(a, s, n);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hq_text_hex2(const char *s)
{
	int high = hex(s[0]);
	int low = high < 0 ? -1 : hex(s[1]);

	return low < 0 ? -1 : high << 4 | low;
}

char *
hq_percent_decode(struct hq_arena *a, const char *text, size_t n)
{
	char *raw = hq_arena_alloc(a, n + 1, 1), *out;
	size_t i, k = 0;
	bool valid;
	int c;

	for (i = 0; i < n && raw != NULL; i++) {
		c = (unsigned char)text[i];
		if (c == '%') {
			c = n - i < 3 ? -1 : hq_text_hex2(text + i + 1);
			i += 2;
		}
		if (c < 0)
			return NULL;
		raw[k++] = (char)c;
	}
	out = raw == NULL ? NULL : from_bytes(a, raw, k, &valid);
	return out != NULL && valid ? out : NULL;
}

/* "+" is a space and a bad escape stands for itself. */
static char *
form_decode(struct hq_arena *a, const char *text, size_t n)
{
	char *raw = hq_arena_alloc(a, n + 1, 1);
	size_t i, k = 0;
	int c;

	for (i = 0; i < n && raw != NULL; i++) {
		c = text[i] == '%' && n - i >= 3 ? hq_text_hex2(text + i + 1)
						 : -1;
		if (c >= 0)
			i += 2;
		else
			c = text[i] == '+' ? ' ' : text[i];
		raw[k++] = (char)c;
	}
	return raw == NULL ? NULL : hq_text_from_bytes(a, raw, k);
}

static size_t
count_pairs(const char *s, size_t n)
{
	size_t i, pairs = 1;

	for (i = 0; i < n; i++)
		pairs += s[i] == '&';
	return pairs;
}

static void
put_pair(struct hq_arena *a, const char *s, size_t n, struct hq_pair *ret)
{
	const char *eq = memchr(s, '=', n);
	size_t name = eq == NULL ? n : (size_t)(eq - s);
	size_t value = eq == NULL ? n : name + 1;

	ret->name = form_decode(a, s, name);
	ret->value = form_decode(a, s + value, n - value);
}

enum hq_rc
hq_urlencoded_parse(struct hq_arena *a, const char *text, size_t n,
    struct hq_pairs *ret, struct hq_err *err)
{
	size_t max = count_pairs(text, n), pairs = 0, at, len;
	struct hq_pair *v;

	if (max > HQ_PAIRS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d fields",
		    HQ_PAIRS_MAX);
	v = HQ_NEW(a, struct hq_pair, max);
	for (at = 0; at < n && v != NULL; at += len + 1) {
		const char *amp = memchr(text + at, '&', n - at);

		len = amp == NULL ? n - at : (size_t)(amp - (text + at));
		if (len > 0)
			put_pair(a, text + at, len, &v[pairs++]);
	}
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many fields");
	*ret = (struct hq_pairs){ v, pairs };
	return HQ_OK;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* One "name=value" at *s; moves *s behind it and its ";". */
static void
next_param(const char **s, const char *end, const char **ret_name,
    size_t *ret_name_n, const char **ret, size_t *ret_n)
{
	const char *p = *s, *stop;

	while (p < end && (is_space(*p) || *p == ';'))
		p++;
	*ret_name = p;
	while (p < end && *p != '=' && *p != ';')
		p++;
	*ret_name_n = (size_t)(p - *ret_name);
	if (p < end && *p == '=')
		p++;
	if (p < end && *p == '"') {
		p++;
		stop = memchr(p, '"', (size_t)(end - p));
	} else
		stop = memchr(p, ';', (size_t)(end - p));
	if (stop == NULL)
		stop = end;
	*ret = p;
	*ret_n = (size_t)(stop - p);
	*s = stop < end ? stop + 1 : end;
}

bool
hq_header_param(const char *value, size_t n, const char *name, const char **ret,
    size_t *ret_n)
{
	const char *end = value + n, *key, *v;
	const char *s = memchr(value, ';', n);
	size_t key_n, v_n, name_n = strlen(name);

	while (s != NULL && s < end) {
		next_param(&s, end, &key, &key_n, &v, &v_n);
		if (key_n == name_n && strncasecmp(key, name, name_n) == 0) {
			*ret = v;
			*ret_n = v_n;
			return true;
		}
	}
	return false;
}

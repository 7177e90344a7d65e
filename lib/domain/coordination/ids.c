#include "domain/coordination/ids.h"

#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

bool
hq_coord_id_ok(const char *id)
{
	size_t n;

	if (!is_alnum(id[0]))
		return false;
	for (n = 1; id[n] != '\0'; n++) {
		if (n == HQ_COORD_ID_BYTES_MAX)
			return false;
		if (!is_alnum(id[n]) && strchr("._-", id[n]) == NULL)
			return false;
	}
	return true;
}

/* WhiteSpace and LineTerminator of ECMA-262, in UTF-8. */
static const char *const blanks[] = {
	"\t",
	"\n",
	"\v",
	"\f",
	"\r",
	" ",
	"\xc2\xa0",
	"\xe1\x9a\x80",
	"\xe2\x80\x80",
	"\xe2\x80\x81",
	"\xe2\x80\x82",
	"\xe2\x80\x83",
	"\xe2\x80\x84",
	"\xe2\x80\x85",
	"\xe2\x80\x86",
	"\xe2\x80\x87",
	"\xe2\x80\x88",
	"\xe2\x80\x89",
	"\xe2\x80\x8a",
	"\xe2\x80\xa8",
	"\xe2\x80\xa9",
	"\xe2\x80\xaf",
	"\xe2\x81\x9f",
	"\xe3\x80\x80",
	"\xef\xbb\xbf",
	NULL,
};

/* Bytes of the blank that s starts with (or, from its end, ends with). */
static size_t
blank_bytes(const char *s, size_t n, bool at_end)
{
	size_t i, len;

	for (i = 0; blanks[i] != NULL; i++) {
		len = strlen(blanks[i]);
		if (len <= n &&
		    memcmp(at_end ? s + n - len : s, blanks[i], len) == 0)
			return len;
	}
	return 0;
}

static bool
is_graphic(char c)
{
	return c > ' ' && c < 0x7f;
}

const char *
hq_coord_trim(struct hq_arena *a, const char *s)
{
	size_t cut, n = strlen(s);

	/* The common case: no blank begins or ends with such a byte. */
	if (n > 0 && is_graphic(s[0]) && is_graphic(s[n - 1]))
		return hq_arena_copy(a, s, n);
	while ((cut = blank_bytes(s, n, false)) > 0) {
		s += cut;
		n -= cut;
	}
	while ((cut = blank_bytes(s, n, true)) > 0)
		n -= cut;
	return hq_arena_copy(a, s, n);
}

static int
rank(char c)
{
	static const char marks[] = "_-.";
	const char *mark = strchr(marks, c);

	if (mark != NULL)
		return (int)(mark - marks);
	return is_upper(c) ? c - 'A' + 'a' : c;
}

int
hq_coord_id_compare(const char *a, const char *b)
{
	int case_order = 0;
	size_t i;

	for (i = 0; a[i] != '\0' && b[i] != '\0'; i++) {
		if (rank(a[i]) != rank(b[i]))
			return rank(a[i]) - rank(b[i]);
		if (case_order == 0 && a[i] != b[i])
			case_order = is_upper(a[i]) ? 1 : -1;
	}
	if (a[i] != b[i])
		return a[i] == '\0' ? -1 : 1;
	return case_order;
}

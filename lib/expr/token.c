#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "expr/token.h"

static const char *const texts[HQ_TOK__MAX] = {
	[HQ_TOK_END] = "the end",
	[HQ_TOK_NUMBER] = "a number",
	[HQ_TOK_STRING] = "a string",
	[HQ_TOK_NAME] = "a name",
#define HQ_TOK(name, text) [HQ_TOK_##name] = (text),
#include "expr/tokens.def"
};

/* An escape of one letter, and what it stands for. */
static const char escapes[][2] = {
	{ 'n', '\n' },
	{ 't', '\t' },
	{ 'r', '\r' },
	{ 'b', '\b' },
	{ 'f', '\f' },
	{ 'v', '\v' },
	{ 'a', '\a' },
	{ '\\', '\\' },
	{ '\'', '\'' },
	{ '"', '"' },
	{ '`', '`' },
	{ '?', '?' },
};
enum { ESCAPES_MAX = sizeof(escapes) / sizeof(escapes[0]) };

const char *
hq_tok_text(enum hq_tok kind)
{
	return texts[kind];
}

enum hq_rc
hq_token_fail(struct hq_lexer *l, size_t at, const char *why,
    struct hq_err *err)
{
	l->bad_at = at;
	return HQ_FAIL(err, BAD_REQUEST, "%s at %zu", why, at);
}

static bool
is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* U+0000 is written as two bytes, so that the text can be a C string. */
static void
put_rune(struct hq_buf *b, unsigned long c)
{
	if (c != 0 && c < 0x80) {
		hq_buf_putc(b, (char)c);
	} else if (c < 0x800) {
		hq_buf_putc(b, (char)(0xc0 | c >> 6));
		hq_buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		hq_buf_putc(b, (char)(0xe0 | c >> 12));
		hq_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		hq_buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		hq_buf_putc(b, (char)(0xf0 | c >> 18));
		hq_buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		hq_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		hq_buf_putc(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* \xHH, \uHHHH, \UHHHHHHHH: a code point; s is at the letter. */
static size_t
read_rune(const char *s, unsigned long *ret)
{
	size_t i, n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
	char hex[9] = { 0 };

	for (i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)s[i + 1]))
			return 0;
		hex[i] = s[i + 1];
	}
	*ret = strtoul(hex, NULL, 16);
	if (*ret > 0x10ffff || (*ret >= 0xd800 && *ret <= 0xdfff))
		return 0;
	return n == 0 ? 0 : n + 1;
}

/* s is behind the backslash; the bytes taken, 0 for no escape. */
static size_t
put_escape(struct hq_buf *b, const char *s)
{
	unsigned long rune;
	size_t i, n;

	for (i = 0; i < ESCAPES_MAX; i++) {
		if (*s == escapes[i][0]) {
			hq_buf_putc(b, escapes[i][1]);
			return 1;
		}
	}
	n = read_rune(s, &rune);
	if (n > 0)
		put_rune(b, rune);
	return n;
}

static enum hq_rc
read_string(struct hq_lexer *l, struct hq_token *t, struct hq_err *err)
{
	const char *s = l->text + l->at + 1;
	char quote = s[-1];
	struct hq_buf b;
	size_t n;

	hq_buf_init(&b, l->arena);
	while (*s != quote) {
		if (*s == '\0' || *s == '\n')
			return hq_token_fail(l, t->at,
			    "a string without its end", err);
		n = 0;
		if (*s == '\\') {
			n = put_escape(&b, s + 1);
			if (n == 0)
				return hq_token_fail(l, (size_t)(s - l->text),
				    "an unknown escape", err);
		} else {
			hq_buf_putc(&b, *s);
		}
		s += n + 1;
	}
	t->kind = HQ_TOK_STRING;
	t->text = hq_buf_str(&b);
	l->at = (size_t)(s + 1 - l->text);
	return HQ_OK;
}

static size_t
digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* 12, 1.5, 1e3, 12u: the sizes are checked, so that strtod sees no more. */
static enum hq_rc
read_number(struct hq_lexer *l, struct hq_token *t, struct hq_err *err)
{
	const char *s = l->text + l->at;
	size_t n = digits(s), k;

	if (s[n] == '.' && digits(s + n + 1) > 0)
		n += 1 + digits(s + n + 1);
	if (s[n] == 'e' || s[n] == 'E') {
		k = s[n + 1] == '+' || s[n + 1] == '-' ? 2 : 1;
		if (digits(s + n + k) > 0)
			n += k + digits(s + n + k);
	}
	t->kind = HQ_TOK_NUMBER;
	t->number = strtod(s, NULL);
	if (s[n] == 'u' && n == digits(s))
		n++;
	if (is_name(s[n]))
		return hq_token_fail(l, t->at, "a malformed number", err);
	l->at += n;
	return HQ_OK;
}

static enum hq_rc
read_name(struct hq_lexer *l, struct hq_token *t)
{
	const char *s = l->text + l->at;
	size_t n = 0;
	int k;

	while (is_name(s[n]))
		n++;
	t->text = hq_arena_copy(l->arena, s, n);
	if (t->text == NULL)
		t->text = "";
	t->kind = HQ_TOK_NAME;
	for (k = HQ_TOK_IN; k < HQ_TOK__MAX; k++)
		if (strcmp(texts[k], t->text) == 0)
			t->kind = (enum hq_tok)k;
	l->at += n;
	return HQ_OK;
}

static enum hq_rc
read_sign(struct hq_lexer *l, struct hq_token *t, struct hq_err *err)
{
	const char *s = l->text + l->at;
	int k;

	for (k = HQ_TOK_EQ; k < HQ_TOK_IN; k++) {
		if (strncmp(s, texts[k], strlen(texts[k])) != 0)
			continue;
		t->kind = (enum hq_tok)k;
		l->at += strlen(texts[k]);
		return HQ_OK;
	}
	return hq_token_fail(l, t->at, "an unexpected character", err);
}

enum hq_rc
hq_token_next(struct hq_lexer *l, struct hq_token *ret, struct hq_err *err)
{
	char c;

	l->at += strspn(l->text + l->at, " \t\r\n\f");
	c = l->text[l->at];
	*ret = (struct hq_token){ .kind = HQ_TOK_END, .at = l->at };
	if (c == '\0')
		return HQ_OK;
	if (c == '"' || c == '\'')
		return read_string(l, ret, err);
	if (isdigit((unsigned char)c))
		return read_number(l, ret, err);
	if (is_name(c))
		return read_name(l, ret);
	return read_sign(l, ret, err);
}

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/orpc/url.h"

enum { PORT_MAX = 65535, PORT_DIGITS_MAX = 5 };

/* The schemes with a host, and their default ports. */
static const struct special {
	const char *name, *port;
} specials[] = {
	{ "http", ":80" },
	{ "https", ":443" },
	{ "ws", ":80" },
	{ "wss", ":443" },
	{ "ftp", ":21" },
	{ "file", "" },
	{ 0 },
};

struct parser {
	struct hq_arena *a;
	const char *s; /* what is left */
	const struct special *special;
	const char *user; /* "name@", "name:password@", or "" */
	bool authority;
};

static bool
is_slash(const struct parser *p, char c)
{
	return c == '/' || (c == '\\' && p->special != NULL);
}

/* Without the control characters and spaces at both ends, tabs and breaks. */
static char *
trim(struct hq_arena *a, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i, k = 0, n = strlen(text);
	char *out;

	while (n > 0 && s[n - 1] <= ' ')
		n--;
	for (; n > 0 && *s <= ' '; s++)
		n--;
	out = hq_arena_copy(a, s, n);
	for (i = 0; out != NULL && i < n; i++)
		if (strchr("\t\n\r", out[i]) == NULL)
			out[k++] = out[i];
	if (out != NULL)
		out[k] = '\0';
	return out;
}

static bool
read_scheme(struct parser *p, struct hq_url *u)
{
	size_t i, n = strcspn(p->s, ":");
	char *scheme = hq_arena_copy(p->a, p->s, n);

	if (scheme == NULL || p->s[n] != ':' ||
	    !isalpha((unsigned char)*scheme))
		return false;
	for (i = 0; i < n; i++) {
		if (!isalnum((unsigned char)scheme[i]) &&
		    strchr("+-.", scheme[i]) == NULL)
			return false;
		scheme[i] = (char)tolower((unsigned char)scheme[i]);
	}
	for (i = 0; specials[i].name != NULL; i++)
		if (strcmp(specials[i].name, scheme) == 0)
			p->special = &specials[i];
	p->s += n + 1;
	u->scheme = scheme;
	return true;
}

static bool
is_host(const struct parser *p, const char *s, size_t n)
{
	size_t i;

	if (n > 2 && s[0] == '[' && s[n - 1] == ']')
		return strspn(s + 1, "0123456789abcdefABCDEF:.") == n - 2;
	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f ||
		    strchr("#/:<>?@[\\]^|", s[i]) != NULL)
			return false;
		if (s[i] == '%' && p->special != NULL &&
		    (i + 2 >= n || !isxdigit((unsigned char)s[i + 1]) ||
			!isxdigit((unsigned char)s[i + 2])))
			return false;
	}
	return true;
}

/* port: ":", then digits or nothing.  *ret is "" for a default port. */
static bool
read_port(const struct parser *p, const char *port, size_t n, const char **ret)
{
	long v;

	*ret = "";
	if (n <= 1)
		return true;
	if (strspn(port + 1, "0123456789") < n - 1)
		return false;
	while (n > 2 && port[1] == '0') {
		port++;
		n--;
	}
	v = n - 1 > PORT_DIGITS_MAX ? PORT_MAX + 1L
				    : strtol(port + 1, NULL, 10);
	if (v > PORT_MAX)
		return false;
	*ret = hq_arena_printf(p->a, ":%ld", v);
	if (*ret != NULL && p->special != NULL &&
	    strcmp(*ret, p->special->port) == 0)
		*ret = "";
	return *ret != NULL;
}

/* What `set` and all but printable ASCII are percent-encoded as. */
static void
put_encoded(struct hq_buf *b, const char *s, size_t n, const char *set)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] > ' ' && s[i] < 0x7f && strchr(set, s[i]) == NULL)
			hq_buf_putc(b, s[i]);
		else
			hq_buf_printf(b, "%%%02X", (unsigned char)s[i]);
	}
}

/* Only control characters and what is no ASCII are percent-encoded. */
static void
put_opaque(struct hq_buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] >= ' ' && s[i] < 0x7f)
			hq_buf_putc(b, s[i]);
		else
			hq_buf_printf(b, "%%%02X", (unsigned char)s[i]);
	}
}

/* "name:password", n bytes; without what is empty. */
static const char *
read_user(struct hq_arena *a, const char *s, size_t n)
{
	static const char set[] = "\"#<>?^`{}/:;=@[\\]|";
	const char *colon = memchr(s, ':', n);
	size_t name = colon == NULL ? n : (size_t)(colon - s);
	struct hq_buf b;

	hq_buf_init(&b, a);
	put_encoded(&b, s, name, set);
	if (colon != NULL && name + 1 < n) {
		hq_buf_putc(&b, ':');
		put_encoded(&b, colon + 1, n - name - 1, set);
	}
	if (b.n > 0)
		hq_buf_putc(&b, '@');
	return hq_arena_ok(a) ? hq_buf_str(&b) : NULL;
}

/* In lower case where the scheme has such hosts; NULL without memory. */
static const char *
spell_host(const struct parser *p, const char *s, size_t n, const char *port)
{
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, p->a);
	if (p->special == NULL)
		put_opaque(&b, s, n);
	for (i = 0; p->special != NULL && i < n; i++)
		hq_buf_putc(&b, (char)tolower((unsigned char)s[i]));
	hq_buf_puts(&b, port);
	return hq_arena_ok(p->a) ? hq_buf_str(&b) : NULL;
}

/* "user:password@host:port", n bytes. */
static bool
split_authority(struct parser *p, const char *s, size_t n, struct hq_url *u)
{
	size_t i, at = 0, host;
	const char *port;

	for (i = 0; i < n; i++)
		if (s[i] == '@')
			at = i + 1;
	p->user = read_user(p->a, s, at == 0 ? 0 : at - 1);
	s += at;
	n -= at;
	host = *s == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":");
	if (host > n)
		host = n;
	if (!is_host(p, s, host) || (host < n && s[host] != ':') ||
	    !read_port(p, s + host, n - host, &port))
		return false;
	if (host == 0 &&
	    (n > 0 || at > 0 ||
		(p->special != NULL && *p->special->port != '\0')))
		return false;
	u->host = spell_host(p, s, host, port);
	return u->host != NULL && p->user != NULL;
}

static bool
read_authority(struct parser *p, struct hq_url *u)
{
	size_t n;

	u->host = "";
	p->user = "";
	p->authority = p->special != NULL || (p->s[0] == '/' && p->s[1] == '/');
	if (!p->authority)
		return true;
	if (p->special != NULL && *p->special->port != '\0') {
		while (is_slash(p, *p->s))
			p->s++;
	} else if (is_slash(p, p->s[0]) && is_slash(p, p->s[1])) {
		p->s += 2;
	} else {
		return true; /* file:/path */
	}
	n = strcspn(p->s, p->special != NULL ? "/\\?#" : "/?#");
	if (!split_authority(p, p->s, n, u))
		return false;
	p->s += n;
	return true;
}

/* 1 for "." and 2 for "..", in all their spellings. */
static int
dots(const char *s, size_t n)
{
	int found = 0;

	while (n > 0) {
		size_t k = 1;

		if (n >= 3 && s[0] == '%' && s[1] == '2' &&
		    (s[2] == 'e' || s[2] == 'E'))
			k = 3;
		else if (*s != '.')
			return 0;
		s += k;
		n -= k;
		found++;
	}
	return found <= 2 ? found : 0;
}

static void
drop_segment(struct hq_buf *b)
{
	while (b->n > 0 && b->p[b->n - 1] != '/')
		b->n--;
	if (b->n > 0)
		b->n--;
}

/* Each segment is put with the slash before it. */
static void
put_path(const struct parser *p, struct hq_buf *b, size_t n)
{
	const char *s = p->s, *end = p->s + n;
	size_t k;
	bool last;
	int d;

	if (s < end && is_slash(p, *s))
		s++;
	else if (p->special == NULL)
		return;
	for (;;) {
		for (k = 0; s + k < end && !is_slash(p, s[k]); k++)
			;
		last = s + k == end;
		d = dots(s, k);
		if (d == 2)
			drop_segment(b);
		if (d == 0 || last)
			hq_buf_putc(b, '/');
		if (d == 0)
			put_encoded(b, s, k, "\"<>?^`{}");
		if (last)
			return;
		s += k + 1;
	}
}

static bool
read_rest(struct parser *p, struct hq_url *u)
{
	struct hq_buf path, query, hash;
	size_t n = strcspn(p->s, "?#");
	bool opaque = !p->authority && *p->s != '/';
	const char *start = p->authority ? "//" : "";

	hq_buf_init(&path, p->a);
	hq_buf_init(&query, p->a);
	hq_buf_init(&hash, p->a);
	if (opaque)
		put_opaque(&path, p->s, n);
	else
		put_path(p, &path, n);
	p->s += n;
	if (*p->s == '?') {
		n = strcspn(p->s, "#");
		put_encoded(&query, p->s, n,
		    p->special != NULL ? "\"<>#'" : "\"<>#");
		p->s += n;
	}
	put_encoded(&hash, p->s, strlen(p->s), "\"<>`");
	if (path.n > 0)
		path.p[path.n] = '\0';
	u->path = hq_buf_str(&path);
	u->query = query.n > 0 ? query.p + 1 : "";
	if (!p->authority && strncmp(u->path, "//", 2) == 0)
		start = "/."; /* or the path would be read as a host */
	u->href = hq_arena_printf(p->a, "%s:%s%s%s%s%s%s", u->scheme, start,
	    p->user, u->host, u->path, hq_buf_str(&query), hq_buf_str(&hash));
	return u->href != NULL && hq_arena_ok(p->a);
}

bool
hq_url_parse(struct hq_arena *a, const char *text, struct hq_url *ret)
{
	struct parser p = { .a = a, .s = trim(a, text) };
	struct hq_url u = { 0 };

	if (p.s == NULL || !read_scheme(&p, &u) || !read_authority(&p, &u) ||
	    !read_rest(&p, &u))
		return false;
	*ret = u;
	return true;
}

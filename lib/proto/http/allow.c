#include "proto/http/allow.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Borrowed from the URL; path is "" or begins with "/" or "?". */
struct parts {
	bool tls;
	const char *host;
	size_t host_n;
	long port;
	const char *path;
	size_t path_n;
};

static const char host_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789.-";

enum { PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

/* Where the host ends; 0 if there is none. */
static size_t
host_len(const char *s)
{
	size_t n;

	if (*s != '[')
		return strspn(s, host_chars);
	n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
	return n > 1 && s[n] == ']' ? n + 1 : 0;
}

/* ":8080" or nothing; *ret_n is its length. */
static bool
read_port(const char *s, struct parts *p, size_t *ret_n)
{
	size_t digits;

	p->port = p->tls ? 443 : 80;
	*ret_n = 0;
	if (*s != ':')
		return true;
	digits = strspn(s + 1, "0123456789");
	if (digits == 0 || digits > PORT_DIGITS_MAX)
		return false;
	p->port = strtol(s + 1, NULL, 10);
	*ret_n = 1 + digits;
	return p->port >= 1 && p->port <= PORT_MAX;
}

/* Dots of a segment, plain or as %2e; false if there is anything else. */
static bool
is_dots(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (s[i] == '.')
			i++;
		else if (n - i >= 3 && strncasecmp(s + i, "%2e", 3) == 0)
			i += 3;
		else
			return false;
	}
	return n > 0;
}

static bool
path_plain(const char *s, size_t n)
{
	size_t i, end, path_n = 0;

	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' ||
		    strchr("#\\\"<>^`{|}", s[i]) != NULL)
			return false;
	while (path_n < n && s[path_n] != '?')
		path_n++;
	for (i = 0; i < path_n; i = end + 1) {
		for (end = i; end < path_n && s[end] != '/'; end++)
			;
		if (is_dots(s + i, end - i))
			return false;
	}
	return true;
}

static bool
split(const char *url, size_t n, struct parts *p)
{
	const char *s = url;
	size_t port_n;

	if (n > HQ_ALLOW_URL_BYTES_MAX)
		return false;
	p->tls = strncasecmp(s, "https://", 8) == 0;
	if (!p->tls && strncasecmp(s, "http://", 7) != 0)
		return false;
	s += p->tls ? 8 : 7;
	p->host = s;
	p->host_n = host_len(s);
	if (p->host_n == 0 || !read_port(s + p->host_n, p, &port_n))
		return false;
	s += p->host_n + port_n;
	if (s > url + n)
		return false;
	p->path = s;
	p->path_n = n - (size_t)(s - url);
	if (p->path_n > 0 && *s != '/' && *s != '?')
		return false;
	return path_plain(s, p->path_n);
}

bool
hq_url_plain(const char *url)
{
	struct parts p;

	return split(url, strlen(url), &p);
}

static bool
same_origin(const struct parts *x, const struct parts *y)
{
	return x->tls == y->tls && x->port == y->port &&
	    x->host_n == y->host_n &&
	    strncasecmp(x->host, y->host, x->host_n) == 0;
}

/* "" and "/" lead everywhere; "/a" to "/a", "/a/b" and "/a?c", not to "/ab". */
static bool
leads_to(const struct parts *entry, const struct parts *url)
{
	size_t n = entry->path_n;

	while (n > 0 && entry->path[n - 1] == '/')
		n--;
	if (n > url->path_n || memcmp(entry->path, url->path, n) != 0)
		return false;
	if (n < entry->path_n) /* "/a/" does not lead to "/a" */
		return n == 0 || (n < url->path_n && url->path[n] == '/');
	return n == url->path_n || url->path[n] == '/' || url->path[n] == '?';
}

bool
hq_url_allowed(const char *list, const char *url)
{
	struct parts entry, p;
	size_t n;

	if (!split(url, strlen(url), &p))
		return false;
	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (split(list, n, &entry) && same_origin(&entry, &p) &&
		    leads_to(&entry, &p))
			return true;
	}
	return false;
}

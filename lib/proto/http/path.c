#include "proto/http/path.h"

#include <string.h>
#include <strings.h>

/* Segments that mean "here" and "up" (WHATWG URL, path state). */
static const char *const here[] = { ".", "%2e" };
static const char *const up[] = { "..", ".%2e", "%2e.", "%2e%2e" };

static bool
is_one_of(const char *const *names, size_t n_names, const char *s, size_t n)
{
	size_t i;

	if (n == 0 || (*s != '.' && *s != '%'))
		return false;
	for (i = 0; i < n_names; i++)
		if (strlen(names[i]) == n && strncasecmp(names[i], s, n) == 0)
			return true;
	return false;
}

/* The path percent-encode set, without '?' and '#', which end a path. */
static bool
is_encoded(unsigned char c)
{
	switch (c) {
	case '"':
	case '<':
	case '>':
	case '`':
	case '{':
	case '}':
		return true;
	default:
		return c <= ' ' || c > '~';
	}
}

static bool
is_slash(char c)
{
	return c == '/' || c == '\\';
}

/* Append "/" and the segment; returns the new end. */
static char *
put_segment(char *out, const char *s, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	*out++ = '/';
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (is_encoded(c)) {
			*out++ = '%';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 15];
		} else
			*out++ = (char)c;
	}
	return out;
}

static char *
drop_segment(const char *start, char *end)
{
	while (end > start && *--end != '/')
		continue;
	return end;
}

char *
hq_path_resolve(struct hq_arena *a, const char *text)
{
	size_t len = strcspn(text, "?#");
	const char *s = text, *stop = text + len;
	char *start = HQ_NEW(a, char, 3 * len + 2);
	char *end = start;
	bool last;

	if (start == NULL)
		return NULL;
	if (s < stop && is_slash(*s))
		s++;
	do {
		size_t n = 0;

		while (s + n < stop && !is_slash(s[n]))
			n++;
		last = s + n == stop;
		if (is_one_of(up, 4, s, n)) {
			end = drop_segment(start, end);
			if (last)
				end = put_segment(end, "", 0);
		} else if (!is_one_of(here, 2, s, n))
			end = put_segment(end, s, n);
		else if (last)
			end = put_segment(end, "", 0);
		s += n + 1;
	} while (!last);
	*end = '\0';
	return start;
}

const char *
hq_path_query(struct hq_arena *a, const char *text)
{
	size_t path = strcspn(text, "?#");

	if (text[path] != '?')
		return "";
	text += path + 1;
	return hq_arena_copy(a, text, strcspn(text, "#"));
}

/* REQUEST_URI, or what CGI/1.1 has instead; NULL if there is neither. */
static const char *
request_uri(const struct hq_http_req *req)
{
	const char *uri = hq_http_param(req, "REQUEST_URI");
	const char *script, *info, *query;

	if (uri != NULL)
		return *uri == '\0' ? NULL : uri;
	script = hq_http_param(req, "SCRIPT_NAME");
	info = hq_http_param(req, "PATH_INFO");
	query = hq_http_param(req, "QUERY_STRING");
	if (script == NULL && info == NULL)
		return NULL;
	return hq_arena_printf(req->arena, "%s%s?%s",
	    script == NULL ? "" : script, info == NULL ? "" : info,
	    query == NULL ? "" : query);
}

enum hq_rc
hq_http_req_line(struct hq_http_req *req, struct hq_err *err)
{
	const char *uri = request_uri(req);

	hq_http_find_headers(req);
	req->method = hq_http_param(req, "REQUEST_METHOD");
	if (!hq_arena_ok(req->arena))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the URL is too long");
	if (req->method == NULL || *req->method == '\0' || uri == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "no method or no path");
	req->path = hq_path_resolve(req->arena, uri);
	req->query = hq_path_query(req->arena, uri);
	if (req->path == NULL || req->query == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the URL is too long");
	return HQ_OK;
}

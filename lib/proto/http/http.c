#include "proto/http/http.h"

#include <string.h>

const char *
hq_http_param(const struct hq_http_req *req, const char *name)
{
	size_t n = strlen(name);
	const char *const *p;

	for (p = req->params; *p != NULL; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return *p + n + 1;
	return NULL;
}

/* "content-type" to the character that CGI has for it. */
static char
cgi_char(char c)
{
	if (c == '-')
		return '_';
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c;
}

static bool
is_header(const char *param)
{
	return param[0] == 'H' && param[1] == 'T' && param[2] == 'T' &&
	    param[3] == 'P' && param[4] == '_';
}

/* The value of "<NAME>=value"; NULL if param is another. */
static const char *
match(const char *param, const char *name)
{
	for (; *name != '\0'; param++, name++)
		if (*param != cgi_char(*name))
			return NULL;
	return *param == '=' ? param + 1 : NULL;
}

/* CGI names these two without HTTP_. */
static bool
is_bare(const char *name)
{
	return strcmp(name, "content-type") == 0 ||
	    strcmp(name, "content-length") == 0;
}

const char *
hq_http_header(const struct hq_http_req *req, const char *name)
{
	bool bare = is_bare(name);
	const char *value = NULL;
	const char *const *p;

	for (p = req->params; *p != NULL && value == NULL; p++)
		if (bare || is_header(*p))
			value = match(*p + (bare ? 0 : 5), name);
	return value == NULL || *value == '\0' ? NULL : value;
}

const char *
hq_http_header_repeated(const struct hq_http_req *req, const char *const *names)
{
	const char *const *p;
	uint64_t seen = 0, bit;
	size_t i;

	for (p = req->params; *p != NULL; p++) {
		if (!is_header(*p))
			continue;
		for (i = 0; names[i] != NULL; i++) {
			if (match(*p + 5, names[i]) == NULL)
				continue;
			HQ_ASSERT(i < 64);
			bit = UINT64_C(1) << i;
			if ((seen & bit) != 0)
				return names[i];
			seen |= bit;
		}
	}
	return NULL;
}

void
hq_http_res_header(struct hq_http_res *res, const char *name, const char *value)
{
	HQ_ASSERT(res->n_headers < HQ_HTTP_RES_HEADERS_MAX);
	HQ_ASSERT(strpbrk(value, "\r\n") == NULL);
	res->headers[res->n_headers].name = name;
	res->headers[res->n_headers++].value = value;
}

void
hq_http_res_text(struct hq_http_res *res, int status, const char *type,
    const char *body)
{
	res->status = status;
	if (type != NULL)
		hq_http_res_header(res, "Content-Type", type);
	res->body = body;
	res->body_bytes = strlen(body);
}

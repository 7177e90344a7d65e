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

/* The value of "<prefix><NAME>=value"; NULL if param is another. */
static const char *
match(const char *param, const char *prefix, const char *name)
{
	for (; *prefix != '\0'; param++, prefix++)
		if (*param != *prefix)
			return NULL;
	for (; *name != '\0'; param++, name++)
		if (*param != cgi_char(*name))
			return NULL;
	return *param == '=' ? param + 1 : NULL;
}

/* CGI names these two without the prefix. */
static const char *
prefix_of(const char *name)
{
	return strcmp(name, "content-type") == 0 ||
		strcmp(name, "content-length") == 0
	    ? ""
	    : "HTTP_";
}

const char *
hq_http_header(const struct hq_http_req *req, const char *name)
{
	const char *prefix = prefix_of(name);
	const char *value = NULL;
	const char *const *p;

	for (p = req->params; *p != NULL && value == NULL; p++)
		value = match(*p, prefix, name);
	return value == NULL || *value == '\0' ? NULL : value;
}

bool
hq_http_header_repeated(const struct hq_http_req *req, const char *name)
{
	const char *const *p;
	int n = 0;

	for (p = req->params; *p != NULL; p++)
		if (match(*p, "HTTP_", name) != NULL)
			n++;
	return n > 1;
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

#include "proto/http/http.h"

#include <string.h>

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

const char *
hq_http_param(const struct hq_http_req *req, const char *name)
{
	const char *const *p;
	size_t i;

	for (p = req->params; *p != NULL; p++) {
		for (i = 0; name[i] != '\0' && (*p)[i] == name[i]; i++)
			;
		if (name[i] == '\0' && (*p)[i] == '=')
			return *p + i + 1;
	}
	return NULL;
}

void
hq_http_find_headers(struct hq_http_req *req)
{
	const char *const *p;
	const char **found;
	size_t n = 0;

	for (p = req->params; *p != NULL; p++)
		n += is_header(*p);
	if ((found = HQ_NEW(req->arena, const char *, n + 1)) == NULL)
		return;
	req->headers = found;
	for (p = req->params; *p != NULL; p++)
		if (is_header(*p))
			*found++ = *p;
}

static const char *const *
headers_of(const struct hq_http_req *req)
{
	return req->headers != NULL ? req->headers : req->params;
}

/* CGI names these two without HTTP_; NULL for the others. */
static const char *
bare(const char *name)
{
	if (name[0] != 'c')
		return NULL;
	if (strcmp(name, "content-type") == 0)
		return "CONTENT_TYPE";
	return strcmp(name, "content-length") == 0 ? "CONTENT_LENGTH" : NULL;
}

const char *
hq_http_header(const struct hq_http_req *req, const char *name)
{
	const char *param = bare(name), *value = NULL;
	const char *const *p;

	if (param != NULL)
		value = hq_http_param(req, param);
	else
		for (p = headers_of(req); *p != NULL && value == NULL; p++)
			if (is_header(*p))
				value = match(*p + 5, name);
	return value == NULL || *value == '\0' ? NULL : value;
}

const char *
hq_http_header_repeated(const struct hq_http_req *req, const char *const *names)
{
	const char *const *p;
	uint64_t seen = 0, bit;
	size_t i;

	for (p = headers_of(req); *p != NULL; p++) {
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

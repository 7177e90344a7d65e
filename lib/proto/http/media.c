#include "proto/http/media.h"

#include <string.h>
#include <strings.h>

#include "proto/http/multipart.h"
#include "proto/http/text.h"

/* The first row whose prefix the content-type has; case-sensitive. */
static const struct {
	const char *prefix;
	enum hq_media media;
} types[] = {
	{ "application/json", HQ_MEDIA_JSON },
	{ "multipart/form-data", HQ_MEDIA_FORM },
	{ "application/x-www-form-urlencoded", HQ_MEDIA_QUERY },
	{ "text/event-stream", HQ_MEDIA_SSE },
	{ "text/plain", HQ_MEDIA_TEXT },
	{ "", HQ_MEDIA_FILE },
};

static enum hq_media
media_of(const struct hq_http_req *req, const char *type)
{
	size_t i = 0;

	/* Present is enough, even if it is empty. */
	if (hq_http_param(req, "HTTP_CONTENT_DISPOSITION") != NULL)
		return HQ_MEDIA_FILE;
	if (type == NULL)
		return HQ_MEDIA_JSON;
	while (strncmp(type, types[i].prefix, strlen(types[i].prefix)) != 0)
		i++;
	return types[i].media;
}

static enum hq_rc
decode_json(const struct hq_http_req *req, struct hq_body *b,
    struct hq_err *err)
{
	size_t n = req->body_bytes;

	if (n == 0 ||
	    (n == 3 && req->body != NULL &&
		memcmp(req->body, "\xef\xbb\xbf", 3) == 0)) {
		b->media = HQ_MEDIA_NONE;
		return HQ_OK;
	}
	return hq_json_parse(req->arena, req->body, n, &b->json, err);
}

static enum hq_rc
decode_text(const struct hq_http_req *req, struct hq_body *b,
    struct hq_err *err)
{
	char *text = hq_text_decode(req->arena,
	    req->body == NULL ? "" : req->body, req->body_bytes);

	if (text == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "arena is full");
	b->json = hq_json_new_string(text);
	return hq_json_own(req->arena, b->json, err);
}

static const char *
find_nocase(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (; *s != '\0'; s++)
		if (strncasecmp(s, what, n) == 0)
			return s;
	return NULL;
}

/* filename*=UTF-8''a%20b: undecodable text stays as it is. */
static char *
extended_name(struct hq_arena *a, const char *s)
{
	size_t n;
	char *name;

	if (strncasecmp(s, "UTF-8''", 7) == 0)
		s += 7;
	n = strcspn(s, ";");
	name = hq_percent_decode(a, s, n);
	return name != NULL ? name : hq_text_from_bytes(a, s, n);
}

/* filename="a \"quoted\" name" */
static char *
quoted_name(struct hq_arena *a, const char *s)
{
	char *raw = hq_arena_copy(a, s, strlen(s));
	size_t n = 0;

	if (raw == NULL)
		return NULL;
	while (*s != '\0' && *s != '"') {
		if (s[0] == '\\' && s[1] == '"')
			s++;
		raw[n++] = *s++;
	}
	return hq_text_from_bytes(a, raw, n);
}

static char *
file_name(struct hq_arena *a, const char *disposition)
{
	const char *s;

	if (disposition == NULL)
		disposition = "";
	if ((s = find_nocase(disposition, "filename*=")) != NULL)
		return extended_name(a, s + strlen("filename*="));
	s = find_nocase(disposition, "filename=\"");
	if (s != NULL && strchr(s + strlen("filename=\""), '"') != NULL)
		return quoted_name(a, s + strlen("filename=\""));
	return hq_arena_copy(a, "blob", 4);
}

static enum hq_rc
decode_file(const struct hq_http_req *req, const char *type, struct hq_body *b,
    struct hq_err *err)
{
	char *name = file_name(req->arena,
	    hq_http_param(req, "HTTP_CONTENT_DISPOSITION"));
	const char *t = "";

	if (type != NULL)
		t = hq_text_from_bytes(req->arena, type, strlen(type));
	if (t == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "arena is full");
	return hq_file_new(req->arena, name, t, req->body_bytes, &b->json, err);
}

static enum hq_rc
decode(const struct hq_http_req *req, const char *type, struct hq_body *b,
    struct hq_err *err)
{
	const char *body = req->body == NULL ? "" : req->body;

	switch (b->media) {
	case HQ_MEDIA_JSON:
		return decode_json(req, b, err);
	case HQ_MEDIA_FORM:
		HQ_ASSERT(type != NULL);
		return hq_multipart_parse(req->arena, type, body,
		    req->body_bytes, &b->pairs, err);
	case HQ_MEDIA_QUERY:
		return hq_urlencoded_parse(req->arena, body, req->body_bytes,
		    &b->pairs, err);
	case HQ_MEDIA_TEXT:
		return decode_text(req, b, err);
	case HQ_MEDIA_FILE:
		return decode_file(req, type, b, err);
	case HQ_MEDIA_NONE:
	case HQ_MEDIA_SSE:
		break;
	}
	return HQ_OK;
}

enum hq_rc
hq_body_decode(const struct hq_http_req *req, struct hq_body *ret,
    struct hq_err *err)
{
	const char *type = hq_http_header(req, "content-type");
	struct hq_body b = { .media = media_of(req, type) };

	HQ_TRY(decode(req, type, &b, err));
	*ret = b;
	return HQ_OK;
}

/*
 * proto/http/media.h - request bodies by their headers.
 *
 * The table of oRPC's standard server (facts: @orpc/standard-server-fetch
 * 1.16.1, toStandardBody): first match wins, prefix tests are case-sensitive.
 */
#ifndef HQ_PROTO_HTTP_MEDIA_H
#define HQ_PROTO_HTTP_MEDIA_H

#include "proto/http/http.h"
#include "json/value.h"

enum {
	HQ_PAIRS_MAX = 10000,    /* of a query or a form; more: BAD_REQUEST */
	HQ_PARTS_MAX = 1000,     /* of a multipart body */
	HQ_PART_HEAD_MAX = 8192, /* bytes of one part's header lines */
	HQ_BOUNDARY_MAX = 70,    /* RFC 2046, 5.1.1 */
};

/* One name/value pair of a query, a form or a multipart body. */
struct hq_pair {
	const char *name;
	const char *value;        /* text; NULL for a file */
	struct json_object *file; /* HQ_JS_FILE; NULL for text */
};
struct hq_pairs {
	const struct hq_pair *v;
	size_t n;
};

enum hq_media {
	HQ_MEDIA_NONE,  /* nothing sent: undefined */
	HQ_MEDIA_JSON,  /* .json */
	HQ_MEDIA_FORM,  /* .pairs, of multipart/form-data */
	HQ_MEDIA_QUERY, /* .pairs, of application/x-www-form-urlencoded */
	HQ_MEDIA_SSE,   /* text/event-stream: an iterator; opaque to us */
	HQ_MEDIA_TEXT,  /* .json is a string */
	HQ_MEDIA_FILE   /* .json is an HQ_JS_FILE */
};

struct hq_body {
	enum hq_media media;
	struct json_object *json;
	struct hq_pairs pairs;
};

/* BAD_REQUEST if the body is not what its content-type says. */
enum hq_rc hq_body_decode(const struct hq_http_req *req, struct hq_body *ret,
    struct hq_err *err) HQ_MUST;

/* WHATWG application/x-www-form-urlencoded; never fails (bad % stays). */
enum hq_rc hq_urlencoded_parse(struct hq_arena *a, const char *text, size_t n,
    struct hq_pairs *ret, struct hq_err *err) HQ_MUST;

/* decodeURIComponent; NULL where that would throw (bad % or bad UTF-8). */
char *hq_percent_decode(struct hq_arena *a, const char *text, size_t n);

#endif /* HQ_PROTO_HTTP_MEDIA_H */

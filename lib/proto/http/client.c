#include <curl/curl.h>

#include "base/buf.h"
#include "proto/http/client.h"

struct call {
	CURL *curl;
	struct curl_slist *headers;
	struct hq_buf body;
};

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct hq_buf *b = arg;

	if (size * n > HQ_CLIENT_ANSWER_MAX - b->n)
		return 0;
	hq_buf_put(b, p, size * n);
	return size * n;
}

static void
call_done(struct call *k)
{
	curl_slist_free_all(k->headers);
	curl_easy_cleanup(k->curl);
}

static bool
set_headers(struct call *k, const char *const *v)
{
	struct curl_slist *list;

	for (; v != NULL && *v != NULL; v++) {
		list = curl_slist_append(k->headers, *v);
		if (list == NULL)
			return false;
		k->headers = list;
	}
	return curl_easy_setopt(k->curl, CURLOPT_HTTPHEADER, k->headers) ==
	    CURLE_OK;
}

static bool
set_options(struct call *k, const struct hq_http_call *c)
{
	CURL *h = k->curl;

	return curl_easy_setopt(h, CURLOPT_URL, c->url) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, c->timeout_ms) ==
	    CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)c->body_bytes) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_POSTFIELDS, c->body) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, &k->body) == CURLE_OK;
}

static enum hq_rc
perform(struct call *k, struct hq_http_answer *ret, struct hq_err *err)
{
	CURLcode rc = curl_easy_perform(k->curl);
	long status = 0;

	if (rc == CURLE_OPERATION_TIMEDOUT)
		return HQ_FAIL(err, GATEWAY_TIMEOUT, "no answer in time");
	if (rc != CURLE_OK)
		return HQ_FAIL(err, BAD_GATEWAY, "%s", curl_easy_strerror(rc));
	(void)curl_easy_getinfo(k->curl, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	ret->body = hq_buf_str(&k->body);
	ret->body_bytes = k->body.n;
	return HQ_OK;
}

enum hq_rc
hq_http_post(const struct hq_http_call *c, struct hq_arena *a,
    struct hq_http_answer *ret, struct hq_err *err)
{
	struct call k = { .curl = curl_easy_init() };
	enum hq_rc rc;

	hq_buf_init(&k.body, a);
	if (k.curl != NULL && set_options(&k, c) && set_headers(&k, c->headers))
		rc = perform(&k, ret, err);
	else
		rc = HQ_FAIL(err, BAD_GATEWAY, "the call cannot be made");
	call_done(&k);
	return rc;
}

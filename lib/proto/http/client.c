#include "proto/http/client.h"

#include "base/buf.h"
#include "proto/http/curl.h"

struct call {
	const struct hq_curl *lib;
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
	k->lib->free_all(k->headers);
	k->lib->cleanup(k->curl);
}

static bool
set_headers(struct call *k, const char *const *v)
{
	struct curl_slist *list;

	for (; v != NULL && *v != NULL; v++) {
		list = k->lib->append(k->headers, *v);
		if (list == NULL)
			return false;
		k->headers = list;
	}
	return k->lib->setopt(k->curl, CURLOPT_HTTPHEADER, k->headers) ==
	    CURLE_OK;
}

static bool
set_options(struct call *k, const struct hq_http_call *c)
{
	CURL *h = k->curl;

	return hq_curl_plain(h, c->url) &&
	    k->lib->setopt(h, CURLOPT_TIMEOUT_MS, c->timeout_ms) == CURLE_OK &&
	    k->lib->setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)c->body_bytes) == CURLE_OK &&
	    k->lib->setopt(h, CURLOPT_POSTFIELDS, c->body) == CURLE_OK &&
	    k->lib->setopt(h, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	    k->lib->setopt(h, CURLOPT_WRITEDATA, &k->body) == CURLE_OK;
}

static enum hq_rc
perform(struct call *k, struct hq_http_answer *ret, struct hq_err *err)
{
	CURLcode rc = k->lib->perform(k->curl);
	long status = 0;

	if (rc == CURLE_OPERATION_TIMEDOUT)
		return HQ_FAIL(err, GATEWAY_TIMEOUT, "no answer in time");
	if (rc != CURLE_OK)
		return HQ_FAIL(err, BAD_GATEWAY, "%s", k->lib->strerror(rc));
	(void)k->lib->getinfo(k->curl, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	ret->body = hq_buf_str(&k->body);
	ret->body_bytes = k->body.n;
	return HQ_OK;
}

enum hq_rc
hq_http_post(const struct hq_http_call *c, struct hq_arena *a,
    struct hq_http_answer *ret, struct hq_err *err)
{
	struct call k = { .lib = hq_curl() };
	enum hq_rc rc;

	if (k.lib == NULL)
		return HQ_FAIL(err, BAD_GATEWAY, "libcurl cannot be loaded");
	k.curl = k.lib->init();
	hq_buf_init(&k.body, a);
	if (k.curl != NULL && set_options(&k, c) && set_headers(&k, c->headers))
		rc = perform(&k, ret, err);
	else
		rc = HQ_FAIL(err, BAD_GATEWAY, "the call cannot be made");
	call_done(&k);
	return rc;
}

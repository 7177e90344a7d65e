/* The functions are called by pointer, which the checking macros cannot. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <string.h>

#include "base/buf.h"
#include "proto/http/client.h"

/*
 * The first call loads libcurl.  With the thirty libraries it brings, it would
 * cost every process 2 MB and 10 ms of its start, and most never make a call.
 */
static struct {
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_easy_cleanup) *cleanup;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_all;
} lib;

static bool
load(void)
{
	static const struct {
		const char *name;
		void *at;
	} want[] = {
		{ "curl_easy_init", &lib.init },
		{ "curl_easy_setopt", &lib.setopt },
		{ "curl_easy_perform", &lib.perform },
		{ "curl_easy_getinfo", &lib.getinfo },
		{ "curl_easy_strerror", &lib.strerror },
		{ "curl_easy_cleanup", &lib.cleanup },
		{ "curl_slist_append", &lib.append },
		{ "curl_slist_free_all", &lib.free_all },
	};
	static bool loaded;
	void *so, *f;
	size_t i;

	if (loaded)
		return true;
	if ((so = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL)) == NULL)
		return false;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		if ((f = dlsym(so, want[i].name)) == NULL)
			return false;
		memcpy(want[i].at, &f, sizeof(f));
	}
	loaded = true;
	return true;
}

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
	lib.free_all(k->headers);
	lib.cleanup(k->curl);
}

static bool
set_headers(struct call *k, const char *const *v)
{
	struct curl_slist *list;

	for (; v != NULL && *v != NULL; v++) {
		list = lib.append(k->headers, *v);
		if (list == NULL)
			return false;
		k->headers = list;
	}
	return lib.setopt(k->curl, CURLOPT_HTTPHEADER, k->headers) == CURLE_OK;
}

static bool
set_options(struct call *k, const struct hq_http_call *c)
{
	CURL *h = k->curl;

	return lib.setopt(h, CURLOPT_URL, c->url) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    lib.setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
	    lib.setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_TIMEOUT_MS, c->timeout_ms) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)c->body_bytes) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_POSTFIELDS, c->body) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_WRITEDATA, &k->body) == CURLE_OK;
}

static enum hq_rc
perform(struct call *k, struct hq_http_answer *ret, struct hq_err *err)
{
	CURLcode rc = lib.perform(k->curl);
	long status = 0;

	if (rc == CURLE_OPERATION_TIMEDOUT)
		return HQ_FAIL(err, GATEWAY_TIMEOUT, "no answer in time");
	if (rc != CURLE_OK)
		return HQ_FAIL(err, BAD_GATEWAY, "%s", lib.strerror(rc));
	(void)lib.getinfo(k->curl, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	ret->body = hq_buf_str(&k->body);
	ret->body_bytes = k->body.n;
	return HQ_OK;
}

enum hq_rc
hq_http_post(const struct hq_http_call *c, struct hq_arena *a,
    struct hq_http_answer *ret, struct hq_err *err)
{
	struct call k = { 0 };
	enum hq_rc rc;

	if (!load())
		return HQ_FAIL(err, BAD_GATEWAY, "libcurl cannot be loaded");
	k.curl = lib.init();
	hq_buf_init(&k.body, a);
	if (k.curl != NULL && set_options(&k, c) && set_headers(&k, c->headers))
		rc = perform(&k, ret, err);
	else
		rc = HQ_FAIL(err, BAD_GATEWAY, "the call cannot be made");
	call_done(&k);
	return rc;
}

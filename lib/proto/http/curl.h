/*
 * proto/http/curl.h - private to lib/proto/http: libcurl, loaded by the first
 * call (docs/decisions/0012-what-workers-share.md).
 */
#ifndef HQ_PROTO_HTTP_CURL_H
#define HQ_PROTO_HTTP_CURL_H

/* The functions are called by pointer, which the checking macros cannot. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

struct hq_curl {
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_easy_cleanup) *cleanup;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_all;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_setopt) *multi_setopt;
	__typeof__(curl_multi_add_handle) *multi_add;
	__typeof__(curl_multi_remove_handle) *multi_remove;
	__typeof__(curl_multi_socket_action) *multi_action;
	__typeof__(curl_multi_info_read) *multi_read;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
};

/* NULL if it is not installed. */
const struct hq_curl *hq_curl(void);

/*
 * What every call of ours has in common: http and https only, certificates
 * checked, redirects not followed, no proxy or netrc of the environment.
 */
bool hq_curl_plain(CURL *h, const char *url);

#endif /* HQ_PROTO_HTTP_CURL_H */

#include "proto/http/curl.h"

#include <dlfcn.h>
#include <string.h>

/*
 * With the thirty libraries it brings, libcurl would cost every process 2 MB
 * and 10 ms of its start, and most never make a call.
 */
static struct hq_curl lib;

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
		{ "curl_multi_init", &lib.multi_init },
		{ "curl_multi_setopt", &lib.multi_setopt },
		{ "curl_multi_add_handle", &lib.multi_add },
		{ "curl_multi_remove_handle", &lib.multi_remove },
		{ "curl_multi_socket_action", &lib.multi_action },
		{ "curl_multi_info_read", &lib.multi_read },
		{ "curl_multi_cleanup", &lib.multi_cleanup },
	};
	void *so, *f;
	size_t i;

	if ((so = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL)) == NULL)
		return false;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		if ((f = dlsym(so, want[i].name)) == NULL)
			return false;
		memcpy(want[i].at, &f, sizeof(f));
	}
	return true;
}

const struct hq_curl *
hq_curl(void)
{
	static bool loaded;

	if (!loaded && !load())
		return NULL;
	loaded = true;
	return &lib;
}

bool
hq_curl_plain(CURL *h, const char *url)
{
	return lib.setopt(h, CURLOPT_URL, url) == CURLE_OK &&
	    lib.setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    lib.setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
	    lib.setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    /* Not to wait for a name server that does not answer. */
	    lib.setopt(h, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
}

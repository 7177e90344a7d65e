/*
 * URLs that are values, and URLs that are called.  A value's spelling is final;
 * what is plain enough to be called leads libcurl to the host that was judged.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "fuzz.h"
#include "proto/http/allow.h"
#include "proto/orpc/url.h"

static void
check_value(const char *text)
{
	struct hq_url one, two;

	if (!hq_url_parse(arena, text, &one))
		return;
	HQ_ASSERT(hq_url_parse(arena, one.href, &two));
	HQ_ASSERT(strcmp(one.href, two.href) == 0);
	HQ_ASSERT(strcmp(one.host, two.host) == 0);
	HQ_ASSERT(strcmp(one.path, two.path) == 0);
}

/* The list's only host is one.example at port 8080. */
static void
check_called(const char *text)
{
	static const char list[] = "http://one.example:8080/in/";
	char *part = NULL;
	CURLU *u;

	if (!hq_url_plain(text)) {
		HQ_ASSERT(!hq_url_allowed(list, text));
		return;
	}
	u = curl_url();
	HQ_ASSERT(u != NULL);
	if (curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
	    hq_url_allowed(list, text)) {
		HQ_ASSERT(curl_url_get(u, CURLUPART_HOST, &part, 0) == 0);
		HQ_ASSERT(strcasecmp(part, "one.example") == 0);
		curl_free(part);
		HQ_ASSERT(curl_url_get(u, CURLUPART_PORT, &part, 0) == 0);
		HQ_ASSERT(atoi(part) == 8080);
		curl_free(part);
		HQ_ASSERT(curl_url_get(u, CURLUPART_PATH, &part, 0) == 0);
		HQ_ASSERT(strncmp(part, "/in", 3) == 0);
		curl_free(part);
	}
	curl_url_cleanup(u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text;

	fuzz_begin();
	text = hq_arena_copy(arena, data, n);
	check_value(text);
	check_called(text);
	if (strchr(text, '\n') == NULL)
		(void)hq_url_allowed(text, "http://one.example:8080/in/x");
	return 0;
}

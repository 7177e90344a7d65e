/* A request's target: a path once resolved stays as it is. */
#include "fuzz.h"
#include "proto/http/media.h"
#include "proto/http/path.h"
#include "proto/orpc/url.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *params[3] = { "REQUEST_METHOD=GET" };
	struct hq_http_req req;
	struct hq_url url;
	char *text, *path;

	fuzz_begin();
	text = hq_arena_copy(arena, data, n);
	(void)hq_percent_decode(arena, (const char *)data, n);
	(void)hq_url_parse(arena, text, &url);
	if (text[0] != '/')
		return 0;
	path = hq_path_resolve(arena, text);
	HQ_ASSERT(path[0] == '/' && strpbrk(path, "?#\\ ") == NULL);
	HQ_ASSERT(strstr(path, "/../") == NULL && strstr(path, "/./") == NULL);
	HQ_ASSERT(strcmp(hq_path_resolve(arena, path), path) == 0);
	HQ_ASSERT(strchr(hq_path_query(arena, text), '#') == NULL);
	params[1] = hq_arena_printf(arena, "REQUEST_URI=%s", text);
	req = (struct hq_http_req){ .arena = arena, .params = params };
	if (hq_http_req_line(&req, &err) == HQ_OK)
		HQ_ASSERT(strcmp(req.path, path) == 0);
	return 0;
}

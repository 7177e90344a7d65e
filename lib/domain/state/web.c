#include "domain/state/web.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/state/state.h"
#include "proto/http/media.h"

static const char prefix[] = "/rawr/plugins/web/";
static const char plain[] = "text/plain;charset=utf-8";

/* Where a built module may stand, best first; each ends with NULL. */
enum { PLACE_PARTS_MAX = 5 };
static const char *const places[][PLACE_PARTS_MAX] = {
	{ "dist", "web.js", NULL },
	{ "dist", "src", "web.js", NULL },
	{ "dist", "web", "index.js", NULL },
	{ "dist", "src", "web", "index.js", NULL },
};

/* ^[a-z0-9][a-z0-9-]*$ */
static bool
dir_name_ok(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++) {
		bool letter = (name[i] >= 'a' && name[i] <= 'z') ||
		    (name[i] >= '0' && name[i] <= '9');

		if (!letter && (name[i] != '-' || i == 0))
			return false;
	}
	return i > 0;
}

/* The regular file at parts below dir, or -1.  No link is followed. */
static int
open_below(int dir, const char *const *parts)
{
	int at = dir, next;
	struct stat st;
	size_t i;

	for (i = 0; parts[i] != NULL; i++) {
		int kind = parts[i + 1] != NULL ? O_DIRECTORY : O_NONBLOCK;

		next = openat(at, parts[i],
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | kind);
		if (at != dir)
			(void)close(at);
		if (next < 0)
			return -1;
		at = next;
	}
	if (fstat(at, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(at);
		return -1;
	}
	return at;
}

/* All of fd, up to max bytes, in the arena; false if that cannot be had. */
static bool
read_all(int fd, size_t max, struct hq_arena *a, const char **ret,
    size_t *ret_n)
{
	struct stat st;
	ssize_t got;
	size_t n = 0;
	char *p;

	if (fstat(fd, &st) != 0 || st.st_size < 0 || (size_t)st.st_size > max)
		return false;
	p = HQ_NEW(a, char, (size_t)st.st_size + 1);
	if (p == NULL)
		return false;
	while (n < (size_t)st.st_size) {
		got = read(fd, p + n, (size_t)st.st_size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) /* cut short while we read: do not serve a part */
			return false;
		n += (size_t)got;
	}
	*ret = p;
	*ret_n = n;
	return true;
}

static bool
read_below(int dir, const char *const *parts, size_t max, struct hq_arena *a,
    const char **ret, size_t *ret_n)
{
	int fd = open_below(dir, parts);
	bool ok;

	if (fd < 0)
		return false;
	ok = read_all(fd, max, a, ret, ret_n);
	(void)close(fd);
	return ok;
}

/* The name in package.json; NULL if there is none to be read. */
static const char *
package_name(int dir, struct hq_arena *a)
{
	static const char *const file[] = { "package.json", NULL };
	struct json_object *package;
	const char *text;
	size_t n;

	if (!read_below(dir, file, HQ_WEB_PACKAGE_BYTES_MAX, a, &text, &n) ||
	    hq_json_parse(a, text, n, &package, NULL) != HQ_OK ||
	    !json_object_is_type(package, json_type_object))
		return NULL;
	return hq_json_str(package, "name");
}

static bool
find_module(struct hq_boundary *c, int dir, const char *name, const char **ret,
    size_t *ret_n)
{
	struct hq_state_plugin plugin = { .dir = name };
	bool enabled;
	size_t i;
	int fd;

	plugin.name = package_name(dir, c->arena);
	if (hq_state_is_enabled(c->db, c->arena, &plugin, &enabled, NULL) !=
		HQ_OK ||
	    !enabled)
		return false;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool ok;

		if ((fd = open_below(dir, places[i])) < 0)
			continue;
		ok =
		    read_all(fd, HQ_WEB_MODULE_BYTES_MAX, c->arena, ret, ret_n);
		(void)close(fd);
		return ok;
	}
	return false;
}

/* The module of an enabled plugin, or false. */
static bool
load_module(struct hq_boundary *c, const char *name, const char **ret,
    size_t *ret_n)
{
	int base, dir;
	bool ok;

	base = open(c->config->s[HQ_SET_RAWR_WEB_PLUGINS],
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return false;
	dir =
	    openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	(void)close(base);
	if (dir < 0)
		return false;
	ok = find_module(c, dir, name, ret, ret_n);
	(void)close(dir);
	return ok;
}

/* The path's one segment, decoded; NULL if it names no plugin. */
static const char *
segment_name(struct hq_arena *a, const char *segment, size_t n)
{
	const char *name = hq_percent_decode(a, segment, n);

	/* A decoded NUL would end the name early. */
	if (name == NULL || strstr(segment, "%00") != NULL ||
	    !dir_name_ok(name))
		return NULL;
	return name;
}

bool
hq_web_handle(struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	const char *segment, *name, *body = "";
	size_t n, body_bytes = 0;

	if (strncmp(req->path, prefix, sizeof(prefix) - 1) != 0)
		return false;
	segment = req->path + sizeof(prefix) - 1;
	n = strcspn(segment, "/");
	if (n == 0 || (segment[n] == '/' && segment[n + 1] != '\0') ||
	    (strcmp(req->method, "GET") != 0 &&
		strcmp(req->method, "HEAD") != 0)) {
		hq_http_res_text(res, 404, plain, "NOT_FOUND");
		return true;
	}
	name = segment_name(c->arena, segment, n);
	if (name == NULL || !load_module(c, name, &body, &body_bytes)) {
		hq_http_res_text(res, 404, plain, "not found");
		return true;
	}
	res->status = 200;
	hq_http_res_header(res, "content-type",
	    "text/javascript; charset=utf-8");
	hq_http_res_header(res, "cache-control", "no-store");
	res->body = body;
	res->body_bytes = body_bytes;
	return true;
}

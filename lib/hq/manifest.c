#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hq/manifest.h"
#include "hq/page.h"

/* What must stand in the directory of a plugin of that kind. */
typedef enum hq_rc check_fn(const char *root, const char *dir,
    struct hq_arena *a, struct hq_err *err);
static check_fn check_code, check_commands, check_pages;

static const struct {
	const char *name;
	check_fn *check;
} kinds[HQ_KIND__MAX] = {
	[HQ_KIND_API] = { "api", check_code },
	[HQ_KIND_WORKFLOWS] = { "workflows", check_code },
	[HQ_KIND_WEB] = { "web", NULL },
	[HQ_KIND_CLI] = { "cli", check_commands },
	[HQ_KIND_AGENTS] = { "agents", check_pages },
};

const char *
hq_kind_name(enum hq_kind k)
{
	HQ_ASSERT(k < HQ_KIND__MAX);
	return kinds[k].name;
}

static bool
is_slug(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= 64 && s[n] == '\0' && s[0] != '-';
}

static bool
is_package_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789@/._-");

	return n > 0 && n <= 214 && s[n] == '\0';
}

static enum hq_rc
read_json(const char *path, struct hq_arena *a, struct json_object **ret,
    struct hq_err *err)
{
	struct hq_err why = { 0 };
	char *text;
	size_t n;

	HQ_TRY(hq_file_read(path, HQ_MANIFEST_FILE_MAX, a, &text, &n, err));
	if (hq_json_parse(a, text, n, ret, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s", path, why.msg);
	if (!json_object_is_type(*ret, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "%s: must be a JSON object",
		    path);
	return HQ_OK;
}

static enum hq_rc
need_file(const char *root, const char *dir, const char *file,
    struct hq_arena *a, struct hq_err *err)
{
	const char *path = hq_arena_printf(a, "%s/%s/%s", root, dir, file);

	if (path == NULL || access(path, R_OK) != 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: has no %s; see docs/plugins.md", dir, file);
	return HQ_OK;
}

/* A plugin with code must have beside it what says what it promises. */
static enum hq_rc
check_code(const char *root, const char *dir, struct hq_arena *a,
    struct hq_err *err)
{
	HQ_TRY(need_file(root, dir, "contract.json", a, err));
	return need_file(root, dir, "router.c", a, err);
}

static enum hq_rc
check_commands(const char *root, const char *dir, struct hq_arena *a,
    struct hq_err *err)
{
	HQ_TRY(need_file(root, dir, "commands.json", a, err));
	return need_file(root, dir, "commands.c", a, err);
}

static enum hq_rc
check_pages(const char *root, const char *dir, struct hq_arena *a,
    struct hq_err *err)
{
	const struct hq_page *pages;

	return hq_pages_read(root, dir, a, &pages, err);
}

/* What the manifest says of a plugin. */
static enum hq_rc
row_of(struct json_object *def, const char *dir, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *rawr = hq_json_get(def, "rawr");
	struct json_object *row = hq_json_new_object();

	HQ_TRY(hq_json_own(a, row, err));
	hq_json_put_str(row, "name", hq_json_str(def, "name"));
	hq_json_put_str(row, "kind", hq_json_str(rawr, "kind"));
	hq_json_put_str(row, "capability", hq_json_str(rawr, "capability"));
	hq_json_put_str(row, "dir", dir);
	*ret = row;
	return HQ_OK;
}

static enum hq_rc
read_plugin(const char *root, enum hq_kind k, const char *dir,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	struct json_object *def, *rawr;
	const char *path, *name, *kind, *capability;

	path = hq_arena_printf(a, "%s/%s/plugin.json", root, dir);
	HQ_TRY(read_json(path, a, &def, err));
	rawr = hq_json_get(def, "rawr");
	name = hq_json_str(def, "name");
	if (name == NULL || !is_package_name(name))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/plugin.json: \"name\" must be a package name; write "
		    "e.g. \"name\": \"@acme/plugin-x\"",
		    dir);
	kind = rawr == NULL ? NULL : hq_json_str(rawr, "kind");
	if (kind == NULL || strcmp(kind, kinds[k].name) != 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/plugin.json: \"rawr\".\"kind\" must be \"%s\", the "
		    "directory it stands in",
		    dir, kinds[k].name);
	capability = hq_json_str(rawr, "capability");
	if (capability == NULL || !is_slug(capability))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/plugin.json: \"rawr\".\"capability\" must name the "
		    "capability in lower-case letters, digits and \"-\"",
		    dir);
	if (kinds[k].check != NULL)
		HQ_TRY(kinds[k].check(root, dir, a, err));
	return row_of(def, dir, a, ret, err);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the plugin directories of one kind, sorted. */
static enum hq_rc
list_dirs(const char *root, enum hq_kind k, struct hq_arena *a,
    const char ***ret, size_t *ret_n, struct hq_err *err)
{
	const char **names, *path;
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	names = HQ_NEW(a, const char *, HQ_MANIFEST_PLUGINS_MAX);
	path = hq_arena_printf(a, "%s/plugins/%s", root, kinds[k].name);
	if (names == NULL || path == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no memory");
	*ret = names;
	*ret_n = 0;
	if ((d = opendir(path)) == NULL)
		return HQ_OK; /* no plugins of this kind */
	/* readdir is only unsafe for two threads on one stream. */
	while ((e = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
		if (e->d_name[0] == '.')
			continue;
		if (n == HQ_MANIFEST_PLUGINS_MAX)
			break;
		names[n++] = hq_arena_printf(a, "plugins/%s/%s", kinds[k].name,
		    e->d_name);
	}
	(void)closedir(d);
	if (n == HQ_MANIFEST_PLUGINS_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "more than %d plugins",
		    HQ_MANIFEST_PLUGINS_MAX);
	qsort(names, n, sizeof(names[0]), by_name);
	*ret_n = n;
	return HQ_OK;
}

/* Two plugins may not claim one kind and capability, nor one name. */
static enum hq_rc
check_unique(struct json_object *rows, struct json_object *row,
    struct hq_err *err)
{
	size_t i, n = json_object_array_length(rows);

	for (i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(rows, i);

		if (strcmp(hq_json_str(o, "name"), hq_json_str(row, "name")) ==
			0 ||
		    (strcmp(hq_json_str(o, "kind"), hq_json_str(row, "kind")) ==
			    0 &&
			strcmp(hq_json_str(o, "capability"),
			    hq_json_str(row, "capability")) == 0))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s and %s claim the same name or capability: "
			    "rename one",
			    hq_json_str(o, "dir"), hq_json_str(row, "dir"));
	}
	return HQ_OK;
}

static enum hq_rc
scan_kind(const char *root, enum hq_kind k, struct hq_arena *a,
    struct json_object *rows, struct hq_err *err)
{
	struct json_object *row;
	const char **dirs;
	size_t i, n;

	HQ_TRY(list_dirs(root, k, a, &dirs, &n, err));
	for (i = 0; i < n; i++) {
		const char *base = strrchr(dirs[i], '/') + 1;

		if (!is_slug(base))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s: a plugin directory is named in lower-case "
			    "letters, digits and \"-\"",
			    dirs[i]);
		HQ_TRY(read_plugin(root, k, dirs[i], a, &row, err));
		HQ_TRY(check_unique(rows, row, err));
		hq_json_push(rows, json_object_get(row));
	}
	return HQ_OK;
}

enum hq_rc
hq_manifest_scan(const char *root, struct hq_arena *a, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *m = hq_json_new_object();
	struct json_object *rows = hq_json_new_array();
	enum hq_kind k;

	HQ_TRY(hq_json_own(a, m, err));
	hq_json_put_i64(m, "version", 1);
	hq_json_put(m, "plugins", rows);
	for (k = 0; k < HQ_KIND__MAX; k++)
		HQ_TRY(scan_kind(root, k, a, rows, err));
	*ret = m;
	return HQ_OK;
}

static void
manifest_text(struct json_object *m, struct hq_buf *out)
{
	hq_json_write_pretty(out, m);
	hq_buf_putc(out, '\n');
}

enum hq_rc
hq_manifest_sync(const char *root, struct hq_arena *a, bool *ret_changed,
    struct hq_err *err)
{
	struct json_object *m;
	struct hq_buf text;
	const char *path;
	char *old = NULL;

	HQ_TRY(hq_manifest_scan(root, a, &m, err));
	hq_buf_init(&text, a);
	manifest_text(m, &text);
	path = hq_arena_printf(a, "%s/%s", root, HQ_MANIFEST_FILE);
	if (hq_file_read(path, HQ_MANIFEST_FILE_MAX, a, &old, NULL, NULL) ==
		HQ_OK &&
	    strcmp(old, hq_buf_str(&text)) == 0) {
		*ret_changed = false;
		return HQ_OK;
	}
	*ret_changed = true;
	return hq_file_write(path, hq_buf_str(&text), text.n, err);
}

static struct json_object *
find_dir(struct json_object *manifest, const char *dir)
{
	struct json_object *rows = hq_json_get(manifest, "plugins");
	size_t i;

	if (!json_object_is_type(rows, json_type_array))
		return NULL;
	for (i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *o = json_object_array_get_idx(rows, i);
		const char *d = hq_json_str(o, "dir");

		if (d != NULL && strcmp(d, dir) == 0)
			return o;
	}
	return NULL;
}

/* The first plugin that only one side has, or that differs; NULL if none. */
static const char *
first_difference(struct json_object *from, struct json_object *with)
{
	struct json_object *rows = hq_json_get(from, "plugins"), *o, *other;
	size_t i;

	if (!json_object_is_type(rows, json_type_array))
		return NULL;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		if (hq_json_str(o, "dir") == NULL)
			return "a plugin without \"dir\"";
		other = find_dir(with, hq_json_str(o, "dir"));
		if (other == NULL || !json_object_equal(o, other))
			return hq_json_str(o, "dir");
	}
	return NULL;
}

enum hq_rc
hq_manifest_check(const char *root, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *want, *have;
	struct hq_buf text;
	const char *path, *differs;
	char *old;

	HQ_TRY(hq_manifest_scan(root, a, &want, err));
	path = hq_arena_printf(a, "%s/%s", root, HQ_MANIFEST_FILE);
	HQ_TRY(read_json(path, a, &have, err));
	HQ_TRY(hq_file_read(path, HQ_MANIFEST_FILE_MAX, a, &old, NULL, err));
	hq_buf_init(&text, a);
	manifest_text(want, &text);
	if (strcmp(old, hq_buf_str(&text)) == 0) {
		*ret = want;
		return HQ_OK;
	}
	if ((differs = first_difference(want, have)) == NULL)
		differs = first_difference(have, want);
	return HQ_FAIL(err, CONFLICT,
	    "%s is out of step with plugins/ (%s): run `make sync` and commit "
	    "the result",
	    HQ_MANIFEST_FILE, differs == NULL ? "order or layout" : differs);
}

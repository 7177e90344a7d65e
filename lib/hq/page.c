#include "hq/page.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "hq/manifest.h"

struct walk {
	const char *root, *dir;
	struct hq_arena *arena;
	struct hq_page *pages;
	size_t n;
};

static bool
is_text(const char *p, size_t n)
{
	size_t k;
	bool ok = true;

	for (; n > 0 && ok; p += k, n -= k) {
		k = hq_utf8_next(p, n, &ok);
		if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
			return false;
	}
	return ok;
}

/* ------------------------------------------------------------ front matter -- */

/* Of the Agent Skills convention; no "-" at an end, none behind another. */
static bool
is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= HQ_PAGE_NAME_MAX && s[n] == '\0' && s[0] != '-' &&
	    s[n - 1] != '-' && strstr(s, "--") == NULL;
}

/* An escape may have brought in what no line of the file holds. */
static bool
is_line(const char *s)
{
	return is_text(s, strlen(s)) && strpbrk(s, "\n\t\x7f") == NULL;
}

/*
 * One line of YAML that every reader of YAML takes alike: plain text, or a
 * string in double quotes, which is JSON's.  NULL if it is something else.
 */
static const char *
scalar(struct hq_arena *a, const char *p, size_t n)
{
	struct json_object *v;
	const char *s;

	for (; n > 0 && *p == ' '; n--)
		p++;
	for (; n > 0 && p[n - 1] == ' '; n--)
		;
	if (n == 0 || (s = hq_arena_copy(a, p, n)) == NULL)
		return NULL;
	if (*s == '"')
		s = hq_json_parse(a, s, n, &v, NULL) == HQ_OK
		    ? json_object_get_string(v)
		    : NULL;
	else if (strchr("'[]{}<>|*&!%@`#,?:-", *s) != NULL ||
	    strstr(s, ": ") != NULL || strstr(s, " #") != NULL ||
	    s[n - 1] == ':')
		return NULL;
	return s != NULL && is_line(s) ? s : NULL;
}

/* The value of "key:" in a line; false if the line is another key's. */
static bool
is_key(const char *line, size_t n, const char *key, struct hq_arena *a,
    const char **ret)
{
	size_t k = strlen(key);

	if (n <= k || strncmp(line, key, k) != 0 || line[k] != ':')
		return false;
	*ret = scalar(a, line + k + 1, n - k - 1);
	return true;
}

/* name and description; what else stands there is for other readers. */
static enum hq_rc
front_matter(struct walk *w, struct hq_page *p, const char *want,
    struct hq_err *err)
{
	const char *line = p->text, *name = NULL, *description = NULL;
	size_t n;

	if (strncmp(line, "---\n", 4) == 0)
		for (line += 4; strncmp(line, "---\n", 4) != 0;
		     line += n + (line[n] == '\n')) {
			if (*line == '\0')
				break;
			n = strcspn(line, "\n");
			if (!is_key(line, n, "name", w->arena, &name))
				(void)is_key(line, n, "description", w->arena,
				    &description);
		}
	if (line == p->text || *line == '\0')
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: must begin with \"---\", name, description, "
		    "\"---\"",
		    w->dir, p->path);
	if (name == NULL || strcmp(name, want) != 0 || !is_name(name))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: \"name\" must be %s, in lower-case letters, digits "
		    "and single \"-\"",
		    w->dir, p->path, want);
	if (description == NULL || *description == '\0' ||
	    strlen(description) > HQ_PAGE_DESCRIPTION_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: \"description\" must be one line, plain or in "
		    "\"double quotes\", of 1 to %d bytes",
		    w->dir, p->path, HQ_PAGE_DESCRIPTION_MAX);
	p->name = name;
	p->description = description;
	return HQ_OK;
}

/* --------------------------------------------------------------- the places -- */

/* What follows the prefix in path, up to the suffix; NULL if it has not both. */
static const char *
between(struct hq_arena *a, const char *path, const char *prefix,
    const char *suffix)
{
	size_t n = strlen(path), k = strlen(prefix), m = strlen(suffix);

	if (n <= k + m || strncmp(path, prefix, k) != 0 ||
	    strcmp(path + n - m, suffix) != 0)
		return NULL;
	return hq_arena_copy(a, path + k, n - k - m);
}

static const struct hq_page *
find(const struct walk *w, const char *path)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->pages[i].path, path) == 0)
			return &w->pages[i];
	return NULL;
}

/* A skill, a workflow, or a page of a skill that is there. */
static enum hq_rc
classify(struct walk *w, struct hq_page *p, struct hq_err *err)
{
	const char *name, *skill;

	name = between(w->arena, p->path, "skills/", "/SKILL.md");
	if (name == NULL)
		name = between(w->arena, p->path, "workflows/", ".md");
	if (name != NULL && strchr(name, '/') == NULL)
		return front_matter(w, p, name, err);
	name = between(w->arena, p->path, "skills/", ".md");
	skill = name == NULL || strchr(name, '/') == NULL
	    ? NULL
	    : hq_arena_printf(w->arena, "skills/%.*s/SKILL.md",
		  (int)strcspn(name, "/"), name);
	if (skill == NULL || find(w, skill) == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: a skill is skills/<name>/SKILL.md with its pages "
		    "beside it, a workflow workflows/<name>.md",
		    w->dir, p->path);
	return HQ_OK;
}

static bool
has_segment_up(const char *s)
{
	for (; *s != '\0'; s += s[0] == '/') {
		if (strcspn(s, "/") == 2 && s[0] == '.' && s[1] == '.')
			return true;
		s += strcspn(s, "/");
	}
	return false;
}

/* One [text](target): elsewhere by its full address, or a page beside this. */
static enum hq_rc
check_link(struct walk *w, const struct hq_page *p, const char *target,
    struct hq_err *err)
{
	const char *slash = strrchr(p->path, '/');
	size_t n = strcspn(target, "#");
	const char *to;

	if (n == 0 || strcspn(target, ":") < strcspn(target, "/?#"))
		return HQ_OK;
	to = hq_arena_printf(w->arena, "%.*s%.*s", (int)(slash + 1 - p->path),
	    p->path, (int)n, target);
	if (*target == '/' || has_segment_up(target) || to == NULL ||
	    find(w, to) == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: the link %s must lead to a page in the same "
		    "directory or below, or be a whole URL",
		    w->dir, p->path, target);
	return HQ_OK;
}

static enum hq_rc
check_links(struct walk *w, const struct hq_page *p, struct hq_err *err)
{
	const char *at, *target;

	for (at = p->text; (at = strstr(at, "](")) != NULL;) {
		at += 2;
		target = hq_arena_copy(w->arena, at, strcspn(at, ") \t\n"));
		HQ_TRY(check_link(w, p, target, err));
	}
	return HQ_OK;
}

/* ----------------------------------------------------------------- reading -- */

static enum hq_rc
add(struct walk *w, const char *path, struct hq_err *err)
{
	const char *file =
	    hq_arena_printf(w->arena, "%s/%s/%s", w->root, w->dir, path);
	char *text;
	size_t n;

	if (w->n == HQ_PAGES_MAX)
		return HQ_FAIL(err, BAD_REQUEST, "%s: more than %d pages",
		    w->dir, HQ_PAGES_MAX);
	HQ_TRY(hq_file_read(file, HQ_PAGE_BYTES_MAX, w->arena, &text, &n, err));
	if (!is_text(text, n))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: must be UTF-8 text without control characters",
		    w->dir, path);
	w->pages[w->n++] = (struct hq_page){ .path = path, .text = text };
	return HQ_OK;
}

/* What stands in a URL, a file name and a text of C as it is. */
static bool
is_plain(const char *s)
{
	return s[strspn(s,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789._-")] == '\0';
}

static bool
is_page_name(const char *s)
{
	size_t n = strlen(s);

	return is_plain(s) && n > 3 && strcmp(s + n - 3, ".md") == 0;
}

static int
is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static enum hq_rc walk(struct walk *w, const char *path, int depth,
    struct hq_err *err);

static enum hq_rc
visit(struct walk *w, const char *path, const char *name, int depth,
    struct hq_err *err)
{
	const char *here = hq_arena_printf(w->arena, "%s/%s", path, name);
	const char *file =
	    hq_arena_printf(w->arena, "%s/%s/%s", w->root, w->dir, here);
	struct stat st = { 0 };

	if (file == NULL || here == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no memory");
	if (lstat(file, &st) == 0 && S_ISDIR(st.st_mode) &&
	    depth < HQ_PAGE_DEPTH_MAX) {
		if (is_plain(name))
			return walk(w, here, depth + 1, err);
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: a directory's name is of letters, digits, \".\", "
		    "\"_\" and \"-\"",
		    w->dir, here);
	}
	if (!S_ISREG(st.st_mode) || !is_page_name(name))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: only Markdown stands here: regular files "
		    "<name>.md, no links",
		    w->dir, here);
	return add(w, here, err);
}

/* Every file below the plugin's directory path, in order of their names. */
static enum hq_rc
walk(struct walk *w, const char *path, int depth, struct hq_err *err)
{
	struct dirent **names;
	enum hq_rc rc = HQ_OK;
	int i, n;

	n = scandir(hq_arena_printf(w->arena, "%s/%s/%s", w->root, w->dir,
			path),
	    &names, is_shown, alphasort);
	for (i = 0; i < n; i++) {
		if (rc == HQ_OK)
			rc = visit(w, path, names[i]->d_name, depth, err);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return rc;
}

/* skills/ or workflows/, where it is there. */
static enum hq_rc
walk_top(struct walk *w, const char *name, struct hq_err *err)
{
	struct stat st;

	if (lstat(hq_arena_printf(w->arena, "%s/%s/%s", w->root, w->dir, name),
		&st) != 0)
		return HQ_OK;
	if (!S_ISDIR(st.st_mode))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s/%s: must be a directory, and no link", w->dir, name);
	return walk(w, name, 1, err);
}

static enum hq_rc
read_all(struct walk *w, struct hq_err *err)
{
	w->pages = HQ_NEW(w->arena, struct hq_page, HQ_PAGES_MAX + 1);
	if (w->pages == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "no memory");
	HQ_TRY(walk_top(w, "skills", err));
	HQ_TRY(walk_top(w, "workflows", err));
	if (w->n == 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: has no skills/<name>/SKILL.md and no "
		    "workflows/<name>.md; see docs/plugins.md",
		    w->dir);
	return HQ_OK;
}

enum hq_rc
hq_pages_read(const char *root, const char *dir, struct hq_arena *a,
    const struct hq_page **ret, struct hq_err *err)
{
	struct walk w = { .root = root, .dir = dir, .arena = a };
	size_t i;

	HQ_TRY(read_all(&w, err));
	for (i = 0; i < w.n; i++)
		HQ_TRY(classify(&w, &w.pages[i], err));
	for (i = 0; i < w.n; i++)
		HQ_TRY(check_links(&w, &w.pages[i], err));
	*ret = w.pages;
	return HQ_OK;
}

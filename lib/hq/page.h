/*
 * hq/page.h - what an agents plugin holds: Markdown that agents read.
 *
 *	skills/<name>/SKILL.md    a skill, as the Agent Skills convention has it
 *	skills/<name>/.../<x>.md  what it refers to
 *	workflows/<name>.md       a way through several skills
 *
 * A skill and a workflow begin with front matter whose `name` is the
 * directory's, or the file's, and whose `description` says when to read on.
 */
#ifndef HQ_HQ_PAGE_H
#define HQ_HQ_PAGE_H

#include "base/arena.h"
#include "base/err.h"

enum {
	HQ_PAGE_BYTES_MAX = 64 << 10,
	HQ_PAGE_DESCRIPTION_MAX = 1024, /* bytes */
	HQ_PAGE_NAME_MAX = 64,
	HQ_PAGE_DEPTH_MAX = 4, /* directories below the plugin's */
	HQ_PAGES_MAX = 256,    /* of one plugin */
};

struct hq_page {
	const char *path;        /* below the plugin: "skills/x/SKILL.md" */
	const char *name;        /* NULL: a page that a skill refers to */
	const char *description; /* NULL if name is */
	const char *text;        /* the whole file */
};

/*
 * Read and check the pages of root's plugin dir ("plugins/agents/x"), by path;
 * *ret ends with { 0 }, the arena's.  BAD_REQUEST names the file and what to
 * write: front matter, a file that is no Markdown, a symbolic link, a link in
 * the text that leads out of the page's directory or to no page.
 */
enum hq_rc hq_pages_read(const char *root, const char *dir, struct hq_arena *a,
    const struct hq_page **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_HQ_PAGE_H */

/* What an agents plugin may hold, and what is said of one that holds else. */
#include "hqtest.h"

#include <sys/stat.h>

#include "hq/page.h"

static char root[64];

static const char *
below(const char *path)
{
	return hq_arena_printf(arena, "%s/plugins/agents/x/%s", root, path);
}

static void
run(const char *cmd)
{
	ck_assert_int_eq(system(cmd), 0);
}

static void
put_file(const char *path, const char *text, size_t n)
{
	FILE *f;

	run(hq_arena_printf(arena, "mkdir -p \"$(dirname '%s')\"",
	    below(path)));
	ck_assert_ptr_nonnull(f = fopen(below(path), "w"));
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

#define FRONT(name, description) \
	"---\nname: " name "\ndescription: " description "\n---\n"

static void
tree_open(void)
{
	arena_open();
	(void)snprintf(root, sizeof(root), "/tmp/rawr-pages-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void
tree_close(void)
{
	run(hq_arena_printf(arena, "rm -rf %s", root));
	arena_close();
}

static const struct hq_page *pages;

static enum hq_rc
read_pages(void)
{
	return hq_pages_read(root, "plugins/agents/x", arena, &pages, &err);
}

/* One file, or two; what is said of them, NULL if nothing. */
#define SKILL "skills/a/SKILL.md"
#define GOOD FRONT("a", "Does a.")
static const struct {
	const char *path, *text, *path2, *text2, *says;
} cases[] = {
	{ SKILL, GOOD, NULL, NULL, NULL },
	{ "workflows/b.md", FRONT("b", "Does b."), NULL, NULL, NULL },
	{ SKILL, FRONT("a", "\"Quoted: so # and \\\"so\\\".\""), NULL, NULL,
	    NULL },
	{ SKILL,
	    "---\nlicense: MIT\nname: a\ndescription: d\nx:\n  y: z\n---\n",
	    NULL, NULL, NULL },
	{ SKILL, GOOD "[more](references/more.md#top)",
	    "skills/a/references/more.md", "no front matter", NULL },
	{ SKILL, GOOD "[x](https://x.example/y) [y](#z) [z](mailto:a@b.c)",
	    NULL, NULL, NULL },
	{ "README.md", "x", NULL, NULL, "has no skills/<name>/SKILL.md" },
	{ SKILL, "name: a\n", NULL, NULL, "must begin with \"---\"" },
	{ SKILL, "---\nname: a\ndescription: d\n", NULL, NULL,
	    "must begin with \"---\"" },
	{ SKILL, "", NULL, NULL, "must begin with \"---\"" },
	{ SKILL, FRONT("b", "d"), NULL, NULL, "\"name\" must be a" },
	{ SKILL, "---\ndescription: d\n---\n", NULL, NULL, "\"name\" must be" },
	{ "skills/A/SKILL.md", FRONT("A", "d"), NULL, NULL, "lower-case" },
	{ "skills/a--b/SKILL.md", FRONT("a--b", "d"), NULL, NULL, "single" },
	{ "workflows/b.md", FRONT("a", "d"), NULL, NULL, "\"name\" must be b" },
	{ SKILL, "---\nname: a\n---\n", NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", ""), NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", "\"\""), NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", ">"), NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", "a: b"), NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", "a #b"), NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", "\"open"), NULL, NULL, "\"description\" must be" },
	{ SKILL, FRONT("a", "\"one\\n## two\""), NULL, NULL,
	    "\"description\" must be one line" },
	{ SKILL, FRONT("a", "\"one\\u001b[2J\""), NULL, NULL,
	    "\"description\" must be" },
	{ SKILL, FRONT("a", "\"one\\u0000two\""), NULL, NULL,
	    "\"description\" must be" },
	{ SKILL, FRONT("a", "one\ttwo"), NULL, NULL,
	    "\"description\" must be" },
	{ SKILL, FRONT("a", "\xff"), NULL, NULL, "must be UTF-8" },
	{ SKILL, GOOD "\x1b[2J", NULL, NULL, "without control" },
	{ SKILL, GOOD, "skills/a/run.sh", "x", "only Markdown stands here" },
	{ SKILL, GOOD, "skills/a/o p.md", "x", "only Markdown stands here" },
	{ SKILL, GOOD, "skills/a/o p/x.md", "x", "a directory's name" },
	{ SKILL, GOOD, "skills/a/\"/x.md", "x", "a directory's name" },
	{ SKILL, GOOD, "skills/a/caf\xc3\xa9/x.md", "x", "a directory's name" },
	{ SKILL, GOOD, "skills/a.md", "x", "a skill is skills/<name>" },
	{ SKILL, GOOD, "skills/b/more.md", "x", "a skill is skills/<name>" },
	{ SKILL, GOOD, "workflows/b/c.md", "x", "a skill is skills/<name>" },
	{ SKILL, GOOD, "skills/a/1/2/3/4/5.md", "x", "only Markdown" },
	{ SKILL, GOOD "[b](../b/SKILL.md)", "skills/b/SKILL.md",
	    FRONT("b", "d"), "the link ../b/SKILL.md must lead" },
	{ SKILL, GOOD "[b](references/../../b.md)", NULL, NULL, "must lead" },
	{ SKILL, GOOD "[b](/etc/passwd)", NULL, NULL, "must lead" },
	{ SKILL, GOOD "[b](//x.example/b)", NULL, NULL, "must lead" },
	{ SKILL, GOOD "[b](gone.md)", NULL, NULL, "must lead" },
};

START_TEST(a_page_that_breaks_a_rule_is_refused_by_its_name)
{
	const char *says = cases[_i].says;
	enum hq_rc rc;

	put_file(cases[_i].path, cases[_i].text, strlen(cases[_i].text));
	if (cases[_i].path2 != NULL)
		put_file(cases[_i].path2, cases[_i].text2,
		    strlen(cases[_i].text2));
	rc = read_pages();
	if (says == NULL) {
		ck_hq_ok(rc);
		return;
	}
	ck_assert_msg(rc == HQ_E_BAD_REQUEST, "%d: %s", _i, cases[_i].text);
	ck_assert_msg(strstr(err.msg, says) != NULL, "%s: %s", says, err.msg);
	ck_assert_msg(strstr(err.msg, "plugins/agents/x") == err.msg, "%s",
	    err.msg);
}
END_TEST

START_TEST(a_symbolic_link_is_refused_wherever_it_leads)
{
	static const char *const at[] = { "skills/a/more.md", "skills/b",
		"workflows" };
	static const char *const to[] = { "SKILL.md", "a", "skills" };

	put_file(SKILL, GOOD, strlen(GOOD));
	ck_assert_int_eq(symlink(to[_i], below(at[_i])), 0);
	ck_assert_int_eq(read_pages(), HQ_E_BAD_REQUEST);
	ck_assert_msg(strstr(err.msg, "link") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(a_page_over_its_bound_is_refused)
{
	static char large[HQ_PAGE_BYTES_MAX + 1];

	memset(large, 'x', sizeof(large));
	memcpy(large, GOOD, strlen(GOOD));
	put_file(SKILL, large, sizeof(large));
	ck_assert_int_eq(read_pages(), HQ_E_PAYLOAD_TOO_LARGE);
	put_file(SKILL, large, sizeof(large) - 1);
	ck_hq_ok(read_pages());
}
END_TEST

START_TEST(a_description_over_its_bound_is_refused)
{
	char text[HQ_PAGE_DESCRIPTION_MAX + 64];
	int n;

	n = snprintf(text, sizeof(text),
	    "---\nname: a\ndescription: %0*d\n---\n",
	    HQ_PAGE_DESCRIPTION_MAX + 1 - _i, 1);
	put_file(SKILL, text, (size_t)n);
	ck_assert_int_eq(read_pages(), _i == 0 ? HQ_E_BAD_REQUEST : HQ_OK);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	put_file(SKILL, GOOD "\0x", sizeof(GOOD "\0x") - 1);
	ck_assert_int_eq(read_pages(), HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(pages_come_in_the_order_of_their_paths_and_say_what_they_are)
{
	put_file("workflows/w.md", FRONT("w", "Does w."),
	    strlen(FRONT("w", "Does w.")));
	put_file("skills/b/SKILL.md", FRONT("b", "Does b."),
	    strlen(FRONT("b", "Does b.")));
	put_file(SKILL, GOOD, strlen(GOOD));
	put_file("skills/a/more.md", "more", 4);
	put_file("skills/a/.more.md.swp", "x", 1);
	ck_hq_ok(read_pages());
	ck_assert_str_eq(pages[0].path, SKILL);
	ck_assert_str_eq(pages[0].name, "a");
	ck_assert_str_eq(pages[0].description, "Does a.");
	ck_assert_str_eq(pages[0].text, GOOD);
	ck_assert_str_eq(pages[1].path, "skills/a/more.md");
	ck_assert_ptr_null(pages[1].name);
	ck_assert_str_eq(pages[2].path, "skills/b/SKILL.md");
	ck_assert_str_eq(pages[3].path, "workflows/w.md");
	ck_assert_ptr_null(pages[4].path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pages");
	TCase *t = tcase_create("pages");

	tcase_add_checked_fixture(t, tree_open, tree_close);
	tcase_add_loop_test(t, a_page_that_breaks_a_rule_is_refused_by_its_name,
	    0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(t, a_symbolic_link_is_refused_wherever_it_leads, 0,
	    3);
	tcase_add_test(t, a_page_over_its_bound_is_refused);
	tcase_add_loop_test(t, a_description_over_its_bound_is_refused, 0, 2);
	tcase_add_test(t, a_nul_byte_is_refused);
	tcase_add_test(t,
	    pages_come_in_the_order_of_their_paths_and_say_what_they_are);
	suite_add_tcase(s, t);
	return run_suite(s);
}

#include "coordtest.h"

#include <sys/stat.h>

#include "domain/state/web.h"

static char plugins[96];

static void
put_file(const char *path, const char *text)
{
	char full[256], cmd[600];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s/%s", plugins, path);
	(void)snprintf(cmd, sizeof(cmd), "mkdir -p $(dirname %s)", full);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_ptr_nonnull(f = fopen(full, "w"));
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
put_link(const char *target, const char *path)
{
	char full[256];

	(void)snprintf(full, sizeof(full), "%s/%s", plugins, path);
	ck_assert_int_eq(symlink(target, full), 0);
}

static void
web_open(void)
{
	static const char *const on[] = { "@x/named", "both", "empty", "linked",
		"linkdir", "nodist", "bad" };
	size_t i;

	domain_open();
	(void)snprintf(plugins, sizeof(plugins), "%s/web", tmp_dir);
	config.s[HQ_SET_RAWR_WEB_PLUGINS] = plugins;
	put_file("secret.js", "secret");
	put_file("named/package.json", "{\"name\":\"@x/named\"}");
	put_file("named/dist/web/index.js", "named");
	put_file("both/dist/web.js", "first");
	put_file("both/dist/src/web.js", "second");
	put_file("empty/dist/web.js", "");
	put_file("bad/package.json", "{broken");
	put_file("bad/dist/src/web.js", "bad");
	put_file("nodist/package.json", "{\"name\":\"nodist\"}");
	put_file("off/dist/web.js", "off");
	put_file("linked/dist/readme", "x");
	put_link("../../secret.js", "linked/dist/web.js");
	put_link("both", "linkdir");
	for (i = 0; i < sizeof(on) / sizeof(on[0]); i++)
		ck_hq_ok(hq_state_set(db, &env, arena, on[i], true, &err));
}

static struct hq_http_res res;

static bool
get(const char *method, const char *path)
{
	static const char *const none[] = { NULL };
	struct hq_http_req req = {
		.arena = arena,
		.method = method,
		.path = path,
		.query = "",
		.params = none,
	};

	memset(&res, 0, sizeof(res));
	return hq_web_handle(&boundary, &req, &res);
}

static const struct {
	const char *method, *path;
	int status;
	const char *body;
} rows[] = {
	{ "GET", "/rawr/plugins/web/named", 200, "named" },
	{ "GET", "/rawr/plugins/web/named/", 200, "named" },
	{ "GET", "/rawr/plugins/web/n%61med", 200, "named" },
	{ "HEAD", "/rawr/plugins/web/named", 200, "named" },
	{ "GET", "/rawr/plugins/web/both", 200, "first" },
	{ "GET", "/rawr/plugins/web/empty", 200, "" },
	{ "GET", "/rawr/plugins/web/bad", 200, "bad" },
	{ "GET", "/rawr/plugins/web/off", 404, "not found" },
	{ "GET", "/rawr/plugins/web/nodist", 404, "not found" },
	{ "GET", "/rawr/plugins/web/none", 404, "not found" },
	{ "GET", "/rawr/plugins/web/linked", 404, "not found" },
	{ "GET", "/rawr/plugins/web/linkdir", 404, "not found" },
	{ "GET", "/rawr/plugins/web/Named", 404, "not found" },
	{ "GET", "/rawr/plugins/web/-named", 404, "not found" },
	{ "GET", "/rawr/plugins/web/..", 404, "not found" },
	{ "GET", "/rawr/plugins/web/%2e%2e", 404, "not found" },
	{ "GET", "/rawr/plugins/web/named%2Fdist", 404, "not found" },
	{ "GET", "/rawr/plugins/web/n%2561med", 404, "not found" },
	{ "GET", "/rawr/plugins/web/named%00x", 404, "not found" },
	{ "GET", "/rawr/plugins/web/named%zz", 404, "not found" },
	{ "GET", "/rawr/plugins/web/", 404, "NOT_FOUND" },
	{ "GET", "/rawr/plugins/web/named/x", 404, "NOT_FOUND" },
	{ "POST", "/rawr/plugins/web/named", 404, "NOT_FOUND" },
};

START_TEST(only_the_module_of_an_enabled_plugin_is_served)
{
	ck_assert(get(rows[_i].method, rows[_i].path));
	ck_assert_msg(res.status == rows[_i].status, "%s: %d", rows[_i].path,
	    res.status);
	ck_assert_uint_eq(res.body_bytes, strlen(rows[_i].body));
	ck_assert_mem_eq(res.body, rows[_i].body, res.body_bytes);
}
END_TEST

START_TEST(a_module_is_javascript_and_not_stored)
{
	ck_assert(get("GET", "/rawr/plugins/web/both"));
	ck_assert_uint_eq(res.n_headers, 2);
	ck_assert_str_eq(res.headers[0].value,
	    "text/javascript; charset=utf-8");
	ck_assert_str_eq(res.headers[1].value, "no-store");
}
END_TEST

START_TEST(a_switch_takes_effect_at_once)
{
	ck_hq_ok(hq_state_set(db, &env, arena, "both", false, &err));
	ck_assert(get("GET", "/rawr/plugins/web/both"));
	ck_assert_int_eq(res.status, 404);
}
END_TEST

START_TEST(a_path_elsewhere_is_not_ours)
{
	ck_assert(!get("GET", "/rawr/plugins/web"));
	ck_assert(!get("GET", "/rpc/x"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("web");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, web_open, domain_close);
	tcase_add_loop_test(tc, only_the_module_of_an_enabled_plugin_is_served,
	    0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, a_module_is_javascript_and_not_stored);
	tcase_add_test(tc, a_switch_takes_effect_at_once);
	tcase_add_test(tc, a_path_elsewhere_is_not_ours);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

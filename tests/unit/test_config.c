#include "base/config.h"
#include "hqtest.h"

#define N_ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

/* One setting is set, the others are not. */
static const char *set_name, *set_value;

static const char *
get_one(const char *name)
{
	return set_name != NULL && strcmp(name, set_name) == 0 ? set_value
							       : NULL;
}

static enum hq_rc
load(const char *name, const char *value, struct hq_config *c)
{
	set_name = name;
	set_value = value;
	return hq_config_load(c, get_one, arena, &err);
}

START_TEST(without_settings_all_have_their_defaults)
{
	struct hq_config c;

	ck_hq_ok(load(NULL, NULL, &c));
	ck_assert_int_eq(c.i[HQ_SET_RAWR_PORT], 8080);
	ck_assert_str_eq(c.s[HQ_SET_RAWR_STORE], "./var/rawr.db");
	ck_assert_str_eq(c.s[HQ_SET_RAWR_KEYS], "./var/keys");
	ck_assert_str_eq(c.s[HQ_SET_RAWR_BASE_URL], "http://127.0.0.1:8080");
	ck_assert_str_eq(c.s[HQ_SET_RAWR_ENGINE_URL], "http://127.0.0.1:8080");
	ck_assert_str_eq(c.s[HQ_SET_RAWR_ENGINE], "own");
	ck_assert_str_eq(c.s[HQ_SET_RAWR_INNGEST_URL], "http://127.0.0.1:8288");
}
END_TEST

START_TEST(defaults_follow_what_they_are_derived_from)
{
	struct hq_config c;

	ck_hq_ok(load("RAWR_PORT", "9000", &c));
	ck_assert_str_eq(c.s[HQ_SET_RAWR_ENGINE_URL], "http://127.0.0.1:9000");
	ck_hq_ok(load("RAWR_VAR", "/srv/x", &c));
	ck_assert_str_eq(c.s[HQ_SET_RAWR_STORE], "/srv/x/rawr.db");
	ck_hq_ok(load("RAWR_BASE_URL", "https://h.example/", &c));
	ck_assert_str_eq(c.s[HQ_SET_RAWR_ENGINE_URL], "https://h.example");
}
END_TEST

static const char *
both(const char *name)
{
	if (strcmp(name, "RAWR_ENGINE") == 0)
		return "inngest";
	return get_one(name);
}

START_TEST(an_inngest_server_has_the_trace_links_and_the_apps)
{
	struct hq_config c;

	set_name = "RAWR_INNGEST_URL";
	set_value = "http://inngest:8288/";
	ck_hq_ok(hq_config_load(&c, both, arena, &err));
	ck_assert(hq_config_is_inngest(&c));
	ck_assert_str_eq(c.s[HQ_SET_RAWR_ENGINE_URL], "http://inngest:8288");
	set_name = "RAWR_APPS";
	set_value = "http://a";
	ck_assert_int_eq(hq_config_load(&c, both, arena, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_msg(strncmp(err.msg, "RAWR_APPS: ", 11) == 0, "%s", err.msg);
}
END_TEST

/* Each default, written out, must pass the check of its own row. */
START_TEST(every_default_is_a_valid_value)
{
	const struct hq_setting_row *row = hq_setting_row((enum hq_setting)_i);
	struct hq_config c;

	if (row->dflt[0] != '\0')
		ck_hq_ok(load(row->name, row->dflt, &c));
	ck_assert_int_eq(strncmp(row->name, "RAWR_", 5), 0);
	ck_assert_uint_gt(strlen(row->text), 0);
}
END_TEST

static const struct {
	const char *name, *value, *why; /* why NULL: it is fine */
} rows[] = {
	{ "RAWR_PORT", "1", NULL },
	{ "RAWR_PORT", "65535", NULL },
	{ "RAWR_PORT", "0", "\"0\" is out of bounds (1 to 65535 port)" },
	{ "RAWR_PORT", "65536", "out of bounds" },
	{ "RAWR_PORT", "-1", "out of bounds" },
	{ "RAWR_PORT", "99999999999999999999", "out of bounds" },
	{ "RAWR_PORT", "", "not a whole number" },
	{ "RAWR_PORT", "-", "not a whole number" },
	{ "RAWR_PORT", "80x", "not a whole number" },
	{ "RAWR_PORT", " 80", "not a whole number" },
	{ "RAWR_PORT", "0x50", "not a whole number" },
	{ "RAWR_PORT", "8e3", "not a whole number" },
	{ "RAWR_WAL_MAX", "1099511627776", NULL },
	{ "RAWR_RECYCLE", "0", NULL },
	{ "RAWR_VAR", "", "is empty (path)" },
	{ "RAWR_VAR", "a\nb", "control character" },
	{ "RAWR_BASE_URL", "http://h", NULL },
	{ "RAWR_BASE_URL", "https://h:8/x/", NULL },
	{ "RAWR_BASE_URL", "http://[::1]:80", NULL },
	{ "RAWR_BASE_URL", "", "does not begin" },
	{ "RAWR_BASE_URL", "ftp://h", "does not begin" },
	{ "RAWR_BASE_URL", "http://", "has no host" },
	{ "RAWR_BASE_URL", "http:///x", "has no host" },
	{ "RAWR_BASE_URL", "http://a b", "no place" },
	{ "RAWR_BASE_URL", "http://h/?q", "no place" },
	{ "RAWR_BASE_URL", "http://u:p@h", "no place" },
	{ "RAWR_ENGINE", "inngest", NULL },
	{ "RAWR_ENGINE", "theirs", "is none of these" },
	{ "RAWR_INNGEST_URL", "http://h", NULL },
	{ "RAWR_INNGEST_URL", "", "does not begin" },
	{ "RAWR_HTTP_ALLOW", "", NULL },
	{ "RAWR_HTTP_ALLOW", "http://h:1/x,https://i", NULL },
	{ "RAWR_HTTP_ALLOW", "http://h,", "does not begin" },
	{ "RAWR_HTTP_ALLOW", "http://h,ftp://i", "does not begin" },
	{ "RAWR_HTTP_ALLOW", "http://,http://i", "has no host" },
	{ "RAWR_HTTP_ALLOW", "http://u@h", "no place" },
	{ "RAWR_RUNNER", "off", NULL },
	{ "RAWR_RUNNER", "o", "is none of these (on|off)" },
	{ "RAWR_RUNNER", "", "is none of these" },
	{ "RAWR_RUNNER", "on|off", "is none of these" },
	{ "RAWR_AUTH", "required", NULL },
	{ "RAWR_AUTH", "Open", "is none of these (open|required)" },
	{ "RAWR_LOG_LEVEL", "debug", NULL },
	{ "RAWR_LOG_LEVEL", "loud", "is none of these" },
	{ "RAWR_ENGINE_FROM", "10.0.0.0/8,fe80::/10", NULL },
	{ "RAWR_ENGINE_FROM", "", "is empty" },
	{ "RAWR_ENGINE_FROM", ",", "no address" },
	{ "RAWR_ENGINE_FROM", "::1,", "no address" },
	{ "RAWR_ENGINE_FROM", "::1;x", "no place" },
};

START_TEST(a_setting_is_checked_as_its_row_says)
{
	struct hq_config c = { 0 };
	enum hq_rc rc = load(rows[_i].name, rows[_i].value, &c);

	if (rows[_i].why == NULL) {
		ck_assert_msg(rc == HQ_OK, "%s", err.msg);
		return;
	}
	ck_assert_int_eq(rc, HQ_E_BAD_REQUEST);
	ck_assert_ptr_eq(strstr(err.msg, rows[_i].name), err.msg);
	ck_assert_msg(strstr(err.msg, rows[_i].why) != NULL, "%s", err.msg);
	ck_assert_ptr_null(c.arena);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("settings");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_test(tc, without_settings_all_have_their_defaults);
	tcase_add_test(tc, defaults_follow_what_they_are_derived_from);
	tcase_add_test(tc, an_inngest_server_has_the_trace_links_and_the_apps);
	tcase_add_loop_test(tc, every_default_is_a_valid_value, 0, HQ_SET__MAX);
	tcase_add_loop_test(tc, a_setting_is_checked_as_its_row_says, 0,
	    N_ROWS(rows));
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "hqtest.h"
#include "proto/http/allow.h"

static const struct {
	const char *list, *url;
	bool allowed;
} rows[] = {
	{ "", "http://h/", false },
	{ "http://h", "http://h", true },
	{ "http://h", "http://h/", true },
	{ "http://h", "http://h/a/b?c", true },
	{ "http://h", "http://h?c", true },
	{ "http://h", "http://H/a", true },
	{ "http://h", "HTTP://h/a", true },
	{ "http://h", "http://h:80/a", true },
	{ "https://h:443", "https://h/a", true },
	{ "http://h", "https://h/a", false },
	{ "http://h", "http://h:8080/a", false },
	{ "http://h", "http://h.evil/a", false },
	{ "http://h.x", "http://h/a", false },
	{ "http://h", "http://h@evil/a", false },
	{ "http://h", "http://u:p@h/a", false },
	{ "http://h", "http://h\\@evil/a", false },
	{ "http://h", "http://h#@evil/", false },
	{ "http://h", "http://h/a#b", false },
	{ "http://h", "http://h/a b", false },
	{ "http://h", "http://h/\xc3\xa4", false },
	{ "http://h", "ftp://h/", false },
	{ "http://h", "//h/", false },
	{ "http://h", "http:///", false },
	{ "http://h", "http://h:/", false },
	{ "http://h", "http://h:0/", false },
	{ "http://h", "http://h:65536/", false },
	{ "http://h", "http://h:080/", true },
	{ "http://h/a", "http://h/a", true },
	{ "http://h/a", "http://h/a/", true },
	{ "http://h/a", "http://h/a/b", true },
	{ "http://h/a", "http://h/a?b", true },
	{ "http://h/a", "http://h/ab", false },
	{ "http://h/a", "http://h/A", false },
	{ "http://h/a", "http://h/", false },
	{ "http://h/a", "http://h", false },
	{ "http://h/a/", "http://h/a/b", true },
	{ "http://h/a/", "http://h/a", false },
	{ "http://h/a", "http://h/a/../b", false },
	{ "http://h/a", "http://h/a/%2e%2E/b", false },
	{ "http://h/a", "http://h/a/.%2e", false },
	{ "http://h/a", "http://h/a/./b", false },
	{ "http://h/a", "http://h/a/..b", true },
	{ "http://h/a", "http://h/a?x=../..", true },
	{ "http://i,http://h/a", "http://h/a", true },
	{ "http://i,http://h/a", "http://h/b", false },
	{ "http://[::1]:9", "http://[::1]:9/x", true },
	{ "http://[::1]:9", "http://[::1%25eth0]:9/x", false },
	{ "http://127.0.0.1", "http://2130706433/", false },
};

START_TEST(only_what_an_entry_leads_to_is_allowed)
{
	ck_assert_int_eq(hq_url_allowed(rows[_i].list, rows[_i].url),
	    rows[_i].allowed);
}
END_TEST

START_TEST(an_endless_url_is_not_plain)
{
	char url[HQ_ALLOW_URL_BYTES_MAX + 2];

	memset(url, 'a', sizeof(url));
	memcpy(url, "http://h/", 9);
	url[sizeof(url) - 1] = '\0';
	ck_assert(!hq_url_plain(url));
	url[sizeof(url) - 2] = '\0';
	ck_assert(hq_url_plain(url));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("allow");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, only_what_an_entry_leads_to_is_allowed, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, an_endless_url_is_not_plain);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

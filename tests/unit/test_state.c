#include "coordtest.h"

static const char *
state(void)
{
	return call(hq_state_get_runtime_state, json("{}"));
}

static bool
enabled(const char *name, const char *dir, bool by_default)
{
	struct hq_state_plugin p = { name, dir, by_default };
	bool got;

	ck_hq_ok(hq_state_is_enabled(db, arena, &p, &got, &err));
	return got;
}

START_TEST(an_empty_store_enables_nobody_as_of_now)
{
	ck_assert_str_eq(state(),
	    "{\"state\":{\"version\":1,\"plugins\":{\"enabled\":[],"
	    "\"lastUpdatedAt\":\"2026-11-23T11:09:01.657Z\"}}}");
}
END_TEST

START_TEST(a_switched_plugin_stands_in_one_list)
{
	ck_hq_ok(hq_state_set(db, &env, arena, "a", true, &err));
	ck_hq_ok(hq_state_set(db, &env, arena, "b", true, &err));
	ck_hq_ok(hq_state_set(db, &env, arena, "a", false, &err));
	ck_assert_str_eq(state(),
	    "{\"state\":{\"version\":1,\"plugins\":{\"enabled\":[\"b\"],"
	    "\"disabled\":[\"a\"],"
	    "\"lastUpdatedAt\":\"2026-11-23T11:09:01.657Z\"}}}");
	ck_hq_ok(hq_state_set(db, &env, arena, "a", true, &err));
	ck_assert_ptr_nonnull(
	    strstr(state(), "\"enabled\":[\"b\",\"a\"],\"disabled\":[]"));
}
END_TEST

START_TEST(a_switch_that_changes_nothing_keeps_the_date)
{
	const char *before;

	ck_hq_ok(hq_state_set(db, &env, arena, "a", true, &err));
	before = state();
	fake.now_ms += 1000;
	ck_hq_ok(hq_state_set(db, &env, arena, "a", true, &err));
	ck_assert_str_eq(state(), before);
}
END_TEST

START_TEST(a_plugin_without_a_name_cannot_be_switched)
{
	ck_assert_int_eq(hq_state_set(db, &env, arena, "", true, &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(an_unnamed_plugin_is_as_its_kind_is_by_default)
{
	ck_assert(enabled("x", "x", true));
	ck_assert(!enabled("x", "x", false));
}
END_TEST

START_TEST(a_plugin_is_named_by_package_or_by_directory)
{
	ck_hq_ok(hq_state_set(db, &env, arena, "@a/on", true, &err));
	ck_hq_ok(hq_state_set(db, &env, arena, "off", false, &err));
	ck_assert(enabled("@a/on", "x", false));
	ck_assert(enabled(NULL, "@a/on", false));
	ck_assert(!enabled("@a/y", "off", true));
	ck_assert(!enabled("off", "y", true));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, domain_open, domain_close);
	tcase_add_test(tc, an_empty_store_enables_nobody_as_of_now);
	tcase_add_test(tc, a_switched_plugin_stands_in_one_list);
	tcase_add_test(tc, a_switch_that_changes_nothing_keeps_the_date);
	tcase_add_test(tc, a_plugin_without_a_name_cannot_be_switched);
	tcase_add_test(tc, an_unnamed_plugin_is_as_its_kind_is_by_default);
	tcase_add_test(tc, a_plugin_is_named_by_package_or_by_directory);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

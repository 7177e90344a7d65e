#include "hqtest.h"

#include "engine/duration.h"

static const struct {
	const char *text;
	bool ok;
	int64_t ms;
} rows[] = {
	{ "2s", true, 2000 },
	{ "1d1h1m1s", true, 90061000 },
	{ "90m", true, 5400000 },
	{ "500ms", true, 500 },
	{ "1w", true, 604800000 },
	{ "1.5h", true, 5400000 },
	{ "0s", true, 0 },
	{ "100000h", true, 360000000000 },
	{ "3652500d", true, 315576000000000 },
	{ "3652500d1ms", false, 0 },
	{ "", false, 0 },
	{ "5", false, 0 },
	{ "h", false, 0 },
	{ "-1s", false, 0 },
	{ "1s ", false, 0 },
	{ "1.s", false, 0 },
	{ "99999999999999999999w", false, 0 },
};

START_TEST(a_duration_is_numbers_with_units)
{
	int64_t ms = 0;

	ck_assert_int_eq(hq_duration_ms(rows[_i].text, &ms), rows[_i].ok);
	ck_assert_int_eq(ms, rows[_i].ms);
}
END_TEST

START_TEST(a_time_may_be_a_date)
{
	int64_t due;

	ck_assert(hq_when_ms("2030-01-01T00:00:00.000Z", 5, &due));
	ck_assert_int_eq(due, INT64_C(1893456000000));
	ck_assert(hq_when_ms("2s", 5, &due));
	ck_assert_int_eq(due, 2005);
	ck_assert(!hq_when_ms("tomorrow", 5, &due));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("duration");
	TCase *t = tcase_create("duration");

	tcase_add_loop_test(t, a_duration_is_numbers_with_units, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, a_time_may_be_a_date);
	suite_add_tcase(s, t);
	return run_suite(s);
}

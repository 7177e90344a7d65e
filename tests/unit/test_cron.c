#include "hqtest.h"

#include "base/ids.h"
#include "engine/cron.h"

static const struct {
	const char *cron, *after, *next;
} ticks[] = {
	{ "* * * * *", "2026-11-23T10:50:00.000Z", "2026-11-23T10:51:00.000Z" },
	{ "*/5 * * * *", "2026-11-23T10:53:37.000Z",
	    "2026-11-23T10:55:00.000Z" },
	{ "0 0 * * *", "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z" },
	{ "@daily", "2026-11-23T10:53:37.000Z", "2026-11-24T00:00:00.000Z" },
	{ "@hourly", "2026-11-23T10:53:37.000Z", "2026-11-23T11:00:00.000Z" },
	{ "@yearly", "2026-11-23T10:53:37.000Z", "2027-01-01T00:00:00.000Z" },
	{ "0 9 * * MON", "2026-11-23T10:00:00.000Z",
	    "2026-11-30T09:00:00.000Z" },
	{ "0 0 29 2 *", "2026-11-23T10:00:00.000Z",
	    "2028-02-29T00:00:00.000Z" },
	{ "0 0 13 * 5", "2026-11-23T10:00:00.000Z",
	    "2026-11-27T00:00:00.000Z" },
	{ "15,45 8-10/2 * JAN ?", "2026-11-23T10:00:00.000Z",
	    "2027-01-01T08:15:00.000Z" },
	{ "TZ=Europe/Paris 0 9 * * 1", "2026-11-23T10:00:00.000Z",
	    "2026-11-30T08:00:00.000Z" },
	{ "CRON_TZ=Europe/Paris 0 9 * * *", "2026-07-01T10:00:00.000Z",
	    "2026-07-02T07:00:00.000Z" },
	/* the clocks skip 02:00 to 03:00 on 29 March 2026 */
	{ "TZ=Europe/Paris 30 2 * * *", "2026-03-28T12:00:00.000Z",
	    "2026-03-30T00:30:00.000Z" },
	{ "TZ=Europe/Paris 0 3 * * *", "2026-03-28T12:00:00.000Z",
	    "2026-03-29T01:00:00.000Z" },
	/* and show 02:00 to 03:00 twice on 25 October 2026 */
	{ "TZ=Europe/Paris 30 2 * * *", "2026-10-24T12:00:00.000Z",
	    "2026-10-25T00:30:00.000Z" },
	{ "TZ=Europe/Paris 30 2 * * *", "2026-10-25T00:30:00.000Z",
	    "2026-10-26T01:30:00.000Z" },
	{ "TZ=Europe/Paris 30 * * * *", "2026-10-25T00:30:00.000Z",
	    "2026-10-25T01:30:00.000Z" },
};

START_TEST(the_next_tick_is_the_first_matching_minute)
{
	char iso[HQ_ISO_BYTES];
	struct hq_cron c;
	int64_t after;

	ck_assert(hq_iso_to_ms(ticks[_i].after, &after));
	ck_hq_ok(hq_cron_parse(ticks[_i].cron, &c, &err));
	hq_iso_from_ms(hq_cron_next(&c, after), iso);
	ck_assert_str_eq(iso, ticks[_i].next);
}
END_TEST

START_TEST(a_day_that_never_comes_has_no_tick)
{
	struct hq_cron c;

	ck_hq_ok(hq_cron_parse("0 0 30 2 *", &c, &err));
	ck_assert_int_eq(hq_cron_next(&c, 0), INT64_MAX);
}
END_TEST

START_TEST(the_zone_of_the_process_is_left_alone)
{
	struct hq_cron c;

	ck_assert_int_eq(setenv("TZ", "Asia/Tokyo", 1), 0);
	ck_hq_ok(hq_cron_parse("TZ=Europe/Paris 0 9 * * *", &c, &err));
	(void)hq_cron_next(&c, 0);
	ck_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
}
END_TEST

static const char *const bad[] = { "", "* * * *", "* * * * * *", "60 * * * *",
	"* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "*/0 * * * *",
	"5-1 * * * *", "a * * * *", "1, * * * *", "*x * * * *",
	"TZ=Mars/Base 0 9 * * *", "TZ=../etc/passwd 0 9 * * *", "@never",
	"TZ= * * * * *" };

START_TEST(a_bad_cron_is_refused)
{
	struct hq_cron c;

	ck_assert_int_eq(hq_cron_parse(bad[_i], &c, &err), HQ_E_BAD_REQUEST);
}
END_TEST

#define ROWS(v) (int)(sizeof(v) / sizeof((v)[0]))

int
main(void)
{
	Suite *s = suite_create("cron");
	TCase *t = tcase_create("cron");

	tcase_add_loop_test(t, the_next_tick_is_the_first_matching_minute, 0,
	    ROWS(ticks));
	tcase_add_test(t, a_day_that_never_comes_has_no_tick);
	tcase_add_test(t, the_zone_of_the_process_is_left_alone);
	tcase_add_loop_test(t, a_bad_cron_is_refused, 0, ROWS(bad));
	suite_add_tcase(s, t);
	return run_suite(s);
}

/* What an Inngest server's answer to events means. */
#include "hqtest.h"

#include "proto/inngest/deliver.h"

static const struct {
	int status;
	const char *body;
	int what;
	const char *why;
} answers[] = {
	{ 200, "{\"ids\":[\"1\",\"2\"],\"status\":200}", HQ_DELIVERED, "" },
	{ 200, "{\"ids\":[\"1\",\"2\"]}", HQ_DELIVERED, "" },
	{ 200, "{\"ids\":[\"1\"],\"status\":200}", HQ_DELIVERY_FAILED,
	    "it answers 200: and not with an id for each event" },
	{ 200, "{\"ids\":[\"1\",\"2\"],\"status\":200,\"error\":\"e\"}",
	    HQ_DELIVERY_FAILED, "it answers 200: e" },
	{ 200, "{\"ids\":[],\"status\":400,\"error\":\"bad\"}",
	    HQ_DELIVERY_REFUSED, "it answers 400: bad" },
	{ 200, "[]", HQ_DELIVERY_FAILED, "it answers 200" },
	{ 200, "", HQ_DELIVERY_FAILED, "it answers 200" },
	{ 204, "", HQ_DELIVERY_FAILED, "it answers 204" },
	{ 301, "", HQ_DELIVERY_FAILED, "it answers 301" },
	{ 400, "{\"ids\":[\"\"],\"status\":400,\"error\":\"bad\"}",
	    HQ_DELIVERY_REFUSED, "it answers 400: bad" },
	{ 400, "<html>", HQ_DELIVERY_FAILED, "it answers 400" },
	{ 400, "{}", HQ_DELIVERY_FAILED, "it answers 400" },
	{ 401, "{\"status\":401,\"error\":\"Event key not found\"}",
	    HQ_DELIVERY_FAILED,
	    "it does not accept the event key, inngest.key (401: Event key "
	    "not found)" },
	{ 403, "", HQ_DELIVERY_FAILED,
	    "it does not accept the event key, inngest.key (403)" },
	{ 404, "404 page not found", HQ_DELIVERY_FAILED, "it answers 404" },
	{ 413, "<html>", HQ_DELIVERY_REFUSED, "it answers 413" },
	{ 429, "{\"error\":\"slow\\n\\u0007down\"}", HQ_DELIVERY_FAILED,
	    "it answers 429: slow??down" },
	{ 500, "{\"error\":7}", HQ_DELIVERY_FAILED, "it answers 500" },
};

START_TEST(an_answer_means_one_thing)
{
	struct hq_delivery_answer in = { .status = answers[_i].status,
		.body = answers[_i].body,
		.body_bytes = strlen(answers[_i].body),
		.events = 2 };
	struct hq_delivery got;

	hq_deliver_answer(&in, arena, &got);
	ck_assert_int_eq((int)got.what, answers[_i].what);
	ck_assert_str_eq(got.why, answers[_i].why);
}
END_TEST

START_TEST(the_server_s_words_are_cut)
{
	struct hq_delivery_answer in = { .status = 500, .events = 1 };
	struct hq_delivery got;
	char text[5000];

	memset(text, 'x', sizeof(text));
	memcpy(text, "{\"error\":\"", 10);
	memcpy(text + sizeof(text) - 2, "\"}", 2);
	in.body = text;
	in.body_bytes = sizeof(text);
	hq_deliver_answer(&in, arena, &got);
	ck_assert_uint_lt(strlen(got.why), HQ_DELIVER_WHY_BYTES_MAX + 40);
}
END_TEST

START_TEST(a_seed_is_a_time_and_ten_bytes)
{
	char one[HQ_DELIVER_SEED_BYTES], other[HQ_DELIVER_SEED_BYTES];

	hq_deliver_seed(hq_env_system(), one);
	hq_deliver_seed(hq_env_system(), other);
	ck_assert_uint_eq(strspn(one, "0123456789"), 13);
	ck_assert_uint_eq(strlen(one), 13 + 1 + 16);
	ck_assert_str_ne(one + 13, other + 13);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("deliver");
	TCase *t = tcase_create("deliver");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, an_answer_means_one_thing, 0,
	    (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(t, the_server_s_words_are_cut);
	tcase_add_test(t, a_seed_is_a_time_and_ten_bytes);
	suite_add_tcase(s, t);
	return run_suite(s);
}

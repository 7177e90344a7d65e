/* The function of docs/functions.md, compiled and run. */
#include "docs/examples/digest.c"
#include "flowtest.h"

/* What an engine would record of an op, as the memo of its step. */
static void
record(struct json_object *memo, struct json_object *op, const char **target)
{
	const char *what = hq_json_str(op, "op");
	struct json_object *v = NULL;

	*target = NULL;
	if (strcmp(what, "StepPlanned") == 0) {
		*target = hq_json_str(op, "id");
		return;
	}
	if (strcmp(what, "StepRun") == 0) {
		v = json_object_new_object();
		hq_json_put(v, "data",
		    json_object_get(hq_json_get(op, "data")));
	}
	hq_json_put(memo, hq_json_str(op, "id"), v);
}

/* Call by call to the end; the ops that came, in short. */
static const char *
drive(const char *event)
{
	struct json_object *memo = json("{}"), *op;
	struct hq_buf ops;

	hq_buf_init(&ops, arena);
	given.runtime.event = json(event);
	for (;;) {
		given.steps = memo;
		hq_flow_exec(digest.run, &given, &answer);
		if (answer.what != HQ_EXEC_OPS)
			return hq_buf_str(&ops);
		ck_assert_uint_eq(json_object_array_length(answer.value), 1);
		op = json_object_array_get_idx(answer.value, 0);
		hq_buf_printf(&ops, "%s %s; ", hq_json_str(op, "op"),
		    hq_json_str(op, "displayName"));
		if (strcmp(hq_json_str(op, "op"), "StepFailed") == 0)
			return hq_buf_str(&ops);
		record(memo, op, &given.target);
	}
}

START_TEST(the_example_runs_its_steps_in_order)
{
	const char *ops = drive("{\"name\":\"project/changed\","
				"\"data\":{\"project\":\"p\",\"changes\":3}}");

	ck_assert_str_eq(ops,
	    "StepRun load-changes; Sleep cool-off; StepPlanned send-mail; "
	    "StepRun send-mail; ");
	ck_assert_int_eq(answer.what, HQ_EXEC_DONE);
	ck_value("{\"project\":\"p\",\"messageId\":"
		 "\"01RUN/efac1dd0c127ef59e980f018cb4bca39fe488691\"}");
}
END_TEST

START_TEST(the_example_fails_for_good_without_changes)
{
	const char *ops = drive("{\"name\":\"project/changed\","
				"\"data\":{\"project\":\"p\",\"changes\":0}}");

	ck_assert_str_eq(ops,
	    "StepRun load-changes; Sleep cool-off; StepPlanned send-mail; "
	    "StepFailed send-mail; ");
	ck_assert(answer.no_retry);
}
END_TEST

START_TEST(the_example_is_started_by_its_event)
{
	ck_assert_str_eq(digest.triggers[0].event, "project/changed");
	ck_assert_ptr_null(digest.triggers[1].event);
}
END_TEST

/* The page shows the file as it is. */
static char *
whole(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = hq_arena_alloc(arena, 1 << 20, 1);
	size_t n;

	ck_assert_msg(f != NULL, "%s", path);
	n = fread(text, 1, (1 << 20) - 1, f);
	ck_assert_int_eq(fclose(f), 0);
	text[n] = '\0';
	return text;
}

START_TEST(the_page_shows_the_example_as_it_is)
{
	ck_assert_ptr_nonnull(strstr(whole("docs/functions.md"),
	    whole("docs/examples/digest.c")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("docs_example");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, arena_close);
	tcase_add_test(tc, the_example_runs_its_steps_in_order);
	tcase_add_test(tc, the_example_fails_for_good_without_changes);
	tcase_add_test(tc, the_example_is_started_by_its_event);
	tcase_add_test(tc, the_page_shows_the_example_as_it_is);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

#include "hqtest.h"

#include "proto/orpc/envelope.h"

static struct json_object *
parse(const char *text)
{
	struct json_object *v;

	ck_hq_ok(hq_json_parse(arena, text, strlen(text), &v, &err));
	return v;
}

static const char *
written(struct json_object *v)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	ck_hq_ok(hq_envelope_write(arena, v, &b, &err));
	return hq_buf_str(&b);
}

/* Decode and write again; the message if it cannot be decoded. */
static const char *
round_trip(const char *text)
{
	struct json_object *v;

	if (hq_envelope_decode(arena, parse(text), &v, &err) != HQ_OK)
		return err.msg;
	return written(v);
}

struct row {
	const char *body, *result;
};

static void
check_rows(const struct row *row)
{
	const char *got;

	for (; row->body != NULL; row++) {
		got = round_trip(row->body);
		ck_assert_msg(strcmp(got, row->result) == 0,
		    "%s gives %s, not %s", row->body, got, row->result);
	}
}

/* Each one is refused. */
static void
check_malformed(const char *const *body)
{
	const char *got;

	for (; *body != NULL; body++) {
		got = round_trip(*body);
		ck_assert_msg(strcmp(got, hq_envelope_malformed) == 0,
		    "%s gives %s", *body, got);
	}
}

START_TEST(every_type_survives_a_round_trip)
{
	/* Captured from @orpc/client 1.16.1. */
	static const char all[] =
	    "{\"json\":{\"big\":\"12345678901234567890\","
	    "\"date\":\"1970-01-01T00:00:00.000Z\",\"bad\":null,\"nan\":null,"
	    "\"inf\":null,\"arr\":[1,null,3],\"url\":\"https://e.com/a?b=1\","
	    "\"re\":\"/a\\\\/b/gi\",\"set\":[1,\"1970-01-01T00:00:00.000Z\"],"
	    "\"map\":[[\"k\",\"1\"],[{\"o\":1},\"v\"]],"
	    "\"nested\":{\"d\":{\"e\":\"1970-01-01T00:00:00.001Z\"}}},"
	    "\"meta\":[[0,\"big\"],[1,\"date\"],[1,\"bad\"],[2,\"nan\"],"
	    "[3,\"arr\",1],[4,\"url\"],[5,\"re\"],[1,\"set\",1],[6,\"set\"],"
	    "[0,\"map\",0,1],[7,\"map\"],[1,\"nested\",\"d\",\"e\"]]}";

	ck_assert_str_eq(round_trip(all), all);
}
END_TEST

START_TEST(a_body_without_json_is_undefined)
{
	check_rows((const struct row[]){
	    { "{}", "{}" },
	    { "[1]", "{}" },
	    { "\"json\"", "{}" },
	    { "5", "{}" },
	    { "{\"meta\":[[99]]}", "{}" },
	    { "{\"json\":null}", "{\"json\":null}" },
	    { "{\"json\":1,\"more\":2,\"meta\":null}", "{\"json\":1}" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_broken_envelope_is_malformed)
{
	check_malformed((const char *const[]){ "null",
	    "{\"json\":1,\"meta\":5}", "{\"json\":1,\"meta\":{}}",
	    "{\"json\":1,\"meta\":false}", "{\"json\":1,\"meta\":[null]}",
	    "{\"meta\":[[1]]}", "{\"meta\":[[1,\"a\"]]}", NULL });
}
END_TEST

START_TEST(unknown_types_are_skipped)
{
	check_rows((const struct row[]){
	    { "{\"json\":1,\"meta\":[[8],[-1],[0.5],[\"0\"],[true],[]]}",
		"{\"json\":1}" },
	    { "{\"json\":1,\"meta\":[5,\"x\",true,{}]}", "{\"json\":1}" },
	    { "{\"json\":1,\"meta\":\"abc\"}", "{\"json\":1}" },
	    { "{\"json\":1,\"meta\":[[42,\"no\",\"such\"]]}", "{\"json\":1}" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_path_takes_own_keys_only)
{
	check_malformed(
	    (const char *const[]){ "{\"json\":{},\"meta\":[[3,\"a\"]]}",
		"{\"json\":{},\"meta\":[[3,\"__proto__\"]]}",
		"{\"json\":{\"a\":1},\"meta\":[[3,\"a\",\"b\"]]}",
		"{\"json\":[null],\"meta\":[[3,1]]}",
		"{\"json\":[null],\"meta\":[[3,\"00\"]]}",
		"{\"json\":[null],\"meta\":[[3,-1]]}",
		"{\"json\":[null],\"meta\":[[3,\"length\"]]}",
		"{\"json\":[null],\"meta\":[[3,\"18446744073709551616\"]]}",
		"{\"json\":\"ab\",\"meta\":[[1,0]]}",
		"{\"json\":[[null]],\"meta\":[[6,0],[3,0,0]]}",
		"{\"json\":null,\"meta\":[[3],[3]]}", NULL });
	check_rows((const struct row[]){
	    { "{\"json\":{\"1\":null},\"meta\":[[2,1]]}",
		"{\"json\":{\"1\":null},\"meta\":[[2,\"1\"]]}" },
	    { "{\"json\":[null],\"meta\":[[2,\"0\"]]}",
		"{\"json\":[null],\"meta\":[[2,0]]}" },
	    { "{\"json\":{\"\":null},\"meta\":[[2,\"\"]]}",
		"{\"json\":{\"\":null},\"meta\":[[2,\"\"]]}" },
	    { "{\"json\":{\"null\":null},\"meta\":[[2,null]]}",
		"{\"json\":{\"null\":null},\"meta\":[[2,\"null\"]]}" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_type_takes_its_own_form_only)
{
	check_malformed((const char *const[]){ "{\"json\":5,\"meta\":[[0]]}",
	    "{\"json\":\"\",\"meta\":[[0]]}",
	    "{\"json\":\"0x1\",\"meta\":[[0]]}",
	    "{\"json\":\"007\",\"meta\":[[0]]}",
	    "{\"json\":\"1n\",\"meta\":[[0]]}",
	    "{\"json\":\"-\",\"meta\":[[0]]}", "{\"json\":5,\"meta\":[[1]]}",
	    "{\"json\":1,\"meta\":[[2]]}", "{\"json\":0,\"meta\":[[3]]}",
	    "{\"json\":\"/a\",\"meta\":[[4]]}",
	    "{\"json\":\"http://\",\"meta\":[[4]]}",
	    "{\"json\":\"http://a b/\",\"meta\":[[4]]}",
	    "{\"json\":\"http://a:99999/\",\"meta\":[[4]]}",
	    "{\"json\":\"x1\",\"meta\":[[5]]}",
	    "{\"json\":\"/a/gg\",\"meta\":[[5]]}",
	    "{\"json\":\"/a/uv\",\"meta\":[[5]]}",
	    "{\"json\":\"/a/x\",\"meta\":[[5]]}",
	    "{\"json\":\"/\",\"meta\":[[5]]}",
	    "{\"json\":\"/a\\nb/\",\"meta\":[[5]]}",
	    "{\"json\":{},\"meta\":[[6]]}", "{\"json\":{},\"meta\":[[7]]}",
	    "{\"json\":[1],\"meta\":[[7]]}", NULL });
}
END_TEST

START_TEST(a_bigint_has_at_most_4300_digits)
{
	char *digits = hq_arena_alloc(arena, 4302, 1);

	memset(digits, '7', 4300);
	ck_assert_str_ne(round_trip(hq_arena_printf(arena,
			     "{\"json\":\"-%s\",\"meta\":[[0]]}", digits)),
	    hq_envelope_malformed);
	digits[4300] = '7';
	ck_assert_str_eq(round_trip(hq_arena_printf(arena,
			     "{\"json\":\"%s\",\"meta\":[[0]]}", digits)),
	    hq_envelope_malformed);
}
END_TEST

static const char *
date(const char *text)
{
	return round_trip(
	    hq_arena_printf(arena, "{\"json\":\"%s\",\"meta\":[[1]]}", text));
}

START_TEST(dates_are_read_as_by_javascript)
{
	static const struct row rows[] = {
		{ "2026", "2026-01-01T00:00:00.000Z" },
		{ "2026-02", "2026-02-01T00:00:00.000Z" },
		{ "2024-02-29", "2024-02-29T00:00:00.000Z" },
		{ "2026-02-31", "2026-03-03T00:00:00.000Z" },
		{ "2026-01-01T10:00Z", "2026-01-01T10:00:00.000Z" },
		{ "2026-01-01T10:00:01.23456Z", "2026-01-01T10:00:01.234Z" },
		{ "2026-01-01T10:00:00+02:30", "2026-01-01T07:30:00.000Z" },
		{ "2026-01-01T23:59:00-00:01", "2026-01-02T00:00:00.000Z" },
		{ "2026-12-31T24:00Z", "2027-01-01T00:00:00.000Z" },
		{ "-000001-01-01T00:00:00Z", "-000001-01-01T00:00:00.000Z" },
		{ "+012345-06-07T08:09:10.011Z",
		    "+012345-06-07T08:09:10.011Z" },
		{ "+275760-09-13T00:00:00.000Z",
		    "+275760-09-13T00:00:00.000Z" },
		{ "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z" },
		{ 0 },
	};
	const struct row *row;

	for (row = rows; row->body != NULL; row++)
		ck_assert_str_eq(date(row->body),
		    hq_arena_printf(arena, "{\"json\":\"%s\",\"meta\":[[1]]}",
			row->result));
}
END_TEST

START_TEST(a_text_that_is_no_date_is_an_invalid_date)
{
	static const char *const rows[] = { "", "x", "2026-13", "2026-00-01",
		"2026-01-32", "2026-01-01T25:00Z", "2026-01-01T24:01Z",
		"2026-01-01T10:60Z", "2026-01-01T10:00:60Z",
		"2026-01-01T10:00:00.Z", "2026-01-01T10:00:00+24:00",
		"-000000-01-01", "+275760-09-13T00:00:00.001Z", NULL };
	size_t i;

	for (i = 0; rows[i] != NULL; i++)
		ck_assert_str_eq(date(rows[i]),
		    "{\"json\":null,\"meta\":[[1]]}");
}
END_TEST

START_TEST(a_url_is_normalised)
{
	check_rows((const struct row[]){
	    { "{\"json\":\" HTTP://User@EXAMPLE.com:80\",\"meta\":[[4]]}",
		"{\"json\":\"http://User@example.com/\",\"meta\":[[4]]}" },
	    { "{\"json\":\"https:e.com\\\\a/./b/../c d?q='x'#f\","
	      "\"meta\":[[4]]}",
		"{\"json\":\"https://e.com/a/c%20d?q=%27x%27#f\","
		"\"meta\":[[4]]}" },
	    { "{\"json\":\"mailto:a@b\",\"meta\":[[4]]}",
		"{\"json\":\"mailto:a@b\",\"meta\":[[4]]}" },
	    { "{\"json\":\"file:///a/../..\",\"meta\":[[4]]}",
		"{\"json\":\"file:///\",\"meta\":[[4]]}" },
	    { "{\"json\":\"http://u:@h/\",\"meta\":[[4]]}",
		"{\"json\":\"http://u@h/\",\"meta\":[[4]]}" },
	    { "{\"json\":\"http://:@h/\",\"meta\":[[4]]}",
		"{\"json\":\"http://h/\",\"meta\":[[4]]}" },
	    { "{\"json\":\"http://a@b:c:d@h/\",\"meta\":[[4]]}",
		"{\"json\":\"http://a%40b:c%3Ad@h/\",\"meta\":[[4]]}" },
	    { "{\"json\":\"x://H\xc3\xa9:80\",\"meta\":[[4]]}",
		"{\"json\":\"x://H%C3%A9:80\",\"meta\":[[4]]}" },
	    { "{\"json\":\"x:/.//h\",\"meta\":[[4]]}",
		"{\"json\":\"x:/.//h\",\"meta\":[[4]]}" },
	    { "{\"json\":\"x:a \xc3\xa9\",\"meta\":[[4]]}",
		"{\"json\":\"x:a %C3%A9\",\"meta\":[[4]]}" },
	    { "{\"json\":\"http://[::1]:8080/%2e%2E/x\",\"meta\":[[4]]}",
		"{\"json\":\"http://[::1]:8080/x\",\"meta\":[[4]]}" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_url_with_a_user_or_port_has_a_host)
{
	check_malformed((const char *const[]){
	    "{\"json\":\"x://u@\",\"meta\":[[4]]}",
	    "{\"json\":\"x://:80\",\"meta\":[[4]]}",
	    "{\"json\":\"x://@/a\",\"meta\":[[4]]}",
	    NULL,
	});
}
END_TEST

START_TEST(a_regexp_is_written_as_javascript_shows_it)
{
	check_rows((const struct row[]){
	    { "{\"json\":\"//g\",\"meta\":[[5]]}",
		"{\"json\":\"/(?:)/g\",\"meta\":[[5]]}" },
	    { "{\"json\":\"/a/b/\",\"meta\":[[5]]}",
		"{\"json\":\"/a\\\\/b/\",\"meta\":[[5]]}" },
	    { "{\"json\":\"/[/]\\\\//\",\"meta\":[[5]]}",
		"{\"json\":\"/[/]\\\\//\",\"meta\":[[5]]}" },
	    { "{\"json\":\"/\\\\[/]/\",\"meta\":[[5]]}",
		"{\"json\":\"/\\\\[\\\\/]/\",\"meta\":[[5]]}" },
	    { 0 },
	});
}
END_TEST

START_TEST(any_object_may_be_an_entry_of_a_map)
{
	check_rows((const struct row[]){
	    { "{\"json\":[[1,2]],\"meta\":[[6,0],[7]]}",
		"{\"json\":[[null,null]],\"meta\":[[3,0,0],[3,0,1],[7]]}" },
	    { "{\"json\":[null],\"meta\":[[1,0],[7]]}",
		"{\"json\":[[null,null]],\"meta\":[[3,0,0],[3,0,1],[7]]}" },
	    { "{\"json\":[\"1\"],\"meta\":[[0,0],[7]]}",
		hq_envelope_malformed },
	    { 0 },
	});
}
END_TEST

START_TEST(sets_and_maps_keep_no_duplicates)
{
	check_rows((const struct row[]){
	    { "{\"json\":[1,\"1\",1.0,\"1\",null,null,true,{},{}],"
	      "\"meta\":[[6]]}",
		"{\"json\":[1,\"1\",null,true,{},{}],\"meta\":[[6]]}" },
	    { "{\"json\":[[\"a\",1],[\"b\",2],[\"a\",3]],\"meta\":[[7]]}",
		"{\"json\":[[\"a\",3],[\"b\",2]],\"meta\":[[7]]}" },
	    { "{\"json\":[[],[\"b\"],{\"0\":\"c\",\"1\":4}],\"meta\":[[7]]}",
		"{\"json\":[[null,null],[\"b\",null],[\"c\",4]],"
		"\"meta\":[[3,0,0],[3,0,1],[3,1,1],[7]]}" },
	    { 0 },
	});
}
END_TEST

START_TEST(meta_follows_the_order_of_javascript_keys)
{
	struct json_object *o = json_object_new_object();

	ck_hq_ok(hq_json_own(arena, o, &err));
	hq_json_put(o, "b",
	    hq_js_tag(json_object_new_string("1"), HQ_JS_BIGINT));
	hq_json_put(o, "10",
	    hq_js_tag(json_object_new_string("2"), HQ_JS_BIGINT));
	hq_json_put(o, "gone", hq_js_undefined());
	hq_json_put(o, "9",
	    hq_js_tag(json_object_new_string("3"), HQ_JS_BIGINT));
	ck_assert_str_eq(written(o),
	    "{\"json\":{\"9\":\"3\",\"10\":\"2\",\"b\":\"1\"},"
	    "\"meta\":[[0,\"9\"],[0,\"10\"],[0,\"b\"]]}");
}
END_TEST

START_TEST(undefined_is_an_empty_envelope)
{
	struct json_object *v = hq_js_undefined();

	ck_hq_ok(hq_json_own(arena, v, &err));
	ck_assert_str_eq(written(v), "{}");
}
END_TEST

/* n arrays around v; takes the reference. */
static struct json_object *
nested(size_t n, struct json_object *v)
{
	struct json_object *outer;

	while (n-- > 0) {
		outer = json_object_new_array();
		hq_json_push(outer, v);
		v = outer;
	}
	return v;
}

START_TEST(tagged_values_too_deep_are_an_error)
{
	struct json_object *v = nested(HQ_ENVELOPE_DEPTH_MAX + 1,
	    hq_js_tag(json_object_new_string("1"), HQ_JS_BIGINT));
	struct hq_buf b;

	ck_hq_ok(hq_json_own(arena, v, &err));
	hq_buf_init(&b, arena);
	ck_assert_int_eq(hq_envelope_write(arena, v, &b, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

static struct json_object *
new_file(const char *name)
{
	struct json_object *f = json_object_new_object();

	ck_hq_ok(hq_json_own(arena, f, &err));
	hq_json_put_str(f, "name", name);
	return hq_js_tag(f, HQ_JS_FILE);
}

static enum hq_rc
decode_form(const char *data, struct json_object *file,
    struct json_object **ret)
{
	const struct hq_pair v[] = {
		{ .name = "data", .value = data },
		{ .name = "data", .value = "x" },
		{ .name = "0", .file = file },
	};
	const struct hq_pairs form = { .v = v, .n = 3 };

	return hq_envelope_decode_form(arena, &form, ret, &err);
}

START_TEST(files_stand_where_maps_says)
{
	struct json_object *v;

	ck_hq_ok(decode_form("{\"json\":{\"f\":{},\"d\":null},"
			     "\"meta\":[[1,\"d\"]],\"maps\":[[\"f\"]]}",
	    new_file("a.bin"), &v));
	ck_assert_int_eq(hq_js_type(hq_json_get(v, "f")), HQ_JS_FILE);
	ck_assert_int_eq(hq_js_type(hq_json_get(v, "d")), HQ_JS_DATE);
	ck_hq_ok(decode_form("{\"json\":{},\"maps\":[[]]}", new_file("b"), &v));
	ck_assert_int_eq(hq_js_type(v), HQ_JS_FILE);
}
END_TEST

START_TEST(a_file_alone_needs_no_json)
{
	struct json_object *v;

	ck_hq_ok(decode_form("{\"maps\":[[]]}", new_file("a"), &v));
	ck_assert_int_eq(hq_js_type(v), HQ_JS_FILE);
	ck_assert_int_eq(decode_form("{\"maps\":[[0]]}", new_file("a"), &v),
	    HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(a_form_needs_data_and_its_files)
{
	static const char *const rows[] = { "", "{bad", "null",
		"{\"json\":{},\"maps\":[[\"f\"]]}",
		"{\"json\":{},\"maps\":[\"f\"]}", "{\"json\":{},\"maps\":{}}",
		"{\"json\":[1,2],\"maps\":[[0],[1]]}", NULL };
	struct json_object *v;
	size_t i;

	for (i = 0; rows[i] != NULL; i++)
		ck_assert_int_eq(decode_form(rows[i], new_file("x"), &v),
		    HQ_E_BAD_REQUEST);
	ck_hq_ok(decode_form("{\"json\":1,\"maps\":null}", NULL, &v));
	ck_assert_int_eq(decode_form("{\"json\":1,\"maps\":[[]]}", NULL, &v),
	    HQ_E_BAD_REQUEST);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("envelope");
	TCase *t = tcase_create("envelope");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_test(t, every_type_survives_a_round_trip);
	tcase_add_test(t, a_body_without_json_is_undefined);
	tcase_add_test(t, a_broken_envelope_is_malformed);
	tcase_add_test(t, unknown_types_are_skipped);
	tcase_add_test(t, a_path_takes_own_keys_only);
	tcase_add_test(t, a_type_takes_its_own_form_only);
	tcase_add_test(t, a_bigint_has_at_most_4300_digits);
	tcase_add_test(t, dates_are_read_as_by_javascript);
	tcase_add_test(t, a_text_that_is_no_date_is_an_invalid_date);
	tcase_add_test(t, a_url_is_normalised);
	tcase_add_test(t, a_url_with_a_user_or_port_has_a_host);
	tcase_add_test(t, a_regexp_is_written_as_javascript_shows_it);
	tcase_add_test(t, any_object_may_be_an_entry_of_a_map);
	tcase_add_test(t, sets_and_maps_keep_no_duplicates);
	tcase_add_test(t, meta_follows_the_order_of_javascript_keys);
	tcase_add_test(t, undefined_is_an_empty_envelope);
	tcase_add_test(t, tagged_values_too_deep_are_an_error);
	tcase_add_test(t, files_stand_where_maps_says);
	tcase_add_test(t, a_file_alone_needs_no_json);
	tcase_add_test(t, a_form_needs_data_and_its_files);
	suite_add_tcase(s, t);
	return run_suite(s);
}

#include "hqtest.h"
#include "proto/orpc/bracket.h"

enum { PAIRS_MAX = HQ_BRACKET_PAIRS_MAX + 1 };

/* "a=1&b" to pairs, nothing decoded. */
static struct hq_pairs
pairs_of(const char *text)
{
	struct hq_pair *v = HQ_NEW(arena, struct hq_pair, PAIRS_MAX);
	struct hq_pairs p = { v, 0 };
	size_t n, name;

	ck_assert_ptr_nonnull(v);
	for (; *text != '\0'; text += n + (text[n] == '&')) {
		n = strcspn(text, "&");
		name = strcspn(text, "=&");
		v[p.n].name = hq_arena_copy(arena, text, name);
		v[p.n++].value = name < n
		    ? hq_arena_copy(arena, text + name + 1, n - name - 1)
		    : "";
	}
	return p;
}

static const char *
parsed(const char *text)
{
	struct hq_pairs p = pairs_of(text);
	struct json_object *v;

	ck_hq_ok(hq_bracket_parse(arena, &p, &v, &err));
	return hq_json_text(arena, v);
}

/* As @orpc/openapi-client 1.16.1 answers. */
static const struct row {
	const char *text, *json;
} rows[] = {
	{ "", "{}" },
	{ "a=1", "{\"a\":\"1\"}" },
	{ "a=1&a=2", "{\"a\":[\"1\",\"2\"]}" },
	{ "a[]=1", "{\"a\":[\"1\"]}" },
	{ "a[0]=x&a[1]=y", "{\"a\":[\"x\",\"y\"]}" },
	{ "a[1]=y", "{\"a\":[null,\"y\"]}" },
	{ "a[b]=1&a[c][d]=2", "{\"a\":{\"b\":\"1\",\"c\":{\"d\":\"2\"}}}" },
	{ "a[b][]=1&a[b][]=2", "{\"a\":{\"b\":[\"1\",\"2\"]}}" },
	{ "x[0][id]=1&x[1][id]=2", "{\"x\":[{\"id\":\"1\"},{\"id\":\"2\"}]}" },
	{ "a", "{\"a\":\"\"}" },
	{ "a=", "{\"a\":\"\"}" },
	{ "a[][b]=1&a[][b]=2", "{\"a\":{\"\":{\"b\":[\"1\",\"2\"]}}}" },
	{ "a[0]=x&a[k]=y", "{\"a\":{\"0\":\"x\",\"k\":\"y\"}}" },
	{ "a[]=x&a[k]=y", "{\"a\":{\"\":\"x\",\"k\":\"y\"}}" },
	{ "a=1&a[b]=2", "{\"a\":{\"b\":\"2\"}}" },
	{ "a[b]=2&a=1", "{\"a\":[{\"b\":\"2\"},\"1\"]}" },
	{ "0=a&1=b", "[\"a\",\"b\"]" },
	{ "=v", "[\"v\"]" },
	{ "[]=x", "{\"\":[\"x\"]}" },
	{ "[a]=x", "{\"\":{\"a\":\"x\"}}" },
	{ "a[b=1", "{\"a[b\":\"1\"}" },
	{ "a]=1", "{\"a]\":\"1\"}" },
	{ "a[b]c=1", "{\"a[b]c\":\"1\"}" },
	{ "a[00]=1", "{\"a\":{\"00\":\"1\"}}" },
	{ "a[-1]=1", "{\"a\":{\"-1\":\"1\"}}" },
	{ "a[10000]=1", "{\"a\":{\"10000\":\"1\"}}" },
	{ "a&a", "{\"a\":[\"\",\"\"]}" },
	{ "a.b=1", "{\"a.b\":\"1\"}" },
	{ "a[\\]]=1", "{\"a\":{\"]\":\"1\"}}" },
	{ "a[b\\]=1", "{\"a[b\\\\]\":\"1\"}" },
	{ "a\\[b=1", "{\"a\\\\[b\":\"1\"}" },
	{ "a\\\\[b]=1", "{\"a\":{\"\\\\b\":\"1\"}}" },
	{ "a[b\\\\][c]=1", "{\"a\":{\"b\":{\"\\\\c\":\"1\"}}}" },
	{ "length=3", "{\"length\":\"3\"}" },
	{ "a[]=1&a[0][b]=2", "{\"a\":[{\"b\":\"2\"}]}" },
	{ "a[]=1&a[1]=2", "{\"a\":{\"1\":\"2\",\"\":\"1\"}}" },
	{ "a[0]=x&a=y", "{\"a\":[\"x\",\"y\"]}" },
	{ "a[0]=x&a[]=y", "{\"a\":{\"0\":\"x\",\"\":\"y\"}}" },
	{ "a[0][]=1", "{\"a\":[[\"1\"]]}" },
	{ "a[5]=1&a[2]=3", "{\"a\":[null,null,\"3\",null,null,\"1\"]}" },
	{ "a[k]=1&a[5]=2&a[2]=3",
	    "{\"a\":{\"2\":\"3\",\"5\":\"2\",\"k\":\"1\"}}" },
	{ "a[b]=1&a=2&a[c]=3&a=4",
	    "{\"a\":[{\"0\":{\"b\":\"1\"},\"1\":\"2\",\"c\":\"3\"},\"4\"]}" },
	{ "a[]=1&a[]=2&a[k]=3&a[]=4",
	    "{\"a\":{\"\":[\"1\",\"2\",\"4\"],\"k\":\"3\"}}" },
};

START_TEST(a_form_becomes_the_value_of_the_reference)
{
	ck_assert_str_eq(parsed(rows[_i].text), rows[_i].json);
}
END_TEST

START_TEST(a_member_called_proto_is_dropped)
{
	ck_assert_str_eq(parsed("__proto__[x]=1&b=2"), "{\"b\":\"2\"}");
	ck_assert_str_eq(parsed("a[__proto__][x]=1"), "{\"a\":{}}");
	ck_assert_str_eq(parsed("a[0]=1&a[__proto__]=2"),
	    "{\"a\":{\"0\":\"1\"}}");
}
END_TEST

START_TEST(a_hole_is_undefined)
{
	struct hq_pairs p = pairs_of("a[1]=y");
	struct json_object *v;

	ck_hq_ok(hq_bracket_parse(arena, &p, &v, &err));
	v = json_object_array_get_idx(hq_json_get(v, "a"), 0);
	ck_assert(hq_js_is_undefined(v));
}
END_TEST

START_TEST(the_largest_index_makes_an_array)
{
	struct hq_pairs p = pairs_of("a[9999]=1");
	struct json_object *v;

	ck_hq_ok(hq_bracket_parse(arena, &p, &v, &err));
	ck_assert_uint_eq(json_object_array_length(hq_json_get(v, "a")),
	    HQ_BRACKET_INDEX_MAX + 1);
}
END_TEST

START_TEST(a_file_stays_a_file)
{
	struct json_object *file = json_object_new_object(), *v;
	struct hq_pair pair = { .name = "a[f]",
		.file = hq_js_tag(file, HQ_JS_FILE) };
	struct hq_pairs p = { &pair, 1 };

	ck_hq_ok(hq_json_own(arena, file, &err));
	ck_hq_ok(hq_bracket_parse(arena, &p, &v, &err));
	ck_assert_ptr_eq(hq_json_get(hq_json_get(v, "a"), "f"), file);
}
END_TEST

static void
check_refused(struct hq_pairs p, const char *msg)
{
	struct json_object *v;

	ck_assert_int_eq(hq_bracket_parse(arena, &p, &v, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_str_eq(err.msg, msg);
}

/* "<name>=&" n times; "%zu" in it counts. */
static const char *
repeated(const char *before, const char *after, size_t n, bool number)
{
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, arena);
	for (i = 0; i < n; i++) {
		hq_buf_puts(&b, before);
		if (number)
			hq_buf_printf(&b, "%zu", i);
		hq_buf_puts(&b, after);
	}
	return hq_buf_str(&b);
}

START_TEST(too_many_fields_are_refused)
{
	check_refused(pairs_of(
			  repeated("a=&", "", HQ_BRACKET_PAIRS_MAX + 1, false)),
	    "more than 10000 fields");
}
END_TEST

START_TEST(a_name_that_is_too_deep_is_refused)
{
	check_refused(pairs_of(
			  repeated("[a]", "", HQ_BRACKET_DEPTH_MAX, false)),
	    "a field's name has more than 100 segments");
}
END_TEST

START_TEST(arrays_that_are_too_long_together_are_refused)
{
	check_refused(pairs_of(repeated("a", "[9999]=&", 11, true)),
	    "the fields' arrays have more than 100000 places");
}
END_TEST

/* Each pair of fields wraps what was there before. */
START_TEST(many_wraps_stay_within_the_stack)
{
	const char *s =
	    repeated("a=1&a[k]=2&", "", HQ_BRACKET_PAIRS_MAX / 2, false);
	struct hq_pairs p = pairs_of(s);
	struct json_object *v;

	ck_hq_ok(hq_bracket_parse(arena, &p, &v, &err));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("bracket");
	TCase *t = tcase_create("bracket");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, a_form_becomes_the_value_of_the_reference, 0,
	    COUNT(rows));
	tcase_add_test(t, a_member_called_proto_is_dropped);
	tcase_add_test(t, a_hole_is_undefined);
	tcase_add_test(t, the_largest_index_makes_an_array);
	tcase_add_test(t, a_file_stays_a_file);
	tcase_add_test(t, too_many_fields_are_refused);
	tcase_add_test(t, a_name_that_is_too_deep_is_refused);
	tcase_add_test(t, arrays_that_are_too_long_together_are_refused);
	tcase_add_test(t, many_wraps_stay_within_the_stack);
	suite_add_tcase(s, t);
	return run_suite(s);
}

#include "hqtest.h"

#include "expr/expr.h"
#include "json/json.h"

static const char vars_text[] =
    "{\"event\":{\"name\":\"app/user.created\",\"ts\":17,\"data\":{"
    "\"id\":\"u1\",\"n\":5,\"half\":2.5,\"zero\":0,\"empty\":\"\","
    "\"yes\":true,\"no\":false,\"nil\":null,\"list\":[1,\"a\",{\"k\":2}],"
    "\"map\":{\"x\":{\"y\":\"deep\"},\"in\":7},\"word\":\"H\xc3\xa9llo\"}},"
    "\"async\":{\"data\":{\"id\":\"u1\"}}}";

static struct json_object *
vars(void)
{
	struct json_object *v;

	ck_hq_ok(
	    hq_json_parse(arena, vars_text, sizeof(vars_text) - 1, &v, &err));
	return v;
}

static const char *
result(const char *text)
{
	const struct hq_expr *e;
	struct json_object *v;

	if (hq_expr_parse(arena, text, &e, NULL, &err) != HQ_OK ||
	    hq_expr_eval(e, vars(), arena, &v, &err) != HQ_OK)
		return err.msg;
	return hq_json_text(arena, v);
}

struct row {
	const char *text, *result;
};

static void
check_rows(const struct row *row)
{
	const char *got;

	for (; row->text != NULL; row++) {
		got = result(row->text);
		ck_assert_msg(strcmp(got, row->result) == 0,
		    "%s gives %s, not %s", row->text, got, row->result);
	}
}

START_TEST(literals_are_values)
{
	check_rows((const struct row[]){
	    { "1", "1" },
	    { "1.5e3", "1500" },
	    { "12u", "12" },
	    { "-2", "-2" },
	    { "true", "true" },
	    { "false", "false" },
	    { "null", "null" },
	    { "'it''s'", "expected an operator at 4" },
	    { "\"a\\n\\u00e9\\x41\"",
		"\"a\\n\xc3\xa9"
		"A\"" },
	    { "'a\\u0000b'", "\"a\\u0000b\"" },
	    { "[1, 'a', [], ]", "[1,\"a\",[]]" },
	    { 0 },
	});
}
END_TEST

START_TEST(paths_reach_into_variables)
{
	check_rows((const struct row[]){
	    { "event.data.id", "\"u1\"" },
	    { "event['data'].map.x[\"y\"]", "\"deep\"" },
	    { "event.data.list[2].k", "2" },
	    { "event.data.map.in", "7" },
	    { "event.data.list[0 + 1]", "\"a\"" },
	    { "async.data.id == event.data.id", "true" },
	    { 0 },
	});
}
END_TEST

START_TEST(an_unknown_attribute_behaves_like_null)
{
	check_rows((const struct row[]){
	    { "event.data.nope", "null" },
	    { "nobody.home[3].x", "null" },
	    { "event.data.list[9]", "null" },
	    { "event.data.list[-1]", "null" },
	    { "event.data.list[0.5]", "null" },
	    { "event.data.id.x", "null" },
	    { "event.data.nope == 1", "false" },
	    { "event.data.nope != 1", "true" },
	    { "event.data.nope == null", "true" },
	    { "null == event.data.id", "false" },
	    { "null != event.data.id", "true" },
	    { "event.data.nope < 1", "true" },
	    { "event.data.nope <= 1", "true" },
	    { "event.data.nope > 1", "false" },
	    { "event.data.nope >= 1", "false" },
	    { "1 < event.data.nope", "false" },
	    { "1 > event.data.nope", "true" },
	    { "size(event.data.nope)", "0" },
	    { "event.data.nope.startsWith('a')", "false" },
	    { "lowercase(event.data.nope)", "null" },
	    { 0 },
	});
}
END_TEST

START_TEST(logic_follows_truthiness_and_yields_operands)
{
	check_rows((const struct row[]){
	    { "event.data.nope || event.data.id", "\"u1\"" },
	    { "event.data.empty || 'x'", "\"x\"" },
	    { "event.data.zero && 1", "0" },
	    { "event.data.list && 1", "1" },
	    { "!event.data.empty", "true" },
	    { "!!event.data.map", "true" },
	    { "event.data.nil ? 1 : 2", "2" },
	    { "'a' ? 1 : 2", "1" },
	    { "true || 1 + []", "true" },
	    { "false && 1 + []", "false" },
	    { 0 },
	});
}
END_TEST

START_TEST(operators_bind_as_in_cel)
{
	check_rows((const struct row[]){
	    { "1 + 2 * 3", "7" },
	    { "(1 + 2) * 3", "9" },
	    { "10 - 3 - 2", "5" },
	    { "7 / 2", "3.5" },
	    { "7 % 4 * 2", "6" },
	    { "-2 * -3", "6" },
	    { "1 < 2 == true", "true" },
	    { "false && false || true", "true" },
	    { "true || false && false", "true" },
	    { "true ? false ? 1 : 2 : 3", "2" },
	    { "false ? 1 : true ? 2 : 3", "2" },
	    { "!false && true", "true" },
	    { 0 },
	});
}
END_TEST

START_TEST(numbers_compare_whatever_their_kind)
{
	check_rows((const struct row[]){
	    { "event.data.n == 5.0", "true" },
	    { "event.data.half < 3", "true" },
	    { "2 <= 2.0", "true" },
	    { "'a' < 'b'", "true" },
	    { "'b' >= 'bb'", "false" },
	    { "1 == '1'", "false" },
	    { "true == 1", "false" },
	    { "[1, 2] == [1, 2.0]", "true" },
	    { "event.data.map == event.data.map", "true" },
	    { "false == null", "false" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_string_joins_anything)
{
	check_rows((const struct row[]){
	    { "'a' + 1", "\"a1\"" },
	    { "event.data.id + '-' + event.data.half", "\"u1-2.5\"" },
	    { "1 + 'a' + true", "\"1atrue\"" },
	    { "'x' + event.data.nope", "\"xnull\"" },
	    { "'x' + event.data.list", "\"x[1,\\\"a\\\",{\\\"k\\\":2}]\"" },
	    { "[1] + [2]", "[1,2]" },
	    { 0 },
	});
}
END_TEST

START_TEST(in_looks_into_lists_and_objects)
{
	check_rows((const struct row[]){
	    { "event.data.id in ['u0', 'u1']", "true" },
	    { "'k' in event.data.list", "false" },
	    { "'x' in event.data.map", "true" },
	    { "1 in event.data.map", "false" },
	    { "1 in event.data.nope", "false" },
	    { "!(1 in [2])", "true" },
	    { 0 },
	});
}
END_TEST

START_TEST(functions_take_both_spellings)
{
	check_rows((const struct row[]){
	    { "size(event.data.word)", "5" },
	    { "event.data.list.size()", "3" },
	    { "size(event.data.map)", "2" },
	    { "event.name.startsWith('app/')", "true" },
	    { "event.name.endsWith('created')", "true" },
	    { "event.name.contains('user')", "true" },
	    { "contains(event.name, 'nope')", "false" },
	    { "endsWith('a', 'aa')", "false" },
	    { "int('12')", "12" },
	    { "int(-2.7)", "-2" },
	    { "double('2.5')", "2.5" },
	    { "string(2.5) + string(true)", "\"2.5true\"" },
	    { "uppercase('ab') + 'Cd'.lowercase()", "\"ABcd\"" },
	    { "has(event.data.nil)", "true" },
	    { "has(event.data.nope)", "false" },
	    { "has(event.nope.x)", "false" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_type_error_says_where)
{
	check_rows((const struct row[]){
	    { "1 + []", "the operator takes two numbers at 2" },
	    { "'a' < 1", "only two numbers or two strings have an order at 4" },
	    { "1 / 0", "a division by zero at 2" },
	    { "1e308 * 10", "the number is too large at 6" },
	    { "-'a'", "the operator takes a number at 0" },
	    { "1 in 'abc'", "in takes a list or an object at 2" },
	    { "int('1x')", "int() takes a number at 0" },
	    { "size(1)", "size() takes a string, a list or an object at 0" },
	    { 0 },
	});
}
END_TEST

START_TEST(a_syntax_error_says_where)
{
	check_rows((const struct row[]){
	    { "", "expected a value at 0" },
	    { "1 +", "expected a value at 3" },
	    { "(1", "expected \")\" at 2" },
	    { "a ? 1", "expected \":\" at 5" },
	    { "a b", "expected an operator at 2" },
	    { "'abc", "a string without its end at 0" },
	    { "'a\\q'", "an unknown escape at 2" },
	    { "'\\ud800'", "an unknown escape at 1" },
	    { "1x", "a malformed number at 0" },
	    { "1.5u", "a malformed number at 0" },
	    { "a # b", "an unexpected character at 2" },
	    { "a = 1", "an unexpected character at 2" },
	    { "nope(1)", "an unknown function at 0" },
	    { "size()", "a wrong number of arguments at 0" },
	    { "'a'.size(1)", "a wrong number of arguments at 4" },
	    { "has(a)", "has() takes a path such as a.b at 0" },
	    { "a.1", "expected a name at 2" },
	    { 0 },
	});
}
END_TEST

START_TEST(the_offset_is_handed_out_too)
{
	const struct hq_expr *e;
	size_t at = 0;

	ck_assert_int_eq(hq_expr_parse(arena, "a && ", &e, &at, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_uint_eq(at, 5);
}
END_TEST

static char *
repeat(const char *part, size_t n)
{
	size_t k = strlen(part);
	char *s = hq_arena_alloc(arena, n * k + 1, 1);

	while (n-- > 0)
		memcpy(s + n * k, part, k);
	return s;
}

START_TEST(a_long_expression_is_refused)
{
	const struct hq_expr *e;
	char *s = repeat("1", HQ_EXPR_BYTES_MAX + 1);

	ck_assert_int_eq(hq_expr_parse(arena, s, &e, NULL, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_str_eq(err.msg, "too long at 4096");
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	static const char *const parts[] = { "(", "[", "!", "-", "size(", "a[",
		"1?", NULL };
	const struct hq_expr *e;
	size_t i;

	for (i = 0; parts[i] != NULL; i++) {
		ck_assert_int_eq(hq_expr_parse(arena, repeat(parts[i], 500), &e,
				     NULL, &err),
		    HQ_E_BAD_REQUEST);
		ck_assert_ptr_nonnull(strstr(err.msg, "too deep at "));
	}
}
END_TEST

START_TEST(a_long_chain_is_no_nesting)
{
	char *s = hq_arena_printf(arena, "1%s", repeat("+1", 2000));

	ck_assert_str_eq(result(s), "2001");
}
END_TEST

START_TEST(a_value_past_the_arena_is_an_error)
{
	struct hq_arena *small = hq_arena_new(20000);
	char *s = hq_arena_printf(arena, "'%s'%s", repeat("a", 2000),
	    repeat("+event.data.word+event.data.word", 60));
	const struct hq_expr *e;
	struct json_object *v;

	ck_hq_ok(hq_expr_parse(arena, s, &e, NULL, &err));
	ck_assert_int_eq(hq_expr_eval(e, vars(), small, &v, &err),
	    HQ_E_BAD_REQUEST);
	hq_arena_free(small);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expr");
	TCase *t = tcase_create("expr");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_test(t, literals_are_values);
	tcase_add_test(t, paths_reach_into_variables);
	tcase_add_test(t, an_unknown_attribute_behaves_like_null);
	tcase_add_test(t, logic_follows_truthiness_and_yields_operands);
	tcase_add_test(t, operators_bind_as_in_cel);
	tcase_add_test(t, numbers_compare_whatever_their_kind);
	tcase_add_test(t, a_string_joins_anything);
	tcase_add_test(t, in_looks_into_lists_and_objects);
	tcase_add_test(t, functions_take_both_spellings);
	tcase_add_test(t, a_type_error_says_where);
	tcase_add_test(t, a_syntax_error_says_where);
	tcase_add_test(t, the_offset_is_handed_out_too);
	tcase_add_test(t, a_long_expression_is_refused);
	tcase_add_test(t, deep_nesting_is_refused);
	tcase_add_test(t, a_long_chain_is_no_nesting);
	tcase_add_test(t, a_value_past_the_arena_is_an_error);
	suite_add_tcase(s, t);
	return run_suite(s);
}

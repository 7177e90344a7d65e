#include "hqtest.h"
#include "json/schema.h"

static struct json_object *
parsed(const char *text)
{
	struct json_object *v;

	ck_hq_ok(hq_json_parse(arena, text, strlen(text), &v, &err));
	return v;
}

static const struct hq_schema *
compiled(const char *text)
{
	const struct hq_schema *s;

	ck_hq_ok(hq_schema_compile(arena, parsed(text), &s, &err));
	return s;
}

/* The issues as JSON; "" if there are none. */
static const char *
issues_of_value(const char *schema, struct json_object *v)
{
	struct json_object *issues;

	ck_hq_ok(hq_schema_check(compiled(schema), v, arena, &issues, &err));
	return issues == NULL ? "" : hq_json_text(arena, issues);
}

struct row {
	const char *schema, *value, *issues;
};

static void
check_row(const struct row *r)
{
	ck_assert_str_eq(issues_of_value(r->schema, parsed(r->value)),
	    r->issues);
}

#define ONE(text) "[{\"message\":\"" text "\"}]"
#define AT(text, path) "[{\"message\":\"" text "\",\"path\":[" path "]}]"

static const struct row types[] = {
	{ "{\"type\":\"object\"}", "{}", "" },
	{ "{\"type\":\"object\"}", "[]", ONE("must be object") },
	{ "{\"type\":\"object\"}", "null", ONE("must be object") },
	{ "{\"type\":\"array\"}", "{}", ONE("must be array") },
	{ "{\"type\":\"string\"}", "1", ONE("must be string") },
	{ "{\"type\":\"boolean\"}", "0", ONE("must be boolean") },
	{ "{\"type\":\"null\"}", "0", ONE("must be null") },
	{ "{\"type\":\"number\"}", "1.5", "" },
	{ "{\"type\":\"number\"}", "1e400", ONE("must be number") },
	{ "{\"type\":\"integer\"}", "1.0", "" },
	{ "{\"type\":\"integer\"}", "1e21", "" },
	{ "{\"type\":\"integer\"}", "-0", "" },
	{ "{\"type\":\"integer\"}", "1.5", ONE("must be integer") },
	{ "{\"type\":\"integer\"}", "\"1\"", ONE("must be integer") },
	{ "{}", "null", "" },
	{ "{\"title\":\"JsonValue\"}", "[1,{\"a\":null}]", "" },
};

START_TEST(a_type_takes_its_values_only)
{
	check_row(&types[_i]);
}
END_TEST

#define CLOSED \
	"{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"properties\":{" \
	"\"a\":{\"type\":\"string\",\"minLength\":1}," \
	"\"b\":{\"type\":\"integer\",\"minimum\":0}," \
	"\"c\":{\"type\":\"string\"}},\"additionalProperties\":false}"
#define LIST "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define LEVEL \
	"{\"anyOf\":[{\"type\":\"string\",\"const\":\"low\"}," \
	"{\"type\":\"string\",\"const\":\"high\"}]}"

static const struct row keywords[] = {
	{ CLOSED, "{\"a\":\"x\",\"b\":0}", "" },
	{ CLOSED, "{}", ONE("must have required properties a, b") },
	{ CLOSED, "{\"a\":\"x\",\"b\":1,\"x\":1,\"y\":2}",
	    ONE("must not have additional properties") },
	{ CLOSED, "{\"a\":\"\",\"b\":0}",
	    AT("must not have fewer than 1 characters", "\"a\"") },
	{ CLOSED, "{\"a\":\"x\",\"b\":-1}", AT("must be >= 0", "\"b\"") },
	{ CLOSED, "{\"a\":\"x\",\"b\":-0.5}",
	    "[{\"message\":\"must be integer\",\"path\":[\"b\"]},"
	    "{\"message\":\"must be >= 0\",\"path\":[\"b\"]}]" },
	{ CLOSED, "{\"a\":\"x\",\"b\":0,\"c\":null}",
	    AT("must be string", "\"c\"") },
	{ CLOSED, "{\"b\":true,\"z\":1,\"c\":2}",
	    "[{\"message\":\"must have required properties a\"},"
	    "{\"message\":\"must not have additional properties\"},"
	    "{\"message\":\"must be integer\",\"path\":[\"b\"]},"
	    "{\"message\":\"must be string\",\"path\":[\"c\"]}]" },
	{ "{\"type\":\"number\",\"minimum\":1.5}", "1", ONE("must be >= 1.5") },
	{ "{\"type\":\"number\",\"const\":1}", "1.0", "" },
	{ "{\"const\":{\"a\":[1]}}", "{\"a\":[1]}", "" },
	{ "{\"const\":{\"a\":[1]}}", "{\"a\":[2]}",
	    ONE("must be equal to constant") },
	{ "{\"enum\":[\"a\",1,null]}", "null", "" },
	{ "{\"enum\":[\"a\",1,null]}", "\"b\"",
	    ONE("must be equal to one of the allowed values") },
	{ LEVEL, "\"high\"", "" },
	{ LEVEL, "\"x\"",
	    "[{\"message\":\"must be equal to constant\"},"
	    "{\"message\":\"must be equal to constant\"},"
	    "{\"message\":\"must match a schema in anyOf\"}]" },
	{ LEVEL, "3",
	    "[{\"message\":\"must be string\"},"
	    "{\"message\":\"must be equal to constant\"},"
	    "{\"message\":\"must be string\"},"
	    "{\"message\":\"must be equal to constant\"},"
	    "{\"message\":\"must match a schema in anyOf\"}]" },
	{ "{\"additionalProperties\":{\"type\":\"string\"}}",
	    "{\"a\":1,\"b\":\"x\"}",
	    ONE("must not have additional properties") },
	{ "{\"additionalProperties\":true}", "{\"a\":1}", "" },
	{ "{\"properties\":{\"a\":{\"type\":\"string\"}}}", "[1]", "" },
};

START_TEST(a_keyword_gives_the_text_of_the_reference)
{
	check_row(&keywords[_i]);
}
END_TEST

#define MAP "{\"patternProperties\":{\"^.*$\":{\"type\":\"string\"}}}"

static const struct row paths[] = {
	{ LIST, "[\"a\",1]", AT("must be string", "1") },
	{ MAP, "{\"%zz\":1}", AT("must be string", "\"%zz\"") },
	{ MAP, "{\"a/b~1\":1}", AT("must be string", "\"a/b~1\"") },
	{ MAP, "{\"12\":1}", AT("must be string", "12") },
	{ MAP, "{\"012\":1}", AT("must be string", "\"012\"") },
	{ MAP, "{\"\":1}", AT("must be string", "\"\"") },
	{ "{\"properties\":{\"w\":{\"properties\":{\"d\":" LIST "}}}}",
	    "{\"w\":{\"d\":[\"x\",\"y\",{}]}}",
	    AT("must be string", "\"w\",\"d\",2") },
};

START_TEST(a_path_tells_keys_and_indexes_from_the_root)
{
	check_row(&paths[_i]);
}
END_TEST

START_TEST(issues_stop_at_eight)
{
	struct json_object *issues;

	ck_hq_ok(hq_schema_check(compiled(LIST),
	    parsed("[1,2,3,4,5,6,7,8,9,10]"), arena, &issues, &err));
	ck_assert_uint_eq(json_object_array_length(issues),
	    HQ_SCHEMA_ISSUES_MAX);
}
END_TEST

/* Nine branches fail before the tenth takes the value. */
START_TEST(failed_branches_leave_no_issue_behind_a_good_one)
{
	static const struct row r = {
		"{\"type\":\"array\",\"items\":{\"anyOf\":[{\"const\":1},"
		"{\"const\":2},{\"const\":3},{\"const\":4},{\"const\":5},"
		"{\"const\":6},{\"const\":7},{\"const\":8},{\"const\":9},"
		"{\"type\":\"string\"}]}}",
		"[\"a\",\"b\"]", ""
	};

	check_row(&r);
}
END_TEST

static struct json_object *
tagged(const char *text, enum hq_js type)
{
	return hq_js_tag(parsed(text), type);
}

static struct json_object *
with_undefined(const char *text, const char *key)
{
	struct json_object *o = parsed(text);

	hq_json_put(o, key, hq_js_undefined());
	return o;
}

START_TEST(an_optional_undefined_member_counts_as_absent)
{
	ck_assert_str_eq(issues_of_value(CLOSED,
			     with_undefined("{\"a\":\"x\",\"b\":1}", "c")),
	    "");
}
END_TEST

/* As TypeBox has it: the key is there, its value is of no type. */
START_TEST(a_required_undefined_member_has_the_wrong_type)
{
	ck_assert_str_eq(issues_of_value(CLOSED,
			     with_undefined("{\"a\":\"x\"}", "b")),
	    AT("must be integer", "\"b\""));
}
END_TEST

START_TEST(an_unknown_undefined_member_is_an_additional_property)
{
	ck_assert_str_eq(issues_of_value(CLOSED,
			     with_undefined("{\"a\":\"x\",\"b\":1}", "z")),
	    ONE("must not have additional properties"));
}
END_TEST

START_TEST(an_undefined_value_is_no_object)
{
	struct json_object *v = hq_js_undefined();

	ck_assert_str_eq(issues_of_value("{\"type\":\"object\"}", v),
	    ONE("must be object"));
	json_object_put(v);
}
END_TEST

static const struct tag_row {
	const char *text;
	enum hq_js type;
	const char *schema, *issues;
} tags[] = {
	{ "[1]", HQ_JS_SET, "{\"type\":\"object\"}", "" },
	{ "[1]", HQ_JS_SET, "{\"type\":\"array\"}", ONE("must be array") },
	{ "\"1970-01-01T00:00:00.000Z\"", HQ_JS_DATE,
	    "{\"type\":\"object\",\"required\":[\"a\"]}",
	    ONE("must have required properties a") },
	{ "\"1970-01-01T00:00:00.000Z\"", HQ_JS_DATE, "{\"type\":\"string\"}",
	    ONE("must be string") },
	{ "[]", HQ_JS_MAP,
	    "{\"type\":\"object\","
	    "\"additionalProperties\":false}",
	    "" },
	{ "\"/a/g\"", HQ_JS_REGEXP,
	    "{\"type\":\"object\",\"additionalProperties\":false}",
	    ONE("must not have additional properties") },
	{ "\"https://e.com/\"", HQ_JS_URL, "{\"type\":\"object\"}", "" },
	{ "\"5\"", HQ_JS_BIGINT, "{\"type\":\"integer\"}",
	    ONE("must be integer") },
	{ "\"-5\"", HQ_JS_BIGINT, "{\"minimum\":0}", ONE("must be >= 0") },
};

START_TEST(a_tagged_value_is_what_javascript_makes_of_it)
{
	const struct tag_row *r = &tags[_i];

	ck_assert_str_eq(issues_of_value(r->schema, tagged(r->text, r->type)),
	    r->issues);
}
END_TEST

static const struct row own_texts[] = {
	{ "{}", "[1]", "" },
	{ "{\"title\":\"any\"}", "[1]", "" },
	{ "{\"type\":\"array\"}", "[1]", "" },
	{ "{\"type\":\"string\"}", "[1]", ONE("must be string") },
	{ "{\"minimum\":2}", "1", ONE("must be >= 2") },
	{ "{\"minimum\":2}", "2", "" },
};

START_TEST(a_value_with_its_own_text_is_judged_by_what_it_says)
{
	const struct row *r = &own_texts[_i];
	struct json_object *v = hq_js_json(r->value, strlen(r->value));

	ck_assert_str_eq(issues_of_value(r->schema, v), r->issues);
	json_object_put(v);
}
END_TEST

static const struct length_row {
	const char *text;
	int min;
	bool ok;
} lengths[] = {
	{ "\"\"", 0, true },
	{ "\"\"", 1, false },
	{ "\"a\"", 1, true },
	{ "\"\\u0000\"", 1, true },
	{ "\"\\u0301\"", 1, true },
	{ "\"\\ud800\"", 1, true },
	{ "\"ab\"", 2, true },
	{ "\"a\\u0301\"", 2, false },
	{ "\"a\\ufe0f\"", 2, true }, /* not seen by the quick count */
	{ "\"\\ud83c\\udde6\\ud83c\\udde7\"", 2, false },        /* a flag */
	{ "\"\\ud83d\\udc68\\u200d\\ud83d\\udc69\"", 2, false }, /* joined */
	{ "\"\\ud83d\\udc68\\ud83d\\udc69\"", 2, true },
};

START_TEST(a_length_counts_what_is_seen_as_one_character)
{
	const struct length_row *r = &lengths[_i];
	char schema[64];

	snprintf(schema, sizeof(schema), "{\"minLength\":%d}", r->min);
	ck_assert_int_eq(*issues_of_value(schema, parsed(r->text)) == '\0',
	    r->ok);
}
END_TEST

static const struct bad_row {
	const char *schema, *msg;
} bad[] = {
	{ "[]", "#: not a schema" },
	{ "{\"maxLength\":3}", "#/maxLength: unknown keyword" },
	{ "{\"properties\":{\"a\":{\"$ref\":\"#/x\"}}}",
	    "#/a/$ref: unknown keyword" },
	{ "{\"type\":\"text\"}", "#/type: no such type" },
	{ "{\"required\":[1]}", "#/required: not a string" },
	{ "{\"required\":[1],\"properties\":{\"a\":{}}}",
	    "#/required: not a string" },
	{ "{\"properties\":{\"a\":{}},\"required\":[1]}",
	    "#/required: not a string" },
	{ "{\"patternProperties\":{\"^a\":{}}}",
	    "#/patternProperties: only \"^.*$\" is known" },
	{ "{\"minLength\":-1}", "#/minLength: not a whole number from 0" },
	{ "{\"minimum\":\"1\"}", "#/minimum: not a number" },
	{ "{\"enum\":1}", "#/enum: not an array" },
	{ "{\"anyOf\":[]}", "#/anyOf: not an array of schemas" },
	{ "{\"anyOf\":[{},{\"oneOf\":[]}]}",
	    "#/anyOf/1/oneOf: unknown keyword" },
	{ "{\"items\":{\"type\":1}}", "#/items/type: no such type" },
};

START_TEST(a_schema_that_cannot_be_kept_is_refused)
{
	const struct hq_schema *s;

	ck_assert_int_eq(hq_schema_compile(arena, parsed(bad[_i].schema), &s,
			     &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_str_eq(err.msg, bad[_i].msg);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("schema");
	TCase *t = tcase_create("schema");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, a_type_takes_its_values_only, 0, COUNT(types));
	tcase_add_loop_test(t, a_keyword_gives_the_text_of_the_reference, 0,
	    COUNT(keywords));
	tcase_add_loop_test(t, a_path_tells_keys_and_indexes_from_the_root, 0,
	    COUNT(paths));
	tcase_add_test(t, issues_stop_at_eight);
	tcase_add_test(t, failed_branches_leave_no_issue_behind_a_good_one);
	tcase_add_test(t, an_optional_undefined_member_counts_as_absent);
	tcase_add_test(t, a_required_undefined_member_has_the_wrong_type);
	tcase_add_test(t,
	    an_unknown_undefined_member_is_an_additional_property);
	tcase_add_test(t, an_undefined_value_is_no_object);
	tcase_add_loop_test(t, a_tagged_value_is_what_javascript_makes_of_it, 0,
	    COUNT(tags));
	tcase_add_loop_test(t,
	    a_value_with_its_own_text_is_judged_by_what_it_says, 0,
	    COUNT(own_texts));
	tcase_add_loop_test(t, a_length_counts_what_is_seen_as_one_character, 0,
	    COUNT(lengths));
	tcase_add_loop_test(t, a_schema_that_cannot_be_kept_is_refused, 0,
	    COUNT(bad));
	suite_add_tcase(s, t);
	return run_suite(s);
}

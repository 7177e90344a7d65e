#include <math.h>
#include <signal.h>

#include "base/process.h"
#include "hqtest.h"
#include "json/json.h"
#include "json/keys.h"
#include "json/name.h"
#include "json/value.h"

#define N_ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static struct json_object *
parsed(const char *text)
{
	struct json_object *v;

	ck_hq_ok(hq_json_parse(arena, text, strlen(text), &v, &err));
	return v;
}

/* A new array that dies with the arena. */
static struct json_object *
array_of(struct json_object *v)
{
	struct json_object *array = json_object_new_array();

	ck_hq_ok(hq_json_own(arena, array, &err));
	hq_json_push(array, v);
	return array;
}

/* What JSON.stringify(JSON.parse(text)) gives. */
static const struct {
	const char *text, *out;
} same[] = {
	{ " [ 1 , 2 ] ", "[1,2]" },
	{ "null", "null" },
	{ "true", "true" },
	{ "7", "7" },
	{ "\"x\"", "\"x\"" },
	{ "{}", "{}" },
	{ "[[],{}]", "[[],{}]" },
	{ "\xef\xbb\xbf[]", "[]" },
	/* numbers are doubles */
	{ "9007199254740993", "9007199254740992" },
	{ "123456789012345678901", "123456789012345680000" },
	{ "18446744073709551616", "18446744073709552000" },
	{ "-9223372036854775808", "-9223372036854776000" },
	{ "999999999999999", "999999999999999" },
	{ "1.0", "1" },
	{ "-0", "0" },
	{ "-0.0", "0" },
	{ "1e21", "1e+21" },
	{ "1E2", "100" },
	{ "1e-7", "1e-7" },
	{ "1E400", "null" },
	{ "-1E400", "null" },
	{ "5e-324", "5e-324" },
	{ "1e-400", "0" },
	/* order of keys */
	{ "{\"b\":1,\"10\":2,\"9\":3,\"a\":4}",
	    "{\"9\":3,\"10\":2,\"b\":1,\"a\":4}" },
	{ "{\"4294967295\":1,\"4294967294\":2}",
	    "{\"4294967294\":2,\"4294967295\":1}" },
	{ "{\"01\":1,\"-1\":2,\"1.0\":3,\"0\":4}",
	    "{\"0\":4,\"01\":1,\"-1\":2,\"1.0\":3}" },
	{ "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}" },
	{ "{\"a\":1,\"\\u0061\":null}", "{\"a\":null}" },
	{ "{\"__proto__\":{\"a\":1},\"\":2}", "{\"\":2}" },
	/* strings */
	{ "\"\\u0000\"", "\"\\u0000\"" },
	{ "\"\\u0001\\u001F\"", "\"\\u0001\\u001f\"" },
	{ "\"\\b\\t\\n\\f\\r\\/\\\\\\\"\"", "\"\\b\\t\\n\\f\\r/\\\\\\\"\"" },
	{ "\"\\u00e9\\u20AC\"", "\"\xc3\xa9\xe2\x82\xac\"" },
	{ "\"\x7f\xe2\x80\xa8\"", "\"\x7f\xe2\x80\xa8\"" },
	{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
	{ "\"\\uD83D\"", "\"\\ud83d\"" },
	{ "\"\\ude00\\ud83d\"", "\"\\ude00\\ud83d\"" },
	{ "\"\\ud83d\\ud83d\\ude00\"", "\"\\ud83d\xf0\x9f\x98\x80\"" },
	{ "\"\\ud83d\\n\"", "\"\\ud83d\\n\"" },
	{ "{\"\\u0000\":{\"\\ud800\":1}}", "{\"\\u0000\":{\"\\ud800\":1}}" },
	{ "\"\xed\x9f\xbf\xee\x80\x80\"", "\"\xed\x9f\xbf\xee\x80\x80\"" },
	/* bytes that are not UTF-8 */
	{ "\"\xff\"", "\"\xef\xbf\xbd\"" },
	{ "\"a\xe2\x82z\"", "\"a\xef\xbf\xbdz\"" },
	{ "\"\xed\xa0\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\"\xf0\x9f\x98\"", "\"\xef\xbf\xbd\"" },
	{ "\"\xc0\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "{\"\xff\":1,\"\xfe\":2}", "{\"\xef\xbf\xbd\":2}" },
};

START_TEST(a_text_comes_out_as_from_javascript)
{
	ck_assert_str_eq(hq_json_text(arena, parsed(same[_i].text)),
	    same[_i].out);
}
END_TEST

START_TEST(a_text_survives_a_second_pass)
{
	ck_assert_str_eq(hq_json_text(arena, parsed(same[_i].out)),
	    same[_i].out);
}
END_TEST

typedef void write_fn(struct hq_buf *b, struct json_object *v);

static const char *
written(write_fn *write, struct json_object *v)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	write(&b, v);
	return hq_buf_str(&b);
}

static struct json_object *
parsed_top(const char *text)
{
	struct json_object *v;

	ck_hq_ok(hq_json_parse_top(arena, text, strlen(text), &v, &err));
	return v;
}

static void
ck_written_alike(struct json_object *a, struct json_object *b)
{
	static write_fn *const writers[] = { hq_json_write,
		hq_json_write_pretty, hq_json_write_canonical };
	size_t i;

	for (i = 0; i < 3; i++)
		ck_assert_str_eq(written(writers[i], a),
		    written(writers[i], b));
}

START_TEST(a_text_parsed_at_its_top_is_written_as_one_that_is_parsed)
{
	const char *text = same[_i].out;
	const char *in_array = hq_arena_printf(arena, "[%s]", text);
	const char *in_object = hq_arena_printf(arena,
	    "{\"2\":[%s],\"a\":1,\"b\":{\"c\":%s}}", text, text);

	ck_written_alike(parsed_top(text), parsed(text));
	ck_written_alike(parsed_top(in_array), parsed(in_array));
	ck_written_alike(parsed_top(in_object), parsed(in_object));
}
END_TEST

static const struct {
	const char *text, *key;
	enum hq_js type;
} tops[] = {
	{ "{\"a\":[]}", "a", HQ_JS_JSON },
	{ "{\"a\":{\"a\":{\"b\":[{}]}},\"b\":\"x\"}", "a", HQ_JS_JSON },
	{ "{\"a\":{\"b\":[1,[2]]},\"b\":\"x\"}", "b", HQ_JS_STRING },
	{ "{\"a\":1}", "a", HQ_JS_NUMBER },
	{ "{\"a\":true}", "a", HQ_JS_BOOLEAN },
	{ "{\"a\":null}", "a", HQ_JS_NULL },
	/* Not what is written, but a damaged file may say it. */
	{ "{\"a\":[1],\"a\":{}}", "a", HQ_JS_JSON },
	{ "{\"a\":[1],\"a\":2}", "a", HQ_JS_NUMBER },
};

START_TEST(of_a_text_parsed_at_its_top_only_the_top_is_taken_apart)
{
	struct json_object *v;

	ck_assert(json_object_object_get_ex(parsed_top(tops[_i].text),
	    tops[_i].key, &v));
	ck_assert_int_eq(hq_js_type(v), tops[_i].type);
}
END_TEST

START_TEST(a_clone_is_written_like_its_original)
{
	struct json_object *v = hq_json_clone(parsed(same[_i].text));

	ck_assert_str_eq(hq_json_text(arena, v), same[_i].out);
	(void)json_object_put(v);
}
END_TEST

static const char *const bad[] = {
	"",
	" ",
	"\xef\xbb\xbf",
	"\xef\xbb\xbf\xef\xbb\xbf[]",
	"[1,]",
	"[,1]",
	"[1 2]",
	"{\"a\":1,}",
	"{,}",
	"{\"a\"}",
	"{\"a\":}",
	"{a:1}",
	"{1:1}",
	"{'a':1}",
	"['a']",
	"[",
	"]",
	"[}",
	"{]",
	"{\"a\":[}",
	"[1]]",
	"{} x",
	"1 2",
	"null null",
	"nul",
	"nulll",
	"True",
	"NULL",
	"NaN",
	"-NaN",
	"Infinity",
	"-Infinity",
	"undefined",
	"00",
	"01",
	"-01",
	"1.",
	".5",
	"-.5",
	"-",
	"+1",
	"1e",
	"1e+",
	"1.e1",
	"0x10",
	"1_0",
	"// x\n1",
	"/* x */ 1",
	"1 /* x */",
	"[1]\f",
	"\v[1]",
	"\xc2\xa0[1]",
	"[1]\xff",
	"\"a",
	"\"\n\"",
	"\"\t\"",
	"\"\x1f\"",
	"\"\\x41\"",
	"\"\\'\"",
	"\"\\u12\"",
	"\"\\u12g4\"",
	"\"\\u{1}\"",
	"\"\\ud800\\u12\"",
	"\"\\",
	"\"\\\"",
	"\"\\\0\"",
};

START_TEST(what_is_not_json_is_a_bad_request)
{
	struct json_object *v;

	ck_assert_int_eq(hq_json_parse(arena, bad[_i], strlen(bad[_i]), &v,
			     &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_int_eq(strncmp(err.msg, "not JSON at byte ", 17), 0);
	ck_assert_int_eq(hq_json_check(arena, bad[_i], strlen(bad[_i]), &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_int_eq(hq_json_parse_top(arena, bad[_i], strlen(bad[_i]), &v,
			     &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(a_nul_byte_is_not_json)
{
	static const char inside[] = "\"a\0b\"", behind[] = "[1]\0";
	struct json_object *v;

	ck_assert_int_eq(hq_json_parse(arena, inside, 5, &v, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_int_eq(hq_json_parse(arena, behind, 4, &v, &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(a_text_ends_where_its_length_says)
{
	static const char *const texts[] = { "12", "tru", "[1]", "\"a\"" };
	static const size_t lengths[] = { 1, 2, 3, 3 };
	static const char *const outs[] = { "1", NULL, "[1]", "\"a\"" };
	struct json_object *v;
	char *exact;
	size_t i;

	for (i = 0; i < 4; i++) {
		/* from the heap, so that a read behind it shows */
		ck_assert_ptr_nonnull(exact = malloc(lengths[i]));
		memcpy(exact, texts[i], lengths[i]);
		ck_assert_int_eq(hq_json_parse(arena, exact, lengths[i], &v,
				     &err),
		    outs[i] == NULL ? HQ_E_BAD_REQUEST : HQ_OK);
		if (outs[i] != NULL)
			ck_assert_str_eq(hq_json_text(arena, v), outs[i]);
		free(exact);
	}
}
END_TEST

START_TEST(a_string_in_memory_has_no_nul_byte)
{
	struct json_object *v = parsed("\"a\\u0000\\ud800\"");

	ck_assert_str_eq(json_object_get_string(v), "a\xc0\x80\xed\xa0\x80");
}
END_TEST

START_TEST(halves_that_were_joined_are_written_as_one_character)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	hq_json_write_string(&b, "\xed\xa0\xbd\xed\xb8\x80");
	ck_assert_str_eq(hq_buf_str(&b), "\"\xf0\x9f\x98\x80\"");
}
END_TEST

/* n opening brackets of either kind, and what closes them. */
static char *
nested(size_t n, bool objects)
{
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, arena);
	for (i = 0; i < n; i++)
		hq_buf_puts(&b, objects ? "{\"a\":" : "[");
	hq_buf_puts(&b, objects ? "{}" : "[]");
	for (i = 0; i < n; i++)
		hq_buf_putc(&b, objects ? '}' : ']');
	return b.p;
}

START_TEST(deep_values_are_parsed_cloned_written_and_freed)
{
	const char *text = nested(HQ_JSON_DEPTH_MAX - 1, _i == 1);
	struct json_object *v = parsed(text), *copy = hq_json_clone(v);

	ck_assert_str_eq(hq_json_text(arena, v), text);
	ck_assert_str_eq(hq_json_text(arena, copy), text);
	ck_assert(!hq_js_has_bigint(copy));
	(void)json_object_put(copy);
}
END_TEST

START_TEST(deeper_values_are_a_bad_request)
{
	const char *text = nested(HQ_JSON_DEPTH_MAX, _i == 1);
	struct json_object *v;

	ck_assert_int_eq(hq_json_parse(arena, text, strlen(text), &v, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_str_eq(err.msg, "JSON is nested deeper than 24576");
	ck_assert_int_eq(hq_json_parse_top(arena, text, strlen(text), &v, &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

START_TEST(more_containers_than_the_limit_are_too_large)
{
	struct json_object *v;
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, arena);
	for (i = 0; i < HQ_JSON_CONTAINERS_MAX; i++)
		hq_buf_puts(&b, i == 0 ? "[" : "[],");
	ck_assert_int_eq(hq_json_parse(arena, b.p, b.n, &v, &err),
	    HQ_E_BAD_REQUEST);
	hq_buf_puts(&b, "{}]");
	ck_assert_int_eq(hq_json_parse(arena, b.p, b.n, &v, &err),
	    HQ_E_PAYLOAD_TOO_LARGE);
	ck_assert_int_eq(hq_json_parse_top(arena, b.p, b.n, &v, &err),
	    HQ_E_PAYLOAD_TOO_LARGE);
}
END_TEST

START_TEST(a_failed_parse_does_not_spoil_the_next)
{
	struct json_object *v;
	const char *deep = nested(100, false);

	ck_assert_int_ne(hq_json_parse(arena, "[[[", 3, &v, &err), HQ_OK);
	ck_hq_ok(hq_json_parse(arena, deep, strlen(deep), &v, &err));
	ck_assert_str_eq(hq_json_text(arena, parsed("[12]")), "[12]");
}
END_TEST

START_TEST(a_rewritten_text_obeys_the_arenas_limit)
{
	struct hq_arena *a = hq_arena_new(1000);
	char text[2000];
	struct json_object *v;

	memset(text, 'x', sizeof(text));
	memcpy(text, "\"\xff", 2);
	text[sizeof(text) - 1] = '"';
	ck_assert_int_eq(hq_json_parse(a, text, sizeof(text), &v, &err),
	    HQ_E_PAYLOAD_TOO_LARGE);
	hq_arena_free(a);
}
END_TEST

/* ECMA-262, Number::toString. */
static const struct {
	double d;
	const char *text;
} numbers[] = {
	{ 0, "0" },
	{ -0.0, "0" },
	{ -1, "-1" },
	{ 0.1, "0.1" },
	{ 123.456, "123.456" },
	{ 1e-6, "0.000001" },
	{ 1.5e-6, "0.0000015" },
	{ 1e-7, "1e-7" },
	{ 1.5e-7, "1.5e-7" },
	{ 1e20, "100000000000000000000" },
	{ 1e21, "1e+21" },
	{ 1.25e21, "1.25e+21" },
	{ 123456789012345680000.0, "123456789012345680000" },
	{ 0x1p53, "9007199254740992" },
	{ 0x1p53 + 2, "9007199254740994" },
	{ -0x1p63, "-9223372036854776000" },
	{ 5e-324, "5e-324" },
	{ 1e-323, "1e-323" },
	{ 0x1p-1022, "2.2250738585072014e-308" },
	{ 0x1.fffffffffffffp1023, "1.7976931348623157e+308" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 5e-7 + 1, "1.0000005" },
	{ 4.35, "4.35" },
	/* the interval below a power of two is the narrow one */
	{ 0x1p-44, "5.684341886080802e-14" },
	{ 0x1p-24, "5.960464477539063e-8" },
	{ 0x1p89, "6.189700196426902e+26" },
	{ 0x1p122, "5.316911983139664e+36" },
	{ 9.5, "9.5" },
	{ INFINITY, "null" },
	{ -INFINITY, "null" },
	{ NAN, "null" },
};

START_TEST(a_number_is_written_with_its_shortest_digits)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	hq_json_write_number(&b, numbers[_i].d);
	ck_assert_str_eq(hq_buf_str(&b), numbers[_i].text);
}
END_TEST

START_TEST(an_integer_past_2_to_53_is_written_as_its_double)
{
	struct json_object *v = json_object_new_int64(9007199254740993);

	ck_assert_str_eq(hq_json_text(arena, array_of(v)),
	    "[9007199254740992]");
}
END_TEST

START_TEST(pretty_text_is_indented_by_two)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	hq_json_write_pretty(&b,
	    parsed("{\"a\":[1,{\"b\":null}],\"c\":[],\"d\":{}}"));
	ck_assert_str_eq(hq_buf_str(&b),
	    "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n"
	    "  \"c\": [],\n  \"d\": {}\n}");
}
END_TEST

/* RFC 8785; the first is the Inngest protocol's vector, the last RFC 8785's
 * own for the order of keys. */
static const struct {
	const char *text, *out;
} canonical[] = {
	{ "{\"b\":1,\"a\":{\"\xc3\xa9\":\"x<y>&\\u2028\",\"z\":[1e21,0.1,-0,1.0,"
	  "1e-7,123456789012]},\"\xe2\x82\xac\":\"\\n\\t\\\"\\\\/\","
	  "\"10\":true,\"9\":null}",
	    "{\"10\":true,\"9\":null,\"a\":{\"z\":[1e+21,0.1,0,1,1e-7,"
	    "123456789012],\"\xc3\xa9\":\"x<y>&\xe2\x80\xa8\"},\"b\":1,"
	    "\"\xe2\x82\xac\":\"\\n\\t\\\"\\\\/\"}" },
	{ "{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2,\"a\":3}",
	    "{\"a\":3,\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}" },
	{ "{\"a\":1,\"\":2,\"\\u0000\":3,\"a\\u0000\":4}",
	    "{\"\":2,\"\\u0000\":3,\"a\":1,\"a\\u0000\":4}" },
	{ "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,"
	  "\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
	    "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,"
	    "\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}" },
};

START_TEST(canonical_text_has_its_keys_in_utf16_order)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	hq_json_write_canonical(&b, parsed(canonical[_i].text));
	ck_assert_str_eq(hq_buf_str(&b), canonical[_i].out);
}
END_TEST

START_TEST(a_lone_surrogate_sorts_by_its_code_unit)
{
	ck_assert_int_gt(hq_json_compare_utf16("\xed\xb0\x80",
			     "\xf0\x9f\x98\x80"),
	    0);
	ck_assert_int_lt(hq_json_compare_utf16("\xed\xa0\x80",
			     "\xf0\x9f\x98\x80"),
	    0);
	ck_assert_int_eq(hq_json_compare_utf16("\xf0\x9f\x98\x80",
			     "\xf0\x9f\x98\x80"),
	    0);
}
END_TEST

/* A new reference to a value of each kind below a tag. */
static struct json_object *
tagged(enum hq_js type, const char *s)
{
	switch (type) {
	case HQ_JS_NAN:
		return hq_js_tag(json_object_new_double(NAN), type);
	case HQ_JS_UNDEFINED:
		return hq_js_undefined();
	case HQ_JS_SET:
	case HQ_JS_MAP:
		return hq_js_tag(json_object_new_array(), type);
	case HQ_JS_FILE:
		return hq_js_tag(json_object_new_object(), type);
	case HQ_JS_BIGINT:
	case HQ_JS_DATE:
	case HQ_JS_URL:
	case HQ_JS_REGEXP:
	case HQ_JS_NULL:
	case HQ_JS_BOOLEAN:
	case HQ_JS_NUMBER:
	case HQ_JS_STRING:
	case HQ_JS_ARRAY:
	case HQ_JS_OBJECT:
	case HQ_JS_JSON:
	case HQ_JS__MAX:
		break;
	}
	return hq_js_tag(json_object_new_string(s), type);
}

static const struct {
	enum hq_js type;
	const char *s, *out;
} tags[] = {
	{ HQ_JS_DATE, "1970-01-01T00:00:00.000Z",
	    "[\"1970-01-01T00:00:00.000Z\"]" },
	{ HQ_JS_DATE, "", "[null]" },
	{ HQ_JS_NAN, NULL, "[null]" },
	{ HQ_JS_UNDEFINED, NULL, "[null]" },
	{ HQ_JS_URL, "https://e.com/", "[\"https://e.com/\"]" },
	{ HQ_JS_REGEXP, "/a/g", "[{}]" },
	{ HQ_JS_SET, NULL, "[{}]" },
	{ HQ_JS_MAP, NULL, "[{}]" },
	{ HQ_JS_FILE, NULL, "[{}]" },
};

START_TEST(a_tagged_value_is_written_as_json_stringify_does)
{
	struct json_object *v = tagged(tags[_i].type, tags[_i].s);
	struct json_object *array = array_of(v), *copy;

	ck_assert_int_eq(hq_js_type(v), tags[_i].type);
	ck_assert_str_eq(hq_json_text(arena, array), tags[_i].out);
	copy = hq_json_clone(array);
	ck_assert_str_eq(hq_json_text(arena, copy), tags[_i].out);
	(void)json_object_put(copy);
}
END_TEST

static const struct {
	const char *text;
	enum hq_js type;
} types[] = {
	{ "null", HQ_JS_NULL },
	{ "false", HQ_JS_BOOLEAN },
	{ "1", HQ_JS_NUMBER },
	{ "1.5", HQ_JS_NUMBER },
	{ "\"\"", HQ_JS_STRING },
	{ "[]", HQ_JS_ARRAY },
	{ "{}", HQ_JS_OBJECT },
};

START_TEST(a_parsed_value_has_its_json_type)
{
	ck_assert_int_eq(hq_js_type(parsed(types[_i].text)), types[_i].type);
}
END_TEST

START_TEST(undefined_members_are_not_written)
{
	struct json_object *o = parsed("{\"a\":1,\"b\":2}");

	hq_json_put(o, "a", hq_js_undefined());
	ck_assert_str_eq(hq_json_text(arena, o), "{\"b\":2}");
	hq_json_put(o, "b", hq_js_undefined());
	ck_assert_str_eq(hq_json_text(arena, o), "{}");
}
END_TEST

static struct json_object *
own_text(const char *text)
{
	return hq_js_json(text, strlen(text));
}

START_TEST(a_value_with_its_own_text_is_written_as_it_stands)
{
	struct json_object *o = json_object_new_object(), *copy;
	struct hq_buf b;

	ck_hq_ok(hq_json_own(arena, o, &err));
	hq_json_add(o, "b", own_text("{\"y\":[1,2],\"x\":null}"));
	hq_json_add_str(o, "a", "s");
	ck_assert_str_eq(hq_json_text(arena, o),
	    "{\"b\":{\"y\":[1,2],\"x\":null},\"a\":\"s\"}");
	hq_buf_init(&b, arena);
	hq_json_write_canonical(&b, o);
	ck_assert_str_eq(hq_buf_str(&b),
	    "{\"a\":\"s\",\"b\":{\"x\":null,\"y\":[1,2]}}");
	copy = hq_json_clone(o);
	ck_hq_ok(hq_json_own(arena, copy, &err));
	ck_assert_int_eq(hq_js_type(hq_json_get(copy, "b")), HQ_JS_OBJECT);
	ck_assert_str_eq(hq_json_text(arena, copy), hq_json_text(arena, o));
}
END_TEST

START_TEST(a_writer_of_plain_json_says_what_is_not_plain)
{
	struct json_object *o = json_object_new_object();
	struct hq_buf b;

	ck_hq_ok(hq_json_own(arena, o, &err));
	hq_json_add(o, "a", own_text("[1]"));
	hq_buf_init(&b, arena);
	ck_assert(hq_json_write_plain(&b, o));
	ck_assert_str_eq(hq_buf_str(&b), "{\"a\":[1]}");
	hq_json_add(o, "b", hq_js_undefined());
	ck_assert(!hq_json_write_plain(&b, o));
	json_object_object_del(o, "b");
	hq_json_add(o, "b",
	    hq_js_tag(json_object_new_string("5"), HQ_JS_BIGINT));
	ck_assert(!hq_json_write_plain(&b, o));
}
END_TEST

START_TEST(an_object_that_keeps_its_text_goes_out_as_it_and_is_read_as_itself)
{
	struct json_object *o = parsed("{\"a\":{\"b\":1}}");
	char other[] = "{\"kept\":2}";
	struct hq_buf b;

	/* Another text than its own, so that one sees which is taken. */
	hq_js_keep_text(hq_json_get(o, "a"), other);
	ck_assert_str_eq(hq_json_text(arena, o), "{\"a\":{\"kept\":2}}");
	ck_assert_int_eq(hq_js_type(hq_json_get(o, "a")), HQ_JS_OBJECT);
	ck_assert_int_eq(hq_json_i64(hq_json_get(o, "a"), "b", 0), 1);
	hq_buf_init(&b, arena);
	ck_assert(hq_json_write_plain(&b, o));
	ck_assert_str_eq(hq_buf_str(&b), "{\"a\":{\"kept\":2}}");
	hq_buf_init(&b, arena);
	hq_json_write_canonical(&b, o);
	ck_assert_str_eq(hq_buf_str(&b), "{\"a\":{\"b\":1}}");
}
END_TEST

static const struct {
	const char *text;
	size_t depth_max;
	bool too_deep;
	const char *found; /* the value of the member "k" */
} looks[] = {
	{ "{\"a\":{\"k\":1},\"k\":[2,{}],\"b\":3}", 9, false, "[2,{}]" },
	{ "{\"a\":{\"k\":1},\"b\":3}", 9, false, "" },
	{ "{\"k\":\"x\"}", 1, false, "\"x\"" },
	{ "[{\"k\":1}]", 9, false, "" },
	{ "{\"k\":1,\"7\":2}", 9, false, "1" }, /* "7" is written first */
	{ "[[[]]]", 2, false, "" },
	{ "[[[]]]", 1, true, "" },
	{ "{\"a\":[0]}", 2, false, "" },
	{ "{\"a\":[0]}", 1, true, "" },
	{ "7", 0, false, "" },
};

START_TEST(one_pass_writes_measures_the_depth_and_finds_a_member)
{
	struct hq_json_look look = { .depth_max = looks[_i].depth_max,
		.key = "k" };
	struct json_object *v = parsed(looks[_i].text);
	struct hq_buf b;

	hq_buf_init(&b, arena);
	hq_json_write_looking(&b, v, &look);
	ck_assert_int_eq(look.too_deep, looks[_i].too_deep);
	ck_assert(!look.special);
	if (look.too_deep)
		return;
	ck_assert_str_eq(hq_buf_str(&b), hq_json_text(arena, v));
	ck_assert_uint_eq(look.end - look.at, strlen(looks[_i].found));
	ck_assert_mem_eq(b.p + look.at, looks[_i].found, look.end - look.at);
}
END_TEST

START_TEST(a_known_name_is_like_any_other_key)
{
	const char *name = hq_json_name_add("twice");
	struct json_object *o =
	    parsed("{\"twice\":1,\"b\":2,\"twice\":{\"twice\":[3,null]}}");

	ck_assert_ptr_eq(hq_json_name_add("twice"), name);
	ck_assert_ptr_eq(hq_json_name_of("twice!", 5)->key, name);
	ck_assert_ptr_null(hq_json_name_of("twice!", 6));
	ck_assert_ptr_null(hq_json_name_of("", 0));
	ck_assert_int_eq(json_object_object_length(o), 2);
	ck_assert_str_eq(hq_json_text(arena, o),
	    "{\"twice\":{\"twice\":[3,null]},\"b\":2}");
	hq_json_put_i64(o, "twice", 4);
	ck_assert_str_eq(hq_json_text(arena, o), "{\"twice\":4,\"b\":2}");
}
END_TEST

START_TEST(names_beyond_the_most_are_keys_as_they_came)
{
	const char *late = "late";
	char key[16];
	int i;

	for (i = 0; i < HQ_JSON_NAMES_MAX; i++) {
		(void)snprintf(key, sizeof(key), "name%d", i);
		ck_assert_ptr_nonnull(hq_json_name_add(key));
	}
	ck_assert_ptr_eq(hq_json_name_add(key), hq_json_name_of(key, 7)->key);
	ck_assert_ptr_eq(hq_json_name_add(late), late);
	ck_assert_ptr_null(hq_json_name_of("late", 4));
	ck_assert_str_eq(hq_json_text(arena,
			     parsed("{\"late\":1,\"name3\":2,\"late\":3}")),
	    "{\"late\":3,\"name3\":2}");
}
END_TEST

enum { LONGEST = 40 };

/* A text of n bytes, that at `at` one to be escaped, comes back as it went. */
static void
goes_and_comes(size_t n, size_t at, char mark)
{
	char text[LONGEST + 1] = { 0 };
	struct hq_buf b;

	memset(text, 'x', n);
	text[at] = mark;
	hq_buf_init(&b, arena);
	hq_json_write_string(&b, text);
	ck_assert_uint_gt(b.n, n + 2);
	ck_assert_str_eq(json_object_get_string(parsed(hq_buf_str(&b))), text);
}

START_TEST(what_needs_an_escape_is_seen_at_every_place_of_a_text)
{
	static const char marks[] = { '"', '\\', '\n', '\x1f' };
	size_t n, at;

	for (n = 1; n <= LONGEST; n++) {
		for (at = 0; at < n; at++)
			goes_and_comes(n, at, marks[_i]);
		hq_arena_reset(arena);
	}
}
END_TEST

START_TEST(a_bigint_is_found_where_it_would_be_written)
{
	struct json_object *o = parsed("{\"a\":[{}]}");
	struct json_object *set = tagged(HQ_JS_SET, NULL);

	hq_json_push(set, tagged(HQ_JS_BIGINT, "1"));
	hq_json_put(o, "set", set);
	ck_assert(!hq_js_has_bigint(o));
	hq_json_push(hq_json_get(o, "a"), tagged(HQ_JS_BIGINT, "1"));
	ck_assert(hq_js_has_bigint(o));
}
END_TEST

START_TEST(writing_a_bigint_is_a_bug)
{
	(void)hq_json_text(arena, array_of(tagged(HQ_JS_BIGINT, "1")));
}
END_TEST

START_TEST(members_are_read_by_type)
{
	struct json_object *o = parsed("{\"s\":\"x\",\"i\":7,\"d\":7.0,"
				       "\"f\":7.5,\"b\":true,\"n\":null,"
				       "\"big\":1e300}");

	hq_json_put(o, "u", hq_js_undefined());
	hq_json_put(o, "date", tagged(HQ_JS_DATE, "x"));
	ck_assert_str_eq(hq_json_str(o, "s"), "x");
	ck_assert_ptr_null(hq_json_str(o, "i"));
	ck_assert_ptr_null(hq_json_str(o, "none"));
	ck_assert_ptr_null(hq_json_str(o, "date"));
	ck_assert_ptr_null(hq_json_str(NULL, "s"));
	ck_assert_ptr_null(hq_json_get(o, "n"));
	ck_assert_ptr_null(hq_json_get(o, "u"));
	ck_assert_ptr_nonnull(hq_json_get(o, "date"));
	ck_assert_int_eq(hq_json_i64(o, "i", -1), 7);
	ck_assert_int_eq(hq_json_i64(o, "d", -1), 7);
	ck_assert_int_eq(hq_json_i64(o, "f", -1), -1);
	ck_assert_int_eq(hq_json_i64(o, "big", -1), -1);
	ck_assert_int_eq(hq_json_i64(o, "s", -1), -1);
	ck_assert(hq_json_bool(o, "b", false));
	ck_assert(!hq_json_bool(o, "u", false));
	ck_assert(hq_json_bool(o, "s", true));
}
END_TEST

START_TEST(members_are_set_in_order)
{
	struct json_object *o = parsed("{}");

	hq_json_put_str(o, "s", "x");
	hq_json_put_str(o, "n", NULL);
	hq_json_put_i64(o, "i", -5);
	hq_json_put_bool(o, "b", true);
	hq_json_put(o, "s", NULL);
	ck_assert_str_eq(hq_json_text(arena, o),
	    "{\"s\":null,\"n\":null,\"i\":-5,\"b\":true}");
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_null)
{
	struct hq_arena *a = hq_arena_new(100);

	ck_assert_ptr_null(hq_json_text(a, parsed("[1,2,3]")));
	hq_arena_free(a);
}
END_TEST

static TCase *
parse_case(void)
{
	TCase *tc = tcase_create("parse");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_loop_test(tc, a_text_comes_out_as_from_javascript, 0,
	    N_ROWS(same));
	tcase_add_loop_test(tc, a_text_survives_a_second_pass, 0, N_ROWS(same));
	tcase_add_loop_test(tc,
	    a_text_parsed_at_its_top_is_written_as_one_that_is_parsed, 0,
	    N_ROWS(same));
	tcase_add_loop_test(tc,
	    of_a_text_parsed_at_its_top_only_the_top_is_taken_apart, 0,
	    N_ROWS(tops));
	tcase_add_loop_test(tc, a_clone_is_written_like_its_original, 0,
	    N_ROWS(same));
	tcase_add_loop_test(tc, what_is_not_json_is_a_bad_request, 0,
	    N_ROWS(bad));
	tcase_add_test(tc, a_nul_byte_is_not_json);
	tcase_add_test(tc, a_text_ends_where_its_length_says);
	tcase_add_test(tc, a_string_in_memory_has_no_nul_byte);
	tcase_add_loop_test(tc, deep_values_are_parsed_cloned_written_and_freed,
	    0, 2);
	tcase_add_loop_test(tc, deeper_values_are_a_bad_request, 0, 2);
	tcase_add_loop_test(tc, deeper_values_are_a_bad_request, 0, 2);
	tcase_add_test(tc, more_containers_than_the_limit_are_too_large);
	tcase_add_test(tc, a_failed_parse_does_not_spoil_the_next);
	tcase_add_test(tc, a_rewritten_text_obeys_the_arenas_limit);
	return tc;
}

static TCase *
write_case(void)
{
	TCase *tc = tcase_create("write");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_loop_test(tc, a_number_is_written_with_its_shortest_digits, 0,
	    N_ROWS(numbers));
	tcase_add_test(tc, an_integer_past_2_to_53_is_written_as_its_double);
	tcase_add_test(tc,
	    halves_that_were_joined_are_written_as_one_character);
	tcase_add_test(tc, pretty_text_is_indented_by_two);
	tcase_add_loop_test(tc, canonical_text_has_its_keys_in_utf16_order, 0,
	    N_ROWS(canonical));
	tcase_add_test(tc, a_lone_surrogate_sorts_by_its_code_unit);
	tcase_add_test(tc, a_text_that_does_not_fit_is_null);
	return tc;
}

static TCase *
value_case(void)
{
	TCase *tc = tcase_create("value");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_loop_test(tc,
	    a_tagged_value_is_written_as_json_stringify_does, 0, N_ROWS(tags));
	tcase_add_loop_test(tc, a_parsed_value_has_its_json_type, 0,
	    N_ROWS(types));
	tcase_add_test(tc, undefined_members_are_not_written);
	tcase_add_test(tc, a_value_with_its_own_text_is_written_as_it_stands);
	tcase_add_test(tc, a_writer_of_plain_json_says_what_is_not_plain);
	tcase_add_test(tc,
	    an_object_that_keeps_its_text_goes_out_as_it_and_is_read_as_itself);
	tcase_add_loop_test(tc,
	    one_pass_writes_measures_the_depth_and_finds_a_member, 0,
	    N_ROWS(looks));
	tcase_add_test(tc, a_known_name_is_like_any_other_key);
	tcase_add_test(tc, names_beyond_the_most_are_keys_as_they_came);
	tcase_add_loop_test(tc,
	    what_needs_an_escape_is_seen_at_every_place_of_a_text, 0, 4);
	tcase_add_test(tc, a_bigint_is_found_where_it_would_be_written);
	tcase_add_test_raise_signal(tc, writing_a_bigint_is_a_bug, SIGABRT);
	tcase_add_test(tc, members_are_read_by_type);
	tcase_add_test(tc, members_are_set_in_order);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("json");

	hq_process_stack();
	suite_add_tcase(s, parse_case());
	suite_add_tcase(s, write_case());
	suite_add_tcase(s, value_case());
	return run_suite(s);
}

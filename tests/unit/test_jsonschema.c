#include "coordtest.h"
#include "domain/coordination/jsonschema.h"

static const struct {
	const char *schema, *value; /* ' for " */
	const char *fault;          /* NULL: it fits */
} rows[] = {
	{ "{}", "1", NULL },
	{ "{'type':'string'}", "'a'", NULL },
	{ "{'type':'string'}", "1", "output must be string" },
	{ "{'type':'object'}", "[]", "output must be object" },
	{ "{'type':'array'}", "{}", "output must be array" },
	{ "{'type':'number'}", "1.5", NULL },
	{ "{'type':'integer'}", "2", NULL },
	{ "{'type':'integer'}", "2.0", NULL },
	{ "{'type':'integer'}", "1.5", "output must be integer" },
	{ "{'type':'boolean'}", "null", "output must be boolean" },
	{ "{'type':'null'}", "null", NULL },
	{ "{'type':'null'}", "0", "output must be null" },
	{ "{'type':'date'}", "'x'", "output must be date" },
	{ "{'type':['string','null']}", "null", NULL },
	{ "{'type':['string',1]}", "1", "output must be string" },
	{ "{'type':['string','null']}", "1", "output must be string or null" },
	{ "{'type':[1]}", "1", NULL },
	{ "{'properties':{'a':{'items':{'properties':{'b':{'type':'string'}}}}}}",
	    "{'a':[{'b':1}]}", "output.a[0].b must be string" },
	{ "{'properties':{'a b':{'type':'null'}}}", "{'a b':1}",
	    "output[\"a b\"] must be null" },
	{ "{'properties':{'a':{'type':'null'}}}", "{}", NULL },
	{ "{'required':['a','b']}", "{'a':null}", "output.b is required" },
	{ "{'required':['a']}", "'text'", NULL },
	{ "{'items':{'type':'integer'}}", "[1,2,'3']",
	    "output[2] must be integer" },
	{ "{'items':{'type':'integer'}}", "[]", NULL },
	{ "{'enum':[1,'a',{'b':1}]}", "{'b':1}", NULL },
	{ "{'enum':[1,'a']}", "1.0", NULL },
	{ "{'enum':[1,'a']}", "'1'",
	    "output must be one of the values of its enum" },
	{ "{'properties':{'a':{}},'additionalProperties':false}", "{'a':1}",
	    NULL },
	{ "{'properties':{'a':{}},'additionalProperties':false}", "{'b':1}",
	    "output.b is not allowed" },
	{ "{'additionalProperties':{'type':'string'}}", "{'a':'x','b':1}",
	    "output.b must be string" },
	{ "{'additionalProperties':true}", "{'a':1}", NULL },
	{ "{'allOf':[{'required':['a']},{'required':['b']}]}", "{'a':1}",
	    "output.b is required" },
	{ "{'anyOf':[{'type':'string'},{'type':'null'}]}", "null", NULL },
	{ "{'anyOf':[{'type':'string'},{'type':'null'}]}", "1",
	    "output must fit one of its anyOf" },
	{ "{'oneOf':[{'type':'number'},{'type':'integer'}]}", "1.5", NULL },
	{ "{'oneOf':[{'type':'number'},{'type':'integer'}]}", "1",
	    "output must fit exactly one of its oneOf" },
	{ "{'properties':{'a':false}}", "{'a':1}", "output.a is not allowed" },
	{ "{'required':1,'properties':[],'items':2,'enum':{},'anyOf':1,"
	  "'description':'d'}",
	    "{}", NULL },
};

START_TEST(the_first_wrong_place_is_named)
{
	const char *path = NULL,
		   *got = hq_coord_schema_fault(arena, json(rows[_i].schema),
		       "output", json(rows[_i].value), &path);

	if (rows[_i].fault == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, rows[_i].fault);
	if (got != NULL)
		ck_assert_int_eq(strncmp(got, path, strlen(path)), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jsonschema");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_loop_test(tc, the_first_wrong_place_is_named, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(s, tc);
	return run_suite(s);
}

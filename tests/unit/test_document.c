#include "hqtest.h"
#include "proto/orpc/document.h"

static enum hq_rc
nothing(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)c;
	(void)in;
	(void)e;
	*ret_out = NULL;
	return HQ_OK;
}

static bool recorded;

/* The document of a contract whose procedures have these names. */
static const char *
document_of(const char *procedures, const char *const *names)
{
	struct hq_binding *b = HQ_NEW(arena, struct hq_binding, 8);
	struct hq_plugin plugin = { .handlers = b };
	struct hq_composed rows[2] = { { .kind = HQ_KIND_API,
					   .capability = "x",
					   .name = "x",
					   .dir = "x",
					   .plugin = &plugin },
		{ 0 } };
	struct hq_procs procs;
	size_t i;

	for (i = 0; names[i] != NULL; i++) {
		b[i].name = names[i];
		b[i].handle = nothing;
	}
	rows[0].contract =
	    hq_arena_printf(arena, "{\"procedures\":%s}", procedures);
	ck_hq_ok(hq_procs_load(rows, 1u << HQ_KIND_API, arena, &procs, &err));
	return hq_openapi_document(&procs, "T", "1", "http://h", recorded,
	    arena);
}

static const char *
name_of(const char *procedures)
{
	return hq_arena_copy(arena, procedures + 2,
	    strcspn(procedures + 2, "\""));
}

#define DOC(paths) \
	"{\"info\":{\"title\":\"T\",\"version\":\"1\"}," \
	"\"servers\":[{\"url\":\"http://h\"}],\"openapi\":\"3.1.1\"," \
	"\"paths\":" paths "}"

/* One procedure each, and its paths as @orpc/openapi 1.16.1 writes them. */
static const struct row {
	const char *procedures, *paths;
} rows[] = {
	/* parameters of a query */
	{ "{\"find\":{\"route\":{\"method\":\"GET\",\"path\":\"/items\","
	  "\"summary\":\"Find\",\"description\":\"All of them\",\"depreca"
	  "ted\":true,\"tags\":[\"a\",\"b\"]},\"input\":{\"type\":\"objec"
	  "t\",\"required\":[\"q\"],\"properties\":{\"q\":{\"type\":\"str"
	  "ing\"},\"n\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"ar"
	  "ray\",\"items\":{\"type\":\"integer\"}}]},\"level\":{\"anyOf\""
	  ":[{\"type\":\"string\",\"const\":\"low\"},{\"type\":\"string\""
	  ",\"const\":\"high\"}]},\"where\":{\"type\":\"object\"},\"tags"
	  "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}},\"ou"
	  "tput\":{\"title\":\"Anything\"}}}",
	    "{\"/items\":{\"get\":{\"operationId\":\"x.find\",\"summary\":"
	    "\"Find\",\"description\":\"All of them\",\"deprecated\":true,"
	    "\"tags\":[\"a\",\"b\"],\"parameters\":[{\"name\":\"q\",\"in\":"
	    "\"query\",\"required\":true,\"schema\":{\"type\":\"string\"},"
	    "\"allowEmptyValue\":true,\"allowReserved\":true},{\"name\":\"n"
	    "\",\"in\":\"query\",\"required\":false,\"schema\":{\"anyOf\":["
	    "{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"type\""
	    ":\"integer\"}}]},\"allowEmptyValue\":true,\"allowReserved\":tr"
	    "ue},{\"name\":\"level\",\"in\":\"query\",\"required\":false,\""
	    "schema\":{\"anyOf\":[{\"type\":\"string\",\"const\":\"low\"},{"
	    "\"type\":\"string\",\"const\":\"high\"}]},\"allowEmptyValue\":"
	    "true,\"allowReserved\":true},{\"name\":\"where\",\"in\":\"quer"
	    "y\",\"required\":false,\"schema\":{\"type\":\"object\"},\"styl"
	    "e\":\"deepObject\",\"explode\":true,\"allowEmptyValue\":true,"
	    "\"allowReserved\":true},{\"name\":\"tags\",\"in\":\"query\",\""
	    "required\":false,\"schema\":{\"type\":\"array\",\"items\":{\"t"
	    "ype\":\"string\"}},\"style\":\"deepObject\",\"explode\":true,"
	    "\"allowEmptyValue\":true,\"allowReserved\":true}],\"responses"
	    "\":{\"200\":{\"description\":\"OK\",\"content\":{}}}}}}" },
	/* a GET of anything */
	{ "{\"all\":{\"route\":{\"method\":\"GET\",\"path\":\"/all\"},\"i"
	  "nput\":{},\"output\":{\"type\":\"string\"}}}",
	    "{\"/all\":{\"get\":{\"operationId\":\"x.all\",\"responses\":{"
	    "\"200\":{\"description\":\"OK\",\"content\":{\"application/jso"
	    "n\":{\"schema\":{\"type\":\"string\"}}}}}}}}" },
	/* no required member */
	{ "{\"opt\":{\"route\":{\"method\":\"GET\",\"path\":\"/opt\"},\"i"
	  "nput\":{\"type\":\"object\",\"properties\":{\"q\":{\"const\":1"
	  "}}},\"output\":{\"type\":\"string\"}}}",
	    "{\"/opt\":{\"get\":{\"operationId\":\"x.opt\",\"parameters\":["
	    "{\"name\":\"q\",\"in\":\"query\",\"schema\":{\"const\":1},\"al"
	    "lowEmptyValue\":true,\"allowReserved\":true}],\"responses\":{"
	    "\"200\":{\"description\":\"OK\",\"content\":{\"application/jso"
	    "n\":{\"schema\":{\"type\":\"string\"}}}}}}}}" },
	/* a body besides parameters, errors */
	{ "{\"put\":{\"route\":{\"method\":\"PUT\",\"path\":\"/items/{id}"
	  "/{+rest}\",\"operationId\":\"putItem\",\"successStatus\":201},"
	  "\"input\":{\"type\":\"object\",\"title\":\"Put\",\"properties"
	  "\":{\"rest\":{\"type\":\"string\"},\"a\":{\"type\":\"string\"}"
	  ",\"id\":{\"type\":\"string\",\"minLength\":1}},\"required\":["
	  "\"id\",\"a\",\"rest\"],\"additionalProperties\":false,\"exampl"
	  "es\":[{\"id\":\"1\",\"a\":\"x\"}]},\"output\":{\"type\":\"obje"
	  "ct\"},\"errors\":{\"GONE\":{\"status\":404,\"message\":\"gone"
	  "\",\"data\":{\"type\":\"object\"},\"defined\":true},\"HIDDEN\""
	  ":{\"status\":404},\"CONFLICT\":{\"status\":409,\"defined\":tru"
	  "e},\"LOST\":{\"status\":404,\"message\":\"lost\",\"defined\":t"
	  "rue}}}}",
	    "{\"/items/{id}/{rest}\":{\"put\":{\"operationId\":\"putItem\","
	    "\"parameters\":[{\"name\":\"id\",\"in\":\"path\",\"required\":"
	    "true,\"schema\":{\"type\":\"string\",\"minLength\":1}},{\"name"
	    "\":\"rest\",\"in\":\"path\",\"required\":true,\"schema\":{\"ty"
	    "pe\":\"string\"}}],\"requestBody\":{\"required\":true,\"conten"
	    "t\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"t"
	    "itle\":\"Put\",\"properties\":{\"a\":{\"type\":\"string\"}},\""
	    "required\":[\"a\"],\"additionalProperties\":false,\"examples\""
	    ":[{\"a\":\"x\"}]}}}},\"responses\":{\"201\":{\"description\":"
	    "\"OK\",\"content\":{\"application/json\":{\"schema\":{\"type\""
	    ":\"object\"}}}},\"404\":{\"description\":\"404\",\"content\":{"
	    "\"application/json\":{\"schema\":{\"oneOf\":[{\"type\":\"objec"
	    "t\",\"properties\":{\"defined\":{\"const\":true},\"code\":{\"c"
	    "onst\":\"GONE\"},\"status\":{\"const\":404},\"message\":{\"typ"
	    "e\":\"string\",\"default\":\"gone\"},\"data\":{\"type\":\"obje"
	    "ct\"}},\"required\":[\"defined\",\"code\",\"status\",\"message"
	    "\",\"data\"]},{\"type\":\"object\",\"properties\":{\"defined\""
	    ":{\"const\":true},\"code\":{\"const\":\"LOST\"},\"status\":{\""
	    "const\":404},\"message\":{\"type\":\"string\",\"default\":\"lo"
	    "st\"},\"data\":{}},\"required\":[\"defined\",\"code\",\"status"
	    "\",\"message\"]},{\"type\":\"object\",\"properties\":{\"define"
	    "d\":{\"const\":false},\"code\":{\"type\":\"string\"},\"status"
	    "\":{\"type\":\"number\"},\"message\":{\"type\":\"string\"},\"d"
	    "ata\":{}},\"required\":[\"defined\",\"code\",\"status\",\"mess"
	    "age\"]}]}}}},\"409\":{\"description\":\"409\",\"content\":{\"a"
	    "pplication/json\":{\"schema\":{\"oneOf\":[{\"type\":\"object\""
	    ",\"properties\":{\"defined\":{\"const\":true},\"code\":{\"cons"
	    "t\":\"CONFLICT\"},\"status\":{\"const\":409},\"message\":{\"ty"
	    "pe\":\"string\",\"default\":\"Conflict\"},\"data\":{}},\"requi"
	    "red\":[\"defined\",\"code\",\"status\",\"message\"]},{\"type\""
	    ":\"object\",\"properties\":{\"defined\":{\"const\":false},\"co"
	    "de\":{\"type\":\"string\"},\"status\":{\"type\":\"number\"},\""
	    "message\":{\"type\":\"string\"},\"data\":{}},\"required\":[\"d"
	    "efined\",\"code\",\"status\",\"message\"]}]}}}}}}}}" },
	/* parameters only */
	{ "{\"drop\":{\"route\":{\"method\":\"DELETE\",\"path\":\"/items/"
	  "{id}\"},\"input\":{\"type\":\"object\",\"required\":[\"id\"],"
	  "\"properties\":{\"id\":{\"type\":\"string\"}},\"additionalProp"
	  "erties\":false},\"output\":{\"type\":\"null\"}}}",
	    "{\"/items/{id}\":{\"delete\":{\"operationId\":\"x.drop\",\"par"
	    "ameters\":[{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
	    "\"schema\":{\"type\":\"string\"}}],\"responses\":{\"200\":{\"d"
	    "escription\":\"OK\",\"content\":{\"application/json\":{\"schem"
	    "a\":{\"type\":\"null\"}}}}}}}}" },
	/* path and query */
	{ "{\"get\":{\"route\":{\"method\":\"GET\",\"path\":\"/items/{id}"
	  "\"},\"input\":{\"type\":\"object\",\"required\":[\"id\"],\"pro"
	  "perties\":{\"id\":{\"type\":\"string\"},\"v\":{\"type\":\"bool"
	  "ean\"}}},\"output\":{\"type\":\"null\"}}}",
	    "{\"/items/{id}\":{\"get\":{\"operationId\":\"x.get\",\"paramet"
	    "ers\":[{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"sc"
	    "hema\":{\"type\":\"string\"}},{\"name\":\"v\",\"in\":\"query\""
	    ",\"schema\":{\"type\":\"boolean\"},\"allowEmptyValue\":true,\""
	    "allowReserved\":true}],\"responses\":{\"200\":{\"description\""
	    ":\"OK\",\"content\":{\"application/json\":{\"schema\":{\"type"
	    "\":\"null\"}}}}}}}}" },
	/* a body of anything */
	{ "{\"fire\":{\"route\":{\"method\":\"POST\",\"path\":\"/fire\"},"
	  "\"input\":{\"description\":\"whatever\"},\"output\":{\"type\":"
	  "\"null\"}}}",
	    "{\"/fire\":{\"post\":{\"operationId\":\"x.fire\",\"responses\""
	    ":{\"200\":{\"description\":\"OK\",\"content\":{\"application/j"
	    "son\":{\"schema\":{\"type\":\"null\"}}}}}}}}" },
};

START_TEST(a_procedure_is_described_as_the_reference_does)
{
	const struct row *r = &rows[_i];
	const char *names[] = { name_of(r->procedures), NULL };
	char *want = hq_arena_printf(arena, DOC("%s"), r->paths);

	ck_assert_str_eq(document_of(r->procedures, names), want);
}
END_TEST

#define PROC(method, path) \
	"{\"route\":{\"method\":\"" method "\",\"path\":\"" path "\"}," \
	"\"input\":{},\"output\":{}}"
#define OPERATION(id) \
	"{\"operationId\":\"" id "\",\"responses\":" \
	"{\"200\":{\"description\":\"OK\",\"content\":{}}}}"

START_TEST(procedures_of_one_path_stand_together)
{
	static const char *const names[] = { "a", "b", "c", NULL };

	ck_assert_str_eq(document_of("{\"a\":" PROC("GET",
					 "/p") ",\"b\":" PROC("GET",
					 "/q") ",\"c\":" PROC("POST", "/p") "}",
			     names),
	    DOC("{\"/p\":{\"get\":" OPERATION("x.a") ",\"post\":" OPERATION(
		"x.c") "},\"/q\":{\"get\":" OPERATION("x.b") "}}"));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define EXTENDED \
	"{\"a\":{\"route\":{\"method\":\"POST\",\"path\":\"/a\"},\"input\":" \
	"{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}," \
	"\"y\":{\"x-rawr-extension\":true,\"type\":\"object\",\"properties\":" \
	"{\"z\":{\"x-rawr-extension\":true,\"type\":\"null\"}}}}},\"output\":" \
	"{\"type\":\"object\"}}}"

START_TEST(an_extension_is_shown_without_its_mark)
{
	const char *const names[] = { "a", NULL };
	const char *got;

	recorded = false;
	got = document_of(EXTENDED, names);
	ck_assert_ptr_nonnull(strstr(got,
	    "\"properties\":{\"x\":{\"type\":\"string\"},\"y\":{\"type\":"
	    "\"object\",\"properties\":{\"z\":{\"type\":\"null\"}}}}"));
	ck_assert_ptr_null(strstr(got, "x-rawr-extension"));
}
END_TEST

START_TEST(an_extension_is_not_in_the_recorded_document)
{
	const char *const names[] = { "a", NULL };

	recorded = true;
	ck_assert_ptr_nonnull(strstr(document_of(EXTENDED, names),
	    "\"properties\":{\"x\":{\"type\":\"string\"}}}"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("document");
	TCase *t = tcase_create("document");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, a_procedure_is_described_as_the_reference_does,
	    0, COUNT(rows));
	tcase_add_test(t, procedures_of_one_path_stand_together);
	tcase_add_test(t, an_extension_is_shown_without_its_mark);
	tcase_add_test(t, an_extension_is_not_in_the_recorded_document);
	suite_add_tcase(s, t);
	return run_suite(s);
}

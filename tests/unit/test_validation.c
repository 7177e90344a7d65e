#include "coordtest.h"

#include "domain/coordination/graph.h"
#include "domain/coordination/ids.h"
#include "domain/coordination/validation.h"

#define A DESK("a", "desk:analysis", "false")
#define B DESK("b", "desk:analysis", "false")
#define J DESK("j", "desk:join", "false")

static const struct {
	const char *workflow;
	const char *errors; /* ' for " */
} rows[] = {
	{ WORKFLOW("w", "a", A, ""), "" },
	{ WORKFLOW("bad id!", "a", A, ""),
	    "{'code':'INVALID_WORKFLOW_ID_FORMAT','message':'Workflow workflowId contains unsupported characters: bad id!'}" },
	{ WORKFLOW(" ", "a", A, ""),
	    "{'code':'MISSING_WORKFLOW_ID','message':'Workflow is missing workflowId'}" },
	{ WORKFLOW("w", "ghost", A, ""),
	    "{'code':'MISSING_ENTRY_DESK','message':'Entry desk ghost is missing from desks[]','deskId':'ghost'},{'code':'DISCONNECTED_DESK','message':'Desk a is not reachable from entry desk ghost','deskId':'a'}" },
	{ WORKFLOW("w", "a", A "," A, ""),
	    "{'code':'DUPLICATE_DESK_ID','message':'Duplicate deskId detected: a','deskId':'a'}" },
	{ WORKFLOW("w", "-x", DESK("-x", "nope", "false"), ""),
	    "{'code':'INVALID_DESK_ID_FORMAT','message':'Desk id contains unsupported characters: -x','deskId':'-x'},{'code':'UNKNOWN_DESK_KIND','message':'Unknown desk kind for -x: nope','deskId':'-x'}" },
	{ WORKFLOW("w", "a", DESK("a", "desk:qa", "true,'ttlSeconds':0"), ""),
	    "{'code':'INVALID_MEMORY_SCOPE','message':'Desk a has invalid ttlSeconds; expected positive integer','deskId':'a'}" },
	{ WORKFLOW("w", "a", A, HANDOFF("bad h", "q", "p")),
	    "{'code':'INVALID_HANDOFF_ID_FORMAT','message':'Handoff id contains unsupported characters: bad h','handoffId':'bad h'},{'code':'EDGE_UNKNOWN_SOURCE','message':'Handoff bad h source desk does not exist: q','handoffId':'bad h','deskId':'q'}" },
	{ WORKFLOW("w", "a", A, HANDOFF("h", "a", "p")),
	    "{'code':'EDGE_UNKNOWN_TARGET','message':'Handoff h target desk does not exist: p','handoffId':'h','deskId':'p'}" },
	{ WORKFLOW("w", "a", A "," B,
	      HANDOFF("h", "a", "b") "," HANDOFF("i", "a", "b")),
	    "{'code':'ILLEGAL_FAN_IN_WITHOUT_JOIN','message':'Desk b has 2 inbound handoffs and must be kind desk:join','deskId':'b'}" },
	{ WORKFLOW("w", "a", A "," J,
	      HANDOFF("h", "a", "j") "," HANDOFF("i", "j", "j")),
	    "{'code':'CYCLE_DETECTED','message':'Workflow graph contains a cycle'}" },
	{ WORKFLOW("w", "a", A "," B, ""),
	    "{'code':'DISCONNECTED_DESK','message':'Desk b is not reachable from entry desk a','deskId':'b'}" },
};

/* Only in a workflow with an executor somewhere. */
#define MORE(id, kind, more) DESK(id, kind, "false}," more ",'x':{'y':0")
#define ECHO "'executor':{'kind':'echo'}"
#define LINE(a, b, over) \
	WORKFLOW("w", "a", a "," b, \
	    "{'handoffId':'h','fromDeskId':'a','toDeskId':'b'," over "}")

static const struct {
	const char *workflow;
	const char *errors; /* ' for " */
} live_rows[] = {
	{ LINE(MORE("a", "desk:qa", ECHO), B,
	      "'condition':'output.x == 1 && input.y','mappingRefs':{'k':'desk'}"),
	    "" },
	{ LINE(A, B, "'condition':'$.x','mappingRefs':{'k':'$.y'}"), "" },
	{ LINE(MORE("a", "desk:qa", ECHO), B,
	      "'condition':'','mappingRefs':{}"),
	    "" },
	{ LINE(MORE("a", "desk:qa", ECHO), B, "'condition':'a.b =='"),
	    "{'code':'INVALID_CONDITION','message':'Handoff h condition is invalid: expected a value at 6','handoffId':'h'}" },
	{ LINE(MORE("a", "desk:qa", ECHO), B, "'condition':'1 < size(outptu)'"),
	    "{'code':'INVALID_CONDITION','message':'Handoff h condition is invalid: outptu is not output, input or desk at 9','handoffId':'h'}" },
	{ LINE(MORE("a", "desk:qa", ECHO), B,
	      "'mappingRefs':{'k':'output.','l':'desk','m':7}"),
	    "{'code':'INVALID_MAPPING','message':'Handoff h mapping of k is invalid: expected a name at 7','handoffId':'h'},{'code':'INVALID_MAPPING','message':'Handoff h mapping of m is invalid: it is not a string at 0','handoffId':'h'}" },
	{ LINE(MORE("a", "desk:qa", ECHO),
	      "{'deskId':'b','kind':'desk:qa','name':'n','inputSchema':{'type':'object','required':['r','s']},'outputSchema':{},'memoryScope':{'persist':false}}",
	      "'mappingRefs':{'r':'1'}"),
	    "{'code':'INVALID_MAPPING','message':'Handoff h does not map s, which desk b requires','handoffId':'h'}" },
	{ LINE(MORE("a", "desk:qa", "'executor':{'kind':'robot'}"), B,
	      "'condition':'1'"),
	    "{'code':'INVALID_EXECUTOR','message':'Desk a executor kind is unknown: robot','deskId':'a'}" },
	{ LINE(MORE("a", "desk:qa",
		   "'executor':{'kind':'http','url':'file:///x'}"),
	      MORE("b", "desk:qa",
		  "'executor':{'kind':'http','url':'https://h/x'}"),
	      "'condition':'1'"),
	    "{'code':'INVALID_EXECUTOR','message':'Desk a executor url is not a plain http or https URL: file:///x','deskId':'a'}" },
	{ LINE(MORE("a", "desk:qa", "'executor':{'kind':'function'}"),
	      MORE("b", "desk:qa",
		  "'executor':{'kind':'agent','leaseSeconds':3601}"),
	      "'condition':'1'"),
	    "{'code':'INVALID_EXECUTOR','message':'Desk a executor names no functionId','deskId':'a'},{'code':'INVALID_EXECUTOR','message':'Desk b executor leaseSeconds must be 1 to 3600','deskId':'b'}" },
	{ LINE(MORE("a", "desk:qa", ECHO),
	      MORE("b", "desk:qa",
		  "'rework':{'toDeskId':'a','when':'output.bad','maxRounds':10}"),
	      "'condition':'1'"),
	    "" },
	{ LINE(MORE("a", "desk:analysis",
		   ECHO ",'rework':{'toDeskId':'b','when':'(','maxRounds':11}"),
	      MORE("b", "desk:qa",
		  "'rework':{'toDeskId':'b','when':'1','maxRounds':0}"),
	      "'condition':'1'"),
	    "{'code':'INVALID_REWORK','message':'Desk a has rework and is not kind desk:qa','deskId':'a'},{'code':'INVALID_REWORK','message':'Desk a rework.toDeskId is no desk before it: b','deskId':'a'},{'code':'INVALID_REWORK','message':'Desk a rework.maxRounds must be 1 to 10','deskId':'a'},{'code':'INVALID_REWORK','message':'Desk a rework.when is invalid: expected a value at 1','deskId':'a'},{'code':'INVALID_REWORK','message':'Desk b rework.toDeskId is no desk before it: b','deskId':'b'},{'code':'INVALID_REWORK','message':'Desk b rework.maxRounds must be 1 to 10','deskId':'b'}" },
	{ LINE(A, MORE("b", "desk:qa", "'rework':7,'onTimeout':8"),
	      "'condition':'('"),
	    "" },
	{ LINE(MORE("a", "desk:qa", ECHO), MORE("b", "desk:qa", "'rework':7"),
	      "'condition':'1'"),
	    "{'code':'INVALID_REWORK','message':'Desk b rework.toDeskId is no desk before it: ','deskId':'b'},{'code':'INVALID_REWORK','message':'Desk b rework.maxRounds must be 1 to 10','deskId':'b'},{'code':'INVALID_REWORK','message':'Desk b rework.when is invalid: expected a value at 0','deskId':'b'}" },
};

START_TEST(each_fault_of_live_desks_has_its_code_and_text)
{
	struct json_object *result;
	const char *want;

	ck_hq_ok(hq_coord_validate(arena, json(live_rows[_i].workflow), &result,
	    &err));
	want = hq_arena_printf(arena, "{'ok':%s,'errors':[%s]}",
	    live_rows[_i].errors[0] == '\0' ? "true" : "false",
	    live_rows[_i].errors);
	ck_assert_str_eq(hq_json_text(arena, result),
	    hq_json_text(arena, json(want)));
}
END_TEST

START_TEST(each_fault_has_its_code_and_text)
{
	struct json_object *result;
	const char *want;

	ck_hq_ok(
	    hq_coord_validate(arena, json(rows[_i].workflow), &result, &err));
	want = hq_arena_printf(arena, "{'ok':%s,'errors':[%s]}",
	    rows[_i].errors[0] == '\0' ? "true" : "false", rows[_i].errors);
	ck_assert_str_eq(hq_json_text(arena, result),
	    hq_json_text(arena, json(want)));
}
END_TEST

static const struct {
	const char *output, *input;
	bool ok;
} schemas[] = {
	{ "{'type':'string'}", "{}", true },
	{ "{}", "{'type':'string'}", false },
	{ "{'type':'integer'}", "{'type':'number'}", true },
	{ "{'type':'number'}", "{'type':'integer'}", false },
	{ "{'type':'object'}", "{'type':'object','required':['a']}", false },
	{ "{'type':'object','properties':{'a':{'type':'string'}}}",
	    "{'type':'object','required':['a'],'properties':{'a':{'type':'string'}}}",
	    true },
	{ "{'type':'object','properties':{'a':{'type':'string'}}}",
	    "{'type':'object','properties':{'a':{'type':'null'}}}", true },
	{ "{'type':'array'}", "{'type':'array','items':{'type':'null'}}",
	    false },
	{ "{'type':'array'}", "{'type':'array'}", true },
};

START_TEST(an_output_satisfies_what_asks_for_no_more)
{
	ck_assert(hq_coord_assignable(json(schemas[_i].output),
		      json(schemas[_i].input)) == schemas[_i].ok);
}
END_TEST

START_TEST(a_document_of_any_shape_is_judged_without_harm)
{
	static const char *const docs[] = { "[]", "null", "3", "{}",
		"{'desks':[1,null,{}],'handoffs':[null,[]]}",
		"{'desks':{},'handoffs':'x'}" };
	struct json_object *result;

	ck_hq_ok(hq_coord_validate(arena, json(docs[_i]), &result, &err));
	ck_assert(!hq_json_bool(result, "ok", true));
}
END_TEST

START_TEST(an_id_has_1_to_128_characters_of_its_alphabet)
{
	char id[131];

	memset(id, 'a', sizeof(id));
	id[128] = '\0';
	ck_assert(hq_coord_id_ok(id));
	id[128] = 'a';
	id[129] = '\0';
	ck_assert(!hq_coord_id_ok(id));
	ck_assert(hq_coord_id_ok("A1._-"));
	ck_assert(!hq_coord_id_ok("") && !hq_coord_id_ok(".a"));
	ck_assert(!hq_coord_id_ok("a b") && !hq_coord_id_ok("\xc3\xa4"));
}
END_TEST

START_TEST(trim_takes_the_white_space_of_javascript)
{
	ck_assert_str_eq(hq_coord_trim(arena,
			     "\xc2\xa0\xef\xbb\xbf a b\xe2\x80\x83\r\n"),
	    "a b");
	ck_assert_str_eq(hq_coord_trim(arena, " \t"), "");
}
END_TEST

START_TEST(ids_sort_as_locale_compare_does)
{
	static const char *const sorted[] = { "order", "order_b", "order-b",
		"order.b", "order1", "order10", "order2", "ordera", "orderb",
		"orderB", "Orderb", "s-good", "v_ok.1-2", "v-128", "v-c1",
		"v-c10", "v-c12", "v-c3" };
	size_t i;

	for (i = 1; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
		ck_assert_int_lt(hq_coord_id_compare(sorted[i - 1], sorted[i]),
		    0);
		ck_assert_int_gt(hq_coord_id_compare(sorted[i], sorted[i - 1]),
		    0);
	}
}
END_TEST

START_TEST(a_desk_comes_after_all_that_hand_to_it)
{
	/* a -> b -> j and a -> c -> d -> j: uneven branches. */
	struct json_object *w = json(WORKFLOW("w", "a",
	    A "," J "," B "," DESK("c", "desk:qa", "false") "," DESK("d",
		"desk:qa", "false"),
	    HANDOFF("1", "a", "b") "," HANDOFF("2", "a", "c") "," HANDOFF("3",
		"c",
		"d") "," HANDOFF("4", "b", "j") "," HANDOFF("5", "d", "j")));
	struct hq_graph g;
	size_t i, n;
	char got[8] = "";
	int *order;

	ck_hq_ok(hq_graph_make(arena, w, &g, &err));
	ck_hq_ok(hq_graph_order(arena, &g, &order, &n, &err));
	for (i = 0; i < n; i++)
		got[i] = g.id[order[i]][0];
	ck_assert_str_eq(got, "abcdj");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("validation");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_loop_test(tc, each_fault_has_its_code_and_text, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tc, each_fault_of_live_desks_has_its_code_and_text,
	    0, sizeof(live_rows) / sizeof(live_rows[0]));
	tcase_add_loop_test(tc, an_output_satisfies_what_asks_for_no_more, 0,
	    sizeof(schemas) / sizeof(schemas[0]));
	tcase_add_loop_test(tc, a_document_of_any_shape_is_judged_without_harm,
	    0, 6);
	tcase_add_test(tc, an_id_has_1_to_128_characters_of_its_alphabet);
	tcase_add_test(tc, trim_takes_the_white_space_of_javascript);
	tcase_add_test(tc, ids_sort_as_locale_compare_does);
	tcase_add_test(tc, a_desk_comes_after_all_that_hand_to_it);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

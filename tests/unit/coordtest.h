/*
 * tests/unit/coordtest.h - a store on disk and a boundary context, for tests
 * of the domain rooms.
 */
#ifndef COORDTEST_H
#define COORDTEST_H

#include "hqtest.h"

#include "domain/coordination/coordination.h"
#include "domain/state/state.h"
#include "engine/event.h"

#define UNUSED __attribute__((unused))

static struct fake_env fake;
static UNUSED const struct hq_env env = FAKE_ENV(&fake);
static struct hq_config config;
static UNUSED struct hq_db *db;
static struct hq_boundary boundary;
static UNUSED int woken;
static UNUSED char tmp_dir[64], store_path[96];

static UNUSED void
wake(void *ctx)
{
	(void)ctx;
	woken++;
}

/* What no procedure shows, and what none would write. */
enum {
	PROBE_TRACE,
	PROBE_DAMAGE_RUN,
	PROBE_DAMAGE_EVENT,
	PROBE_DAMAGE_IMPORTED_RUN,
	PROBE_DAMAGE_IMPORTED_EVENT,
	PROBE_DAMAGE_WORKFLOW,
	PROBE__MAX
};
static UNUSED const struct hq_module probe = {
	.name = "probe",
	.migrations = (const char *const[]){ NULL },
	.sql =
	    (const char *const[PROBE__MAX + 1]){
		[PROBE_TRACE] =
		    "SELECT r.correlation_id || ' ' || r.traceparent"
		    " || ' ' || COALESCE(t.correlation_id, '-')"
		    " FROM coordination_run r"
		    " JOIN coordination_timeline t"
		    " ON t.run_id = r.run_id WHERE r.run_id = $1"
		    " ORDER BY t.seq DESC",
		[PROBE_DAMAGE_RUN] =
		    "UPDATE coordination_run SET input = '{\"a\":'",
		[PROBE_DAMAGE_EVENT] =
		    "UPDATE coordination_timeline SET output = '{\"a\":'",
		[PROBE_DAMAGE_IMPORTED_RUN] =
		    "UPDATE coordination_run SET imported = '{\"a\":[}'",
		[PROBE_DAMAGE_IMPORTED_EVENT] =
		    "UPDATE coordination_timeline SET imported = '{\"a\":[}'",
		[PROBE_DAMAGE_WORKFLOW] =
		    "UPDATE coordination_workflow SET body = '{\"a\":'",
		NULL },
};

/* A connection to the test's store; the schema is brought up to date. */
static UNUSED void
store_open(void)
{
	static const struct hq_module *const modules[] = {
		&hq_coordination_store,
		&hq_state_store,
		&hq_engine_store,
		&probe,
		NULL,
	};
	struct hq_db_opts o = {
		.path = store_path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 10000,
	};

	ck_hq_ok(hq_db_open(&o, &db, &err));
	boundary.db = db;
}

static UNUSED void
domain_open(void)
{
	arena_open();
	fake = (struct fake_env){ .now_ms = INT64_C(1795432141657) };
	woken = 0;
	(void)snprintf(tmp_dir, sizeof(tmp_dir), "/tmp/hqdomain.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tmp_dir));
	(void)snprintf(store_path, sizeof(store_path), "%s/rawr.db", tmp_dir);
	config.s[HQ_SET_RAWR_BASE_URL] = "http://localhost:3000";
	config.s[HQ_SET_RAWR_ENGINE] = "own";
	config.s[HQ_SET_RAWR_ENGINE_URL] = "http://localhost:8288";
	boundary = (struct hq_boundary){
		.arena = arena,
		.env = &env,
		.config = &config,
		.principal = { .id = "local" },
		.request_id = "r",
		.correlation_id = "c",
		.traceparent = "00-0-0-00",
		.source_addr = "unix",
		.wake_runner = wake,
	};
	store_open();
}

static UNUSED void
domain_close(void)
{
	char cmd[128];

	hq_db_close(db);
	arena_close();
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", tmp_dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* JSON text as a value of the arena; ' stands for ". */
static UNUSED struct json_object *
json(const char *text)
{
	struct json_object *v;
	char *copy = hq_arena_copy(arena, text, strlen(text)), *p;

	for (p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	ck_hq_ok(hq_json_parse(arena, copy, strlen(copy), &v, &err));
	return v;
}

/* Call a handler; its output as text, or its error as "CODE message data". */
static UNUSED const char *
call(hq_handler *handle, struct json_object *in)
{
	struct json_object *out;

	if (handle(&boundary, in, &out, &err) == HQ_OK)
		return hq_json_text(arena, out);
	return hq_arena_printf(arena, "%s %s %s", err.name, err.msg,
	    err.data == NULL ? "" : hq_json_text(arena, err.data));
}

#define DESK(id, kind, persist) \
	"{'deskId':'" id "','kind':'" kind "','name':'Desk " id \
	"','responsibility':'r','domain':'d','inputSchema':{'type':'object'}," \
	"'outputSchema':{'type':'object'},'memoryScope':{'persist':" persist \
	"}}"
#define HANDOFF(id, from, to) \
	"{'handoffId':'" id "','fromDeskId':'" from "','toDeskId':'" to "'}"
#define WORKFLOW(id, entry, desks, handoffs) \
	"{'workflowId':'" id "','version':1,'name':'W','entryDeskId':'" entry \
	"','desks':[" desks "],'handoffs':[" handoffs "]}"

static UNUSED void
save(const char *workflow)
{
	const char *got = call(hq_coord_save_workflow,
	    json(hq_arena_printf(arena, "{'workflow':%s}", workflow)));

	ck_assert_msg(strncmp(got, "{\"workflow\"", 11) == 0, "%s", got);
}

#endif /* COORDTEST_H */

/*
 * tests/unit/faultworld.h - the coordination domain, the function host and the
 * engine on one store, as three programs would have it, with clients that note
 * what they were told; and a checker that reads the store with SQL of its own.
 */
#ifndef FAULTWORLD_H
#define FAULTWORLD_H

#include <sys/wait.h>

#include "enginetest.h"
#include "faultvfs.h"

#include "base/ids.h"
#include "base/log.h"
#include "domain/coordination/coordination.h"
#include "engine/limits.h"
#include "proto/inngest/host.h"
#include "store/admin.h"
#include "store/internal.h"

enum {
	RUNS = 3,
	DESKS = 2,
	STEPS = 2 + 4 * DESKS, /* run-start, run-completed; 4 of a desk */
	NEWS = 3 + 2 * DESKS,  /* queued, start, completed; 2 of a desk */
	NOTED_MAX = RUNS * STEPS + 1,
	ROUNDS_MAX = 3000,
};

#define A_DESK(id) \
	"{\"deskId\":\"" id "\",\"kind\":\"desk:analysis\",\"name\":\"" id \
	"\",\"responsibility\":\"r\",\"domain\":\"d\",\"inputSchema\":" \
	"{\"type\":\"object\"},\"outputSchema\":{\"type\":\"object\"}," \
	"\"memoryScope\":{\"persist\":false}}"
static const char a_workflow[] =
    "{\"workflow\":{\"workflowId\":\"wf\",\"version\":1,\"name\":\"W\","
    "\"entryDeskId\":\"a\",\"desks\":[" A_DESK("a") "," A_DESK(
	"b") "],"
	     "\"handoffs\":[{\"handoffId\":\"h\",\"fromDeskId\":\"a\","
	     "\"toDeskId\":\"b\"}]}}";

/* What clients and calls were told is on disk. */
static struct {
	bool workflow, runs[RUNS];
	struct {
		char run[HQ_ULID_BYTES], step[HQ_ENGINE_STEP_ID_MAX + 1];
	} steps[NOTED_MAX];
	size_t n;
} noted;

/* The call that its host is at, and what it has told the runner of. */
static struct {
	const struct fake_call *call; /* NULL: it goes on behind no step */
	char step[HQ_ENGINE_STEP_ID_MAX + 1];
	bool goes_on, lost;
	enum hq_rc rc; /* of a turn that failed while it waited */
} talk;
static size_t checkpoints; /* that a call went on behind */

/* Clients that take a refusal for a success: what a checker must see. */
static bool deaf;
static struct hq_arena *scratch;
static struct hq_db *domain; /* of the responders */
static struct hq_boundary boundary;
static struct hq_inngest_host *functions_host;
static struct hq_config settings;
static char fault_dir[32];

static enum hq_rc
programs_open_db(bool runner, struct hq_db **ret)
{
	static const struct hq_module *const modules[] = {
		&hq_coordination_store, &hq_engine_store, NULL
	};
	struct hq_db_opts o = { .path = w.path,
		.modules = modules,
		.migrate = true,
		.checkpointer = runner,
		.write_wait_ms = 1000 };

	return hq_db_open(&o, ret, &err);
}

static enum hq_rc
responders_open(void)
{
	struct hq_inngest_opts o = { .composition = hq_composition,
		.dev = true,
		.env = &w.env,
		.config = &settings };

	HQ_TRY(programs_open_db(false, &domain));
	boundary = (struct hq_boundary){ .arena = scratch,
		.env = &w.env,
		.config = &settings,
		.db = domain,
		.principal = { .id = "local" },
		.request_id = "r",
		.correlation_id = "c",
		.traceparent = "00-0-0-00",
		.source_addr = "unix" };
	o.db = domain;
	HQ_TRY(hq_keys_load(fault_dir, arena, &o.keys, &err));
	return hq_inngest_host_new(&o, arena, &functions_host, &err);
}

static void
note_step(const char *run, const char *step)
{
	size_t i;

	for (i = 0; i < noted.n; i++)
		if (strcmp(noted.steps[i].run, run) == 0 &&
		    strcmp(noted.steps[i].step, step) == 0)
			return;
	if (noted.n == NOTED_MAX)
		return;
	(void)snprintf(noted.steps[i].run, sizeof(noted.steps[i].run), "%s",
	    run);
	(void)snprintf(noted.steps[i].step, sizeof(noted.steps[i].step), "%s",
	    step);
	noted.n++;
}

/* A call hears that its step is on disk. */
static void
fault_go_on(void *ctx, uint64_t ticket)
{
	(void)ctx;
	if (talk.call == NULL || talk.call->ticket != ticket)
		return;
	note_step(talk.call->run, talk.step);
	talk.goes_on = true;
	checkpoints++;
}

static void
fault_abandon(void *ctx, uint64_t ticket)
{
	world_abandon(ctx, ticket);
	if (talk.call != NULL && talk.call->ticket == ticket)
		talk.lost = true;
}

static enum hq_rc
runner_open(void)
{
	static unsigned n;
	struct hq_engine_opts o = { .env = &w.env,
		.send = world_send,
		.go_on = fault_go_on,
		.abandon = fault_abandon,
		.ctx = &w,
		.concurrency = 4,
		.lease_ms = LEASE_MS,
		.call_timeout_ms = 7200000,
		.retry_interval_ms = 1000 };
	bool modified;

	o.owner = hq_arena_printf(arena, "runner-%d-%u", (int)getpid(), n++);
	HQ_TRY(programs_open_db(true, &w.db));
	o.db = w.db;
	HQ_TRY(hq_engine_new(&o, &w.engine, &err));
	return hq_engine_register(w.engine, HQ_APP_ID,
	    hq_inngest_functions(hq_composition, "http://h/api/inngest", false,
		arena),
	    &modified, &err);
}

static void
programs_close(void)
{
	forget_calls(&w);
	hq_engine_free(w.engine);
	w.engine = NULL;
	hq_db_close(w.db);
	hq_db_close(domain);
	w.db = domain = NULL;
}

static enum hq_rc
programs_open(void)
{
	HQ_TRY(runner_open());
	return responders_open();
}

/* A world that has nothing yet, on the store `name` of fault_dir. */
static void
world_begin(const char *name)
{
	int i;

	memset(&w, 0, sizeof(w));
	w.now_ms = INT64_C(1795431217000);
	w.seed = 88172645463325252ULL ^ ((uint64_t)getpid() << 20);
	w.env = (struct hq_env){ .ctx = &w,
		.now_ms = world_now,
		.mono_ms = world_now,
		.random = world_random };
	(void)snprintf(w.path, sizeof(w.path), "%s/%.28s", fault_dir, name);
	for (i = 0; i < HQ_SET__MAX; i++)
		settings.s[i] = "";
	settings.s[HQ_SET_RAWR_BASE_URL] = "http://h";
	settings.s[HQ_SET_RAWR_ENGINE] = "own";
	settings.s[HQ_SET_RAWR_ENGINE_URL] = "http://h";
	domain = NULL;
}

static void
faults_open(void)
{
	arena_open();
	hq_log_open("test", HQ_ERROR);
	scratch = hq_arena_new((size_t)64 << 20);
	memset(&noted, 0, sizeof(noted));
	(void)snprintf(fault_dir, sizeof(fault_dir), "%s/hqfault.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(fault_dir));
	world_begin("rawr.db");
}

static void
faults_close(void)
{
	char cmd[96];

	hq_arena_free(scratch);
	arena_close();
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", fault_dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* --------------------------------------------------------------- the work -- */

static enum hq_rc
ask(hq_handler *handle, const char *text, struct json_object **ret)
{
	struct json_object *in;

	HQ_TRY(hq_json_parse(scratch, text, strlen(text), &in, &err));
	return handle(&boundary, in, ret, &err);
}

/* Everything that is not acknowledged yet is asked for (again). */
static enum hq_rc
clients_ask(void)
{
	struct json_object *out;
	enum hq_rc rc;
	int i;

	if (!noted.workflow)
		HQ_TRY(ask(hq_coord_save_workflow, a_workflow, &out));
	noted.workflow = true;
	for (i = 0; i < RUNS; i++) {
		if (noted.runs[i])
			continue;
		rc = ask(hq_coord_queue_run,
		    hq_arena_printf(scratch,
			"{\"workflowId\":\"wf\",\"runId\":\"r-%d\","
			"\"input\":{\"t\":%d}}",
			i, i),
		    &out);
		if (rc != HQ_OK && !deaf)
			return rc;
		noted.runs[i] = true;
		hq_arena_reset(scratch);
	}
	return HQ_OK;
}

/* What a call carries was on disk before the call was sent. */
static void
note_steps(const struct fake_call *c, struct json_object *body)
{
	struct json_object *steps = hq_json_get(body, "steps");
	struct json_object_iter it;

	if (steps == NULL)
		return;
	json_object_object_foreachC(steps, it)
	{
		note_step(c->run, it.key);
	}
}

/* ---------------------------------------------------------- checkpoints -- */

enum { TURNS = 3 }; /* that a call waits for */

static bool
talk_may(void *ctx)
{
	(void)ctx;
	return true;
}

static bool
talk_slow(void *ctx)
{
	(void)ctx;
	return false;
}

static void
talk_limit(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
}

static bool
talk_say(void *ctx, const char *p, size_t n)
{
	struct json_object *op;

	(void)ctx;
	ck_hq_ok(hq_json_parse(scratch, p, n, &op, &err));
	(void)snprintf(talk.step, sizeof(talk.step), "%s",
	    hq_json_str(op, "id"));
	talk.goes_on = false;
	hq_engine_checkpoint(w.engine, talk.call->ticket, p, n);
	return true;
}

static enum hq_rc
runner_turn(void)
{
	static unsigned turns;
	int64_t wal;

	HQ_TRY(hq_engine_turn(w.engine, &w.next_ms, &err));
	if (++turns % 8 != 0)
		return HQ_OK;
	return hq_db_checkpoint(w.db, true, &wal, &err);
}

/* The runner turns again after a turn that failed, unless it has to leave. */
static bool
talk_hear(void *ctx)
{
	enum hq_rc rc = HQ_OK;
	int i;

	(void)ctx;
	for (i = 0; i < TURNS && !talk.goes_on && !talk.lost; i++) {
		rc = runner_turn();
		if (rc != HQ_OK &&
		    (rc != HQ_E_SERVICE_UNAVAILABLE || hq_db_is_broken(w.db)))
			break;
	}
	talk.rc = talk.goes_on ? HQ_OK : rc;
	return talk.goes_on;
}

static const struct hq_http_talk talker = { talk_may, talk_say, talk_hear,
	talk_slow, talk_limit, NULL };

/* ------------------------------------------------------------ the host -- */

static const char *
reply_header(const struct hq_http_res *res, const char *name)
{
	size_t i;

	for (i = 0; i < res->n_headers; i++)
		if (strcasecmp(res->headers[i].name, name) == 0)
			return res->headers[i].value;
	return NULL;
}

/* One call in four ends with its first step. */
static enum hq_rc
answer_as_host(struct fake_call *c)
{
	bool goes_on = fault_random(4) != 0;
	const char *params[] = { goes_on ? "RAWR_CHECKPOINTS=1" : NULL, NULL };
	struct hq_http_req req = { .arena = scratch,
		.method = "POST",
		.path = "/api/inngest",
		.query = strchr(c->url, '?') + 1,
		.params = params,
		.has_body = true,
		.body = c->body,
		.body_bytes = strlen(c->body),
		.talk = goes_on ? &talker : NULL };
	struct hq_http_res res = { 0 };
	struct json_object *body;
	struct hq_engine_reply r = { .what = HQ_REPLY_ANSWER };
	bool given_up;

	ck_hq_ok(hq_json_parse(scratch, c->body, req.body_bytes, &body, &err));
	note_steps(c, body);
	memset(&talk, 0, sizeof(talk));
	talk.call = c;
	hq_inngest_http(functions_host, &req, &res);
	given_up = talk.lost || talk.rc != HQ_OK;
	talk.call = NULL;
	if (given_up) /* it has tried nothing that is not recorded */
		r.what = HQ_REPLY_REFUSED;
	r.status = res.status;
	r.body = res.body;
	r.body_bytes = res.body_bytes;
	r.sdk = reply_header(&res, "x-inngest-sdk");
	r.no_retry = reply_header(&res, "x-inngest-no-retry");
	r.retry_after = reply_header(&res, "retry-after");
	r.req_version = reply_header(&res, "x-inngest-req-version");
	if (!c->dropped && !talk.lost)
		hq_engine_reply(w.engine, c->ticket, &r);
	hq_arena_reset(scratch);
	return talk.rc;
}

/* The others are answered, too, where the runner has failed under one. */
static enum hq_rc
host_answers(void)
{
	struct fake_call now[CALLS_MAX];
	size_t i, n = w.n_calls;
	enum hq_rc rc = HQ_OK, one;

	memcpy(now, w.calls, n * sizeof(now[0]));
	w.n_calls = 0;
	for (i = 0; i < n; i++) {
		one = answer_as_host(&now[i]);
		if (one != HQ_OK)
			rc = one;
		free(now[i].body);
		free(now[i].url);
	}
	return rc;
}

static enum hq_rc
is_done(bool *ret)
{
	struct json_object *out;
	int i;

	*ret = false;
	for (i = 0; i < RUNS; i++) {
		HQ_TRY(ask(hq_coord_get_run_status,
		    hq_arena_printf(scratch, "{\"runId\":\"r-%d\"}", i), &out));
		if (strcmp(hq_json_str(hq_json_get(out, "run"), "status"),
			"completed") != 0)
			return HQ_OK;
	}
	*ret = true;
	return HQ_OK;
}

static enum hq_rc
work_once(bool *ret_done)
{
	*ret_done = false;
	HQ_TRY(clients_ask());
	HQ_TRY(runner_turn());
	if (w.n_calls > 0 || w.next_ms <= w.now_ms)
		return host_answers();
	HQ_TRY(is_done(ret_done));
	hq_arena_reset(scratch);
	if (!*ret_done && w.next_ms != INT64_MAX)
		w.now_ms = w.next_ms;
	return HQ_OK;
}

/* ------------------------------------------------------------- the checker -- */

/* A number, of a store that nobody of ours has open; -1 if it cannot be had. */
static int64_t
number(sqlite3 *h, const char *sql, const char *a, const char *b)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(h, sql, -1, &st, NULL) == SQLITE_OK) {
		if (a != NULL)
			(void)sqlite3_bind_text(st, 1, a, -1, SQLITE_STATIC);
		if (b != NULL)
			(void)sqlite3_bind_text(st, 2, b, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_ROW)
			n = sqlite3_column_int64(st, 0);
	}
	(void)sqlite3_finalize(st);
	return n;
}

static bool
is(sqlite3 *h, const char *what, int64_t want, const char *a, const char *b)
{
	int64_t got = number(h, what, a, b);

	if (got != want)
		(void)fprintf(stderr, "%s (%s, %s): %lld, not %lld: %s\n", what,
		    a == NULL ? "-" : a, b == NULL ? "-" : b, (long long)got,
		    (long long)want, sqlite3_errmsg(h));
	return got == want;
}

static bool
has_what_was_told(sqlite3 *h)
{
	bool ok = !noted.workflow ||
	    is(h, "SELECT count(*) FROM coordination_workflow", 1, NULL, NULL);
	char run[16];
	size_t i;

	for (i = 0; i < RUNS; i++) {
		(void)snprintf(run, sizeof(run), "r-%d", (int)i);
		ok = (!noted.runs[i] ||
			 is(h,
			     "SELECT count(*) FROM coordination_run"
			     " WHERE run_id = $1",
			     1, run, NULL)) &&
		    ok;
	}
	for (i = 0; i < noted.n; i++)
		ok = is(h,
			 "SELECT count(*) FROM engine_memo"
			 " JOIN engine_run ON num = run"
			 " WHERE engine_run.id = $1 AND step = $2",
			 1, noted.steps[i].run, noted.steps[i].step) &&
		    ok;
	return ok;
}

/* Every run once, whole, and in order. */
static bool
has_all_of_it(sqlite3 *h)
{
#define FN_RUN "engine_run WHERE fn = 'rawr-coordination-workflow-runner'"
	bool runs = is(h,
		 "SELECT count(*) FROM coordination_run"
		 " WHERE status = 'completed'",
		 RUNS, NULL, NULL),
	     calls = is(h, "SELECT count(*) FROM " FN_RUN, RUNS, NULL, NULL),
	     steps = is(h,
		 "SELECT count(*) FROM (SELECT run FROM engine_memo WHERE run"
		 " IN (SELECT num FROM " FN_RUN ") GROUP BY run"
		 " HAVING count(*) = $1 + 0"
		 " AND count(DISTINCT step) = $1 + 0)",
		 RUNS, "10", NULL),
	     news = is(h,
		 "SELECT count(*) FROM (SELECT run_id FROM"
		 " coordination_timeline GROUP BY run_id"
		 " HAVING count(*) = $1 + 0 AND max(seq) = $1 + 0"
		 " AND count(DISTINCT event_id) = $1 + 0)",
		 RUNS, "7", NULL);

	_Static_assert(STEPS == 10 && NEWS == 7, "as above");
	return runs && calls && steps && news;
}

/* at_end: nothing is left to do; else: the programs have yet to go on. */
static bool
judge(const char *store, bool at_end)
{
	sqlite3 *h = NULL;
	bool ok;

	if (sqlite3_open_v2(store, &h, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		return false;
	ok = is(h,
	    "SELECT count(*) = 1 AND min(integrity_check) = 'ok'"
	    " FROM pragma_integrity_check",
	    1, NULL, NULL);
	ok = (noted.workflow || at_end ? has_what_was_told(h) : true) && ok;
	ok = (!at_end || has_all_of_it(h)) && ok;
	(void)sqlite3_close(h);
	return ok;
}

static __attribute__((unused)) bool
soaks(void)
{
	return getenv("RAWR_SOAK") != NULL;
}

#endif /* FAULTWORLD_H */

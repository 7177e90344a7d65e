/*
 * What a function host may answer to the engine: a line of status, version and
 * headers, then the body; given to every call of a turn.  A line of "%%" and the
 * next turn has another answer; the last one is given until the engine has had
 * enough.  The store never fails over it, and no call is left behind.
 */
/* For memmem().  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "engine/engine.h"
#include "fuzz_mutate.h"
#include "fuzz_store.h"

enum {
	CALLS_MAX = 64,
	FUZZED_TURNS = 8,
	TURNS_MAX = 60,
	TURN_MS = 3600000,
	INPUTS_PER_STORE = 300,
};

static const char functions[] =
    "[{\"id\":\"app-f\",\"name\":\"f\",\"triggers\":[{\"event\":\"go\"}],"
    "\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{"
    "\"type\":\"http\",\"url\":\"http://h/api/inngest?fnId=app-f&stepId=step\"}"
    ",\"retries\":{\"attempts\":2}}}}]";

static const char *const *
fuzz_values(void)
{
	static const char *const v[] = { "\"StepRun\"", "\"StepError\"",
		"\"StepFailed\"", "\"StepPlanned\"", "\"Sleep\"",
		"\"WaitForEvent\"", "\"InvokeFunction\"", "\"None\"",
		"\"RunComplete\"", "\"go\"", "\"app-f\"", "\"1h\"",
		"\"2027-01-01T00:00:00Z\"", "\"async.data.a == 1\"", "\"\"",
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
		"\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"",
		"{\"event\":\"go\",\"timeout\":\"1h\",\"if\":\"event.data.a ==\""
		"}",
		"{\"function_id\":\"app-f\",\"payload\":{\"data\":{}}}",
		"{\"retries\":1,\"timeoutMs\":500,\"priority\":3}",
		"{\"sinceMs\":1795431217000,\"timeout\":\"7d\"}",
		"{\"name\":\"E\",\"message\":\"m\",\"stack\":\"s\"}", "{}",
		"[]", "null", "true", "false", "0", "-1", "1e300",
		"9007199254740993", NULL };

	return v;
}

static struct hq_db *db;
static struct hq_engine *engine;
static int64_t now_ms;
static uint64_t tickets[CALLS_MAX];
static size_t n_tickets, inputs;
static uint64_t drawn;

static int64_t
clock_ms(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static void
draw(void *ctx, void *out, size_t n)
{
	unsigned char *p = out;

	(void)ctx;
	/* Ids of one millisecond must differ, however many are drawn. */
	while (n-- > 0) {
		drawn = drawn * 6364136223846793005U + 1442695040888963407U;
		*p++ = (unsigned char)(drawn >> 56);
	}
}

static const struct hq_env env = { .now_ms = clock_ms,
	.mono_ms = clock_ms,
	.random = draw };

static void
on_call(void *ctx, const struct hq_engine_call *call)
{
	(void)ctx;
	HQ_ASSERT(n_tickets < CALLS_MAX);
	tickets[n_tickets++] = call->ticket;
}

static void
on_abandon(void *ctx, uint64_t ticket)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < n_tickets; i++)
		if (tickets[i] == ticket)
			tickets[i--] = tickets[--n_tickets];
}

static void
store_close(void)
{
	hq_engine_free(engine);
	hq_db_close(db);
	engine = NULL;
	db = NULL;
	fuzz_store_remove();
}

static void
store_open(void)
{
	static const struct hq_module *const modules[] = { &hq_engine_store,
		NULL };
	struct hq_engine_opts e = { .env = &env,
		.send = on_call,
		.abandon = on_abandon,
		.owner = "fuzz",
		.concurrency = CALLS_MAX,
		.lease_ms = (int64_t)TURN_MS * TURNS_MAX,
		.call_timeout_ms = (int64_t)TURN_MS * TURNS_MAX,
		.retry_interval_ms = 1000 };
	struct json_object *list;
	bool modified;

	n_tickets = 0;
	now_ms = INT64_C(1795431217000);
	e.db = db = fuzz_store_open(modules);
	HQ_ASSERT(hq_engine_new(&e, &engine, &err) == HQ_OK);
	HQ_ASSERT(hq_json_parse(arena, functions, sizeof(functions) - 1, &list,
		      &err) == HQ_OK);
	HQ_ASSERT(
	    hq_engine_register(engine, "app", list, &modified, &err) == HQ_OK);
}

static void
fuzz_leave(void)
{
	store_close();
	(void)rmdir(fuzz_dir);
}

static void
open_for_input(void)
{
	if (inputs++ % INPUTS_PER_STORE != 0)
		return;
	store_close();
	store_open();
}

static enum hq_rc
send_go(void *arg, struct hq_err *e)
{
	struct hq_event ev = { .name = "go", .data = arg };

	return hq_event_send(db, &env, &ev, NULL, arena, e);
}

static void
go(void)
{
	struct json_object *data;

	HQ_ASSERT(hq_json_parse(arena, "{\"a\":1}", 7, &data, &err) == HQ_OK);
	HQ_ASSERT(hq_db_tx(db, send_go, data, &err) == HQ_OK);
}

/* False: nothing is in flight, and nothing will be due. */
static bool
turn(const struct hq_engine_reply *r)
{
	int64_t next;
	size_t i, n = n_tickets;
	uint64_t now[CALLS_MAX];

	memcpy(now, tickets, sizeof(now));
	n_tickets = 0;
	for (i = 0; i < n; i++)
		hq_engine_reply(engine, now[i], r);
	now_ms += TURN_MS;
	if (hq_engine_turn(engine, &next, &err) != HQ_OK)
		HQ_BUG(err.msg);
	HQ_ASSERT(hq_engine_inflight(engine) == n_tickets);
	return n_tickets > 0 || next != INT64_MAX;
}

/* "206 1 v d 10": status, version, and a letter for each header. */
static void
read_head(char *line, struct hq_engine_reply *r)
{
	char *rest;

	r->status = (int)strtol(line, &rest, 10);
	r->req_version = rest + strspn(rest, " ");
	r->sdk = strchr(line, 'x') != NULL ? NULL : "test:v1";
	r->no_retry = strchr(line, 'n') != NULL ? "true" : NULL;
	r->retry_after =
	    strchr(line, 'r') != NULL ? strchr(line, 'r') + 1 : NULL;
	if (strchr(line, 'd') != NULL)
		r->what = HQ_REPLY_DIED;
	else if (strchr(line, 'f') != NULL)
		r->what = HQ_REPLY_REFUSED;
	else if (strchr(line, 't') != NULL)
		r->what = HQ_REPLY_TIMEOUT;
}

/* The next answer, up to the line that parts it from the one behind it. */
static void
read_reply(struct fuzz_rest *r, struct hq_engine_reply *ret)
{
	static const char part[] = "\n%%\n";
	const char *end;

	*ret = (struct hq_engine_reply){ .what = HQ_REPLY_ANSWER };
	read_head(fuzz_line(r), ret);
	end = r->n == 0 ? NULL : memmem(r->p, r->n, part, sizeof(part) - 1);
	ret->body = r->p;
	ret->body_bytes = end == NULL ? r->n : (size_t)(end - r->p);
	if (end == NULL)
		return;
	r->n -= ret->body_bytes + sizeof(part) - 1;
	r->p = end + sizeof(part) - 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct hq_engine_reply end = { .what = HQ_REPLY_ANSWER,
		.status = 200,
		.sdk = "test:v1",
		.body = "null",
		.body_bytes = 4,
		.req_version = "1" };
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_engine_reply reply;
	bool more = true;
	int i;

	fuzz_begin();
	open_for_input();
	read_reply(&r, &reply);
	go();
	for (i = 0; i < FUZZED_TURNS && more; i++) {
		more = turn(&reply);
		if (i > 0 && r.p > reply.body + reply.body_bytes)
			read_reply(&r, &reply);
	}
	for (i = 0; i < TURNS_MAX && n_tickets > 0; i++)
		(void)turn(&end);
	HQ_ASSERT(n_tickets == 0);
	return 0;
}

/*
 * A line of method and path, a line of headers, then a body: what an SDK app, or
 * somebody who would like to be taken for one, sends to the engine API.  What is
 * taken is recorded, and matched by a turn of an engine whose calls nobody
 * answers.
 */
#include "fuzz_store.h"

#include "base/config.h"
#include "engine/engine.h"
#include "proto/inngest/api.h"

static struct hq_db *db;
static struct hq_inngest_api *api;
static struct hq_engine *engine;
static struct hq_arena *lasting;

static void
fuzz_leave(void)
{
	hq_engine_free(engine);
	hq_db_close(db);
	fuzz_store_remove();
	(void)rmdir(fuzz_dir);
}

static void
nothing(void *ctx)
{
	(void)ctx;
}

static void
send(void *ctx, const struct hq_engine_call *call)
{
	struct json_object *body;

	(void)ctx;
	HQ_ASSERT(hq_json_parse(arena, call->body, call->body_bytes, &body,
		      &err) == HQ_OK);
	HQ_ASSERT(hq_json_get(body, "event") != NULL);
}

static void
abandon(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
}

static void
start(void)
{
	static const struct hq_module *const modules[] = { &hq_engine_store,
		NULL };
	static struct hq_config config;
	struct hq_inngest_api_opts o = { .dev = true,
		.env = hq_env_system(),
		.config = &config,
		.wake_runner = nothing };
	struct hq_engine_opts e = { .env = hq_env_system(),
		.send = send,
		.abandon = abandon,
		.own_app = "rawr",
		.owner = "fuzz",
		.concurrency = 1,
		.app_concurrency = 4096,
		.lease_ms = 3600000,
		.call_timeout_ms = 3600000 };
	int i;

	lasting = hq_arena_new(FUZZ_ARENA_BYTES);
	for (i = 0; i < HQ_SET__MAX; i++)
		config.s[i] = "";
	config.s[HQ_SET_RAWR_KEYS] = "/nonexistent";
	config.s[HQ_SET_RAWR_APPS] = "http://h:1/";
	o.db = e.db = db = fuzz_store_open(modules);
	if (hq_keys_load("/nonexistent", lasting, &o.keys, &err) != HQ_OK ||
	    hq_inngest_api_new(&o, lasting, &api, &err) != HQ_OK ||
	    hq_engine_new(&e, &engine, &err) != HQ_OK)
		HQ_BUG(err.msg);
}

/* So that each input is judged by itself. */
static void
start_again(void)
{
	hq_engine_free(engine);
	hq_db_close(db);
	hq_arena_free(lasting);
	fuzz_store_remove();
	start();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const methods[] = { "POST", "GET", "DELETE" };
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_http_res res = { 0 };
	struct hq_http_req req;
	const char *params[2] = { NULL, NULL }, *path, *seed;
	int64_t next;

	fuzz_begin();
	if (db == NULL)
		start();
	path = fuzz_line(&r);
	seed = fuzz_line(&r);
	if (path[0] == '\0')
		return 0;
	params[0] =
	    hq_arena_printf(arena, "HTTP_X_INNGEST_EVENT_ID_SEED=%s", seed);
	req = (struct hq_http_req){ .arena = arena,
		.method = methods[(unsigned char)path[0] % 3],
		.path = path + 1,
		.query = "",
		.params = params };
	req.body = hq_arena_copy(arena, r.p, r.n);
	req.body_bytes = r.n;
	req.has_body = true;
	hq_inngest_api_http(api, &req, &res);
	fuzz_check_reply(&res);
	if (hq_engine_turn(engine, &next, &err) != HQ_OK)
		HQ_BUG(err.msg);
	if (hq_engine_inflight(engine) > 2048)
		start_again();
	return 0;
}

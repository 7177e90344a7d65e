/* A line of query, then the body of a call: the memo is replayed. */
#include "flow/function.h"
#include "fuzz.h"
#include "proto/inngest/host.h"

static enum hq_rc
give(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)f;
	(void)e;
	*ret_out = in;
	return HQ_OK;
}

/* Every kind of step; each one's result is what the next is given. */
static enum hq_rc
all_steps(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct hq_branch two[] = { { "b", give, in, NULL },
		{ "b", give, in, NULL } };
	struct hq_step_policy policy = { .retries = 2, .timeout_ms = 1000 };
	struct json_object *v = in;

	HQ_TRY(hq_step(f, "a", give, v, &v, e));
	HQ_TRY(hq_step_with(f, "a", &policy, give, v, &v, e));
	HQ_TRY(hq_parallel(f, two, 2, e));
	HQ_TRY(hq_sleep(f, "s", 5000, e));
	HQ_TRY(hq_wait_for_event(f, "w", "t/go", "event.data.id == 1", 60000,
	    &v, e));
	HQ_TRY(hq_invoke(f, "i", "all", v, &v, e));
	HQ_TRY(hq_send_event(f, "e", "t/done", v, e));
	*ret_out = two[1].out;
	return HQ_OK;
}

static const struct hq_trigger on_go[] = { { .event = "t/go" }, { 0 } };
static const struct hq_function all = { "all", "All", on_go, 3, all_steps,
	give };
static const struct hq_function *const functions[] = { &all, NULL };
static const struct hq_plugin plugin = { .functions = functions };
static const struct hq_composed rows[] = {
	{ .kind = HQ_KIND_WORKFLOWS, .name = "t", .plugin = &plugin },
	{ 0 },
};

static struct hq_inngest_host *
start(void)
{
	static struct hq_config config;
	static struct hq_arena *lasting;
	struct hq_inngest_opts o = { .composition = rows,
		.dev = true,
		.env = hq_env_system(),
		.config = &config };
	struct hq_inngest_host *host;
	int i;

	lasting = hq_arena_new(FUZZ_ARENA_BYTES);
	for (i = 0; i < HQ_SET__MAX; i++)
		config.s[i] = "";
	config.s[HQ_SET_RAWR_BASE_URL] = "http://h:8080";
	config.s[HQ_SET_RAWR_ENGINE] = "own";
	config.s[HQ_SET_RAWR_ENGINE_URL] = "http://h:8080";
	config.s[HQ_SET_RAWR_KEYS] = "/nonexistent";
	if (hq_keys_load("/nonexistent", lasting, &o.keys, &err) != HQ_OK ||
	    hq_inngest_host_new(&o, lasting, &host, &err) != HQ_OK)
		HQ_BUG(err.msg);
	return host;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct hq_inngest_host *host;
	struct fuzz_rest r = { (const char *)data, n };
	const char *params[2] = { "CONTENT_TYPE=application/json" };
	struct hq_http_res res = { 0 };
	struct hq_http_req req = { .arena = NULL };

	fuzz_begin();
	if (host == NULL)
		host = start();
	req = (struct hq_http_req){ .arena = arena,
		.method = "POST",
		.path = "/api/inngest",
		.query = fuzz_line(&r),
		.params = params };
	req.body = hq_arena_copy(arena, r.p, r.n);
	req.body_bytes = r.n;
	req.has_body = true;
	hq_inngest_http(host, &req, &res);
	fuzz_check_reply(&res);
	return 0;
}

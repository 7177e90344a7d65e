/*
 * tests/unit/inngesttest.h - what the tests of the function host share: a
 * composition of small functions, keys in a directory of its own, a clock that
 * stands, and one request at a time.
 */
#ifndef INNGESTTEST_H
#define INNGESTTEST_H

#include "hqtest.h"

#include <sys/stat.h>

#include "engine/event.h"
#include "proto/inngest/host.h"
#include "proto/inngest/signature.h"

static const char key[] = "signkey-test-12345678deadbeef";
static const char old_key[] = "signkey-test-00ff";

enum { NOW_S = 1700000000 };

#define ROWS(t) ((int)(sizeof(t) / sizeof((t)[0])))

/* ------------------------------------------------------------ functions -- */

static const char *seen_correlation __attribute__((unused));

static enum hq_rc
give(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)e;
	seen_correlation = hq_flow_runtime(f)->correlation_id;
	*ret_out = v;
	return HQ_OK;
}

static enum hq_rc
boom(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	(void)f;
	(void)v;
	(void)ret_out;
	return HQ_FAIL(e, SERVICE_UNAVAILABLE, "boom");
}

static enum hq_rc
one_step(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	return hq_step(f, "a", give, v, ret_out, e);
}

static enum hq_rc
bad_step(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	return hq_step(f, "a", boom, v, ret_out, e);
}

static enum hq_rc
call_own(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	return hq_invoke(f, "a", "steps", v, ret_out, e);
}

static enum hq_rc
emit(struct hq_flow *f, struct json_object *v, struct json_object **ret_out,
    struct hq_err *e)
{
	*ret_out = NULL;
	return hq_send_event(f, "a", "demo/next", v, e);
}

static const struct hq_trigger on_demo[] = {
	{ .event = "demo/go", .expression = "event.data.ok == true" },
	{ .cron = "TZ=Europe/Paris 0 9 * * 1" },
	{ 0 },
};

static const struct hq_cancel on_stop[] = {
	{ "demo/stop", "event.data.id == async.data.id" },
	{ 0 },
};

static const struct hq_function hello = { "hello", "Hello", on_demo, 3, give,
	give, on_stop };
static const struct hq_function steps = { "steps", "Steps", on_demo, 4,
	one_step, NULL, NULL };
static const struct hq_function fails = { "fails", "Fails", on_demo, 4, boom,
	NULL, NULL };
static const struct hq_function bad = { "bad", "Bad", on_demo, 4, bad_step,
	NULL, NULL };
static const struct hq_function own = { "own", "Own", on_demo, 4, call_own,
	NULL, NULL };
static const struct hq_function emits = { "emits", "Emits", on_demo, 4, emit,
	NULL, NULL };

static const struct hq_function *const first[] = { &hello, NULL };
static const struct hq_function *const others[] = { &hello, &steps, &fails,
	&bad, &own, &emits, NULL };
static const struct hq_plugin first_plugin = { .functions = first };
static const struct hq_plugin other_plugin = { .functions = others };
static const struct hq_plugin no_functions = { 0 };

static const struct hq_composed rows[] = {
	{ .kind = HQ_KIND_API, .name = "none", .plugin = &no_functions },
	{ .kind = HQ_KIND_WEB, .name = "web" },
	{ .kind = HQ_KIND_WORKFLOWS, .name = "first", .plugin = &first_plugin },
	{ .kind = HQ_KIND_WORKFLOWS, .name = "other", .plugin = &other_plugin },
	{ 0 },
};

/* --------------------------------------------------------------- the host */

static struct fake_env clock_ = { .now_ms = (int64_t)NOW_S * 1000 };
static const struct hq_env env = FAKE_ENV(&clock_);
static struct hq_config config;
static struct hq_inngest_opts opts;
static struct hq_inngest_host *host;
static char keys_dir[64];

static __attribute__((unused)) void
write_key(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", keys_dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fprintf(f, "%s\n", text), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static __attribute__((unused)) void
drop(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", keys_dir, name);
	(void)unlink(path);
}

static __attribute__((unused)) void
setup(void)
{
	int i;

	arena_open();
	for (i = 0; i < HQ_SET__MAX; i++)
		config.s[i] = "";
	config.s[HQ_SET_RAWR_BASE_URL] = "http://here:8080";
	config.s[HQ_SET_RAWR_ENGINE] = "own";
	config.s[HQ_SET_RAWR_ENGINE_URL] = "http://here:8080";
	(void)strcpy(keys_dir, "/tmp/hqkeysXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(keys_dir));
	config.s[HQ_SET_RAWR_KEYS] = keys_dir;
	opts = (struct hq_inngest_opts){ .composition = rows,
		.env = &env,
		.config = &config };
}

static __attribute__((unused)) void
teardown(void)
{
	drop("signing.key");
	drop("signing.key.fallback");
	drop("store.db");
	drop("store.db-wal");
	drop("store.db-shm");
	drop("store.db-lock");
	(void)rmdir(keys_dir);
	arena_close();
}

static __attribute__((unused)) enum hq_rc
make(bool dev)
{
	ck_hq_ok(hq_keys_load(keys_dir, arena, &opts.keys, &err));
	opts.dev = dev;
	return hq_inngest_host_new(&opts, arena, &host, &err);
}

static __attribute__((unused)) void
setup_signed(void)
{
	setup();
	write_key("signing.key", key);
	write_key("signing.key.fallback", old_key);
	ck_hq_ok(make(false));
}

/* ------------------------------------------------------------- a request */

static struct hq_http_res res;

struct ask {
	const char *method, *query, *body;
	const char *signer;  /* NULL: unsigned */
	const char *signed_; /* what is signed; NULL: body */
	const char *header;  /* one more, as CGI has it; or NULL */
};

static __attribute__((unused)) void
ask(struct ask q)
{
	char mac[HQ_SIGNATURE_BYTES];
	const char *params[4] = { NULL };
	struct hq_http_req req = { .arena = arena,
		.method = q.method,
		.path = "/api/inngest",
		.params = params };
	size_t n = 0;

	req.query = q.query == NULL ? "" : q.query;
	req.body = q.body == NULL ? "" : q.body;
	req.body_bytes = strlen(req.body);
	req.has_body = q.body != NULL;
	if (q.signed_ == NULL)
		q.signed_ = req.body;
	if (q.signer != NULL) {
		hq_signature_make(q.signer, q.signed_, strlen(q.signed_), NOW_S,
		    mac);
		params[n++] =
		    hq_arena_printf(arena, "HTTP_X_INNGEST_SIGNATURE=%s", mac);
	}
	params[n] = q.header;
	memset(&res, 0, sizeof(res));
	hq_inngest_http(host, &req, &res);
}

static __attribute__((unused)) const char *
header(const char *name)
{
	size_t i;

	for (i = 0; i < res.n_headers; i++)
		if (strcasecmp(res.headers[i].name, name) == 0)
			return res.headers[i].value;
	return "";
}

#define CALL(ctx, steps) \
	"{\"ctx\":{" ctx "\"run_id\":\"01RUN\"},\"event\":{\"data\":{" \
	"\"_rawr\":{\"correlationId\":\"c-1\"},\"n\":5},\"id\":\"01E\"," \
	"\"name\":\"demo/go\",\"ts\":1,\"user\":{}},\"events\":[]," \
	"\"steps\":" steps ",\"version\":-1}"
#define DATA "{\"_rawr\":{\"correlationId\":\"c-1\"},\"n\":5}"
#define A "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"

static __attribute__((unused)) void
call(const char *query, const char *body)
{
	ask((struct ask){ "POST", query, body, .signer = key });
}

#endif /* INNGESTTEST_H */

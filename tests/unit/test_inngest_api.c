/*
 * The engine API within one request: what is too large for it, or to be called.
 */
#include "enginetest.h"

#include "base/config.h"
#include "base/ids.h"
#include "engine/limits.h"
#include "proto/http/allow.h"
#include "proto/inngest/api.h"

enum { REQUEST_BYTES = 1 << 20, OUTPUT_BYTES = 300 << 10 };

#define APPS "http://127.0.0.1:1/api/inngest"

static struct hq_config config;
static struct hq_inngest_api *api;

static void
nothing(void *ctx)
{
	(void)ctx;
}

static void
open_api(void)
{
	struct hq_inngest_api_opts o = { .dev = true,
		.config = &config,
		.wake_runner = nothing };
	size_t i;

	world_open();
	for (i = 0; i < HQ_SET__MAX; i++)
		config.s[i] = "";
	config.s[HQ_SET_RAWR_KEYS] = "/nonexistent";
	config.s[HQ_SET_RAWR_APPS] = APPS;
	o.db = w.db;
	o.env = &w.env;
	ck_hq_ok(hq_keys_load("/nonexistent", arena, &o.keys, &err));
	ck_hq_ok(hq_inngest_api_new(&o, arena, &api, &err));
}

/* Its answer's status; *ret_body in `arena`. */
static int
ask(const char *method, const char *path, const char *body,
    const char **ret_body)
{
	static const char *const none[] = { NULL };
	struct hq_http_res res = { 0 };
	struct hq_http_req req = { .method = method,
		.path = path,
		.query = "",
		.params = none,
		.body = body,
		.body_bytes = strlen(body),
		.has_body = true };

	req.arena = hq_arena_new(REQUEST_BYTES);
	hq_inngest_api_http(api, &req, &res);
	*ret_body = hq_arena_copy(arena, res.body, res.body_bytes);
	hq_arena_free(req.arena);
	return res.status;
}

static void
large_output(struct world *x, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *r)
{
	char *s = hq_arena_alloc(arena, OUTPUT_BYTES + 1, 1);

	(void)x;
	(void)c;
	(void)body;
	memset(s, 'x', OUTPUT_BYTES);
	s[0] = s[OUTPUT_BYTES - 1] = '"';
	s[OUTPUT_BYTES] = '\0';
	r->body = s;
}

static enum hq_rc
send_go(void *arg, struct hq_err *e)
{
	struct hq_event event = { .name = "go", .data = json("{}") };

	return hq_event_send(w.db, &w.env, &event, arg, arena, e);
}

START_TEST(runs_that_do_not_fit_into_one_answer_are_refused)
{
	char event[HQ_ULID_BYTES];
	const char *body;
	struct json_object *o;

	w.host = large_output;
	register_fns(
	    "[" FN("f", EVENT("go"), 0) "," FN("g", EVENT("go"), 0) "]");
	ck_hq_ok(hq_db_tx(w.db, send_go, event, &err));
	run_all();
	ck_assert_int_eq(ask("GET",
			     hq_arena_printf(arena, "/v1/events/%s/runs",
				 event),
			     "", &body),
	    413);
	o = json(body);
	ck_assert_int_eq(hq_json_i64(o, "status", 0), 413);
}
END_TEST

START_TEST(functions_that_do_not_fit_into_one_answer_are_refused)
{
	const char *body;
	struct hq_buf b;
	int i;

	hq_buf_init(&b, arena);
	for (i = 0; i < 1000; i++)
		hq_buf_printf(&b,
		    "%c{\"id\":\"app-%d\",\"triggers\":[],\"steps\":{"
		    "\"step\":{\"runtime\":{\"url\":\"" APPS "?%01500d\"}}}}",
		    i == 0 ? '[' : ',', i, 0);
	hq_buf_putc(&b, ']');
	register_fns(hq_buf_str(&b));
	ck_assert_int_eq(ask("GET", "/dev", "", &body), 413);
}
END_TEST

/* Register a function at a URL of n bytes; the answer's status. */
static int
register_at(size_t n, const char **ret_body)
{
	char url[HQ_ALLOW_URL_BYTES_MAX + 2];

	ck_assert_uint_lt(n, sizeof(url));
	memset(url, 'x', n);
	memcpy(url, APPS "?", strlen(APPS "?"));
	url[n] = '\0';
	return ask("POST", "/fn/register",
	    hq_arena_printf(arena,
		"{\"url\":\"" APPS "\",\"appName\":\"app\",\"functions\":[{"
		"\"id\":\"app-f\",\"name\":\"f\",\"triggers\":[{\"event\":"
		"\"go\"}],\"steps\":{\"step\":{\"runtime\":{\"url\":\"%s\"}}}"
		"}]}",
		url),
	    ret_body);
}

/* Plans a step of the longest name. */
static void
plans(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	char step[HQ_ENGINE_STEP_ID_MAX + 1];

	(void)x;
	(void)c;
	(void)body;
	memset(step, 'a', HQ_ENGINE_STEP_ID_MAX);
	step[HQ_ENGINE_STEP_ID_MAX] = '\0';
	ops(r,
	    hq_arena_printf(arena, "[{\"op\":\"StepPlanned\",\"id\":\"%s\"}]",
		step));
}

START_TEST(the_longest_url_that_is_registered_can_be_called_for_every_step)
{
	size_t n = HQ_ALLOW_URL_BYTES_MAX + 1;
	const char *body;

	while (n > strlen(APPS) && register_at(n, &body) != 200)
		n--;
	w.host = plans;
	send_event("go", NULL, "{}");
	turn();
	answer_all(w.engine);
	turn();
	ck_assert_uint_eq(w.n_calls, 1);
	ck_assert_uint_eq(strlen(w.calls[0].step), HQ_ENGINE_STEP_ID_MAX);
	ck_assert(hq_url_allowed(APPS, w.calls[0].url));
}
END_TEST

START_TEST(a_url_that_is_too_long_is_refused_as_such)
{
	const char *body;

	ck_assert_int_eq(register_at(HQ_ALLOW_URL_BYTES_MAX, &body), 400);
	ck_assert_ptr_nonnull(strstr(body, "app-f: its url is too long"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("inngest_api");
	TCase *t = tcase_create("api");

	tcase_add_checked_fixture(t, open_api, world_close);
	tcase_add_test(t, runs_that_do_not_fit_into_one_answer_are_refused);
	tcase_add_test(t,
	    functions_that_do_not_fit_into_one_answer_are_refused);
	tcase_add_test(t,
	    the_longest_url_that_is_registered_can_be_called_for_every_step);
	tcase_add_test(t, a_url_that_is_too_long_is_refused_as_such);
	suite_add_tcase(s, t);
	return run_suite(s);
}

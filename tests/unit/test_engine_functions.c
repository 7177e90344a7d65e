/*
 * Functions that the engine cannot read: refused, or in nobody's way.
 */
#include "enginetest.h"

#include <unistd.h>

#include "base/log.h"
#include "engine/limits.h"
#include "expr/expr.h"

enum { SPOIL };

static const char *const none[] = { NULL };
static const char *const spoil_sql[] = {
	[SPOIL] = "UPDATE engine_fn SET config = $2 WHERE slug = $1",
	NULL,
};
static const struct hq_module spoil_store = { .name = "test_spoil",
	.migrations = none,
	.sql = spoil_sql };

/* ------------------------------------------------------ past the memory -- */

enum { TRIGGERS = 10 };

/* `n` functions of an app, with the longest expressions there are. */
static enum hq_rc
register_large(const char *app, int n)
{
	struct hq_arena *a = hq_arena_new((size_t)256 << 20);
	char expression[HQ_EXPR_BYTES_MAX + 1];
	struct json_object *functions;
	struct hq_buf b;
	enum hq_rc rc;
	bool modified;
	int i, k;

	for (i = 0; i < HQ_EXPR_BYTES_MAX; i++)
		expression[i] = i % 2 == 0 ? '1' : '+';
	expression[HQ_EXPR_BYTES_MAX - 1] = '\0';
	hq_buf_init(&b, a);
	for (i = 0; i < n; i++) {
		hq_buf_printf(&b,
		    "%c{\"id\":\"%s-%d\",\"steps\":{\"step\":{\"runtime\":{"
		    "\"url\":\"http://h/\"}}},\"triggers\":",
		    i == 0 ? '[' : ',', app, i);
		for (k = 0; k < TRIGGERS; k++)
			hq_buf_printf(&b,
			    "%c{\"event\":\"x\",\"expression\":\"%s\"}",
			    k == 0 ? '[' : ',', expression);
		hq_buf_puts(&b, "]}");
	}
	hq_buf_putc(&b, ']');
	ck_hq_ok(hq_json_parse(a, hq_buf_str(&b), b.n, &functions, &err));
	rc = hq_engine_register(w.engine, app, functions, &modified, &err);
	hq_arena_free(a);
	return rc;
}

static void
done(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	(void)body;
	r->body = "7";
	snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%.1s;",
	    fn_of(body, c));
}

START_TEST(a_registration_that_the_engine_could_not_read_again_is_refused)
{
	int n = 0;

	w.host = done;
	register_fns("[" FN("f", EVENT("go"), 0) "]");
	while (n < 100 &&
	    register_large(hq_arena_printf(arena, "l%d", n), 4) == HQ_OK)
		n++;
	ck_assert_int_gt(n, 1);
	ck_assert_int_lt(n, 100);
	ck_assert_int_eq(err.code, HQ_E_PAYLOAD_TOO_LARGE);
	send_event("go", NULL, "{}");
	run_all();
	ck_assert_str_eq(notes, "f;");
}
END_TEST

/* So many bytes long. */
static struct json_object *
with_schedule(int bytes)
{
	return json(hq_arena_printf(arena,
	    "[" FN("f", "{\"cron\":\"%-*s\"}", 0) "]", bytes, "0 * * * *"));
}

/* A sweep goes along keys that a schedule is a part of. */
START_TEST(a_schedule_that_is_too_long_is_refused)
{
	bool modified;

	ck_hq_ok(hq_engine_register(w.engine, "app",
	    with_schedule(HQ_ENGINE_TRIGGER_BYTES_MAX), &modified, &err));
	ck_assert_int_eq(hq_engine_register(w.engine, "app",
			     with_schedule(HQ_ENGINE_TRIGGER_BYTES_MAX + 1),
			     &modified, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(err.msg, "at most 255 bytes"));
}
END_TEST

/* --------------------------------------------------------------- spoilt -- */

#define BAD_TRIGGER "{\"event\":\"go\",\"expression\":\"(\"}"

static const char *const spoilt[] = {
	"",
	"{",
	"7",
	"{\"id\":\"app-f\"}",
	"[" FN("f", BAD_TRIGGER, 0) "]",
	FN("f", BAD_TRIGGER, 0),
};

struct spoiler {
	struct hq_db *db;
	const char *config;
};

static enum hq_rc
spoil_tx(void *arg, struct hq_err *e)
{
	const struct spoiler *s = arg;

	return hq_exec(s->db, &spoil_store, SPOIL,
	    HQ_BIND(hq_text("app-f"), hq_text(s->config)), NULL, e);
}

/* What is stored of f; the engine, started again, finds it so. */
static void
spoil(const char *config)
{
	static const struct hq_module *const modules[] = { &hq_engine_store,
		&spoil_store, NULL };
	struct hq_db_opts o = { .path = w.path,
		.modules = modules,
		.write_wait_ms = 5000 };
	struct spoiler s = { .config = config };

	ck_hq_ok(hq_db_open(&o, &s.db, &err));
	ck_hq_ok(hq_db_tx(s.db, spoil_tx, &s, &err));
	hq_db_close(s.db);
	hq_engine_free(w.engine);
	w.engine = engine_open(&w, w.db, "two", 64);
}

static int log_copy = -1;

static void
catch_log(void)
{
	char name[] = "/tmp/hqlog.XXXXXX";
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	log_copy = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* What was logged meanwhile. */
static const char *
caught_log(void)
{
	static char text[4096];
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	dup2(log_copy, STDERR_FILENO);
	close(log_copy);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

START_TEST(a_stored_function_that_cannot_be_read_is_named_and_in_nobodys_way)
{
	const char *log;

	w.host = done;
	register_fns(
	    "[" FN("f", EVENT("go"), 0) "," FN("g", EVENT("go"), 0) "]");
	catch_log();
	spoil(spoilt[_i]);
	send_event("go", NULL, "{}");
	run_all();
	log = caught_log();
	ck_assert_str_eq(notes, "g;");
	ck_assert_ptr_nonnull(strstr(log, "function_unreadable"));
	ck_assert_ptr_nonnull(strstr(log, "app-f"));
}
END_TEST

START_TEST(a_run_of_a_function_that_cannot_be_read_waits_for_one_that_can)
{
	w.host = done;
	register_fns("[" FN("f", EVENT("go"), 0) "]");
	send_event("go", NULL, "{}");
	turn();
	forget_calls(&w); /* with its engine */
	spoil("{");
	pass(LEASE_MS);
	pass(3600000);
	ck_assert_str_eq(notes, "");
	register_fns("[" FN("f", EVENT("go"), 1) "]");
	pass(60000);
	ck_assert_str_eq(notes, "f;");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_functions");
	TCase *t = tcase_create("functions");

	tcase_add_checked_fixture(t, world_open, world_close);
	tcase_add_test(t,
	    a_registration_that_the_engine_could_not_read_again_is_refused);
	tcase_add_test(t, a_schedule_that_is_too_long_is_refused);
	tcase_add_loop_test(t,
	    a_stored_function_that_cannot_be_read_is_named_and_in_nobodys_way,
	    0, (int)(sizeof(spoilt) / sizeof(spoilt[0])));
	tcase_add_test(t,
	    a_run_of_a_function_that_cannot_be_read_waits_for_one_that_can);
	suite_add_tcase(s, t);
	return run_suite(s);
}

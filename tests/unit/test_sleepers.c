/* Very many runs that sleep: each wakes up, once, when it is time. */
#include "engine/limits.h"
#include "enginetest.h"

enum { SLEEPERS = 20000, SLEEP_MS = 60 * 1000 };

enum { Q_RUNS, Q_JOBS, Q_OPEN, Q_EARLY };

#define NUMBERS \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n" \
	" WHERE i < 20000) "

/* Copies of the only run there is; the i-th is due i / 8 ms later. */
static const char *const none[] = { NULL };
static const char *const sql[] = {
	[Q_RUNS] = "INSERT INTO engine_run (id, fn, event, state,"
		   " req_version, force_plan, created_ms) " NUMBERS
		   "SELECT printf('NAP%023d', i), fn, event,"
		   " state, req_version, force_plan, created_ms"
		   " FROM n, (SELECT * FROM engine_run LIMIT 1)",
	[Q_JOBS] = "INSERT INTO engine_job (run, step, kind, lane, due_ms,"
		   " max_attempts, generation, armed_ms) " NUMBERS
		   "SELECT r.num, step, kind, lane,"
		   " CASE WHEN kind = 1 THEN due_ms + i / 8 ELSE due_ms END,"
		   " max_attempts, generation, armed_ms"
		   " FROM n, (SELECT * FROM engine_job LIMIT 2)"
		   " JOIN engine_run r ON r.id = printf('NAP%023d', i)",
	[Q_OPEN] = "SELECT count(*) FROM engine_run WHERE state = 0",
	[Q_EARLY] = "SELECT count(*) FROM engine_run WHERE state <> 1 OR"
		    " (id LIKE 'NAP%' AND ended_ms <"
		    " created_ms + 60000 + CAST(substr(id, 4) AS INTEGER) / 8)",
	NULL,
};
static const struct hq_module many = { "many", none, sql };
static const struct hq_module *const modules[] = { &hq_engine_store, &many,
	NULL };
static struct hq_db *db;
static unsigned char woken[SLEEPERS + 1];

static void
setup(void)
{
	struct hq_db_opts o = { .path = w.path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 5000 };

	world_open();
	ck_hq_ok(hq_db_open(&o, &db, &err));
	memset(woken, 0, sizeof(woken));
}

static void
teardown(void)
{
	hq_db_close(db);
	world_close();
}

static enum hq_rc
copy_tx(void *arg, struct hq_err *e)
{
	(void)arg;
	HQ_TRY(hq_exec(db, &many, Q_RUNS, HQ_NO_BIND, NULL, e));
	return hq_exec(db, &many, Q_JOBS, HQ_NO_BIND, NULL, e);
}

static int64_t
count(size_t q)
{
	HQ_CURSOR(row);

	ck_hq_ok(hq_query(db, &many, q, HQ_NO_BIND, &row, &err));
	ck_assert(hq_cursor_next(&row));
	return hq_cursor_i64(&row, 0);
}

static void
nap(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (!has(body, "s"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"60s\"}]");
	else if (strncmp(c->run, "NAP", 3) == 0)
		woken[atoi(c->run + 3)]++;
}

START_TEST(twenty_thousand_sleepers_wake_up_once_each_and_none_too_early)
{
	int i;

	w.host = nap;
	register_fns("[" FN("nap", EVENT("nap"), 0) "]");
	send_event("nap", "one", "{}");
	run_all();
	ck_hq_ok(hq_db_tx(db, copy_tx, NULL, &err));
	pass(SLEEP_MS - 1);
	ck_assert_int_eq(count(Q_OPEN), SLEEPERS + 1);
	while (w.next_ms != INT64_MAX)
		pass(w.next_ms - w.now_ms > 100 ? w.next_ms - w.now_ms : 100);
	ck_assert_int_eq(count(Q_OPEN), 0);
	ck_assert_int_eq(count(Q_EARLY), 0);
	for (i = 1; i <= SLEEPERS; i++)
		ck_assert_msg(woken[i] == 1, "%d woke up %d times", i,
		    woken[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sleepers");
	TCase *t = tcase_create("sleepers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    twenty_thousand_sleepers_wake_up_once_each_and_none_too_early);
	suite_add_tcase(s, t);
	return run_suite(s);
}

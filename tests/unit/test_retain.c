/* What is forgotten, and what never. */
#include <signal.h>
#include <sys/wait.h>

#include "domain/coordination/retain.h"
#include "domain/coordination/store.h"
#include "engine/limits.h"
#include "optiontest.h"

enum { DAYS = 7, MANY = 3000 };

enum {
	Q_RUNS,
	Q_MEMOS,
	Q_EVENTS,
	Q_SEEN,
	Q_RATES,
	Q_TORN,
	Q_ADD_RUNS,
	Q_ADD_MEMOS,
	Q_WORK,
	Q_TIMELINE,
	Q_TASKS,
	Q_ADD_WORK,
	Q_ADD_TIMELINE,
};

#define NUMBERS(n) \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n" \
	" WHERE i < " n ") "

static const char *const none[] = { NULL };
static const char *const sql[] = {
	[Q_RUNS] = "SELECT count(*) FROM engine_run",
	[Q_MEMOS] = "SELECT count(*) FROM engine_memo",
	[Q_EVENTS] = "SELECT count(*) FROM engine_event",
	[Q_SEEN] = "SELECT count(*) FROM engine_seen",
	[Q_RATES] = "SELECT count(*) FROM engine_rate",
	/* Runs without all of their 20 steps, and steps without a run. */
	[Q_TORN] = "SELECT (SELECT count(*) FROM engine_run r WHERE (SELECT"
		   " count(*) FROM engine_memo m WHERE m.run = r.num) <> 20) +"
		   " (SELECT count(*) FROM engine_memo WHERE run NOT IN"
		   " (SELECT num FROM engine_run))",
	[Q_ADD_RUNS] =
	    "INSERT INTO engine_run (id, fn, event, state, req_version,"
	    " force_plan, created_ms, ended_ms, output) " NUMBERS(
		"3000") "SELECT printf('%026d', i), 'app-f', 'e', 1, 1, 0, 1, 2, '{}'"
			" FROM n",
	[Q_ADD_MEMOS] = "INSERT INTO engine_memo (run, step, value) " NUMBERS(
	    "20") "SELECT r.num, 'step' || i, 'null' FROM n, engine_run r",
	[Q_WORK] = "SELECT count(*) FROM coordination_run",
	[Q_TIMELINE] = "SELECT count(*) FROM coordination_timeline",
	[Q_TASKS] = "SELECT count(*) FROM coordination_task",
	/* Ended on day 0, on day 9, not at all; $1: day 0. */
	[Q_ADD_WORK] =
	    "INSERT INTO coordination_run (run_id, workflow_id,"
	    " workflow_version, status, started_ms, finished_ms) VALUES"
	    " ('old', 'w', '1', 'completed', $1, $1),"
	    " ('late', 'w', '1', 'failed', $1, $1 + 777600000),"
	    " ('open', 'w', '1', 'running', $1, NULL)",
	[Q_ADD_TIMELINE] =
	    "INSERT INTO coordination_timeline (run_id, seq, event_key,"
	    " event_id, type, ts_ms, status) " NUMBERS(
		"5000") "SELECT r.run_id, i, 'k' || i, 'e' || i, 't', 1, 's'"
			" FROM n, coordination_run r WHERE r.run_id <> 'late' OR i < 9",
	NULL,
};
static const struct hq_module looking = { "looking", none, sql };
static const struct hq_module *const modules[] = { &hq_engine_store,
	&hq_coordination_store, &looking, NULL };

static struct hq_config config;
static struct hq_db *mine;

static struct hq_db *
open_all(void)
{
	struct hq_db_opts o = { .path = w.path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 5000 };
	struct hq_db *db;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	return db;
}

static void
setup(void)
{
	world_open();
	config.i[HQ_SET_RAWR_RETAIN_RUNS] = DAYS;
	config.i[HQ_SET_RAWR_RETAIN_WORK] = DAYS;
	mine = open_all();
}

static void
teardown(void)
{
	hq_db_close(mine);
	world_close();
}

static int64_t
count(size_t q)
{
	int64_t n;
	HQ_CURSOR(row);

	ck_hq_ok(hq_query(mine, &looking, q, HQ_NO_BIND, &row, &err));
	ck_assert(hq_cursor_next(&row));
	n = hq_cursor_i64(&row, 0);
	return n;
}

struct add {
	size_t q;
	int64_t day0;
};

static enum hq_rc
add_tx(void *arg, struct hq_err *e)
{
	const struct add *a = arg;
	struct hq_val v = hq_i64(a->day0);

	return hq_exec(mine, &looking, a->q, &v, a->day0 != 0, NULL, e);
}

static void
add(size_t q, int64_t day0)
{
	struct add a = { q, day0 };

	ck_hq_ok(hq_db_tx(mine, add_tx, &a, &err));
}

static struct hq_retain
begin(struct hq_db *db)
{
	return (struct hq_retain){ .db = db, .env = &w.env, .config = &config };
}

/* A whole sweep; the rows that it dropped. */
static int64_t
sweep_with(hq_retain_fn *fn)
{
	struct hq_retain r = begin(mine);
	int64_t before;
	bool more = true;
	int i;

	for (i = 0; more && i < 10000; i++) {
		before = r.dropped;
		ck_hq_ok(fn(&r, &more, &err));
		ck_assert_int_le(r.dropped - before,
		    HQ_RETAIN_DROP + HQ_ENGINE_STEPS_MAX + 1);
	}
	ck_assert(!more);
	return r.dropped;
}

static int64_t
sweep(void)
{
	return sweep_with(hq_engine_retain);
}

static void
two_steps(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	(void)x;
	if (IS_FN(c, "sleepy") && !has(body, "s"))
		ops(r, "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"30d\"}]");
	else if (IS_FN(c, "f") && !has(body, "a"))
		ops(r, "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]");
	else if (IS_FN(c, "f") && !has(body, "b"))
		ops(r, "[{\"op\":\"StepRun\",\"id\":\"b\",\"data\":2}]");
}

static void
functions(void)
{
	w.host = two_steps;
	register_fns(
	    "[" FN("f", EVENT("go"), 0) "," FN("sleepy", EVENT("nap"), 0) "]");
}

static const int64_t day = HQ_ENGINE_DAY_MS;

static size_t
waits_of(const char *event_id)
{
	struct hq_run_waits waits;

	ck_hq_ok(hq_run_waits(mine, &w.env, event_id, arena, &waits, &err));
	return waits.n;
}

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	return hq_event_cancel_runs(mine, &w.env, arg, e);
}

/* ---------------------------------------------------------------- engine -- */

START_TEST(a_run_that_ended_is_forgotten_with_its_steps_and_its_event)
{
	functions();
	send_event("go", "one", "{}");
	run_all();
	ck_assert_int_eq(count(Q_RUNS), 1);
	w.now_ms += DAYS * day;
	send_event("go", "two", "{}");
	run_all();
	ck_assert_int_eq(count(Q_MEMOS), 4);
	w.now_ms += 1;
	ck_assert_int_gt(sweep(), 0);
	ck_assert_int_eq(count(Q_RUNS), 1);
	ck_assert_int_eq(count(Q_MEMOS), 2);
	ck_assert_int_eq(count(Q_EVENTS), 1);
	ck_assert_int_eq(sweep(), 0);
}
END_TEST

START_TEST(a_run_that_sleeps_keeps_its_event_and_wakes_up)
{
	functions();
	send_event("nap", "one", "{}");
	send_event("nap", NULL, "{}");
	run_all();
	w.now_ms += 29 * day;
	sweep();
	ck_assert_int_eq(count(Q_RUNS), 2);
	ck_assert_int_eq(count(Q_EVENTS), 2);
	pass(day);
	ck_assert_uint_eq(w.total, 4);
	w.now_ms += DAYS * day + 1;
	sweep();
	ck_assert_int_eq(count(Q_RUNS), 0);
	ck_assert_int_eq(count(Q_EVENTS), 0);
}
END_TEST

START_TEST(an_event_that_nobody_has_looked_at_stays)
{
	functions();
	send_event("go", "one", "{}");
	w.now_ms += 100 * day;
	sweep();
	ck_assert_int_eq(count(Q_EVENTS), 1);
	run_all();
	ck_assert_int_eq(count(Q_RUNS), 1);
	ck_assert_int_eq(count(Q_MEMOS), 2);
}
END_TEST

START_TEST(an_event_starts_a_function_once_within_the_window_and_again_after_it)
{
	functions();
	send_event("go", "same", "{}");
	run_all();
	w.now_ms += day - 1;
	sweep();
	ck_assert_int_eq(count(Q_SEEN), 1);
	send_event("go", "same", "{}");
	run_all();
	ck_assert_int_eq(count(Q_RUNS), 1);
	w.now_ms += 2;
	send_event("go", "same", "{}");
	run_all();
	ck_assert_int_eq(count(Q_RUNS), 2);
	ck_assert_int_eq(count(Q_SEEN), 2);
	w.now_ms += 2 * day;
	sweep();
	ck_assert_int_eq(count(Q_SEEN), 0);
	ck_assert_int_eq(count(Q_RUNS), 2);
}
END_TEST

START_TEST(an_open_run_is_found_by_its_event_however_old_it_is)
{
	char one[] = "one";

	functions();
	send_event("nap", one, "{}");
	send_event("go", "other", "{}");
	run_all();
	w.now_ms += 20 * day;
	sweep();
	ck_assert_int_eq(count(Q_RUNS), 1);
	ck_assert_int_eq(count(Q_SEEN), 1);
	send_event("nap", one, "{}");
	run_all();
	ck_assert_uint_eq(waits_of(one), 2);
	ck_assert_uint_eq(waits_of("other"), 0);
	ck_hq_ok(hq_db_tx(mine, cancel_tx, one, &err));
	ck_assert_uint_eq(waits_of(one), 0);
	w.now_ms += 20 * day;
	sweep();
	ck_assert_int_eq(count(Q_SEEN), 0);
}
END_TEST

START_TEST(the_number_of_a_run_that_is_forgotten_names_no_other_by_its_event)
{
	struct hq_retain r = begin(mine);
	bool more;

	functions();
	send_event("go", "one", "{}");
	run_all();
	w.now_ms += DAYS * day + 1;
	while (r.phase == 0)
		ck_hq_ok(hq_engine_retain(&r, &more, &err));
	ck_assert_int_eq(count(Q_RUNS), 0);
	send_event("nap", NULL, "{}");
	run_all();
	ck_assert_int_eq(count(Q_RUNS), 1);
	ck_assert_int_eq(count(Q_SEEN), 1);
	ck_assert_uint_eq(waits_of("one"), 0);
	sweep();
	ck_assert_int_eq(count(Q_SEEN), 0);
}
END_TEST

START_TEST(what_is_left_of_a_rate_is_forgotten_when_nothing_is)
{
	functions();
	register_fns("[" FN_WITH("limited",
	    "\"rateLimit\":{\"limit\":1,\"period\":\"1h\","
	    "\"key\":\"event.data.k\"},") "]");
	send_event("t/go", NULL, "{\"k\":1}");
	send_event("t/go", NULL, "{\"k\":2}");
	run_all();
	w.now_ms += 1800 * 1000;
	send_event("t/go", NULL, "{\"k\":3}");
	run_all();
	w.now_ms += 1800 * 1000;
	sweep();
	ck_assert_int_eq(count(Q_RATES), 3);
	w.now_ms += 1;
	sweep();
	ck_assert_int_eq(count(Q_RATES), 1);
}
END_TEST

START_TEST(with_no_days_everything_is_kept)
{
	functions();
	config.i[HQ_SET_RAWR_RETAIN_RUNS] = 0;
	send_event("go", "one", "{}");
	run_all();
	w.now_ms += 10000 * day;
	ck_assert_int_eq(sweep(), 1); /* of what the event began */
	ck_assert_int_eq(count(Q_RUNS), 1);
	ck_assert_int_eq(count(Q_EVENTS), 1);
}
END_TEST

START_TEST(many_runs_go_in_short_transactions)
{
	add(Q_ADD_RUNS, 0);
	add(Q_ADD_MEMOS, 0);
	ck_assert_int_eq(sweep(), 21 * MANY);
	ck_assert_int_eq(count(Q_RUNS) + count(Q_MEMOS), 0);
}
END_TEST

/* Sweep until killed; tell of the first step. */
static void
sweep_in_child(int fd)
{
	struct hq_db *db = open_all();
	struct hq_retain r = begin(db);
	bool more = true;

	while (more) {
		ck_hq_ok(hq_engine_retain(&r, &more, &err));
		ck_assert_int_eq(write(fd, "", 1), 1);
	}
	pause();
}

START_TEST(a_sweep_that_is_killed_leaves_whole_runs_and_the_next_one_ends_it)
{
	int fds[2], i;
	char c;
	pid_t pid;

	add(Q_ADD_RUNS, 0);
	add(Q_ADD_MEMOS, 0);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0)
		sweep_in_child(fds[1]);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(read(fds[0], &c, 1), 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_lt(count(Q_RUNS), MANY);
	ck_assert_int_eq(count(Q_TORN), 0);
	sweep();
	ck_assert_int_eq(count(Q_RUNS) + count(Q_MEMOS), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* ---------------------------------------------------------- coordination -- */

START_TEST(work_that_ended_long_ago_goes_with_its_timeline_and_no_other)
{
	add(Q_ADD_WORK, w.now_ms);
	add(Q_ADD_TIMELINE, 0);
	ck_assert_int_eq(sweep_with(hq_coord_retain), 0);
	w.now_ms += 10 * day;
	ck_assert_int_eq(sweep_with(hq_coord_retain), 5001);
	ck_assert_int_eq(count(Q_WORK), 2);
	ck_assert_int_eq(count(Q_TIMELINE), 5008);
	w.now_ms += 10 * day;
	ck_assert_int_eq(sweep_with(hq_coord_retain), 9);
	ck_assert_int_eq(count(Q_WORK), 1);
}
END_TEST

START_TEST(work_is_kept_unless_a_setting_says_otherwise)
{
	config.i[HQ_SET_RAWR_RETAIN_WORK] = 0;
	add(Q_ADD_WORK, w.now_ms);
	w.now_ms += 10000 * day;
	ck_assert_int_eq(sweep_with(hq_coord_retain), 0);
	ck_assert_int_eq(count(Q_WORK), 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("retain");
	TCase *t = tcase_create("retain");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_run_that_ended_is_forgotten_with_its_steps_and_its_event);
	tcase_add_test(t, a_run_that_sleeps_keeps_its_event_and_wakes_up);
	tcase_add_test(t, an_event_that_nobody_has_looked_at_stays);
	tcase_add_test(t,
	    an_event_starts_a_function_once_within_the_window_and_again_after_it);
	tcase_add_test(t, an_open_run_is_found_by_its_event_however_old_it_is);
	tcase_add_test(t,
	    the_number_of_a_run_that_is_forgotten_names_no_other_by_its_event);
	tcase_add_test(t, what_is_left_of_a_rate_is_forgotten_when_nothing_is);
	tcase_add_test(t, with_no_days_everything_is_kept);
	tcase_add_test(t, many_runs_go_in_short_transactions);
	tcase_add_test(t,
	    a_sweep_that_is_killed_leaves_whole_runs_and_the_next_one_ends_it);
	tcase_add_test(t,
	    work_that_ended_long_ago_goes_with_its_timeline_and_no_other);
	tcase_add_test(t, work_is_kept_unless_a_setting_says_otherwise);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * A store of the engine's eleventh schema, whose runs had their ids in every row:
 * it comes up with all that it had, and the engine goes on with it.
 */
#include <sqlite3.h>

#include "engine/limits.h"
#include "enginetest.h"
#include "store/admin.h"

enum { ELEVENTH = 11, HOUR_MS = 3600000, MINUTE_MS = 60000 };

#define OLD(tail) "0000000000000000000000" tail

/*
 * Runs, all of an hour ago: R1 at work with two steps, R2 over, R3 asleep, R4
 * in flight of an engine that is gone, R5 of an event without an id of its own,
 * R6 of a tick.  A step of a run that is not there, and one without a value.
 */
static const char rows[] =
    "INSERT INTO engine_event (id, client_id, name, data, ts_ms, received_ms)"
    " VALUES"
    " ('" OLD("0EV1") "', 'one', 'go', '{\"n\":1}', $ago, $ago),"
		      " ('" OLD(
			  "0EV2") "', 'two', 'go', '{\"n\":2}', $ago, $ago),"
				  " ('" OLD(
				      "0EV3") "', 'three', 'nap', '{\"n\":3}', $ago, $ago),"
					      " ('" OLD("0EV4") "', 'four', 'go', '{\"n\":4}', $ago, $ago),"
								" ('" OLD("0EV5") "', NULL, 'nap', '{\"n\":5}', $ago, $ago),"
										  " ('" OLD("0EV6") "', 'at six', 'inngest/scheduled.timer',"
												    " '{\"cron\":\"*/5 \\\" *\"}', $ago, $ago);"
												    "INSERT INTO engine_seen (event_id, fn, seen_ms) VALUES"
												    " ('one', 'app-f', $ago), ('two', 'app-f', $ago),"
												    " ('three', 'app-sleepy', $ago), ('four', 'app-f', $ago),"
												    " ('cron */5 \" * at six', 'app-f', $ago);"
												    "INSERT INTO engine_run (id, fn, event, event_client, state,"
												    " req_version, force_plan, created_ms, ended_ms, output) VALUES"
												    " ('" OLD("RUN1") "', 'app-f', '" OLD("0EV1") "', 'one',"
																		  " 0, 1, 0, $ago, NULL, NULL),"
																		  " ('" OLD("RUN2") "', 'app-f', '" OLD("0EV2") "', 'two',"
																								" 1, 1, 0, $ago, $ago + 5, '\"done\"'),"
																								" ('" OLD("RUN3") "', 'app-sleepy', '" OLD("0EV3") "', 'three',"
																														   " 0, 1, 0, $ago, NULL, NULL),"
																														   " ('" OLD(
																														       "RUN4") "', 'app-f', '" OLD("0EV4") "', 'four',"
																																			   " 0, 1, 0, $ago, NULL, NULL),"
																																			   " ('" OLD(
																																			       "RUN5") "', 'app-sleepy', '" OLD("0EV5") "',"
																																									" '" OLD(
																																									    "0EV5") "', 0, 1, 0, $ago, NULL, NULL),"
																																										    " ('" OLD("RUN6") "', 'app-f', '" OLD("0EV6") "', 'at six',"
																																																  " 1, 1, 0, $ago, $ago + 6, 'null');"
																																																  "INSERT INTO engine_value (id, value) VALUES (1, '\"of a\"'),"
																																																  " (2, '\"of b\"'), (3, '\"lost\"'), (4, '\"of b of 2\"');"
																																																  "INSERT INTO engine_memo (run, step, seq, value_id) VALUES"
																																																  " ('" OLD(
																																																      "RUN1") "', 'a', 2, 1), ('" OLD("RUN1") "', 'b', 1, 2),"
																																																					      " ('" OLD("GONE") "', 'a', 1, 3), ('" OLD(
																																																						  "RUN2") "', 'b', 1, 4), ('" OLD("RUN2") "', 'none', 2, 9);"
																																																											  "INSERT INTO engine_job (run, step, kind, lane, due_ms, max_attempts,"
																																																											  " generation, owner, armed_ms, attempt) VALUES"
																																																											  " ('" OLD("RUN1") "', 'step', 0, 1, $now, 4, 7, NULL, $ago, 2),"
																																																													    " ('" OLD(
																																																														"RUN3") "', 'step', 0, 1, 9223372036854775807, 4, 1, NULL,"
																																																															" $ago, 0),"
																																																															" ('" OLD(
																																																															    "RUN3") "', 's', 1, 3, $now + 60000, 1, 0, NULL, $ago, 0),"
																																																																    " ('" OLD("RUN4") "', 'step', 0, 1, $now + 10000, 4, 1, 'gone',"
																																																																		      " $ago, 0),"
																																																																		      " ('" OLD(
																																																																			  "RUN5") "', 'step', 0, 1, 9223372036854775807, 4, 1, NULL,"
																																																																				  " $ago, 0),"
																																																																				  " ('" OLD(
																																																																				      "RUN5") "', 's', 1, 3, $now + 90000, 1, 0, NULL, $ago, 0);";

enum {
	Q_RUNS,
	Q_MEMOS,
	Q_BEGUN,
	Q_JOBS,
};
static const char *const none[] = { NULL };
/* Every row as text. */
static const char *const sql[] = {
	[Q_RUNS] = "SELECT group_concat(substr(id, 23) || ' ' || fn || ' ' ||"
		   " substr(event, 23) || ' ' || state || ' ' ||"
		   " coalesce(ended_ms - created_ms, '-') || ' ' ||"
		   " coalesce(output, '-'), ';' ORDER BY num) FROM engine_run",
	[Q_MEMOS] = "SELECT group_concat(substr(r.id, 23) || ' ' || m.step ||"
		    " ' ' || m.value, ';' ORDER BY m.id) FROM engine_memo m"
		    " JOIN engine_run r ON r.num = m.run",
	[Q_BEGUN] = "SELECT group_concat(s.event_id || ':' || substr(r.id, 23),"
		    " ';' ORDER BY r.num) FROM engine_seen s JOIN engine_run r"
		    " ON r.num = s.run AND r.created_ms / 86400000 = s.day",
	[Q_JOBS] = "SELECT group_concat(substr(r.id, 23) || ' ' || j.step ||"
		   " ' ' || j.generation || ' ' || j.attempt || ' ' ||"
		   " coalesce(j.owner, '-'), ';' ORDER BY r.num, j.step)"
		   " FROM engine_job j JOIN engine_run r ON r.num = j.run",
	NULL,
};
static const struct hq_module look = { "look", none, sql };
static const struct hq_module *const modules[] = { &hq_engine_store, &look,
	NULL };
static struct hq_db *db;
static char log_text[512];

/* $now and $ago stand for themselves. */
static const char *
with_times(const char *text)
{
	struct hq_buf b;
	int64_t ms;

	hq_buf_init(&b, arena);
	for (; *text != '\0'; text++) {
		if (*text != '$') {
			hq_buf_putc(&b, *text);
			continue;
		}
		ms = w.now_ms - (text[1] == 'a' ? HOUR_MS : 0);
		hq_buf_printf(&b, "%lld", (long long)ms);
		text += 3;
	}
	return hq_buf_str(&b);
}

/* In the place of the world's store, as the eleventh schema had it. */
static void
make_earlier(const char *more)
{
	static const char *steps[ELEVENTH + 1];
	static const struct hq_module eleventh = { "engine", steps, none };
	const struct hq_module *const list[] = { &eleventh, NULL };
	struct hq_db_opts o = { .path = w.path,
		.modules = list,
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = 5000 };
	struct hq_db *old;
	sqlite3 *raw;

	memcpy(steps, hq_engine_store.migrations, ELEVENTH * sizeof(steps[0]));
	unlink(w.path);
	ck_hq_ok(hq_db_open(&o, &old, &err));
	hq_db_close(old);
	ck_assert_int_eq(sqlite3_open(w.path, &raw), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(raw, with_times(rows), NULL, NULL, NULL) ==
		SQLITE_OK,
	    "%s", sqlite3_errmsg(raw));
	ck_assert_int_eq(sqlite3_exec(raw, more, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
}

static void
setup_with(const char *more)
{
	struct hq_db_opts o = { .path = w.path,
		.modules = modules,
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = 5000 };

	world_open();
	hq_engine_free(w.engine);
	hq_db_close(w.db);
	make_earlier(more);
	(void)sqlite3_memory_highwater(1);
	ck_hq_ok(hq_db_open(&o, &db, &err));
	w.db = store_open(w.path);
	w.engine = engine_open(&w, w.db, "one", 64);
	log_text[0] = '\0';
}

static void
setup(void)
{
	setup_with("");
}

/* 64 MB of values. */
static void
setup_large(void)
{
	setup_with("WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL"
		   " SELECT i + 1 FROM n WHERE i < 73)"
		   " INSERT INTO engine_value (id, value)"
		   " SELECT i, hex(zeroblob(500000)) FROM n;"
		   "INSERT INTO engine_memo (run, step, seq, value_id)"
		   " SELECT '" OLD("RUN2") "', id, id, id FROM engine_value"
					   " WHERE id >= 10");
}

static void
teardown(void)
{
	hq_db_close(db);
	world_close();
}

static const char *
text_of(size_t q)
{
	const char *text;
	HQ_CURSOR(row);

	ck_hq_ok(hq_query(db, &look, q, HQ_NO_BIND, &row, &err));
	ck_assert(hq_cursor_next(&row));
	text = hq_cursor_text(&row, 0, arena);
	return text == NULL ? "" : text;
}

/* Notes whose call it is, and what it knows of. */
static void
noting(struct world *x, const struct fake_call *c, struct json_object *body,
    struct hq_engine_reply *r)
{
	size_t n = strlen(log_text);

	(void)x;
	(void)r;
	snprintf(log_text + n, sizeof(log_text) - n, "%s %s %s;", c->run + 22,
	    hq_json_text(arena, hq_json_get(body, "steps")),
	    hq_json_text(arena,
		hq_json_get(hq_json_get(hq_json_get(body, "ctx"), "stack"),
		    "stack")));
}

static void
start(void)
{
	w.host = noting;
	register_fns(
	    "[" FN("f", EVENT("go"), 0) "," FN("sleepy", EVENT("nap"), 0) "]");
}

START_TEST(a_store_of_an_earlier_schema_comes_up_with_all_its_rows)
{
	ck_assert_str_eq(text_of(Q_RUNS),
	    "RUN1 app-f 0EV1 0 - -;RUN2 app-f 0EV2 1 5 \"done\";"
	    "RUN3 app-sleepy 0EV3 0 - -;RUN4 app-f 0EV4 0 - -;"
	    "RUN5 app-sleepy 0EV5 0 - -;RUN6 app-f 0EV6 1 6 null");
	ck_assert_str_eq(text_of(Q_MEMOS),
	    "RUN1 b \"of b\";RUN1 a \"of a\";RUN2 b \"of b of 2\"");
	ck_assert_str_eq(text_of(Q_BEGUN),
	    "one:RUN1;two:RUN2;three:RUN3;four:RUN4;"
	    "cron */5 \" * at six:RUN6");
	ck_assert_str_eq(text_of(Q_JOBS),
	    "RUN1 step 7 2 -;RUN3 s 0 0 -;RUN3 step 1 0 -;RUN4 step 1 0 gone;"
	    "RUN5 s 0 0 -;RUN5 step 1 0 -");
	ck_hq_ok(hq_db_check(db, &err));
}
END_TEST

START_TEST(an_earlier_schema_is_left_without_its_values_in_memory)
{
	sqlite3_int64 most = sqlite3_memory_highwater(0);

	ck_assert_int_gt(most, 1000000);
	ck_assert_int_lt(most, 16000000);
}
END_TEST

START_TEST(runs_of_an_earlier_schema_go_on_where_they_were)
{
	start();
	run_all();
	ck_assert_str_eq(log_text,
	    "RUN1 {\"a\":\"of a\",\"b\":\"of b\"} [\"b\",\"a\"];");
	log_text[0] = '\0';
	pass(10000); /* the lease of the engine that is gone */
	ck_assert_str_eq(log_text, "RUN4 {} [];");
	log_text[0] = '\0';
	pass(MINUTE_MS);
	ck_assert_str_eq(log_text, "RUN3 {\"s\":null} [\"s\"];");
}
END_TEST

START_TEST(an_event_that_an_earlier_schema_has_seen_begins_nothing_again)
{
	start();
	send_event("go", "two", "{}");
	send_event("nap", "three", "{}");
	run_all();
	ck_assert_ptr_null(
	    strstr(text_of(Q_RUNS), "RUN6 app-f 0EV6 1 6 null;"));
	w.now_ms += HQ_ENGINE_DAY_MS;
	send_event("go", "two", "{}");
	run_all();
	ck_assert_ptr_nonnull(
	    strstr(text_of(Q_RUNS), "RUN6 app-f 0EV6 1 6 null;"));
}
END_TEST

static enum hq_rc
cancel_tx(void *arg, struct hq_err *e)
{
	return hq_event_cancel_runs(w.db, &w.env, arg, e);
}

START_TEST(runs_of_an_earlier_schema_are_cancelled_by_their_event)
{
	char three[] = "three", five[] = OLD("0EV5");

	start();
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, three, &err));
	ck_hq_ok(hq_db_tx(w.db, cancel_tx, five, &err));
	ck_assert_str_eq(text_of(Q_JOBS), "RUN1 step 7 2 -;RUN4 step 1 0 gone");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_earlier");
	TCase *t = tcase_create("earlier");

	if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1) != SQLITE_OK)
		return 1;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_store_of_an_earlier_schema_comes_up_with_all_its_rows);
	tcase_add_test(t, runs_of_an_earlier_schema_go_on_where_they_were);
	tcase_add_test(t,
	    an_event_that_an_earlier_schema_has_seen_begins_nothing_again);
	tcase_add_test(t,
	    runs_of_an_earlier_schema_are_cancelled_by_their_event);
	suite_add_tcase(s, t);
	t = tcase_create("large");
	tcase_add_checked_fixture(t, setup_large, teardown);
	tcase_add_test(t,
	    an_earlier_schema_is_left_without_its_values_in_memory);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/*
 * The engine's statements.  What a row means stands in schema.c.
 */
#include "engine/sql.h"

/* The number of the run $1. */
#define NUM_1 "(SELECT num FROM engine_run WHERE id = $1)"

/* Of the step $2 in a row of engine_memo m. */
#define IS_STEP "substr(m.step, -4) = substr($2, -4) AND m.step = $2"

/* The days that engine_seen has, from one on; each by a look at the key. */
#define DAYS_FROM(day) \
	"WITH RECURSIVE d (day) AS (" \
	"SELECT min(day) FROM engine_seen WHERE day >= " day " UNION ALL" \
	" SELECT (SELECT min(n.day) FROM engine_seen n WHERE n.day > d.day)" \
	" FROM d WHERE d.day IS NOT NULL) "

/*
 * What the event $1 began on these days.  A run's number may be given again
 * once it is forgotten, but not on the same day.
 */
#define BEGUN_ON_DAYS \
	"d CROSS JOIN engine_seen s ON s.day = d.day AND s.event_id = $1" \
	" CROSS JOIN engine_run r ON r.num = s.run" \
	" AND r.created_ms / 86400000 = s.day"

/* The open runs of the event that is known outside by $1. */
#define OPEN_RUNS \
	"(" DAYS_FROM( \
	    "0") "SELECT r.num FROM " BEGUN_ON_DAYS " WHERE r.state = 0" \
		 " UNION ALL SELECT num FROM engine_run WHERE event = $1" \
		 " AND state = 0)"

/* Of a row of engine_seen s. */
#define IS_OPEN \
	"EXISTS (SELECT 1 FROM engine_run r WHERE r.num = s.run" \
	" AND r.created_ms / 86400000 = s.day AND r.state = 0)"

/* Of a row of engine_event. */
#define BEGAN_OPEN_RUN \
	"EXISTS (SELECT 1 FROM engine_run r WHERE r.event = engine_event.id" \
	" AND r.state = 0)"

/* The same: a run began with it, or will, or it is parked or waits apart. */
#define IS_NEEDED \
	"(" BEGAN_OPEN_RUN " OR EXISTS (SELECT 1 FROM engine_debounce d" \
	" WHERE d.event = engine_event.id) OR EXISTS" \
	" (SELECT 1 FROM engine_batch b WHERE b.event = engine_event.id)" \
	" OR EXISTS (SELECT 1 FROM engine_parked p" \
	" WHERE p.event = engine_event.id) OR EXISTS" \
	" (SELECT 1 FROM engine_inbox i WHERE i.event = engine_event.id" \
	" AND i.apart = 1))"

/* Of a row of engine_event e: it is not our own engine's. */
#define GOES_OUT "substr(e.name, 1, 8) <> 'inngest/'"

static const char *const sql[Q__MAX + 1] = {
	[Q_EVENT_ADD] = "INSERT INTO engine_event"
			" (id, client_id, name, data, ts_ms, received_ms)"
			" VALUES ($1, $2, $3, $4, $5, $6)",
	[Q_EVENT_GET] = "SELECT id, client_id, name, data, ts_ms, received_ms"
			" FROM engine_event WHERE id = $1",
	/* The key's order is the order of arrival. */
	[Q_EVENT_LAST] = "SELECT id FROM engine_event ORDER BY id DESC LIMIT 1",
	[Q_EVENTS_SINCE] =
	    "SELECT id, client_id, name, data, ts_ms, received_ms"
	    " FROM engine_event WHERE name = $1 AND id >= $2 ORDER BY id",
	[Q_INBOX_ADD] =
	    "INSERT INTO engine_inbox (event, client_id) VALUES ($1, $2)",
	[Q_INBOX_HEAD] =
	    "SELECT seq, event FROM engine_inbox ORDER BY seq LIMIT 1",
	[Q_INBOX_DROP] = "DELETE FROM engine_inbox WHERE seq = $1",
	[Q_INBOX_CANCEL] = "DELETE FROM engine_inbox WHERE client_id = $1",
	[Q_SEEN_HAS] = DAYS_FROM(
	    "$3 / 86400000") "SELECT 1 FROM " BEGUN_ON_DAYS
			     " WHERE r.fn = $2 AND r.created_ms >= $3"
			     " UNION ALL SELECT 1 FROM d CROSS JOIN engine_seen s"
			     " ON s.day = d.day AND s.event_id = $1"
			     " AND s.run <= -$3 AND s.fn = $2 LIMIT 1",
	[Q_SEEN_KEEP] = "INSERT INTO engine_seen (day, event_id, run, fn)"
			" VALUES ($3 / 86400000, $1, -$3, $2)"
			" ON CONFLICT (day, event_id, run, fn) DO NOTHING",
	[Q_SEEN_ADD] = "INSERT INTO engine_seen (day, event_id, run)"
		       " SELECT created_ms / 86400000, $2, num"
		       " FROM engine_run WHERE id = $1",
	[Q_RATE_GET] = "SELECT tat_us FROM engine_rate WHERE fn = $1"
		       " AND key = $2",
	[Q_RATE_SET] = "INSERT INTO engine_rate (fn, key, tat_us)"
		       " VALUES ($1, $2, $3) ON CONFLICT (fn, key)"
		       " DO UPDATE SET tat_us = excluded.tat_us",
	[Q_SINGLE_FIND] =
	    "SELECT r.id FROM engine_job j JOIN engine_run r ON r.num = j.run"
	    " WHERE j.single = $1 LIMIT 1",
	[Q_JOB_KEYS] = "UPDATE engine_job SET single = $2, keys = $3"
		       " WHERE run = " NUM_1 " AND step = 'step'",
	[Q_JOB_GATE] =
	    "SELECT gate, (SELECT f.keys FROM engine_job f WHERE f.run = " NUM_1
	    " AND f.step = 'step') FROM engine_job WHERE run = " NUM_1
	    " AND step = $2",
	/* As if it had not been claimed. */
	[Q_JOB_HOLD] =
	    "UPDATE engine_job SET owner = NULL, generation = generation - 1,"
	    " lane = lane + 8, gate = $3, due_ms = armed_ms"
	    " WHERE run = " NUM_1 " AND step = $2",
	/* The same, for another reason: there is nobody to call. */
	[Q_JOB_PUT_OFF] =
	    "UPDATE engine_job SET owner = NULL, generation = generation - 1,"
	    " crashes = 0, refusals = 1, due_ms = $3"
	    " WHERE run = " NUM_1 " AND step = $2",
	[Q_PLACES_TAKEN] = "SELECT count(*) FROM (SELECT 1 FROM engine_job"
			   " WHERE place1 = $1 AND owner IS NOT NULL"
			   " UNION ALL SELECT 1 FROM engine_job"
			   " WHERE place2 = $1 AND owner IS NOT NULL LIMIT $2)",
	[Q_PLACES_TAKE] =
	    "UPDATE engine_job SET place1 = $3, place2 = $4, gate = NULL"
	    " WHERE run = " NUM_1 " AND step = $2",
	[Q_GATE_OPEN] =
	    "UPDATE engine_job SET lane = lane - 8, due_ms = min(due_ms, $2)"
	    " WHERE (run, step) IN (SELECT run, step FROM engine_job"
	    " WHERE gate = $1 AND lane >= 8 ORDER BY due_ms LIMIT $3)",
	[Q_GATE_NEXT] =
	    "SELECT min(gate) FROM engine_job WHERE gate > $1 AND lane >= 8",
	[Q_GATE_FIRST] =
	    "SELECT r.fn, f.keys FROM engine_job j"
	    " JOIN engine_run r ON r.num = j.run"
	    " JOIN engine_job f ON f.run = j.run AND f.step = 'step'"
	    " WHERE j.gate = $1 AND j.lane >= 8 ORDER BY j.due_ms LIMIT 1",
	[Q_GATES_ANY] = "SELECT EXISTS (SELECT 1 FROM engine_job"
			" WHERE gate > '' AND lane >= 8)",
	[Q_BATCH_ALL] = "SELECT fn, event, bytes FROM engine_batch"
			" WHERE owner = $1 ORDER BY seq",
	[Q_BATCH_ADD] = "INSERT INTO engine_batch"
			" (owner, seq, fn, event, invoker, bytes)"
			" VALUES ($1, $2, $3, $4, $5, $6)",
	[Q_BATCH_OWN] = "UPDATE engine_batch SET owner = $2 WHERE owner = $1",
	[Q_BATCH_DROP] =
	    "DELETE FROM engine_batch WHERE owner = $1 RETURNING invoker",
	[Q_BATCH_INVOKERS] = "SELECT invoker FROM engine_batch"
			     " WHERE owner = $1 AND invoker IS NOT NULL",
	[Q_BATCH_EVENTS] =
	    "SELECT e.id, e.client_id, e.name, e.data, e.ts_ms, e.received_ms"
	    " FROM engine_batch b JOIN engine_event e ON e.id = b.event"
	    " WHERE b.owner = $1 ORDER BY b.seq",
	[Q_DEBOUNCE_GET] = "SELECT fn, event, invoker, until_ms"
			   " FROM engine_debounce WHERE key = $1",
	[Q_DEBOUNCE_SET] =
	    "INSERT INTO engine_debounce (key, fn, event, invoker, until_ms)"
	    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET"
	    " fn = excluded.fn, event = excluded.event,"
	    " invoker = excluded.invoker",
	[Q_DEBOUNCE_DROP] = "DELETE FROM engine_debounce WHERE key = $1",
	[Q_WAKE_SET] = "INSERT INTO engine_wake (name, due_ms) VALUES ($1, $2)"
		       " ON CONFLICT (name) DO UPDATE SET"
		       " due_ms = excluded.due_ms",
	[Q_WAKE_SOONER] =
	    "INSERT INTO engine_wake (name, due_ms) VALUES ($1, $2)"
	    " ON CONFLICT (name) DO UPDATE SET due_ms = excluded.due_ms"
	    " WHERE excluded.due_ms < due_ms",
	/* As Q_JOB_BACK for what is pending. */
	[Q_WAKE_BACK] = "UPDATE engine_wake SET"
			" due_ms = max($1, due_ms - ($2 - $1))"
			" WHERE due_ms > $1",
	[Q_DEBOUNCE_BACK] = "UPDATE engine_debounce SET"
			    " until_ms = max($1, until_ms - ($2 - $1))"
			    " WHERE until_ms > $1"
			    " AND until_ms < 9223372036854775807",
	[Q_CLOCK_SET] =
	    "INSERT INTO engine_clock (id, events_ms, back_ms)"
	    " VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET"
	    " events_ms = excluded.events_ms, back_ms = excluded.back_ms",
	[Q_CLOCK_GET] = "SELECT back_ms FROM engine_clock"
			" WHERE id = 1 AND events_ms = $1",
	[Q_WAKE_DROP] = "DELETE FROM engine_wake WHERE name = $1",
	[Q_WAKES_DUE] = "SELECT name, due_ms FROM engine_wake"
			" WHERE due_ms <= $1 ORDER BY due_ms LIMIT $2",
	[Q_WAKE_NEXT] = "SELECT min(due_ms) FROM engine_wake",
	[Q_WAKES_ANY] = "SELECT EXISTS (SELECT 1 FROM engine_wake"
			" WHERE due_ms > 0)",
	[Q_RUN_ADD] = "INSERT INTO engine_run (id, fn, event, invoker,"
		      " state, req_version, force_plan, created_ms)"
		      " VALUES ($1, $2, $3, $4, 0, -1, 0, $5)",
	[Q_RUN_GET] =
	    "SELECT fn, event, invoker, state, req_version, force_plan"
	    " FROM engine_run WHERE id = $1",
	[Q_RUN_VERSION] = "UPDATE engine_run SET req_version = $2"
			  " WHERE id = $1 AND req_version < 0",
	[Q_RUN_PLAN] = "UPDATE engine_run SET force_plan = $2"
		       " WHERE id = $1 AND force_plan <> $2",
	[Q_RUN_END] =
	    "UPDATE engine_run SET state = $2, output = $3, ended_ms = $4"
	    " WHERE id = $1 AND state = 0",
	[Q_RUNS_OF_EVENT] = "SELECT id FROM engine_run WHERE num IN " OPEN_RUNS,
	[Q_RUN_WAITS] =
	    "SELECT j.kind, j.due_ms, j.attempt, j.owner IS NOT NULL,"
	    " j.wait_event, j.armed_ms FROM engine_run r"
	    " JOIN engine_job j ON j.run = r.num"
	    " WHERE r.num IN " OPEN_RUNS
	    " AND j.kind <= 3 AND j.due_ms < 9223372036854775807 ORDER BY j.due_ms",
	/* No change: the step has been recorded. */
	[Q_MEMO_ADD] =
	    "INSERT INTO engine_memo (run, step, value) SELECT r.num, $2, $3"
	    " FROM engine_run r WHERE r.id = $1 AND NOT EXISTS"
	    " (SELECT 1 FROM engine_memo m WHERE m.run = r.num AND " IS_STEP
	    ")",
	[Q_MEMO_HAS] =
	    "SELECT 1 FROM engine_memo m WHERE m.run = " NUM_1 " AND " IS_STEP,
	/* m.id: in the order they were recorded. */
	[Q_MEMO_ALL] = "SELECT step, id, value FROM engine_memo"
		       " WHERE run = " NUM_1 " ORDER BY substr(step, -4), id",
	/* No change: the step is planned already, or recorded. */
	[Q_JOB_PLAN] =
	    "INSERT INTO engine_job (run, step, kind, lane, due_ms,"
	    " max_attempts, timeout_ms, wait_event, wait_if, armed_ms,"
	    " heard_ms, wait_path, wait_value)"
	    " SELECT r.num, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
	    " $13 FROM engine_run r WHERE r.id = $1 AND NOT EXISTS"
	    " (SELECT 1 FROM engine_memo m WHERE m.run = r.num AND " IS_STEP
	    ") ON CONFLICT (run, step) DO NOTHING",
	/* A parked job becomes due; one in flight is followed by another. */
	[Q_JOB_DISCOVER] =
	    "UPDATE engine_job SET"
	    " again = CASE WHEN owner IS NULL THEN again ELSE 1 END,"
	    " due_ms = CASE WHEN due_ms = 9223372036854775807"
	    " THEN $2 ELSE due_ms END"
	    " WHERE run = " NUM_1 " AND step = 'step'",
	[Q_JOB_DROP] =
	    "DELETE FROM engine_job WHERE run = " NUM_1 " AND step = $2",
	/* With what each had of gates: places, and having been let go. */
	[Q_JOB_DROP_RUN] =
	    "DELETE FROM engine_job WHERE run = " NUM_1 " RETURNING step,"
	    " CASE WHEN owner IS NOT NULL THEN place1 END,"
	    " CASE WHEN owner IS NOT NULL THEN place2 END,"
	    " CASE WHEN lane < 8 THEN gate END",
	/* $6: 1 calls that are to be made, 0 those whose lease has ended. */
	[Q_JOB_CLAIM] =
	    "UPDATE engine_job SET owner = $1, due_ms = $2,"
	    " armed_ms = due_ms, place1 = NULL, place2 = NULL,"
	    " generation = generation + 1, again = 0"
	    " WHERE (run, step) IN (SELECT run, step FROM engine_job"
	    " WHERE lane = $3 AND (owner IS NULL) = $6 AND due_ms <= $4"
	    " ORDER BY due_ms LIMIT $5)"
	    " RETURNING (SELECT id FROM engine_run r"
	    " WHERE r.num = engine_job.run), step, generation, attempt,"
	    " max_attempts, timeout_ms",
	/* $3 0: whichever call is in flight; $4 null: whoever has it. */
	[Q_JOB_HELD] =
	    "SELECT attempt, max_attempts, crashes, refusals, again"
	    " FROM engine_job WHERE run = " NUM_1 " AND step = $2"
	    " AND ($3 = 0 OR generation = $3) AND owner = coalesce($4, owner)",
	[Q_JOB_RENEW] = "UPDATE engine_job SET due_ms = $5"
			" WHERE run = " NUM_1 " AND step = $2"
			" AND generation = $3 AND owner = $4",
	[Q_JOB_RELEASE] = "UPDATE engine_job SET owner = NULL, due_ms = $5"
			  " WHERE run = " NUM_1 " AND step = $2"
			  " AND generation = $3 AND owner = $4",
	[Q_JOB_RETRY] =
	    "UPDATE engine_job SET owner = NULL, attempt = $3, crashes = $4,"
	    " refusals = $5, due_ms = $6"
	    " WHERE run = " NUM_1 " AND step = $2",
	[Q_JOB_AGAIN] =
	    "UPDATE engine_job SET owner = NULL, attempt = 0, crashes = 0,"
	    " refusals = 0, due_ms = $3"
	    " WHERE run = " NUM_1 " AND step = $2",
	/*
	 * The clock went back from $2 to $1: what was due then is due now, a
	 * pending attempt is moved along, and no lease is longer than one.
	 * What was planned for a date keeps it.
	 */
	[Q_JOB_BACK] =
	    "UPDATE engine_job SET due_ms = CASE WHEN owner IS NULL"
	    " THEN max($1, due_ms - ($2 - $1)) ELSE min(due_ms, $1 + $3) END"
	    " WHERE lane IN ($4, $5, $6, $7) AND (owner IS NULL) IN (0, 1)"
	    " AND due_ms > $1"
	    " AND due_ms < 9223372036854775807 AND (owner IS NOT NULL"
	    " OR due_ms <= $2 OR attempt + crashes + refusals > 0)",
	[Q_JOB_ANEW] =
	    "UPDATE engine_job SET attempt = 0, crashes = 0, refusals = 0"
	    " WHERE run = " NUM_1 " AND step = $2",
	/* Calls of the app $1 that nobody took and that are due within $4. */
	[Q_JOB_BACK_AGAIN] =
	    "UPDATE engine_job SET due_ms = $2, refusals = 0"
	    " WHERE lane = $3 AND (owner IS NULL) = 1 AND due_ms > $2"
	    " AND due_ms <= $2 + $4 AND refusals > 0"
	    " AND EXISTS (SELECT 1 FROM engine_run r"
	    " JOIN engine_fn f ON f.slug = r.fn"
	    " WHERE r.num = engine_job.run AND f.app = $1)",
	[Q_JOB_TOLD] = "UPDATE engine_job SET again = 2"
		       " WHERE run = " NUM_1 " AND step = $2 AND again = 0",
	[Q_MEMO_SIZE] = "SELECT count(*), coalesce(sum(octet_length(value)), 0)"
			" FROM engine_memo WHERE run = " NUM_1,
	[Q_RUN_LOOK] = "SELECT id, fn, event, state, created_ms, ended_ms,"
		       " output FROM engine_run WHERE id = $1",
	[Q_RUNS_BY_CAUSE] =
	    "SELECT id, fn, event, state, created_ms, ended_ms, output"
	    " FROM engine_run WHERE id IN (SELECT id FROM engine_run"
	    " WHERE event = $1 UNION SELECT owner FROM engine_batch"
	    " WHERE event = $1) ORDER BY id LIMIT $2",
	[Q_FN_OTHER] = "SELECT app FROM engine_fn WHERE slug = $1 AND app <> $2"
		       " AND archived = 0",
	[Q_JOB_OTHERS] = "SELECT 1 FROM engine_job WHERE run = " NUM_1
			 " AND step <> 'step' AND kind <= 3"
			 " LIMIT 1",
	[Q_LANES] = "SELECT l.lane, coalesce((SELECT min(due_ms)"
		    " FROM engine_job WHERE lane = l.lane"
		    " AND (owner IS NULL) = 0), 9223372036854775807),"
		    " coalesce((SELECT min(due_ms)"
		    " FROM engine_job WHERE lane = l.lane"
		    " AND (owner IS NULL) = 1), 9223372036854775807)"
		    " FROM (SELECT 0 AS lane UNION ALL SELECT 1"
		    " UNION ALL SELECT 2 UNION ALL SELECT 3"
		    " UNION ALL SELECT 4) l",
	[Q_JOB_COUNT] =
	    "SELECT count(*) FROM (SELECT 1 FROM engine_job WHERE lane = $1"
	    " AND (owner IS NULL) IN (0, 1)"
	    " AND due_ms > $2 AND due_ms <= $3 LIMIT $4) AS seen",
	/* A priority sets a due time ahead of the run (admit.c). */
	[Q_JOB_OLDEST] =
	    "SELECT min(since) FROM (SELECT max(j.due_ms, r.created_ms)"
	    " AS since FROM engine_job j JOIN engine_run r ON r.num = j.run"
	    " WHERE j.lane = $1 AND (j.owner IS NULL) = $2 AND j.due_ms < $3"
	    " ORDER BY j.due_ms LIMIT $4)",
	[Q_INBOX_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM engine_inbox"
			  " WHERE seq > 0 LIMIT $1) AS seen",
	[Q_TIMERS_DUE] =
	    "SELECT (SELECT id FROM engine_run r WHERE r.num = j.run),"
	    " j.step, j.kind FROM engine_job j"
	    " WHERE j.lane = $1 AND (j.owner IS NULL) = 1 AND j.due_ms <= $2"
	    " ORDER BY j.due_ms LIMIT $3",
	[Q_WAITS] =
	    "SELECT r.id, j.step, j.wait_if, j.heard_ms, r.event,"
	    " j.kind"
	    " FROM engine_job j JOIN engine_run r ON r.num = j.run"
	    " WHERE j.wait_event = $1 AND j.wait_path = $2"
	    " AND j.wait_value = $3 AND (j.run, j.step) >"
	    " (coalesce((SELECT num FROM engine_run WHERE id = $4), 0), $5)"
	    " ORDER BY j.run, j.step LIMIT $6",
	/* The next path that waits for this name have. */
	[Q_WAIT_PATH] = "SELECT min(wait_path) FROM engine_job"
			" WHERE wait_event = $1 AND wait_path > $2",
	[Q_APP_GET] = "SELECT checksum, rev FROM engine_app WHERE id = $1",
	[Q_APP_SET] =
	    "INSERT INTO engine_app (id, checksum, rev) VALUES ($1, $2, $3)"
	    " ON CONFLICT (id) DO UPDATE SET checksum = excluded.checksum,"
	    " rev = excluded.rev",
	[Q_APPS_REV] = "SELECT coalesce(sum(rev), 0) FROM engine_app",
	[Q_FN_SET] = "INSERT INTO engine_fn (slug, app, config, archived,"
		     " hears_finished) VALUES ($1, $2, $3, 0, $4)"
		     " ON CONFLICT (slug) DO UPDATE SET app = excluded.app,"
		     " config = excluded.config, archived = 0,"
		     " hears_finished = excluded.hears_finished",
	[Q_FN_ARCHIVE] = "UPDATE engine_fn SET archived = 1, hears_finished = 0"
			 " WHERE app = $1",
	[Q_FNS] = "SELECT slug, app, config, archived FROM engine_fn",
	[Q_FINISH_HEARD] =
	    "SELECT EXISTS (SELECT 1 FROM engine_fn WHERE hears_finished = 1)"
	    " OR EXISTS (SELECT 1 FROM engine_job"
	    " WHERE wait_event = 'inngest/function.finished')",
	[Q_CRON_ADD] = "INSERT INTO engine_cron (fn, expr, app, rev, next_ms)"
		       " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fn, expr)"
		       " DO UPDATE SET app = excluded.app, rev = excluded.rev",
	[Q_CRON_PRUNE] = "DELETE FROM engine_cron WHERE app = $1 AND rev <> $2",
	[Q_CRON_DUE] =
	    "SELECT fn, expr, next_ms FROM engine_cron WHERE next_ms <= $1"
	    " ORDER BY next_ms LIMIT $2",
	[Q_CRON_SET] =
	    "UPDATE engine_cron SET next_ms = $3 WHERE fn = $1 AND expr = $2",
	[Q_CRON_ALL] = "SELECT fn, expr, next_ms FROM engine_cron"
		       " ORDER BY fn, expr",
	[Q_CRON_NEXT] = "SELECT min(next_ms) FROM engine_cron",
	/* Those behind it came later, but for what is apart. */
	[Q_INBOX_OLD] = "SELECT event < $1 FROM engine_inbox"
			" WHERE apart = 0 ORDER BY seq LIMIT 1",
	[Q_INBOX_APART] =
	    "UPDATE engine_inbox SET apart = 1 WHERE seq IN"
	    " (SELECT seq FROM engine_inbox WHERE apart = 0 ORDER BY seq"
	    " LIMIT $2) AND event < $1",
	[Q_OUT_NEXT] =
	    "SELECT i.seq, e.id, e.client_id, e.name, e.data, e.ts_ms"
	    " FROM engine_inbox i JOIN engine_event e ON e.id = i.event"
	    " WHERE " GOES_OUT " ORDER BY i.seq LIMIT $1",
	[Q_OUT_DROP] = "DELETE FROM engine_inbox WHERE seq = $1 AND event = $2",
	[Q_OUT_COUNT] =
	    "SELECT count(*), coalesce(min(e.received_ms), 0)"
	    " FROM engine_inbox i JOIN engine_event e ON e.id = i.event"
	    " WHERE " GOES_OUT,
	[Q_OUT_WHERE] =
	    "SELECT e.received_ms, NULL FROM engine_inbox i"
	    " JOIN engine_event e ON e.id = i.event WHERE i.client_id = $1"
	    " UNION ALL SELECT parked_ms, why FROM engine_parked"
	    " WHERE client_id = $1 LIMIT 1",
	[Q_PARKED_ADD] =
	    "INSERT INTO engine_parked (event, client_id, why, parked_ms)"
	    " SELECT event, client_id, $3, $4 FROM engine_inbox"
	    " WHERE seq = $1 AND event = $2",
	[Q_PARKED_COUNT] = "SELECT count(*) FROM engine_parked",
	[Q_PARKED_ALL] = "SELECT p.event, e.name, p.why, p.parked_ms"
			 " FROM engine_parked p"
			 " JOIN engine_event e ON e.id = p.event"
			 " ORDER BY p.event",
	[Q_PARKED_BACK] = "INSERT INTO engine_inbox (event, client_id, apart)"
			  " SELECT event, client_id, 1 FROM engine_parked"
			  " WHERE event = coalesce($1, event) ORDER BY event",
	[Q_PARKED_DROP] =
	    "DELETE FROM engine_parked WHERE event = coalesce($1, event)",
	[Q_PARKED_CANCEL] = "DELETE FROM engine_parked WHERE client_id = $1",
	[Q_TROUBLE_SET] =
	    "INSERT INTO engine_trouble (id, since_ms, why) VALUES (1, $1, $2)"
	    " ON CONFLICT (id) DO UPDATE SET why = excluded.why",
	[Q_TROUBLE_GET] = "SELECT since_ms, why FROM engine_trouble",
	[Q_TROUBLE_DROP] = "DELETE FROM engine_trouble",
	/* Each has its job of that step, and those that have ended none. */
	[Q_RUNS_OPEN] = "SELECT count(*) FROM engine_job WHERE step = 'step'",
	[Q_RETAIN_RUNS] =
	    "SELECT id, CASE WHEN state <> 0 AND ended_ms < $3 THEN 1 ELSE 0"
	    " END FROM engine_run WHERE id > $1 AND id < $2"
	    " ORDER BY id LIMIT $4",
	[Q_RETAIN_MEMOS] = "DELETE FROM engine_memo WHERE run = " NUM_1,
	[Q_RETAIN_BATCH] = "DELETE FROM engine_batch WHERE owner = $1",
	[Q_RETAIN_RUN] = "DELETE FROM engine_run WHERE id = $1"
			 " AND state <> 0 AND ended_ms < $2",
	[Q_RETAIN_EVENTS] =
	    "SELECT id, CASE WHEN received_ms < $3 AND NOT " IS_NEEDED
	    " THEN 1 ELSE 0 END FROM engine_event WHERE id > $1 AND id < $2"
	    " ORDER BY id LIMIT $4",
	[Q_RETAIN_EVENT] =
	    "DELETE FROM engine_event WHERE id = $1 AND NOT " IS_NEEDED,
	/* Of the days before $3; those of open runs stay. */
	[Q_RETAIN_SEEN_LOOK] =
	    "SELECT s.event_id, s.run, CASE WHEN " IS_OPEN
	    " THEN 0 ELSE 1 END, s.day FROM engine_seen s"
	    " WHERE (s.day, s.event_id, s.run) >"
	    " ($5, $1, CAST($2 AS INTEGER)) AND s.day < $3 / 86400000"
	    " ORDER BY s.day, s.event_id, s.run LIMIT $4",
	[Q_RETAIN_SEEN] =
	    "DELETE FROM engine_seen WHERE (day, event_id, run) IN"
	    " (SELECT s.day, s.event_id, s.run FROM engine_seen s"
	    " WHERE (s.day, s.event_id, s.run) >"
	    " ($5, $1, CAST($2 AS INTEGER)) AND s.day < $3 / 86400000"
	    " AND NOT " IS_OPEN " ORDER BY s.day, s.event_id, s.run LIMIT $4)",
	[Q_RETAIN_RATE_LOOK] =
	    "SELECT fn, key, CASE WHEN tat_us < $3 * 1000 THEN 1 ELSE 0 END"
	    " FROM engine_rate WHERE (fn, key) > ($1, $2)"
	    " ORDER BY fn, key LIMIT $4",
	[Q_RETAIN_RATE] =
	    "DELETE FROM engine_rate WHERE tat_us < $3 * 1000 AND (fn, key) IN"
	    " (SELECT r.fn, r.key FROM engine_rate r"
	    " WHERE (r.fn, r.key) > ($1, $2) ORDER BY r.fn, r.key LIMIT $4)",
};

const struct hq_module hq_engine_store = {
	.name = "engine",
	.migrations = hq_engine_migrations,
	.sql = sql,
};

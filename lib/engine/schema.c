/*
 * The engine's tables, and how those of earlier versions become them.
 *
 * A job is a call that is to be made, or a time that is to come; its key names
 * the step it is about, so that a step which is reported again finds its job.
 * due_ms does three things: when a call may be claimed, when a claimed one's
 * lease ends (owner is set then: an expired lease is simply due again), and
 * when a timer fires.  So one index serves them all, the leases of a lane before
 * what is to be claimed.  A wait is a job with a wait_event; whoever deletes the
 * row has decided it.
 *
 * The job of step 'step' runs the function from the top.  It lives as long as
 * its run and is parked at the end of time while nothing is new: so its
 * generation only ever grows.
 */
#include "engine/sql.h"

const char *const hq_engine_migrations[] = {
	"CREATE TABLE engine_app ("
	" id TEXT PRIMARY KEY, checksum TEXT NOT NULL,"
	" rev INTEGER NOT NULL) STRICT;"

	"CREATE TABLE engine_fn ("
	" slug TEXT PRIMARY KEY, app TEXT NOT NULL, config TEXT NOT NULL,"
	" archived INTEGER NOT NULL, hears_finished INTEGER NOT NULL) STRICT;"

	"CREATE TABLE engine_cron ("
	" fn TEXT NOT NULL, expr TEXT NOT NULL, app TEXT NOT NULL,"
	" rev INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
	" PRIMARY KEY (fn, expr)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX engine_cron_next ON engine_cron (next_ms);"

	"CREATE TABLE engine_event ("
	" id TEXT PRIMARY KEY, client_id TEXT, name TEXT NOT NULL,"
	" data TEXT NOT NULL, ts_ms INTEGER NOT NULL,"
	" received_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

	/* Events that nobody has looked at yet, in the order they came. */
	"CREATE TABLE engine_inbox ("
	" seq INTEGER PRIMARY KEY, event TEXT NOT NULL,"
	" client_id TEXT) STRICT;"

	"CREATE TABLE engine_seen ("
	" event_id TEXT NOT NULL, fn TEXT NOT NULL, seen_ms INTEGER NOT NULL,"
	" PRIMARY KEY (event_id, fn)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE engine_run ("
	" id TEXT PRIMARY KEY, fn TEXT NOT NULL, event TEXT NOT NULL,"
	" event_client TEXT, invoker TEXT, state INTEGER NOT NULL,"
	" req_version INTEGER NOT NULL, force_plan INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, ended_ms INTEGER,"
	" output TEXT) STRICT, WITHOUT ROWID;"
	"CREATE INDEX engine_run_event ON engine_run (event_client)"
	" WHERE state = 0 AND event_client IS NOT NULL;"

	"CREATE TABLE engine_memo ("
	" run TEXT NOT NULL, step TEXT NOT NULL, seq INTEGER NOT NULL,"
	" value TEXT NOT NULL,"
	" PRIMARY KEY (run, step)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE engine_job ("
	" run TEXT NOT NULL, step TEXT NOT NULL, kind INTEGER NOT NULL,"
	" lane INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
	" attempt INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL,"
	" crashes INTEGER NOT NULL DEFAULT 0,"
	" refusals INTEGER NOT NULL DEFAULT 0,"
	" generation INTEGER NOT NULL DEFAULT 0, owner TEXT,"
	" again INTEGER NOT NULL DEFAULT 0,"
	" timeout_ms INTEGER NOT NULL DEFAULT 0,"
	" wait_event TEXT, wait_if TEXT, armed_ms INTEGER NOT NULL,"
	" PRIMARY KEY (run, step)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX engine_job_due ON engine_job (lane, due_ms);"
	"CREATE INDEX engine_job_wait ON engine_job (wait_event)"
	" WHERE wait_event IS NOT NULL",
	/*
	 * A wait looks back by name.  event_client is the id that the event is
	 * known by outside: retention asks for the open runs of every event.
	 */
	"CREATE INDEX engine_event_name ON engine_event (name, id);"
	"UPDATE engine_run SET event_client = event"
	" WHERE state = 0 AND event_client IS NULL",
	/* How far the events had come (hq_event_clock) when a wait was armed. */
	"ALTER TABLE engine_job ADD COLUMN heard_ms INTEGER NOT NULL DEFAULT 0",
	/*
	 * Values stand by themselves, in the order they came: so those of all
	 * runs of one commit share pages, and only the small rows that find
	 * them stand by run.
	 */
	"CREATE TABLE engine_value ("
	" id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;"
	"ALTER TABLE engine_memo RENAME TO engine_memo_1;"
	"CREATE TABLE engine_memo ("
	" run TEXT NOT NULL, step TEXT NOT NULL, seq INTEGER NOT NULL,"
	" value_id INTEGER NOT NULL,"
	" PRIMARY KEY (run, step)) STRICT, WITHOUT ROWID;"
	"INSERT INTO engine_value (id, value)"
	" SELECT row_number() OVER (ORDER BY run, step), value"
	" FROM engine_memo_1;"
	"INSERT INTO engine_memo (run, step, seq, value_id)"
	" SELECT run, step, seq, row_number() OVER (ORDER BY run, step)"
	" FROM engine_memo_1;"
	"DROP TABLE engine_memo_1",
	/*
	 * What the event that a wait waits for must have where; '': it cannot
	 * be said.  A wait of before then is asked about every event.
	 */
	"ALTER TABLE engine_job ADD COLUMN wait_path TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE engine_job ADD COLUMN wait_value TEXT NOT NULL"
	" DEFAULT '';"
	"DROP INDEX engine_job_wait;"
	"CREATE INDEX engine_job_wait ON engine_job"
	" (wait_event, wait_path, wait_value) WHERE wait_event IS NOT NULL",
	/* The engine API is asked for the runs of an event. */
	"CREATE INDEX engine_run_cause ON engine_run (event)",
	/* What is left of a rate (rate.h); a row whose time has come is none. */
	"CREATE TABLE engine_rate ("
	" fn TEXT NOT NULL, key TEXT NOT NULL, tat_us INTEGER NOT NULL,"
	" PRIMARY KEY (fn, key)) STRICT, WITHOUT ROWID",
	/* Of the job of step 'step': what its run is the only open one of. */
	"ALTER TABLE engine_job ADD COLUMN single TEXT;"
	"CREATE INDEX engine_job_single ON engine_job (single)"
	" WHERE single IS NOT NULL",
	/*
	 * keys, of the job of step 'step': what the run's calls are counted
	 * by.  Places count while there is an owner.  gate: where a held job
	 * stands, or what one was let go from.
	 */
	"ALTER TABLE engine_job ADD COLUMN keys TEXT;"
	"ALTER TABLE engine_job ADD COLUMN place1 TEXT;"
	"ALTER TABLE engine_job ADD COLUMN place2 TEXT;"
	"ALTER TABLE engine_job ADD COLUMN gate TEXT;"
	"CREATE INDEX engine_job_place1 ON engine_job (place1)"
	" WHERE place1 IS NOT NULL AND owner IS NOT NULL;"
	"CREATE INDEX engine_job_place2 ON engine_job (place2)"
	" WHERE place2 IS NOT NULL AND owner IS NOT NULL;"
	"CREATE INDEX engine_job_gate ON engine_job (gate, due_ms)"
	" WHERE gate IS NOT NULL AND lane >= 8",
	"CREATE TABLE engine_wake ("
	" name TEXT PRIMARY KEY, due_ms INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX engine_wake_due ON engine_wake (due_ms)",
	"CREATE TABLE engine_debounce ("
	" key TEXT PRIMARY KEY, fn TEXT NOT NULL, event TEXT NOT NULL,"
	" invoker TEXT, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX engine_debounce_event ON engine_debounce (event)",
	/* owner: a key of wake.c while events come; then the run. */
	"CREATE TABLE engine_batch ("
	" owner TEXT NOT NULL, seq INTEGER NOT NULL, fn TEXT NOT NULL,"
	" event TEXT NOT NULL, invoker TEXT, bytes INTEGER NOT NULL,"
	" PRIMARY KEY (owner, seq)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX engine_batch_event ON engine_batch (event)",
	/*
	 * Pages that are written with every commit are few where rows are short
	 * and what is written together stands together.  So what belongs to a run
	 * has its number; a recorded value is found by that and the end of the
	 * step's name; which runs an event with an id of its own began stands by
	 * the day, since such ids are random; and calls in flight stand before
	 * those that are to be made.
	 */
	"ALTER TABLE engine_run RENAME TO engine_run_1;"
	"CREATE TABLE engine_run ("
	" num INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fn TEXT NOT NULL,"
	" event TEXT NOT NULL, invoker TEXT, state INTEGER NOT NULL,"
	" req_version INTEGER NOT NULL, force_plan INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, ended_ms INTEGER, output TEXT) STRICT;"
	"INSERT INTO engine_run (id, fn, event, invoker, state, req_version,"
	" force_plan, created_ms, ended_ms, output)"
	" SELECT id, fn, event, invoker, state, req_version, force_plan,"
	" created_ms, ended_ms, output FROM engine_run_1 ORDER BY id;"

	/* Seen without a run (yet): run is the time, negative, and fn by whom. */
	"ALTER TABLE engine_seen RENAME TO engine_seen_1;"
	"CREATE TABLE engine_seen ("
	" day INTEGER NOT NULL, event_id TEXT NOT NULL, run INTEGER NOT NULL,"
	" fn TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY (day, event_id, run, fn)) STRICT, WITHOUT ROWID;"
	"INSERT INTO engine_seen (day, event_id, run, fn)"
	" SELECT seen_ms / 86400000, event_id, -seen_ms, fn FROM engine_seen_1;"
	"DROP TABLE engine_seen_1;"
	"INSERT INTO engine_seen (day, event_id, run)"
	" SELECT r.created_ms / 86400000,"
	" CASE e.name WHEN 'inngest/scheduled.timer'"
	" THEN 'cron ' || (e.data ->> 'cron') || ' ' || e.client_id"
	" ELSE e.client_id END, r.num"
	" FROM engine_run r JOIN engine_event e ON e.id = r.event"
	" WHERE e.client_id IS NOT NULL;"
	"DROP TABLE engine_run_1;"
	"CREATE INDEX engine_run_cause ON engine_run (event);"

	"ALTER TABLE engine_memo RENAME TO engine_memo_1;"
	"CREATE TABLE engine_memo ("
	" id INTEGER PRIMARY KEY, run INTEGER NOT NULL, step TEXT NOT NULL,"
	" value TEXT NOT NULL) STRICT;"
	/* What is sorted stands in memory: a run's steps without the values. */
	"INSERT INTO engine_memo (run, step, value)"
	" SELECT o.num, o.step,"
	" (SELECT v.value FROM engine_value v WHERE v.id = o.value_id)"
	" FROM (SELECT r.num, m.step, m.value_id FROM engine_run r"
	" CROSS JOIN engine_memo_1 m ON m.run = r.id"
	" CROSS JOIN engine_value v ON v.id = m.value_id"
	" ORDER BY r.num, m.seq LIMIT -1) o;"
	"DROP TABLE engine_memo_1;"
	"DROP TABLE engine_value;"
	"CREATE INDEX engine_memo_run ON engine_memo"
	" (run, substr(step, -4));"

	"ALTER TABLE engine_job RENAME TO engine_job_1;"
	"CREATE TABLE engine_job ("
	" run INTEGER NOT NULL, step TEXT NOT NULL, kind INTEGER NOT NULL,"
	" lane INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
	" attempt INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL,"
	" crashes INTEGER NOT NULL DEFAULT 0,"
	" refusals INTEGER NOT NULL DEFAULT 0,"
	" generation INTEGER NOT NULL DEFAULT 0, owner TEXT,"
	" again INTEGER NOT NULL DEFAULT 0,"
	" timeout_ms INTEGER NOT NULL DEFAULT 0,"
	" wait_event TEXT, wait_if TEXT, armed_ms INTEGER NOT NULL,"
	" heard_ms INTEGER NOT NULL DEFAULT 0,"
	" wait_path TEXT NOT NULL DEFAULT '',"
	" wait_value TEXT NOT NULL DEFAULT '', single TEXT, keys TEXT,"
	" place1 TEXT, place2 TEXT, gate TEXT,"
	" PRIMARY KEY (run, step)) STRICT, WITHOUT ROWID;"
	"INSERT INTO engine_job (run, step, kind, lane, due_ms, attempt,"
	" max_attempts, crashes, refusals, generation, owner, again,"
	" timeout_ms, wait_event, wait_if, armed_ms, heard_ms, wait_path,"
	" wait_value, single, keys, place1, place2, gate)"
	" SELECT r.num, j.step, j.kind, j.lane, j.due_ms, j.attempt,"
	" j.max_attempts, j.crashes, j.refusals, j.generation, j.owner,"
	" j.again, j.timeout_ms, j.wait_event, j.wait_if, j.armed_ms,"
	" j.heard_ms, j.wait_path, j.wait_value, j.single, j.keys,"
	" j.place1, j.place2, j.gate"
	" FROM engine_job_1 j JOIN engine_run r ON r.id = j.run;"
	"DROP TABLE engine_job_1;"
	"CREATE INDEX engine_job_due ON engine_job"
	" (lane, (owner IS NULL), due_ms);"
	"CREATE INDEX engine_job_wait ON engine_job"
	" (wait_event, wait_path, wait_value) WHERE wait_event IS NOT NULL;"
	"CREATE INDEX engine_job_single ON engine_job (single)"
	" WHERE single IS NOT NULL;"
	"CREATE INDEX engine_job_place1 ON engine_job (place1)"
	" WHERE place1 IS NOT NULL AND owner IS NOT NULL;"
	"CREATE INDEX engine_job_place2 ON engine_job (place2)"
	" WHERE place2 IS NOT NULL AND owner IS NOT NULL;"
	"CREATE INDEX engine_job_gate ON engine_job (gate, due_ms)"
	" WHERE gate IS NOT NULL AND lane >= 8",
	/*
	 * Where an Inngest server takes the inbox (outbox.h): events that it
	 * will never take, and why it takes none now (one row at most).
	 */
	"CREATE TABLE engine_parked ("
	" event TEXT PRIMARY KEY, client_id TEXT, why TEXT NOT NULL,"
	" parked_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE engine_trouble ("
	" id INTEGER PRIMARY KEY, since_ms INTEGER NOT NULL,"
	" why TEXT NOT NULL) STRICT",
	/* Where the clock was set back to, and how far the events had come. */
	"CREATE TABLE engine_clock ("
	" id INTEGER PRIMARY KEY, events_ms INTEGER NOT NULL,"
	" back_ms INTEGER NOT NULL) STRICT",
	/*
	 * apart: it does not stand by age, or is of long ago.  Few do: an index
	 * over all events would be written with every one that comes and goes.
	 */
	"ALTER TABLE engine_inbox ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX engine_inbox_apart ON engine_inbox (event)"
	" WHERE apart = 1",
	NULL,
};

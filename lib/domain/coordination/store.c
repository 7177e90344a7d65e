#include "domain/coordination/store.h"

/*
 * JSON stands as the text that hq_json_write() gives; so does a workflow's
 * version, which may be any whole number JavaScript has.  `imported` is the
 * document as the reference wrote it, and then it is what a reader gets.
 */
static const char *const migrations[] = {
	"CREATE TABLE coordination_workflow ("
	" workflow_id TEXT NOT NULL PRIMARY KEY,"
	" body TEXT NOT NULL,"
	" updated_ms BIGINT NOT NULL);"
	"CREATE TABLE coordination_run ("
	" run_id TEXT NOT NULL PRIMARY KEY,"
	" workflow_id TEXT NOT NULL,"
	" workflow_version TEXT NOT NULL,"
	" status TEXT NOT NULL"
	"  CHECK (status IN ('queued', 'running', 'completed', 'failed')),"
	" started_ms BIGINT NOT NULL,"
	" finished_ms BIGINT,"
	" input TEXT,"
	" output TEXT,"
	" error TEXT,"
	" engine_run_id TEXT,"
	" event_id TEXT,"
	" imported TEXT);"
	"CREATE TABLE coordination_timeline ("
	" run_id TEXT NOT NULL,"
	" seq BIGINT NOT NULL,"
	" event_key TEXT NOT NULL,"
	" event_id TEXT NOT NULL,"
	" type TEXT NOT NULL,"
	" desk_id TEXT,"
	" ts_ms BIGINT NOT NULL,"
	" status TEXT NOT NULL,"
	" detail TEXT,"
	" output TEXT,"
	" imported TEXT,"
	" PRIMARY KEY (run_id, seq),"
	" UNIQUE (run_id, event_key));"
	"CREATE TABLE coordination_memory ("
	" workflow_id TEXT NOT NULL,"
	" workflow_version TEXT NOT NULL,"
	" desk_id TEXT NOT NULL,"
	" memory_key TEXT NOT NULL,"
	" data TEXT NOT NULL,"
	" updated_ms BIGINT NOT NULL,"
	" expires_ms BIGINT,"
	" PRIMARY KEY (workflow_id, workflow_version, desk_id, memory_key));"
	"CREATE TABLE coordination_rejected ("
	" run_id TEXT NOT NULL,"
	" workflow_id TEXT NOT NULL,"
	" workflow_version TEXT NOT NULL,"
	" at_ms BIGINT NOT NULL,"
	" error TEXT NOT NULL,"
	" input TEXT NOT NULL,"
	" attempts BIGINT NOT NULL,"
	" PRIMARY KEY (run_id, workflow_id))",
	/* Whose request it was.  An event's own, where it is not its run's. */
	"ALTER TABLE coordination_run ADD COLUMN correlation_id TEXT;"
	"ALTER TABLE coordination_run ADD COLUMN traceparent TEXT;"
	"ALTER TABLE coordination_timeline ADD COLUMN correlation_id TEXT;"
	"ALTER TABLE coordination_timeline ADD COLUMN traceparent TEXT",
	/*
	 * A task's age is its seq: clocks may go back.  token is the fence: each
	 * claim raises it.  A run keeps the workflow that it ran.
	 */
	"CREATE TABLE coordination_task ("
	" seq INTEGER PRIMARY KEY,"
	" task_id TEXT NOT NULL UNIQUE,"
	" run_id TEXT NOT NULL,"
	" workflow_id TEXT NOT NULL,"
	" desk_id TEXT NOT NULL,"
	" round BIGINT NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN"
	"  ('open', 'claimed', 'completed', 'failed', 'closed')),"
	" kind TEXT NOT NULL,"
	" human BIGINT NOT NULL,"
	" priority BIGINT NOT NULL,"
	" attempt BIGINT NOT NULL,"
	" max_attempts BIGINT NOT NULL,"
	" expiries BIGINT NOT NULL,"
	" lease_ms BIGINT NOT NULL,"
	" lease_until_ms BIGINT,"
	" token BIGINT NOT NULL,"
	" claimed_by TEXT,"
	" desk TEXT NOT NULL,"
	" input TEXT NOT NULL,"
	" memory TEXT,"
	" upstream TEXT,"
	" output TEXT,"
	" new_memory TEXT,"
	" error TEXT,"
	" created_ms BIGINT NOT NULL,"
	" due_ms BIGINT,"
	" ended_ms BIGINT,"
	" UNIQUE (run_id, desk_id, round));"
	"CREATE INDEX coordination_task_offered"
	" ON coordination_task (priority DESC, seq)"
	" WHERE state = 'open' AND human = 0;"
	"CREATE INDEX coordination_task_leased"
	" ON coordination_task (lease_until_ms) WHERE state = 'claimed';"
	"ALTER TABLE coordination_run ADD COLUMN workflow TEXT;"
	"ALTER TABLE coordination_run ADD COLUMN reuse TEXT;"
	"CREATE INDEX coordination_run_started"
	" ON coordination_run (started_ms, run_id)",
	/* For what is asked for by a filter: few of very many. */
	"CREATE INDEX coordination_run_of_workflow"
	" ON coordination_run (workflow_id, started_ms, run_id);"
	"CREATE INDEX coordination_run_not_completed"
	" ON coordination_run (status, started_ms, run_id)"
	" WHERE status <> 'completed';"
	"CREATE INDEX coordination_task_live ON coordination_task (state, seq)"
	" WHERE ended_ms IS NULL;"
	"CREATE INDEX coordination_task_of_workflow"
	" ON coordination_task (workflow_id, priority DESC, seq)"
	" WHERE state = 'open' AND human = 0;"
	"CREATE INDEX coordination_task_of_desk"
	" ON coordination_task (desk_id, priority DESC, seq)"
	" WHERE state = 'open' AND human = 0;"
	"CREATE INDEX coordination_task_of_kind"
	" ON coordination_task (kind, priority DESC, seq)"
	" WHERE state = 'open' AND human = 0;"
	/* When the watch over leases is due (task_watch.c). */
	"CREATE TABLE coordination_watch ("
	" id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),"
	" due_ms BIGINT NOT NULL)",
	/* hq_event_clock() when it was offered: its end is an event after that. */
	"ALTER TABLE coordination_task ADD COLUMN since_ms BIGINT",
	NULL,
};

#define ACTIVE "status IN ('queued', 'running')"

/* As HQ_COL_TASK_*. */
#define TASK_COLUMNS \
	"seq, task_id, run_id, workflow_id, desk_id, round, state, kind," \
	" human, priority, attempt, max_attempts, expiries, lease_until_ms," \
	" token, claimed_by, desk, input, memory, upstream, output," \
	" new_memory, error, created_ms, due_ms, ended_ms"

/* The same without what a list leaves out. */
#define TASK_LIST_COLUMNS \
	"seq, task_id, run_id, workflow_id, desk_id, round, state, kind," \
	" human, priority, attempt, max_attempts, expiries, lease_until_ms," \
	" token, claimed_by, NULL, NULL, NULL, NULL, NULL, NULL, error," \
	" created_ms, due_ms, ended_ms"

/* A parameter that may be NULL: then everything fits. */
#define ANY(column, n) "($" #n " IS NULL OR " column " = $" #n ")"

/* Newest first, below (started_ms, run_id); without in- and output. */
#define RUN_LIST(workflow, status) \
	"SELECT run_id, workflow_id, workflow_version, status, started_ms," \
	" finished_ms, error, engine_run_id, event_id, imported" \
	" FROM coordination_run" \
	" WHERE started_ms <= $1 AND (started_ms < $1 OR run_id < $2)" \
	" AND started_ms >= $3 AND " workflow " AND " status \
	" ORDER BY started_ms DESC, run_id DESC LIMIT $6"

/* Newest first, from below seq $1 down to seq $2. */
#define TASK_LIST(run, state) \
	"SELECT " TASK_LIST_COLUMNS " FROM coordination_task" \
	" WHERE seq < $1 AND seq >= $2 AND " ANY("workflow_id", \
	    3) " AND " run " AND " ANY("desk_id", 5) " AND " ANY("kind", \
	    6) " AND " state " ORDER BY seq DESC LIMIT $8"

/* The best one that is offered. */
#define TASK_OFFERED(workflow, desk, kind) \
	"SELECT task_id FROM coordination_task" \
	" WHERE state = 'open' AND human = 0 AND " workflow " AND " desk \
	" AND " kind " ORDER BY priority DESC, seq LIMIT 1"

/* Parameters first appear in the order of their numbers. */
static const char *const sql[HQ_CQ__MAX + 1] = {
	[HQ_CQ_WORKFLOW_GET] =
	    "SELECT body, updated_ms FROM coordination_workflow"
	    " WHERE workflow_id = $1",
	[HQ_CQ_WORKFLOW_LIST] =
	    "SELECT workflow_id, body FROM coordination_workflow",
	[HQ_CQ_WORKFLOW_PUT] =
	    "INSERT INTO coordination_workflow (workflow_id, body, updated_ms)"
	    " VALUES ($1, $2, $3) ON CONFLICT (workflow_id) DO UPDATE"
	    " SET body = excluded.body, updated_ms = excluded.updated_ms",
	[HQ_CQ_RUN_ADD] =
	    "INSERT INTO coordination_run (run_id, workflow_id,"
	    " workflow_version, status, started_ms, finished_ms, input, error,"
	    " event_id, workflow, reuse, correlation_id, traceparent)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
	    " $13)"
	    " ON CONFLICT (run_id) DO NOTHING",
	[HQ_CQ_RUN_GET] =
	    "SELECT workflow_id, workflow_version, status, started_ms,"
	    " finished_ms, input, output, error, engine_run_id, event_id,"
	    " imported FROM coordination_run"
	    " WHERE run_id = $1",
	/* What a run is done again with; a reader need not carry it. */
	[HQ_CQ_RUN_ORIGIN] = "SELECT workflow, reuse FROM coordination_run"
			     " WHERE run_id = $1",
	[HQ_CQ_RUN_START] =
	    "UPDATE coordination_run SET status = 'running',"
	    " engine_run_id = $1 WHERE run_id = $2 AND " ACTIVE
	    " AND (engine_run_id IS NULL OR engine_run_id = $1)",
	[HQ_CQ_RUN_END] =
	    "UPDATE coordination_run SET status = $1, finished_ms = $2,"
	    " output = $3, error = $4 WHERE run_id = $5 AND " ACTIVE,
	[HQ_CQ_RUN_SET_IMPORTED] =
	    "UPDATE coordination_run SET imported = $1 WHERE run_id = $2",
	[HQ_CQ_RUN_IMPORT] =
	    "INSERT INTO coordination_run (run_id, workflow_id,"
	    " workflow_version, status, started_ms, finished_ms, imported)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
	    " ON CONFLICT (run_id) DO UPDATE"
	    " SET workflow_id = excluded.workflow_id,"
	    " workflow_version = excluded.workflow_version,"
	    " status = excluded.status, started_ms = excluded.started_ms,"
	    " finished_ms = excluded.finished_ms,"
	    " imported = excluded.imported",
	[HQ_CQ_REJECTED_PUT] =
	    "INSERT INTO coordination_rejected (run_id, workflow_id,"
	    " workflow_version, at_ms, error, input, attempts)"
	    " VALUES ($1, $2, $3, $4, $5, $6, 1)"
	    " ON CONFLICT (run_id, workflow_id) DO UPDATE"
	    " SET workflow_version = excluded.workflow_version,"
	    " at_ms = excluded.at_ms, error = excluded.error,"
	    " input = excluded.input,"
	    " attempts = coordination_rejected.attempts + 1",
	[HQ_CQ_TIMELINE_ADD] =
	    "INSERT INTO coordination_timeline (run_id, event_key, event_id,"
	    " type, desk_id, ts_ms, status, detail, output, correlation_id,"
	    " traceparent, seq)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	    " (SELECT COALESCE(MAX(t.seq), 0) + 1 FROM coordination_timeline t"
	    " WHERE t.run_id = $1)) ON CONFLICT (run_id, event_key) DO NOTHING",
	[HQ_CQ_TIMELINE_ADD_ACTIVE] =
	    "INSERT INTO coordination_timeline (run_id, event_key, event_id,"
	    " type, desk_id, ts_ms, status, detail, output, correlation_id,"
	    " traceparent, seq)"
	    " SELECT r.run_id, CAST($1 AS TEXT), CAST($2 AS TEXT),"
	    " CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT),"
	    " CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT),"
	    " CAST($9 AS TEXT), CAST($10 AS TEXT),"
	    " (SELECT COALESCE(MAX(t.seq), 0) + 1 FROM coordination_timeline t"
	    " WHERE t.run_id = r.run_id) FROM coordination_run r"
	    " WHERE r.run_id = $11 AND r." ACTIVE
	    " ON CONFLICT (run_id, event_key) DO NOTHING",
	[HQ_CQ_TIMELINE_GET] =
	    "SELECT event_id, type, desk_id, ts_ms, status, detail, output,"
	    " imported FROM coordination_timeline WHERE run_id = $1"
	    " ORDER BY imported IS NULL,"
	    " CASE WHEN imported IS NULL THEN 0 ELSE ts_ms END, seq",
	[HQ_CQ_TIMELINE_IMPORT] =
	    "INSERT INTO coordination_timeline (run_id, event_key, event_id,"
	    " type, ts_ms, status, imported, seq)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7,"
	    " (SELECT COALESCE(MAX(t.seq), 0) + 1 FROM coordination_timeline t"
	    " WHERE t.run_id = $1))",
	[HQ_CQ_TIMELINE_DROP_IMPORTED] =
	    "DELETE FROM coordination_timeline"
	    " WHERE run_id = $1 AND imported IS NOT NULL",
	[HQ_CQ_MEMORY_GET] =
	    "SELECT data, updated_ms, expires_ms FROM coordination_memory"
	    " WHERE workflow_id = $1 AND workflow_version = $2"
	    " AND desk_id = $3 AND memory_key = $4",
	[HQ_CQ_MEMORY_PUT_ACTIVE] =
	    "INSERT INTO coordination_memory (workflow_id, workflow_version,"
	    " desk_id, memory_key, data, updated_ms, expires_ms)"
	    " SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT),"
	    " CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT),"
	    " CAST($7 AS BIGINT) FROM coordination_run r"
	    " WHERE r.run_id = $8 AND r." ACTIVE
	    " ON CONFLICT (workflow_id, workflow_version, desk_id, memory_key)"
	    " DO UPDATE SET data = excluded.data,"
	    " updated_ms = excluded.updated_ms,"
	    " expires_ms = excluded.expires_ms",
	[HQ_CQ_MEMORY_IMPORT] =
	    "INSERT INTO coordination_memory (workflow_id, workflow_version,"
	    " desk_id, memory_key, data, updated_ms, expires_ms)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
	    " ON CONFLICT (workflow_id, workflow_version, desk_id, memory_key)"
	    " DO UPDATE SET data = excluded.data,"
	    " updated_ms = excluded.updated_ms,"
	    " expires_ms = excluded.expires_ms",
	[HQ_CQ_RUN_LIST] = RUN_LIST(ANY("workflow_id", 4), ANY("status", 5)),
	[HQ_CQ_RUN_LIST_WORKFLOW] =
	    RUN_LIST("workflow_id = $4", ANY("status", 5)),
	[HQ_CQ_RUN_LIST_STATUS] = RUN_LIST(ANY("workflow_id", 4),
	    "status = $5 AND status <> 'completed'"),
	[HQ_CQ_TIMELINE_OUTPUTS] =
	    "SELECT desk_id, output FROM coordination_timeline"
	    " WHERE run_id = $1 AND type = 'desk.completed'"
	    " AND desk_id IS NOT NULL AND output IS NOT NULL ORDER BY seq",
	/* The desk that was heard of last, if it has only begun. */
	[HQ_CQ_TIMELINE_DESK] =
	    "SELECT desk_id, type FROM coordination_timeline"
	    " WHERE run_id = $1 AND desk_id IS NOT NULL"
	    " ORDER BY seq DESC LIMIT 1",
	[HQ_CQ_TASK_LIVE] =
	    "SELECT " TASK_COLUMNS " FROM coordination_task"
	    " WHERE run_id = $1 AND state IN ('open', 'claimed') ORDER BY seq",
	[HQ_CQ_TASK_ADD] =
	    "INSERT INTO coordination_task (task_id, run_id, workflow_id,"
	    " desk_id, round, state, kind, human, priority, attempt,"
	    " max_attempts, expiries, lease_ms, token, desk, input, memory,"
	    " upstream, created_ms, due_ms, since_ms)"
	    " VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8, 0, $9, 0, $10,"
	    " 0, $11, $12, $13, $14, $15, $16, $17)"
	    " ON CONFLICT (run_id, desk_id, round) DO NOTHING",
	[HQ_CQ_TASK_OF] = "SELECT task_id, coalesce(since_ms, created_ms)"
			  " FROM coordination_task"
			  " WHERE run_id = $1 AND desk_id = $2 AND round = $3",
	[HQ_CQ_TASK_GET] = "SELECT " TASK_COLUMNS " FROM coordination_task"
			   " WHERE task_id = $1",
	[HQ_CQ_TASK_OFFERED] = TASK_OFFERED(ANY("workflow_id", 1),
	    ANY("desk_id", 2), ANY("kind", 3)),
	[HQ_CQ_TASK_OFFERED_WORKFLOW] =
	    TASK_OFFERED("workflow_id = $1", ANY("desk_id", 2), ANY("kind", 3)),
	[HQ_CQ_TASK_OFFERED_DESK] =
	    TASK_OFFERED(ANY("workflow_id", 1), "desk_id = $2", ANY("kind", 3)),
	[HQ_CQ_TASK_OFFERED_KIND] =
	    TASK_OFFERED(ANY("workflow_id", 1), ANY("desk_id", 2), "kind = $3"),
	[HQ_CQ_TASK_CLAIM] =
	    "UPDATE coordination_task SET state = 'claimed',"
	    " attempt = attempt + 1, token = token + 1, claimed_by = $1,"
	    " lease_until_ms = $2 + COALESCE($3, lease_ms)"
	    " WHERE task_id = $4 AND state = 'open'",
	[HQ_CQ_TASK_LEASE] = "UPDATE coordination_task SET"
			     " lease_until_ms = $1 + COALESCE($2, lease_ms)"
			     " WHERE task_id = $3 AND state = 'claimed'"
			     " RETURNING lease_until_ms",
	[HQ_CQ_TASK_EXPIRED] =
	    "SELECT task_id, run_id, attempt, max_attempts, expiries"
	    " FROM coordination_task"
	    " WHERE state = 'claimed' AND lease_until_ms <= $1"
	    " ORDER BY lease_until_ms LIMIT $2",
	[HQ_CQ_TASK_FIRST_LEASE] =
	    "SELECT min(lease_until_ms) FROM coordination_task"
	    " WHERE state = 'claimed'",
	[HQ_CQ_WATCH_GET] =
	    "SELECT due_ms FROM coordination_watch WHERE id = 1",
	[HQ_CQ_WATCH_SET] =
	    "INSERT INTO coordination_watch (id, due_ms) VALUES (1, $1)"
	    " ON CONFLICT (id) DO UPDATE SET due_ms = excluded.due_ms",
	[HQ_CQ_WATCH_DROP] = "DELETE FROM coordination_watch WHERE id = 1",
	/* Offered again. */
	[HQ_CQ_TASK_REOPEN] =
	    "UPDATE coordination_task SET state = 'open', claimed_by = NULL,"
	    " lease_until_ms = NULL, expiries = expiries + $1, error = $2"
	    " WHERE task_id = $3 AND state = 'claimed'",
	[HQ_CQ_TASK_END] =
	    "UPDATE coordination_task SET state = $1, output = $2,"
	    " new_memory = $3, error = $4, ended_ms = $5,"
	    " claimed_by = COALESCE($6, claimed_by), lease_until_ms = NULL"
	    " WHERE task_id = $7 AND state IN ('open', 'claimed')",
	[HQ_CQ_TASK_CLOSE_RUN] =
	    "UPDATE coordination_task SET state = 'closed', error = $1,"
	    " ended_ms = $2, lease_until_ms = NULL"
	    " WHERE run_id = $3 AND state IN ('open', 'claimed')",
	[HQ_CQ_TASK_NEWEST] = "SELECT max(seq) FROM coordination_task",
	[HQ_CQ_TASK_LIST] = TASK_LIST(ANY("run_id", 4), ANY("state", 7)),
	[HQ_CQ_TASK_LIST_RUN] = TASK_LIST("run_id = $4", ANY("state", 7)),
	[HQ_CQ_TASK_LIST_LIVE] =
	    TASK_LIST(ANY("run_id", 4), "state = $7 AND ended_ms IS NULL"),
	[HQ_CQ_RETAIN_LOOK] =
	    "SELECT run_id, started_ms, CASE WHEN finished_ms < $3"
	    " AND status IN ('completed', 'failed') THEN 1 ELSE 0 END"
	    " FROM coordination_run WHERE (started_ms, run_id) > ($1, $2)"
	    " AND started_ms < $3 ORDER BY started_ms, run_id LIMIT $4",
	[HQ_CQ_RETAIN_TIMELINE] =
	    "DELETE FROM coordination_timeline WHERE run_id = $1 AND seq IN"
	    " (SELECT t.seq FROM coordination_timeline t WHERE t.run_id = $1"
	    " ORDER BY t.seq LIMIT $2)",
	[HQ_CQ_RETAIN_TASKS] =
	    "DELETE FROM coordination_task WHERE run_id = $1",
	[HQ_CQ_RETAIN_RUN] = "DELETE FROM coordination_run WHERE run_id = $1"
			     " AND finished_ms < $2",
	[HQ_CQ_RETAIN_REJECTED_LOOK] =
	    "SELECT run_id, workflow_id, CASE WHEN at_ms < $3 THEN 1 ELSE 0"
	    " END FROM coordination_rejected"
	    " WHERE (run_id, workflow_id) > ($1, $2)"
	    " ORDER BY run_id, workflow_id LIMIT $4",
	[HQ_CQ_RETAIN_REJECTED] =
	    "DELETE FROM coordination_rejected WHERE run_id = $1"
	    " AND workflow_id = $2 AND at_ms < $3",
};

const struct hq_module hq_coordination_store = {
	.name = "coordination",
	.migrations = migrations,
	.sql = sql,
};

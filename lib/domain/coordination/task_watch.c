/*
 * The watch over leases.  A durable run sleeps until the first lease ends and
 * takes back what has run out; it is started by a claim, and starts the next
 * while anything is claimed.  So a system without claims has nothing to do.
 *
 * coordination_watch has one row while there is a watch: when it is due.  One
 * that finds another time there is not the last that was started, and starts
 * none.
 */
#include "domain/coordination/run.h"
#include "domain/coordination/task_row.h"
#include "engine/event.h"

enum {
	LEAST_MS = 1000, /* between two looks */
	/* A watch so late is lost: its run failed, or was cancelled. */
	LOST_MS = 60 * 1000,
};

static enum hq_rc
start(struct hq_coord_task_tx *x, int64_t lease_until_ms, struct hq_err *err)
{
	struct hq_event event = { .name = HQ_COORD_TASK_WATCH };
	int64_t due = x->now_ms + LEAST_MS;

	if (due < lease_until_ms)
		due = lease_until_ms;
	HQ_TRY(HQ_COORD_EXEC(x->db, HQ_CQ_WATCH_SET, NULL, err, hq_i64(due)));
	HQ_TRY(hq_coord_object(x->arena, &event.data, err));
	hq_json_put_i64(event.data, "dueMs", due);
	x->ended = true;
	return hq_event_send(x->db, x->env, &event, NULL, x->arena, err);
}

enum hq_rc
hq_coord_task_watch(struct hq_coord_task_tx *x, struct hq_err *err)
{
	int64_t first = 0, due = 0;

	HQ_TRY(hq_query_i64(x->db, &hq_coordination_store,
	    HQ_CQ_TASK_FIRST_LEASE, HQ_NO_BIND, &first, err));
	HQ_TRY(hq_query_i64(x->db, &hq_coordination_store, HQ_CQ_WATCH_GET,
	    HQ_NO_BIND, &due, err));
	if (first == 0 ||
	    (due != 0 && due <= first + LEAST_MS && due > x->now_ms - LOST_MS))
		return HQ_OK;
	return start(x, first, err);
}

struct look {
	struct hq_coord_task_tx tx;
	int64_t due_ms, n;
};

static enum hq_rc
look_tx(void *arg, struct hq_err *err)
{
	struct look *l = arg;
	int64_t first = 0, due = 0;

	HQ_TRY(hq_coord_task_take_back(&l->tx, &l->n, err));
	HQ_TRY(hq_query_i64(l->tx.db, &hq_coordination_store, HQ_CQ_WATCH_GET,
	    HQ_NO_BIND, &due, err));
	if (due != l->due_ms)
		return HQ_OK;
	HQ_TRY(hq_query_i64(l->tx.db, &hq_coordination_store,
	    HQ_CQ_TASK_FIRST_LEASE, HQ_NO_BIND, &first, err));
	if (first != 0)
		return start(&l->tx, first, err);
	return hq_exec(l->tx.db, &hq_coordination_store, HQ_CQ_WATCH_DROP,
	    HQ_NO_BIND, NULL, err);
}

enum hq_rc
hq_coord_task_look(const struct hq_coord_step *s, int64_t due_ms,
    int64_t *ret_n, struct hq_err *err)
{
	struct look l = { .tx = { .db = s->db,
			      .env = s->env,
			      .arena = s->arena,
			      .now_ms = hq_now_ms(s->env) },
		.due_ms = due_ms };

	HQ_TRY(hq_db_tx(s->db, look_tx, &l, err));
	*ret_n = l.n;
	return HQ_OK;
}

/*
 * One turn of the engine: everything that came and everything that is due, in
 * one transaction; then the calls.  What the transaction decides about the
 * calls in flight is only noted in their slots, so that a rollback leaves
 * nothing behind in memory.
 */
#include "engine/turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* When a lease of a lane ends, and when a call or a timer is due; or never. */
struct lane {
	int64_t lease_ms, due_ms;
};

struct turn {
	struct hq_engine *e;
	struct hq_eng_tx tx;
	struct hq_buf calls; /* struct hq_eng_call */
	size_t busy[2];      /* calls in flight after it: ours, foreign apps' */
	size_t bytes;        /* of bodies */
	struct lane lanes[HQ_LANE__MAX];
	int put_back; /* claimed jobs that no call was made of */
	bool claimed; /* and so they have changed */
	bool more;    /* a batch was full */
	bool checked;
	int64_t next_ms;
	int64_t counts[HQ_COUNT__MAX]; /* see figures.h */
};

static void
soonest(struct turn *u, int64_t at_ms)
{
	if (at_ms < u->next_ms)
		u->next_ms = at_ms;
}

/* -------------------------------------------------------------- answers -- */

enum hq_rc
hq_eng_give_back(struct hq_eng_tx *t, const struct hq_eng_slot *s,
    struct hq_err *err)
{
	size_t i;

	for (i = 0; i < HQ_ENGINE_PLACES_MAX; i++)
		if (s->place[i][0] != '\0')
			HQ_TRY(hq_eng_gate_open(t, s->place[i], 1, err));
	return HQ_OK;
}

static struct hq_eng_job
job_of(const struct hq_eng_slot *s)
{
	return (struct hq_eng_job){ .run = s->run,
		.step = s->step,
		.generation = s->generation,
		.timeout_ms = s->timeout_ms,
		.req_version = s->req_version,
		.discovery = strcmp(s->step, HQ_ENG_DISCOVERY) == 0,
		.foreign = s->foreign };
}

/* False: somebody else has the job now, or it is gone. */
static enum hq_rc
held(struct turn *u, struct hq_eng_job *j, bool *ret, struct hq_err *err)
{
	return hq_eng_held(&u->tx, u->e->owner, j, ret, err);
}

static enum hq_rc
take_answer(struct turn *u, struct hq_eng_slot *s, struct hq_err *err)
{
	struct hq_eng_job j = job_of(s);
	enum hq_rc rc;
	bool ours;

	s->fate = HQ_SLOT_DONE;
	u->busy[s->foreign]--;
	HQ_TRY(held(u, &j, &ours, err));
	if (!ours) {
		s->fate = HQ_SLOT_LATE;
		return hq_eng_give_back(&u->tx, s, err);
	}
	hq_eng_count(&u->tx, HQ_COUNT_ANSWERED + s->reply->view.what, 1);
	u->tx.job = &j;
	rc = hq_eng_answer(&u->tx, &s->reply->view, err);
	if (rc != HQ_OK && !hq_arena_ok(u->tx.a))
		rc = hq_eng_fail_large(&u->tx, j.run, err);
	u->tx.job = NULL;
	HQ_TRY(rc);
	return hq_eng_give_back(&u->tx, s, err);
}

static enum hq_rc
record(struct turn *u, struct hq_eng_slot *s, struct hq_err *err)
{
	struct hq_eng_tx *t = &u->tx;
	struct json_object *op = NULL;
	const char *wrong = NULL, *over;

	HQ_IGNORE(hq_json_parse(t->a, s->told->op, s->told->bytes, &op, NULL));
	HQ_TRY(hq_eng_checkpoint(t, op, &wrong, &s->told_bytes, err));
	if (wrong != NULL)
		return hq_eng_attempt_failed(t, NULL,
		    hq_eng_error(t, "Error", wrong), NULL, err);
	over =
	    hq_eng_overflow(t, s->n_steps + 1, s->state_bytes + s->told_bytes);
	return over == NULL
	    ? HQ_OK
	    : hq_eng_finish(t, s->run, HQ_RUN_FAILED, over, err);
}

/* A step of a call that goes on: unless its run, or this attempt, has ended. */
static enum hq_rc
take_told(struct turn *u, struct hq_eng_slot *s, struct hq_err *err)
{
	struct hq_eng_job j = job_of(s);
	enum hq_rc rc;
	bool ours;

	HQ_TRY(held(u, &j, &ours, err));
	if (ours) {
		u->tx.job = &j;
		rc = record(u, s, err);
		if (rc != HQ_OK && !hq_arena_ok(u->tx.a))
			rc = hq_eng_fail_large(&u->tx, j.run, err);
		u->tx.job = NULL;
		HQ_TRY(rc);
	}
	s->fate = ours && !j.settled ? HQ_SLOT_GOES_ON : HQ_SLOT_LOST;
	u->busy[s->foreign] -= s->fate == HQ_SLOT_LOST;
	if (s->fate == HQ_SLOT_LOST)
		HQ_TRY(hq_eng_give_back(&u->tx, s, err));
	hq_arena_reset(u->tx.a);
	return HQ_OK;
}

/* Renew a lease that is half over; now and then see whether it still holds. */
static enum hq_rc
look_after(struct turn *u, struct hq_eng_slot *s, struct hq_err *err)
{
	int64_t now = u->tx.now_ms, lease = u->e->o.lease_ms;
	struct hq_eng_job j = job_of(s);
	bool ours = true;
	int changes;

	/* Or is longer than it can be: the clock went back. */
	if (s->lease_until_ms - now <= lease / 2 ||
	    s->lease_until_ms - now > lease) {
		HQ_TRY(hq_exec(u->tx.db, &hq_engine_store, Q_JOB_RENEW,
		    HQ_BIND(hq_text(s->run), hq_text(s->step),
			hq_i64(s->generation), hq_text(u->e->owner),
			hq_i64(now + lease)),
		    &changes, err));
		ours = changes > 0;
		s->renewed_ms = now + lease;
	} else if (u->checked) {
		HQ_TRY(held(u, &j, &ours, err));
	}
	if (ours)
		return HQ_OK;
	s->fate = HQ_SLOT_LOST;
	u->busy[s->foreign]--;
	return hq_eng_give_back(&u->tx, s, err);
}

static enum hq_rc
take_answers(struct turn *u, struct hq_err *err)
{
	struct hq_engine *e = u->e;
	struct hq_eng_slot *s;

	for (s = e->slots; s < e->slots + e->n_slots; s++) {
		if (s->told != NULL)
			HQ_TRY(take_told(u, s, err));
		if (s->reply == NULL || s->fate == HQ_SLOT_LOST)
			continue;
		HQ_TRY(take_answer(u, s, err));
		hq_arena_reset(u->tx.a);
	}
	for (s = e->slots; s < e->slots + e->n_slots; s++)
		if (s->ticket != 0 && s->reply == NULL &&
		    s->fate != HQ_SLOT_LOST)
			HQ_TRY(look_after(u, s, err));
	return HQ_OK;
}

/* --------------------------------------------------------------- events -- */

static enum hq_rc
next_event(struct turn *u, int64_t *ret_seq, struct hq_eng_event *ret,
    bool *ret_any, struct hq_err *err)
{
	const char *id;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(u->tx.db, &hq_engine_store, Q_INBOX_HEAD, HQ_NO_BIND,
	    &row, err));
	*ret_any = hq_cursor_next(&row);
	if (!*ret_any)
		return hq_cursor_done(&row, err);
	*ret_seq = hq_cursor_i64(&row, 0);
	id = hq_cursor_text(&row, 1, u->tx.a);
	hq_cursor_close(&row);
	return hq_eng_event_get(&u->tx, id, ret, err);
}

static enum hq_rc
take_events(struct turn *u, struct hq_err *err)
{
	struct hq_eng_event e;
	int64_t seq = 0;
	enum hq_rc rc;
	bool any;
	int i;

	for (i = 0; i < HQ_ENGINE_BATCH; i++) {
		rc = next_event(u, &seq, &e, &any, err);
		if (rc == HQ_OK && !any)
			return HQ_OK;
		if (rc == HQ_OK)
			rc = hq_eng_match(&u->tx, &e, err);
		if (rc != HQ_OK && hq_arena_ok(u->tx.a))
			return rc;
		if (rc != HQ_OK)
			hq_log(HQ_ERROR, "event_too_large", HQ_LI64("seq", seq),
			    HQ_LSTR("why", err->msg),
			    HQ_LSTR("where", err->where));
		HQ_TRY(hq_exec(u->tx.db, &hq_engine_store, Q_INBOX_DROP,
		    HQ_BIND(hq_i64(seq)), NULL, err));
		hq_eng_count(&u->tx, HQ_COUNT_EVENTS, 1);
		hq_arena_reset(u->tx.a);
	}
	u->more = true;
	return HQ_OK;
}

static enum hq_rc
take_times(struct turn *u, struct hq_err *err)
{
	int n;

	HQ_TRY(hq_eng_timers(&u->tx, &n, err));
	if (n == HQ_ENGINE_BATCH)
		u->more = true;
	hq_arena_reset(u->tx.a);
	HQ_TRY(hq_eng_wakes(&u->tx, &n, err));
	if (n == HQ_ENGINE_BATCH)
		u->more = true;
	hq_arena_reset(u->tx.a);
	HQ_TRY(hq_eng_ticks(&u->tx, err));
	hq_arena_reset(u->tx.a);
	return HQ_OK;
}

/* ------------------------------------------------------------- claiming -- */

static int64_t
first_of(const struct lane *l)
{
	return l->lease_ms < l->due_ms ? l->lease_ms : l->due_ms;
}

/* The first times of every lane. */
static enum hq_rc
look_at_lanes(struct turn *u, struct hq_err *err)
{
	struct lane *l;
	HQ_CURSOR(row);

	_Static_assert(HQ_LANE__MAX == 5, "Q_LANES has as many");
	HQ_TRY(hq_query(u->tx.db, &hq_engine_store, Q_LANES, HQ_NO_BIND, &row,
	    err));
	while (hq_cursor_next(&row)) {
		l = &u->lanes[hq_cursor_i64(&row, 0)];
		l->lease_ms = hq_cursor_i64(&row, 1);
		l->due_ms = hq_cursor_i64(&row, 2);
	}
	return hq_cursor_done(&row, err);
}

/* Calls still without a body. */
struct claims {
	struct hq_eng_call v[HQ_ENGINE_CLAIM];
	size_t n;
};

/* More jobs of a lane, until there are `want`; held: whose lease has ended. */
static enum hq_rc
claim_more(struct turn *u, int lane, bool held, size_t want, struct claims *c,
    struct hq_err *err)
{
	struct hq_engine *e = u->e;
	struct hq_eng_job *j;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(u->tx.db, &hq_engine_store, Q_JOB_CLAIM,
	    HQ_BIND(hq_text(e->owner), hq_i64(u->tx.now_ms + e->o.lease_ms),
		hq_i64(lane), hq_i64(u->tx.now_ms),
		hq_i64((int64_t)(want - c->n)), hq_i64(!held)),
	    &row, err));
	while (hq_cursor_next(&row)) {
		j = &c->v[c->n++].job;
		j->run = hq_cursor_text(&row, 0, e->keep);
		j->step = hq_cursor_text(&row, 1, e->keep);
		j->generation = hq_cursor_i64(&row, 2);
		j->attempt = (int)hq_cursor_i64(&row, 3);
		j->max_attempts = (int)hq_cursor_i64(&row, 4);
		j->timeout_ms = hq_cursor_i64(&row, 5);
		j->first = j->generation == 1 &&
		    strcmp(j->step, HQ_ENG_DISCOVERY) == 0;
	}
	return hq_cursor_done(&row, err);
}

/* Up to `want` jobs of a lane. */
static enum hq_rc
claim(struct turn *u, int lane, size_t want, struct claims *c,
    struct hq_err *err)
{
	u->claimed = true;
	if (u->lanes[lane].lease_ms <= u->tx.now_ms)
		HQ_TRY(claim_more(u, lane, true, want, c, err));
	if (u->lanes[lane].due_ms <= u->tx.now_ms && c->n < want)
		HQ_TRY(claim_more(u, lane, false, want, c, err));
	return HQ_OK;
}

static enum hq_rc
claim_some(struct turn *u, int lane, size_t want, size_t *ret_n,
    struct hq_err *err)
{
	struct claims c = { 0 };
	struct hq_eng_call *call;
	enum hq_rc rc;
	bool made;

	HQ_TRY(claim(u, lane, want, &c, err));
	*ret_n = c.n;
	for (call = c.v; call < c.v + c.n; call++) {
		rc = hq_eng_call_make(&u->tx, u->e->keep, call, &made, err);
		if (rc != HQ_OK && !hq_arena_ok(u->tx.a))
			rc = hq_eng_fail_large(&u->tx, call->job.run, err);
		if (rc != HQ_OK)
			return rc;
		hq_arena_reset(u->tx.a);
		u->put_back += !made;
		if (!made)
			continue;
		hq_buf_put(&u->calls, call, sizeof(*call));
		u->bytes += call->body_bytes;
		u->busy[call->foreign]++;
	}
	return HQ_OK;
}

static enum hq_rc
claim_lane(struct turn *u, int lane, struct hq_err *err)
{
	bool foreign = lane == HQ_LANE_APPS;
	size_t want, n = 1;

	while (n > 0 && u->busy[foreign] < u->e->room[foreign]) {
		if (u->bytes > HQ_ENGINE_TURN_BYTES ||
		    u->put_back > HQ_ENGINE_BATCH) {
			u->more = true;
			return HQ_OK;
		}
		want = u->e->room[foreign] - u->busy[foreign];
		if (want > HQ_ENGINE_CLAIM)
			want = HQ_ENGINE_CLAIM;
		HQ_TRY(claim_some(u, lane, want, &n, err));
		if (n < want)
			return HQ_OK;
	}
	return HQ_OK;
}

static enum hq_rc
claim_all(struct turn *u, struct hq_err *err)
{
	int lane;

	hq_buf_init(&u->calls, u->e->keep);
	if (!u->e->draining && u->checked && u->e->fns.gated)
		HQ_TRY(hq_eng_gates_check(&u->tx, u->e->gate, err));
	HQ_TRY(look_at_lanes(u, err));
	if (u->e->draining)
		return HQ_OK;
	for (lane = 0; lane < HQ_LANE__MAX; lane++)
		if (lane != HQ_LANE_TIMER &&
		    first_of(&u->lanes[lane]) <= u->tx.now_ms)
			HQ_TRY(claim_lane(u, lane, err));
	return HQ_OK;
}

/* ------------------------------------------------------------ what next -- */

static enum hq_rc
ask_time(struct turn *u, size_t q, struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(u->tx.db, &hq_engine_store, q, HQ_NO_BIND, &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	if (!hq_cursor_is_null(&row, 0))
		soonest(u, hq_cursor_i64(&row, 0));
	return HQ_OK;
}

static bool
has_room(const struct turn *u, int lane)
{
	bool foreign = lane == HQ_LANE_APPS;

	return !u->e->draining && u->busy[foreign] < u->e->room[foreign];
}

/* Calls only matter while there is room for one. */
static enum hq_rc
look_ahead(struct turn *u, struct hq_err *err)
{
	int lane;

	u->next_ms = u->more ? u->tx.now_ms : INT64_MAX;
	if (u->claimed)
		HQ_TRY(look_at_lanes(u, err));
	for (lane = 0; lane < HQ_LANE__MAX; lane++)
		if (lane == HQ_LANE_TIMER || has_room(u, lane))
			soonest(u, first_of(&u->lanes[lane]));
	if (u->e->fns.timed)
		HQ_TRY(ask_time(u, Q_WAKE_NEXT, err));
	return ask_time(u, Q_CRON_NEXT, err);
}

/* Since the last turn; before the first one, the store tells. */
static enum hq_rc
look_at_clock(struct turn *u, struct hq_err *err)
{
	int64_t last = u->e->turned_ms;

	if (last == 0)
		HQ_TRY(hq_eng_clock_last(&u->tx, &last, err));
	if (u->tx.now_ms >= last - HQ_ENGINE_BACK_MS)
		return HQ_OK;
	hq_log(HQ_WARN, "clock_back", HQ_LI64("ms", last - u->tx.now_ms));
	HQ_TRY(hq_eng_clock_back(&u->tx, last, u->e->o.lease_ms, err));
	hq_arena_reset(u->tx.a);
	return HQ_OK;
}

static enum hq_rc
transaction(void *arg, struct hq_err *err)
{
	struct turn *u = arg;

	HQ_TRY(hq_fns_refresh(&u->e->fns, u->tx.db, err));
	HQ_TRY(look_at_clock(u, err));
	HQ_TRY(take_answers(u, err));
	HQ_TRY(take_events(u, err));
	HQ_TRY(take_times(u, err));
	HQ_TRY(claim_all(u, err));
	return look_ahead(u, err);
}

/* ----------------------------------------------------------- the outside -- */

/* It is on disk. */
static void
go_on(struct hq_engine *e, struct hq_eng_slot *s)
{
	s->fate = HQ_SLOT_KEPT;
	s->n_steps++;
	s->state_bytes += s->told_bytes;
	free(s->told);
	s->told = NULL;
	e->o.go_on(e->o.ctx, s->ticket);
}

/* Drop what the transaction found done or lost; see to the rest. */
static void
sweep(struct turn *u)
{
	struct hq_engine *e = u->e;
	struct hq_eng_slot *s;
	uint64_t lost;

	for (s = e->slots; s < e->slots + e->n_slots; s++) {
		if (s->ticket == 0)
			continue;
		if (s->fate == HQ_SLOT_GOES_ON)
			go_on(e, s);
		if (s->fate == HQ_SLOT_KEPT) {
			if (s->renewed_ms != 0)
				s->lease_until_ms = s->renewed_ms;
			s->renewed_ms = 0;
			soonest(u, s->lease_until_ms - e->o.lease_ms / 2);
			continue;
		}
		lost = s->fate == HQ_SLOT_LOST ? s->ticket : 0;
		e->lost += s->fate != HQ_SLOT_DONE;
		hq_eng_slot_free(e, s);
		if (lost != 0)
			e->o.abandon(e->o.ctx, lost);
	}
}

static struct hq_eng_slot *
free_slot(struct hq_engine *e)
{
	uint64_t i;

	for (i = 0; i < e->n_slots; i++) {
		e->sequence++;
		if (e->slots[e->sequence % e->n_slots].ticket == 0)
			return &e->slots[e->sequence % e->n_slots];
	}
	HQ_BUG("more calls than slots");
}

static void
keep_places(struct hq_eng_slot *s, const struct hq_eng_job *j)
{
	size_t i;

	for (i = 0; i < HQ_ENGINE_PLACES_MAX; i++)
		if (j->place[i] != NULL)
			memcpy(s->place[i], j->place[i],
			    strlen(j->place[i]) + 1);
}

static void
send_call(struct turn *u, const struct hq_eng_call *c)
{
	struct hq_engine *e = u->e;
	struct hq_eng_slot *s = free_slot(e);
	int64_t timeout = e->o.call_timeout_ms;
	struct hq_engine_call call = { .ticket = e->sequence,
		.url = c->url,
		.body = c->body,
		.body_bytes = c->body_bytes,
		.run_id = c->job.run,
		.step_id = c->job.step,
		.request_id = c->request_id,
		.generation = c->job.generation,
		.foreign = c->foreign,
		.correlation_id = c->trace.correlation_id,
		.traceparent = c->trace.traceparent };

	if (c->job.timeout_ms > 0 && c->job.timeout_ms < timeout)
		timeout = c->job.timeout_ms;
	call.timeout_ms = timeout;
	s->ticket = e->sequence;
	memcpy(s->run, c->job.run, strlen(c->job.run) + 1);
	memcpy(s->step, c->job.step, strlen(c->job.step) + 1);
	s->generation = c->job.generation;
	s->timeout_ms = timeout;
	s->req_version = c->job.req_version;
	s->foreign = c->foreign;
	keep_places(s, &c->job);
	s->n_steps = c->n_steps;
	s->state_bytes = c->state_bytes;
	s->lease_until_ms = u->tx.now_ms + e->o.lease_ms;
	e->inflight++;
	soonest(u, s->lease_until_ms - e->o.lease_ms / 2);
	e->o.send(e->o.ctx, &call);
}

static void
send_all(struct turn *u)
{
	struct hq_eng_call c;
	size_t at;

	for (at = 0; at < u->calls.n; at += sizeof(c)) {
		memcpy(&c, u->calls.p + at, sizeof(c));
		send_call(u, &c);
	}
}

bool
hq_engine_replied(const struct hq_engine *e)
{
	size_t i;

	for (i = 0; i < e->n_slots; i++)
		if (e->slots[i].reply != NULL || e->slots[i].told != NULL)
			return true;
	return false;
}

/* Nothing of the turn has happened. */
static void
undo(struct hq_engine *e)
{
	size_t i;

	for (i = 0; i < e->n_slots; i++) {
		e->slots[i].fate = HQ_SLOT_KEPT;
		e->slots[i].renewed_ms = 0;
	}
}

static void
add_counts(struct hq_engine *e, const struct turn *u)
{
	int i;

	for (i = 0; i < HQ_COUNT__MAX; i++)
		e->counts[i] += u->counts[i];
}

static void
count_busy(struct turn *u)
{
	const struct hq_eng_slot *s = u->e->slots;

	for (; s < u->e->slots + u->e->n_slots; s++)
		u->busy[s->foreign] += s->ticket != 0;
}

enum hq_rc
hq_engine_turn(struct hq_engine *e, int64_t *ret_next_ms, struct hq_err *err)
{
	int64_t now = hq_now_ms(e->o.env);
	struct turn u = { .e = e,
		.tx = { .db = e->o.db,
		    .env = e->o.env,
		    .a = e->item,
		    .now_ms = now,
		    .fns = &e->fns,
		    .state_bytes_max = e->o.state_bytes_max,
		    .retry_interval_ms = e->o.retry_interval_ms } };
	int64_t since = now - e->checked_ms;
	enum hq_rc rc;

	u.tx.counts = u.counts;
	count_busy(&u);
	u.checked = e->recheck || since < 0 || since >= HQ_ENGINE_CHECK_MS;
	rc = hq_db_tx(e->o.db, transaction, &u, err);
	hq_arena_reset(e->item);
	if (rc != HQ_OK) {
		undo(e);
		hq_arena_reset(e->keep);
		return rc;
	}
	if (u.checked)
		e->checked_ms = now;
	e->turned_ms = now;
	e->recheck = u.tx.ended;
	add_counts(e, &u);
	sweep(&u);
	send_all(&u);
	hq_arena_reset(e->keep);
	if (hq_engine_replied(e) || e->recheck)
		soonest(&u, now);
	*ret_next_ms = u.next_ms;
	return HQ_OK;
}

/*
 * What the engine forgets:
 *
 * - a run that has ended, with its recorded steps, RAWR_RETAIN_RUNS days later;
 * - an event, so long after it came, unless it still waits in the inbox or an
 *   open run began with it;
 * - which run an event began, when that has ended and the window is over in
 *   which it begins it once;
 * - what is left of a rate, when nothing is.
 *
 * Each is a sweep along a key that begins with the time: nothing is written for
 * it while rows are young.
 */
#include <string.h>

#include "engine/engine.h"
#include "engine/inside.h"

enum { RUNS, EVENTS, SEEN, RATES, OVER };

struct row {
	char id[HQ_ULID_BYTES];
};

/* One call: what it found, and may drop. */
struct sweep {
	struct hq_retain *r;
	int64_t before_ms;
	struct row v[HQ_RETAIN_LOOK];
	size_t n, looked;
	int64_t dropped;
};

static void
go_on(struct hq_retain *r)
{
	r->phase++;
	r->place[0] = r->place2[0] = '\0';
	r->place_ms = 0;
}

/* Where the sweep stops: what is younger stays. */
static void
stop_at(const struct sweep *s, char out[HQ_ULID_BYTES])
{
	hq_ulid_least(s->before_ms < 0 ? 0 : s->before_ms, out);
}

/* Rows of (id, may go). */
static enum hq_rc
look(struct sweep *s, size_t q, struct hq_err *err)
{
	char stop[HQ_ULID_BYTES];
	HQ_CURSOR(row);

	stop_at(s, stop);
	HQ_TRY(hq_query(s->r->db, &hq_engine_store, q,
	    HQ_BIND(hq_text(s->r->place), hq_text(stop), hq_i64(s->before_ms),
		hq_i64(HQ_RETAIN_LOOK)),
	    &row, err));
	while (s->looked < HQ_RETAIN_LOOK && hq_cursor_next(&row)) {
		s->looked++;
		HQ_ASSERT(
		    hq_cursor_copy(&row, 0, s->r->place, sizeof(s->r->place)));
		if (hq_cursor_i64(&row, 1) == 0)
			continue;
		HQ_ASSERT(
		    hq_cursor_copy(&row, 0, s->v[s->n].id, HQ_ULID_BYTES));
		s->n++;
	}
	return s->looked == HQ_RETAIN_LOOK ? HQ_OK : hq_cursor_done(&row, err);
}

static enum hq_rc
drop(struct sweep *s, size_t q, const struct hq_val *vals, size_t n,
    struct hq_err *err)
{
	int changes;

	HQ_TRY(hq_exec(s->r->db, &hq_engine_store, q, vals, n, &changes, err));
	s->dropped += changes;
	return HQ_OK;
}

static enum hq_rc
drop_runs(void *arg, struct hq_err *err)
{
	struct sweep *s = arg;
	struct hq_val id;
	size_t i;

	for (i = 0; i < s->n && s->dropped < HQ_RETAIN_DROP; i++) {
		id = hq_text(s->v[i].id);
		HQ_TRY(drop(s, Q_RETAIN_MEMOS, HQ_BIND(id), err));
		HQ_TRY(drop(s, Q_RETAIN_BATCH, HQ_BIND(id), err));
		HQ_TRY(drop(s, Q_RETAIN_RUN, HQ_BIND(id, hq_i64(s->before_ms)),
		    err));
	}
	if (i < s->n) /* those behind it are for the next call */
		memcpy(s->r->place, s->v[i - 1].id, HQ_ULID_BYTES);
	s->looked = i < s->n ? HQ_RETAIN_LOOK : s->looked;
	return HQ_OK;
}

static enum hq_rc
drop_events(void *arg, struct hq_err *err)
{
	struct sweep *s = arg;
	size_t i;

	for (i = 0; i < s->n; i++)
		HQ_TRY(
		    drop(s, Q_RETAIN_EVENT, HQ_BIND(hq_text(s->v[i].id)), err));
	return HQ_OK;
}

/*
 * The rows behind the place, of a key that is two texts; of engine_seen's the
 * day stands before them, and its run is a number.
 */
static size_t
bind_place(const struct sweep *s, struct hq_val v[5])
{
	v[0] = hq_text(s->r->place);
	v[1] = hq_text(s->r->place2);
	v[2] = hq_i64(s->before_ms);
	v[3] = hq_i64(HQ_RETAIN_LOOK);
	v[4] = hq_i64(s->r->place_ms / HQ_ENGINE_DAY_MS);
	return s->r->phase == SEEN ? 5 : 4;
}

/* Everything that is over, from one key to the other. */
static enum hq_rc
drop_pairs(void *arg, struct hq_err *err)
{
	struct sweep *s = arg;
	struct hq_val v[5];
	size_t n = bind_place(s, v);

	return drop(s, s->r->phase == SEEN ? Q_RETAIN_SEEN : Q_RETAIN_RATE, v,
	    n, err);
}

/* The next keys, and where they end; may any of them go? */
static enum hq_rc
look_pairs(struct sweep *s, struct hq_retain *place, struct hq_err *err)
{
	bool seen = s->r->phase == SEEN;
	struct hq_val v[5];
	size_t n = bind_place(s, v);
	HQ_CURSOR(row);

	HQ_TRY(hq_query(s->r->db, &hq_engine_store,
	    seen ? Q_RETAIN_SEEN_LOOK : Q_RETAIN_RATE_LOOK, v, n, &row, err));
	while (s->looked < HQ_RETAIN_LOOK && hq_cursor_next(&row)) {
		s->looked++;
		HQ_ASSERT(
		    hq_cursor_copy(&row, 0, place->place, HQ_RETAIN_PLACE));
		HQ_ASSERT(
		    hq_cursor_copy(&row, 1, place->place2, HQ_RETAIN_PLACE));
		s->n += hq_cursor_i64(&row, 2) != 0;
		if (seen)
			place->place_ms =
			    hq_cursor_i64(&row, 3) * HQ_ENGINE_DAY_MS;
	}
	return s->looked == HQ_RETAIN_LOOK ? HQ_OK : hq_cursor_done(&row, err);
}

static enum hq_rc
sweep_pairs(struct sweep *s, struct hq_err *err)
{
	struct hq_retain after = *s->r;

	HQ_TRY(look_pairs(s, &after, err));
	if (s->n > 0)
		HQ_TRY(hq_db_tx(s->r->db, drop_pairs, s, err));
	*s->r = after;
	return HQ_OK;
}

static enum hq_rc
sweep_ids(struct sweep *s, size_t q, hq_tx_fn *drop_fn, struct hq_err *err)
{
	HQ_TRY(look(s, q, err));
	return s->n == 0 ? HQ_OK : hq_db_tx(s->r->db, drop_fn, s, err);
}

/* The inbox stands by age, but for what is apart. */
static enum hq_rc
inbox_is_old(struct sweep *s, bool *ret, struct hq_err *err)
{
	char stop[HQ_ULID_BYTES];
	HQ_CURSOR(row);

	stop_at(s, stop);
	HQ_TRY(hq_query(s->r->db, &hq_engine_store, Q_INBOX_OLD,
	    HQ_BIND(hq_text(stop)), &row, err));
	*ret = hq_cursor_next(&row);
	if (!*ret)
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_i64(&row, 0) != 0;
	return HQ_OK;
}

/* Some of the oldest in the inbox: so they are found by the event. */
static enum hq_rc
set_apart(void *arg, struct hq_err *err)
{
	struct sweep *s = arg;
	char stop[HQ_ULID_BYTES];

	stop_at(s, stop);
	return hq_exec(s->r->db, &hq_engine_store, Q_INBOX_APART,
	    HQ_BIND(hq_text(stop), hq_i64(HQ_RETAIN_DROP)), NULL, err);
}

/* An event that is old but waits stays: not before those are apart. */
static enum hq_rc
sweep_events(struct sweep *s, struct hq_err *err)
{
	bool old;

	HQ_TRY(inbox_is_old(s, &old, err));
	if (!old)
		return sweep_ids(s, Q_RETAIN_EVENTS, drop_events, err);
	s->looked = HQ_RETAIN_LOOK; /* the next call goes on */
	return hq_db_tx(s->r->db, set_apart, s, err);
}

static enum hq_rc
sweep(struct sweep *s, struct hq_err *err)
{
	if (s->r->phase == RUNS)
		return sweep_ids(s, Q_RETAIN_RUNS, drop_runs, err);
	if (s->r->phase == EVENTS)
		return sweep_events(s, err);
	return s->r->phase < OVER ? sweep_pairs(s, err) : HQ_OK;
}

enum hq_rc
hq_engine_retain(struct hq_retain *r, bool *ret_more, struct hq_err *err)
{
	int64_t now = hq_now_ms(r->env);
	int64_t days = r->config->i[HQ_SET_RAWR_RETAIN_RUNS];
	struct sweep s = { .r = r, .before_ms = now - HQ_ENGINE_DAY_MS };

	if (r->phase < SEEN && days == 0)
		r->phase = SEEN;
	if (r->phase < SEEN)
		s.before_ms = now - days * HQ_ENGINE_DAY_MS;
	else if (r->phase == RATES)
		s.before_ms = now;
	HQ_TRY(sweep(&s, err));
	r->dropped += s.dropped;
	if (s.looked < HQ_RETAIN_LOOK)
		go_on(r);
	*ret_more = r->phase < OVER;
	return HQ_OK;
}

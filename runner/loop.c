/*
 * The loop: a turn, a sleep until something happens, the answers that came.
 */
/* For ppoll.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "runner.h"
#include "store/admin.h"

enum { US_PER_S = 1000000, US_PER_MS = 1000, NS_PER_US = 1000 };

struct loop {
	struct runner *r;
	bool leaving;
	int64_t leave_by_ms;   /* monotonic */
	int64_t checkpoint_ms; /* monotonic: when the WAL is looked at again */
	int64_t bell_ms;       /* monotonic: when the doorbell is tried again */
	int64_t version;       /* of the data when the WAL was last moved */
	int64_t seen;          /* the same, before the last turn */
	int64_t next_ms;       /* wall clock: when a turn has something to do */
	int64_t turned_ms;     /* monotonic: the last turn */
	bool emptied;          /* and nothing was left of it */
	bool warned;
};

static int64_t
min_ms(int64_t a, int64_t b)
{
	int64_t m = a < b ? a : b;

	return m < 0 ? 0 : (m > RUNNER_IDLE_MS ? RUNNER_IDLE_MS : m);
}

/* Until something happens, at most so long. */
static void
look(struct runner *r, int64_t us)
{
	const struct timespec at_most = { .tv_sec = us / US_PER_S,
		.tv_nsec = us % US_PER_S * NS_PER_US };
	size_t i;

	r->polls[0] = (struct pollfd){ .fd = r->bell.fd, .events = POLLIN };
	r->polls[1] = (struct pollfd){ .fd = r->signal, .events = POLLIN };
	for (i = 0; i < r->n_calls; i++) {
		const struct hq_fcgi_call *c = r->calls[i].call;

		r->polls[i + 2] = (struct pollfd){ .fd = -1 };
		if (c == NULL)
			continue;
		r->polls[i + 2].fd = hq_fcgi_call_fd(c);
		r->polls[i + 2].events = hq_fcgi_call_events(c);
	}
	r->polls[i + 2] =
	    (struct pollfd){ .fd = r->work->fd(r), .events = POLLIN };
	if (ppoll(r->polls, r->n_calls + 3, &at_most, NULL) < 0)
		for (i = 0; i < r->n_calls + 3; i++)
			r->polls[i].revents = 0;
}

/* Of what the loop itself looks after, the first (monotonic). */
static int64_t
first_due(const struct loop *l)
{
	const int64_t due[] = { runner_first_deadline(l->r),
		l->r->work->next(l->r), runner_retain_next(l->r),
		l->emptied ? INT64_MAX : l->checkpoint_ms };
	int64_t first = INT64_MAX;
	size_t i;

	for (i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		if (due[i] < first)
			first = due[i];
	return first;
}

/*
 * Sleep at most until next_ms (wall clock), the first call's deadline, or the
 * next look at the WAL.
 */
static void
sleep_until(const struct loop *l, int64_t next_ms)
{
	struct runner *r = l->r;
	int64_t first = first_due(l), wall = INT64_MAX;

	if (next_ms != INT64_MAX)
		wall = next_ms - hq_now_ms(r->env);
	if (first != INT64_MAX)
		first -= hq_mono_ms(r->env);
	look(r, min_ms(wall, first) * US_PER_MS);
}

static void
leave(struct loop *l)
{
	l->leaving = true;
	l->leave_by_ms = hq_mono_ms(l->r->env) + RUNNER_LEAVE_MS;
	l->r->work->drain(l->r);
	runner_notify("STOPPING=1");
	hq_log(HQ_INFO, "stopping",
	    HQ_LI64("inflight", (int64_t)l->r->work->inflight(l->r)));
}

/* Somebody has queued work, or wants us to stop. */
static void
ring(struct loop *l)
{
	struct runner *r = l->r;

	if (r->polls[0].revents != 0)
		runner_bell_drain(&r->bell);
	if (r->polls[1].revents != 0 && !l->leaving)
		leave(l);
}

/*
 * Take what the calls said; where others are about to, wait a little for them:
 * one commit is for all.
 */
static void
listen_to_calls(struct loop *l)
{
	struct runner *r = l->r;
	int i;

	runner_step_calls(r);
	r->work->step(r);
	for (i = 0; i < RUNNER_GATHER_LOOKS && runner_is_early(r); i++) {
		look(r, RUNNER_GATHER_US);
		ring(l);
		runner_step_calls(r);
	}
	r->n_said = 0;
}

/* The runner is the only one that moves the WAL into the store's file. */
static void
checkpoint(struct loop *l, bool idle)
{
	struct runner *r = l->r;
	int64_t now = hq_mono_ms(r->env), wal = 0, version;
	struct hq_err err = { 0 };
	bool quiet;

	if (!idle)
		l->emptied = false; /* data_version misses our own writes */
	if (now < l->checkpoint_ms)
		return;
	l->checkpoint_ms = now + RUNNER_IDLE_MS;
	if (hq_db_data_version(r->db, &version, &err) != HQ_OK)
		return;
	/* Emptying it stops writers: best while nobody writes. */
	quiet = idle && version == l->version;
	if (!quiet)
		l->checkpoint_ms = now + RUNNER_BUSY_MS;
	if (quiet && l->emptied)
		return;
	if (hq_db_checkpoint(r->db, quiet, &wal, &err) != HQ_OK) {
		hq_log(HQ_WARN, "checkpoint", HQ_LSTR("why", err.msg));
		return;
	}
	l->version = version;
	l->emptied = quiet && wal == 0;
	if (wal > r->config->i[HQ_SET_RAWR_WAL_WARN] && !l->warned)
		hq_log(HQ_WARN, "wal_large", HQ_LI64("bytes", wal),
		    HQ_LSTR("fix", "a reader may be holding it open"));
	l->warned = wal > r->config->i[HQ_SET_RAWR_WAL_WARN];
}

/* Where another runner had the doorbell and is gone. */
static void
take_bell(struct loop *l)
{
	struct runner *r = l->r;
	int64_t now = hq_mono_ms(r->env);
	struct hq_err err = { 0 };

	if (r->bell.fd >= 0 || now < l->bell_ms)
		return;
	l->bell_ms = now + RUNNER_IDLE_MS;
	if (runner_bell_take(r->config->s[HQ_SET_RAWR_VAR], &r->bell, &err) !=
	    HQ_OK)
		hq_log(HQ_WARN, "doorbell", HQ_LSTR("why", err.msg));
}

/*
 * No reply has come, nothing is due, and nobody has written since the last
 * turn began: a turn would find nothing.  So an idle system takes no lock, and
 * neither does one that waits for its calls.  Those are looked after now and
 * then whatever happens.
 */
static bool
is_still(struct loop *l)
{
	struct runner *r = l->r;
	int64_t seen = l->seen, now = hq_mono_ms(r->env);

	if (hq_db_data_version(r->db, &l->seen, NULL) != HQ_OK ||
	    l->seen != seen || r->work->has_news(r) ||
	    hq_now_ms(r->env) >= l->next_ms)
		return false;
	return r->work->inflight(r) == 0 || now - l->turned_ms < RUNNER_IDLE_MS;
}

static enum hq_rc
turn(struct loop *l, struct hq_err *err)
{
	enum hq_rc rc;

	if (is_still(l))
		return HQ_OK;
	l->turned_ms = hq_mono_ms(l->r->env);
	rc = l->r->work->turn(l->r, &l->next_ms, err);
	if (rc == HQ_OK)
		return HQ_OK;
	hq_log(HQ_ERROR, "turn", HQ_LSTR("why", err->msg),
	    HQ_LSTR("where", err->where));
	/*
	 * After an I/O error the outcome is unknown: a new start reads it.  A
	 * full disk or a busy store passes, and leaving would not help.
	 */
	if (rc != HQ_E_SERVICE_UNAVAILABLE)
		return rc;
	l->next_ms = hq_now_ms(l->r->env) + RUNNER_IDLE_MS;
	return HQ_OK;
}

static bool
is_left(const struct loop *l)
{
	return l->leaving &&
	    (l->r->work->inflight(l->r) == 0 ||
		hq_mono_ms(l->r->env) >= l->leave_by_ms);
}

enum hq_rc
runner_loop(struct runner *r, struct hq_err *err)
{
	struct loop l = { .r = r, .next_ms = INT64_MIN };
	bool idle;

	for (;;) {
		HQ_TRY(turn(&l, err));
		if (is_left(&l))
			return r->work->release(r, err);
		idle = r->work->inflight(r) == 0;
		sleep_until(&l, l.next_ms);
		ring(&l);
		listen_to_calls(&l);
		take_bell(&l);
		if (!l.leaving && runner_retain(r, idle))
			l.emptied = false;
		checkpoint(&l, idle);
		runner_figures_note(r);
		runner_alive_sign(r);
	}
}

/*
 * plugins/cli/coordination - rawr work: an agent that is a program.
 *
 * Tasks are claimed one after the other.  Each goes to the program's stdin as
 * one line of JSON; what it prints is the output.  While it runs the lease is
 * kept.  Exit 0 completes the task, 65 (EX_DATAERR) gives it up for good, any
 * other end gives it back, to be offered again while it has attempts left.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command/operator.h"
#include "program.h"

enum {
	LEASE_S = 60,
	LEASE_S_MAX = 3600,
	WAIT_S_MAX = 365 * 24 * 3600,
	BEATS = 3,            /* heartbeats in a lease */
	AGAIN_MS = 1000,      /* after what may pass; a look at the queue */
	PAUSE_MS_MAX = 60000, /* after tasks that failed, one upon another */
	TRIES = 30,           /* to hand in an answer that the store puts off */
	EXIT_FINAL = 65,      /* of the program: do not offer it again */
	ARENA_BYTES = 256 << 20, /* of one task, and of one call about it */
	ERROR_BYTES = 512,
};

struct work {
	struct hq_cli *c;
	struct hq_operator o;
	struct json_object *claim; /* input of claimTask */
	int64_t lease_s, wait_s;   /* wait_s -1: for ever */
	struct json_object *task;  /* in hand; the boundary's arena's */
	struct hq_arena *each;     /* of a call about it: there may be many */
	int64_t beat_ms;           /* hq_mono_ms() of the next heartbeat */
	bool lost;                 /* the task in hand is not ours any more */
	int64_t completed, failed, n_lost;
	int64_t pause_ms; /* before the next claim */
};

/* Once: finish what is in hand.  Twice: give it back. */
static volatile sig_atomic_t stops;

static void
on_stop(int sig)
{
	(void)sig;
	stops++;
}

static void
heed_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop };

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int64_t
now_ms(const struct work *w)
{
	return hq_mono_ms(w->o.boundary.env);
}

/* Until ms have passed or a signal has come. */
static void
rest(int64_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	if (stops == 0)
		(void)nanosleep(&t, NULL);
}

/* ---------------------------------------------------------- the task in hand -- */

static void
tell(const struct work *w, const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s%s%s\n", hq_json_str(w->task, "taskId"),
	    what, *why == '\0' ? "" : ": ", why);
}

/* {taskId, token}, for what is called about it; the caller puts it. */
static struct json_object *
about(const struct work *w)
{
	struct json_object *in = hq_json_new_object();

	hq_json_put_str(in, "taskId", hq_json_str(w->task, "taskId"));
	hq_json_put_i64(in, "token", hq_json_i64(w->task, "token", 0));
	return in;
}

/* Call about it; nothing but *e is left of the answer. */
static enum hq_rc
call(struct work *w, const char *proc, struct json_object *in, struct hq_err *e)
{
	struct hq_boundary *b = &w->o.boundary;
	struct hq_arena *task = b->arena;
	struct json_object *out;
	enum hq_rc rc;

	*e = (struct hq_err){ 0 };
	b->arena = w->each;
	rc = hq_operator_call(&w->o, proc, in, &out, e);
	b->arena = task;
	b->why = NULL;
	e->data = NULL;
	hq_arena_reset(w->each);
	return rc;
}

static bool
is_lost(const struct hq_err *e)
{
	return e->status == 404 || e->status == 409;
}

/* Send a heartbeat when it is due: ms until the next, -1 to end the program. */
static int64_t
look(void *ctx)
{
	struct work *w = ctx;
	int64_t every_ms = w->lease_s * 1000 / BEATS, ms;
	struct json_object *in;
	struct hq_err e;

	if (stops > 1 || w->lost)
		return -1;
	if (now_ms(w) >= w->beat_ms) {
		in = about(w);
		hq_json_put_i64(in, "leaseSeconds", w->lease_s);
		if (call(w, "coordination.heartbeatTask", in, &e) == HQ_OK)
			w->beat_ms = now_ms(w) + every_ms;
		else if (is_lost(&e))
			w->lost = true;
		else
			w->beat_ms = now_ms(w) + AGAIN_MS;
		(void)json_object_put(in);
	}
	if (w->lost)
		return -1;
	ms = w->beat_ms - now_ms(w);
	return ms > 0 ? ms : 0; /* it may have fallen due since */
}

/*
 * Hand in an answer, which is put; again while the store is busy.  *e: why it
 * was refused.
 */
static bool
hand_in(struct work *w, const char *proc, struct json_object *in,
    struct hq_err *e)
{
	enum hq_rc rc = call(w, proc, in, e);
	int i;

	for (i = 1; rc != HQ_OK && e->status == 503 && i < TRIES; i++) {
		rest(AGAIN_MS);
		rc = call(w, proc, in, e);
	}
	(void)json_object_put(in);
	if (rc != HQ_OK && is_lost(e))
		w->lost = true;
	return rc == HQ_OK;
}

static void
give_up(struct work *w, const char *why, bool final)
{
	struct json_object *in = about(w);
	struct hq_err e;

	hq_json_put_str(in, "error", why);
	hq_json_put_bool(in, "retryable", !final);
	w->failed++;
	w->pause_ms = w->pause_ms == 0 ? AGAIN_MS : w->pause_ms * 2;
	if (w->pause_ms > PAUSE_MS_MAX)
		w->pause_ms = PAUSE_MS_MAX;
	if (hand_in(w, "coordination.failTask", in, &e))
		tell(w, final ? "given up" : "given back", why);
	else
		tell(w, "not given back", e.msg);
}

static void
complete(struct work *w, const struct program_end *end)
{
	struct json_object *in, *output;
	struct hq_err e = { 0 };
	char why[ERROR_BYTES];

	if (hq_json_parse(w->o.boundary.arena, end->out, end->out_bytes,
		&output, &e) != HQ_OK) {
		(void)snprintf(why, sizeof(why),
		    "the program's output is not JSON: %s", e.msg);
		give_up(w, why, false);
		return;
	}
	in = about(w);
	hq_json_put(in, "output", json_object_get(output));
	if (hand_in(w, "coordination.completeTask", in, &e)) {
		w->completed++;
		w->pause_ms = 0;
		tell(w, "completed", "");
		return;
	}
	if (!w->lost) {
		w->failed++;
		w->pause_ms = AGAIN_MS;
		tell(w, "not taken", e.msg);
	}
}

/* What came of it is the task's; a failure here is the machine's. */
static enum hq_rc
do_task(struct work *w, struct hq_err *err)
{
	struct hq_arena *a = w->o.boundary.arena;
	const char *text = hq_json_text(a, w->task);
	struct program p = { .argv = w->c->argv + 1, .look = look, .ctx = w };
	struct program_end end;
	char why[ERROR_BYTES];

	w->lost = false;
	w->beat_ms = now_ms(w) + w->lease_s * 1000 / BEATS;
	if (text == NULL || (p.in = hq_arena_printf(a, "%s\n", text)) == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "the task is too large");
	HQ_TRY(program_run(&p, a, &end, err));
	(void)snprintf(why, sizeof(why), "%.256s: %s %d", p.argv[0],
	    end.exited ? "exit" : "signal", end.code);
	if (w->lost)
		;
	else if (end.ended)
		give_up(w, "the agent was told to stop", false);
	else if (end.too_much || !hq_arena_ok(a))
		give_up(w, "the program's output is too large", true);
	else if (end.exited && end.code == 0)
		complete(w, &end);
	else
		give_up(w, why, end.exited && end.code == EXIT_FINAL);
	if (w->lost) {
		w->n_lost++;
		tell(w, "lost", "somebody else has it, or it has ended");
	}
	return HQ_OK;
}

/* ------------------------------------------------------------------- the loop -- */

/* w->task: the next one; NULL if there is none, or the store is busy. */
static enum hq_rc
claim(struct work *w, struct hq_err *err)
{
	struct json_object *out;
	struct hq_err e = { 0 };

	hq_arena_reset(w->o.boundary.arena);
	w->task = NULL;
	if (hq_operator_call(&w->o, "coordination.claimTask", w->claim, &out,
		&e) == HQ_OK) {
		w->task = hq_json_get(out, "task");
		return HQ_OK;
	}
	if (e.status == 503)
		return HQ_OK;
	*err = e;
	return e.code;
}

/* The same, as long as it may take; or until a signal comes. */
static enum hq_rc
next(struct work *w, struct hq_err *err)
{
	struct hq_boundary *b = &w->o.boundary;
	int64_t end_ms = now_ms(w) + w->wait_s * 1000, version, ms;
	bool changed;

	HQ_TRY(hq_db_data_version(b->db, &version, err));
	for (w->task = NULL; stops == 0;) {
		HQ_TRY(claim(w, err));
		ms = w->wait_s < 0 ? AGAIN_MS : end_ms - now_ms(w);
		if (w->task != NULL || ms <= 0 || w->c->dry_run)
			break;
		HQ_TRY(hq_cli_wait_change(b->db, &version,
		    ms < AGAIN_MS ? ms : AGAIN_MS, &changed, err));
	}
	return HQ_OK;
}

static enum hq_rc
loop(struct work *w, int64_t tasks, struct hq_err *err)
{
	for (; stops == 0 && tasks > 0; tasks--) {
		rest(w->pause_ms);
		HQ_TRY(next(w, err));
		if (w->task == NULL || w->c->dry_run)
			break;
		HQ_TRY(do_task(w, err));
	}
	return HQ_OK;
}

static void
report(const struct work *w, struct json_object *o)
{
	hq_json_put_str(o, "agentId", w->c->argv[0]);
	hq_json_put_i64(o, "completed", w->completed);
	hq_json_put_i64(o, "failed", w->failed);
	hq_json_put_i64(o, "lost", w->n_lost);
	if (w->c->dry_run)
		hq_json_put_str(o, "next",
		    w->task == NULL ? NULL : hq_json_str(w->task, "taskId"));
}

static enum hq_rc
take(struct work *w, int64_t *tasks, struct hq_err *err)
{
	struct hq_cli *c = w->c;

	HQ_TRY(program_find(c->argv[1], err));
	HQ_TRY(hq_cli_input(c, "agentId", &w->claim, err));
	HQ_TRY(hq_cli_opt_i64(c, "--lease", 1, LEASE_S_MAX, &w->lease_s, err));
	HQ_TRY(hq_cli_opt_i64(c, "--wait", 0, WAIT_S_MAX, &w->wait_s, err));
	HQ_TRY(hq_cli_opt_i64(c, "--tasks", 1, INT64_MAX, tasks, err));
	hq_json_put_i64(w->claim, "leaseSeconds", w->lease_s);
	return HQ_OK;
}

static enum hq_rc
run_work(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct work w = { .c = c, .lease_s = LEASE_S, .wait_s = -1 };
	struct hq_arena *task;
	int64_t tasks = INT64_MAX;
	enum hq_rc rc;

	HQ_TRY(take(&w, &tasks, err));
	heed_signals();
	task = hq_arena_new(ARENA_BYTES);
	w.each = hq_arena_new(ARENA_BYTES);
	rc = hq_operator_open(c, &w.o, err);
	if (rc == HQ_OK) {
		w.o.boundary.arena = task;
		rc = loop(&w, tasks, err);
		if (rc == HQ_OK)
			report(&w, *ret = hq_cli_object(c));
		hq_operator_close(&w.o);
	}
	hq_arena_free(w.each);
	hq_arena_free(task);
	return rc;
}

static void
print_work(const struct hq_cli *c, struct json_object *r)
{
	if (c->dry_run)
		(void)printf("%s: would be given %s\n",
		    hq_json_str(r, "agentId"),
		    hq_json_str(r, "next") == NULL ? "no task"
						   : hq_json_str(r, "next"));
	else
		(void)printf("%s: %lld completed, %lld failed, %lld lost\n",
		    hq_json_str(r, "agentId"),
		    (long long)hq_json_i64(r, "completed", 0),
		    (long long)hq_json_i64(r, "failed", 0),
		    (long long)hq_json_i64(r, "lost", 0));
}

static const struct hq_command_binding commands[] = {
	{ "work", run_work, print_work },
	{ 0 },
};

extern const struct hq_cli_plugin hq_plugin_cli_coordination;

const struct hq_cli_plugin hq_plugin_cli_coordination = {
	.commands = commands,
};

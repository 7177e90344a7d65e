/*
 * runner/runner.h - the engine as a process: what its files share.
 */
#ifndef HQ_RUNNER_RUNNER_H
#define HQ_RUNNER_RUNNER_H

#include <poll.h>

#include "auth/keys.h"
#include "base/alive.h"
#include "base/config.h"
#include "base/figures.h"
#include "base/ids.h"
#include "engine/engine.h"
#include "proto/http/fcgi_client.h"

enum {
	RUNNER_IDLE_MS = 1000,   /* longest sleep: makes up for a lost ring */
	RUNNER_BUSY_MS = 250,    /* between checkpoints while data changes */
	RUNNER_LEAVE_MS = 10000, /* for calls in flight, after SIGTERM */
	RUNNER_RETAIN_MS = 3600 * 1000, /* from one sweep to the next */
	RUNNER_RETAIN_BUSY_MS = 100,    /* between its steps, beside work */
	RUNNER_RETAIN_FAIL_MS = 60 * 1000,
	/* To an Inngest server: between attempts, doubling; and one attempt. */
	RUNNER_FORWARD_MIN_MS = 200,
	RUNNER_FORWARD_MAX_MS = 30 * 1000,
	RUNNER_FORWARD_CALL_MS = 30 * 1000,
	RUNNER_LOOK_MS = 50, /* between looks at calls that wait for a worker */
	/* A call that was told to go on, and whose worker is busy with another,
	 * is taken back after that, for a worker that is free. */
	RUNNER_TAKE_BACK_MS = 500,
	RUNNER_STEP_BYTES = 80,
	/*
	 * Calls that said something wait for so many looks of so many
	 * microseconds, while more than they are to say something too: those
	 * that began within the last milliseconds.
	 */
	RUNNER_GATHER_LOOKS = 5,
	RUNNER_GATHER_US = 200,
	RUNNER_GATHER_MS = 2,
	RUNNER_FIGURES = HQ_COUNT__MAX + 4,
};

/*
 * A call to the function host.  call NULL: free.  Its time runs from when a
 * worker of the host begins to read it: until then it waits in the backlog,
 * behind others.  It does not while a checkpoint is being recorded, and begins
 * anew when the host reads that it may go on.
 */
struct runner_call {
	uint64_t ticket;
	struct hq_fcgi_call *call;
	enum runner_state {
		RUNNER_SENT,  /* nobody has read it yet */
		RUNNER_BEGUN, /* a step may be under way */
		RUNNER_HELD,  /* by us: a checkpoint is not recorded yet */
		RUNNER_TOLD,  /* to go on, which nobody has read yet */
	} state;
	int unread;          /* bytes in the socket when last looked */
	int64_t started_ms;  /* monotonic: sent, begun, told */
	int64_t deadline_ms; /* monotonic; INT64_MAX: no step is under way */
	int64_t timeout_ms;
	char run[HQ_ULID_BYTES]; /* for the log, as all that follows */
	char step[RUNNER_STEP_BYTES];
	char *correlation_id, *traceparent; /* or NULL */
};

struct runner_bell {
	int fd;   /* datagrams from the responders; -1: another runner's */
	int lock; /* -1: not tried yet */
};
#define RUNNER_NO_BELL ((struct runner_bell){ .fd = -1, .lock = -1 })

struct runner_sweep {
	hq_retain_fn *fn;
	struct hq_retain state;
	int64_t next_ms; /* monotonic */
};

struct runner;

/*
 * What the loop drives: our own engine (engine.c), or the way of our events to
 * an Inngest server (forward.c).
 */
struct runner_work {
	/* close() also behind an open() that failed. */
	enum hq_rc (*open)(struct runner *r, struct hq_err *err);
	void (*close)(struct runner *r);
	/* As hq_engine_turn() and what follows it have it. */
	enum hq_rc (
	    *turn)(struct runner *r, int64_t *ret_next_ms, struct hq_err *err);
	bool (*has_news)(const struct runner *r);
	size_t (*inflight)(const struct runner *r);
	void (*drain)(struct runner *r);
	enum hq_rc (*release)(struct runner *r, struct hq_err *err);
	/* Its HTTP: when fd is readable, or at next (monotonic), step. */
	int (*fd)(const struct runner *r);
	int64_t (*next)(const struct runner *r);
	void (*step)(struct runner *r);
};
extern const struct runner_work runner_engine, runner_forward;

struct runner {
	const struct hq_config *config;
	const struct hq_keys *keys;
	const struct hq_env *env;
	struct hq_arena *arena;
	struct hq_db *db;
	const struct runner_work *work;
	struct hq_engine *engine;       /* of runner_engine; or NULL */
	size_t lost;                    /* of its calls, that were told of */
	struct runner_forward *forward; /* of runner_forward; or NULL */
	bool dev;
	struct runner_bell bell;
	int signal; /* readable once SIGTERM or SIGINT came */
	struct runner_call *calls;
	size_t n_calls;
	size_t
	    n_said; /* of them have told of a step or answered, since a turn */
	struct pollfd *polls; /* bell, signal, the calls, the remote ones */
	struct runner_remote *remote; /* calls to SDK apps (remote.c) */
	struct runner_sweep *sweeps;
	size_t n_sweeps;
	struct hq_figures *figures;
	int64_t noted[RUNNER_FIGURES]; /* is in them */
	struct hq_alive alive;
};

/* dispatch.c: the engine's transport; ctx is a struct runner. */
/* What a call keeps of a borrowed text: the caller frees it; NULL of NULL. */
char *runner_copy(const char *s);
void runner_send(void *ctx, const struct hq_engine_call *call);
void runner_go_on(void *ctx, uint64_t ticket);
void runner_abandon(void *ctx, uint64_t ticket);
/* Go on with what poll() said, and with what is too late. */
void runner_step_calls(struct runner *r);
/* More calls than have said something are about to. */
bool runner_is_early(const struct runner *r);
/*
 * When a call may be too late, or is to be looked at (monotonic ms);
 * INT64_MAX: none.
 */
int64_t runner_first_deadline(const struct runner *r);

/* remote.c: the same for the functions of SDK apps, over HTTP. */
enum hq_rc runner_remote_open(struct runner *r, struct hq_err *err) HQ_MUST;
void runner_remote_close(struct runner *r);
void runner_remote_send(struct runner *r, const struct hq_engine_call *call);
void runner_remote_abandon(struct runner *r, uint64_t ticket);
int runner_remote_fd(const struct runner *r);
/* When there is something to do (monotonic ms); INT64_MAX: nothing. */
int64_t runner_remote_next(const struct runner *r);
void runner_remote_step(struct runner *r);

/* doorbell.c */
/* Take it if it is free; another runner's is no error: b->fd stays -1. */
enum hq_rc runner_bell_take(const char *var, struct runner_bell *b,
    struct hq_err *err) HQ_MUST;
void runner_bell_drain(const struct runner_bell *b);
void runner_bell_close(const char *var, struct runner_bell *b);

/*
 * figures.c: what the runner counts; note what is new since the last time; a
 * sign of life, to whoever asks and to systemd, at most once a second.
 */
enum hq_rc runner_figures_open(struct runner *r, struct hq_err *err) HQ_MUST;
void runner_figures_note(struct runner *r);
void runner_alive_open(struct runner *r);
void runner_alive_sign(struct runner *r);

/* notify.c: tell systemd, where it listens; state is "READY=1". */
void runner_notify(const char *state);

/* retain.c: what old rows go; once, when the store is open. */
void runner_retain_open(struct runner *r);
/*
 * Take the next step, if one is due; idle: there is nothing else to do.  True
 * if it wrote to the store.
 */
bool runner_retain(struct runner *r, bool idle);
/* When a step is due (monotonic ms). */
int64_t runner_retain_next(const struct runner *r);

/* loop.c: run until a signal; gives an error if the store is lost. */
enum hq_rc runner_loop(struct runner *r, struct hq_err *err) HQ_MUST;

/* start.c: open everything, register the functions; undo it. */
enum hq_rc runner_start(struct runner *r, struct hq_err *err) HQ_MUST;
void runner_stop(struct runner *r);

#endif /* HQ_RUNNER_RUNNER_H */

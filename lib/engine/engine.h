/*
 * engine/engine.h - the durable engine: events in, function calls out.
 *
 * No daemon, no HTTP, no clock of its own: the program around it gives it a
 * store, an hq_env and a transport, and calls hq_engine_turn() in its loop.
 * A turn takes the replies that came, records all their effects and the newly
 * due work in one commit, claims jobs under a lease, and only then hands new
 * calls to the transport.  So what the outside sees is always on disk.
 *
 * Several engines may run on one store: jobs are claimed by lease, and each
 * claim raises the job's generation, which fences every later write.
 */
#ifndef HQ_ENGINE_ENGINE_H
#define HQ_ENGINE_ENGINE_H

#include "engine/event.h"
#include "engine/figures.h"
#include "store/retain.h"

struct hq_engine;

enum {
	/*
	 * The largest body of a call: two times the largest event (the protocol
	 * has it as "event" and in "events"), the state, names and ids.  What
	 * takes calls must take this much, or a run could not be told of.
	 */
	HQ_ENGINE_CALL_BYTES_MAX = 13 << 20,
};

/* One function call, as the Inngest protocol has it (facts: section 2.4). */
struct hq_engine_call {
	uint64_t ticket; /* names the call in hq_engine_reply() */
	const char *url; /* of the function, with fnId and stepId */
	/*
	 * JSON whose members keep the order in which they were sent in.  The
	 * protocol signs the canonical form (JCS), which a foreign SDK computes
	 * by itself; our own host also takes a signature of these very bytes.
	 */
	const char *body;
	size_t body_bytes;
	const char *run_id;
	const char *step_id; /* "step" or a step hash */
	const char *request_id;
	int64_t generation;
	int64_t timeout_ms; /* of this call, from when the host takes it */
	/*
	 * Of an app that is not opts.own_app: it knows the protocol as it is
	 * published, so the canonical form of the body is what is signed.
	 */
	bool foreign;
	/* Of the event's data._rawr; or NULL. */
	const char *correlation_id, *traceparent;
};

struct hq_engine_reply {
	enum {
		HQ_REPLY_ANSWER,  /* a whole HTTP reply */
		HQ_REPLY_DIED,    /* accepted, then closed without an answer */
		HQ_REPLY_REFUSED, /* nobody there, or busy: nothing was tried */
		HQ_REPLY_TIMEOUT,
	} what;
	int status;
	const char *body;
	size_t body_bytes;
	const char *sdk;         /* x-inngest-sdk; NULL: not an SDK */
	const char *no_retry;    /* x-inngest-no-retry; or NULL */
	const char *retry_after; /* retry-after; or NULL */
	const char *req_version; /* x-inngest-req-version; or NULL */
};

struct hq_engine_opts {
	struct hq_db *db;
	const struct hq_env *env;
	/* Start a call; everything in it is borrowed for the length of send(). */
	void (*send)(void *ctx, const struct hq_engine_call *call);
	/* A checkpoint of the call is recorded: its host may go on.  Or NULL. */
	void (*go_on)(void *ctx, uint64_t ticket);
	/* The engine gave the call up (lease lost, run cancelled): drop it. */
	void (*abandon)(void *ctx, uint64_t ticket);
	void *ctx;
	const char *own_app; /* NULL: every app is; outlives the engine */
	const char *owner;   /* unique to this process: 64 random bits, hex */
	int concurrency;     /* calls in flight at most */
	int app_concurrency; /* of foreign apps, beside those; with own_app */
	int64_t lease_ms;
	int64_t call_timeout_ms;
	int64_t
	    retry_interval_ms; /* constant delay; 0: the table with jitter */
	/* Smaller bounds than engine/limits.h has; 0: those. */
	size_t state_bytes_max; /* recorded values of one run */
	size_t memory_bytes; /* for one event, answer or call; what does not fit
				fails its run */
};

enum hq_rc hq_engine_new(const struct hq_engine_opts *o, struct hq_engine **ret,
    struct hq_err *err) HQ_MUST;
void hq_engine_free(struct hq_engine *e);

/*
 * Replace an app's functions: app_id and the register payload's `functions`
 * (facts: section 5.1).  Same bytes again: *ret_modified is false, nothing is
 * written.  Running runs keep their state and use the new URLs.
 * BAD_REQUEST names the function and the field that is wrong.
 */
enum hq_rc hq_engine_register(struct hq_engine *e, const char *app_id,
    struct json_object *functions, bool *ret_modified, struct hq_err *err)
    HQ_MUST;

/* Hand in the outcome of a call.  Copied; takes effect in the next turn. */
void hq_engine_reply(struct hq_engine *e, uint64_t ticket,
    const struct hq_engine_reply *r);

/*
 * Hand in what a call tells of on its way: one StepRun operation, JSON text.
 * Copied; recorded by the next turn, which then has the call go on.  Its host
 * tells of the next one only behind that.
 */
void hq_engine_checkpoint(struct hq_engine *e, uint64_t ticket, const char *op,
    size_t bytes);

/*
 * One turn.  *ret_next_ms: wall-clock milliseconds when there is something to
 * do next without an outside cause; INT64_MAX if never.  An error means the
 * store failed: nothing was sent; call again later, or stop.
 */
enum hq_rc hq_engine_turn(struct hq_engine *e, int64_t *ret_next_ms,
    struct hq_err *err) HQ_MUST;

/* Is there a reply that the next turn takes? */
bool hq_engine_replied(const struct hq_engine *e);

/* Calls in flight. */
size_t hq_engine_inflight(const struct hq_engine *e);
/* Calls, ever, that were ours no more at their end: answers dropped. */
size_t hq_engine_lost(const struct hq_engine *e);

/* What it has done, HQ_COUNT__MAX numbers; valid as long as it. */
const int64_t *hq_engine_counts(const struct hq_engine *e);

/*
 * Leaving: drain claims nothing more from the next turn on; release gives up
 * the calls still in flight and their leases, so that another engine need not
 * wait for those to end.
 */
void hq_engine_drain(struct hq_engine *e);
enum hq_rc hq_engine_release(struct hq_engine *e, struct hq_err *err) HQ_MUST;

/* What the engine may forget (retain.c); needs no struct hq_engine. */
hq_retain_fn hq_engine_retain;

#endif /* HQ_ENGINE_ENGINE_H */

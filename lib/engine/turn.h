/*
 * engine/turn.h - the engine's state, shared by engine.c and turn.c.
 */
#ifndef HQ_ENGINE_TURN_H
#define HQ_ENGINE_TURN_H

#include "engine/engine.h"
#include "engine/inside.h"

/* A reply and the memory it points to. */
struct hq_eng_reply {
	struct hq_engine_reply view;
	char *body, *sdk, *no_retry, *retry_after, *req_version;
};

/* What a call has told of on its way. */
struct hq_eng_told {
	size_t bytes;
	char op[];
};

/* A call in flight.  ticket 0: free. */
struct hq_eng_slot {
	uint64_t ticket; /* its remainder by n_slots is the slot's index */
	char run[HQ_ULID_BYTES];
	char step[HQ_ENGINE_STEP_ID_MAX + 1];
	int64_t generation;
	int64_t timeout_ms;
	int req_version;
	bool foreign;
	char place[HQ_ENGINE_PLACES_MAX][HQ_ENG_KEY_BYTES]; /* "": none */
	int64_t lease_until_ms;
	struct hq_eng_told *told;    /* not recorded yet; or NULL */
	size_t told_bytes;           /* of the state, that it makes */
	size_t n_steps, state_bytes; /* of its run, as its host knows it */
	struct hq_eng_reply *reply;  /* or NULL: not yet */
	/* What the transaction found; takes effect when it has committed. */
	enum {
		HQ_SLOT_KEPT,
		HQ_SLOT_GOES_ON, /* what it told of is recorded */
		HQ_SLOT_DONE,
		HQ_SLOT_LATE,
		HQ_SLOT_LOST
	} fate;
	int64_t renewed_ms; /* new lease_until_ms; 0: as it was */
};

struct hq_engine {
	struct hq_engine_opts o;
	char *owner;
	struct hq_fns fns;
	struct hq_arena *item; /* one event, answer, timer */
	struct hq_arena *keep; /* one turn: the calls to be sent */
	struct hq_eng_slot *slots;
	size_t n_slots, inflight;
	size_t room[2];     /* calls in flight at most: ours, foreign apps' */
	size_t lost;        /* calls that were ours no more */
	uint64_t sequence;  /* of tickets */
	int64_t turned_ms;  /* the last turn's time; 0: no turn yet */
	int64_t checked_ms; /* when our leases were last looked at */
	char gate[HQ_ENG_KEY_BYTES]; /* the last one that was looked at */
	bool recheck;                /* a run with calls in flight has ended */
	bool draining;
	int64_t counts[HQ_COUNT__MAX];
};

/* Its call is over: what it held is for the next. */
enum hq_rc hq_eng_give_back(struct hq_eng_tx *t, const struct hq_eng_slot *s,
    struct hq_err *err) HQ_MUST;
/* Free a slot in use. */
void hq_eng_slot_free(struct hq_engine *e, struct hq_eng_slot *s);

#endif /* HQ_ENGINE_TURN_H */

/*
 * engine/outbox.h - the inbox, handed to an Inngest server: where that runs the
 * functions (RAWR_ENGINE=inngest), no engine takes the events, and who calls
 * this sends them there instead.
 *
 * An event stands in the inbox until the server has taken it, or has refused it
 * for good: then it is parked, with why, and what stands behind it goes on.
 * Events of our own engine's ("inngest/...") are not for the server: they stay.
 */
#ifndef HQ_ENGINE_OUTBOX_H
#define HQ_ENGINE_OUTBOX_H

#include "engine/event.h"

enum {
	HQ_OUTBOX_EVENTS_MAX = 100,      /* in one request */
	HQ_OUTBOX_BYTES_MAX = 256 << 10, /* the same, unless it is one event */
	HQ_OUTBOX_PARKED_MAX = 1000,     /* then nothing is parked any more */
	HQ_OUTBOX_WHY_BYTES_MAX = 500,   /* of why; it is cut */
};

struct hq_outgoing {
	int64_t seq;
	const char *event;            /* its internal id */
	const char *client_id, *name; /* client_id: or NULL */
};

struct hq_outgoings {
	struct hq_outgoing v[HQ_OUTBOX_EVENTS_MAX];
	size_t n;
	/*
	 * [{"data", "id", "name", "ts"}, ...]: each has an id, the sender's or
	 * else the internal one, so that a repeat starts nothing twice.
	 */
	const char *body;
	size_t body_bytes;
};

/* The next that are to go, in order, `most` at most; everything in a. */
enum hq_rc hq_outbox_next(struct hq_db *db, size_t most, struct hq_arena *a,
    struct hq_outgoings *ret, struct hq_err *err) HQ_MUST;

/* The server has them. */
enum hq_rc hq_outbox_sent(struct hq_db *db, const struct hq_outgoings *o,
    struct hq_err *err) HQ_MUST;

enum hq_outbox_where { HQ_OUTBOX_GONE, HQ_OUTBOX_WAITS, HQ_OUTBOX_PARKED };

/*
 * The server will never take this one.  *ret: where it is now.  It waits, and
 * nothing has changed, if HQ_OUTBOX_PARKED_MAX are parked already; it is gone if
 * it has been taken out of the inbox meanwhile.
 */
enum hq_rc hq_outbox_park(struct hq_db *db, const struct hq_env *env,
    const struct hq_outgoing *o, const char *why, enum hq_outbox_where *ret,
    struct hq_err *err) HQ_MUST;

/* An attempt failed, and will be made again. */
enum hq_rc hq_outbox_trouble(struct hq_db *db, const struct hq_env *env,
    const char *why, struct hq_err *err) HQ_MUST;
/* It has been mended. */
enum hq_rc hq_outbox_mended(struct hq_db *db, struct hq_err *err) HQ_MUST;

struct hq_outbox_look {
	int64_t waiting, oldest_ms; /* events that are to go; oldest: or 0 */
	int64_t parked;
	int64_t own_runs;   /* of our own engine, that have not ended */
	int64_t trouble_ms; /* since when attempts fail; 0: they do not */
	const char *why;    /* or NULL */
};
/* Strings in a. */
enum hq_rc hq_outbox_look(struct hq_db *db, struct hq_arena *a,
    struct hq_outbox_look *ret, struct hq_err *err) HQ_MUST;

struct hq_parked {
	const char *event, *name, *why;
	int64_t parked_ms;
};
struct hq_parkeds {
	const struct hq_parked *v; /* the oldest first */
	size_t n;
};
enum hq_rc hq_outbox_parked(struct hq_db *db, struct hq_arena *a,
    struct hq_parkeds *ret, struct hq_err *err) HQ_MUST;

/*
 * Back into the inbox with what is parked, or off the list with it, inside
 * hq_db_tx(); event: an internal id, or NULL for all.  *ret_n: how many.
 */
enum hq_rc hq_outbox_resend(struct hq_db *db, const char *event, int *ret_n,
    struct hq_err *err) HQ_MUST;
enum hq_rc hq_outbox_drop(struct hq_db *db, const char *event, int *ret_n,
    struct hq_err *err) HQ_MUST;

/* Where the event of a sender's id is.  Strings in a. */
struct hq_outbox_place {
	enum hq_outbox_where where;
	const char *why; /* with the last two: why it does not go; or NULL */
	int64_t since_ms;
};
enum hq_rc hq_outbox_where(struct hq_db *db, const char *client_id,
    struct hq_arena *a, struct hq_outbox_place *ret, struct hq_err *err)
    HQ_MUST;

#endif /* HQ_ENGINE_OUTBOX_H */

/*
 * proto/inngest/deliver.h - handing events to an Inngest server (POST /e/<key>;
 * facts: section 7.1): what goes with them, and what its answer means.  No HTTP.
 */
#ifndef HQ_PROTO_INNGEST_DELIVER_H
#define HQ_PROTO_INNGEST_DELIVER_H

#include "base/arena.h"
#include "base/env.h"

enum {
	HQ_DELIVER_HEADERS = 8,
	HQ_DELIVER_SEED_BYTES = 48,
	HQ_DELIVER_WHY_BYTES_MAX = 200, /* of the server's own words */
};

/*
 * "<ms>,<base64>": the same when the same events are sent again, and new for
 * others; the server makes their internal ids of it.
 */
void hq_deliver_seed(const struct hq_env *env, char out[HQ_DELIVER_SEED_BYTES]);

/* As the official SDK has them; ends with NULL; in the arena. */
void hq_deliver_headers(const char *seed, struct hq_arena *a,
    const char *ret[HQ_DELIVER_HEADERS]);

struct hq_delivery {
	enum {
		HQ_DELIVERED,
		/* One of the events will never be taken; others may be. */
		HQ_DELIVERY_REFUSED,
		/* It is not the events' fault: later. */
		HQ_DELIVERY_FAILED,
	} what;
	const char *why; /* of the last two; visible text, in the arena */
};

struct hq_delivery_answer {
	int status;
	const char *body;
	size_t body_bytes;
	size_t events; /* that were sent */
};
void hq_deliver_answer(const struct hq_delivery_answer *in, struct hq_arena *a,
    struct hq_delivery *ret);

#endif /* HQ_PROTO_INNGEST_DELIVER_H */

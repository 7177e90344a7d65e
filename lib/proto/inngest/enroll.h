/*
 * proto/inngest/enroll.h - telling an Inngest server which functions there are
 * (POST /fn/register; facts: section 2.3.1): what is asked, and what the answer
 * means.  No HTTP: inngest.fcgi sends it for a PUT, the runner when it starts.
 */
#ifndef HQ_PROTO_INNGEST_ENROLL_H
#define HQ_PROTO_INNGEST_ENROLL_H

#include "base/config.h"
#include "proto/contract.h"

enum { HQ_INNGEST_REGISTER_MS = 10000, HQ_ENROLL_HEADERS = 8 };

struct hq_enroll {
	const struct hq_config *config;
	const struct hq_composed *composition;
	const char *hash;      /* of the signing key, as a bearer; or NULL */
	const char *kind;      /* "dev", "cloud": what it must be; or NULL */
	const char *deploy_id; /* plain text; or NULL */
};

/* Everything in the arena. */
struct hq_enroll_request {
	const char *url;
	const char *headers[HQ_ENROLL_HEADERS]; /* ends with NULL */
	const char *body;
};
enum hq_rc hq_enroll_request(const struct hq_enroll *e, struct hq_arena *a,
    struct hq_enroll_request *ret, struct hq_err *err) HQ_MUST;

struct hq_enrolled {
	int status; /* 200: it has them */
	const char *message;
	bool modified;
};
/* Of the answer's body; its HTTP status means nothing. */
void hq_enroll_answer(const char *body, size_t bytes, struct hq_arena *a,
    struct hq_enrolled *ret);

/* "https://.../api/inngest": where our functions are called. */
const char *hq_inngest_serve_url(const struct hq_config *c, struct hq_arena *a);

#endif /* HQ_PROTO_INNGEST_ENROLL_H */

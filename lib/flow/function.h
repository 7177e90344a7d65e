/*
 * flow/function.h - a durable function, declared.
 *
 * A workflows plugin lists its functions in its struct hq_plugin.  The function
 * host answers calls for them, the runner registers them: both read this.
 * Field names and meanings are the Inngest function configuration's (facts:
 * inngest 4.24.0, register payload), so a later engine can honour more of it.
 */
#ifndef HQ_FLOW_FUNCTION_H
#define HQ_FLOW_FUNCTION_H

#include <stdint.h>

#include "json/json.h"

struct hq_flow;

/*
 * The body.  in: the trigger event's data; borrowed.  *ret_out: set on HQ_OK
 * only, owned by hq_flow_arena().  Any other result of a flow call goes up
 * unchanged and at once.
 */
typedef enum hq_rc hq_flow_fn(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err);

struct hq_trigger {
	const char *event; /* event name, or NULL */
	const char *cron;  /* "m h dom mon dow" with "TZ=..." before; or NULL */
	const char *expression; /* on `event`; NULL: always */
};

/* An event that cancels the run. */
struct hq_cancel {
	const char *event;
	const char *expression; /* over `event`, the run's, and `async` */
};

struct hq_function {
	const char *id;   /* within the app: "coordination-workflow-runner" */
	const char *name; /* for people */
	const struct hq_trigger *triggers; /* ends with { 0 } */
	int retries;                       /* attempts - 1; 0..20 */
	hq_flow_fn *run;
	/*
	 * Runs as a function of its own, "<id>-failure", once a run has failed
	 * for good; in is the inngest/function.failed event's data.  Or NULL.
	 */
	hq_flow_fn *on_failure;
	/*
	 * What cancels its runs where an Inngest server has them; ends with
	 * { 0 }.  Who cancels calls hq_event_cancel_runs() besides, for our own
	 * engine.  Or NULL.
	 */
	const struct hq_cancel *cancel_on;
};

#define HQ_APP_ID "rawr" /* slug of a function on the wire: "rawr-<id>" */

#endif /* HQ_FLOW_FUNCTION_H */

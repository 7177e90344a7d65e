/*
 * plugins/workflows/poison - durable functions that do harm to the process they
 * run in, and one that does not.  Only a test's copy of the tree has this
 * plugin.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow/flow.h"
#include "proto/contract.h"

enum { EAT_BYTES = 1 << 20, DEEP_BYTES = 4096 };

static volatile bool for_ever = true;

/* ---------------------------------------------------------------- the steps -- */

static enum hq_rc
segv(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	(void)f;
	(void)in;
	(void)ret_out;
	(void)err;
	(void)raise(SIGSEGV);
	return HQ_OK;
}

static enum hq_rc
give_up(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	(void)f;
	(void)in;
	(void)ret_out;
	(void)err;
	abort();
}

/* Never returns, and hears nothing. */
static enum hq_rc
hang(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	sigset_t all;

	(void)f;
	(void)in;
	(void)ret_out;
	(void)err;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (for_ever)
		(void)pause();
	return HQ_OK;
}

/* Takes memory, uses it, and never asks whether there was any. */
static enum hq_rc
eat(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	volatile char *p;
	size_t i;

	(void)f;
	(void)in;
	(void)ret_out;
	(void)err;
	while (for_ever) {
		p = malloc(EAT_BYTES);
		for (i = 0; i < EAT_BYTES; i += DEEP_BYTES)
			p[i] = 1;
	}
	return HQ_OK;
}

static int
fall(volatile char *from)
{
	volatile char here[DEEP_BYTES];

	here[0] = from == NULL ? 0 : from[0];
	return for_ever ? fall(here) + here[0] : 0;
}

static enum hq_rc
deep(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	(void)f;
	(void)in;
	(void)ret_out;
	(void)err;
	return fall(NULL) == 0 ? HQ_OK : HQ_SUSPEND;
}

static enum hq_rc
fine(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	struct json_object *input = hq_json_get(in, "input");

	(void)f;
	(void)err;
	*ret_out = input == NULL ? in : input;
	return HQ_OK;
}

/* ------------------------------------------------------------ the functions -- */

/* One good step, and one that is not. */
static enum hq_rc
poison(struct hq_flow *f, hq_flow_fn *fn, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	static const struct hq_step_policy policy = {
		.retries = 1,
		.timeout_ms = 1000,
	};
	struct json_object *out;

	HQ_TRY(hq_step(f, "before", fine, in, &out, err));
	if (fn == hang)
		return hq_step_with(f, "bad", &policy, fn, in, ret_out, err);
	return hq_step(f, "bad", fn, in, ret_out, err);
}

#define POISON(which) \
	static enum hq_rc which##_run(struct hq_flow *f, \
	    struct json_object *in, struct json_object **ret_out, \
	    struct hq_err *err) \
	{ \
		return poison(f, which, in, ret_out, err); \
	} \
	static const struct hq_trigger which##_triggers[] = { \
		{ .event = "poison/" #which }, \
		{ 0 }, \
	}; \
	static const struct hq_function which##_function = { \
		.id = "poison-" #which, \
		.name = "poison " #which, \
		.triggers = which##_triggers, \
		.run = which##_run, \
	};

POISON(segv)
POISON(give_up)
POISON(hang)
POISON(eat)
POISON(deep)
POISON(fine)

static const struct hq_function *const functions[] = {
	&segv_function,
	&give_up_function,
	&hang_function,
	&eat_function,
	&deep_function,
	&fine_function,
	NULL,
};

static const struct hq_binding handlers[] = { { 0 } };

extern const struct hq_plugin hq_plugin_workflows_poison;

const struct hq_plugin hq_plugin_workflows_poison = {
	.handlers = handlers,
	.functions = functions,
};

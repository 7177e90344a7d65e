/*
 * A durable function: gather what changed in a project, wait a minute, mail
 * it once.  Started by the event project/changed {project, changes}.
 */
#include "flow/flow.h"

enum { COOL_OFF_MS = 60 * 1000, MAIL_TIMEOUT_MS = 30 * 1000 };

/* The first step: what the next one needs, and no more, is its result. */
static enum hq_rc
load_changes(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *out = hq_json_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(f), out, err));
	hq_json_put_str(out, "project", hq_json_str(in, "project"));
	hq_json_put_i64(out, "changes", hq_json_i64(in, "changes", 0));
	*ret_out = out;
	return HQ_OK;
}

/* The key is the same in every attempt: a mail that went out is not doubled. */
static enum hq_rc
send_mail(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	struct json_object *mail = hq_json_new_object();

	HQ_TRY(hq_json_own(hq_flow_arena(f), mail, err));
	if (hq_json_i64(in, "changes", 0) == 0)
		return HQ_FAIL_DECLARED(err, HQ_NON_RETRIABLE, NULL,
		    "there is nothing to mail");
	hq_json_put_str(mail, "project", hq_json_str(in, "project"));
	hq_json_put_str(mail, "messageId", hq_flow_key(f));
	*ret_out = mail;
	return HQ_OK;
}

static enum hq_rc
digest_run(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	static const struct hq_step_policy mail = {
		.retries = 5,
		.timeout_ms = MAIL_TIMEOUT_MS,
	};
	struct json_object *changes;

	HQ_TRY(hq_step(f, "load-changes", load_changes, in, &changes, err));
	HQ_TRY(hq_sleep(f, "cool-off", COOL_OFF_MS, err));
	return hq_step_with(f, "send-mail", &mail, send_mail, changes, ret_out,
	    err);
}

static const struct hq_trigger triggers[] = {
	{ .event = "project/changed" },
	{ 0 },
};

static const struct hq_function digest = {
	.id = "digest",
	.name = "Digest of a project",
	.triggers = triggers,
	.retries = 3,
	.run = digest_run,
};

/*
 * plugins/workflows/away - durable functions that use everything there is, for
 * an engine elsewhere.  Only a test's copy of the tree has this plugin.  Each
 * step that runs leaves a line in RAWR_VAR/away.log.
 */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "flow/flow.h"
#include "proto/contract.h"

enum { NAP_MS = 1000, WAIT_MS = 60 * 1000 };

static enum hq_rc
note(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	const struct hq_runtime *r = hq_flow_runtime(f);
	char path[512];
	FILE *to;

	(void)snprintf(path, sizeof(path), "%s/away.log",
	    r->config->s[HQ_SET_RAWR_VAR]);
	to = fopen(path, "a");
	if (to == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s", path);
	(void)fprintf(to,
	    "{\"fn\":\"%s\",\"k\":\"%s\",\"attempt\":%d,\"event\":\"%s\"}\n",
	    r->function_id, hq_json_str(in, "k"), r->attempt,
	    hq_json_str(r->event, "name"));
	(void)fclose(to);
	*ret_out = in;
	return HQ_OK;
}

static enum hq_rc
refuse(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	HQ_TRY(note(f, in, ret_out, err));
	return HQ_FAIL(err, CONFLICT, "it does not work");
}

/* Two steps at a time, a sleep, another function, an event, an answer. */
static enum hq_rc
all_run(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	struct hq_branch two[] = {
		{ .id = "left", .fn = note, .in = in },
		{ .id = "right", .fn = note, .in = in },
	};
	struct json_object *child, *answer, *out;

	HQ_TRY(hq_parallel(f, two, 2, err));
	HQ_TRY(hq_sleep(f, "nap", NAP_MS, err));
	HQ_TRY(hq_invoke(f, "child", "away-child", in, &child, err));
	HQ_TRY(hq_send_event(f, "ask", "away/asked", child, err));
	HQ_TRY(hq_wait_for_event(f, "answer", "away/answered",
	    "event.data.k == async.data.k", WAIT_MS, &answer, err));
	out = hq_json_new_object();
	HQ_TRY(hq_json_own(hq_flow_arena(f), out, err));
	hq_json_put(out, "child", json_object_get(child));
	hq_json_put(out, "answer",
	    json_object_get(hq_json_get(hq_json_get(answer, "data"), "say")));
	return hq_step(f, "end", note, out, ret_out, err);
}

static enum hq_rc
one_step(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	return hq_step(f, "one", note, in, ret_out, err);
}

static enum hq_rc
fails_run(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	static const struct hq_step_policy once_more = { .retries = 1 };

	return hq_step_with(f, "bad", &once_more, refuse, in, ret_out, err);
}

static enum hq_rc
fails_failed(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	return hq_step(f, "told", note,
	    hq_json_get(hq_json_get(in, "event"), "data"), ret_out, err);
}

#define ON(which, what) \
	static const struct hq_trigger which[] = { { .event = (what) }, { 0 } }
ON(on_all, "away/all");
ON(on_child, "away/nobody-sends-this");
ON(on_asked, "away/asked");
ON(on_fails, "away/fails");
static const struct hq_trigger on_tick[] = { { .cron = "* * * * *" }, { 0 } };

static const struct hq_function all = { .id = "away-all",
	.name = "All",
	.triggers = on_all,
	.retries = 2,
	.run = all_run };
static const struct hq_function child = { .id = "away-child",
	.name = "Child",
	.triggers = on_child,
	.retries = 2,
	.run = one_step };
static const struct hq_function asked = { .id = "away-asked",
	.name = "Asked",
	.triggers = on_asked,
	.retries = 2,
	.run = one_step };
static const struct hq_function fails = { .id = "away-fails",
	.name = "Fails",
	.triggers = on_fails,
	.retries = 4,
	.run = fails_run,
	.on_failure = fails_failed };
static const struct hq_function ticks = { .id = "away-ticks",
	.name = "Ticks",
	.triggers = on_tick,
	.run = one_step };

static const struct hq_function *const functions[] = { &all, &child, &asked,
	&fails, &ticks, NULL };
static const struct hq_binding handlers[] = { { 0 } };

extern const struct hq_plugin hq_plugin_workflows_away;

const struct hq_plugin hq_plugin_workflows_away = {
	.handlers = handlers,
	.functions = functions,
};

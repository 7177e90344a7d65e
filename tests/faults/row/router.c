/*
 * plugins/workflows/row - a durable function of many quick steps, each of which
 * leaves a line in a file when its code runs.  One of them may stand before a
 * gate, a file, until that is gone.  Only a test's copy of the tree has this
 * plugin.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flow/flow.h"
#include "proto/contract.h"

enum { GATE_LOOK_US = 1000 };

/* In: {i, file, gate?}.  Out: {i, pid, n}, which no other execution gives. */
static enum hq_rc
leave_line(struct hq_flow *f, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err)
{
	static int n;
	struct json_object *out = json_object_new_object();
	const char *gate = hq_json_str(in, "gate");
	int64_t i = hq_json_i64(in, "i", 0);
	char line[128];
	int fd, k;

	HQ_TRY(hq_json_own(hq_flow_arena(f), out, err));
	hq_json_put_i64(out, "i", i);
	hq_json_put_i64(out, "pid", getpid());
	hq_json_put_i64(out, "n", ++n);
	k = snprintf(line, sizeof(line), "%s %d %d %d\n",
	    hq_flow_runtime(f)->run_id, (int)i, (int)getpid(), n);
	fd = open(hq_json_str(in, "file"), O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd < 0 || write(fd, line, (size_t)k) != k)
		return HQ_FAIL(err, SERVICE_UNAVAILABLE, "no line");
	(void)close(fd);
	while (gate != NULL && access(gate, F_OK) == 0)
		(void)usleep(GATE_LOOK_US);
	*ret_out = out;
	return HQ_OK;
}

/* In: {n, file, gate?, gateAt?}.  Out: what the steps gave, as it saw it. */
static enum hq_rc
row_run(struct hq_flow *f, struct json_object *in, struct json_object **ret_out,
    struct hq_err *err)
{
	int64_t n = hq_json_i64(in, "n", 0), i;
	struct json_object *all = json_object_new_array(), *arg, *out;
	char id[32];

	HQ_TRY(hq_json_own(hq_flow_arena(f), all, err));
	for (i = 0; i < n; i++) {
		arg = json_object_new_object();
		HQ_TRY(hq_json_own(hq_flow_arena(f), arg, err));
		hq_json_put_i64(arg, "i", i);
		hq_json_put_str(arg, "file", hq_json_str(in, "file"));
		if (i == hq_json_i64(in, "gateAt", -1))
			hq_json_put_str(arg, "gate", hq_json_str(in, "gate"));
		(void)snprintf(id, sizeof(id), "s%d", (int)i);
		HQ_TRY(hq_step(f, id, leave_line, arg, &out, err));
		hq_json_push(all, json_object_get(out));
	}
	*ret_out = all;
	return HQ_OK;
}

static const struct hq_trigger row_triggers[] = {
	{ .event = "row/go" },
	{ 0 },
};

/* No attempt but the first: whatever takes one away fails the run. */
static const struct hq_function row_function = {
	.id = "row",
	.name = "row",
	.triggers = row_triggers,
	.run = row_run,
};

static const struct hq_function *const functions[] = { &row_function, NULL };
static const struct hq_binding handlers[] = { { 0 } };

extern const struct hq_plugin hq_plugin_workflows_row;

const struct hq_plugin hq_plugin_workflows_row = {
	.handlers = handlers,
	.functions = functions,
};

/*
 * tests/unit/onecontract.h - what tests, harnesses and the differential driver
 * share: a composition of one plugin, and a caller.
 */
#ifndef ONECONTRACT_H
#define ONECONTRACT_H

#include "proto/contract.h"

/* The procedures t.* of a contract.  Static: one composition in a program. */
static __attribute__((unused)) enum hq_rc
one_contract_load(const char *contract, const struct hq_binding *handlers,
    struct hq_arena *a, struct hq_procs *ret, struct hq_err *e)
{
	static struct hq_plugin plugin;
	static struct hq_composed rows[] = {
		{ .kind = HQ_KIND_API,
		    .capability = "t",
		    .name = "t",
		    .dir = "plugins/api/t",
		    .plugin = &plugin },
		{ 0 },
	};

	plugin.handlers = handlers;
	rows[0].contract = contract;
	return hq_procs_load(rows, 1U << HQ_KIND_API, a, ret, e);
}

static __attribute__((unused)) struct hq_boundary
one_caller(struct hq_arena *a, const struct hq_config *config)
{
	return (struct hq_boundary){ .arena = a,
		.config = config,
		.env = hq_env_system(),
		.request_id = "r",
		.correlation_id = "c",
		.traceparent = "t",
		.source_addr = "127.0.0.1" };
}

/* Fails with something that no client is to read. */
static __attribute__((unused)) enum hq_rc
boom(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)c;
	(void)in;
	(void)ret_out;
	return HQ_FAIL(e, INTERNAL_SERVER_ERROR, "disk sda3 is full");
}

#endif /* ONECONTRACT_H */

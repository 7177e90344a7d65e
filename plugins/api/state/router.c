/*
 * plugins/api/state - which plugins are switched on and off.
 */
#include "domain/state/state.h"

static const struct hq_binding handlers[] = {
	{ "getRuntimeState", hq_state_get_runtime_state },
	{ 0 },
};

static const struct hq_module *const modules[] = {
	&hq_state_store,
	NULL,
};

extern const struct hq_plugin hq_plugin_api_state;

const struct hq_plugin hq_plugin_api_state = {
	.handlers = handlers,
	.modules = modules,
};

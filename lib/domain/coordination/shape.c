#include "domain/coordination/shape.h"

#include <math.h>
#include <string.h>

enum kind { STRING, TEXT, INTEGER, OBJECT, ARRAY, BOOLEAN };

/* A member that must be there; TEXT is a string that is not empty. */
struct field {
	const char *key;
	enum kind kind;
	const char *fault;
};

static const struct field workflow_fields[] = {
	{ "workflowId", TEXT, "workflowId is not a text" },
	{ "version", INTEGER, "version is not a whole number from 1" },
	{ "name", TEXT, "name is not a text" },
	{ "entryDeskId", TEXT, "entryDeskId is not a text" },
	{ "desks", ARRAY, "desks is not an array" },
	{ "handoffs", ARRAY, "handoffs is not an array" },
	{ 0 },
};

static const struct field desk_fields[] = {
	{ "deskId", TEXT, "a desk's deskId is not a text" },
	{ "kind", TEXT, "a desk's kind is not a text" },
	{ "name", TEXT, "a desk's name is not a text" },
	{ "responsibility", TEXT, "a desk's responsibility is not a text" },
	{ "domain", TEXT, "a desk's domain is not a text" },
	{ "inputSchema", OBJECT, "a desk's inputSchema is not an object" },
	{ "outputSchema", OBJECT, "a desk's outputSchema is not an object" },
	{ "memoryScope", OBJECT, "a desk's memoryScope is not an object" },
	{ 0 },
};

static const struct field handoff_fields[] = {
	{ "handoffId", TEXT, "a handoff's handoffId is not a text" },
	{ "fromDeskId", TEXT, "a handoff's fromDeskId is not a text" },
	{ "toDeskId", TEXT, "a handoff's toDeskId is not a text" },
	{ 0 },
};

static const struct field run_fields[] = {
	{ "runId", TEXT, "runId is not a text" },
	{ "workflowId", TEXT, "workflowId is not a text" },
	{ "workflowVersion", INTEGER,
	    "workflowVersion is not a whole number from 1" },
	{ "status", TEXT, "status is not a text" },
	{ "startedAt", STRING, "startedAt is not a string" },
	{ "traceLinks", ARRAY, "traceLinks is not an array" },
	{ 0 },
};

static const struct field event_fields[] = {
	{ "eventId", TEXT, "an event's eventId is not a text" },
	{ "runId", TEXT, "an event's runId is not a text" },
	{ "workflowId", TEXT, "an event's workflowId is not a text" },
	{ "type", TEXT, "an event's type is not a text" },
	{ "ts", STRING, "an event's ts is not a string" },
	{ "status", TEXT, "an event's status is not a text" },
	{ 0 },
};

static const struct field memory_fields[] = {
	{ "workflowId", TEXT, "workflowId is not a text" },
	{ "workflowVersion", INTEGER,
	    "workflowVersion is not a whole number from 1" },
	{ "deskId", TEXT, "deskId is not a text" },
	{ "memoryKey", TEXT, "memoryKey is not a text" },
	{ "updatedAt", STRING, "updatedAt is not a string" },
	{ 0 },
};

static bool
is_positive_integer(struct json_object *v)
{
	double d;

	if (!json_object_is_type(v, json_type_double) &&
	    !json_object_is_type(v, json_type_int))
		return false;
	d = json_object_get_double(v);
	return isfinite(d) && d >= 1 && floor(d) >= d;
}

static bool
is_kind(struct json_object *v, enum kind kind)
{
	static const enum json_type types[] = {
		[STRING] = json_type_string,
		[TEXT] = json_type_string,
		[OBJECT] = json_type_object,
		[ARRAY] = json_type_array,
		[BOOLEAN] = json_type_boolean,
	};

	if (kind == INTEGER)
		return is_positive_integer(v);
	return json_object_is_type(v, types[kind]) &&
	    (kind != TEXT || json_object_get_string_len(v) > 0);
}

static const char *
fault_of(struct json_object *v, const struct field *f)
{
	if (!json_object_is_type(v, json_type_object))
		return "it is not an object";
	for (; f->key != NULL; f++)
		if (!is_kind(hq_json_get(v, f->key), f->kind))
			return f->fault;
	return NULL;
}

static const char *
each_fault(struct json_object *list, const struct field *fields)
{
	const char *fault = NULL;
	size_t i, n = json_object_array_length(list);

	for (i = 0; fault == NULL && i < n; i++)
		fault = fault_of(json_object_array_get_idx(list, i), fields);
	return fault;
}

static bool
says(struct json_object *v, const char *key, const char *want)
{
	return strcmp(hq_json_str(v, key), want) == 0;
}

const char *
hq_coord_workflow_fault(struct json_object *v, const char *id)
{
	const char *fault = fault_of(v, workflow_fields);

	if (fault == NULL && !says(v, "workflowId", id))
		fault = "workflowId is not the file's name";
	if (fault == NULL)
		fault = each_fault(hq_json_get(v, "desks"), desk_fields);
	if (fault == NULL)
		fault = each_fault(hq_json_get(v, "handoffs"), handoff_fields);
	return fault;
}

const char *
hq_coord_run_fault(struct json_object *v, const char *id)
{
	static const char *const statuses[] = {
		"queued",
		"running",
		"completed",
		"failed",
	};
	const char *fault = fault_of(v, run_fields);
	size_t i;

	if (fault != NULL)
		return fault;
	if (!says(v, "runId", id))
		return "runId is not the file's name";
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (says(v, "status", statuses[i]))
			return NULL;
	return "status is none that a run can have";
}

const char *
hq_coord_event_fault(struct json_object *v, const char *run_id)
{
	const char *fault = fault_of(v, event_fields);

	if (fault == NULL && !says(v, "runId", run_id))
		fault = "an event is of another run";
	return fault;
}

const char *
hq_coord_memory_fault(struct json_object *v, const char *workflow_id,
    const char *desk_id)
{
	const char *fault = fault_of(v, memory_fields);

	if (fault == NULL && !says(v, "workflowId", workflow_id))
		fault = "workflowId is not the directory's name";
	if (fault == NULL && !says(v, "deskId", desk_id))
		fault = "deskId is not the file's name";
	if (fault == NULL && !json_object_object_get_ex(v, "data", NULL))
		fault = "data is missing";
	return fault;
}

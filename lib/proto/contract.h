/*
 * proto/contract.h - procedures: what a plugin declares, binds and is handed.
 *
 * A plugin's contract.json names its procedures (route, summary, tags, JSON
 * Schemas, errors); its router.c binds a handler to each by name.  The RPC
 * table, the OpenAPI router, openapi.json, the caller matrix and the tests all
 * read the struct hq_procs that hq_procs_load() makes of the two.
 *
 * contract.json:
 *   { "types"?: {"Run": {schema}, ...},       named schemas of this contract
 *     "procedures": {
 *       "<name>": {
 *         "route": {"method": "GET", "path": "/x/{id}",
 *                   "operationId"?: "...", "summary": "...", "tags": [...],
 *                   "successStatus"?: 200},
 *         "input":  schema, "output": schema,
 *         "errors"?: {"CODE": {"status": 404, "message"?: "...",
 *                              "data"?: schema, "defined"?: bool}} } } }
 * A schema may be {"$ref": "#/types/Run"} or {"$ref": "<set>#/types/Run"} where
 * <set> is a type set of a domain (lib/domain/<set>/types.json); references
 * are replaced before anything reads them.  An error's "defined" (default
 * false) is oRPC's: true puts it into openapi.json and marks it on the wire.
 */
#ifndef HQ_PROTO_CONTRACT_H
#define HQ_PROTO_CONTRACT_H

#include "auth/principal.h"
#include "base/env.h"
#include "base/figures.h"
#include "store/retain.h"
#include "json/schema.h"

/*
 * The boundary context: one per HTTP request, made by fcgi/host.c and nowhere
 * else.  Everything a handler may use stands here.  Not to be confused with
 * the runtime context of a durable function (flow/flow.h).
 */
struct hq_boundary {
	struct hq_arena *arena; /* the request's */
	const struct hq_env *env;
	struct hq_db *db;
	const struct hq_config *config;
	struct hq_principal principal;
	const char *request_id;     /* accepted or generated; never NULL */
	const char *correlation_id; /* the same */
	const char *traceparent;    /* W3C; accepted or generated; never NULL */
	const char *source_addr;    /* never NULL; "unix" for a local socket */
	int64_t
	    deadline_ms; /* hq_mono_ms() after which nothing begins; 0: none */
	/*
	 * Waiting without keeping a worker: a handler that gives HQ_SUSPEND and
	 * sets park_ms is called again, from the top, after so many ms or
	 * earlier when the store has changed.  Not while `last` is set: then
	 * it answers.  park_key: what it waits for; see struct hq_http_res.
	 */
	int64_t arrived_ms; /* hq_mono_ms() of the request; stays the same */
	int64_t park_ms;
	const char *park_key;
	bool last;
	/*
	 * Why a call failed with a 5xx, the last one of a batch: for the log
	 * only, a client learns no more than the code.  The arena's; or NULL.
	 */
	const char *why, *where;
	/*
	 * Calls by what became of them (enum hq_call_end), procedure by
	 * procedure in the order of their numbers; or NULL.
	 */
	struct hq_figure *calls;
	/* Ports: what reaches beyond the store. */
	void (*wake_runner)(void *ctx); /* after a commit that queued work */
	void *wake_ctx;
};

/*
 * in: already checked against the contract; borrowed; may be undefined only
 * where the schema allows.  *ret_out: set on HQ_OK only; owned by c->arena;
 * checked against the output schema by the caller.
 */
typedef enum hq_rc hq_handler(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *err);

/* How a call ended: well, 4xx, 5xx. */
enum hq_call_end { HQ_CALL_DONE, HQ_CALL_REFUSED, HQ_CALL_BROKE, HQ_CALL__MAX };

struct hq_binding {
	const char *name; /* procedure's name in contract.json */
	hq_handler *handle;
};

struct hq_function; /* flow/function.h */

/* What a plugin of kind api or workflows exports.  Static and const. */
struct hq_plugin {
	const struct hq_binding *handlers; /* ends with { 0 } */
	/* Each ends with NULL, or is NULL. */
	const struct hq_function *const *functions;
	const struct hq_module *const *modules;
	hq_retain_fn *retain; /* what of them grows old; or NULL */
};

enum hq_kind {
	HQ_KIND_API,
	HQ_KIND_WORKFLOWS,
	HQ_KIND_WEB,
	HQ_KIND_CLI,
	HQ_KIND_AGENTS,
	HQ_KIND__MAX
};

/* One row of the composition that the build generates from rawr.hq.json. */
struct hq_composed {
	enum hq_kind kind;
	const char *capability; /* "coordination": its procedures' namespace */
	const char *name;       /* of the plugin: what is switched */
	const char *dir;        /* "plugins/api/coordination" */
	const struct hq_plugin *plugin;
	const char *contract; /* contract.json with references replaced */
};
extern const struct hq_composed hq_composition[]; /* ends with { 0 } */

struct hq_error_def {
	const char *code;
	int status;
	const char *message; /* never NULL */
	bool defined;
	const struct hq_schema *data; /* or NULL */
	struct json_object *data_def; /* or NULL */
};

struct hq_proc {
	const char *name;     /* "coordination.queueRun" */
	const char *rpc_path; /* "/coordination/queueRun" */
	const char *method;   /* "POST" */
	const char *path;     /* "/coordination/workflows/{workflowId}/run" */
	const char *operation_id;
	int success_status;
	const struct hq_schema *input, *output;
	struct json_object *def; /* its object in the contract: for documents */
	const struct hq_error_def *errors; /* ends with { 0 } */
	hq_handler *handle;
	const struct hq_composed *from;
	size_t number; /* its place in what hq_procs_load() gave */
};

struct hq_procs {
	const struct hq_proc *v; /* in composition order */
	size_t n;
};

/*
 * Load every procedure of the kinds in the mask (1u << HQ_KIND_API | ...).
 * A name that two plugins declare must be the same procedure: equal schemas
 * and the same handler; the first one stays.  BAD_REQUEST says which contract
 * is wrong and what to do: a handler that is missing or left over, a bad
 * schema, two different procedures of one name or one route.
 */
enum hq_rc hq_procs_load(const struct hq_composed *rows, unsigned kinds,
    struct hq_arena *a, struct hq_procs *ret, struct hq_err *err) HQ_MUST;

/*
 * What all carriers do between decode and encode: check in, call the handler,
 * check out.  HQ_SUSPEND: the handler waits (struct hq_boundary).  BAD_REQUEST "Input validation failed" with data {issues};
 * INTERNAL_SERVER_ERROR "Output validation failed", whose data are the issues,
 * for the log only.  err->status is filled in for a declared error.
 */
enum hq_rc hq_proc_call(const struct hq_proc *p, struct hq_boundary *c,
    struct json_object *in, struct json_object **ret_out, struct hq_err *err)
    HQ_MUST;

/*
 * The error as oRPC writes it: {defined, code, status, message, data?}.  A 5xx
 * that no contract declares says only "Internal server error", or its code's
 * default text.  p may be NULL.  Owned by a; NULL if a is full.
 */
struct json_object *hq_orpc_error(const struct hq_proc *p,
    const struct hq_err *err, struct hq_arena *a);

#endif /* HQ_PROTO_CONTRACT_H */

#include <stdlib.h>
#include <string.h>

#include "proto/contract.h"
#include "proto/route.h"

enum {
	SUCCESS_MIN = 200,
	SUCCESS_MAX = 399,
	FAILURE_MIN = 400,
	FAILURE_MAX = 599,
};

static const char *const contract_keys[] = { "types", "procedures", NULL };
static const char *const proc_keys[] = { "route", "input", "output", "errors",
	NULL };
static const char *const route_keys[] = { "method", "path", "operationId",
	"summary", "description", "deprecated", "tags", "successStatus", NULL };
static const char *const error_keys[] = { "status", "message", "data",
	"defined", NULL };
static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE",
	NULL };

struct loader {
	struct hq_arena *arena;
	struct hq_proc *v;
	size_t n, cap;
	const struct hq_composed *row; /* whose contract is read */
};

static bool
is_in(const char *const *list, const char *s)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, s) == 0)
			return true;
	return false;
}

/* o is an object and has no keys but these. */
static enum hq_rc
check_keys(const struct loader *l, const char *what, struct json_object *o,
    const char *const *keys, struct hq_err *err)
{
	struct json_object_iter it;

	if (!json_object_is_type(o, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s: not an object",
		    l->row->dir, what);
	json_object_object_foreachC(o, it)
	{
		if (!is_in(keys, it.key))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s: %s: unknown key \"%s\"", l->row->dir, what,
			    it.key);
	}
	return HQ_OK;
}

/* encodeURIComponent */
static void
put_encoded(struct hq_buf *b, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.!~*'()";

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			hq_buf_putc(b, *s);
		else
			hq_buf_printf(b, "%%%02X", (unsigned char)*s);
	}
}

static const char *
rpc_path_of(struct hq_arena *a, const char *capability, const char *name)
{
	struct hq_buf b;

	hq_buf_init(&b, a);
	hq_buf_putc(&b, '/');
	put_encoded(&b, capability);
	hq_buf_putc(&b, '/');
	put_encoded(&b, name);
	return hq_buf_str(&b);
}

static enum hq_rc
read_schema(const struct loader *l, struct hq_proc *p, const char *key,
    const struct hq_schema **ret, struct hq_err *err)
{
	struct hq_err why;

	memset(&why, 0, sizeof(why));
	if (hq_schema_compile(l->arena, hq_json_get(p->def, key), ret, &why) !=
	    HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s: %s: %s", l->row->dir,
		    p->name, key, why.msg);
	return HQ_OK;
}

static enum hq_rc
read_error(const struct loader *l, const struct hq_proc *p,
    struct json_object *def, struct hq_error_def *e, struct hq_err *err)
{
	struct hq_err why;
	enum hq_rc rc;

	HQ_TRY(check_keys(l, e->code, def, error_keys, err));
	e->status = (int)hq_json_i64(def, "status", 0);
	if (e->status < FAILURE_MIN || e->status > FAILURE_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: %s: error %s: status is not in 400..599", l->row->dir,
		    p->name, e->code);
	e->message = hq_json_str(def, "message");
	for (rc = HQ_E_BAD_REQUEST; e->message == NULL; rc++) {
		if (rc == HQ_E_DECLARED)
			e->message = e->code;
		else if (strcmp(hq_rc_name(rc), e->code) == 0)
			e->message = hq_rc_text(rc);
	}
	e->defined = hq_json_bool(def, "defined", false);
	e->data_def = hq_json_get(def, "data");
	if (e->data_def == NULL)
		return HQ_OK;
	memset(&why, 0, sizeof(why));
	if (hq_schema_compile(l->arena, e->data_def, &e->data, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s: error %s: data: %s",
		    l->row->dir, p->name, e->code, why.msg);
	return HQ_OK;
}

static enum hq_rc
read_errors(const struct loader *l, struct hq_proc *p, struct hq_err *err)
{
	struct json_object *defs = NULL;
	struct hq_error_def *e;
	struct json_object_iter it;
	size_t n = 0;

	if (json_object_object_get_ex(p->def, "errors", &defs)) {
		if (!json_object_is_type(defs, json_type_object))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s: %s: errors: not an object", l->row->dir,
			    p->name);
		n = (size_t)json_object_object_length(defs);
	}
	e = HQ_NEW(l->arena, struct hq_error_def, n + 1);
	if (e == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	p->errors = e;
	if (n == 0)
		return HQ_OK;
	json_object_object_foreachC(defs, it)
	{
		e->code = it.key;
		HQ_TRY(read_error(l, p, it.val, e, err));
		e++;
	}
	return HQ_OK;
}

static enum hq_rc
read_route(const struct loader *l, struct hq_proc *p, struct hq_err *err)
{
	struct json_object *route = hq_json_get(p->def, "route");
	const char *why;

	HQ_TRY(check_keys(l, p->name, route, route_keys, err));
	p->method = hq_json_str(route, "method");
	p->path = hq_json_str(route, "path");
	p->operation_id = hq_json_str(route, "operationId");
	if (p->operation_id == NULL)
		p->operation_id = p->name;
	p->success_status =
	    (int)hq_json_i64(route, "successStatus", SUCCESS_MIN);
	if (p->method == NULL || !is_in(methods, p->method))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: %s: method is not GET, POST, PUT, PATCH or DELETE",
		    l->row->dir, p->name);
	if (p->success_status < SUCCESS_MIN || p->success_status > SUCCESS_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: %s: successStatus is not in 200..399", l->row->dir,
		    p->name);
	why = hq_route_fault(p->method, p->path, hq_json_get(p->def, "input"));
	if (why != NULL)
		return HQ_FAIL(err, BAD_REQUEST, "%s: %s: %s", l->row->dir,
		    p->name, why);
	return HQ_OK;
}

static enum hq_rc
bind_handler(const struct loader *l, struct hq_proc *p, const char *name,
    struct hq_err *err)
{
	const struct hq_binding *b = l->row->plugin->handlers;

	for (; b != NULL && b->name != NULL; b++)
		if (strcmp(b->name, name) == 0)
			break;
	if (b == NULL || b->name == NULL)
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: procedure %s has no handler: bind one in router.c",
		    l->row->dir, name);
	p->handle = b->handle;
	return HQ_OK;
}

/* Equal in all that a caller can see, the route apart. */
static bool
same_member(struct hq_arena *a, const struct hq_proc *p,
    const struct hq_proc *q, const char *key)
{
	const char *s = hq_json_text(a, hq_json_get(p->def, key));
	const char *t = hq_json_text(a, hq_json_get(q->def, key));

	return s != NULL && t != NULL && strcmp(s, t) == 0;
}

static bool
same_procedure(struct hq_arena *a, const struct hq_proc *p,
    const struct hq_proc *q)
{
	return p->handle == q->handle && same_member(a, p, q, "input") &&
	    same_member(a, p, q, "output") && same_member(a, p, q, "errors");
}

/* Routes of different kinds stand below different prefixes. */
static bool
same_route(const struct hq_proc *p, const struct hq_proc *q)
{
	return p->from->kind == q->from->kind &&
	    strcmp(p->method, q->method) == 0 &&
	    hq_route_same_path(p->path, q->path);
}

/* *ret_known: the procedure is there already. */
static enum hq_rc
check_against_others(const struct loader *l, const struct hq_proc *p,
    bool *ret_known, struct hq_err *err)
{
	const struct hq_proc *q;
	size_t i;

	*ret_known = false;
	for (i = 0; i < l->n; i++) {
		q = &l->v[i];
		if (strcmp(p->name, q->name) == 0) {
			if (!same_procedure(l->arena, p, q))
				return HQ_FAIL(err, BAD_REQUEST,
				    "%s: %s differs from the one in %s: rename "
				    "one, or make schemas and handler equal",
				    l->row->dir, p->name, q->from->dir);
			*ret_known = true;
		} else if (same_route(p, q)) {
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s: %s has the route of %s in %s: %s %s",
			    l->row->dir, p->name, q->name, q->from->dir,
			    p->method, p->path);
		}
	}
	return HQ_OK;
}

static enum hq_rc
append(struct loader *l, const struct hq_proc *p, struct hq_err *err)
{
	struct hq_proc *more;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 32 : l->cap * 2;
		more = HQ_NEW(l->arena, struct hq_proc, l->cap);
		if (more == NULL)
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "out of memory");
		if (l->n > 0)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
	}
	l->v[l->n] = *p;
	l->v[l->n].number = l->n;
	l->n++;
	return HQ_OK;
}

static enum hq_rc
read_proc(const struct loader *l, struct hq_proc *p, struct hq_err *err)
{
	HQ_TRY(check_keys(l, p->name, p->def, proc_keys, err));
	HQ_TRY(read_schema(l, p, "input", &p->input, err));
	HQ_TRY(read_schema(l, p, "output", &p->output, err));
	HQ_TRY(read_errors(l, p, err));
	return read_route(l, p, err);
}

static enum hq_rc
load_proc(struct loader *l, const char *name, struct json_object *def,
    struct hq_err *err)
{
	struct hq_proc p = { .def = def, .from = l->row };
	bool known;

	p.name = hq_arena_printf(l->arena, "%s.%s", l->row->capability, name);
	p.rpc_path = rpc_path_of(l->arena, l->row->capability, name);
	if (p.name == NULL || !hq_arena_ok(l->arena))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	HQ_TRY(read_proc(l, &p, err));
	HQ_TRY(bind_handler(l, &p, name, err));
	HQ_TRY(check_against_others(l, &p, &known, err));
	return known ? HQ_OK : append(l, &p, err);
}

/* Every handler has its procedure. */
static enum hq_rc
check_bindings(const struct loader *l, struct json_object *procs,
    struct hq_err *err)
{
	const struct hq_binding *b = l->row->plugin->handlers;

	for (; b != NULL && b->name != NULL; b++)
		if (!json_object_object_get_ex(procs, b->name, NULL))
			return HQ_FAIL(err, BAD_REQUEST,
			    "%s: handler %s has no procedure: declare it in "
			    "contract.json or drop it from router.c",
			    l->row->dir, b->name);
	return HQ_OK;
}

static enum hq_rc
load_row(struct loader *l, struct hq_err *err)
{
	struct json_object *doc, *procs;
	struct json_object_iter it;
	struct hq_err why;

	HQ_ASSERT(l->row->plugin != NULL && l->row->contract != NULL);
	memset(&why, 0, sizeof(why));
	if (hq_json_parse(l->arena, l->row->contract, strlen(l->row->contract),
		&doc, &why) != HQ_OK)
		return HQ_FAIL(err, BAD_REQUEST, "%s: contract.json: %s",
		    l->row->dir, why.msg);
	HQ_TRY(check_keys(l, "contract.json", doc, contract_keys, err));
	procs = hq_json_get(doc, "procedures");
	if (!json_object_is_type(procs, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST,
		    "%s: contract.json: procedures: not an object",
		    l->row->dir);
	HQ_TRY(check_bindings(l, procs, err));
	json_object_object_foreachC(procs, it)
	{
		HQ_TRY(load_proc(l, it.key, it.val, err));
	}
	return HQ_OK;
}

enum hq_rc
hq_procs_load(const struct hq_composed *rows, unsigned kinds,
    struct hq_arena *a, struct hq_procs *ret, struct hq_err *err)
{
	struct loader l = { .arena = a };

	for (l.row = rows; l.row->name != NULL; l.row++)
		if ((kinds & 1u << l.row->kind) != 0)
			HQ_TRY(load_row(&l, err));
	ret->v = l.v;
	ret->n = l.n;
	return HQ_OK;
}

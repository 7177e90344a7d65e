#include <string.h>

#include "proto/http/media.h"
#include "proto/orpc/bracket.h"
#include "proto/orpc/envelope.h"
#include "proto/orpc/openapi.h"
#include "proto/route.h"

struct segment {
	enum hq_segment kind;
	const char *text; /* or the parameter's name */
};

struct route {
	const struct hq_proc *proc;
	struct segment *segments;
	size_t n;
	bool rest; /* the last one is {+rest} */
};

struct hq_openapi {
	struct route *v;
	size_t n;
};

/* A request's path, cut at the slashes; not decoded. */
struct pieces {
	struct {
		const char *s;
		size_t n;
	} * v;
	size_t n;
};

struct exchange {
	struct hq_boundary *c;
	const struct hq_http_req *req;
	struct hq_http_res *res;
	const struct route *route;
	struct pieces path;
};

/* --- routes ------------------------------------------------------------ */

static void
compile_route(struct route *r, const struct hq_proc *p, struct hq_arena *a)
{
	const char *path = p->path, *s;
	enum hq_segment kind;
	size_t n, i;

	r->proc = p;
	while (hq_route_next(&path, &kind, &s, &n))
		r->n++;
	r->segments = HQ_NEW(a, struct segment, r->n + 1);
	HQ_ASSERT(r->segments != NULL);
	path = p->path;
	for (i = 0; hq_route_next(&path, &kind, &s, &n); i++) {
		r->segments[i].kind = kind;
		r->segments[i].text = hq_arena_copy(a, s, n);
		HQ_ASSERT(r->segments[i].text != NULL);
		r->rest = kind == HQ_SEGMENT_REST;
	}
}

struct hq_openapi *
hq_openapi_new(const struct hq_procs *procs, struct hq_arena *a)
{
	struct hq_openapi *o = HQ_NEW(a, struct hq_openapi, 1);
	size_t i;

	HQ_ASSERT(o != NULL);
	o->n = procs->n;
	o->v = HQ_NEW(a, struct route, procs->n + 1);
	HQ_ASSERT(o->v != NULL);
	for (i = 0; i < procs->n; i++)
		compile_route(&o->v[i], &procs->v[i], a);
	return o;
}

/* path below prefix; NULL if it is not. */
static const char *
below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (n > 0 && prefix[n - 1] == '/')
		n--;
	if (strncmp(path, prefix, n) != 0)
		return NULL;
	return path[n] == '\0' || path[n] == '/' ? path + n : NULL;
}

/*
 * The library strips one slash at both ends, its router one more at the end,
 * and the router's split drops an empty last segment.
 */
static bool
cut_path(const char *path, struct hq_arena *a, struct pieces *ret)
{
	const char *end = path + strlen(path), *s;
	size_t n = 1;
	int i;

	for (i = 0; i < 3; i++)
		if (end > path && end[-1] == '/')
			end--;
	for (s = path; s < end; s++)
		n += *s == '/';
	ret->v = hq_arena_alloc(a, n, sizeof(*ret->v));
	ret->n = 0;
	if (ret->v == NULL)
		return false;
	for (s = path; s < end; s += ret->v[ret->n++].n) {
		s++;
		ret->v[ret->n].s = s;
		ret->v[ret->n].n = strcspn(s, "/");
		if (ret->v[ret->n].n > (size_t)(end - s))
			ret->v[ret->n].n = (size_t)(end - s);
	}
	return true;
}

static bool
fits(const struct route *r, const char *method, const struct pieces *path)
{
	const struct segment *s;
	size_t i;

	if (strcmp(r->proc->method, method) != 0 ||
	    (r->rest ? path->n < r->n : path->n != r->n))
		return false;
	for (i = 0; i < r->n; i++) {
		s = &r->segments[i];
		if (s->kind == HQ_SEGMENT_STATIC &&
		    (strlen(s->text) != path->v[i].n ||
			strncmp(s->text, path->v[i].s, path->v[i].n) != 0))
			return false;
	}
	return true;
}

/* At the first segment where they differ, the more special kind wins. */
static bool
is_better(const struct route *r, const struct route *than)
{
	size_t i;

	for (i = 0; i < r->n && i < than->n; i++)
		if (r->segments[i].kind != than->segments[i].kind)
			return r->segments[i].kind < than->segments[i].kind;
	return false;
}

static const struct route *
match(const struct hq_openapi *o, const char *method, const struct pieces *path)
{
	const struct route *best = NULL;
	size_t i;

	for (i = 0; i < o->n; i++)
		if (fits(&o->v[i], method, path) &&
		    (best == NULL || is_better(&o->v[i], best)))
			best = &o->v[i];
	return best;
}

/* --- input ------------------------------------------------------------- */

static struct json_object *
param_value(const struct exchange *x, size_t i)
{
	const char *s = x->path.v[i].s, *end = s + x->path.v[i].n, *text;
	size_t n;

	if (x->route->segments[i].kind == HQ_SEGMENT_REST)
		end = x->path.v[x->path.n - 1].s + x->path.v[x->path.n - 1].n;
	n = (size_t)(end - s);
	text = hq_percent_decode(x->c->arena, s, n);
	return text != NULL ? hq_json_new_string(text)
			    : hq_json_new_string_len(s, (int)n);
}

/* Path parameters win over what the query or the body says. */
static enum hq_rc
add_params(const struct exchange *x, struct json_object **in,
    struct hq_err *err)
{
	const struct route *r = x->route;
	struct json_object *o = *in;
	size_t i, n = 0;

	for (i = 0; i < r->n; i++)
		n += r->segments[i].kind != HQ_SEGMENT_STATIC;
	if (n == 0)
		return HQ_OK;
	if (hq_js_type(o) != HQ_JS_OBJECT) {
		o = hq_json_new_object();
		HQ_TRY(hq_json_own(x->c->arena, o, err));
	}
	for (i = 0; i < r->n; i++)
		if (r->segments[i].kind != HQ_SEGMENT_STATIC)
			hq_json_put(o, r->segments[i].text, param_value(x, i));
	*in = o;
	return HQ_OK;
}

static enum hq_rc
own(struct hq_arena *a, struct json_object *v, struct json_object **ret,
    struct hq_err *err)
{
	HQ_TRY(hq_json_own(a, v, err));
	*ret = v;
	return HQ_OK;
}

static enum hq_rc
body_input(const struct exchange *x, struct json_object **ret,
    struct hq_err *err)
{
	struct hq_arena *a = x->c->arena;
	struct hq_body body;
	enum hq_rc rc = hq_body_decode(x->req, &body, err);

	if (rc == HQ_E_BAD_REQUEST)
		return HQ_FAIL(err, BAD_REQUEST, "%s", hq_envelope_malformed);
	if (rc != HQ_OK)
		return rc;
	switch (body.media) {
	case HQ_MEDIA_NONE:
		return own(a, hq_js_undefined(), ret, err);
	case HQ_MEDIA_FORM:
	case HQ_MEDIA_QUERY:
		return hq_bracket_parse(a, &body.pairs, ret, err);
	case HQ_MEDIA_SSE:
		/* To a schema an iterator is an object without keys. */
		return own(a, hq_js_tag(hq_json_new_object(), HQ_JS_FILE), ret,
		    err);
	case HQ_MEDIA_JSON:
	case HQ_MEDIA_TEXT:
	case HQ_MEDIA_FILE:
		break;
	}
	*ret = body.json;
	return HQ_OK;
}

static enum hq_rc
read_input(const struct exchange *x, struct json_object **ret,
    struct hq_err *err)
{
	const char *q = x->req->query;
	struct hq_pairs pairs;

	if (strcmp(x->req->method, "GET") != 0) {
		HQ_TRY(body_input(x, ret, err));
	} else {
		HQ_TRY(hq_urlencoded_parse(x->c->arena, q, strlen(q), &pairs,
		    err));
		HQ_TRY(hq_bracket_parse(x->c->arena, &pairs, ret, err));
	}
	return add_params(x, ret, err);
}

/* --- output ------------------------------------------------------------ */

static void
push_value(struct hq_buf *todo, struct json_object *v)
{
	json_type t = json_object_get_type(v);

	if (t == json_type_object || t == json_type_array ||
	    t == json_type_string)
		hq_buf_put(todo, &v, sizeof(v));
}

static void
push_members(struct hq_buf *todo, struct json_object *v)
{
	struct json_object_iter it;
	size_t i, n;

	if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreachC(v, it) push_value(todo, it.val);
	} else if (json_object_is_type(v, json_type_array)) {
		n = json_object_array_length(v);
		for (i = 0; i < n; i++)
			push_value(todo, json_object_array_get_idx(v, i));
	}
}

/*
 * Plain JSON differs from JSON.stringify in four types, and each of them is
 * what stands below its tag.  A list instead of recursion: an input that is
 * echoed may be HQ_JSON_DEPTH_MAX deep.
 */
static void
untag(struct json_object *v, struct hq_arena *a)
{
	struct hq_buf todo;
	enum hq_js t;

	hq_buf_init(&todo, a);
	push_value(&todo, v);
	while (todo.n > 0) {
		todo.n -= sizeof(v);
		memcpy(&v, todo.p + todo.n, sizeof(v));
		t = hq_js_type(v);
		if (t == HQ_JS_BIGINT || t == HQ_JS_REGEXP || t == HQ_JS_SET ||
		    t == HQ_JS_MAP)
			json_object_set_userdata(v, NULL, NULL);
		push_members(&todo, v);
	}
}

static void
send(const struct exchange *x, int status, struct json_object *v)
{
	struct hq_buf text;

	hq_buf_init(&text, x->c->arena);
	if (!hq_json_write_plain(&text, v)) {
		hq_buf_clear(&text);
		untag(v, x->c->arena);
		if (hq_arena_ok(x->c->arena))
			hq_json_write(&text, v);
	}
	if (!hq_arena_ok(x->c->arena)) {
		hq_http_res_text(x->res, 500, "application/json",
		    "{\"defined\":false,\"code\":\"INTERNAL_SERVER_ERROR\","
		    "\"status\":500,\"message\":\"Internal server error\"}");
		return;
	}
	x->res->status = status;
	hq_http_res_header(x->res, "Content-Type", "application/json");
	x->res->body = hq_buf_str(&text);
	x->res->body_bytes = text.n;
}

static void
answer(const struct exchange *x)
{
	const struct hq_proc *p = x->route->proc;
	struct json_object *in, *out;
	struct hq_err err;
	enum hq_rc rc;

	memset(&err, 0, sizeof(err));
	rc = read_input(x, &in, &err);
	if (rc == HQ_OK)
		rc = hq_proc_call(p, x->c, in, &out, &err);
	if (rc == HQ_SUSPEND) {
		x->res->park_ms = x->c->park_ms;
		x->res->park_key = x->c->park_key;
	} else if (rc != HQ_OK)
		send(x, err.status, hq_orpc_error(p, &err, x->c->arena));
	else if (hq_js_is_undefined(out))
		hq_http_res_text(x->res, p->success_status, NULL, "");
	else
		send(x, p->success_status, out);
}

bool
hq_openapi_handle(const struct hq_openapi *o, const char *prefix,
    struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	struct exchange x = { .c = c, .req = req, .res = res };
	const char *path = below(req->path, prefix);

	if (path == NULL || !cut_path(path, c->arena, &x.path))
		return false;
	x.route = match(o, req->method, &x.path);
	if (x.route == NULL)
		return false;
	answer(&x);
	return true;
}

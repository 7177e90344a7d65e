#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/orpc/document.h"
#include "proto/route.h"

enum { STATUS_TEXT_BYTES = 12, METHOD_BYTES = 16 };

static struct json_object *
object(void)
{
	return hq_json_new_object();
}

/* {"<key>": <v>}; takes the reference. */
static struct json_object *
object_of(const char *key, struct json_object *v)
{
	struct json_object *o = object();

	hq_json_put(o, key, v);
	return o;
}

/* A member of from, where it has one, under the same key of to. */
static void
copy_member(struct json_object *to, struct json_object *from, const char *key)
{
	struct json_object *v;

	if (json_object_object_get_ex(from, key, &v))
		hq_json_put(to, key, json_object_get(v));
}

/* An "any" schema is left out of content. */
static struct json_object *
content(struct json_object *schema)
{
	struct json_object *o = object();

	if (!hq_schema_def_is_any(schema))
		hq_json_put(o, "application/json",
		    object_of("schema", json_object_get(schema)));
	return o;
}

/* --- parameters -------------------------------------------------------- */

static bool
has_string(struct json_object *list, const char *s)
{
	size_t i, n = json_object_array_length(list);

	for (i = 0; i < n; i++)
		if (strcmp(json_object_get_string(
			       json_object_array_get_idx(list, i)),
			s) == 0)
			return true;
	return false;
}

static bool
is_primitive(struct json_object *def)
{
	static const char *const primitive[] = { "string", "number", "integer",
		"boolean", "null" };
	struct json_object *any = hq_json_get(def, "anyOf");
	const char *type = hq_json_str(def, "type");
	size_t i;

	if (any != NULL) {
		for (i = 0; i < json_object_array_length(any); i++)
			if (!is_primitive(json_object_array_get_idx(any, i)))
				return false;
		return true;
	}
	for (i = 0;
	     type != NULL && i < sizeof(primitive) / sizeof(primitive[0]); i++)
		if (strcmp(type, primitive[i]) == 0)
			return true;
	return json_object_object_get_ex(def, "const", NULL);
}

/* anyOf of X and an array of X, in either order: the X; else NULL. */
static struct json_object *
arrayable(struct json_object *def)
{
	struct json_object *any = hq_json_get(def, "anyOf"), *x, *list, *items;
	size_t i;

	if (any == NULL || json_object_array_length(any) != 2)
		return NULL;
	for (i = 0; i < 2; i++) {
		list = json_object_array_get_idx(any, i);
		x = json_object_array_get_idx(any, 1 - i);
		items = hq_json_get(list, "items");
		if (items != NULL && json_object_equal(items, x) != 0)
			return x;
	}
	return NULL;
}

static struct json_object *
parameter(const char *name, const char *in, struct json_object *schema)
{
	struct json_object *o = object();

	hq_json_put_str(o, "name", name);
	hq_json_put_str(o, "in", in);
	hq_json_put_bool(o, "required", true);
	hq_json_put(o, "schema", json_object_get(schema));
	return o;
}

static void
put_path_parameters(struct json_object *list, const struct hq_proc *p,
    struct json_object *input)
{
	struct json_object *props = hq_json_get(input, "properties");
	struct json_object_iter it;
	enum hq_segment kind;
	const char *path = p->path, *s;
	size_t n;

	while (hq_route_next(&path, &kind, &s, &n)) {
		if (kind == HQ_SEGMENT_STATIC)
			continue;
		json_object_object_foreachC(props, it)
		{
			if (strlen(it.key) == n && strncmp(it.key, s, n) == 0)
				hq_json_push(list,
				    parameter(it.key, "path", it.val));
		}
	}
}

static struct json_object *
query_parameter(const char *name, struct json_object *schema,
    struct json_object *required)
{
	struct json_object *o = parameter(name, "query", schema);
	struct json_object *x = arrayable(schema);

	if (required == NULL)
		json_object_object_del(o, "required");
	else
		hq_json_put_bool(o, "required", has_string(required, name));
	if (!is_primitive(schema) && (x == NULL || !is_primitive(x))) {
		hq_json_put_str(o, "style", "deepObject");
		hq_json_put_bool(o, "explode", true);
	}
	hq_json_put_bool(o, "allowEmptyValue", true);
	hq_json_put_bool(o, "allowReserved", true);
	return o;
}

static void
put_query_parameters(struct json_object *list, struct json_object *input)
{
	struct json_object *props = hq_json_get(input, "properties");
	struct json_object *required = hq_json_get(input, "required");
	struct json_object_iter it;

	if (props == NULL)
		return;
	json_object_object_foreachC(props, it)
	{
		hq_json_push(list, query_parameter(it.key, it.val, required));
	}
}

/* --- the input without the path's parameters --------------------------- */

static struct json_object *
rest_of_object(struct json_object *o, const char *path)
{
	struct json_object *to = object();
	struct json_object_iter it;

	json_object_object_foreachC(o, it)
	{
		if (!hq_route_has_param(path, it.key))
			hq_json_put(to, it.key, json_object_get(it.val));
	}
	return to;
}

static struct json_object *
rest_of_required(struct json_object *list, const char *path)
{
	struct json_object *to = hq_json_new_array(), *name;
	size_t i, n = json_object_array_length(list);

	for (i = 0; i < n; i++) {
		name = json_object_array_get_idx(list, i);
		if (!hq_route_has_param(path, json_object_get_string(name)))
			hq_json_push(to, json_object_get(name));
	}
	return to;
}

static struct json_object *
rest_of_examples(struct json_object *list, const char *path)
{
	struct json_object *to = hq_json_new_array(), *v;
	size_t i, n = json_object_array_length(list);

	for (i = 0; i < n; i++) {
		v = json_object_array_get_idx(list, i);
		hq_json_push(to,
		    json_object_is_type(v, json_type_object)
			? rest_of_object(v, path)
			: json_object_get(v));
	}
	return to;
}

static const struct rest_rule {
	const char *key;
	struct json_object *(*rest)(struct json_object *v, const char *path);
	bool drop_empty;
} rest_rules[] = {
	{ "properties", rest_of_object, true },
	{ "required", rest_of_required, true },
	{ "examples", rest_of_examples, false },
	{ NULL, NULL, false },
};

static bool
is_empty(struct json_object *v)
{
	return json_object_is_type(v, json_type_array)
	    ? json_object_array_length(v) == 0
	    : json_object_object_length(v) == 0;
}

/* A new reference. */
static struct json_object *
rest_of_input(struct json_object *input, const char *path)
{
	struct json_object *to = object(), *v;
	const struct rest_rule *r;
	struct json_object_iter it;

	json_object_object_foreachC(input, it)
	{
		for (r = rest_rules; r->key != NULL; r++)
			if (strcmp(r->key, it.key) == 0)
				break;
		if (r->key == NULL || it.val == NULL) {
			hq_json_put(to, it.key, json_object_get(it.val));
			continue;
		}
		v = r->rest(it.val, path);
		if (r->drop_empty && is_empty(v))
			json_object_put(v);
		else
			hq_json_put(to, it.key, v);
	}
	return to;
}

/* --- operations -------------------------------------------------------- */

static void
put_body(struct json_object *op, bool required, struct json_object *schema)
{
	struct json_object *o = object();

	hq_json_put_bool(o, "required", required);
	hq_json_put(o, "content", content(schema));
	hq_json_put(op, "requestBody", o);
}

static void
put_request(struct json_object *op, const struct hq_proc *p)
{
	struct json_object *input = hq_json_get(p->def, "input"), *rest, *list;
	bool get = strcmp(p->method, "GET") == 0, params, required;

	params = strchr(p->path, '{') != NULL;
	if (!params && hq_schema_def_is_any(input))
		return;
	rest = params ? rest_of_input(input, p->path) : json_object_get(input);
	required = !params || hq_json_get(rest, "required") != NULL;
	if (params || get) {
		list = hq_json_new_array();
		if (params)
			put_path_parameters(list, p, input);
		if (get)
			put_query_parameters(list, rest);
		hq_json_put(op, "parameters", list);
	}
	if (!get && (required || hq_json_get(rest, "properties") != NULL))
		put_body(op, required, rest);
	json_object_put(rest);
}

static struct json_object *
response(const char *description, struct json_object *schema)
{
	struct json_object *o = object();

	hq_json_put_str(o, "description", description);
	hq_json_put(o, "content", content(schema));
	return o;
}

static struct json_object *
strings(const char *const *v)
{
	struct json_object *list = hq_json_new_array();

	for (; *v != NULL; v++)
		hq_json_push(list, hq_json_new_string(*v));
	return list;
}

static struct json_object *
type_only(const char *type)
{
	return object_of("type", hq_json_new_string(type));
}

/* One error as a schema; e NULL: any error that is not declared. */
static struct json_object *
error_variant(const struct hq_error_def *e)
{
	static const char *const keys[] = { "defined", "code", "status",
		"message", NULL };
	static const char *const keys_and_data[] = { "defined", "code",
		"status", "message", "data", NULL };
	struct json_object *o = type_only("object"), *props = object(), *m;
	struct json_object *data = e == NULL ? NULL : e->data_def;

	m = e == NULL ? type_only("string") : object();
	if (e != NULL)
		hq_json_put_str(m, "const", e->code);
	hq_json_put(props, "defined",
	    object_of("const", hq_json_new_boolean(e != NULL)));
	hq_json_put(props, "code", m);
	m = e == NULL ? type_only("number") : object();
	if (e != NULL)
		hq_json_put_i64(m, "const", e->status);
	hq_json_put(props, "status", m);
	m = type_only("string");
	if (e != NULL)
		hq_json_put_str(m, "default", e->message);
	hq_json_put(props, "message", m);
	hq_json_put(props, "data",
	    data != NULL ? json_object_get(data) : object());
	hq_json_put(o, "properties", props);
	hq_json_put(o, "required",
	    strings(data != NULL ? keys_and_data : keys));
	return o;
}

/* The least status above the given one; 0 if there is none. */
static int
next_status(const struct hq_proc *p, int above)
{
	const struct hq_error_def *e;
	int least = 0;

	for (e = p->errors; e->code != NULL; e++)
		if (e->defined && e->status > above &&
		    (least == 0 || e->status < least))
			least = e->status;
	return least;
}

static void
put_errors(struct json_object *responses, const struct hq_proc *p)
{
	const struct hq_error_def *e;
	struct json_object *one_of, *schema;
	char text[STATUS_TEXT_BYTES];
	int status;

	for (status = next_status(p, 0); status != 0;
	     status = next_status(p, status)) {
		one_of = hq_json_new_array();
		for (e = p->errors; e->code != NULL; e++)
			if (e->defined && e->status == status)
				hq_json_push(one_of, error_variant(e));
		hq_json_push(one_of, error_variant(NULL));
		schema = object_of("oneOf", one_of);
		(void)snprintf(text, sizeof(text), "%d", status);
		hq_json_put(responses, text, response(text, schema));
		json_object_put(schema);
	}
}

static struct json_object *
operation(const struct hq_proc *p)
{
	static const char *const copied[] = { "summary", "description",
		"deprecated", "tags" };
	struct json_object *op = object(), *responses = object();
	char status[STATUS_TEXT_BYTES];
	size_t i;

	hq_json_put_str(op, "operationId", p->operation_id);
	for (i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		copy_member(op, hq_json_get(p->def, "route"), copied[i]);
	put_request(op, p);
	(void)snprintf(status, sizeof(status), "%d", p->success_status);
	hq_json_put(responses, status,
	    response("OK", hq_json_get(p->def, "output")));
	put_errors(responses, p);
	hq_json_put(op, "responses", responses);
	return op;
}

static void
put_operation(struct json_object *paths, const struct hq_proc *p,
    struct hq_arena *a)
{
	struct json_object *at;
	char method[METHOD_BYTES];
	struct hq_buf path;
	const char *s;
	size_t i;

	hq_buf_init(&path, a);
	for (s = p->path; *s != '\0'; s++)
		if (*s != '+' || s[-1] != '{')
			hq_buf_putc(&path, *s);
	for (i = 0; i < sizeof(method) - 1 && p->method[i] != '\0'; i++)
		method[i] = (char)tolower((unsigned char)p->method[i]);
	method[i] = '\0';
	at = hq_json_get(paths, hq_buf_str(&path));
	if (at == NULL) {
		at = object();
		hq_json_put(paths, hq_buf_str(&path), at);
	}
	hq_json_put(at, method, operation(p));
}

/* --- extensions -------------------------------------------------------- */

static void settle(struct json_object *v, bool recorded);

static void
settle_members(struct json_object *o, bool recorded)
{
	struct json_object *v;

	json_object_object_foreach (o, key, child) {
		v = child;
		if (!hq_json_bool(v, HQ_SCHEMA_EXTENSION, false))
			settle(v, recorded);
		else if (recorded)
			json_object_object_del(o, key);
		else {
			json_object_object_del(v, HQ_SCHEMA_EXTENSION);
			settle(v, recorded);
		}
	}
}

/* Drop what is marked, or only the mark. */
static void
settle(struct json_object *v, bool recorded)
{
	size_t i;

	if (json_object_is_type(v, json_type_object))
		settle_members(v, recorded);
	if (!json_object_is_type(v, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(v); i++)
		settle(json_object_array_get_idx(v, i), recorded);
}

/* The document's text; the schemas in it are the contract's and stay. */
static char *
document_text(struct json_object *doc, bool recorded, struct hq_arena *a)
{
	struct json_object *copy = hq_json_clone(doc);
	char *text;

	settle(copy, recorded);
	text = hq_json_text(a, copy);
	json_object_put(copy);
	return text;
}

char *
hq_openapi_document(const struct hq_procs *procs, const char *title,
    const char *version, const char *server_url, bool recorded,
    struct hq_arena *a)
{
	struct json_object *doc = object(), *info = object(), *paths = object();
	struct json_object *servers = hq_json_new_array(), *url;
	char *text;
	size_t i;

	hq_json_put_str(info, "title", title);
	hq_json_put_str(info, "version", version);
	hq_json_put(doc, "info", info);
	url = hq_json_new_string(server_url);
	hq_json_push(servers, object_of("url", url));
	hq_json_put(doc, "servers", servers);
	hq_json_put_str(doc, "openapi", "3.1.1");
	for (i = 0; i < procs->n; i++)
		put_operation(paths, &procs->v[i], a);
	hq_json_put(doc, "paths", paths);
	text = document_text(doc, recorded, a);
	json_object_put(doc);
	return text;
}

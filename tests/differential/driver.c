/*
 * What this program makes of an input, for tests that ask another program the
 * same: frames on stdin, one answer each on stdout.
 *
 * A frame is a list of fields: their number, then each one's length and bytes;
 * the numbers are 32 bits, little-endian.  The first field of a question is
 * the operation.  The first field of an answer is "ok" or an error's code.
 *	driver CONTRACT.json
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "domain/coordination/jsonschema.h"
#include "engine/cron.h"
#include "engine/duration.h"
#include "expr/expr.h"
#include "hq/manifest.h"
#include "onecontract.h"
#include "proto/http/path.h"
#include "proto/orpc/openapi.h"
#include "proto/orpc/rpc.h"
#include "json/schema.h"

enum {
	FIELDS_MAX = 16,
	FIELD_BYTES_MAX = 16 << 20,
	ARENA_BYTES = 512 << 20,
	CONTRACT_BYTES_MAX = 1 << 20,
	TICKS = 4,
};

struct field {
	const char *p;
	size_t n;
};

struct question {
	struct field v[FIELDS_MAX]; /* NUL behind each */
	size_t n;
};

static struct hq_arena *arena, *lasting;
static struct hq_err err;
static struct hq_buf answer;
static uint32_t n_answers;

/* --- frames ------------------------------------------------------------ */

static void
put_u32(struct hq_buf *b, size_t n)
{
	uint32_t v = (uint32_t)n;

	HQ_ASSERT(v == n);
	hq_buf_put(b, &v, sizeof(v));
}

static void
put(const char *p, size_t n)
{
	put_u32(&answer, n);
	hq_buf_put(&answer, p, n);
	n_answers++;
}

static void
puts_field(const char *s)
{
	put(s, strlen(s));
}

static bool
read_u32(size_t *ret)
{
	uint32_t v;

	if (fread(&v, sizeof(v), 1, stdin) != 1)
		return false;
	*ret = v;
	return true;
}

/* False at the end of the input. */
static bool
read_question(struct question *q)
{
	size_t i, n;
	char *p;

	if (!read_u32(&q->n))
		return false;
	HQ_ASSERT(q->n > 0 && q->n <= FIELDS_MAX);
	for (i = 0; i < q->n; i++) {
		HQ_ASSERT(read_u32(&n) && n <= FIELD_BYTES_MAX);
		p = hq_arena_alloc(arena, n + 1, 1);
		HQ_ASSERT(p != NULL && fread(p, 1, n, stdin) == n);
		p[n] = '\0';
		q->v[i] = (struct field){ p, n };
	}
	return true;
}

static void
write_answer(void)
{
	HQ_ASSERT(fwrite(&n_answers, sizeof(n_answers), 1, stdout) == 1);
	HQ_ASSERT(fwrite(answer.p, 1, answer.n, stdout) == answer.n);
}

/* --- procedures -------------------------------------------------------- */

static void
push(struct hq_buf *todo, struct json_object *v)
{
	if (json_object_is_type(v, json_type_object) ||
	    json_object_is_type(v, json_type_array))
		hq_buf_put(todo, &v, sizeof(v));
}

/* Files as plain objects, so that an answer shows what is known of them. */
static void
show_files(struct hq_arena *a, struct json_object *v)
{
	struct json_object_iter it;
	struct hq_buf todo;
	size_t i;

	hq_buf_init(&todo, a);
	push(&todo, v);
	while (todo.n > 0) {
		todo.n -= sizeof(v);
		memcpy(&v, todo.p + todo.n, sizeof(v));
		if (hq_js_type(v) == HQ_JS_FILE)
			json_object_set_userdata(v, NULL, NULL);
		if (json_object_is_type(v, json_type_object))
			json_object_object_foreachC(v, it) push(&todo, it.val);
		else
			for (i = 0; i < json_object_array_length(v); i++)
				push(&todo, json_object_array_get_idx(v, i));
	}
}

static enum hq_rc
echo(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)e;
	show_files(c->arena, in);
	*ret_out = in;
	return HQ_OK;
}

/* An error's data: {"in": the input}. */
static enum hq_rc
data_of(struct hq_boundary *c, struct json_object *in, struct json_object **ret,
    struct hq_err *e)
{
	struct json_object *o = json_object_new_object();

	HQ_TRY(hq_json_own(c->arena, o, e));
	show_files(c->arena, in);
	hq_json_put(o, "in", json_object_get(in));
	*ret = o;
	return HQ_OK;
}

static enum hq_rc
gone(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *data;

	(void)ret_out;
	HQ_TRY(data_of(c, in, &data, e));
	return HQ_FAIL_DECLARED(e, "IT_IS_GONE", data, "it went");
}

static enum hq_rc
known(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	struct json_object *data;

	(void)ret_out;
	HQ_TRY(data_of(c, in, &data, e));
	return HQ_FAIL_DECLARED(e, "IT_IS_KNOWN", data, "it is known");
}

static const struct hq_binding handlers[] = {
	{ "echo", echo },
	{ "read", echo },
	{ "made", echo },
	{ "put", echo },
	{ "patch", echo },
	{ "drop", echo },
	{ "get", echo },
	{ "fixed", echo },
	{ "two", echo },
	{ "file", echo },
	{ "send", echo },
	{ "gone", gone },
	{ "known", known },
	{ "boom", boom },
	{ 0 },
};

static struct hq_procs procs;
static struct hq_openapi *routes;
static struct hq_config config;

static void
load(const char *path)
{
	char *text;

	if (hq_file_read(path, CONTRACT_BYTES_MAX, lasting, &text, NULL,
		&err) != HQ_OK)
		HQ_BUG(err.msg);
	if (one_contract_load(text, handlers, lasting, &procs, &err) != HQ_OK)
		HQ_BUG(err.msg);
	routes = hq_openapi_new(&procs, lasting);
	config.s[HQ_SET_RAWR_BASE_URL] = "http://h";
}

/* --- operations -------------------------------------------------------- */

static void
fail(void)
{
	puts_field(err.name);
	puts_field(err.msg);
}

static const char *
header_of(const struct hq_http_res *res, const char *name)
{
	size_t i;

	for (i = 0; i < res->n_headers; i++)
		if (strcasecmp(res->headers[i].name, name) == 0)
			return res->headers[i].value;
	return "";
}

/* body, then CGI parameters: status, content-type and body; 404 of nobody. */
static void
op_http(const struct question *q)
{
	const char *params[FIELDS_MAX + 1] = { NULL };
	struct hq_boundary c = one_caller(arena, &config);
	struct hq_http_req req = { .arena = arena, .params = params };
	struct hq_http_res res = { 0 };
	size_t i;

	for (i = 2; i < q->n; i++)
		params[i - 2] = q->v[i].p;
	req.body = q->v[1].p;
	req.body_bytes = q->v[1].n;
	req.has_body = q->v[1].n > 0;
	if (hq_http_req_line(&req, &err) != HQ_OK) {
		fail();
		return;
	}
	if (!hq_rpc_handle(&procs, "/rpc", &c, &req, &res) &&
	    !hq_openapi_handle(routes, "/api", &c, &req, &res))
		res = (struct hq_http_res){ .status = 404, .body = "" };
	puts_field("ok");
	puts_field(hq_arena_printf(arena, "%d", res.status));
	puts_field(header_of(&res, "content-type"));
	put(res.body, res.body_bytes);
}

/* text: JSON.stringify with and without spaces. */
static void
op_json(const struct question *q)
{
	struct json_object *v;
	struct hq_buf text;

	if (hq_json_parse(arena, q->v[1].p, q->v[1].n, &v, &err) != HQ_OK) {
		fail();
		return;
	}
	puts_field("ok");
	hq_buf_init(&text, arena);
	hq_json_write(&text, v);
	put(hq_buf_str(&text), text.n);
	hq_buf_clear(&text);
	hq_json_write_pretty(&text, v);
	put(hq_buf_str(&text), text.n);
}

/* expression, a time: the ticks that follow. */
static void
op_cron(const struct question *q)
{
	struct hq_cron c;
	int64_t at;
	int i;

	if (hq_cron_parse(q->v[1].p, &c, &err) != HQ_OK) {
		fail();
		return;
	}
	puts_field("ok");
	at = strtoll(q->v[2].p, NULL, 10);
	for (i = 0; i < TICKS && at != INT64_MAX; i++) {
		at = hq_cron_next(&c, at);
		puts_field(at == INT64_MAX
			? "never"
			: hq_arena_printf(arena, "%lld", (long long)at));
	}
}

static bool
parse(const struct field *f, struct json_object **ret)
{
	return hq_json_parse(arena, f->p, f->n, ret, &err) == HQ_OK;
}

/* schema, value: the issues of a contract's schema. */
static void
op_schema(const struct question *q)
{
	struct json_object *def, *v, *issues;
	const struct hq_schema *s;

	if (!parse(&q->v[1], &def) || !parse(&q->v[2], &v) ||
	    hq_schema_compile(arena, def, &s, &err) != HQ_OK ||
	    hq_schema_check(s, v, arena, &issues, &err) != HQ_OK) {
		fail();
		return;
	}
	puts_field("ok");
	puts_field(hq_json_text(arena, issues));
}

/* schema, value: the fault that a desk's schema finds; "" is none. */
static void
op_desk(const struct question *q)
{
	struct json_object *def, *v;
	const char *fault;

	if (!parse(&q->v[1], &def) || !parse(&q->v[2], &v)) {
		fail();
		return;
	}
	fault = hq_coord_schema_fault(arena, def, "v", v, NULL);
	puts_field("ok");
	puts_field(fault == NULL ? "" : fault);
}

/* expression, variables: the value. */
static void
op_expr(const struct question *q)
{
	struct json_object *vars, *v;
	const struct hq_expr *e;

	if (!parse(&q->v[2], &vars) ||
	    hq_expr_parse(arena, q->v[1].p, &e, NULL, &err) != HQ_OK ||
	    hq_expr_eval(e, vars, arena, &v, &err) != HQ_OK) {
		fail();
		return;
	}
	puts_field("ok");
	puts_field(hq_json_text(arena, v));
}

/* text: the duration in ms. */
static void
op_duration(const struct question *q)
{
	int64_t ms;

	puts_field("ok");
	puts_field(hq_duration_ms(q->v[1].p, &ms)
		? hq_arena_printf(arena, "%lld", (long long)ms)
		: "");
}

static const struct {
	const char *name;
	size_t fields; /* at least, with the name */
	void (*answer)(const struct question *q);
} ops[] = {
	{ "http", 3, op_http },
	{ "json", 2, op_json },
	{ "cron", 3, op_cron },
	{ "schema", 3, op_schema },
	{ "desk", 3, op_desk },
	{ "expr", 3, op_expr },
	{ "duration", 2, op_duration },
};

static void
answer_question(const struct question *q)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, q->v[0].p) == 0) {
			HQ_ASSERT(q->n >= ops[i].fields);
			ops[i].answer(q);
			return;
		}
	HQ_BUG("no such operation");
}

int
main(int argc, char **argv)
{
	struct question q;

	HQ_ASSERT(argc == 2);
	hq_process_stack();
	lasting = hq_arena_new(ARENA_BYTES);
	arena = hq_arena_new(ARENA_BYTES);
	load(argv[1]);
	hq_buf_init(&answer, NULL);
	while (read_question(&q)) {
		memset(&err, 0, sizeof(err));
		hq_buf_clear(&answer);
		n_answers = 0;
		answer_question(&q);
		write_answer();
		HQ_ASSERT(fflush(stdout) == 0);
		hq_arena_reset(arena);
	}
	hq_buf_done(&answer);
	hq_arena_free(arena);
	hq_arena_free(lasting);
	return EXIT_SUCCESS;
}

/*
 * tests/fuzz/fuzz.h - what the harnesses share: an arena per input, the input
 * in lines, and a small composition.
 *
 * A harness checks two things: nothing reads or writes where it may not (the
 * sanitizers), and what the header promises holds (HQ_ASSERT).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <string.h>

#include "onecontract.h"
#include "proto/http/path.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FUZZ_ARENA_BYTES = 64 << 20 };

static struct hq_arena *arena __attribute__((unused));
static struct hq_err err __attribute__((unused));

/* Empty the arena for the next input. */
static __attribute__((unused)) void
fuzz_begin(void)
{
	if (arena == NULL)
		arena = hq_arena_new(FUZZ_ARENA_BYTES);
	hq_arena_reset(arena);
	memset(&err, 0, sizeof(err));
}

/* The input that is left. */
struct fuzz_rest {
	const char *p;
	size_t n;
};

/* The next line as text, cut at a NUL as C would; "" at the end. */
static __attribute__((unused)) char *
fuzz_line(struct fuzz_rest *r)
{
	const char *end = r->n == 0 ? NULL : memchr(r->p, '\n', r->n);
	size_t n = end == NULL ? r->n : (size_t)(end - r->p);
	char *line = hq_arena_copy(arena, r->p, n);

	HQ_ASSERT(line != NULL);
	r->p += end == NULL ? n : n + 1;
	r->n -= end == NULL ? n : n + 1;
	return line;
}

/* ----------------------------------------------------------- a composition */

#define FUZZ_PROC(name, method, path, input) \
	"\"" name "\":{\"route\":{\"method\":\"" method "\",\"path\":\"" path \
	"\"},\"input\":" input ",\"output\":{}}"
#define FUZZ_OBJECT "{\"type\":\"object\"}"

static const char fuzz_contract[] __attribute__((unused)) = "{\"procedures\":{"
    /* */ FUZZ_PROC("echo", "POST", "/t", "{}") ","
    /* */ FUZZ_PROC("list", "GET", "/t", FUZZ_OBJECT) ","
    /* */ FUZZ_PROC("get", "GET", "/t/{id}",
	"{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{"
	"\"id\":{\"type\":\"string\",\"minLength\":2}}}") ","
    /* */ FUZZ_PROC("file", "GET", "/f/{+rest}",
	"{\"type\":\"object\",\"required\":[\"rest\"],\"properties\":{"
	"\"rest\":{\"type\":\"string\"}}}") ","
    /* */ FUZZ_PROC("typed", "POST", "/typed",
	"{\"type\":\"object\",\"additionalProperties\":false,"
	"\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"array\","
	"\"items\":{\"anyOf\":[{\"type\":\"integer\",\"minimum\":3},"
	"{\"const\":\"x\"}]}}}}") "}}";

static __attribute__((unused)) enum hq_rc
fuzz_echo(struct hq_boundary *c, struct json_object *in,
    struct json_object **ret_out, struct hq_err *e)
{
	(void)c;
	(void)e;
	*ret_out = in;
	return HQ_OK;
}

static const struct hq_binding fuzz_handlers[] __attribute__((unused)) = {
	{ "echo", fuzz_echo },
	{ "list", fuzz_echo },
	{ "get", fuzz_echo },
	{ "file", fuzz_echo },
	{ "typed", fuzz_echo },
	{ 0 },
};

static struct hq_boundary fuzz_boundary __attribute__((unused));

/* The procedures, loaded once; and a boundary for this input. */
static __attribute__((unused)) const struct hq_procs *
fuzz_procs(void)
{
	static struct hq_config config;
	static struct hq_procs procs;
	static struct hq_arena *lasting;

	if (lasting == NULL) {
		lasting = hq_arena_new(FUZZ_ARENA_BYTES);
		config.s[HQ_SET_RAWR_BASE_URL] = "http://h:8080";
		config.s[HQ_SET_RAWR_ENGINE] = "own";
		if (one_contract_load(fuzz_contract, fuzz_handlers, lasting,
			&procs, &err) != HQ_OK)
			HQ_BUG(err.msg);
	}
	fuzz_boundary = one_caller(arena, &config);
	return &procs;
}

/*
 * A request: a line each for method, target and content-type, then the body.
 * params: room for 6; the first two are set.
 */
static __attribute__((unused)) struct hq_http_req
fuzz_request(const uint8_t *data, size_t n, const char **params)
{
	struct fuzz_rest r = { (const char *)data, n };
	struct hq_http_req req = { .arena = arena, .params = params };
	const char *target;

	req.method = fuzz_line(&r);
	target = fuzz_line(&r);
	req.path = hq_path_resolve(arena, target);
	req.query = hq_path_query(arena, target);
	params[0] = hq_arena_printf(arena, "CONTENT_TYPE=%s", fuzz_line(&r));
	params[1] = "HTTP_HOST=h:8080";
	req.body = hq_arena_copy(arena, r.p, r.n);
	req.body_bytes = r.n;
	req.has_body = r.n > 0;
	return req;
}

/* What every reply keeps to. */
static __attribute__((unused)) void
fuzz_check_reply(const struct hq_http_res *res)
{
	size_t i;

	HQ_ASSERT(res->status >= 200 && res->status < 600);
	HQ_ASSERT(res->body != NULL || res->body_bytes == 0);
	for (i = 0; i < res->n_headers; i++)
		HQ_ASSERT(strpbrk(res->headers[i].value, "\r\n") == NULL);
}

#endif /* FUZZ_H */

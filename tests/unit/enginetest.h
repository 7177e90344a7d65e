/*
 * tests/unit/enginetest.h - an engine on a real store file, a clock moved by
 * hand, and a function host that is a C function.
 */
#ifndef ENGINETEST_H
#define ENGINETEST_H

#include "hqtest.h"

#include "engine/engine.h"
#include "engine/sql.h"
#include "json/json.h"

enum { CALLS_MAX = 256, LEASE_MS = 30000, START_MS = 1000 };

struct fake_call {
	uint64_t ticket;
	char *body, *url;
	char step[80];
	char run[40];
	char correlation[40];
	int64_t timeout_ms;
	size_t goes_on; /* how often it was told to */
	bool dropped;
};

struct world;
/* The function host: fill in the reply; body is the parsed call. */
typedef void host_fn(struct world *w, const struct fake_call *c,
    struct json_object *body, struct hq_engine_reply *ret);

struct world {
	char path[64];
	int64_t now_ms;
	uint64_t seed;
	struct hq_env env;
	struct hq_db *db;
	struct hq_engine *engine;
	struct fake_call calls[CALLS_MAX];
	size_t n_calls, total;
	host_fn *host;
	/* Or NULL: looks at the store just before a call goes on. */
	void (*on_go_on)(struct world *w, const struct fake_call *c);
	int64_t next_ms;
	int64_t retry_ms;
	size_t state_bytes_max,
	    memory_bytes; /* of engines opened from now on */
};

static struct world w __attribute__((unused));
/* What functions have noted since the world was opened. */
static char notes[1024] __attribute__((unused));

static __attribute__((unused)) int64_t
world_now(void *ctx)
{
	return ((struct world *)ctx)->now_ms;
}

static __attribute__((unused)) uint64_t
world_next(struct world *x)
{
	x->seed ^= x->seed << 13;
	x->seed ^= x->seed >> 7;
	x->seed ^= x->seed << 17;
	return x->seed;
}

static __attribute__((unused)) void
world_random(void *ctx, void *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		((unsigned char *)out)[i] =
		    (unsigned char)(world_next(ctx) >> 32);
}

static __attribute__((unused)) void
world_send(void *ctx, const struct hq_engine_call *call)
{
	struct world *x = ctx;
	struct fake_call *c = &x->calls[x->n_calls++];

	ck_assert_uint_le(x->n_calls, CALLS_MAX);
	memset(c, 0, sizeof(*c));
	c->ticket = call->ticket;
	c->body = strndup(call->body, call->body_bytes);
	c->url = strdup(call->url);
	c->timeout_ms = call->timeout_ms;
	snprintf(c->step, sizeof(c->step), "%s", call->step_id);
	snprintf(c->run, sizeof(c->run), "%s", call->run_id);
	if (call->correlation_id != NULL)
		snprintf(c->correlation, sizeof(c->correlation), "%s",
		    call->correlation_id);
	x->total++;
}

static __attribute__((unused)) void
world_go_on(void *ctx, uint64_t ticket)
{
	struct world *x = ctx;
	size_t i;

	for (i = 0; i < x->n_calls; i++) {
		if (x->calls[i].ticket != ticket)
			continue;
		if (x->on_go_on != NULL)
			x->on_go_on(x, &x->calls[i]);
		x->calls[i].goes_on++;
	}
}

static __attribute__((unused)) void
world_abandon(void *ctx, uint64_t ticket)
{
	struct world *x = ctx;
	size_t i;

	for (i = 0; i < x->n_calls; i++)
		if (x->calls[i].ticket == ticket)
			x->calls[i].dropped = true;
}

static __attribute__((unused)) struct hq_db *
store_open(const char *path)
{
	static const struct hq_module *const modules[] = { &hq_engine_store,
		NULL };
	struct hq_db_opts o = { .path = path,
		.modules = modules,
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = 5000 };
	struct hq_db *db;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	return db;
}

static __attribute__((unused)) struct hq_engine *
engine_open(struct world *x, struct hq_db *db, const char *owner,
    int concurrency)
{
	struct hq_engine_opts o = { .db = db,
		.env = &x->env,
		.send = world_send,
		.go_on = world_go_on,
		.abandon = world_abandon,
		.ctx = x,
		.owner = owner,
		.concurrency = concurrency,
		.lease_ms = LEASE_MS,
		.call_timeout_ms = 7200000,
		.retry_interval_ms = x->retry_ms,
		.state_bytes_max = x->state_bytes_max,
		.memory_bytes = x->memory_bytes };
	struct hq_engine *e;

	ck_hq_ok(hq_engine_new(&o, &e, &err));
	return e;
}

static __attribute__((unused)) void
world_open(void)
{
	int fd;

	arena_open();
	memset(&w, 0, sizeof(w));
	notes[0] = '\0';
	w.now_ms = INT64_C(1795431217000);
	w.seed = 88172645463325252ULL;
	w.retry_ms = 1000;
	w.env = (struct hq_env){ .ctx = &w,
		.now_ms = world_now,
		.mono_ms = world_now,
		.random = world_random };
	snprintf(w.path, sizeof(w.path), "/tmp/hqengine.XXXXXX");
	fd = mkstemp(w.path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(w.path);
	w.db = store_open(w.path);
	w.engine = engine_open(&w, w.db, "one", 64);
}

static __attribute__((unused)) void
forget_calls(struct world *x)
{
	size_t i;

	for (i = 0; i < x->n_calls; i++) {
		free(x->calls[i].body);
		free(x->calls[i].url);
	}
	x->n_calls = 0;
}

static __attribute__((unused)) void
world_close(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock",
		"-lock" };
	char path[80];
	size_t i;

	forget_calls(&w);
	hq_engine_free(w.engine);
	hq_db_close(w.db);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", w.path, ends[i]);
		unlink(path);
	}
	arena_close();
}

static __attribute__((unused)) struct json_object *
json(const char *text)
{
	struct json_object *v;

	ck_hq_ok(hq_json_parse(arena, text, strlen(text), &v, &err));
	return v;
}

#define FN(id, triggers, retries) \
	"{\"id\":\"app-" id "\",\"name\":\"" id "\",\"triggers\":[" triggers \
	"],\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\"," \
	"\"runtime\":{\"type\":\"http\",\"url\":" \
	"\"http://h/api/inngest?fnId=app-" id "&stepId=step\"}," \
	"\"retries\":{\"attempts\":" #retries "}}}}"
#define EVENT(name) "{\"event\":\"" name "\"}"

static __attribute__((unused)) void
register_fns(const char *functions)
{
	bool modified;

	ck_hq_ok(hq_engine_register(w.engine, "app", json(functions), &modified,
	    &err));
}

static __attribute__((unused)) enum hq_rc
send_tx(void *arg, struct hq_err *e)
{
	return hq_event_send(w.db, &w.env, arg, NULL, arena, e);
}

static __attribute__((unused)) void
send_event(const char *name, const char *id, const char *data)
{
	struct hq_event e = { .id = id, .name = name, .data = json(data) };

	ck_hq_ok(hq_db_tx(w.db, send_tx, &e, &err));
}

/* One function, f, that t/go starts and that may fail three times; and a run. */
static __attribute__((unused)) void
start_one(host_fn *host, const char *data)
{
	w.host = host;
	register_fns("[" FN("f", EVENT("t/go"), 3) "]");
	send_event("t/go", NULL, data);
}

static __attribute__((unused)) void
answer_call(struct hq_engine *e, struct fake_call *c)
{
	struct hq_engine_reply r = { .what = HQ_REPLY_ANSWER,
		.status = 200,
		.sdk = "test:v1",
		.body = "null",
		.req_version = "1" };

	if (!c->dropped) {
		w.host(&w, c, json(c->body), &r);
		if (r.body != NULL && r.body_bytes == 0)
			r.body_bytes = strlen(r.body);
		hq_engine_reply(e, c->ticket, &r);
	}
	free(c->body);
	free(c->url);
	c->body = c->url = NULL;
}

static __attribute__((unused)) void
answer_all(struct hq_engine *e)
{
	size_t i, n = w.n_calls;
	struct fake_call now[CALLS_MAX];

	memcpy(now, w.calls, n * sizeof(now[0]));
	w.n_calls = 0;
	for (i = 0; i < n; i++)
		answer_call(e, &now[i]);
}

static __attribute__((unused)) void
turn(void)
{
	ck_hq_ok(hq_engine_turn(w.engine, &w.next_ms, &err));
}

/* Turns until nothing is to be done at this time. */
static __attribute__((unused)) void
run_all(void)
{
	int i;

	for (i = 0; i < 10000; i++) {
		turn();
		if (w.n_calls == 0 && w.next_ms > w.now_ms)
			return;
		answer_all(w.engine);
	}
	ck_abort_msg("the engine does not come to rest");
}

static __attribute__((unused)) void
pass(int64_t ms)
{
	w.now_ms += ms;
	run_all();
}

/* A recorded step. */
static __attribute__((unused)) struct json_object *
memo(struct json_object *body, const char *step, bool *ret_has)
{
	struct json_object *v = NULL;

	*ret_has =
	    json_object_object_get_ex(hq_json_get(body, "steps"), step, &v);
	return v;
}

static __attribute__((unused)) bool
has(struct json_object *body, const char *step)
{
	bool b;

	(void)memo(body, step, &b);
	return b;
}

/* The data of the event that a wait was given. */
static __attribute__((unused)) void
note_event(struct json_object *event)
{
	snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%s;",
	    hq_json_text(arena,
		event == NULL ? NULL : hq_json_get(event, "data")));
}

static __attribute__((unused)) void
ops(struct hq_engine_reply *r, const char *text)
{
	r->status = 206;
	r->body = text;
}

static __attribute__((unused)) const char *
fn_of(struct json_object *body, const struct fake_call *c)
{
	(void)body;
	return strstr(c->url, "fnId=app-") + strlen("fnId=app-");
}

#define IS_FN(c, id) (strncmp(fn_of(NULL, c), id "&", sizeof(id)) == 0)

#endif /* ENGINETEST_H */

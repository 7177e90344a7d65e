#include "probes.h"

#include <string.h>

#include "base/alive.h"
#include "base/version.h"
#include "engine/figures.h"
#include "probe/metrics.h"
#include "probe/probe.h"
#include "store/admin.h"

enum { RETRY_MS = 1000, MICRO_PER_MS = 1000, FILES_MAX = 16 };

/* -------------------------------------------------------------- the checks -- */

static void
look_at_file(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	(void)a;
	hq_probe_file(h->db, p);
}

static void
look_at_schema(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	(void)a;
	hq_probe_schema(h->db, h->modules, p);
}

static void
look_at_write(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	(void)a;
	hq_probe_write(h->db, p);
}

static void
look_at_wal(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	(void)a;
	hq_probe_wal(h->config, p);
}

static void
look_at_disk(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	(void)a;
	hq_probe_disk(h->config, p);
}

static void
look_at_runner(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	(void)a;
	hq_probe_runner(h->config, hq_mono_ms(h->env), p);
}

static void
look_at_responders(struct hq_host *h, struct hq_arena *a, struct hq_probe *p)
{
	hq_probe_responders(h->config, a, p);
}

static const struct check {
	const char *name;
	bool whole; /* of the system, and not of one responder */
	void (*look)(struct hq_host *h, struct hq_arena *a, struct hq_probe *p);
} checks[] = {
	{ "store", false, look_at_file },
	{ "schema", false, look_at_schema },
	{ "write", false, look_at_write },
	{ "wal", false, look_at_wal },
	{ "disk", false, look_at_disk },
	{ "runner", true, look_at_runner },
	{ "responders", true, look_at_responders },
	{ 0 },
};

/* ------------------------------------------------------------- their answers -- */

static void
answer(struct hq_boundary *c, struct json_object *body, bool problem,
    int status, struct hq_http_res *res)
{
	const char *text = hq_json_own(c->arena, body, NULL) == HQ_OK
	    ? hq_json_text(c->arena, body)
	    : NULL;

	hq_http_res_text(res, status,
	    problem ? "application/problem+json" : "application/json", text);
	hq_http_res_header(res, "cache-control", "no-store");
}

/* The members that every problem of ours has (RFC 9457). */
static void
put_problem(struct json_object *o, const struct hq_boundary *c, enum hq_rc rc,
    const char *fix)
{
	hq_json_put_str(o, "type", "about:blank");
	hq_json_put_str(o, "title", hq_rc_text(rc));
	hq_json_put_i64(o, "status", hq_rc_status(rc));
	hq_json_put_str(o, "code", hq_rc_name(rc));
	hq_json_put_bool(o, "retryable", rc == HQ_E_SERVICE_UNAVAILABLE);
	hq_json_put_str(o, "fix", fix);
	hq_json_put_str(o, "request_id", c->request_id);
}

static void
refuse(struct hq_boundary *c, struct hq_http_res *res)
{
	struct json_object *o = hq_json_new_object();

	put_problem(o, c, HQ_E_FORBIDDEN,
	    "Ask from an address in RAWR_PROBES_FROM, without a credential; "
	    "see docs/security.md.");
	answer(c, o, true, hq_rc_status(HQ_E_FORBIDDEN), res);
}

static struct json_object *
row_of(const struct check *k, const struct hq_probe *p)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "name", k->name);
	hq_json_put_bool(o, "ok", p->verdict != HQ_PROBE_FAIL);
	hq_json_put_str(o, "text", p->text);
	if (p->fix != NULL)
		hq_json_put_str(o, "fix", p->fix);
	return o;
}

static void
put_checks(const struct hq_host *h, struct json_object *o, bool ok,
    struct json_object *rows)
{
	hq_json_put_bool(o, "ok", ok);
	hq_json_put_str(o, "responder", h->responder->name);
	hq_json_put_str(o, "version", HQ_VERSION);
	hq_json_put(o, "checks", rows);
}

/* That it answers is the check. */
static void
live(struct hq_host *h, struct hq_boundary *c, struct hq_http_res *res)
{
	static const struct check worker = { "worker", false, NULL };
	struct json_object *o = hq_json_new_object(),
			   *rows = hq_json_new_array();
	struct hq_probe p;

	hq_probe_set(&p, HQ_PROBE_OK, NULL, "a worker of %s.fcgi answers",
	    h->responder->name);
	hq_json_push(rows, row_of(&worker, &p));
	put_checks(h, o, true, rows);
	answer(c, o, false, 200, res);
}

static void
not_ready(struct hq_host *h, struct hq_boundary *c,
    const struct hq_probe *worst, struct json_object *rows,
    struct hq_http_res *res)
{
	struct json_object *o = hq_json_new_object();

	put_problem(o, c, HQ_E_SERVICE_UNAVAILABLE, worst->fix);
	hq_json_put_i64(o, "retry_after_ms", RETRY_MS);
	hq_json_put_str(o, "detail", worst->text);
	put_checks(h, o, false, rows);
	answer(c, o, true, hq_rc_status(HQ_E_SERVICE_UNAVAILABLE), res);
	hq_http_res_header(res, "retry-after", "1");
	c->why = hq_arena_printf(c->arena, "%s", worst->text);
}

/* All checks are made, whatever the first one says: all are to be mended. */
static void
ready(struct hq_host *h, struct hq_boundary *c, bool whole,
    struct hq_http_res *res)
{
	struct json_object *rows = hq_json_new_array(), *o;
	struct hq_probe p, worst = { 0 };
	const struct check *k;

	for (k = checks; k->name != NULL; k++) {
		if (k->whole && !whole)
			continue;
		k->look(h, c->arena, &p);
		hq_json_push(rows, row_of(k, &p));
		if (p.verdict == HQ_PROBE_FAIL &&
		    worst.verdict != HQ_PROBE_FAIL)
			worst = p;
	}
	if (worst.verdict == HQ_PROBE_FAIL) {
		not_ready(h, c, &worst, rows, res);
		return;
	}
	o = hq_json_new_object();
	put_checks(h, o, true, rows);
	answer(c, o, false, 200, res);
}

/* --------------------------------------------------------------- the figures -- */

/* What is asked for and not counted: names and values as a file has them. */
struct asked {
	struct hq_buf names; /* a line each */
	int64_t sums[FILES_MAX];
	const char *lines[FILES_MAX];
	size_t n;
};

static void
ask(struct asked *s, enum hq_metric m, const char *labels, int64_t value)
{
	HQ_ASSERT(s->n < FILES_MAX);
	hq_metrics_name(&s->names, m, "", labels);
	s->sums[s->n++] = value;
}

static void
ask_store(struct hq_host *h, struct asked *s)
{
	struct hq_db_bytes bytes;
	int64_t room = hq_probe_disk_free(h->config);

	if (hq_db_bytes(h->db, &bytes, NULL) == HQ_OK) {
		ask(s, HQ_METRIC_FILE, "", bytes.file);
		ask(s, HQ_METRIC_FREE, "", bytes.free);
		ask(s, HQ_METRIC_WAL, "", bytes.wal);
	}
	if (room >= 0)
		ask(s, HQ_METRIC_DISK, "", room);
}

static void
ask_engine(struct hq_host *h, struct asked *s)
{
	int64_t age = hq_probe_runner_age_ms(h->config, hq_mono_ms(h->env));
	struct hq_engine_depth d;

	if (age >= 0)
		ask(s, HQ_METRIC_RUNNER_AGE, "", age * MICRO_PER_MS);
	if (hq_engine_depth(h->db, hq_now_ms(h->env), &d, NULL) != HQ_OK)
		return;
	ask(s, HQ_METRIC_INBOX, "", d.inbox);
	ask(s, HQ_METRIC_JOBS, "state=\"due\"", d.due);
	ask(s, HQ_METRIC_JOBS, "state=\"later\"", d.later);
	ask(s, HQ_METRIC_JOBS, "state=\"held\"", d.held);
	ask(s, HQ_METRIC_JOBS, "state=\"timer\"", d.timers);
	ask(s, HQ_METRIC_JOBS, "state=\"idle\"", d.idle);
	ask(s, HQ_METRIC_OLDEST, "", d.oldest_ms * MICRO_PER_MS);
}

static void
cut_lines(struct asked *s, struct hq_figures_seen *ret)
{
	char *at = s->names.p, *end;
	size_t i;

	for (i = 0; i < s->n && (end = strchr(at, '\n')) != NULL; i++) {
		*end = '\0';
		s->lines[i] = at;
		at = end + 1;
	}
	*ret = (struct hq_figures_seen){ i, s->lines, s->sums };
}

/* A program that never ran here has no figures. */
static bool
read_file(struct hq_host *h, struct hq_arena *a, const char *name,
    struct hq_figures_seen *ret)
{
	char *figures = hq_probe_path(h->config, a, name, "figures");
	char *alive = hq_probe_path(h->config, a, name, "alive");

	if (figures == NULL || alive == NULL ||
	    hq_figures_read(figures, a, ret, NULL) != HQ_OK)
		return false;
	if (hq_alive_age_ms(alive, 0) < 0)
		hq_metrics_gone(ret);
	return true;
}

static void
metrics(struct hq_host *h, struct hq_boundary *c, struct hq_http_res *res)
{
	struct hq_figures_seen seen[FILES_MAX];
	struct asked s = { 0 };
	struct hq_buf text;
	const char *name;
	size_t n = 1, i;

	hq_buf_init(&s.names, c->arena);
	ask(&s, HQ_METRIC_BUILD, "version=\"" HQ_VERSION "\"", 1);
	ask_store(h, &s);
	ask_engine(h, &s);
	if (!hq_arena_ok(c->arena))
		return; /* the exchange refuses */
	cut_lines(&s, &seen[0]);
	for (i = 0; (name = hq_probe_responder(h->config, i)) != NULL; i++)
		n += read_file(h, c->arena, name, &seen[n]);
	n += read_file(h, c->arena, "runner", &seen[n]);
	hq_buf_init(&text, c->arena);
	hq_metrics_write(&text, seen, n);
	hq_http_res_text(res, 200, HQ_METRICS_TYPE, hq_buf_str(&text));
	hq_http_res_header(res, "cache-control", "no-store");
}

/* ------------------------------------------------------------------ the door -- */

static bool
admit(struct hq_host *h, struct hq_boundary *c, const struct hq_http_req *req)
{
	const struct hq_credentials cred = {
		.remote_addr = hq_http_param(req, "REMOTE_ADDR"),
		.authorization = hq_http_header(req, "authorization"),
		.has_signature =
		    hq_http_header(req, "x-inngest-signature") != NULL,
		.fetch_site = hq_http_header(req, "sec-fetch-site"),
	};

	return hq_policy_admit(&h->policy, HQ_FAMILY_PROBES, &cred, c->arena,
		   &c->principal, NULL) == HQ_OK;
}

/* "/livez" or "/livez/<this responder>"; *ret_own: the latter. */
static bool
is_probe(const struct hq_host *h, const struct hq_http_req *req,
    const char *path, bool *ret_own)
{
	size_t n = strlen(path);

	*ret_own = strncmp(req->path, path, n) == 0 && req->path[n] == '/' &&
	    strcmp(req->path + n + 1, h->responder->name) == 0;
	return *ret_own || strcmp(req->path, path) == 0;
}

/* Every request comes by here: most are sent on by three bytes. */
static bool
may_be(const char *path)
{
	static const char *const begins[] = { "/li", "/re", "/me" };
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(path, begins[i], 3) == 0)
			return true;
	return false;
}

bool
hq_probes_answer(struct hq_host *h, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res)
{
	bool fronts = h->responder->fronts, own;
	enum { NONE, LIVE, READY, METRICS } what = NONE;

	if (!may_be(req->path))
		return false;
	if (strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0)
		return false;
	if (is_probe(h, req, "/livez", &own))
		what = LIVE;
	else if (is_probe(h, req, "/readyz", &own))
		what = READY;
	else if (fronts && strcmp(req->path, "/metrics") == 0)
		what = METRICS;
	if (what == NONE)
		return false;
	if (!admit(h, c, req))
		refuse(c, res);
	else if (what == LIVE)
		live(h, c, res);
	else if (what == READY)
		ready(h, c, fronts && !own, res);
	else
		metrics(h, c, res);
	return true;
}

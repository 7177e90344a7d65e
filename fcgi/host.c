#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "base/version.h"
#include "boundary.h"
#include "count.h"
#include "domain/state/state.h"
#include "engine/engine.h"
#include "probe/probe.h"
#include "probes.h"
#include "proto/http/serve.h"
#include "surface.h"

enum {
	HOST_ARENA_MAX = 64
	    << 20,                /* a master's (contracts, keys), a worker's */
	REQUEST_ARENA_TIMES = 24, /* of the largest body */
	REQUEST_ARENA_MIN = 128 << 20,
};

/* What the master knows before it forks. */
struct setup {
	const struct hq_responder *responder;
	struct hq_arena *arena;
	struct hq_config config;
	const struct hq_keys *keys;
	struct hq_policy policy;
	struct hq_procs procs; /* never written again: the workers share it */
	struct hq_figures *figures;
	const char *alive; /* path; or NULL */
	bool dev;
};

/* ------------------------------------------------------------ the doorbell -- */

void
hq_host_wake(void *ctx)
{
	const struct hq_host *h = ctx;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int n;

	n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/run/runner.sock",
	    h->config->s[HQ_SET_RAWR_VAR]);
	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return;
	/* A lost ring costs a second: the runner looks by itself. */
	(void)sendto(h->wake_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, sizeof(to));
}

/* ---------------------------------------------------------------- a worker -- */

static const struct hq_module **
modules_of(struct hq_arena *a)
{
	size_t n = 3, i, k = 0; /* the state's, the engine's, and NULL */
	const struct hq_composed *p;
	const struct hq_module **m;

	for (p = hq_composition; p->plugin != NULL; p++)
		for (i = 0; p->plugin->modules != NULL &&
		     p->plugin->modules[i] != NULL;
		     i++)
			n++;
	if ((m = HQ_NEW(a, const struct hq_module *, n)) == NULL)
		return NULL;
	m[k++] = &hq_state_store;
	m[k++] = &hq_engine_store;
	for (p = hq_composition; p->plugin != NULL; p++)
		for (i = 0; p->plugin->modules != NULL &&
		     p->plugin->modules[i] != NULL;
		     i++)
			m[k++] = p->plugin->modules[i];
	return m;
}

static void
worker_done(void *app)
{
	struct hq_host *h = app;

	if (h == NULL)
		return;
	hq_surface_cache_free(h->surfaces);
	hq_db_close(h->db);
	if (h->wake_fd >= 0)
		(void)close(h->wake_fd);
	hq_arena_free(h->arena);
}

static enum hq_rc
worker_open(const struct setup *s, struct hq_host *h, struct hq_err *err)
{
	const struct hq_config *cf = h->config;
	struct hq_db_opts o = {
		.path = cf->s[HQ_SET_RAWR_STORE],
		.modules = modules_of(h->arena),
		.migrate = true,
		.write_wait_ms = cf->i[HQ_SET_RAWR_WRITE_WAIT],
		.wal_max_bytes = cf->i[HQ_SET_RAWR_WAL_MAX],
	};

	if (o.modules == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory");
	h->modules = o.modules;
	HQ_TRY(hq_db_open(&o, &h->db, err));
	h->wake_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (h->wake_fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "socket");
	h->surfaces =
	    hq_surface_cache_new(h, s->responder->title, s->responder->mount);
	return s->responder->init == NULL ? HQ_OK : s->responder->init(h, err);
}

/* A host of functions has contracts for them, and is called by none. */
static const struct hq_procs *
counted(const struct setup *s)
{
	static const struct hq_procs none = { NULL, 0 };

	return s->responder->hosts_functions ? &none : &s->procs;
}

static struct hq_figure *
calls_of(const struct setup *s)
{
	return counted(s)->n == 0
	    ? NULL
	    : &hq_figures_mine(s->figures)[HQ_FIGURE_CALLS];
}

static enum hq_rc
worker_init(void *ctx, void **ret_app, struct hq_err *err)
{
	const struct setup *s = ctx;
	struct hq_arena *a = hq_arena_new(HOST_ARENA_MAX);
	struct hq_host *h = HQ_NEW(a, struct hq_host, 1);
	enum hq_rc rc;

	HQ_ASSERT(h != NULL);
	*h = (struct hq_host){
		.responder = s->responder,
		.arena = a,
		.config = &s->config,
		.keys = s->keys,
		.policy = s->policy,
		.procs = s->procs,
		.mine = hq_figures_mine(s->figures),
		.calls = calls_of(s),
		.env = hq_env_system(),
		.dev = s->dev,
		.wake_fd = -1,
	};
	if ((rc = worker_open(s, h, err)) != HQ_OK) {
		worker_done(h);
		return rc;
	}
	*ret_app = h;
	return HQ_OK;
}

/* ---------------------------------------------------------------- requests -- */

bool
hq_host_is_get(const struct hq_http_req *req, const char *path)
{
	size_t n = strlen(path);

	if (strcmp(req->method, "GET") != 0 && strcmp(req->method, "HEAD") != 0)
		return false;
	return strncmp(req->path, path, n) == 0 &&
	    (req->path[n] == '\0' ||
		(req->path[n] == '/' && req->path[n + 1] == '\0'));
}

bool
hq_host_health(const struct hq_http_req *req, struct hq_http_res *res)
{
	if (!hq_host_is_get(req, "/health"))
		return false;
	hq_http_res_text(res, 200, "application/json", "{\"ok\":true}");
	return true;
}

enum hq_rc
hq_host_is_on(struct hq_host *h, const struct hq_composed *plugin,
    struct hq_arena *scratch, bool *ret, struct hq_err *err)
{
	const struct hq_state_plugin p = {
		.name = plugin->name,
		.dir = strrchr(plugin->dir, '/') + 1,
		.by_default = true,
	};

	return hq_state_is_enabled(h->db, scratch, &p, ret, err);
}

/* A refusal in the shape that the family's clients read. */
static void
refuse(const struct hq_host *h, const struct hq_boundary *c,
    const struct hq_err *e, struct hq_http_res *res)
{
	struct json_object *body = hq_orpc_error(NULL, e, c->arena);
	const char *text = hq_json_text(c->arena, body);

	if (h->responder->family == HQ_FAMILY_INNGEST) {
		hq_http_res_text(res, 401, "application/json",
		    "{\"message\":\"Unauthorized\"}");
		return;
	}
	if (h->responder->family == HQ_FAMILY_ENGINE) {
		hq_http_res_text(res, 401, "application/json",
		    "{\"error\":\"Authentication failed\",\"status\":401}");
		return;
	}
	if (h->responder->family == HQ_FAMILY_RPC)
		text = hq_arena_printf(c->arena, "{\"json\":%s}", text);
	hq_http_res_text(res, e->status, "application/json", text);
}

/* A page of another site cannot send this without asking first (CORS). */
static bool
is_json(const char *content_type)
{
	static const char json[] = "application/json";

	return content_type != NULL &&
	    strncmp(content_type, json, sizeof(json) - 1) == 0;
}

static enum hq_rc
admit(const struct hq_host *h, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_err *err)
{
	struct hq_credentials cred = {
		.remote_addr = hq_http_param(req, "REMOTE_ADDR"),
		.authorization = hq_http_header(req, "authorization"),
		.has_signature =
		    hq_http_header(req, "x-inngest-signature") != NULL,
		.fetch_site = hq_http_header(req, "sec-fetch-site"),
		.host = hq_http_header(req, "host"),
		.origin = hq_http_header(req, "origin"),
		.is_json = is_json(hq_http_header(req, "content-type")),
	};

	HQ_TRY(hq_boundary_check(req, err));
	return hq_policy_admit(&h->policy, h->responder->family, &cred,
	    c->arena, &c->principal, err);
}

/*
 * An event key is a part of the path, however that is spelt: of the engine API
 * only paths that cannot have one are logged.
 */
static const char *
logged_path(const struct hq_host *h, const char *path)
{
	static const char *const plain[] = { "/v0/", "/v1/", "/fn/", "/dev" };
	size_t i;

	if (h->responder->family != HQ_FAMILY_ENGINE)
		return path;
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strncmp(path, plain[i], strlen(plain[i])) == 0)
			return path;
	return "/e/...";
}

static void
log_request(const struct hq_host *h, const struct hq_boundary *c,
    const struct hq_http_req *req, const struct hq_http_res *res,
    const struct hq_err *e)
{
	enum hq_level level = HQ_DEBUG;

	if (res->status >= 400)
		level = res->status >= 500 ? HQ_ERROR : HQ_INFO;
	if (!hq_log_is_on(level))
		return;
	hq_log(level, "request", HQ_LSTR("method", req->method),
	    HQ_LSTR("path", logged_path(h, req->path)),
	    HQ_LI64("status", res->status),
	    HQ_LI64("ms", hq_mono_ms(c->env) - req->arrived_ms),
	    HQ_LSTR("caller", hq_caller_name(c->principal.caller)),
	    HQ_LSTR("principal", c->principal.id),
	    HQ_LSTR("request_id", c->request_id),
	    HQ_LSTR("correlation_id", c->correlation_id),
	    HQ_LSTR("traceparent", c->traceparent),
	    HQ_LSTR("refused", e->code == HQ_OK ? NULL : e->msg),
	    HQ_LSTR("why", c->why), HQ_LSTR("where", c->where));
}

/* The reference's two hosts speak here: oRPC's below a mount, the shell's. */
static void
not_found(const struct hq_responder *r, const struct hq_http_req *req,
    struct hq_http_res *res)
{
	size_t n = strlen(r->prefix);
	bool below = n > 0 && strncmp(req->path, r->prefix, n) == 0 &&
	    (req->path[n] == '\0' || req->path[n] == '/');

	hq_http_res_text(res, 404,
	    below && strcmp(req->method, "HEAD") == 0
		? NULL
		: "text/plain;charset=utf-8",
	    below ? "not found" : "NOT_FOUND");
}

/*
 * nginx chose this responder, and let the caller pass, by the path as it read
 * it.  A request that we read as another mount's is nobody's.
 */
static bool
is_below_mount(const struct hq_http_req *req)
{
	const char *mount = hq_http_param(req, "RAWR_MOUNT");
	size_t n;

	if (mount == NULL)
		return true; /* not from nginx */
	n = strlen(mount);
	return strncmp(req->path, mount, n) == 0 &&
	    (req->path[n] == '\0' || req->path[n] == '/');
}

static void
answer(struct hq_host *h, struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res, struct hq_err *err)
{
	const struct hq_responder *r = h->responder;
	const struct hq_surface *s;

	if (!is_below_mount(req)) {
		hq_http_res_text(res, 404, "text/plain;charset=utf-8",
		    "NOT_FOUND");
		return;
	}
	if (hq_probes_answer(h, c, req, res))
		return;
	if (hq_surface_get(h->surfaces, &s, err) != HQ_OK) {
		refuse(h, c, err, res);
		return;
	}
	if (r->open_route != NULL && r->open_route(h, s, c, req, res))
		return;
	if (admit(h, c, req, err) != HQ_OK)
		refuse(h, c, err, res);
	else if (!r->route(h, s, c, req, res))
		not_found(r, req, res);
}

static void
handle(void *app, const struct hq_http_req *req, struct hq_http_res *res)
{
	struct hq_host *h = app;
	struct hq_err err = { 0 };
	struct hq_boundary c;

	hq_boundary_make(h, req, &c);
	if (!hq_arena_ok(req->arena)) {
		hq_http_res_text(res, 413, "text/plain", "request too large");
		hq_count_request(h, req, res);
		return;
	}
	h->in_hand++;
	answer(h, &c, req, res, &err);
	h->in_hand--;
	HQ_ASSERT(!hq_db_in_tx(h->db));
	if (hq_db_is_broken(h->db))
		(void)raise(SIGTERM); /* the next worker opens the store anew */
	if (res->park_ms > 0)
		return;
	hq_boundary_echo(&c, res);
	log_request(h, &c, req, res, &err);
	hq_count_request(h, req, res);
}

/* Has anybody written to the store: another connection, or this one? */
static bool
changed(void *app)
{
	struct hq_host *h = app;
	int64_t version, ours = hq_db_own_changes(h->db);

	if (hq_db_data_version(h->db, &version, NULL) != HQ_OK)
		return true;
	if (version == h->seen_version && ours == h->seen_changes)
		return false;
	h->seen_version = version;
	h->seen_changes = ours;
	return true;
}

static void
gather(void *app, void (*wait)(void *w), void *w)
{
	hq_db_gather(((struct hq_host *)app)->db, wait, w);
}

static void
flush(void *app)
{
	struct hq_host *h = app;

	hq_db_flush(h->db);
	hq_count_waits(h);
}

static void
hold(void *app)
{
	hq_db_hold(((struct hq_host *)app)->db);
}

static void
release(void *app)
{
	hq_db_release(((struct hq_host *)app)->db);
}

/* ------------------------------------------------------------------- start -- */

static const char *
system_env(const char *name)
{
	return getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* An address list; the message names the setting that holds it. */
static enum hq_rc
load_addresses(struct setup *s, enum hq_setting which,
    const struct hq_cidrs **ret, struct hq_err *err)
{
	struct hq_err why = { 0 };

	if (hq_cidrs_parse(s->config.s[which], s->arena, ret, &why) == HQ_OK)
		return HQ_OK;
	return HQ_FAIL(err, BAD_REQUEST, "%s: %s", hq_setting_row(which)->name,
	    why.msg);
}

static enum hq_rc
load_policy(struct setup *s, struct hq_err *err)
{
	s->policy.keys = s->keys;
	s->policy.base_url = s->config.s[HQ_SET_RAWR_BASE_URL];
	s->policy.tokens_required =
	    strcmp(s->config.s[HQ_SET_RAWR_AUTH], "required") == 0;
	HQ_TRY(load_addresses(s, HQ_SET_RAWR_FIRST_PARTY_FROM,
	    &s->policy.first_party, err));
	HQ_TRY(
	    load_addresses(s, HQ_SET_RAWR_PROBES_FROM, &s->policy.probes, err));
	if (s->dev) {
		HQ_TRY(hq_cidrs_parse("127.0.0.0/8,::1,unix", s->arena,
		    &s->policy.engine, err));
		s->policy.apps = s->policy.engine;
		return HQ_OK;
	}
	HQ_TRY(load_addresses(s, HQ_SET_RAWR_APPS_FROM, &s->policy.apps, err));
	return load_addresses(s, HQ_SET_RAWR_ENGINE_FROM, &s->policy.engine,
	    err);
}

static enum hq_rc
load(struct setup *s, struct hq_err *err)
{
	enum hq_level level = HQ_INFO;

	HQ_TRY(hq_config_load(&s->config, system_env, s->arena, err));
	HQ_ASSERT(
	    hq_log_level_parse(s->config.s[HQ_SET_RAWR_LOG_LEVEL], &level));
	hq_log_open(s->responder->name, level);
	HQ_TRY(hq_keys_load(s->config.s[HQ_SET_RAWR_KEYS], s->arena, &s->keys,
	    err));
	HQ_TRY(load_policy(s, err));
	return hq_procs_load(hq_composition, s->responder->kinds, s->arena,
	    &s->procs, err);
}

/* A row for each worker, and for those that come while they go. */
static enum hq_rc
open_figures(struct setup *s, int workers, struct hq_err *err)
{
	const char *name = s->responder->name, *series, *path;
	size_t rows = 2 * (size_t)workers;
	struct hq_err why = { 0 };

	series = hq_count_series(name, counted(s), s->arena);
	path = hq_probe_path(&s->config, s->arena, name, "figures");
	s->alive = hq_probe_path(&s->config, s->arena, name, "alive");
	if (!hq_arena_ok(s->arena))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "no memory");
	if (system_env("GATEWAY_INTERFACE") != NULL) {
		s->figures = hq_figures_private(series, rows); /* one request */
	} else if (hq_figures_open(path, series, rows, &s->figures, &why) !=
	    HQ_OK) {
		hq_log(HQ_WARN, "not_seen", HQ_LSTR("why", why.msg));
		s->figures = hq_figures_private(series, rows);
	}
	return HQ_OK;
}

static enum hq_rc
serve(struct setup *s, struct hq_err *err)
{
	const struct hq_config *cf = &s->config;
	bool functions = s->responder->hosts_functions;
	struct hq_serve_opts o = {
		.workers = (int)cf->i[functions ? HQ_SET_RAWR_FUNCTION_WORKERS
						: HQ_SET_RAWR_WORKERS],
		.slots = functions ? HQ_HOST_FUNCTION_CALLS
				   : (int)cf->i[HQ_SET_RAWR_SLOTS],
		.talks = functions,
		.recycle = cf->i[HQ_SET_RAWR_RECYCLE],
		.body_max = (size_t)cf->i[HQ_SET_RAWR_BODY_MAX],
		.init = worker_init,
		.done = worker_done,
		.ctx = s,
		.handle = handle,
		.changed = changed,
		.gather = gather,
		.flush = flush,
		.hold = functions ? NULL : hold,
		.release = functions ? NULL : release,
	};

	if (s->responder->workers > 0)
		o.workers = s->responder->workers;
	HQ_TRY(open_figures(s, o.workers, err));
	o.figures = s->figures;
	o.alive = s->alive;
	if (o.body_max < s->responder->body_max)
		o.body_max = s->responder->body_max;
	o.arena_max = o.body_max * REQUEST_ARENA_TIMES;
	if (o.arena_max < REQUEST_ARENA_MIN)
		o.arena_max = REQUEST_ARENA_MIN;
	return hq_serve(&o, err);
}

int
hq_host_main(const struct hq_responder *r, int argc, char *argv[])
{
	struct setup s = { .responder = r };
	struct hq_err err = { 0 };
	enum hq_rc rc;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("%s.fcgi %s\n", r->name, HQ_VERSION);
		return EXIT_SUCCESS;
	}
	s.dev = argc == 2 && r->takes_dev && strcmp(argv[1], "--dev") == 0;
	if (argc > 1 && !s.dev) {
		(void)fprintf(stderr,
		    "usage: %s.fcgi [--version]%s, with a socket on fd 0\n",
		    r->name, r->takes_dev ? " [--dev]" : "");
		return 2;
	}
	hq_log_open(r->name, HQ_INFO);
	hq_process_stack();
	s.arena = hq_arena_new(HOST_ARENA_MAX);
	rc = load(&s, &err);
	if (rc == HQ_OK)
		rc = serve(&s, &err);
	if (rc != HQ_OK)
		hq_log(HQ_ERROR, "stopped", HQ_LSTR("error", err.msg),
		    HQ_LSTR("where", err.where));
	hq_figures_close(s.figures);
	hq_arena_free(s.arena);
	return rc == HQ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* rawr doctor: is this installation well?  Only what can be known is said. */
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "auth/keys.h"
#include "cli.h"
#include "command/operator.h"
#include "engine/outbox.h"
#include "probe/probe.h"
#include "proto/http/fcgi_client.h"
#include "store/admin.h"

enum { SOCKET_WAIT_MS = 3000 };

static const char *const verdicts[] = { [HQ_PROBE_OK] = "ok",
	[HQ_PROBE_WARN] = "warn",
	[HQ_PROBE_FAIL] = "fail" };

struct check {
	struct hq_cli *c;
	struct hq_probe p;
};

static const char *
system_env(const char *name)
{
	return getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* ------------------------------------------------------------- the settings -- */

static void
check_settings(struct check *k)
{
	struct hq_config config;
	struct hq_err why = { 0 };

	if (hq_config_load(&config, system_env, k->c->arena, &why) != HQ_OK)
		hq_probe_set(&k->p, HQ_PROBE_FAIL,
		    "set it to what rawr settings says", "%s", why.msg);
	else
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "all settings are valid");
}

static void
check_key(struct check *k)
{
	const char *dir = k->c->config.s[HQ_SET_RAWR_KEYS];
	const struct hq_keys *keys;
	struct hq_err why = { 0 };

	if (hq_keys_load(dir, k->c->arena, &keys, &why) != HQ_OK)
		hq_probe_set(&k->p, HQ_PROBE_FAIL,
		    "chmod 600 the files of RAWR_KEYS", "%s", why.msg);
	else if (hq_keys_signing(keys) == NULL)
		hq_probe_set(&k->p, HQ_PROBE_FAIL,
		    "write a line signkey-... into it, mode 600",
		    "%s/signing.key is missing or empty", dir);
	else
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "signing key present, readable by its "
		    "owner only");
}

/* Where an Inngest server runs the functions. */
static void
check_event_key(struct check *k)
{
	const char *dir = k->c->config.s[HQ_SET_RAWR_KEYS];
	const struct hq_keys *keys;

	if (!hq_config_is_inngest(&k->c->config))
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "not needed: RAWR_ENGINE is own");
	else if (hq_keys_load(dir, k->c->arena, &keys, NULL) != HQ_OK ||
	    hq_keys_inngest(keys) == NULL)
		hq_probe_set(&k->p, HQ_PROBE_FAIL,
		    "write the server's event key into it, mode 600",
		    "%s/inngest.key is missing or not a key", dir);
	else
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL, "inngest.key present");
}

/* ---------------------------------------------------------------- the store -- */

static enum hq_rc
open_to_read(struct check *k, struct hq_db **ret, struct hq_err *err)
{
	struct hq_db_opts o = {
		.path = k->c->config.s[HQ_SET_RAWR_STORE],
		.modules = k->c->modules,
		.read_only = true,
	};

	return hq_db_open(&o, ret, err);
}

static enum hq_rc
look_at_store(struct check *k, struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(open_to_read(k, &db, err));
	rc = hq_db_quick_check(db, err);
	hq_db_close(db);
	return rc;
}

static void
check_store(struct check *k)
{
	struct hq_err why = { 0 };

	if (look_at_store(k, &why) != HQ_OK)
		hq_probe_set(&k->p, HQ_PROBE_FAIL,
		    "rawr db migrate makes or upgrades it; rawr db restore "
		    "replaces a damaged one",
		    "%s", why.msg);
	else
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "%s: whole, schema in step",
		    k->c->config.s[HQ_SET_RAWR_STORE]);
}

static void
check_wal(struct check *k)
{
	hq_probe_wal(&k->c->config, &k->p);
}

static void
check_disk(struct check *k)
{
	hq_probe_disk(&k->c->config, &k->p);
}

/* ------------------------------------------------------------- the processes -- */

/* Wait for the whole reply. */
static enum hq_rc
finish(struct hq_cli *c, struct hq_fcgi_call *call, struct hq_err *err)
{
	int64_t end_ms = hq_mono_ms(c->env) + SOCKET_WAIT_MS, left_ms;
	struct pollfd p = { .fd = hq_fcgi_call_fd(call) };
	enum hq_rc rc;

	for (;;) {
		rc = hq_fcgi_call_step(call, err);
		left_ms = end_ms - hq_mono_ms(c->env);
		if (rc != HQ_SUSPEND)
			return rc;
		if (left_ms <= 0)
			return HQ_FAIL(err, GATEWAY_TIMEOUT,
			    "no answer within %d ms", SOCKET_WAIT_MS);
		p.events = hq_fcgi_call_events(call);
		(void)poll(&p, 1, (int)left_ms);
	}
}

/* Any whole answer counts: the responder's loop lives. */
static enum hq_rc
ask(struct hq_cli *c, const char *socket, struct hq_err *err)
{
	static const struct hq_fcgi_param params[] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/health" },
		{ "SCRIPT_NAME", "/health" },
		{ "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "REMOTE_ADDR", "unix:" },
		{ NULL, NULL },
	};
	struct hq_fcgi_call *call = NULL;
	enum hq_rc rc;

	HQ_TRY(hq_fcgi_call_new(socket, params, "", 0, &call, err));
	rc = finish(c, call, err);
	hq_fcgi_call_free(call);
	return rc;
}

static void
check_sockets(struct check *k)
{
	const char *path, *name;
	struct hq_buf names;
	struct hq_err why;
	size_t i;

	hq_buf_init(&names, k->c->arena);
	for (i = 0; (name = hq_probe_responder(&k->c->config, i)) != NULL;
	     i++) {
		why = (struct hq_err){ 0 };
		path = hq_probe_path(&k->c->config, k->c->arena, name, "sock");
		if (path == NULL || ask(k->c, path, &why) != HQ_OK) {
			hq_probe_set(&k->p, HQ_PROBE_FAIL,
			    "start it: make up, or systemctl start",
			    "%s.fcgi: %s", name, why.msg);
			return;
		}
		hq_buf_printf(&names, "%s%s", i == 0 ? "" : ", ", name);
	}
	hq_probe_set(&k->p, HQ_PROBE_OK, NULL, "%s answer", hq_buf_str(&names));
}

static void
check_runner(struct check *k)
{
	hq_probe_runner(&k->c->config, hq_mono_ms(k->c->env), &k->p);
}

/* ------------------------------------------------------------ the other way -- */

static enum hq_rc
look_at_outbox(struct check *k, struct hq_outbox_look *ret, struct hq_err *err)
{
	struct hq_db *db;
	enum hq_rc rc;

	HQ_TRY(open_to_read(k, &db, err));
	rc = hq_outbox_look(db, k->c->arena, ret, err);
	hq_db_close(db);
	return rc;
}

static void
say_outbox(struct check *k, const struct hq_outbox_look *l)
{
	if (l->why != NULL)
		hq_probe_set(&k->p, HQ_PROBE_FAIL,
		    "see that the server at RAWR_INNGEST_URL is up and has "
		    "our keys",
		    "%lld events wait for the Inngest server: %.150s",
		    (long long)l->waiting, l->why);
	else if (l->parked > 0)
		hq_probe_set(&k->p, HQ_PROBE_WARN,
		    "rawr events parked; then resend or drop",
		    "the Inngest server refused %lld events",
		    (long long)l->parked);
	else if (l->own_runs > 0)
		hq_probe_set(&k->p, HQ_PROBE_WARN,
		    "they go on with RAWR_ENGINE=own",
		    "%lld runs of our own engine stand still",
		    (long long)l->own_runs);
	else
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "%lld events wait for the Inngest server",
		    (long long)l->waiting);
}

static void
check_outbox(struct check *k)
{
	struct hq_outbox_look look;
	struct hq_err why = { 0 };

	if (!hq_config_is_inngest(&k->c->config))
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "our own engine: RAWR_ENGINE is own");
	else if (look_at_outbox(k, &look, &why) != HQ_OK)
		hq_probe_set(&k->p, HQ_PROBE_FAIL, "see the store", "%s",
		    why.msg);
	else
		say_outbox(k, &look);
}

/* ------------------------------------------------------------------- gateway -- */

/* Debian's place for our snippet; where it is not there, nothing is known. */
static void
check_gateway(struct check *k)
{
	static const char there[] = "/etc/nginx/snippets/rawr.conf";
	const char *ours =
	    hq_arena_printf(k->c->arena, "%s/nginx/rawr.conf", k->c->root);
	char *a, *b;
	size_t n, m;

	if (hq_cli_read(k->c, there, &a, &n, NULL) != HQ_OK || ours == NULL ||
	    hq_cli_read(k->c, ours, &b, &m, NULL) != HQ_OK)
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL,
		    "nothing to compare: no %s, or no "
		    "nginx/rawr.conf below --root",
		    there);
	else if (n != m || memcmp(a, b, n) != 0)
		hq_probe_set(&k->p, HQ_PROBE_WARN,
		    "compare the two; reload nginx", "%s differs from %s",
		    there, ours);
	else
		hq_probe_set(&k->p, HQ_PROBE_OK, NULL, "%s is in step", there);
}

static const struct {
	const char *name;
	void (*check)(struct check *k);
} checks[] = {
	{ "settings", check_settings },
	{ "signing key", check_key },
	{ "event key", check_event_key },
	{ "store", check_store },
	{ "wal", check_wal },
	{ "disk", check_disk },
	{ "responders", check_sockets },
	{ "runner", check_runner },
	{ "engine", check_outbox },
	{ "gateway", check_gateway },
};

static enum hq_rc
run_doctor(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = hq_json_new_array(), *o;
	struct check k;
	size_t i;

	(void)err;
	*ret = hq_cli_object(c);
	hq_json_put(*ret, "checks", rows);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		k = (struct check){ .c = c };
		checks[i].check(&k);
		o = hq_json_new_object();
		hq_json_put_str(o, "check", checks[i].name);
		hq_json_put_str(o, "verdict", verdicts[k.p.verdict]);
		hq_json_put_str(o, "text", k.p.text);
		hq_json_put_str(o, "fix", k.p.fix);
		hq_json_push(rows, o);
		c->failed = c->failed || k.p.verdict == HQ_PROBE_FAIL;
		if (i == 0 && k.p.verdict == HQ_PROBE_FAIL)
			break; /* the rest would look at wrong places */
	}
	return HQ_OK;
}

static void
print_doctor(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "checks"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%-4s  %-12s %s\n", hq_json_str(o, "verdict"),
		    hq_json_str(o, "check"), hq_json_str(o, "text"));
		if (hq_json_str(o, "fix") != NULL)
			(void)printf("      -> %s\n", hq_json_str(o, "fix"));
	}
}

const struct hq_command hq_commands_doctor[] = {
	{ NULL, "doctor", "", 0, 0, "is this installation well?", run_doctor,
	    print_doctor, HQ_CMD_BARE, NULL },
	{ 0 },
};

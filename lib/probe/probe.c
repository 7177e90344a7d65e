#include "probe/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alive.h"
#include "base/figures.h"
#include "store/os.h"
#include "store/probe.h"

enum { PATH_BYTES = 4096 };

void
hq_probe_set(struct hq_probe *p, enum hq_probe_verdict v, const char *fix,
    const char *fmt, ...)
{
	va_list ap;

	p->verdict = v;
	p->fix = fix;
	va_start(ap, fmt);
	(void)vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
}

/* ---------------------------------------------------------------- the store -- */

void
hq_probe_file(struct hq_db *db, struct hq_probe *p)
{
	struct hq_err why = { 0 };

	if (hq_db_probe_file(db, &why) != HQ_OK)
		hq_probe_set(p, HQ_PROBE_FAIL,
		    "stop everything, put the store back (rawr db restore) and "
		    "start again",
		    "%s", why.msg);
	else
		hq_probe_set(p, HQ_PROBE_OK, NULL,
		    "the store is open and can be read");
}

void
hq_probe_schema(struct hq_db *db, const struct hq_module *const *modules,
    struct hq_probe *p)
{
	struct hq_err why = { 0 };

	if (hq_db_probe_schema(db, modules, &why) != HQ_OK)
		hq_probe_set(p, HQ_PROBE_FAIL,
		    "install the newer programs here too and restart", "%s",
		    why.msg);
	else
		hq_probe_set(p, HQ_PROBE_OK, NULL,
		    "the schema is one that this program knows");
}

void
hq_probe_write(struct hq_db *db, struct hq_probe *p)
{
	struct hq_err why = { 0 };

	if (hq_db_probe_write(db, HQ_PROBE_WRITE_MS, &why) != HQ_OK)
		hq_probe_set(p, HQ_PROBE_FAIL,
		    "look for a writer that hangs (fuser on the store's -lock "
		    "file), at the disk, and at the runner",
		    "no write can begin: %s", why.msg);
	else
		hq_probe_set(p, HQ_PROBE_OK, NULL, "a write can begin");
}

void
hq_probe_wal(const struct hq_config *c, struct hq_probe *p)
{
	char path[PATH_BYTES];
	int64_t bytes;

	(void)snprintf(path, sizeof(path), "%s-wal", c->s[HQ_SET_RAWR_STORE]);
	bytes = hq_os_bytes(path);
	if (bytes > c->i[HQ_SET_RAWR_WAL_MAX])
		hq_probe_set(p, HQ_PROBE_FAIL,
		    "start the runner; end long readers",
		    "the WAL has %" PRId64 " bytes: writes are refused", bytes);
	else if (bytes > c->i[HQ_SET_RAWR_WAL_WARN])
		hq_probe_set(p, HQ_PROBE_WARN,
		    "is the runner up? end long readers",
		    "the WAL has %" PRId64 " bytes", bytes);
	else
		hq_probe_set(p, HQ_PROBE_OK, NULL,
		    "the WAL has %" PRId64 " bytes", bytes);
}

int64_t
hq_probe_disk_free(const struct hq_config *c)
{
	const char *store = c->s[HQ_SET_RAWR_STORE];
	const char *slash = strrchr(store, '/');
	char dir[PATH_BYTES] = ".";
	struct statvfs v;

	if (slash != NULL)
		(void)snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - store),
		    store);
	if (statvfs(dir, &v) != 0)
		return -1;
	return (int64_t)v.f_bavail * (int64_t)v.f_frsize;
}

void
hq_probe_disk(const struct hq_config *c, struct hq_probe *p)
{
	const char *store = c->s[HQ_SET_RAWR_STORE];
	int64_t n = hq_probe_disk_free(c);

	if (n < 0)
		hq_probe_set(p, HQ_PROBE_FAIL,
		    "make the directory, or set RAWR_STORE",
		    "no disk for %s: errno %d", store, errno);
	else if (n < HQ_PROBE_DISK_MIN_BYTES)
		hq_probe_set(p, HQ_PROBE_FAIL, "make room",
		    "%" PRId64 " bytes are free for %s", n, store);
	else if (n < HQ_PROBE_DISK_WARN_BYTES)
		hq_probe_set(p, HQ_PROBE_WARN, "make room",
		    "%" PRId64 " bytes are free for %s", n, store);
	else
		hq_probe_set(p, HQ_PROBE_OK, NULL,
		    "%" PRId64 " bytes are free for %s", n, store);
}

/* ------------------------------------------------------------ the processes -- */

char *
hq_probe_path(const struct hq_config *c, struct hq_arena *a, const char *name,
    const char *ending)
{
	return hq_arena_printf(a, "%s/run/%s.%s", c->s[HQ_SET_RAWR_VAR], name,
	    ending);
}

int64_t
hq_probe_runner_age_ms(const struct hq_config *c, int64_t mono_ms)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/run/runner.alive",
	    c->s[HQ_SET_RAWR_VAR]);
	return hq_alive_age_ms(path, mono_ms);
}

void
hq_probe_runner(const struct hq_config *c, int64_t mono_ms, struct hq_probe *p)
{
	int64_t age = hq_probe_runner_age_ms(c, mono_ms);

	if (strcmp(c->s[HQ_SET_RAWR_RUNNER], "off") == 0)
		hq_probe_set(p, HQ_PROBE_WARN,
		    "set RAWR_RUNNER=on, or drive it from elsewhere",
		    "the runner is switched off: runs only queue");
	else if (age < 0)
		hq_probe_set(p, HQ_PROBE_FAIL, "start rawr-runner",
		    "no runner is up: runs only queue");
	else if (age > HQ_PROBE_RUNNER_MS + c->i[HQ_SET_RAWR_WRITE_WAIT])
		hq_probe_set(p, HQ_PROBE_FAIL,
		    "restart rawr-runner; its log says what it did last",
		    "the runner has given no sign for %" PRId64 " ms", age);
	else
		hq_probe_set(p, HQ_PROBE_OK, NULL, "the runner is up");
}

const char *
hq_probe_responder(const struct hq_config *c, size_t i)
{
	static const char *const names[] = { "rpc", "openapi", "workflows",
		"inngest", "engine" };
	size_t n = sizeof(names) / sizeof(names[0]);

	if (c->s[HQ_SET_RAWR_APPS][0] == '\0')
		n--; /* the engine API is for apps */
	return i < n ? names[i] : NULL;
}

/* Its workers that serve; -1: it has no master. */
static int64_t
workers_of(const struct hq_config *c, struct hq_arena *a, const char *name)
{
	char *alive = hq_probe_path(c, a, name, "alive");
	char *figures = hq_probe_path(c, a, name, "figures");
	struct hq_figures_seen seen;
	size_t i;

	if (alive == NULL || figures == NULL || hq_alive_age_ms(alive, 0) < 0)
		return -1;
	if (hq_figures_read(figures, a, &seen, NULL) != HQ_OK)
		return 0;
	for (i = 0; i < seen.n; i++)
		if (strncmp(seen.names[i], "rawr_workers{", 13) == 0)
			return seen.sums[i];
	return 0;
}

void
hq_probe_responders(const struct hq_config *c, struct hq_arena *a,
    struct hq_probe *p)
{
	static const char fix[] =
	    "start it (make up, or systemctl start); its last log line says "
	    "why it ended";
	const char *name;
	int64_t n;
	size_t i;

	for (i = 0; (name = hq_probe_responder(c, i)) != NULL; i++) {
		n = workers_of(c, a, name);
		if (n > 0)
			continue;
		hq_probe_set(p, HQ_PROBE_FAIL, fix,
		    n < 0 ? "%s.fcgi is not up"
			  : "%s.fcgi has no worker that serves",
		    name);
		return;
	}
	hq_probe_set(p, HQ_PROBE_OK, NULL, "all responders have workers");
}

/*
 * What the runner counts, where /metrics reads it, and its sign of life.
 */
#include "base/log.h"
#include "probe/metrics.h"
#include "probe/probe.h"
#include "runner.h"
#include "store/probe.h"

enum {
	FIGURE_LOST = HQ_COUNT__MAX,
	FIGURE_LOCK_WAITS,
	FIGURE_LOCK_GIVEN_UP,
	FIGURE_LOCK_US,
};

_Static_assert((int)FIGURE_LOCK_US + 1 == RUNNER_FIGURES,
    "runner.h has room for all of them");

static const struct {
	enum hq_metric metric;
	const char *labels;
} series[RUNNER_FIGURES] = {
	[HQ_COUNT_EVENTS] = { HQ_METRIC_EVENTS, "" },
	[HQ_COUNT_STARTED] = { HQ_METRIC_STARTED, "" },
	[HQ_COUNT_COMPLETED] = { HQ_METRIC_ENDED, "state=\"completed\"" },
	[HQ_COUNT_FAILED] = { HQ_METRIC_ENDED, "state=\"failed\"" },
	[HQ_COUNT_CANCELLED] = { HQ_METRIC_ENDED, "state=\"cancelled\"" },
	[HQ_COUNT_STEPS] = { HQ_METRIC_STEPS, "" },
	[HQ_COUNT_RETRIES] = { HQ_METRIC_RETRIES, "" },
	[HQ_COUNT_ANSWERED] = { HQ_METRIC_ATTEMPTS, "result=\"answered\"" },
	[HQ_COUNT_DIED] = { HQ_METRIC_ATTEMPTS, "result=\"died\"" },
	[HQ_COUNT_REFUSED] = { HQ_METRIC_ATTEMPTS, "result=\"refused\"" },
	[HQ_COUNT_TIMED_OUT] = { HQ_METRIC_ATTEMPTS, "result=\"timeout\"" },
	[FIGURE_LOST] = { HQ_METRIC_LOST, "" },
	[FIGURE_LOCK_WAITS] = { HQ_METRIC_LOCK_WAITS, "endpoint=\"runner\"" },
	[FIGURE_LOCK_GIVEN_UP] = { HQ_METRIC_LOCK_GIVEN_UP,
	    "endpoint=\"runner\"" },
	[FIGURE_LOCK_US] = { HQ_METRIC_LOCK_WAIT, "endpoint=\"runner\"" },
};

/* Runners that have one RAWR_VAR count together, in one row. */
enum hq_rc
runner_figures_open(struct runner *r, struct hq_err *err)
{
	char *path = hq_probe_path(r->config, r->arena, "runner", "figures");
	struct hq_err why = { 0 };
	struct hq_buf names;
	size_t i;

	hq_buf_init(&names, r->arena);
	for (i = 0; i < RUNNER_FIGURES; i++)
		hq_metrics_name(&names, series[i].metric, "", series[i].labels);
	if (!hq_arena_ok(r->arena))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	if (hq_figures_open(path, hq_buf_str(&names), 1, &r->figures, &why) ==
	    HQ_OK)
		return HQ_OK;
	hq_log(HQ_WARN, "not_seen", HQ_LSTR("why", why.msg));
	r->figures = hq_figures_private(hq_buf_str(&names), 1);
	return HQ_OK;
}

void
runner_figures_note(struct runner *r)
{
	struct hq_figure *f = hq_figures_mine(r->figures);
	int64_t now[RUNNER_FIGURES] = { 0 };
	struct hq_db_waits w;
	size_t i;

	if (r->engine != NULL) {
		memcpy(now, hq_engine_counts(r->engine),
		    HQ_COUNT__MAX * sizeof(now[0]));
		now[FIGURE_LOST] = (int64_t)hq_engine_lost(r->engine);
	}
	hq_db_waits(r->db, &w);
	now[FIGURE_LOCK_WAITS] = w.n;
	now[FIGURE_LOCK_GIVEN_UP] = w.given_up;
	now[FIGURE_LOCK_US] = w.us;
	for (i = 0; i < RUNNER_FIGURES; i++)
		if (now[i] != r->noted[i])
			hq_figure_add(&f[i], now[i] - r->noted[i]);
	memcpy(r->noted, now, sizeof(now));
}

void
runner_alive_open(struct runner *r)
{
	char *path = hq_probe_path(r->config, r->arena, "runner", "alive");
	struct hq_err why = { 0 };

	r->alive = HQ_ALIVE_NONE;
	if (path == NULL ||
	    hq_alive_open(path, hq_mono_ms(r->env), &r->alive, &why) != HQ_OK)
		hq_log(HQ_WARN, "not_seen",
		    HQ_LSTR("why", path == NULL ? "out of memory" : why.msg));
}

void
runner_alive_sign(struct runner *r)
{
	if (hq_alive_sign(&r->alive, hq_mono_ms(r->env)))
		runner_notify("WATCHDOG=1");
}

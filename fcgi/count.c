#include "count.h"

#include "probe/metrics.h"

/* The upper ends of the buckets, and as Prometheus writes them. */
static const struct {
	int64_t us;
	const char *le;
} buckets[HQ_COUNT_BUCKETS] = {
	{ 250, "0.00025" },
	{ 1000, "0.001" },
	{ 5000, "0.005" },
	{ 25000, "0.025" },
	{ 100000, "0.1" },
	{ 1000000, "1" },
	{ INT64_MAX, "+Inf" },
};
static const char *const classes[HQ_COUNT_CLASSES] = { "2xx", "3xx", "4xx",
	"5xx" };
static const char *const ends[HQ_CALL__MAX] = { [HQ_CALL_DONE] = "2xx",
	[HQ_CALL_REFUSED] = "4xx",
	[HQ_CALL_BROKE] = "5xx" };

/* Metrics of a responder as a whole, in the order of its figures. */
static const enum hq_metric plain[HQ_FIGURE_REQUESTS] = {
	[HQ_SERVE_STARTS] = HQ_METRIC_STARTS,
	[HQ_SERVE_DEATHS] = HQ_METRIC_DEATHS,
	[HQ_SERVE_READY] = HQ_METRIC_WORKERS,
	[HQ_SERVE_OPEN] = HQ_METRIC_OPEN,
	[HQ_SERVE_WAITING] = HQ_METRIC_WAITING,
	[HQ_FIGURE_LOCK_WAITS] = HQ_METRIC_LOCK_WAITS,
	[HQ_FIGURE_LOCK_GIVEN_UP] = HQ_METRIC_LOCK_GIVEN_UP,
	[HQ_FIGURE_LOCK_US] = HQ_METRIC_LOCK_WAIT,
};

static void
put(struct hq_buf *b, enum hq_metric m, const char *suffix, const char *labels)
{
	if (labels != NULL)
		hq_metrics_name(b, m, suffix, labels);
}

static void
put_calls(struct hq_buf *b, const char *endpoint, const struct hq_proc *p,
    struct hq_arena *a)
{
	int i;

	for (i = 0; i < HQ_CALL__MAX; i++)
		put(b, HQ_METRIC_CALLS, "",
		    hq_arena_printf(a,
			"endpoint=\"%s\",procedure=\"%s\",code=\"%s\"",
			endpoint, p->name, ends[i]));
}

const char *
hq_count_series(const char *endpoint, const struct hq_procs *procs,
    struct hq_arena *a)
{
	const char *labels = hq_arena_printf(a, "endpoint=\"%s\"", endpoint);
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, a);
	for (i = 0; i < HQ_FIGURE_REQUESTS; i++)
		put(&b, plain[i], "", labels);
	for (i = 0; i < HQ_COUNT_CLASSES; i++)
		put(&b, HQ_METRIC_REQUESTS, "",
		    hq_arena_printf(a, "endpoint=\"%s\",code=\"%s\"", endpoint,
			classes[i]));
	for (i = 0; i < HQ_COUNT_BUCKETS; i++)
		put(&b, HQ_METRIC_LATENCY, "_bucket",
		    hq_arena_printf(a, "endpoint=\"%s\",le=\"%s\"", endpoint,
			buckets[i].le));
	put(&b, HQ_METRIC_LATENCY, "_sum", labels);
	for (i = 0; i < procs->n; i++)
		put_calls(&b, endpoint, &procs->v[i], a);
	return hq_buf_str(&b);
}

void
hq_count_request(struct hq_host *h, const struct hq_http_req *req,
    const struct hq_http_res *res)
{
	struct hq_figure *f = h->mine;
	int64_t us;
	int class = res->status / 100 - 2, i = 0;

	if (class < 0 || class >= HQ_COUNT_CLASSES)
		class = HQ_COUNT_CLASSES - 1; /* it will be an error */
	hq_figure_add(&f[HQ_FIGURE_REQUESTS + class], 1);
	if (req->arrived_us == 0)
		return; /* it waited because it was to */
	us = hq_mono_us() - req->arrived_us;
	while (us > buckets[i].us)
		i++;
	hq_figure_add(&f[HQ_FIGURE_LATENCY + i], 1);
	hq_figure_add(&f[HQ_FIGURE_LATENCY_US], us);
}

void
hq_count_waits(struct hq_host *h)
{
	struct hq_figure *f = h->mine;
	struct hq_db_waits w;

	hq_db_waits(h->db, &w);
	if (w.n == h->waits.n)
		return;
	hq_figure_add(&f[HQ_FIGURE_LOCK_WAITS], w.n - h->waits.n);
	hq_figure_add(&f[HQ_FIGURE_LOCK_GIVEN_UP],
	    w.given_up - h->waits.given_up);
	hq_figure_add(&f[HQ_FIGURE_LOCK_US], w.us - h->waits.us);
	h->waits = w;
}

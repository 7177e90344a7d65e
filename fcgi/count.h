/*
 * fcgi/count.h - what a responder counts: its figures (base/figures.h), and the
 * series of /metrics that they are.
 */
#ifndef HQ_FCGI_COUNT_H
#define HQ_FCGI_COUNT_H

#include "host.h"
#include "proto/http/serve.h"

enum { HQ_COUNT_CLASSES = 4 /* 2xx to 5xx */, HQ_COUNT_BUCKETS = 7 };

/* Behind enum hq_serve_figure. */
enum {
	HQ_FIGURE_LOCK_WAITS = HQ_SERVE__FIGURES,
	HQ_FIGURE_LOCK_GIVEN_UP,
	HQ_FIGURE_LOCK_US,
	HQ_FIGURE_REQUESTS, /* by class of status */
	HQ_FIGURE_LATENCY = HQ_FIGURE_REQUESTS + HQ_COUNT_CLASSES,
	HQ_FIGURE_LATENCY_US = HQ_FIGURE_LATENCY + HQ_COUNT_BUCKETS,
	HQ_FIGURE_CALLS /* by procedure and enum hq_call_end */
};

/* The names, for hq_figures_open(); in the arena. */
const char *hq_count_series(const char *endpoint, const struct hq_procs *procs,
    struct hq_arena *a);

/* A request has its answer. */
void hq_count_request(struct hq_host *h, const struct hq_http_req *req,
    const struct hq_http_res *res);

/* Writes may have waited for others. */
void hq_count_waits(struct hq_host *h);

#endif /* HQ_FCGI_COUNT_H */

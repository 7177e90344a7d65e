/*
 * probe/metrics.h - the metrics, by name, and their text (Prometheus' exposition
 * format, version 0.0.4).
 */
#ifndef HQ_PROBE_METRICS_H
#define HQ_PROBE_METRICS_H

#include "base/buf.h"
#include "base/figures.h"

enum hq_metric {
#define HQ_METRIC(id, name, type, micro, help) HQ_METRIC_##id,
#include "probe/metric.def"
	HQ_METRIC__MAX
};

#define HQ_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * Append a series' name and "\n": metric, suffix ("_sum", or ""), then labels,
 * name="value" with commas, as they are; "" if there are none.
 */
void hq_metrics_name(struct hq_buf *b, enum hq_metric m, const char *suffix,
    const char *labels);

/* Of a program that is gone: what is counts no more, what was does. */
void hq_metrics_gone(struct hq_figures_seen *seen);

/*
 * Append all that was seen, metric by metric.  A histogram's buckets are kept
 * each for itself, the last one before its sum; they and its count are shown
 * as the format has them.  A name that is no metric of ours is left out.
 */
void hq_metrics_write(struct hq_buf *b, const struct hq_figures_seen *seen,
    size_t n);

#endif /* HQ_PROBE_METRICS_H */

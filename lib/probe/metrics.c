#include "probe/metrics.h"

#include <inttypes.h>
#include <string.h>

enum { MICRO = 1000000 };

static const struct metric {
	const char *name, *type;
	bool micro;
	const char *help;
} metrics[HQ_METRIC__MAX] = {
#define HQ_METRIC(id, name, type, micro, help) { name, type, micro, help },
#include "probe/metric.def"
};

static const char bucket[] = "_bucket", sum[] = "_sum";

void
hq_metrics_name(struct hq_buf *b, enum hq_metric m, const char *suffix,
    const char *labels)
{
	hq_buf_puts(b, metrics[m].name);
	hq_buf_puts(b, suffix);
	if (*labels != '\0') {
		hq_buf_putc(b, '{');
		hq_buf_puts(b, labels);
		hq_buf_putc(b, '}');
	}
	hq_buf_putc(b, '\n');
}

static bool
is_histogram(const struct metric *m)
{
	return strcmp(m->type, "histogram") == 0;
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* What stands behind the metric's name in a series' name; NULL: another's. */
static const char *
rest_of(const struct metric *m, const char *series)
{
	size_t n = strlen(m->name);

	if (strncmp(series, m->name, n) != 0)
		return NULL;
	series += n;
	if (is_histogram(m))
		return begins(series, bucket) || begins(series, sum) ? series
								     : NULL;
	return *series == '\0' || *series == '{' ? series : NULL;
}

void
hq_metrics_gone(struct hq_figures_seen *seen)
{
	size_t i, k;

	for (i = 0; i < HQ_METRIC__MAX; i++)
		for (k = 0; k < seen->n; k++)
			if (strcmp(metrics[i].type, "gauge") == 0 &&
			    rest_of(&metrics[i], seen->names[k]) != NULL)
				seen->sums[k] = 0;
}

static void
put_value(struct hq_buf *b, int64_t v, bool micro)
{
	if (v < 0)
		v = 0; /* what is, read while it changes */
	if (micro)
		hq_buf_printf(b, " %" PRId64 ".%06" PRId64 "\n", v / MICRO,
		    v % MICRO);
	else
		hq_buf_printf(b, " %" PRId64 "\n", v);
}

/* *so_far: of the buckets before this series. */
static void
put_series(struct hq_buf *b, const struct metric *m, const char *rest,
    int64_t v, int64_t *so_far)
{
	bool is_bucket = is_histogram(m) && begins(rest, bucket);

	if (is_bucket)
		v = *so_far += v;
	hq_buf_puts(b, m->name);
	hq_buf_puts(b, rest);
	put_value(b, v, m->micro && !is_bucket);
	if (!is_histogram(m) || is_bucket)
		return;
	hq_buf_puts(b, m->name);
	hq_buf_puts(b, "_count");
	hq_buf_puts(b, rest + strlen(sum));
	put_value(b, *so_far, false);
	*so_far = 0;
}

static void
put_metric(struct hq_buf *b, const struct metric *m,
    const struct hq_figures_seen *seen, size_t n)
{
	int64_t so_far = 0;
	bool headed = false;
	const char *rest;
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < seen[i].n; k++) {
			rest = rest_of(m, seen[i].names[k]);
			if (rest == NULL)
				continue;
			if (!headed)
				hq_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n",
				    m->name, m->help, m->name, m->type);
			headed = true;
			put_series(b, m, rest, seen[i].sums[k], &so_far);
		}
	}
}

void
hq_metrics_write(struct hq_buf *b, const struct hq_figures_seen *seen, size_t n)
{
	size_t i;

	for (i = 0; i < HQ_METRIC__MAX; i++)
		put_metric(b, &metrics[i], seen, n);
}

/*
 * base/figures.h - counters that several processes write and others read.
 *
 * A program's figures are a small file of shared memory: the names of its
 * series as /metrics prints them, and rows of 64-bit numbers, one row for each
 * process that writes.  To count is one atomic instruction without order: no
 * lock, no system call, no memory.  A series' value is the sum over the rows,
 * so it outlives the process that counted.  The file stays when the program
 * ends, and the next start goes on with it if it has the same series.
 */
#ifndef HQ_BASE_FIGURES_H
#define HQ_BASE_FIGURES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum {
	HQ_FIGURES_ROWS_MAX = 1024,
	HQ_FIGURES_FILE_BYTES_MAX = 16 << 20,
};

struct hq_figure {
	_Atomic int64_t n;
};

struct hq_figures;

/*
 * series: a name a line, each ended by "\n"; a row has their numbers in that
 * order.  The file (0600) is made, and its room on the disk taken, if it is not
 * there or has other series or rows.  The caller closes; NULL is fine.
 */
enum hq_rc hq_figures_open(const char *path, const char *series, size_t rows,
    struct hq_figures **ret, struct hq_err *err) HQ_MUST;
/* The same without a file: shared with children, and seen by nobody else. */
struct hq_figures *hq_figures_private(const char *series, size_t rows);
void hq_figures_close(struct hq_figures *f);

/* From here on this process writes row i (modulo the rows).  Before: row 0. */
void hq_figures_take(struct hq_figures *f, size_t i);
/* The row that this process writes: as many figures as there are series. */
struct hq_figure *hq_figures_mine(struct hq_figures *f);
/* Forget n numbers of row i, from the first on: what is, not what was. */
void hq_figures_clear(struct hq_figures *f, size_t i, size_t first, size_t n);

static inline void
hq_figure_add(struct hq_figure *f, int64_t n)
{
	(void)atomic_fetch_add_explicit(&f->n, n, memory_order_relaxed);
}

static inline void
hq_figure_set(struct hq_figure *f, int64_t n)
{
	atomic_store_explicit(&f->n, n, memory_order_relaxed);
}

/* What a file says now: for whoever shows it. */
struct hq_figures_seen {
	size_t n;
	const char *const *names; /* of the series */
	int64_t *sums;
};
/* NOT_FOUND if there is no such file, or it is no such thing. */
enum hq_rc hq_figures_read(const char *path, struct hq_arena *a,
    struct hq_figures_seen *ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_BASE_FIGURES_H */

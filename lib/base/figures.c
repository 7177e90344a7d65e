/*
 * The file: a head, the names, the rows.  It never changes its size or its
 * names, so whoever has it mapped reads what he expects: one with other series
 * takes its name, and the old one lives on for those who have it.
 */
/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "base/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 64, TRIES = 8, PATH_BYTES = 4096 };

static const char magic[8] = "rawrfig1";

struct head {
	char magic[sizeof(magic)];
	uint64_t series, rows, text_bytes;
};

struct hq_figures {
	char *map;
	size_t bytes; /* of map */
	struct head head;
	size_t mine; /* row */
};

_Static_assert(sizeof(struct hq_figure) == sizeof(int64_t),
    "a figure is a number and nothing else");
_Static_assert(sizeof(struct head) <= LINE, "the head has a line");

/* Each row has cache lines of its own: its writer shares them with nobody. */
static size_t
whole_lines(size_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

static size_t
row_bytes(const struct head *h)
{
	return whole_lines(h->series * sizeof(struct hq_figure));
}

static size_t
rows_at(const struct head *h)
{
	return LINE + whole_lines(h->text_bytes);
}

static size_t
file_bytes(const struct head *h)
{
	return rows_at(h) + h->rows * row_bytes(h);
}

static struct head
head_of(const char *series, size_t rows)
{
	struct head h = { .rows = rows, .text_bytes = strlen(series) };
	const char *p;

	memcpy(h.magic, magic, sizeof(magic));
	for (p = series; *p != '\0'; p++)
		h.series += *p == '\n';
	HQ_ASSERT(h.series > 0 && series[h.text_bytes - 1] == '\n');
	HQ_ASSERT(rows > 0 && rows <= HQ_FIGURES_ROWS_MAX);
	HQ_ASSERT(file_bytes(&h) <= HQ_FIGURES_FILE_BYTES_MAX);
	return h;
}

static struct hq_figures *
figures_new(const struct head *h, char *map)
{
	struct hq_figures *f = calloc(1, sizeof(*f));

	HQ_ASSERT(f != NULL);
	f->map = map;
	f->bytes = file_bytes(h);
	f->head = *h;
	return f;
}

/* ----------------------------------------------------------------- opening -- */

/* True if it is there and has these series and rows; then it is mapped. */
static bool
map_same(const char *path, const struct head *h, const char *series,
    char **ret_map)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	size_t n = file_bytes(h);
	char *map = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size == (off_t)n)
		map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (map == MAP_FAILED)
		return false;
	if (memcmp(map, h, sizeof(*h)) != 0 ||
	    memcmp(map + LINE, series, h->text_bytes) != 0) {
		(void)munmap(map, n);
		return false;
	}
	*ret_map = map;
	return true;
}

static bool
write_all(int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at) == (ssize_t)n;
}

/* Its room on the disk, too: a write to memory cannot be refused. */
static bool
fill(int fd, const struct head *h, const char *series)
{
	if ((errno = posix_fallocate(fd, 0, (off_t)file_bytes(h))) != 0)
		return false;
	return write_all(fd, h, sizeof(*h), 0) &&
	    write_all(fd, series, h->text_bytes, LINE);
}

/*
 * A whole one, under its name at once.  What has that name already is another
 * one's that came first, or an old one that has to go.
 */
static bool
make(const char *path, const struct head *h, const char *series, bool replace)
{
	char tmp[PATH_BYTES];
	bool ok;
	int fd;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid()) >=
	    (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return false;
	}
	(void)unlink(tmp); /* of one that was killed */
	fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = fill(fd, h, series);
	(void)close(fd);
	if (ok && replace)
		(void)unlink(path);
	ok = ok && (link(tmp, path) == 0 || errno == EEXIST);
	(void)unlink(tmp);
	return ok;
}

enum hq_rc
hq_figures_open(const char *path, const char *series, size_t rows,
    struct hq_figures **ret, struct hq_err *err)
{
	struct head h = head_of(series, rows);
	char *map = NULL;
	int i;

	for (i = 0; i < TRIES; i++) {
		if (map_same(path, &h, series, &map)) {
			*ret = figures_new(&h, map);
			return HQ_OK;
		}
		if (!make(path, &h, series, i > 0))
			break;
	}
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot make %s: %s", path,
	    strerrordesc_np(errno));
}

struct hq_figures *
hq_figures_private(const char *series, size_t rows)
{
	struct head h = head_of(series, rows);
	char *map = mmap(NULL, file_bytes(&h), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		HQ_BUG("out of memory");
	return figures_new(&h, map);
}

void
hq_figures_close(struct hq_figures *f)
{
	if (f == NULL)
		return;
	(void)munmap(f->map, f->bytes);
	free(f);
}

/* ----------------------------------------------------------------- writing -- */

static struct hq_figure *
row_of(struct hq_figures *f, size_t i)
{
	char *at =
	    f->map + rows_at(&f->head) + i % f->head.rows * row_bytes(&f->head);

	return (struct hq_figure *)(void *)at;
}

void
hq_figures_take(struct hq_figures *f, size_t i)
{
	f->mine = i % f->head.rows;
}

struct hq_figure *
hq_figures_mine(struct hq_figures *f)
{
	return row_of(f, f->mine);
}

void
hq_figures_clear(struct hq_figures *f, size_t i, size_t first, size_t n)
{
	struct hq_figure *row = row_of(f, i);
	size_t k;

	HQ_ASSERT(first + n <= f->head.series);
	for (k = first; k < first + n; k++)
		hq_figure_set(&row[k], 0);
}

/* ----------------------------------------------------------------- reading -- */

/* Nothing in it is believed before it has been looked at. */
static bool
is_whole(const struct head *h, size_t bytes)
{
	return memcmp(h->magic, magic, sizeof(magic)) == 0 && h->series > 0 &&
	    h->rows > 0 && h->rows <= HQ_FIGURES_ROWS_MAX &&
	    h->series <= bytes && h->text_bytes <= bytes &&
	    file_bytes(h) == bytes;
}

static enum hq_rc
sum_up(struct hq_figures *f, struct hq_arena *a, struct hq_figures_seen *ret,
    struct hq_err *err)
{
	size_t n = f->head.series, i, k;
	int64_t *sums = HQ_NEW(a, int64_t, n);
	const char **names = HQ_NEW(a, const char *, n);
	char *text = hq_arena_copy(a, f->map + LINE, f->head.text_bytes), *end;

	if (sums == NULL || names == NULL || text == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many figures");
	for (k = 0; k < n; k++) {
		if ((end = strchr(text, '\n')) == NULL)
			return HQ_FAIL(err, NOT_FOUND, "not whole");
		*end = '\0';
		names[k] = text;
		text = end + 1;
		for (i = 0; i < f->head.rows; i++)
			sums[k] += atomic_load_explicit(&row_of(f, i)[k].n,
			    memory_order_relaxed);
	}
	if (*text != '\0')
		return HQ_FAIL(err, NOT_FOUND, "not whole");
	*ret = (struct hq_figures_seen){ n, names, sums };
	return HQ_OK;
}

static bool
map_any(int fd, struct hq_figures *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size < LINE ||
	    st.st_size > HQ_FIGURES_FILE_BYTES_MAX)
		return false;
	f->bytes = (size_t)st.st_size;
	f->map = mmap(NULL, f->bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (f->map == MAP_FAILED)
		return false;
	memcpy(&f->head, f->map, sizeof(f->head));
	if (is_whole(&f->head, f->bytes))
		return true;
	(void)munmap(f->map, f->bytes);
	return false;
}

enum hq_rc
hq_figures_read(const char *path, struct hq_arena *a,
    struct hq_figures_seen *ret, struct hq_err *err)
{
	struct hq_figures f = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = fd >= 0 && map_any(fd, &f);
	enum hq_rc rc;

	if (fd >= 0)
		(void)close(fd);
	if (!ok)
		return HQ_FAIL(err, NOT_FOUND, "no figures at %s", path);
	rc = sum_up(&f, a, ret, err);
	(void)munmap(f.map, f.bytes);
	return rc;
}

/*
 * Counters in shared memory (base/figures), signs of life (base/alive), and what
 * is made of the two: the text of /metrics, and whether a runner hangs.
 */
#include <fcntl.h>
#include <signal.h>

#include "base/alive.h"
#include "base/figures.h"
#include "probe/metrics.h"
#include "probe/probe.h"
#include "test_store_dir.h"

enum { CHILDREN = 4, TIMES = 5000000 };

static const char two[] = "rawr_steps_total\nrawr_workers{endpoint=\"x\"}\n";

static struct hq_figures *
figures_of(const char *series, size_t rows)
{
	struct hq_figures *f;

	ck_hq_ok(hq_figures_open(path, series, rows, &f, &err));
	return f;
}

static int64_t
sum_of(size_t i)
{
	struct hq_figures_seen seen;

	ck_hq_ok(hq_figures_read(path, arena, &seen, &err));
	ck_assert_uint_lt(i, seen.n);
	return seen.sums[i];
}

START_TEST(a_series_is_the_sum_of_what_all_rows_have)
{
	struct hq_figures *f = figures_of(two, 3);
	size_t i;

	for (i = 0; i < 3; i++) {
		hq_figures_take(f, i);
		hq_figure_add(&hq_figures_mine(f)[1], (int64_t)i + 1);
	}
	ck_assert_int_eq(sum_of(0), 0);
	ck_assert_int_eq(sum_of(1), 1 + 2 + 3);
	hq_figures_close(f);
}
END_TEST

static void
count_in_child(struct hq_figures *f, size_t row)
{
	int i;

	if (fork() != 0)
		return;
	hq_figures_take(f, row);
	while (atomic_load(&hq_figures_mine(f)[1].n) == 0)
		; /* all of them at once */
	for (i = 0; i < TIMES; i++)
		hq_figure_add(&hq_figures_mine(f)[0], 1);
	(void)raise(SIGKILL); /* it says goodbye to nobody */
}

/* Rows are fewer than processes: some share one. */
START_TEST(nothing_is_lost_where_processes_count_at_once_and_die)
{
	struct hq_figures *f = figures_of(two, CHILDREN / 2);
	size_t i;

	for (i = 0; i < CHILDREN; i++)
		count_in_child(f, i);
	for (i = 0; i < CHILDREN / 2; i++) {
		hq_figures_take(f, i);
		hq_figure_set(&hq_figures_mine(f)[1], 1);
	}
	for (i = 0; i < CHILDREN; i++)
		ck_assert_int_gt(wait(NULL), 0);
	ck_assert_int_eq(sum_of(0), (int64_t)CHILDREN * TIMES);
	hq_figures_close(f);
}
END_TEST

START_TEST(the_next_start_goes_on_counting)
{
	struct hq_figures *f = figures_of(two, 2);

	hq_figure_add(&hq_figures_mine(f)[0], 5);
	hq_figures_close(f);
	f = figures_of(two, 2);
	hq_figure_add(&hq_figures_mine(f)[0], 2);
	hq_figures_close(f);
	ck_assert_int_eq(sum_of(0), 7);
}
END_TEST

static const char *const others[] = {
	"rawr_steps_total\n",
	"rawr_stops_total\nrawr_workers{endpoint=\"x\"}\n", /* as long */
};

START_TEST(other_series_begin_at_nothing_and_leave_the_old_ones_alone)
{
	struct hq_figures *old = figures_of(two, 2), *new;

	hq_figure_add(&hq_figures_mine(old)[0], 5);
	new = figures_of(others[_i], 2);
	ck_assert_int_eq(sum_of(0), 0);
	hq_figure_add(&hq_figures_mine(old)[0], 1); /* still mapped */
	ck_assert_int_eq(sum_of(0), 0);
	hq_figures_close(old);
	hq_figures_close(new);
}
END_TEST

static void
spoil(off_t at, const void *p, size_t n, off_t bytes)
{
	int fd = open(path, O_RDWR);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, p, n, at), (ssize_t)n);
	if (bytes >= 0)
		ck_assert_int_eq(ftruncate(fd, bytes), 0);
	(void)close(fd);
}

static const struct {
	off_t at, bytes;
	uint64_t value;
} spoilt[] = {
	{ 0, -1, 0 },           /* the magic */
	{ 8, -1, UINT64_MAX },  /* series */
	{ 8, -1, 1 },           /* fewer than there are names */
	{ 16, -1, UINT64_MAX }, /* rows */
	{ 16, -1, 0 },
	{ 24, -1, UINT64_MAX }, /* bytes of names */
	{ 0, 0, 0 },            /* an empty file */
	{ 0, 63, 0 },
};

START_TEST(a_file_that_is_not_whole_is_not_read_and_is_made_anew)
{
	struct hq_figures *f = figures_of(two, 2);
	struct hq_figures_seen seen;

	hq_figures_close(f);
	spoil(spoilt[_i].at, &spoilt[_i].value, sizeof(spoilt[_i].value),
	    spoilt[_i].bytes);
	ck_assert_int_eq(hq_figures_read(path, arena, &seen, &err),
	    HQ_E_NOT_FOUND);
	hq_figures_close(figures_of(two, 2));
	ck_assert_int_eq(sum_of(0), 0);
}
END_TEST

START_TEST(where_no_file_can_be_made_it_is_said)
{
	struct hq_figures *f;

	ck_assert_int_eq(hq_figures_open("/proc/no/such/figures", two, 1, &f,
			     &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

/* ----------------------------------------------------------- signs of life -- */

/* A child that gives a sign of that time, and stays until it is killed. */
static pid_t
live_at(int64_t mono_ms)
{
	struct hq_alive l;
	int there[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(there), 0);
	if ((pid = fork()) == 0) {
		if (hq_alive_open(path, 1000, &l, &err) != HQ_OK ||
		    !hq_alive_sign(&l, mono_ms) || write(there[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(there[0], &c, 1), 1);
	(void)close(there[0]);
	(void)close(there[1]);
	return pid;
}

static void
end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_sign_of_life_grows_old_and_ends_with_the_process)
{
	pid_t pid = live_at(50500);

	ck_assert_int_eq(hq_alive_age_ms(path, 50900), 0);
	ck_assert_int_eq(hq_alive_age_ms(path, 58500), 7500);
	end(pid);
	ck_assert_int_eq(hq_alive_age_ms(path, 50900), -1);
}
END_TEST

START_TEST(of_several_that_live_the_newest_sign_counts)
{
	pid_t a = live_at(90000), b = live_at(50000), c = live_at(70000);

	ck_assert_int_eq(hq_alive_age_ms(path, 92000), 1000);
	end(a);
	ck_assert_int_eq(hq_alive_age_ms(path, 92000), 21000);
	end(c);
	ck_assert_int_eq(hq_alive_age_ms(path, 92000), 41000);
	end(b);
	ck_assert_int_eq(hq_alive_age_ms(path, 92000), -1);
}
END_TEST

START_TEST(a_sign_is_given_once_a_second_and_writes_nothing)
{
	struct hq_alive l;
	struct stat st;

	ck_hq_ok(hq_alive_open(path, 1000, &l, &err));
	ck_assert(!hq_alive_sign(&l, 1999));
	ck_assert(hq_alive_sign(&l, 2000));
	ck_assert(!hq_alive_sign(&l, 2001));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	hq_alive_close(&l);
}
END_TEST

START_TEST(nobody_lives_where_there_is_no_file)
{
	ck_assert_int_eq(hq_alive_age_ms("/proc/no/such/file", 1), -1);
}
END_TEST

static const char *
no_env(const char *name)
{
	return strcmp(name, "RAWR_VAR") == 0 ? dir : NULL;
}

START_TEST(a_runner_that_gives_no_sign_for_long_hangs)
{
	struct hq_config config;
	struct hq_probe p;
	char run[80];
	int64_t late;
	pid_t pid;

	ck_hq_ok(hq_config_load(&config, no_env, arena, &err));
	(void)snprintf(run, sizeof(run), "%s/run", dir);
	ck_assert_int_eq(mkdir(run, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/runner.alive", run);
	late = 51000 + HQ_PROBE_RUNNER_MS + config.i[HQ_SET_RAWR_WRITE_WAIT];
	hq_probe_runner(&config, 50000, &p);
	ck_assert_int_eq(p.verdict, HQ_PROBE_FAIL);
	pid = live_at(50000);
	hq_probe_runner(&config, late, &p);
	ck_assert_int_eq(p.verdict, HQ_PROBE_OK);
	hq_probe_runner(&config, late + 1, &p);
	ck_assert_int_eq(p.verdict, HQ_PROBE_FAIL);
	ck_assert_ptr_nonnull(strstr(p.text, "no sign"));
	end(pid);
	(void)unlink(path);
	(void)rmdir(run);
}
END_TEST

/* ----------------------------------------------------------------- the text -- */

START_TEST(the_text_has_each_metric_once_and_buckets_that_add_up)
{
	static const char *const names[] = {
		"rawr_request_duration_seconds_bucket{endpoint=\"x\",le=\"1\"}",
		"rawr_request_duration_seconds_bucket{endpoint=\"x\",le=\"+Inf\"}",
		"rawr_request_duration_seconds_sum{endpoint=\"x\"}",
		"rawr_workers{endpoint=\"x\"}",
		"rawr_workers_of_somebody_else",
	};
	static const char *const other[] = { "rawr_workers{endpoint=\"y\"}" };
	int64_t sums[] = { 3, 2, 1500000, -1, 9 }, more[] = { 4 };
	const struct hq_figures_seen seen[] = { { 5, names, sums },
		{ 1, other, more } };
	struct hq_buf b;
	const char *at;

	hq_buf_init(&b, arena);
	hq_metrics_write(&b, seen, 2);
	at = strstr(hq_buf_str(&b), "rawr_request_duration_seconds_bucket");
	ck_assert_ptr_nonnull(at);
	ck_assert_str_eq(at,
	    "rawr_request_duration_seconds_bucket{endpoint=\"x\",le=\"1\"} 3\n"
	    "rawr_request_duration_seconds_bucket{endpoint=\"x\",le=\"+Inf\"} "
	    "5\n"
	    "rawr_request_duration_seconds_sum{endpoint=\"x\"} 1.500000\n"
	    "rawr_request_duration_seconds_count{endpoint=\"x\"} 5\n");
	ck_assert_ptr_nonnull(strstr(hq_buf_str(&b),
	    "# TYPE rawr_workers gauge\nrawr_workers{endpoint=\"x\"} 0\n"
	    "rawr_workers{endpoint=\"y\"} 4\n"));
	ck_assert_ptr_null(strstr(hq_buf_str(&b), "somebody"));
}
END_TEST

START_TEST(of_a_program_that_is_gone_only_what_was_counts)
{
	static const char *const names[] = { "rawr_workers{endpoint=\"x\"}",
		"rawr_worker_starts_total{endpoint=\"x\"}" };
	int64_t sums[] = { 2, 7 };
	struct hq_figures_seen seen = { 2, names, sums };

	hq_metrics_gone(&seen);
	ck_assert_int_eq(sums[0], 0);
	ck_assert_int_eq(sums[1], 7);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("figures");
	TCase *tc = tcase_create("figures");

	tcase_add_checked_fixture(tc, dir_open, dir_close);
	tcase_add_test(tc, a_series_is_the_sum_of_what_all_rows_have);
	tcase_add_test(tc,
	    nothing_is_lost_where_processes_count_at_once_and_die);
	tcase_add_test(tc, the_next_start_goes_on_counting);
	tcase_add_loop_test(tc,
	    other_series_begin_at_nothing_and_leave_the_old_ones_alone, 0, 2);
	tcase_add_loop_test(tc,
	    a_file_that_is_not_whole_is_not_read_and_is_made_anew, 0,
	    sizeof(spoilt) / sizeof(spoilt[0]));
	tcase_add_test(tc, where_no_file_can_be_made_it_is_said);
	tcase_add_test(tc, a_sign_of_life_grows_old_and_ends_with_the_process);
	tcase_add_test(tc, of_several_that_live_the_newest_sign_counts);
	tcase_add_test(tc, a_sign_is_given_once_a_second_and_writes_nothing);
	tcase_add_test(tc, nobody_lives_where_there_is_no_file);
	tcase_add_test(tc, a_runner_that_gives_no_sign_for_long_hangs);
	tcase_add_test(tc,
	    the_text_has_each_metric_once_and_buckets_that_add_up);
	tcase_add_test(tc, of_a_program_that_is_gone_only_what_was_counts);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

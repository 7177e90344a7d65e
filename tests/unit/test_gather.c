/*
 * Which writes share a commit: a worker whose events are handlers of a test,
 * and whose clock stands still unless one of them moves it.
 */
#include "hqtest.h"
#include "proto/http/conn.h"

enum { GROUPS_MAX = 64, STEPS_MAX = 256 };

/* What the event of the same number does; nothing but to be seen by default. */
static struct handler {
	int writes; /* so often it waits for a commit */
	size_t body_bytes;
	int64_t takes_ms;
} handlers[HQ_SERVE_EVENTS_MAX];

static struct hq_worker worker;
static struct fake_env clock;
static struct {
	void (*fn)(void *w);
	void *w;
} wait;

/*
 * What happened: an event's letter when it begins, again when it goes on, '|'
 * for a commit.
 */
static char steps[STEPS_MAX];
static int groups[GROUPS_MAX], n_groups, n_waiting;

static void
step(int event)
{
	size_t n = strlen(steps);

	ck_assert_uint_lt(n + 1, sizeof(steps));
	steps[n] = (char)(event < 0 ? '|' : 'A' + event);
	steps[n + 1] = '\0';
}

static void
gather(void *app, void (*fn)(void *w), void *w)
{
	(void)app;
	wait.fn = fn;
	wait.w = w;
}

static void
flush(void *app)
{
	(void)app;
	ck_assert_int_lt(n_groups, GROUPS_MAX);
	groups[n_groups++] = n_waiting;
	n_waiting = 0;
	step(-1);
}

/* In the place of worker.c's. */
void
hq_worker_event(struct hq_worker *w, uint32_t what)
{
	const struct handler *h = &handlers[what];
	int i;

	step((int)what);
	clock.now_ms += h->takes_ms;
	for (i = 0; i < h->writes; i++) {
		w->x.body_bytes = h->body_bytes;
		n_waiting++;
		wait.fn(wait.w);
		step((int)what);
	}
}

/* The same: no worker leaves. */
void
hq_worker_give(struct hq_worker *w, struct hq_conn *c)
{
	(void)w;
	(void)c;
	ck_abort();
}

/* The same: none of the events is about a connection. */
struct hq_conn *
hq_worker_conn(struct hq_worker *w, uint32_t what)
{
	(void)w;
	(void)what;
	return NULL;
}

static void
setup(void)
{
	static const struct hq_serve_opts opts = { .gather = gather,
		.flush = flush };
	static const struct hq_env env = FAKE_ENV(&clock);

	arena_open();
	memset(handlers, 0, sizeof(handlers));
	memset(&worker, 0, sizeof(worker));
	steps[0] = '\0';
	n_groups = n_waiting = 0;
	clock.now_ms = 1000;
	worker.o = &opts;
	hq_gather_init(&worker);
	worker.turn.env = &env;
}

static void
teardown(void)
{
	hq_gather_done(&worker);
	arena_close();
}

/* The first n events are there. */
static void
handle(int n)
{
	int i;

	for (i = 0; i < n; i++)
		worker.turn.events[i].data.u32 = (uint32_t)i;
	worker.turn.n_events = n;
	worker.turn.at = 0;
	hq_gather_run(&worker);
	ck_assert_int_eq(n_waiting, 0);
}

static void
all_write(int n)
{
	int i;

	for (i = 0; i < n; i++)
		handlers[i].writes = 1;
}

START_TEST(those_who_are_there_share_one_commit_and_go_on_in_their_order)
{
	all_write(4);
	handle(4);
	ck_assert_str_eq(steps, "ABCD|DABC");
}
END_TEST

START_TEST(who_does_not_write_is_not_kept_waiting)
{
	handlers[0].writes = handlers[2].writes = 1;
	handle(4);
	ck_assert_str_eq(steps, "ABCD|AC");
}
END_TEST

START_TEST(who_is_alone_is_committed_at_once)
{
	handlers[2].writes = 1;
	handle(3);
	ck_assert_str_eq(steps, "ABC|C");
	ck_assert_int_eq(worker.turn.n_all, 0); /* on the worker's own stack */
}
END_TEST

START_TEST(who_writes_again_is_committed_again)
{
	all_write(3);
	handlers[1].writes = 2;
	handle(3);
	ck_assert_str_eq(steps, "ABC|CAB|B");
}
END_TEST

START_TEST(a_commit_takes_no_more_writes_than_it_may)
{
	all_write(HQ_SERVE_EVENTS_MAX);
	handle(HQ_GATHER_MAX + 8);
	ck_assert_int_eq(n_groups, 2);
	ck_assert_int_eq(groups[0], HQ_GATHER_MAX);
	ck_assert_int_eq(groups[1], 8);
	ck_assert_int_lt(worker.turn.n_all, HQ_GATHER_MAX);
}
END_TEST

START_TEST(a_body_that_is_too_large_with_the_others_ends_the_group)
{
	int i;

	all_write(8);
	for (i = 0; i < 8; i++)
		handlers[i].body_bytes = HQ_GATHER_BYTES / 3;
	handle(8);
	ck_assert_int_eq(n_groups, 2);
	ck_assert_int_eq(groups[0], 4);
	ck_assert_int_eq(groups[1], 4);
}
END_TEST

START_TEST(a_body_that_is_too_large_by_itself_is_committed_with_those_before_it)
{
	all_write(5);
	handlers[2].body_bytes = HQ_GATHER_BYTES + 1;
	handle(5);
	ck_assert_int_eq(n_groups, 2);
	ck_assert_int_eq(groups[0], 3);
	ck_assert_int_eq(groups[1], 2);
}
END_TEST

START_TEST(
    when_the_first_has_waited_long_enough_nobody_is_handled_before_the_commit)
{
	handlers[0].writes = handlers[1].writes = handlers[5].writes = 1;
	handlers[2].takes_ms = HQ_GATHER_MS - 1;
	handlers[3].takes_ms = 1;
	handle(6);
	ck_assert_str_eq(steps, "ABCD|ABEF|F");
}
END_TEST

START_TEST(the_time_is_that_of_the_first_and_begins_anew_with_the_next_group)
{
	int i;

	all_write(4);
	for (i = 0; i < 4; i++)
		handlers[i].takes_ms = HQ_GATHER_MS - 1;
	handle(4);
	ck_assert_str_eq(steps, "ABC|CABD|D");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gather");
	TCase *t = tcase_create("groups");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    those_who_are_there_share_one_commit_and_go_on_in_their_order);
	tcase_add_test(t, who_does_not_write_is_not_kept_waiting);
	tcase_add_test(t, who_is_alone_is_committed_at_once);
	tcase_add_test(t, who_writes_again_is_committed_again);
	tcase_add_test(t, a_commit_takes_no_more_writes_than_it_may);
	tcase_add_test(t,
	    a_body_that_is_too_large_with_the_others_ends_the_group);
	tcase_add_test(t,
	    a_body_that_is_too_large_by_itself_is_committed_with_those_before_it);
	tcase_add_test(t,
	    when_the_first_has_waited_long_enough_nobody_is_handled_before_the_commit);
	tcase_add_test(t,
	    the_time_is_that_of_the_first_and_begins_anew_with_the_next_group);
	suite_add_tcase(s, t);
	return run_suite(s);
}

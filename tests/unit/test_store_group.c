/*
 * Writes of several that share a commit.
 */
#include <signal.h>
#include <sys/resource.h>

#include "base/fiber.h"
#include "store/internal.h"
#include "storetest.h"

enum { MEMBERS_MAX = 3 };

/* Who writes in a group, each on a stack of its own. */
static struct party {
	struct hq_fiber *own, *now;
	size_t n;
	struct guest {
		hq_tx_fn *fn;
		const char *id;
		struct hq_fiber *stack;
		enum hq_rc rc;
		struct hq_err err;
		bool over;
	} v[MEMBERS_MAX];
} party;

static void
back(void *arg)
{
	struct hq_fiber *from = party.now;

	(void)arg;
	party.now = party.own;
	hq_fiber_switch(from, party.own);
}

static void
visit(struct guest *g)
{
	party.now = g->stack;
	hq_fiber_switch(party.own, g->stack);
}

static void
write_as_guest(void *arg)
{
	struct guest *g = arg;

	g->rc = hq_db_tx(db, g->fn, name_of(g->id), &g->err);
	g->over = true;
	for (;;)
		back(NULL);
}

static void
invite(hq_tx_fn *fn, const char *id)
{
	struct guest *g = &party.v[party.n++];

	*g = (struct guest){ .fn = fn, .id = id };
	g->stack = hq_fiber_new(write_as_guest, g);
	ck_assert_ptr_nonnull(g->stack);
	visit(g);
	ck_assert(!g->over);
}

static void
group_open(void)
{
	setup();
	party = (struct party){ .own = hq_fiber_here() };
	hq_db_gather(db, back, NULL);
}

static void
group_close(void)
{
	while (party.n > 0)
		hq_fiber_free(party.v[--party.n].stack);
	hq_fiber_free(party.own);
	teardown();
}

static void
group_commit(void)
{
	size_t i;

	hq_db_flush(db);
	for (i = 0; i < party.n; i++) {
		ck_assert(!party.v[i].over);
		visit(&party.v[i]);
		ck_assert(party.v[i].over);
	}
}

START_TEST(nothing_of_a_group_is_there_before_it_is_committed)
{
	invite(add_one, "a");
	invite(add_one, "b");
	ck_assert(!has("a"));
	ck_assert(!hq_db_in_tx(db));
	group_commit();
	ck_hq_ok(party.v[0].rc);
	ck_hq_ok(party.v[1].rc);
	ck_assert(has("a"));
	ck_assert(has("b"));
}
END_TEST

START_TEST(a_member_that_fails_undoes_its_own_writes_alone)
{
	invite(add_one, "a");
	invite(add_and_fail, "b");
	invite(add_one, "c");
	group_commit();
	ck_hq_ok(party.v[0].rc);
	ck_assert_int_eq(party.v[1].rc, HQ_E_NOT_FOUND);
	ck_assert_str_eq(party.v[1].err.msg, "changed my mind");
	ck_hq_ok(party.v[2].rc);
	ck_assert(has("a"));
	ck_assert(!has("b"));
	ck_assert(has("c"));
}
END_TEST

START_TEST(a_member_sees_what_those_before_it_wrote)
{
	invite(add_one, "a");
	invite(add_one, "a");
	group_commit();
	ck_hq_ok(party.v[0].rc);
	ck_assert_int_eq(party.v[1].rc, HQ_E_CONFLICT);
}
END_TEST

/* As long as a group may last. */
static enum hq_rc
add_slowly(void *arg, struct hq_err *e)
{
	int64_t end_ms = hq_mono_ms(hq_env_system()) + HQ_GROUP_MS;

	while (hq_mono_ms(hq_env_system()) < end_ms)
		;
	return add_one(arg, e);
}

/* Fails unless another connection sees "first". */
static enum hq_rc
add_after_first(void *arg, struct hq_err *e)
{
	struct hq_db_opts o = opts();
	struct hq_db *mine = db, *other;
	bool seen;

	o.migrate = o.checkpointer = false;
	o.read_only = true;
	HQ_TRY(hq_db_open(&o, &other, e));
	db = other;
	seen = has("first");
	db = mine;
	hq_db_close(other);
	if (!seen)
		return HQ_FAIL(e, NOT_FOUND, "not yet");
	return add_one(arg, e);
}

START_TEST(a_group_that_has_taken_its_time_is_committed_before_the_next_member)
{
	invite(add_slowly, "first");
	invite(add_after_first, "second");
	group_commit();
	ck_hq_ok(party.v[0].rc);
	ck_assert_msg(party.v[1].rc == HQ_OK, "%s", party.v[1].err.msg);
	ck_assert(has("second"));
}
END_TEST

START_TEST(a_group_that_cannot_be_committed_fails_all_that_rests_on_it)
{
	const struct rlimit small = { 60000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	invite(add_and_fail, "early");
	invite(fill, "big");
	invite(add_and_fail, "late");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	group_commit();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_int_eq(party.v[0].rc, HQ_E_NOT_FOUND);
	ck_assert_int_eq(party.v[1].rc, HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_int_eq(party.v[2].rc, HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert(hq_db_is_broken(db));
	ck_assert(!has("big"));
}
END_TEST

START_TEST(a_group_is_refused_whole_while_the_log_is_over_its_limit)
{
	struct hq_db_opts o = opts();

	hq_db_close(db);
	o.wal_max_bytes = 100000;
	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_hq_ok(in_tx(fill, "big"));
	hq_db_gather(db, back, NULL);
	invite(add_one, "a");
	invite(add_one, "b");
	group_commit();
	ck_assert_int_eq(party.v[0].rc, HQ_E_SERVICE_UNAVAILABLE);
	ck_assert_int_eq(party.v[1].rc, HQ_E_SERVICE_UNAVAILABLE);
	ck_assert(!has("a"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_group");
	TCase *t = tcase_create("groups");

	tcase_add_checked_fixture(t, group_open, group_close);
	tcase_add_test(t, nothing_of_a_group_is_there_before_it_is_committed);
	tcase_add_test(t, a_member_that_fails_undoes_its_own_writes_alone);
	tcase_add_test(t, a_member_sees_what_those_before_it_wrote);
	tcase_add_test(t,
	    a_group_that_has_taken_its_time_is_committed_before_the_next_member);
	tcase_add_test(t,
	    a_group_that_cannot_be_committed_fails_all_that_rests_on_it);
	tcase_add_test(t,
	    a_group_is_refused_whole_while_the_log_is_over_its_limit);
	suite_add_tcase(s, t);
	return run_suite(s);
}

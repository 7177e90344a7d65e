/*
 * When a worker makes its tables anew: its clock stands still, and who is
 * switched on is said by the test.
 */
#include "domain/state/state.h"
#include "fcgi/surface.h"
#include "test_store_dir.h"

enum { PLUGINS = 3 };

static const struct hq_module *const modules[] = { &hq_state_store, NULL };
static struct hq_composed rows[PLUGINS];
static struct hq_proc procs[PLUGINS];
static struct fake_env clock;
static const struct hq_env env = FAKE_ENV(&clock);
static struct hq_host host;
static struct hq_surface_cache *cache;

static bool on[PLUGINS];
static int asked;   /* for a switch, since the worker began */
static int fail_at; /* that question fails; 0: none */

/* In the place of host.c's. */
enum hq_rc
hq_host_is_on(struct hq_host *h, const struct hq_composed *plugin,
    struct hq_arena *scratch, bool *ret, struct hq_err *e)
{
	(void)h;
	(void)scratch;
	if (++asked == fail_at)
		return HQ_FAIL(e, SERVICE_UNAVAILABLE, "not now");
	*ret = on[plugin - rows];
	return HQ_OK;
}

bool
hq_host_is_get(const struct hq_http_req *req, const char *at)
{
	(void)req;
	(void)at;
	return false;
}

static struct hq_db *
store_open(void)
{
	struct hq_db_opts o = { .path = path,
		.modules = modules,
		.migrate = true,
		.write_wait_ms = 2000 };
	struct hq_db *db;

	ck_hq_ok(hq_db_open(&o, &db, &err));
	return db;
}

static void
setup(void)
{
	size_t i;

	dir_open();
	clock.now_ms = 1000;
	asked = fail_at = 0;
	for (i = 0; i < PLUGINS; i++) {
		on[i] = true;
		rows[i].capability = "t";
		procs[i] = (struct hq_proc){ .name = "t.x",
			.method = "GET",
			.path = hq_arena_printf(arena, "/%zu", i),
			.from = &rows[i] };
	}
	host = (struct hq_host){ .arena = arena,
		.env = &env,
		.db = store_open(),
		.procs = { procs, PLUGINS },
		.in_hand = 1 };
	cache = hq_surface_cache_new(&host, "T", "/t");
}

static void
teardown(void)
{
	hq_surface_cache_free(cache);
	hq_db_close(host.db);
	dir_close();
}

/* Somebody throws a switch: the store is another then. */
static void
throw_switch(size_t i, bool to)
{
	struct hq_db *other = store_open();

	on[i] = to;
	ck_hq_ok(
	    hq_state_set(other, &env, arena, rows[i].capability, to, &err));
	hq_db_close(other);
}

/* How many procedures are served now; -1 if that could not be found out. */
static int
served(void)
{
	const struct hq_surface *s;

	if (hq_surface_get(cache, &s, &err) != HQ_OK)
		return -1;
	return (int)s->procs.n;
}

static void
wait_for_the_next_look(void)
{
	clock.now_ms += HQ_SURFACE_LOOK_MS;
}

START_TEST(a_first_look_that_fails_is_made_again_by_the_next_request)
{
	fail_at = 1 + _i;
	ck_assert_int_eq(served(), -1);
	ck_assert_int_eq(err.code, HQ_E_SERVICE_UNAVAILABLE);
	ck_assert_int_eq(served(), PLUGINS);
}
END_TEST

START_TEST(a_look_that_fails_half_way_loses_no_switch)
{
	ck_assert_int_eq(served(), PLUGINS);
	throw_switch((size_t)_i, false);
	wait_for_the_next_look();
	fail_at = asked + PLUGINS; /* the last of them */
	ck_assert_int_eq(served(), -1);
	ck_assert_int_eq(served(), PLUGINS - 1);
}
END_TEST

START_TEST(a_switch_is_seen_at_the_next_look_and_not_before)
{
	ck_assert_int_eq(served(), PLUGINS);
	throw_switch(1, false);
	clock.now_ms += HQ_SURFACE_LOOK_MS - 1;
	ck_assert_int_eq(served(), PLUGINS);
	ck_assert_int_eq(asked, PLUGINS);
	clock.now_ms++;
	ck_assert_int_eq(served(), PLUGINS - 1);
	throw_switch(1, true);
	wait_for_the_next_look();
	ck_assert_int_eq(served(), PLUGINS);
}
END_TEST

START_TEST(while_nobody_writes_no_switch_is_read)
{
	ck_assert_int_eq(served(), PLUGINS);
	wait_for_the_next_look();
	ck_assert_int_eq(served(), PLUGINS);
	ck_assert_int_eq(asked, PLUGINS);
}
END_TEST

START_TEST(tables_that_another_request_may_hold_stay_until_it_is_answered)
{
	const struct hq_surface *held;

	ck_hq_ok(hq_surface_get(cache, &held, &err));
	throw_switch(1, false);
	wait_for_the_next_look();
	host.in_hand = 2;
	ck_assert_int_eq(served(), PLUGINS);
	ck_assert_str_eq(held->procs.v[1].path, "/1");
	host.in_hand = 1;
	ck_assert_int_eq(served(), PLUGINS - 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("surface");
	TCase *t = tcase_create("looks");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t,
	    a_first_look_that_fails_is_made_again_by_the_next_request, 0,
	    PLUGINS);
	tcase_add_loop_test(t, a_look_that_fails_half_way_loses_no_switch, 0,
	    PLUGINS - 1);
	tcase_add_test(t, a_switch_is_seen_at_the_next_look_and_not_before);
	tcase_add_test(t, while_nobody_writes_no_switch_is_read);
	tcase_add_test(t,
	    tables_that_another_request_may_hold_stay_until_it_is_answered);
	suite_add_tcase(s, t);
	return run_suite(s);
}

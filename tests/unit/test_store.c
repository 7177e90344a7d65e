#include <signal.h>
#include <sys/resource.h>

#include "base/fiber.h"
#include "store/admin.h"
#include "store/internal.h"
#include "test_store_dir.h"

enum {
	Q_ADD,
	Q_GET,
	Q_ALL,
	Q_SWAPPED,
	Q_RETURNING,
	Q_ADD_CHILD,
	Q_FILL,
	Q__MAX
};

static const char *const item_migrations[] = {
	"CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER, b BLOB);"
	"CREATE TABLE child (id TEXT REFERENCES item (id))",
	NULL,
};
static const char *const item_sql[Q__MAX + 1] = {
	[Q_ADD] = "INSERT INTO item (id, n, b) VALUES ($1, $2, $3)",
	[Q_GET] = "SELECT id, n, b FROM item WHERE id = $1",
	[Q_ALL] = "SELECT id FROM item ORDER BY id",
	[Q_SWAPPED] = "SELECT $2, $1, $2",
	[Q_RETURNING] = "UPDATE item SET n = n + 1 WHERE id = $1 RETURNING n",
	[Q_ADD_CHILD] = "INSERT INTO child (id) VALUES ($1)",
	[Q_FILL] = "INSERT INTO item (id, b) VALUES ($1, zeroblob($2))",
};
static const struct hq_module item = { "item", item_migrations, item_sql };
static const struct hq_module *const modules[] = { &item, &item, NULL };

static struct hq_db *db;

static struct hq_db_opts
opts(void)
{
	return (struct hq_db_opts){ .path = path,
		.modules = modules,
		.migrate = true,
		.checkpointer = true,
		.write_wait_ms = 2000 };
}

static void
setup(void)
{
	struct hq_db_opts o = opts();

	dir_open();
	ck_hq_ok(hq_db_open(&o, &db, &err));
}

static void
teardown(void)
{
	hq_db_close(db);
	dir_close();
}

/* ------------------------------------------------- transaction bodies -- */

static enum hq_rc
add(const char *id, int64_t n, struct hq_err *e)
{
	return hq_exec(db, &item, Q_ADD,
	    HQ_BIND(hq_text(id), hq_i64(n), hq_null()), NULL, e);
}

static enum hq_rc
add_one(void *arg, struct hq_err *e)
{
	return add(arg, 1, e);
}

/* A transaction's argument is not const. */
static char *
name_of(const char *id)
{
	return hq_arena_printf(arena, "%s", id);
}

static enum hq_rc
in_tx(hq_tx_fn *fn, const char *id)
{
	return hq_db_tx(db, fn, name_of(id), &err);
}

static enum hq_rc
add_and_fail(void *arg, struct hq_err *e)
{
	HQ_TRY(add(arg, 1, e));
	return HQ_FAIL(e, NOT_FOUND, "changed my mind");
}

static enum hq_rc
add_and_suspend(void *arg, struct hq_err *e)
{
	HQ_TRY(add(arg, 1, e));
	return HQ_SUSPEND;
}

static enum hq_rc
add_child(void *arg, struct hq_err *e)
{
	return hq_exec(db, &item, Q_ADD_CHILD, HQ_BIND(hq_text(arg)), NULL, e);
}

static enum hq_rc
nested(void *arg, struct hq_err *e)
{
	return hq_db_tx(db, add_one, arg, e);
}

static bool
has(const char *id)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_GET, HQ_BIND(hq_text(id)), &c, &err));
	return hq_cursor_next(&c);
}

/* ---------------------------------------------------------------- tests -- */

START_TEST(parameters_go_by_their_number_not_by_their_place)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_SWAPPED, HQ_BIND(hq_i64(1), hq_i64(2)),
	    &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert_int_eq(hq_cursor_i64(&c, 0), 2);
	ck_assert_int_eq(hq_cursor_i64(&c, 1), 1);
	ck_assert_int_eq(hq_cursor_i64(&c, 2), 2);
}
END_TEST

static const char *const bad_statements[] = {
	"SELECT $1, $3",
	"SELECT ?1",
	"SELECT $0",
	"SELECT $a",
	"SELECT 1; SELECT 2",
	"SELECT nothing FROM nowhere",
	"SELECT \"text\"",
	"",
};

START_TEST(a_statement_that_is_not_in_order_stops_the_opening)
{
	const char *const sql[] = { bad_statements[_i], NULL };
	const char *const none[] = { NULL };
	const struct hq_module bad = { "bad", none, sql };
	const struct hq_module *const list[] = { &bad, NULL };
	struct hq_db_opts o = opts();
	struct hq_db *other;

	o.modules = list;
	ck_assert_int_eq(hq_db_open(&o, &other, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

static int
n_prepared(void)
{
	sqlite3_stmt *st = NULL;
	int n = 0;

	while ((st = sqlite3_next_stmt(db->h, st)) != NULL)
		n++;
	return n;
}

START_TEST(a_connection_keeps_those_statements_that_it_has_used)
{
	ck_assert_int_eq(n_prepared(), HQ_CTL__MAX);
	ck_assert(!has("k"));
	ck_assert_int_eq(n_prepared(), HQ_CTL__MAX + 1);
	ck_assert(!has("k"));
	ck_assert_int_eq(n_prepared(), HQ_CTL__MAX + 1);
}
END_TEST

static enum hq_rc
add_typed(void *arg, struct hq_err *e)
{
	const struct hq_val blob = { .type = HQ_VAL_BLOB, .i = 3, .s = "a\0b" };

	(void)arg;
	return hq_exec(db, &item, Q_ADD,
	    HQ_BIND(hq_text("k"), hq_i64(INT64_MIN), blob), NULL, e);
}

START_TEST(values_come_back_as_they_went_in)
{
	const char *blob;
	size_t n;
	HQ_CURSOR(c);

	ck_hq_ok(hq_db_tx(db, add_typed, NULL, &err));
	ck_hq_ok(hq_query(db, &item, Q_GET, HQ_BIND(hq_text("k")), &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert_str_eq(hq_cursor_text(&c, 0, arena), "k");
	ck_assert(hq_cursor_i64(&c, 1) == INT64_MIN);
	ck_assert(!hq_cursor_is_null(&c, 2));
	blob = hq_cursor_peek(&c, 2, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(blob, "a\0b", 3);
}
END_TEST

START_TEST(null_text_is_sql_null)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_SWAPPED,
	    HQ_BIND(hq_text(NULL), hq_text("")), &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert_ptr_null(hq_cursor_text(&c, 1, arena));
	ck_assert(hq_cursor_is_null(&c, 1));
	ck_assert_str_eq(hq_cursor_text(&c, 0, arena), "");
}
END_TEST

START_TEST(a_text_is_copied_whole_or_not_at_all)
{
	char out[4] = "-";
	HQ_CURSOR(c);

	ck_hq_ok(in_tx(add_one, "abc"));
	ck_hq_ok(hq_query(db, &item, Q_GET, HQ_BIND(hq_text("abc")), &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_assert(!hq_cursor_copy(&c, 0, out, 3));
	ck_assert(!hq_cursor_copy(&c, 2, out, sizeof(out))); /* NULL */
	ck_assert_str_eq(out, "-");
	ck_assert(hq_cursor_copy(&c, 0, out, sizeof(out)));
	ck_assert_str_eq(out, "abc");
}
END_TEST

START_TEST(a_finished_cursor_does_not_start_again)
{
	HQ_CURSOR(c);

	ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
	ck_assert(!hq_cursor_next(&c));
	ck_assert(!hq_cursor_next(&c));
	ck_hq_ok(hq_cursor_done(&c, &err));
}
END_TEST

START_TEST(a_transaction_that_says_ok_is_kept)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_transaction_that_fails_leaves_nothing)
{
	ck_assert_int_eq(in_tx(add_and_fail, "a"), HQ_E_NOT_FOUND);
	ck_assert_str_eq(err.msg, "changed my mind");
	ck_assert(!has("a"));
}
END_TEST

START_TEST(a_transaction_that_suspends_leaves_nothing)
{
	ck_assert_int_eq(in_tx(add_and_suspend, "a"), HQ_SUSPEND);
	ck_assert(!has("a"));
}
END_TEST

START_TEST(a_duplicate_key_is_a_conflict)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert_int_eq(in_tx(add_one, "a"), HQ_E_CONFLICT);
}
END_TEST

START_TEST(a_reference_to_nothing_is_a_conflict)
{
	ck_assert_int_eq(in_tx(add_child, "nobody"), HQ_E_CONFLICT);
}
END_TEST

static enum hq_rc
bump_twice(void *arg, struct hq_err *e)
{
	int64_t *ret = arg;
	int i;

	for (i = 0; i < 2; i++) {
		HQ_CURSOR(c);

		HQ_TRY(hq_query(db, &item, Q_RETURNING, HQ_BIND(hq_text("a")),
		    &c, e));
		if (!hq_cursor_next(&c))
			return hq_cursor_done(&c, e);
		*ret = hq_cursor_i64(&c, 0);
	}
	return HQ_OK;
}

START_TEST(a_returning_statement_gives_its_row_and_keeps_its_write)
{
	int64_t n = 0;

	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_db_tx(db, bump_twice, &n, &err));
	ck_assert_int_eq(n, 3);
}
END_TEST

START_TEST(a_write_outside_a_transaction_aborts)
{
	HQ_IGNORE(add("a", 1, &err));
}
END_TEST

START_TEST(a_transaction_within_a_transaction_aborts)
{
	HQ_IGNORE(in_tx(nested, "a"));
}
END_TEST

START_TEST(a_write_within_a_read_transaction_aborts)
{
	HQ_IGNORE(hq_db_read(db, add_one, name_of("a"), &err));
}
END_TEST

START_TEST(a_write_under_an_open_cursor_aborts)
{
	HQ_CURSOR(c);

	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
	ck_assert(hq_cursor_next(&c));
	HQ_IGNORE(in_tx(add_one, "b"));
}
END_TEST

START_TEST(an_open_cursor_is_an_open_transaction)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert(!hq_db_in_tx(db));
	{
		HQ_CURSOR(c);

		ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
		ck_assert(hq_cursor_next(&c));
		ck_assert(hq_db_in_tx(db));
	}
	ck_assert(!hq_db_in_tx(db));
}
END_TEST

struct look {
	struct hq_db *writer;
	bool before, after;
};

static enum hq_rc
write_between_looks(void *arg, struct hq_err *e)
{
	struct look *l = arg;
	struct hq_db *reader = db;
	enum hq_rc rc;

	l->before = has("b");
	db = l->writer;
	rc = hq_db_tx(db, add_one, name_of("b"), e);
	db = reader;
	l->after = has("b");
	return rc;
}

START_TEST(a_read_transaction_sees_one_moment)
{
	struct hq_db_opts o = opts();
	struct look l = { 0 };

	ck_hq_ok(hq_db_open(&o, &l.writer, &err));
	ck_hq_ok(hq_db_read(db, write_between_looks, &l, &err));
	ck_assert(!l.before);
	ck_assert(!l.after);
	ck_assert(has("b"));
	hq_db_close(l.writer);
}
END_TEST

/* --- a shared snapshot: db reads, another connection writes */

static struct hq_db *writer;

static void
shared_open(void)
{
	struct hq_db_opts o = opts();

	setup();
	ck_hq_ok(hq_db_open(&o, &writer, &err));
	hq_db_hold(db);
}

static void
shared_close(void)
{
	hq_db_release(db);
	hq_db_close(writer);
	teardown();
}

static void
other_adds(const char *id)
{
	struct hq_db *mine = db;

	db = writer;
	ck_hq_ok(in_tx(add_one, id));
	db = mine;
}

START_TEST(reads_share_one_snapshot_until_it_is_released)
{
	ck_assert(!has("a"));
	other_adds("a");
	ck_assert(!has("a"));
	hq_db_release(db);
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_shared_snapshot_begins_with_its_first_read)
{
	other_adds("a");
	ck_assert(has("a"));
}
END_TEST

START_TEST(a_write_ends_the_shared_snapshot)
{
	ck_assert(!has("a"));
	other_adds("a");
	ck_hq_ok(in_tx(add_one, "b"));
	ck_assert(has("a"));
	ck_assert(has("b"));
	other_adds("c");
	ck_assert(!has("c"));
}
END_TEST

static enum hq_rc
look_for(void *arg, struct hq_err *e)
{
	(void)e;
	return has(arg) ? HQ_OK : HQ_E_NOT_FOUND;
}

START_TEST(a_read_transaction_has_the_shared_snapshot)
{
	ck_assert(!has("a"));
	other_adds("a");
	ck_assert_int_eq(hq_db_read(db, look_for, name_of("a"), &err),
	    HQ_E_NOT_FOUND);
	ck_assert(!has("a"));
}
END_TEST

START_TEST(a_cursor_left_open_in_a_shared_snapshot_is_noticed)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert(has("a"));
	ck_assert(!hq_db_in_tx(db));
	{
		HQ_CURSOR(c);

		ck_hq_ok(hq_query(db, &item, Q_ALL, HQ_NO_BIND, &c, &err));
		ck_assert(hq_db_in_tx(db));
	}
	ck_assert(!hq_db_in_tx(db));
}
END_TEST

START_TEST(the_data_version_changes_when_another_connection_commits)
{
	struct hq_db_opts o = opts();
	struct hq_db *mine = db, *other;
	int64_t v0, v1, v2;

	ck_hq_ok(hq_db_open(&o, &other, &err));
	ck_hq_ok(hq_db_data_version(mine, &v0, &err));
	ck_hq_ok(hq_db_data_version(mine, &v1, &err));
	ck_assert_int_eq(v0, v1);
	db = other;
	ck_hq_ok(in_tx(add_one, "a"));
	db = mine;
	ck_hq_ok(hq_db_data_version(mine, &v2, &err));
	ck_assert_int_ne(v1, v2);
	hq_db_close(other);
}
END_TEST

static enum hq_rc
write_elsewhere(void *arg, struct hq_err *e)
{
	struct hq_db *mine = db;
	enum hq_rc *ret = arg, rc;
	struct hq_db_opts o = opts();

	o.write_wait_ms = 20;
	HQ_TRY(hq_db_open(&o, &db, e));
	*ret = rc = in_tx(add_one, "late");
	hq_db_close(db);
	db = mine;
	return rc;
}

START_TEST(a_writer_that_waited_in_vain_is_told_to_try_again)
{
	enum hq_rc inner = HQ_OK;

	HQ_IGNORE(hq_db_tx(db, write_elsewhere, &inner, &err));
	ck_assert_int_eq(inner, HQ_E_SERVICE_UNAVAILABLE);
	ck_assert(!has("late"));
}
END_TEST

static enum hq_rc
fill(void *arg, struct hq_err *e)
{
	return hq_exec(db, &item, Q_FILL, HQ_BIND(hq_text(arg), hq_i64(300000)),
	    NULL, e);
}

START_TEST(a_log_over_its_limit_refuses_writes_until_it_is_emptied)
{
	struct hq_db_opts o = opts();
	int64_t bytes = -1;

	hq_db_close(db);
	o.wal_max_bytes = 100000;
	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_hq_ok(in_tx(fill, "big"));
	ck_assert_int_eq(in_tx(add_one, "a"), HQ_E_SERVICE_UNAVAILABLE);
	ck_hq_ok(hq_db_checkpoint(db, true, &bytes, &err));
	ck_assert_int_eq(bytes, 0);
	ck_hq_ok(in_tx(add_one, "a"));
}
END_TEST

START_TEST(a_reader_in_the_way_leaves_the_log_for_later)
{
	struct hq_db_opts o = opts();
	struct hq_db *reader;
	int64_t bytes = 0;
	HQ_CURSOR(c);

	o.checkpointer = false;
	ck_hq_ok(hq_db_open(&o, &reader, &err));
	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_query(reader, &item, Q_ALL, HQ_NO_BIND, &c, &err));
	ck_assert(hq_cursor_next(&c));
	ck_hq_ok(in_tx(add_one, "b"));
	ck_hq_ok(hq_db_checkpoint(db, true, &bytes, &err));
	ck_assert_int_gt(bytes, 0);
	hq_cursor_close(&c);
	hq_db_close(reader);
}
END_TEST

/*
 * The file may not grow past what it has: pwrite fails with EFBIG, which SQLite
 * reports as a full disk or an I/O error, as where it happens decides.
 */
START_TEST(a_disk_that_fails_a_write_costs_the_transaction_and_no_more)
{
	const struct rlimit small = { 60000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_ne(in_tx(fill, "big"), HQ_OK);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert(has("a"));
	ck_assert(!has("big"));
}
END_TEST

START_TEST(after_a_commit_that_failed_half_way_nothing_is_written)
{
	const struct rlimit small = { 60000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(in_tx(fill, "big"), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_int_eq(in_tx(add_one, "a"), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "restart the process"));
}
END_TEST

START_TEST(a_read_only_connection_reads_a_live_store)
{
	struct hq_db_opts o = opts();
	struct hq_db *mine = db;

	ck_hq_ok(in_tx(add_one, "a"));
	o.migrate = o.checkpointer = false;
	o.read_only = true;
	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_assert(has("a"));
	hq_db_close(db);
	db = mine;
}
END_TEST

START_TEST(a_store_that_is_not_there_is_not_made_by_opening)
{
	struct hq_db_opts o = opts();
	struct hq_db *other;

	o.path = in_dir("other.db");
	o.migrate = false;
	ck_assert_int_eq(hq_db_open(&o, &other, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "run rawr db migrate"));
	ck_assert_int_ne(access(o.path, F_OK), 0);
}
END_TEST

START_TEST(a_symbolic_link_in_the_place_of_the_store_is_refused)
{
	struct hq_db_opts o = opts();
	struct hq_db *other;

	o.path = in_dir("link.db");
	ck_assert_int_eq(symlink(path, o.path), 0);
	ck_assert_int_eq(hq_db_open(&o, &other, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

START_TEST(a_symbolic_link_on_the_way_is_followed)
{
	struct hq_db_opts o = opts();
	struct hq_db *other;
	const char *link = in_dir("here");

	ck_assert_int_eq(symlink(dir, link), 0);
	o.path = in_dir("here/rawr.db");
	ck_hq_ok(hq_db_open(&o, &other, &err));
	hq_db_close(other);
}
END_TEST

START_TEST(nobody_else_may_read_the_files)
{
	static const char *const names[] = { "rawr.db", "rawr.db-wal",
		"rawr.db-shm", "rawr.db-lock" };
	struct stat st;

	ck_hq_ok(in_tx(add_one, "a"));
	ck_assert_int_eq(stat(in_dir(names[_i]), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_file_that_is_no_store_is_refused)
{
	struct hq_db_opts o = opts();
	struct hq_db *other;
	FILE *f;

	o.path = in_dir("noise.db");
	f = fopen(o.path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "%4096s", "not a database");
	(void)fclose(f);
	ck_assert_int_eq(hq_db_open(&o, &other, &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
}
END_TEST

/* -------------------------------------------------------------- backup -- */

START_TEST(a_backup_is_a_store_with_the_same_rows)
{
	struct hq_db_opts o = opts();

	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_db_backup(db, in_dir("copy.db"), &err));
	hq_db_close(db);
	o.path = in_dir("copy.db");
	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_assert(has("a"));
	ck_hq_ok(hq_db_check(db, &err));
}
END_TEST

START_TEST(a_backup_does_not_overwrite)
{
	ck_hq_ok(hq_db_backup(db, in_dir("copy.db"), &err));
	ck_assert_int_eq(hq_db_backup(db, in_dir("copy.db"), &err),
	    HQ_E_CONFLICT);
}
END_TEST

START_TEST(a_backup_that_cannot_be_made_leaves_nothing)
{
	ck_assert_int_eq(hq_db_backup(db, in_dir("no/copy.db"), &err),
	    HQ_E_INTERNAL_SERVER_ERROR);
}
END_TEST

START_TEST(a_sound_store_passes_the_check)
{
	ck_hq_ok(in_tx(add_one, "a"));
	ck_hq_ok(hq_db_check(db, &err));
}
END_TEST

START_TEST(a_store_with_a_spoilt_page_fails_the_check)
{
	struct hq_db_opts o = opts();
	int64_t bytes;
	FILE *f;
	int i;

	ck_hq_ok(in_tx(fill, "big"));
	ck_hq_ok(hq_db_checkpoint(db, true, &bytes, &err));
	hq_db_close(db);
	f = fopen(path, "r+");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 3 * 4096L, SEEK_SET), 0);
	for (i = 0; i < 4096; i++)
		(void)fputc(0x55, f);
	(void)fclose(f);
	ck_hq_ok(hq_db_open(&o, &db, &err));
	ck_assert_int_eq(hq_db_check(db, &err), HQ_E_INTERNAL_SERVER_ERROR);
	ck_assert_ptr_nonnull(strstr(err.msg, "damaged"));
}
END_TEST

/* ------------------------------------------------------------- groups -- */

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
	Suite *s = suite_create("store");
	TCase *q = tcase_create("queries");
	TCase *t = tcase_create("transactions");
	TCase *f = tcase_create("files");
	TCase *g = tcase_create("groups");
	TCase *h = tcase_create("shared snapshots");

	tcase_add_checked_fixture(q, setup, teardown);
	tcase_add_test(q, parameters_go_by_their_number_not_by_their_place);
	tcase_add_loop_test(q,
	    a_statement_that_is_not_in_order_stops_the_opening, 0,
	    (int)(sizeof(bad_statements) / sizeof(bad_statements[0])));
	tcase_add_test(q, a_connection_keeps_those_statements_that_it_has_used);
	tcase_add_test(q, values_come_back_as_they_went_in);
	tcase_add_test(q, null_text_is_sql_null);
	tcase_add_test(q, a_text_is_copied_whole_or_not_at_all);
	tcase_add_test(q, a_finished_cursor_does_not_start_again);
	tcase_add_test(q, an_open_cursor_is_an_open_transaction);
	suite_add_tcase(s, q);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_transaction_that_says_ok_is_kept);
	tcase_add_test(t, a_transaction_that_fails_leaves_nothing);
	tcase_add_test(t, a_transaction_that_suspends_leaves_nothing);
	tcase_add_test(t, a_duplicate_key_is_a_conflict);
	tcase_add_test(t, a_reference_to_nothing_is_a_conflict);
	tcase_add_test(t,
	    a_returning_statement_gives_its_row_and_keeps_its_write);
	tcase_add_test_raise_signal(t, a_write_outside_a_transaction_aborts,
	    SIGABRT);
	tcase_add_test_raise_signal(t,
	    a_transaction_within_a_transaction_aborts, SIGABRT);
	tcase_add_test_raise_signal(t, a_write_within_a_read_transaction_aborts,
	    SIGABRT);
	tcase_add_test_raise_signal(t, a_write_under_an_open_cursor_aborts,
	    SIGABRT);
	tcase_add_test(t, a_read_transaction_sees_one_moment);
	tcase_add_test(t,
	    the_data_version_changes_when_another_connection_commits);
	tcase_add_test(t, a_writer_that_waited_in_vain_is_told_to_try_again);
	tcase_add_test(t,
	    a_log_over_its_limit_refuses_writes_until_it_is_emptied);
	tcase_add_test(t, a_reader_in_the_way_leaves_the_log_for_later);
	tcase_add_test(t,
	    a_disk_that_fails_a_write_costs_the_transaction_and_no_more);
	tcase_add_test(t,
	    after_a_commit_that_failed_half_way_nothing_is_written);
	suite_add_tcase(s, t);

	tcase_add_checked_fixture(h, shared_open, shared_close);
	tcase_add_test(h, reads_share_one_snapshot_until_it_is_released);
	tcase_add_test(h, a_shared_snapshot_begins_with_its_first_read);
	tcase_add_test(h, a_write_ends_the_shared_snapshot);
	tcase_add_test(h, a_read_transaction_has_the_shared_snapshot);
	tcase_add_test(h, a_cursor_left_open_in_a_shared_snapshot_is_noticed);
	suite_add_tcase(s, h);

	tcase_add_checked_fixture(g, group_open, group_close);
	tcase_add_test(g, nothing_of_a_group_is_there_before_it_is_committed);
	tcase_add_test(g, a_member_that_fails_undoes_its_own_writes_alone);
	tcase_add_test(g, a_member_sees_what_those_before_it_wrote);
	tcase_add_test(g,
	    a_group_that_has_taken_its_time_is_committed_before_the_next_member);
	tcase_add_test(g,
	    a_group_that_cannot_be_committed_fails_all_that_rests_on_it);
	tcase_add_test(g,
	    a_group_is_refused_whole_while_the_log_is_over_its_limit);
	suite_add_tcase(s, g);

	tcase_add_checked_fixture(f, setup, teardown);
	tcase_add_test(f, a_read_only_connection_reads_a_live_store);
	tcase_add_test(f, a_store_that_is_not_there_is_not_made_by_opening);
	tcase_add_test(f, a_symbolic_link_in_the_place_of_the_store_is_refused);
	tcase_add_test(f, a_symbolic_link_on_the_way_is_followed);
	tcase_add_loop_test(f, nobody_else_may_read_the_files, 0, 4);
	tcase_add_test(f, a_file_that_is_no_store_is_refused);
	tcase_add_test(f, a_backup_is_a_store_with_the_same_rows);
	tcase_add_test(f, a_backup_does_not_overwrite);
	tcase_add_test(f, a_backup_that_cannot_be_made_leaves_nothing);
	tcase_add_test(f, a_sound_store_passes_the_check);
	tcase_add_test(f, a_store_with_a_spoilt_page_fails_the_check);
	suite_add_tcase(s, f);
	return run_suite(s);
}

/*
 * The files of a store: who may open them, backups, and the check.
 */
#include "store/admin.h"
#include "storetest.h"

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

int
main(void)
{
	Suite *s = suite_create("store_files");
	TCase *t = tcase_create("files");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_read_only_connection_reads_a_live_store);
	tcase_add_test(t, a_store_that_is_not_there_is_not_made_by_opening);
	tcase_add_test(t, a_symbolic_link_in_the_place_of_the_store_is_refused);
	tcase_add_test(t, a_symbolic_link_on_the_way_is_followed);
	tcase_add_loop_test(t, nobody_else_may_read_the_files, 0, 4);
	tcase_add_test(t, a_file_that_is_no_store_is_refused);
	tcase_add_test(t, a_backup_is_a_store_with_the_same_rows);
	tcase_add_test(t, a_backup_does_not_overwrite);
	tcase_add_test(t, a_backup_that_cannot_be_made_leaves_nothing);
	tcase_add_test(t, a_sound_store_passes_the_check);
	tcase_add_test(t, a_store_with_a_spoilt_page_fails_the_check);
	suite_add_tcase(s, t);
	return run_suite(s);
}

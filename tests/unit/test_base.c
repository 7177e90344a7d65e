#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/process.h"
#include "base/utf8.h"
#include "hqtest.h"

#define N_ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static char order[8];

static void
note(void *p)
{
	(void)strncat(order, (const char *)p, 1);
}

START_TEST(an_arena_gives_zeroed_aligned_memory_again_after_a_reset)
{
	unsigned char *p;
	size_t i, round;

	for (round = 0; round < 3; round++) {
		ck_assert_ptr_nonnull(hq_arena_copy(arena, "x", 1));
		p = HQ_NEW(arena, unsigned char, 1000);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		for (i = 0; i < 1000; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, 1000);
		hq_arena_reset(arena);
	}
}
END_TEST

START_TEST(an_arena_refuses_more_than_its_limit_until_reset)
{
	struct hq_arena *a = hq_arena_new(40000);

	ck_assert_ptr_nonnull(hq_arena_alloc(a, 1, 1000));
	ck_assert_ptr_null(hq_arena_alloc(a, 1, 40000));
	ck_assert_ptr_null(hq_arena_alloc(a, 1, 1));
	ck_assert(!hq_arena_ok(a));
	hq_arena_reset(a);
	ck_assert(hq_arena_ok(a));
	ck_assert_ptr_nonnull(hq_arena_alloc(a, 1, 1));
	ck_assert_ptr_null(hq_arena_alloc(a, SIZE_MAX, 16));
	hq_arena_free(a);
}
END_TEST

/* Below its limit, and more than any machine has. */
START_TEST(an_arena_that_gets_no_memory_aborts)
{
	struct hq_arena *a = hq_arena_new(SIZE_MAX / 2);

	(void)!hq_arena_alloc(a, 1, (size_t)1 << 50);
}
END_TEST

START_TEST(a_small_arena_serves_small_requests)
{
	struct hq_arena *a = hq_arena_new(200);

	ck_assert_ptr_nonnull(hq_arena_alloc(a, 1, 100));
	ck_assert_ptr_null(hq_arena_alloc(a, 1, 200));
	hq_arena_free(a);
}
END_TEST

START_TEST(deferred_calls_run_newest_first_and_once)
{
	static char one[] = "1", two[] = "2";

	ck_hq_ok(hq_arena_defer(arena, note, one, &err));
	ck_hq_ok(hq_arena_defer(arena, note, two, &err));
	hq_arena_reset(arena);
	hq_arena_reset(arena);
	ck_assert_str_eq(order, "21");
}
END_TEST

START_TEST(a_call_that_cannot_be_deferred_runs_at_once)
{
	static char one[] = "1";
	struct hq_arena *a = hq_arena_new(8);

	ck_assert_int_eq(hq_arena_defer(a, note, one, &err),
	    HQ_E_PAYLOAD_TOO_LARGE);
	ck_assert_str_eq(order, "1");
	hq_arena_free(a);
	ck_assert_str_eq(order, "1");
}
END_TEST

START_TEST(a_buffer_holds_what_was_put_whatever_stands_beside_it)
{
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, _i == 0 ? arena : NULL);
	for (i = 0; i < 100000; i++) {
		hq_buf_putc(&b, (char)('a' + i % 26));
		if (i % 9973 == 0)
			ck_assert_ptr_nonnull(hq_arena_alloc(arena, 1, 100));
	}
	ck_assert_uint_eq(b.n, 100000);
	for (i = 0; i < 100000; i++)
		ck_assert_int_eq(hq_buf_str(&b)[i], (char)('a' + i % 26));
	ck_assert_int_eq(b.p[b.n], '\0');
	hq_buf_done(&b);
}
END_TEST

START_TEST(a_buffer_past_the_arenas_limit_is_empty)
{
	struct hq_arena *a = hq_arena_new(20000);
	struct hq_buf b;
	int i;

	hq_buf_init(&b, a);
	for (i = 0; i < 30000; i++)
		hq_buf_puts(&b, "x");
	ck_assert_str_eq(hq_buf_str(&b), "");
	ck_assert_uint_eq(b.n, 0);
	ck_assert(!hq_arena_ok(a));
	hq_arena_free(a);
}
END_TEST

START_TEST(a_buffer_grows_to_half_of_its_arena)
{
	struct hq_arena *a = hq_arena_new((size_t)1 << 20);
	struct hq_buf b;
	int i;

	hq_buf_init(&b, a);
	for (i = 0; i < 500000; i++)
		hq_buf_putc(&b, 'x');
	ck_assert(hq_arena_ok(a));
	ck_assert_uint_eq(strlen(hq_buf_str(&b)), 500000);
	hq_arena_free(a);
}
END_TEST

START_TEST(printf_into_a_buffer_appends)
{
	struct hq_buf b;

	hq_buf_init(&b, arena);
	hq_buf_printf(&b, "%d-", 7);
	hq_buf_printf(&b, "%0600d", 1);
	ck_assert_uint_eq(b.n, 602);
	ck_assert_int_eq(strncmp(b.p, "7-000", 5), 0);
	hq_buf_clear(&b);
	ck_assert_str_eq(hq_buf_str(&b), "");
}
END_TEST

START_TEST(a_failure_carries_its_codes_name_and_status)
{
	ck_assert_int_eq(HQ_FAIL(&err, NOT_FOUND, "no run %s", "r1"),
	    HQ_E_NOT_FOUND);
	ck_assert_str_eq(err.name, "NOT_FOUND");
	ck_assert_int_eq(err.status, 404);
	ck_assert_str_eq(err.msg, "no run r1");
	ck_assert_ptr_nonnull(strstr(err.where, "test_base.c:"));
	ck_assert_str_eq(hq_rc_text(HQ_E_NOT_FOUND), "Not Found");
}
END_TEST

START_TEST(a_declared_failure_leaves_the_status_to_its_contract)
{
	ck_assert_int_eq(HQ_FAIL_DECLARED(&err, "RUN_GONE", NULL, "gone"),
	    HQ_E_DECLARED);
	ck_assert_str_eq(err.name, "RUN_GONE");
	ck_assert_int_eq(err.status, 0);
}
END_TEST

START_TEST(a_failure_may_quote_the_failure_it_replaces)
{
	HQ_IGNORE(HQ_FAIL(&err, NOT_FOUND, "inner"));
	HQ_IGNORE(HQ_FAIL(&err, BAD_GATEWAY, "outer: %s", err.msg));
	ck_assert_str_eq(err.msg, "outer: inner");
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
	char text[400];
	size_t i, n;
	bool ok;

	memset(text, 'x', (size_t)_i);
	for (i = (size_t)_i; i + 4 < sizeof(text); i += 4)
		memcpy(text + i, "\xf0\x9f\x98\x80", 4);
	text[i] = '\0';
	HQ_IGNORE(HQ_FAIL(&err, BAD_REQUEST, "%s", text));
	for (i = 0; err.msg[i] != '\0'; i += n) {
		n = hq_utf8_next(err.msg + i, strlen(err.msg + i), &ok);
		ck_assert(ok);
	}
	ck_assert_uint_ge(strlen(err.msg), HQ_ERR_MSG_BYTES - 4);
}
END_TEST

START_TEST(a_bug_aborts)
{
	HQ_ASSERT(err.code == HQ_E_DECLARED);
}
END_TEST

START_TEST(a_ulid_is_time_then_randomness)
{
	struct fake_env f = { .now_ms = 1743130137367 };
	const struct hq_env env = FAKE_ENV(&f);
	char id[HQ_ULID_BYTES];

	hq_ulid(&env, id);
	ck_assert_str_eq(id, "01JQDAE4RQ000G40R40M30E209");
	f.next = 0xff;
	f.now_ms = 0;
	hq_ulid(&env, id);
	ck_assert_str_eq(id, "0000000000ZW0020G30G2GC1R8");
}
END_TEST

START_TEST(a_stamped_id_is_prefix_time_and_eight_characters)
{
	struct fake_env f = { .now_ms = 1795435098000 };
	const struct hq_env env = FAKE_ENV(&f);
	const char *id = hq_stamped_id(&env, arena, "run");

	ck_assert_int_eq(strncmp(id, "run-1795435098000-", 18), 0);
	ck_assert_uint_eq(strlen(id), 26);
	ck_assert_uint_eq(strspn(id + 18,
			      "0123456789"
			      "abcdefghijklmnopqrstuvwxyz"),
	    8);
}
END_TEST

START_TEST(random_hex_has_two_digits_a_byte)
{
	struct fake_env f = { .next = 0xfe };
	const struct hq_env env = FAKE_ENV(&f);

	ck_assert_str_eq(hq_random_hex(&env, arena, 4), "feff0001");
}
END_TEST

/* What is drawn ahead must not be drawn by a child again. */
START_TEST(a_child_has_randomness_of_its_own)
{
	const struct hq_env *env = hq_env_system();
	unsigned char ours[16], theirs[16];
	int fds[2], status;
	pid_t child;

	env->random(env->ctx, ours, sizeof(ours));
	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		env->random(env->ctx, theirs, sizeof(theirs));
		_exit(write(fds[1], theirs, sizeof(theirs)) !=
		    (ssize_t)sizeof(theirs));
	}
	env->random(env->ctx, ours, sizeof(ours));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(fds[0], theirs, sizeof(theirs)),
	    (ssize_t)sizeof(theirs));
	ck_assert_mem_ne(ours, theirs, sizeof(ours));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(the_system_has_time_and_randomness)
{
	const struct hq_env *env = hq_env_system();
	char a[HQ_ULID_BYTES], b[HQ_ULID_BYTES];

	hq_ulid(env, a);
	hq_ulid(env, b);
	ck_assert_str_ne(a, b);
	ck_assert_int_gt(hq_now_ms(env), INT64_C(1700000000000));
	ck_assert_int_gt(hq_mono_ms(env), 0);
}
END_TEST

static const struct {
	int64_t ms;
	const char *iso;
} times[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ 1, "1970-01-01T00:00:00.001Z" },
	{ -1, "1969-12-31T23:59:59.999Z" },
	{ 1795433032592, "2026-11-23T11:23:52.592Z" },
	{ 951782400000, "2000-02-29T00:00:00.000Z" },
	{ 4107542399999, "2100-02-28T23:59:59.999Z" },
	{ -62167219200000, "0000-01-01T00:00:00.000Z" },
	{ 253402300799999, "9999-12-31T23:59:59.999Z" },
};

START_TEST(a_time_survives_its_text)
{
	char iso[HQ_ISO_BYTES];
	int64_t ms;

	hq_iso_from_ms(times[_i].ms, iso);
	ck_assert_str_eq(iso, times[_i].iso);
	ck_assert(hq_iso_to_ms(iso, &ms));
	ck_assert_int_eq(ms, times[_i].ms);
}
END_TEST

static const struct {
	const char *iso;
	bool ok;
	int64_t ms;
} isos[] = {
	{ "1970-01-01T00:00:01Z", true, 1000 },
	{ "1970-01-01t00:00:01z", true, 1000 },
	{ "1970-01-01T00:00:00.5Z", true, 500 },
	{ "1970-01-01T00:00:00.123999Z", true, 123 },
	{ "1970-01-01T01:00:00+01:00", true, 0 },
	{ "1970-01-01T00:00:00-00:30", true, 1800000 },
	{ "2024-02-29T00:00:00Z", true, 1709164800000 },
	{ "2023-02-29T00:00:00Z", false, 0 },
	{ "2023-04-31T00:00:00Z", false, 0 },
	{ "2023-13-01T00:00:00Z", false, 0 },
	{ "2023-00-01T00:00:00Z", false, 0 },
	{ "2023-01-00T00:00:00Z", false, 0 },
	{ "2023-01-01T24:00:00Z", false, 0 },
	{ "2023-01-01T00:60:00Z", false, 0 },
	{ "2023-01-01T00:00:60Z", false, 0 },
	{ "2023-01-01T00:00:00", false, 0 },
	{ "2023-01-01T00:00:00.Z", false, 0 },
	{ "2023-01-01T00:00:00+0100", false, 0 },
	{ "2023-01-01T00:00:00Zx", false, 0 },
	{ "2023-01-01 00:00:00Z", false, 0 },
	{ "2023-01-01", false, 0 },
	{ "20", false, 0 },
	{ "", false, 0 },
};

START_TEST(a_time_is_read_as_rfc_3339_says)
{
	int64_t ms = 0;

	ck_assert_int_eq(hq_iso_to_ms(isos[_i].iso, &ms), isos[_i].ok);
	ck_assert_int_eq(ms, isos[_i].ms);
}
END_TEST

/* Inngest protocol, step ids. */
static const struct {
	const char *text, *hex;
} hashes[] = {
	{ "a", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" },
	{ "loop", "1df823e482339eb6067f4134408b0b8b28411a78" },
	{ "loop:1", "a0cb75f0a464ed6731caadd18aa9932daf00bb50" },
	{ "loop:2", "dd014976323740b5623326fd7169be3055c1b536" },
	{ "my step", "df13e8fffda04ebc9ab6528b18233769616665cf" },
	{ "complete", "0737c22d3bfae812339732d14d8c7dbd6dc4e09c" },
};

START_TEST(a_step_is_named_by_its_sha1)
{
	char hex[HQ_SHA1_HEX_BYTES];

	hq_sha1_hex(hashes[_i].text, strlen(hashes[_i].text), hex);
	ck_assert_str_eq(hex, hashes[_i].hex);
}
END_TEST

static const struct {
	const char *bytes;
	size_t n;
	bool ok;
} sequences[] = {
	{ "a", 1, true },
	{ "\xc3\xa9", 2, true },
	{ "\xe2\x82\xac", 3, true },
	{ "\xed\x9f\xbf", 3, true },
	{ "\xf0\x9f\x98\x80", 4, true },
	{ "\xf4\x8f\xbf\xbf", 4, true },
	{ "\x80", 1, false },
	{ "\xc0\x80", 1, false },
	{ "\xc3", 1, false },
	{ "\xc3(", 1, false },
	{ "\xe0\x80\x80", 1, false },
	{ "\xe2\x82(", 2, false },
	{ "\xed\xa0\x80", 1, false },
	{ "\xf0\x9f\x98", 3, false },
	{ "\xf0\x9f(", 2, false },
	{ "\xf4\x90\x80\x80", 1, false },
	{ "\xf5\x80", 1, false },
	{ "\xff", 1, false },
};

START_TEST(a_broken_sequence_ends_after_its_maximal_subpart)
{
	const char *s = sequences[_i].bytes;
	bool ok;

	ck_assert_uint_eq(hq_utf8_next(s, strlen(s), &ok), sequences[_i].n);
	ck_assert_int_eq(ok, sequences[_i].ok);
}
END_TEST

/* What fn wrote to stderr, in the arena. */
static char *
stderr_of(void (*fn)(void))
{
	char *text = HQ_NEW(arena, char, 16384);
	int fd[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(fd), 0);
	(void)dup2(fd[1], STDERR_FILENO);
	fn();
	(void)dup2(saved, STDERR_FILENO);
	(void)close(fd[1]);
	(void)close(saved);
	n = read(fd[0], text, 16383);
	ck_assert_int_ge(n, 0);
	(void)close(fd[0]);
	text[n] = '\0';
	return text;
}

static void
log_all_types(void)
{
	hq_log_open("rpc", HQ_INFO);
	hq_log(HQ_DEBUG, "dropped", HQ_LI64("n", 1));
	hq_log(HQ_WARN, "request", HQ_LSTR("s", "a\"\\\n\x01\x7f\xc3\xa9\xff"),
	    HQ_LSTR("absent", NULL), HQ_LI64("n", -5), HQ_LBOOL("yes", true),
	    HQ_LBOOL("no", false));
}

START_TEST(a_log_line_is_json_without_control_bytes)
{
	const char *text = stderr_of(log_all_types);

	ck_assert_int_eq(strncmp(text, "{\"ts\":\"20", 9), 0);
	ck_assert_ptr_nonnull(strstr(text,
	    "Z\",\"level\":\"warn\",\"component\":\"rpc\","
	    "\"event\":\"request\",\"s\":\"a\\\"\\\\\\u000a\\u0001\\u007f"
	    "\xc3\xa9\\u00ff\",\"n\":-5,\"yes\":true,\"no\":false}\n"));
}
END_TEST

static void
log_too_much(void)
{
	static char text[10000];

	memset(text, '\x01', sizeof(text) - 1);
	hq_log(HQ_ERROR, "long", HQ_LSTR("text", text), HQ_LSTR("more", text));
}

START_TEST(a_log_line_too_long_is_cut_and_stays_json)
{
	const char *text = stderr_of(log_too_much);
	size_t n = strlen(text);

	ck_assert_uint_le(n, 4096);
	ck_assert_uint_gt(n, 4000);
	ck_assert_str_eq(text + n - 9, "\\u0001\"}\n");
}
END_TEST

START_TEST(log_levels_have_names)
{
	enum hq_level l;

	ck_assert(hq_log_level_parse("debug", &l) && l == HQ_DEBUG);
	ck_assert(hq_log_level_parse("error", &l) && l == HQ_ERROR);
	ck_assert(!hq_log_level_parse("loud", &l));
}
END_TEST

START_TEST(a_program_may_use_a_deep_stack)
{
	struct rlimit r;

	hq_process_stack();
	ck_assert_int_eq(getrlimit(RLIMIT_STACK, &r), 0);
	ck_assert(r.rlim_cur >= HQ_STACK_BYTES || r.rlim_cur == r.rlim_max);
}
END_TEST

static TCase *
memory_case(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_test(tc,
	    an_arena_gives_zeroed_aligned_memory_again_after_a_reset);
	tcase_add_test(tc, an_arena_refuses_more_than_its_limit_until_reset);
	tcase_add_test_raise_signal(tc, an_arena_that_gets_no_memory_aborts,
	    SIGABRT);
	tcase_add_test(tc, a_small_arena_serves_small_requests);
	tcase_add_test(tc, deferred_calls_run_newest_first_and_once);
	tcase_add_test(tc, a_call_that_cannot_be_deferred_runs_at_once);
	tcase_add_loop_test(tc,
	    a_buffer_holds_what_was_put_whatever_stands_beside_it, 0, 2);
	tcase_add_test(tc, a_buffer_past_the_arenas_limit_is_empty);
	tcase_add_test(tc, a_buffer_grows_to_half_of_its_arena);
	tcase_add_test(tc, printf_into_a_buffer_appends);
	return tc;
}

static TCase *
err_case(void)
{
	TCase *tc = tcase_create("err");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_test(tc, a_failure_carries_its_codes_name_and_status);
	tcase_add_test(tc,
	    a_declared_failure_leaves_the_status_to_its_contract);
	tcase_add_test(tc, a_failure_may_quote_the_failure_it_replaces);
	tcase_add_loop_test(tc, a_long_message_is_cut_between_characters, 0, 4);
	tcase_add_test_raise_signal(tc, a_bug_aborts, SIGABRT);
	return tc;
}

static TCase *
ids_case(void)
{
	TCase *tc = tcase_create("ids");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_test(tc, a_ulid_is_time_then_randomness);
	tcase_add_test(tc, a_stamped_id_is_prefix_time_and_eight_characters);
	tcase_add_test(tc, random_hex_has_two_digits_a_byte);
	tcase_add_test(tc, a_child_has_randomness_of_its_own);
	tcase_add_test(tc, the_system_has_time_and_randomness);
	tcase_add_loop_test(tc, a_time_survives_its_text, 0, N_ROWS(times));
	tcase_add_loop_test(tc, a_time_is_read_as_rfc_3339_says, 0,
	    N_ROWS(isos));
	tcase_add_loop_test(tc, a_step_is_named_by_its_sha1, 0, N_ROWS(hashes));
	tcase_add_loop_test(tc,
	    a_broken_sequence_ends_after_its_maximal_subpart, 0,
	    N_ROWS(sequences));
	return tc;
}

static TCase *
log_case(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_test(tc, a_log_line_is_json_without_control_bytes);
	tcase_add_test(tc, a_log_line_too_long_is_cut_and_stays_json);
	tcase_add_test(tc, log_levels_have_names);
	tcase_add_test(tc, a_program_may_use_a_deep_stack);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("base");

	suite_add_tcase(s, memory_case());
	suite_add_tcase(s, err_case());
	suite_add_tcase(s, ids_case());
	suite_add_tcase(s, log_case());
	return run_suite(s);
}

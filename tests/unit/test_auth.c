#include <fcntl.h>

#include "auth/policy.h"
#include "test_store_dir.h"

#define FP "rawr_fp_alice_abcdefghijklmnopqrstuvwxyz012345"
#define FP_OLD "rawr_fp_alice_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#define FP_UNKNOWN "rawr_fp_alice_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
#define PUB "rawr_pub_partner1_abcdefghijklmnopqrstuvwxyz012345"
#define PUB_UNKNOWN "rawr_pub_partner1_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"

#define LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct hq_keys *keys;
static struct hq_policy policy;

static void
put_file(const char *name, const char *text, mode_t mode)
{
	const char *file = in_dir(name);
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void
setup(void)
{
	dir_open();
	put_file("first-party.tokens",
	    "# ours\n\n" FP "  # the console\n\t" FP_OLD "\r\n", 0600);
	put_file("published.tokens", PUB, 0400);
	put_file("signing.key", "signkey-prod-0011223344\n", 0600);
	ck_hq_ok(hq_keys_load(dir, arena, &keys, &err));
	policy.keys = keys;
	policy.base_url = "https://rawr.example/base";
	policy.tokens_required = false;
	ck_hq_ok(hq_cidrs_parse("127.0.0.0/8,::1", arena, &policy.first_party,
	    &err));
	ck_hq_ok(hq_cidrs_parse("10.1.0.0/16", arena, &policy.engine, &err));
	ck_hq_ok(hq_cidrs_parse("10.2.0.0/16", arena, &policy.apps, &err));
	ck_hq_ok(hq_cidrs_parse("127.0.0.0/8", arena, &policy.probes, &err));
}

/* ------------------------------------------------------------- addresses -- */

static const struct {
	const char *list, *addr;
	bool in;
} matches[] = {
	{ "127.0.0.0/8,::1", "127.0.0.1", true },
	{ "127.0.0.0/8,::1", "127.255.0.9", true },
	{ "127.0.0.0/8,::1", "128.0.0.1", false },
	{ "127.0.0.0/8,::1", "::1", true },
	{ "127.0.0.0/8,::1", "::2", false },
	{ "127.0.0.0/8,::1", "::ffff:127.0.0.1", true },
	{ "127.0.0.0/8,::1", "::ffff:128.0.0.1", false },
	{ "127.0.0.0/8", NULL, false },
	{ "127.0.0.0/8", "unix", false },
	{ "127.0.0.0/8", "unix:", false },
	{ "127.0.0.0/8", "", false },
	{ "127.0.0.0/8", "127.0.0.1.example.net", false },
	{ "127.0.0.0/8", "127.1", false },
	{ "127.0.0.0/8, unix", NULL, true },
	{ "unix", "unix:", true },
	{ "unix", "unixy", false },
	{ "unix", "127.0.0.1", false },
	{ "10.0.0.1", "10.0.0.1", true },
	{ "10.0.0.1", "10.0.0.2", false },
	{ "10.0.0.0/31", "10.0.0.1", true },
	{ "10.0.0.0/31", "10.0.0.2", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "203.0.113.9", false },
	{ "::/0", "::ffff:203.0.113.9", false },
	{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
	{ "::ffff:10.0.0.0/104", "11.0.0.1", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "", "127.0.0.1", false },
	{ " ", NULL, false },
};

START_TEST(a_list_of_addresses_holds_what_it_says)
{
	const struct hq_cidrs *c;

	ck_hq_ok(hq_cidrs_parse(matches[_i].list, arena, &c, &err));
	ck_assert_msg(hq_cidrs_match(c, matches[_i].addr) == matches[_i].in,
	    "%s in %s", matches[_i].addr, matches[_i].list);
}
END_TEST

static const char *const bad_lists[] = { "localhost", "10.0.0.0/33",
	"10.0.0.1/8", "::1/129", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1",
	"10.0.0.0/+8", "10.0.0.0/8/8", "127.0.0.1,", ",", "127.0.0.1;::1",
	"10.0/8", "fe80::1%eth0", "fd00::1/8" };

START_TEST(a_list_that_is_not_addresses_is_refused)
{
	const struct hq_cidrs *c;

	ck_assert_int_eq(hq_cidrs_parse(bad_lists[_i], arena, &c, &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

/* ---------------------------------------------------------------- tokens -- */

#define S31 "abcdefghijklmnopqrstuvwxyz01234"
#define S64 S31 S31 "AZ"

static const struct {
	const char *text;
	bool is;
} token_forms[] = {
	{ "rawr_fp_abcd_" S31 "x", true },
	{ "rawr_fp_abcd_" S64, true },
	{ "rawr_fp_abcd_" S64 "x", false },
	{ "rawr_fp_abcd_" S31, false },
	{ "rawr_fp_abc_" S31 "x", false },
	{ "rawr_pub_" S31 "x_" S31 "x", true },
	{ "rawr_pub_" S31 "xx_" S31 "x", false },
	{ "rawr_pub_Abcd_" S31 "x", false },
	{ "rawr_pub_ab-d_" S31 "x", false },
	{ "rawr_pub_abcd_" S31 "-x", false },
	{ "rawr_pub_abcd_" S31 "x ", false },
	{ " rawr_pub_abcd_" S31 "x", false },
	{ "rawr_xx_abcd_" S31 "x", false },
	{ "RAWR_FP_abcd_" S31 "x", false },
	{ "rawr_fp_", false },
	{ "", false },
};

START_TEST(a_token_has_one_form)
{
	enum hq_token_kind kind;

	ck_assert_msg(hq_token_kind_of(token_forms[_i].text, &kind) ==
		token_forms[_i].is,
	    "%s", token_forms[_i].text);
}
END_TEST

START_TEST(a_made_token_is_of_its_kind_and_not_made_twice)
{
	struct fake_env f = { 0 };
	const struct hq_env env = FAKE_ENV(&f);
	enum hq_token_kind want = (enum hq_token_kind)_i, kind;
	const char *a = hq_token_make(want, &env, arena);
	const char *b = hq_token_make(want, &env, arena);

	ck_assert(hq_token_kind_of(a, &kind));
	ck_assert_int_eq(kind, want);
	ck_assert_str_ne(a, b);
}
END_TEST

/* ------------------------------------------------------------------ keys -- */

START_TEST(tokens_are_found_by_their_whole_text)
{
	ck_assert_str_eq(hq_keys_find(keys, FP), "alice");
	ck_assert_str_eq(hq_keys_find(keys, FP_OLD), "alice");
	ck_assert_str_eq(hq_keys_find(keys, PUB), "partner1");
	ck_assert_ptr_null(hq_keys_find(keys, FP_UNKNOWN));
	ck_assert_ptr_null(hq_keys_find(keys, PUB_UNKNOWN));
	ck_assert_ptr_null(hq_keys_find(keys, "alice"));
}
END_TEST

START_TEST(the_http_key_is_read_and_the_missing_one_is_null)
{
	ck_assert_ptr_null(hq_keys_http(keys));
	put_file("http.key", "0123456789abcdef0123456789abcdef\n", 0600);
	ck_hq_ok(hq_keys_load(dir, arena, &keys, &err));
	ck_assert_str_eq(hq_keys_http(keys),
	    "0123456789abcdef0123456789abcdef");
}
END_TEST

START_TEST(an_event_key_is_known_by_its_whole_text)
{
	static const char one[] = "0123456789abcdef",
			  two[] = "fedcba-_.~987654";

	ck_assert(!hq_keys_is_event(keys, one, 16));
	put_file("event.keys", "# ours\n0123456789abcdef\nfedcba-_.~987654\n",
	    0600);
	ck_hq_ok(hq_keys_load(dir, arena, &keys, &err));
	ck_assert(hq_keys_is_event(keys, one, 16));
	ck_assert(hq_keys_is_event(keys, two, 16));
	ck_assert(!hq_keys_is_event(keys, one, 15));
	ck_assert(!hq_keys_is_event(keys, "0123456789abcdee", 16));
	ck_assert(!hq_keys_is_event(keys, "0123456789abcdef0", 17));
	ck_assert(!hq_keys_is_event(keys, "", 0));
}
END_TEST

START_TEST(the_signing_key_is_read_and_the_missing_one_is_null)
{
	ck_assert_str_eq(hq_keys_signing(keys), "signkey-prod-0011223344");
	ck_assert_ptr_null(hq_keys_signing_fallback(keys));
}
END_TEST

START_TEST(a_directory_without_keys_is_an_empty_list)
{
	ck_hq_ok(hq_keys_load(in_dir("none"), arena, &keys, &err));
	ck_assert_ptr_null(hq_keys_signing(keys));
	ck_assert_ptr_null(hq_keys_find(keys, FP));
}
END_TEST

static const struct {
	const char *file, *text;
	mode_t mode;
	const char *says;
} bad_files[] = {
	{ "published.tokens", PUB, 0644, "chmod 600" },
	{ "published.tokens", PUB, 0640, "chmod 600" },
	{ "published.tokens", PUB, 0602, "chmod 600" },
	{ "first-party.tokens", FP, 0604, "chmod 600" },
	{ "signing.key", "signkey-prod-00", 0644, "chmod 600" },
	{ "signing.key.fallback", "signkey-prod-00", 0660, "chmod 600" },
	{ "published.tokens", "\n" PUB "\nhello\n", 0600, "line 3" },
	{ "published.tokens", FP, 0600, "other kind" },
	{ "first-party.tokens", PUB, 0600, "other kind" },
	{ "http.key", "0123456789abcdef0123456789abcde", 0600, "32 to 512" },
	{ "http.key", "0123456789abcdef0123456789abcdef", 0640, "chmod 600" },
	{ "event.keys", "abcdefghijklmno", 0600, "16 to 128" },
	{ "event.keys", "abcdefghij/abcdefghij", 0600, "line 1" },
	{ "event.keys", "abcdefghijabcdefghij", 0640, "chmod 600" },
	{ "signing.key", "", 0600, "signkey-" },
	{ "signing.key", "secret", 0600, "signkey-" },
	{ "signing.key", "signkey-", 0600, "signkey-" },
	{ "signing.key", "signkey-a b", 0600, "signkey-" },
	{ "signing.key", "signkey-a\nsignkey-b\n", 0600, "signkey-" },
};

START_TEST(a_key_file_that_is_open_or_spoilt_stops_the_start)
{
	put_file(bad_files[_i].file, bad_files[_i].text, bad_files[_i].mode);
	ck_assert_int_eq(hq_keys_load(dir, arena, &keys, &err),
	    HQ_E_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(err.msg, bad_files[_i].says));
	ck_assert_ptr_nonnull(strstr(err.msg, bad_files[_i].file));
	ck_assert_ptr_null(strstr(err.msg, "abcdefghij"));
}
END_TEST

/* ---------------------------------------------------------------- policy -- */

enum who {
	NOBODY,
	NOBODY_FAR,
	WITH_FP,
	WITH_PUB,
	WITH_UNKNOWN_FP,
	WITH_UNKNOWN_PUB,
	WITH_BASIC,
	WITH_NOISE,
	SIGNED,
	CROSS_SITE,
	CROSS_SITE_FP,
	SAME_ORIGIN,
	TYPED_IN,
	REBOUND,
	OWN_NAME,
	FOREIGN_FORM,
	FOREIGN_JSON,
	LOCAL_SOCKET,
	ENGINE_ADDR,
	APP_ADDR,
	APP_SIGNED,
	APP_WITH_FP,
	APP_WITH_KEY,
	APP_CROSS_SITE,
	WHO__MAX
};

#define CRED(addr, auth, signed, site) \
	{ \
		.remote_addr = (addr), .authorization = (auth), \
		.has_signature = (signed), .fetch_site = (site) \
	}

static const struct hq_credentials requests[WHO__MAX] = {
	[NOBODY] = { .remote_addr = "127.0.0.1" },
	[NOBODY_FAR] = { .remote_addr = "203.0.113.9", .authorization = "" },
	[WITH_FP] = CRED("203.0.113.9", "Bearer " FP, false, NULL),
	[WITH_PUB] = CRED("127.0.0.1", "bearer  " PUB, false, NULL),
	[WITH_UNKNOWN_FP] =
	    CRED("127.0.0.1", "Bearer " FP_UNKNOWN, false, NULL),
	[WITH_UNKNOWN_PUB] =
	    CRED("127.0.0.1", "Bearer " PUB_UNKNOWN, false, NULL),
	[WITH_BASIC] = CRED("127.0.0.1", "Basic YTpi", false, NULL),
	[WITH_NOISE] = CRED("127.0.0.1", "Bearer ", false, NULL),
	[SIGNED] = CRED("127.0.0.1", NULL, true, NULL),
	[CROSS_SITE] = CRED("127.0.0.1", NULL, false, "cross-site"),
	[CROSS_SITE_FP] = CRED("127.0.0.1", "Bearer " FP, false, "cross-site"),
	[SAME_ORIGIN] = CRED("127.0.0.1", NULL, false, "same-origin"),
	[TYPED_IN] = CRED("127.0.0.1", NULL, false, "none"),
	[REBOUND] = { .remote_addr = "127.0.0.1", .host = "evil.example:8080" },
	[OWN_NAME] = { .remote_addr = "127.0.0.1",
	    .host = "Rawr.example",
	    .origin = "https://rawr.example" },
	[FOREIGN_FORM] = { .remote_addr = "127.0.0.1",
	    .host = "127.0.0.1:8080",
	    .origin = "http://evil.example" },
	[FOREIGN_JSON] = { .remote_addr = "127.0.0.1",
	    .host = "localhost",
	    .origin = "http://evil.example",
	    .is_json = true },
	[LOCAL_SOCKET] = { .remote_addr = NULL },
	[ENGINE_ADDR] = { .remote_addr = "10.1.2.3" },
	[APP_ADDR] = { .remote_addr = "10.2.2.3" },
	[APP_SIGNED] = CRED("10.2.2.3", NULL, true, NULL),
	[APP_WITH_FP] = CRED("10.2.2.3", "Bearer " FP, false, NULL),
	[APP_WITH_KEY] =
	    CRED("10.2.2.3", "Bearer signkey-prod-00", false, NULL),
	[APP_CROSS_SITE] = CRED("10.2.2.3", NULL, false, "cross-site"),
};

/* What comes of it: a caller, or a refusal. */
enum { ANON, FIRST, PUBLIC, RUNTIME, APP, PROBE, E401, E403 };

static const int results[] = { [ANON] = HQ_OK,
	[FIRST] = HQ_OK,
	[PUBLIC] = HQ_OK,
	[RUNTIME] = HQ_OK,
	[APP] = HQ_OK,
	[PROBE] = HQ_OK,
	[E401] = HQ_E_UNAUTHORIZED,
	[E403] = HQ_E_FORBIDDEN };
static const enum hq_caller admitted[] = { [ANON] = HQ_CALLER_ANONYMOUS,
	[FIRST] = HQ_CALLER_FIRST_PARTY,
	[PUBLIC] = HQ_CALLER_PUBLISHED,
	[RUNTIME] = HQ_CALLER_RUNTIME,
	[APP] = HQ_CALLER_APP,
	[PROBE] = HQ_CALLER_PROBE };

/* rpc, openapi, workflows, inngest, engine, probes */
static const int open_mode[WHO__MAX][HQ_FAMILY__MAX] = {
	[NOBODY] = { FIRST, ANON, ANON, E403, E403, PROBE },
	[NOBODY_FAR] = { E401, ANON, ANON, E403, E403, E403 },
	[WITH_FP] = { FIRST, E403, E403, E403, E403, E403 },
	[WITH_PUB] = { E403, PUBLIC, PUBLIC, E403, E403, E403 },
	[WITH_UNKNOWN_FP] = { E401, E403, E403, E403, E403, E403 },
	[WITH_UNKNOWN_PUB] = { E403, E401, E401, E403, E403, E403 },
	[WITH_BASIC] = { E401, E401, E401, E403, E403, PROBE },
	[WITH_NOISE] = { E401, E401, E401, E403, E403, PROBE },
	[SIGNED] = { E403, E403, E403, E403, E403, E403 },
	[CROSS_SITE] = { E403, ANON, ANON, E403, E403, E403 },
	[CROSS_SITE_FP] = { E403, E403, E403, E403, E403, E403 },
	[SAME_ORIGIN] = { FIRST, ANON, ANON, E403, E403, E403 },
	[TYPED_IN] = { FIRST, ANON, ANON, E403, E403, PROBE },
	[REBOUND] = { E403, ANON, ANON, E403, E403, PROBE },
	[OWN_NAME] = { FIRST, ANON, ANON, E403, E403, PROBE },
	[FOREIGN_FORM] = { E403, ANON, ANON, E403, E403, PROBE },
	[FOREIGN_JSON] = { FIRST, ANON, ANON, E403, E403, PROBE },
	[LOCAL_SOCKET] = { E401, ANON, ANON, RUNTIME, E403, PROBE },
	[ENGINE_ADDR] = { E401, ANON, ANON, RUNTIME, E403, E403 },
	[APP_ADDR] = { E401, ANON, ANON, E403, APP, E403 },
	[APP_SIGNED] = { E403, E403, E403, E403, E403, E403 },
	[APP_WITH_FP] = { FIRST, E403, E403, E403, E403, E403 },
	[APP_WITH_KEY] = { E401, E401, E401, E403, APP, E403 },
	[APP_CROSS_SITE] = { E403, ANON, ANON, E403, E403, E403 },
};

/* Where a token is required, only these differ. */
static int
required_mode(int who, int family)
{
	int r = open_mode[who][family];

	if (family == HQ_FAMILY_INNGEST || family == HQ_FAMILY_ENGINE ||
	    family == HQ_FAMILY_PROBES)
		return r;
	if (r == ANON || (r == FIRST && requests[who].authorization == NULL))
		return E401;
	if (family == HQ_FAMILY_RPC && (who == REBOUND || who == FOREIGN_FORM))
		return E401; /* no address opens it here */
	return r;
}

static void
check_cell(int who, int family, int want)
{
	struct hq_principal pr = { HQ_CALLER__MAX, NULL };
	enum hq_rc rc = hq_policy_admit(&policy, (enum hq_family)family,
	    &requests[who], arena, &pr, &err);

	ck_assert_msg((int)rc == results[want], "who %d, family %d: %d: %s",
	    who, family, (int)rc, err.msg);
	if (rc == HQ_OK) {
		ck_assert_int_eq(pr.caller, admitted[want]);
		ck_assert_ptr_nonnull(pr.id);
	} else {
		ck_assert_int_eq(pr.caller, HQ_CALLER__MAX);
		ck_assert_ptr_null(strstr(err.msg, "abcdefghij"));
		ck_assert_ptr_null(strstr(err.msg, "zzzz"));
	}
}

START_TEST(every_caller_gets_what_the_matrix_says_while_open)
{
	int family;

	for (family = 0; family < HQ_FAMILY__MAX; family++)
		check_cell(_i, family, open_mode[_i][family]);
}
END_TEST

START_TEST(every_caller_gets_what_the_matrix_says_where_tokens_are_required)
{
	int family;

	policy.tokens_required = true;
	for (family = 0; family < HQ_FAMILY__MAX; family++)
		check_cell(_i, family, required_mode(_i, family));
}
END_TEST

START_TEST(without_lists_a_token_of_the_right_kind_is_unknown)
{
	struct hq_principal pr;

	ck_hq_ok(hq_keys_load(in_dir("none"), arena, &policy.keys, &err));
	ck_assert_int_eq(hq_policy_admit(&policy, HQ_FAMILY_RPC,
			     &requests[WITH_FP], arena, &pr, &err),
	    HQ_E_UNAUTHORIZED);
	ck_assert_int_eq(hq_policy_admit(&policy, HQ_FAMILY_RPC,
			     &requests[WITH_PUB], arena, &pr, &err),
	    HQ_E_FORBIDDEN);
}
END_TEST

START_TEST(an_api_token_at_the_engines_door_is_refused_from_its_address_too)
{
	const struct hq_credentials c =
	    CRED("10.1.2.3", "Bearer " PUB, true, NULL);
	struct hq_principal pr;

	ck_assert_int_eq(hq_policy_admit(&policy, HQ_FAMILY_INNGEST, &c, arena,
			     &pr, &err),
	    HQ_E_FORBIDDEN);
}
END_TEST

START_TEST(a_signing_credential_at_the_engines_door_is_not_our_business)
{
	const struct hq_credentials c =
	    CRED("10.1.2.3", "Bearer signkey-prod-00", true, NULL);
	struct hq_principal pr;

	ck_hq_ok(
	    hq_policy_admit(&policy, HQ_FAMILY_INNGEST, &c, arena, &pr, &err));
	ck_assert_str_eq(pr.id, "runtime");
}
END_TEST

START_TEST(the_principal_carries_the_tokens_public_id)
{
	struct hq_principal pr;

	ck_hq_ok(hq_policy_admit(&policy, HQ_FAMILY_OPENAPI,
	    &requests[WITH_PUB], arena, &pr, &err));
	ck_assert_str_eq(pr.id, "partner1");
	ck_assert_str_eq(hq_caller_name(pr.caller), "published");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("who may call what");

	tcase_add_checked_fixture(tc, setup, dir_close);
	tcase_add_loop_test(tc, a_list_of_addresses_holds_what_it_says, 0,
	    LEN(matches));
	tcase_add_loop_test(tc, a_list_that_is_not_addresses_is_refused, 0,
	    LEN(bad_lists));
	tcase_add_loop_test(tc, a_token_has_one_form, 0, LEN(token_forms));
	tcase_add_loop_test(tc, a_made_token_is_of_its_kind_and_not_made_twice,
	    0, HQ_TOKEN__MAX);
	tcase_add_test(tc, tokens_are_found_by_their_whole_text);
	tcase_add_test(tc, the_signing_key_is_read_and_the_missing_one_is_null);
	tcase_add_test(tc, an_event_key_is_known_by_its_whole_text);
	tcase_add_test(tc, the_http_key_is_read_and_the_missing_one_is_null);
	tcase_add_test(tc, a_directory_without_keys_is_an_empty_list);
	tcase_add_loop_test(tc,
	    a_key_file_that_is_open_or_spoilt_stops_the_start, 0,
	    LEN(bad_files));
	tcase_add_loop_test(tc,
	    every_caller_gets_what_the_matrix_says_while_open, 0, WHO__MAX);
	tcase_add_loop_test(tc,
	    every_caller_gets_what_the_matrix_says_where_tokens_are_required, 0,
	    WHO__MAX);
	tcase_add_test(tc, without_lists_a_token_of_the_right_kind_is_unknown);
	tcase_add_test(tc,
	    an_api_token_at_the_engines_door_is_refused_from_its_address_too);
	tcase_add_test(tc,
	    a_signing_credential_at_the_engines_door_is_not_our_business);
	tcase_add_test(tc, the_principal_carries_the_tokens_public_id);
	suite_add_tcase(s, tc);
	return run_suite(s);
}

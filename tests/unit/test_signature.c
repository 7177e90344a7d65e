#include "hqtest.h"

#include "proto/inngest/signature.h"

static const char key[] = "signkey-test-12345678deadbeef";
static const char get_mac[] =
    "t=1700000000&s="
    "e3ab8ad2bd242ed02274bdaeb659ee2826423fccc6a72cba5899b3af50be2618";
static const char vector_mac[] =
    "t=1700000000&s="
    "979d5ed462a0fbb92fcf5822ff1332c8f0eb1e29a6fb38797cf532c08892c63a";
static const char vector_body[] =
    "{\"10\":true,\"9\":null,\"a\":{\"z\":[1e+21,0.1,0,1,1e-7,123456789012],"
    "\"\xc3\xa9\":\"x<y>&\xe2\x80\xa8\"},\"b\":1,"
    "\"\xe2\x82\xac\":\"\\n\\t\\\"\\\\/\"}";

enum { NOW = 1700000000 };

static enum hq_rc
verify(const char *header, const char *body, int64_t now_s)
{
	const char *used = NULL;

	return hq_signature_verify(&(struct hq_signed){ header, body,
				       strlen(body) },
	    &(struct hq_signing_keys){ key, NULL }, now_s, &used, &err);
}

START_TEST(an_empty_body_is_signed_as_the_protocol_does)
{
	char out[HQ_SIGNATURE_BYTES];

	hq_signature_make(key, "", 0, NOW, out);
	ck_assert_str_eq(out, get_mac);
}
END_TEST

START_TEST(a_canonical_body_is_signed_as_the_protocol_does)
{
	char out[HQ_SIGNATURE_BYTES];

	ck_assert_uint_eq(sizeof(vector_body) - 1, 104);
	hq_signature_make(key, vector_body, sizeof(vector_body) - 1, NOW, out);
	ck_assert_str_eq(out, vector_mac);
}
END_TEST

START_TEST(the_environment_of_a_key_does_not_change_the_signature)
{
	static const char *const same[] = { "12345678deadbeef",
		"signkey-prod-12345678deadbeef",
		"signkey-branch_2-12345678deadbeef" };
	char out[HQ_SIGNATURE_BYTES];

	hq_signature_make(same[_i], "", 0, NOW, out);
	ck_assert_str_eq(out, get_mac);
}
END_TEST

START_TEST(a_signed_request_from_the_wire_verifies)
{
	ck_hq_ok(verify("t=1795435098&s=4c69ac05d6b626f40c58c4c7a82000099b6cada"
			"3e614dd1909c99c5749acd49c",
	    "{\"ctx\":{\"attempt\":0,\"disable_immediate_execution\":false,"
	    "\"env\":\"\",\"max_attempts\":5,\"run_id\":\"01HXRUN00000000000000"
	    "00000\",\"stack\":{\"current\":0,\"stack\":[]},\"step_id\":\"step"
	    "\",\"use_api\":false},\"defers\":{},\"event\":{\"data\":{\"n\":5,"
	    "\"\xc3\xa9\":\"<&>\"},\"id\":\"01HXE0\",\"name\":\"demo/hello\","
	    "\"ts\":1700000000000,\"user\":{}},\"events\":[{\"data\":{\"n\":5,"
	    "\"\xc3\xa9\":\"<&>\"},\"id\":\"01HXE0\",\"name\":\"demo/hello\","
	    "\"ts\":1700000000000,\"user\":{}}],\"steps\":{},\"use_api\":false,"
	    "\"version\":-1}",
	    1795435098));
}
END_TEST

START_TEST(a_signed_reply_from_the_wire_is_what_we_make)
{
	char out[HQ_SIGNATURE_BYTES];

	hq_signature_make(key, "\"hi 5\"", 6, 1795435098, out);
	ck_assert_str_eq(out,
	    "t=1795435098&s=d3b5bf262385049fec1a3953592e993c21a3b90aea4932c142b"
	    "65d1b8b163ca1");
}
END_TEST

#define MAC "e3ab8ad2bd242ed02274bdaeb659ee2826423fccc6a72cba5899b3af50be2618"

START_TEST(a_signature_is_read_by_key_not_by_place)
{
	static const char *const ok[] = { "s=" MAC "&t=1700000000",
		"v=2&t=1700000000&x&s=" MAC, "t=1700000000&s=" MAC "&" };

	ck_hq_ok(verify(ok[_i], "", NOW));
}
END_TEST

static const char *const malformed[] = {
	NULL,
	"",
	"t=1700000000",
	"s=" MAC,
	"t=&s=" MAC,
	"t=-1700000000&s=" MAC,
	"t=+1700000000&s=" MAC,
	"t= 1700000000&s=" MAC,
	"t=1700000000.0&s=" MAC,
	"t=1700000000x&s=" MAC,
	"t=9999999999999999999999&s=" MAC,
	"t=1700000000&t=1700000000&s=" MAC,
	"t=1700000000&s=" MAC "&s=" MAC,
	"t=1700000000&s=" MAC "00",
	"t=1700000000&s=E3AB8AD2BD242ED02274BDAEB659EE2826423FCCC6A72CBA5899B3"
	"AF50BE2618",
	"t=1700000000&s=e3ab",
	"t=1700000000&s=g3ab8ad2bd242ed02274bdaeb659ee2826423fccc6a72cba5899b3"
	"af50be2618",
	"t=1700000001&s=" MAC,
	"t=01700000000&s=" MAC,
	"t=1700000000&s=0000000000000000000000000000000000000000000000000000000"
	"000000000",
};

START_TEST(every_refusal_has_the_same_text)
{
	ck_assert_int_eq(verify(malformed[_i], "", NOW), HQ_E_UNAUTHORIZED);
	ck_assert_str_eq(err.msg, "Unauthorized");
}
END_TEST

START_TEST(another_body_is_refused)
{
	ck_assert_int_eq(verify(get_mac, " ", NOW), HQ_E_UNAUTHORIZED);
}
END_TEST

static const struct {
	int64_t skew_s;
	enum hq_rc want;
} skews[] = {
	{ -300, HQ_OK },
	{ 300, HQ_OK },
	{ -301, HQ_E_UNAUTHORIZED },
	{ 301, HQ_E_UNAUTHORIZED },
};

START_TEST(the_window_is_five_minutes_both_ways)
{
	ck_assert_int_eq(verify(get_mac, "", NOW + skews[_i].skew_s),
	    skews[_i].want);
}
END_TEST

START_TEST(the_fallback_key_verifies_and_is_named)
{
	static const char other[] = "signkey-test-00";
	const char *used = NULL;

	struct hq_signed s = { get_mac, "", 0 };
	struct hq_signing_keys keys = { other, key };

	ck_hq_ok(hq_signature_verify(&s, &keys, NOW, &used, &err));
	ck_assert_ptr_eq(used, key);
}
END_TEST

static const struct {
	const char *key, *hash;
} hashes[] = {
	{ key,
	    "signkey-test-a3b85174814a9bd82322239ea31b13c24a67814711e678349c0"
	    "cb24d1564c827" },
	{ "12345678deadbeef",
	    "a3b85174814a9bd82322239ea31b13c24a67814711e678349c0cb24d1564c827" },
	/* of no bytes at all, as Buffer.from("zz", "hex") */
	{ "zz",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	/* a half byte at the end is dropped: the hash of 12 */
	{ "123",
	    "f299791cddd3d6664f6670842812ef6053eb6501bd6282a476bbbf3ee91e750c" },
};

START_TEST(a_key_is_hashed_as_bytes)
{
	ck_assert_str_eq(hq_signing_key_hash(arena, hashes[_i].key),
	    hashes[_i].hash);
}
END_TEST

#define ROWS(t) ((int)(sizeof(t) / sizeof((t)[0])))

int
main(void)
{
	Suite *s = suite_create("signature");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, arena_open, arena_close);
	tcase_add_test(tc, an_empty_body_is_signed_as_the_protocol_does);
	tcase_add_test(tc, a_canonical_body_is_signed_as_the_protocol_does);
	tcase_add_loop_test(tc,
	    the_environment_of_a_key_does_not_change_the_signature, 0, 3);
	tcase_add_test(tc, a_signed_request_from_the_wire_verifies);
	tcase_add_test(tc, a_signed_reply_from_the_wire_is_what_we_make);
	tcase_add_loop_test(tc, a_signature_is_read_by_key_not_by_place, 0, 3);
	tcase_add_loop_test(tc, every_refusal_has_the_same_text, 0,
	    ROWS(malformed));
	tcase_add_test(tc, another_body_is_refused);
	tcase_add_loop_test(tc, the_window_is_five_minutes_both_ways, 0,
	    ROWS(skews));
	tcase_add_test(tc, the_fallback_key_verifies_and_is_named);
	tcase_add_loop_test(tc, a_key_is_hashed_as_bytes, 0, ROWS(hashes));
	suite_add_tcase(s, tc);
	return run_suite(s);
}

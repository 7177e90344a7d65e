#include "hqtest.h"

#include "proto/http/media.h"
#include "proto/http/text.h"

static struct hq_body body;

/* Decode text under a content-type (NULL: none). */
static enum hq_rc
decode(const char *type, const char *disposition, const char *text, size_t n)
{
	const char *p[3] = { NULL };
	struct hq_http_req req = { .arena = arena, .params = p };
	size_t k = 0;

	if (type != NULL)
		p[k++] = hq_arena_printf(arena, "CONTENT_TYPE=%s", type);
	if (disposition != NULL)
		p[k++] = hq_arena_printf(arena, "HTTP_CONTENT_DISPOSITION=%s",
		    disposition);
	req.body = hq_arena_copy(arena, text, n);
	req.body_bytes = n;
	req.has_body = n > 0;
	memset(&body, 0, sizeof(body));
	return hq_body_decode(&req, &body, &err);
}

#define DECODE(type, text) decode((type), NULL, (text), strlen(text))

static const struct {
	const char *type, *text;
	enum hq_media media;
} rows[] = {
	{ NULL, "", HQ_MEDIA_NONE },
	{ NULL, "\xef\xbb\xbf", HQ_MEDIA_NONE },
	{ "", "{}", HQ_MEDIA_JSON },
	{ NULL, "[1]", HQ_MEDIA_JSON },
	{ "application/json; charset=latin1", "1", HQ_MEDIA_JSON },
	{ "application/jsonx", "1", HQ_MEDIA_JSON },
	{ "APPLICATION/JSON", "1", HQ_MEDIA_FILE },
	{ "text/json", "1", HQ_MEDIA_FILE },
	{ "application/problem+json", "1", HQ_MEDIA_FILE },
	{ "application/x-www-form-urlencoded", "a=1", HQ_MEDIA_QUERY },
	{ "text/event-stream", "data: 1\n\n", HQ_MEDIA_SSE },
	{ "text/plain;x", "a", HQ_MEDIA_TEXT },
	{ "text/html", "a", HQ_MEDIA_FILE },
};

START_TEST(a_body_is_read_by_the_first_row_that_matches)
{
	ck_hq_ok(DECODE(rows[_i].type, rows[_i].text));
	ck_assert_int_eq(body.media, rows[_i].media);
}
END_TEST

START_TEST(a_body_that_is_not_json_is_a_bad_request)
{
	ck_assert_int_eq(DECODE(NULL, "{"), HQ_E_BAD_REQUEST);
}
END_TEST

static const struct {
	const char *disposition, *name;
} names[] = {
	{ "", "blob" },
	{ "attachment", "blob" },
	{ "attachment; filename=\"a.b\"", "a.b" },
	{ "attachment; filename=\"a \\\"b\\\"\"", "a \"b\"" },
	{ "attachment; filename=\"x\"; filename*=UTF-8''%C3%A9%20a",
	    "\xc3\xa9 a" },
	{ "attachment; filename*=utf-8''%zz", "%zz" },
	{ "attachment; filename=bare", "blob" },
};

START_TEST(a_content_disposition_makes_the_body_a_file)
{
	ck_hq_ok(decode("application/json", names[_i].disposition, "{}", 2));
	ck_assert_int_eq(body.media, HQ_MEDIA_FILE);
	ck_assert_int_eq(hq_js_type(body.json), HQ_JS_FILE);
	ck_assert_str_eq(hq_json_str(body.json, "name"), names[_i].name);
	ck_assert_str_eq(hq_json_str(body.json, "type"), "application/json");
	ck_assert_int_eq(hq_json_i64(body.json, "size", 0), 2);
}
END_TEST

START_TEST(text_loses_its_mark_and_keeps_a_nul)
{
	ck_hq_ok(decode("text/plain", NULL,
	    "\xef\xbb\xbf"
	    "a\0b\xff",
	    7));
	ck_assert_str_eq(json_object_get_string(body.json),
	    "a\xc0\x80"
	    "b\xef\xbf\xbd");
}
END_TEST

static const struct {
	const char *text;
	const char *pairs; /* name=value|... */
} forms[] = {
	{ "", "" },
	{ "a=1&b=2", "a=1|b=2|" },
	{ "a", "a=|" },
	{ "=v", "=v|" },
	{ "&&a=1&", "a=1|" },
	{ "a+b=c+d", "a b=c d|" },
	{ "a=b=c", "a=b=c|" },
	{ "a=%E0%A4%A", "a=\xef\xbf\xbd%A|" },
	{ "a=%zz%2", "a=%zz%2|" },
	{ "a=%00", "a=\xc0\x80|" },
	{ "%26=%3D", "&==|" },
	{ "a=\xc3\xa9", "a=\xc3\xa9|" },
};

/* The pairs as one text; a file is <name,type,size>. */
static const char *
text_of(const struct hq_pairs *p)
{
	struct hq_buf b;
	size_t i;

	hq_buf_init(&b, arena);
	for (i = 0; i < p->n; i++) {
		hq_buf_printf(&b, "%s=", p->v[i].name);
		if (p->v[i].file == NULL)
			hq_buf_printf(&b, "%s|", p->v[i].value);
		else
			hq_buf_printf(&b, "<%s,%s,%d>|",
			    hq_json_str(p->v[i].file, "name"),
			    hq_json_str(p->v[i].file, "type"),
			    (int)hq_json_i64(p->v[i].file, "size", -1));
	}
	return hq_buf_str(&b);
}

START_TEST(a_form_is_parsed_as_browsers_do)
{
	struct hq_pairs p;

	ck_hq_ok(hq_urlencoded_parse(arena, forms[_i].text,
	    strlen(forms[_i].text), &p, &err));
	ck_assert_str_eq(text_of(&p), forms[_i].pairs);
}
END_TEST

START_TEST(a_form_has_a_limit_of_fields)
{
	static char text[2 * HQ_PAIRS_MAX + 2];
	struct hq_pairs p;
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'a' : '&';
	ck_hq_ok(
	    hq_urlencoded_parse(arena, text, 2 * HQ_PAIRS_MAX - 1, &p, &err));
	ck_assert_int_eq(hq_urlencoded_parse(arena, text, 2 * HQ_PAIRS_MAX + 1,
			     &p, &err),
	    HQ_E_BAD_REQUEST);
}
END_TEST

static const struct {
	const char *in, *out; /* NULL: it throws */
} escapes[] = {
	{ "a+b", "a+b" },
	{ "a%20b", "a b" },
	{ "%2f%2F", "//" },
	{ "%00", "\xc0\x80" },
	{ "%C3%A9", "\xc3\xa9" },
	{ "%C3", NULL },
	{ "%ED%A0%80", NULL },
	{ "%FF", NULL },
	{ "%", NULL },
	{ "%2", NULL },
	{ "%2x", NULL },
};

START_TEST(an_escape_is_decoded_or_refused_as_decodeuricomponent_does)
{
	char *out =
	    hq_percent_decode(arena, escapes[_i].in, strlen(escapes[_i].in));

	if (escapes[_i].out == NULL)
		ck_assert_ptr_null(out);
	else
		ck_assert_str_eq(out, escapes[_i].out);
}
END_TEST

#define CD "Content-Disposition: form-data; "

static const struct {
	const char *type, *text;
	const char *pairs; /* NULL: BAD_REQUEST */
} parts[] = {
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "name=\"data\"\r\n\r\n{\"json\":{}}\r\n--B\r\n" CD
	    "name=\"0\"; filename=\"a.bin\"\r\nContent-Type: "
	    "application/X-a\r\n\r\nabc\r\n--B--\r\n",
	    "data={\"json\":{}}|0=<a.bin,application/x-a,3>|" },
	{ "multipart/form-data; boundary=\"B\"", "--B--", "" },
	{ "multipart/form-data;boundary=B;x",
	    "--B\r\n" CD "name=\"\"\r\n\r\n\r\n--B--", "=|" },
	{ "multipart/form-data; boundary=B",
	    "--B \t\r\ncontent-disposition:form-data;name=a\r\n\r\nx\r\n"
	    "--B--epilogue",
	    "a=x|" },
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "filename=\"n%22%0D%0a%41\"; name=\"f;=\"\r\n\r\n\r\n"
	    "--B--",
	    "f;==<n\"\r\n%41,text/plain,0>|" },
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "name=\"a\"\r\n\r\n\r\n--\r\n\r\n--B--",
	    "a=\r\n--\r\n|" },
	{ "multipart/form-data", "--B--", NULL },
	{ "multipart/form-data; boundary=", "--B--", NULL },
	{ "multipart/form-data; boundary=C", "--B--", NULL },
	{ "multipart/form-data; boundary=B", "", NULL },
	{ "multipart/form-data; boundary=B", "--B", NULL },
	{ "multipart/form-data; boundary=B", "--B\r\n", NULL },
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "name=\"a\"\r\n\r\nx\r\n", NULL },
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "name=\"a\"\r\n\r\nx\r\n--B\r\n", NULL },
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "filename=\"a\"\r\n\r\nx\r\n--B--", NULL },
	{ "multipart/form-data; boundary=B",
	    "--B\r\n" CD "name=\"a\"\r\n\r\nx\r\n--Bx--", NULL },
};

START_TEST(a_multipart_body_is_parsed_or_refused)
{
	enum hq_rc rc = DECODE(parts[_i].type, parts[_i].text);

	if (parts[_i].pairs == NULL) {
		ck_assert_int_eq(rc, HQ_E_BAD_REQUEST);
		return;
	}
	ck_hq_ok(rc);
	ck_assert_int_eq(body.media, HQ_MEDIA_FORM);
	ck_assert_str_eq(text_of(&body.pairs), parts[_i].pairs);
}
END_TEST

static const char *
many_parts(int n)
{
	struct hq_buf b;
	int i;

	hq_buf_init(&b, arena);
	for (i = 0; i < n; i++)
		hq_buf_puts(&b, "--B\r\n" CD "name=a\r\n\r\nx\r\n");
	hq_buf_puts(&b, "--B--");
	return hq_buf_str(&b);
}

START_TEST(a_multipart_body_has_a_limit_of_parts)
{
	const char *type = "multipart/form-data; boundary=B";

	ck_hq_ok(DECODE(type, many_parts(HQ_PARTS_MAX)));
	ck_assert_int_eq(DECODE(type, many_parts(HQ_PARTS_MAX + 1)),
	    HQ_E_BAD_REQUEST);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *s = suite_create("media");
	TCase *t = tcase_create("media");

	tcase_add_checked_fixture(t, arena_open, arena_close);
	tcase_add_loop_test(t, a_body_is_read_by_the_first_row_that_matches, 0,
	    ROWS(rows));
	tcase_add_test(t, a_body_that_is_not_json_is_a_bad_request);
	tcase_add_loop_test(t, a_content_disposition_makes_the_body_a_file, 0,
	    ROWS(names));
	tcase_add_test(t, text_loses_its_mark_and_keeps_a_nul);
	tcase_add_loop_test(t, a_form_is_parsed_as_browsers_do, 0, ROWS(forms));
	tcase_add_test(t, a_form_has_a_limit_of_fields);
	tcase_add_loop_test(t,
	    an_escape_is_decoded_or_refused_as_decodeuricomponent_does, 0,
	    ROWS(escapes));
	tcase_add_loop_test(t, a_multipart_body_is_parsed_or_refused, 0,
	    ROWS(parts));
	tcase_add_test(t, a_multipart_body_has_a_limit_of_parts);
	suite_add_tcase(s, t);
	return run_suite(s);
}

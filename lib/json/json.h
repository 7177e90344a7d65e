/*
 * json/json.h - json-c values with the semantics of JavaScript.
 *
 * Clients compare our bytes with those of a JavaScript server, so a value must
 * come out of parse + write as it would come out of JSON.parse +
 * JSON.stringify: numbers are IEEE doubles, array-index keys come first,
 * strings keep lone surrogates.  json-c alone does none of that; the rules are
 * ECMA-262 (JSON, Number::toString, OrdinaryOwnPropertyKeys).
 *
 * Inside this program a string is "modified WTF-8": U+0000 is C0 80 and a lone
 * surrogate is its three-byte form (ED A0..BF xx).  So no string, key or value
 * holds a NUL byte, char * tells all of it, and it can be bound as text.
 * hq_json_write() turns both back into \u0000 and \udxxx.
 *
 * JSON null is json-c's NULL pointer.
 */
#ifndef HQ_JSON_JSON_H
#define HQ_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
	/* Nesting that is parsed; deeper is an error. */
	HQ_JSON_DEPTH_MAX = 24576,
	/* Arrays and objects of one text: json-c wants up to 1 KB for each. */
	HQ_JSON_CONTAINERS_MAX = 65536,
};

/*
 * New values, one reference each.  Without memory they abort; json-c's own
 * constructors give NULL, which would go on as JSON's null.  Nobody but json.c
 * calls those (tests/lint/layers.sh).
 */
struct json_object *hq_json_new_object(void);
struct json_object *hq_json_new_array(void);
struct json_object *hq_json_new_array_of(int n); /* empty, with room for n */
struct json_object *hq_json_new_string(const char *s);
struct json_object *hq_json_new_string_len(const char *s, int n);
struct json_object *hq_json_new_int64(int64_t i);
struct json_object *hq_json_new_double(double d);
struct json_object *hq_json_new_boolean(bool v);

/*
 * Hand a new reference to the arena: it is put on reset, so nobody else calls
 * json_object_put().
 */
enum hq_rc hq_json_own(struct hq_arena *a, struct json_object *o,
    struct hq_err *err) HQ_MUST;

/*
 * Parse n bytes as JSON.parse would after TextDecoder: a BOM is dropped, bytes
 * that are not UTF-8 become U+FFFD, the grammar is strict (RFC 8259), trailing
 * bytes are an error, the last of duplicate keys wins at the first one's place.
 * A member named __proto__ is dropped: it is lost on its way through the
 * reference too, and no JavaScript client can be hurt with it.
 * *ret is owned by the arena and may be NULL (JSON null).
 * BAD_REQUEST if it is not JSON or deeper than HQ_JSON_DEPTH_MAX,
 * PAYLOAD_TOO_LARGE past HQ_JSON_CONTAINERS_MAX or the arena's limit.
 */
enum hq_rc hq_json_parse(struct hq_arena *a, const char *text, size_t n,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
/*
 * The same of what hq_json_write() gave, for a document on its way out: its own
 * members or items are made, but an array or object among them is a value that
 * has a text of its own (hq_js_json in value.h), a part of text, which is
 * borrowed.  So it takes little more memory than the text itself.
 */
enum hq_rc hq_json_parse_top(struct hq_arena *a, const char *text, size_t n,
    struct json_object **ret, struct hq_err *err) HQ_MUST;
/* The same verdict, and nothing is made.  a: for what has to be unescaped. */
enum hq_rc hq_json_check(struct hq_arena *a, const char *text, size_t n,
    struct hq_err *err) HQ_MUST;

/*
 * JSON.stringify(v) without spaces.  See value.h for tagged values; undefined
 * itself is written as null.
 */
void hq_json_write(struct hq_buf *b, struct json_object *v);
/*
 * The same of a value that is plain JSON (value.h).  False if it holds one that
 * is not: then what was written is of no use.
 */
bool hq_json_write_plain(struct hq_buf *b, struct json_object *v);
/*
 * The same, in one go with what would need passes of its own.  If too_deep or
 * special is set, what was written is of no use.
 */
struct hq_json_look {
	size_t depth_max; /* levels below v; what is deeper is not written */
	const char *key;  /* a member of v, if that is an object; or NULL */
	/* What was found: */
	bool too_deep;
	bool special;   /* it is not plain JSON */
	size_t at, end; /* the member's value in b; both 0 if it has none */
};
void hq_json_write_looking(struct hq_buf *b, struct json_object *v,
    struct hq_json_look *look);
/* The same with two-space indentation, as JSON.stringify(v, null, 2). */
void hq_json_write_pretty(struct hq_buf *b, struct json_object *v);
/* RFC 8785 (JCS): keys sorted by UTF-16 code unit. */
void hq_json_write_canonical(struct hq_buf *b, struct json_object *v);
/* Just a string, quoted and escaped. */
void hq_json_write_string(struct hq_buf *b, const char *s);
/* Just a number, as Number::toString; null where it is not finite. */
void hq_json_write_number(struct hq_buf *b, double d);

/* hq_json_write into the arena; NULL if it is full. */
char *hq_json_text(struct hq_arena *a, struct json_object *v);

/*
 * A deep copy that shares nothing; new reference.  Keys and bytes stay; tagged
 * values collapse as through JSON.parse(JSON.stringify(v)).
 */
struct json_object *hq_json_clone(struct json_object *v);

/* A string member; NULL if absent or not a string.  Borrowed from o. */
const char *hq_json_str(struct json_object *o, const char *key);
/* A member; NULL if absent, null or undefined.  Borrowed. */
struct json_object *hq_json_get(struct json_object *o, const char *key);
/* An integral number member; dflt if absent or not integral. */
int64_t hq_json_i64(struct json_object *o, const char *key, int64_t dflt);
bool hq_json_bool(struct json_object *o, const char *key, bool dflt);

/*
 * Set a member; aborts without memory.  put takes the reference to v (v may be
 * NULL: JSON null).  A NULL s becomes null.
 */
void hq_json_put(struct json_object *o, const char *key, struct json_object *v);
void hq_json_put_str(struct json_object *o, const char *key, const char *s);
void hq_json_put_i64(struct json_object *o, const char *key, int64_t i);
void hq_json_put_bool(struct json_object *o, const char *key, bool v);
/*
 * The same for a document that is being made: key is static, and no member yet.
 * v is new.
 */
void hq_json_add(struct json_object *o, const char *key, struct json_object *v);
void hq_json_add_str(struct json_object *o, const char *key, const char *s);
/* Append to an array; takes the reference. */
void hq_json_push(struct json_object *array, struct json_object *v);

#endif /* HQ_JSON_JSON_H */

/*
 * expr/expr.h - a small, safe expression language: the CEL subset of the
 * Inngest engine (facts: inngest.md section 5.3).
 *
 * Field paths (event.data.id, event['data'].x, a[0]), string, number, bool and
 * null literals, lists, == != < <= > >= && || ! in ( ) ?: + - * / %, size(),
 * startsWith(), endsWith(), contains(), has(), int(), double(), string(),
 * lowercase(), uppercase().  No loops, no side effects, no allocation outside
 * the arena, bounded depth and length.  An unknown attribute behaves like null.
 */
#ifndef HQ_EXPR_EXPR_H
#define HQ_EXPR_EXPR_H

#include "json/json.h"

enum {
	HQ_EXPR_BYTES_MAX = 4096,
	HQ_EXPR_DEPTH_MAX = 64,
};

struct hq_expr; /* parsed; lives in the arena it was parsed into */

/*
 * BAD_REQUEST with a message that ends in "at <offset>" (bytes, from 0);
 * *ret_at (may be NULL) gets the offset too.
 */
enum hq_rc hq_expr_parse(struct hq_arena *a, const char *text,
    const struct hq_expr **ret, size_t *ret_at, struct hq_err *err) HQ_MUST;

/*
 * vars: an object whose members are the variables ({"event": ..., "async":
 * ...}); borrowed.  *ret is a value owned by the arena or borrowed from vars;
 * NULL is null.  BAD_REQUEST on a type error (1 + [], "a" < 1).
 */
enum hq_rc hq_expr_eval(const struct hq_expr *e, struct json_object *vars,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err) HQ_MUST;

/*
 * The first variable that is none of names (NULL ends them), with its offset;
 * NULL if there is none.  Borrowed from e.
 */
const char *hq_expr_stranger(const struct hq_expr *e, const char *const *names,
    size_t *ret_at);

/*
 * What e pins down: if e can only be true where a member of the variable
 * `name` equals something that does not depend on it, that something, and
 * *ret_path, the member's path ("data.id", in the arena).  e is such an ==
 * itself, or has one among what it joins by &&.  NULL if there is none.
 * Borrowed from e.
 */
const struct hq_expr *hq_expr_pin(const struct hq_expr *e, const char *name,
    struct hq_arena *a, const char **ret_path);
/* The string at such a path in v; NULL if there is none.  Borrowed from v. */
const char *hq_expr_string_at(struct json_object *v, const char *path);

/* A value as text: strings as they are, anything else as JSON. */
const char *hq_expr_text(struct hq_arena *a, struct json_object *v);

/* JavaScript truthiness of a result. */
bool hq_expr_true(struct json_object *v);

#endif /* HQ_EXPR_EXPR_H */

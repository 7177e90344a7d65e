#include <math.h>
#include <string.h>

#include "expr/node.h"
#include "json/value.h"

/*
 * Where an operand is null (and an attribute that is not there is null), an
 * operator answers instead of failing, as the Inngest engine does: null equals
 * only null and is less than everything.
 *
 * All numbers are IEEE doubles, so 7 / 2 is 3.5.
 */
struct scope {
	struct json_object *vars;
	struct hq_arena *arena;
};

static enum hq_rc eval(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err);

#define TYPE_FAIL(err, e, why) \
	HQ_FAIL((err), BAD_REQUEST, "%s at %zu", (why), (e)->at)

static bool
is_number(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_NUMBER;
}

static bool
is_string(struct json_object *v)
{
	return hq_js_type(v) == HQ_JS_STRING;
}

bool
hq_expr_true(struct json_object *v)
{
	double d;

	switch (hq_js_type(v)) {
	case HQ_JS_NULL:
	case HQ_JS_UNDEFINED:
	case HQ_JS_NAN:
		return false;
	case HQ_JS_BOOLEAN:
		return json_object_get_boolean(v);
	case HQ_JS_NUMBER:
		d = json_object_get_double(v);
		return d < 0 || d > 0;
	case HQ_JS_STRING:
		return *json_object_get_string(v) != '\0';
	case HQ_JS_ARRAY:
	case HQ_JS_OBJECT:
	case HQ_JS_JSON:
	case HQ_JS_BIGINT:
	case HQ_JS_DATE:
	case HQ_JS_URL:
	case HQ_JS_REGEXP:
	case HQ_JS_SET:
	case HQ_JS_MAP:
	case HQ_JS_FILE:
	case HQ_JS__MAX:
	default:
		return true;
	}
}

/* A member, or null where there is none to have. */
static struct json_object *
member(struct json_object *o, const char *name)
{
	return hq_js_type(o) == HQ_JS_OBJECT ? hq_json_get(o, name) : NULL;
}

static struct json_object *
element(struct json_object *v, struct json_object *index)
{
	double d;

	if (is_string(index))
		return member(v, json_object_get_string(index));
	if (!is_number(index) || hq_js_type(v) != HQ_JS_ARRAY)
		return NULL;
	d = json_object_get_double(index);
	if (!(d >= 0 && d < (double)json_object_array_length(v)) ||
	    d > floor(d))
		return NULL;
	return json_object_array_get_idx(v, (size_t)d);
}

static bool
equal(struct hq_arena *a, struct json_object *x, struct json_object *y)
{
	enum hq_js type = hq_js_type(x);
	struct hq_buf p, q;
	double d, f;

	if (type != hq_js_type(y))
		return false;
	if (type == HQ_JS_STRING)
		return strcmp(json_object_get_string(x),
			   json_object_get_string(y)) == 0;
	if (type == HQ_JS_NUMBER) {
		d = json_object_get_double(x);
		f = json_object_get_double(y);
		return d >= f && d <= f;
	}
	if (type != HQ_JS_ARRAY && type != HQ_JS_OBJECT)
		return hq_expr_true(x) == hq_expr_true(y);
	hq_buf_init(&p, a);
	hq_buf_init(&q, a);
	hq_json_write_canonical(&p, x);
	hq_json_write_canonical(&q, y);
	return strcmp(hq_buf_str(&p), hq_buf_str(&q)) == 0;
}

/* -1, 0, 1 */
static enum hq_rc
order(const struct hq_expr *e, struct json_object **v, int *ret,
    struct hq_err *err)
{
	double x, y;

	if (is_string(v[0]) && is_string(v[1])) {
		*ret = strcmp(json_object_get_string(v[0]),
		    json_object_get_string(v[1]));
		return HQ_OK;
	}
	if (!is_number(v[0]) || !is_number(v[1]))
		return TYPE_FAIL(err, e,
		    "only two numbers or two strings have an order");
	x = json_object_get_double(v[0]);
	y = json_object_get_double(v[1]);
	*ret = (x > y) - (x < y);
	return HQ_OK;
}

typedef enum hq_rc operate_fn(const struct scope *s, const struct hq_expr *e,
    struct json_object **v, struct json_object **ret, struct hq_err *err);

static enum hq_rc
op_equal(const struct scope *s, const struct hq_expr *e, struct json_object **v,
    struct json_object **ret, struct hq_err *err)
{
	bool same = equal(s->arena, v[0], v[1]);

	return hq_expr_bool(s->arena, same == (e->op == HQ_TOK_EQ), ret, err);
}

static enum hq_rc
op_compare(const struct scope *s, const struct hq_expr *e,
    struct json_object **v, struct json_object **ret, struct hq_err *err)
{
	bool less = e->op == HQ_TOK_LT || e->op == HQ_TOK_LE;
	bool equals = e->op == HQ_TOK_LE || e->op == HQ_TOK_GE;
	int o;

	if (v[0] == NULL || v[1] == NULL)
		return hq_expr_bool(s->arena, less == (v[0] == NULL), ret, err);
	HQ_TRY(order(e, v, &o, err));
	return hq_expr_bool(s->arena, o == 0 ? equals : less == (o < 0), ret,
	    err);
}

static enum hq_rc
op_in(const struct scope *s, const struct hq_expr *e, struct json_object **v,
    struct json_object **ret, struct hq_err *err)
{
	enum hq_js type = hq_js_type(v[1]);
	bool found = false;
	size_t i;

	if (type == HQ_JS_OBJECT)
		found = is_string(v[0]) &&
		    json_object_object_get_ex(v[1],
			json_object_get_string(v[0]), NULL);
	else if (type != HQ_JS_ARRAY && type != HQ_JS_NULL)
		return TYPE_FAIL(err, e, "in takes a list or an object");
	for (i = 0; type == HQ_JS_ARRAY && !found &&
	     i < json_object_array_length(v[1]);
	     i++)
		found =
		    equal(s->arena, v[0], json_object_array_get_idx(v[1], i));
	return hq_expr_bool(s->arena, found, ret, err);
}

static enum hq_rc
concat(const struct scope *s, const struct hq_expr *e, struct json_object **v,
    struct json_object **ret, struct hq_err *err)
{
	char *text = hq_arena_printf(s->arena, "%s%s",
	    hq_expr_text(s->arena, v[0]), hq_expr_text(s->arena, v[1]));

	if (text == NULL)
		return TYPE_FAIL(err, e, "the value is too large");
	return hq_expr_string(s->arena, text, ret, err);
}

static enum hq_rc
join(const struct scope *s, struct json_object **v, struct json_object **ret,
    struct hq_err *err)
{
	struct json_object *out = hq_json_new_array();
	size_t i, k;

	HQ_TRY(hq_json_own(s->arena, out, err));
	for (k = 0; k < 2; k++)
		for (i = 0; i < json_object_array_length(v[k]); i++)
			hq_json_push(out,
			    json_object_get(
				json_object_array_get_idx(v[k], i)));
	*ret = out;
	return HQ_OK;
}

static enum hq_rc
op_arithmetic(const struct scope *s, const struct hq_expr *e,
    struct json_object **v, struct json_object **ret, struct hq_err *err)
{
	double x, y, d;

	if (!is_number(v[0]) || !is_number(v[1]))
		return TYPE_FAIL(err, e, "the operator takes two numbers");
	x = json_object_get_double(v[0]);
	y = json_object_get_double(v[1]);
	if (e->op == HQ_TOK_PLUS)
		d = x + y;
	else if (e->op == HQ_TOK_MINUS)
		d = x - y;
	else if (e->op == HQ_TOK_STAR)
		d = x * y;
	else if (!(y < 0 || y > 0))
		return TYPE_FAIL(err, e, "a division by zero");
	else
		d = e->op == HQ_TOK_SLASH ? x / y : fmod(x, y);
	if (!isfinite(d))
		return TYPE_FAIL(err, e, "the number is too large");
	return hq_expr_number(s->arena, d, ret, err);
}

static enum hq_rc
op_plus(const struct scope *s, const struct hq_expr *e, struct json_object **v,
    struct json_object **ret, struct hq_err *err)
{
	if (is_string(v[0]) || is_string(v[1]))
		return concat(s, e, v, ret, err);
	if (hq_js_type(v[0]) == HQ_JS_ARRAY && hq_js_type(v[1]) == HQ_JS_ARRAY)
		return join(s, v, ret, err);
	return op_arithmetic(s, e, v, ret, err);
}

static operate_fn *const operators[HQ_TOK__MAX] = {
	[HQ_TOK_EQ] = op_equal,
	[HQ_TOK_NE] = op_equal,
	[HQ_TOK_LT] = op_compare,
	[HQ_TOK_LE] = op_compare,
	[HQ_TOK_GT] = op_compare,
	[HQ_TOK_GE] = op_compare,
	[HQ_TOK_IN] = op_in,
	[HQ_TOK_PLUS] = op_plus,
	[HQ_TOK_MINUS] = op_arithmetic,
	[HQ_TOK_STAR] = op_arithmetic,
	[HQ_TOK_SLASH] = op_arithmetic,
	[HQ_TOK_PERCENT] = op_arithmetic,
};

typedef enum hq_rc eval_fn(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err);

static enum hq_rc
eval_value(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	(void)s;
	(void)err;
	*ret = e->value;
	return HQ_OK;
}

static enum hq_rc
eval_name(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	(void)err;
	*ret = member(s->vars, e->name);
	return HQ_OK;
}

static enum hq_rc
eval_member(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	HQ_TRY(eval(s, e->kids[0], ret, err));
	*ret = member(*ret, e->name);
	return HQ_OK;
}

static enum hq_rc
eval_index(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *index;

	HQ_TRY(eval(s, e->kids[0], ret, err));
	HQ_TRY(eval(s, e->kids[1], &index, err));
	*ret = element(*ret, index);
	return HQ_OK;
}

static enum hq_rc
eval_list(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *out = hq_json_new_array(), *v;
	size_t i;

	HQ_TRY(hq_json_own(s->arena, out, err));
	for (i = 0; i < e->n_kids; i++) {
		HQ_TRY(eval(s, e->kids[i], &v, err));
		hq_json_push(out, json_object_get(v));
	}
	*ret = out;
	return HQ_OK;
}

static enum hq_rc
eval_call(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *args[HQ_CALL_ARGS_MAX];
	struct hq_err why;
	size_t i;

	HQ_ASSERT(e->n_kids <= HQ_CALL_ARGS_MAX);
	for (i = 0; i < e->n_kids; i++)
		HQ_TRY(eval(s, e->kids[i], &args[i], err));
	if (e->call->fn(s->arena, args, ret, &why) != HQ_OK)
		return TYPE_FAIL(err, e, why.msg);
	return HQ_OK;
}

static enum hq_rc
eval_has(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *o;
	bool found;

	HQ_TRY(eval(s, e->kids[0], &o, err));
	found = hq_js_type(o) == HQ_JS_OBJECT &&
	    json_object_object_get_ex(o, e->name, NULL);
	return hq_expr_bool(s->arena, found, ret, err);
}

static enum hq_rc
eval_unary(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *v;

	HQ_TRY(eval(s, e->kids[0], &v, err));
	if (e->op == HQ_TOK_NOT)
		return hq_expr_bool(s->arena, !hq_expr_true(v), ret, err);
	if (!is_number(v))
		return TYPE_FAIL(err, e, "the operator takes a number");
	return hq_expr_number(s->arena, -json_object_get_double(v), ret, err);
}

/* && and || yield an operand, and do not look at the right one in vain. */
static enum hq_rc
eval_binary(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *v[2];

	HQ_TRY(eval(s, e->kids[0], &v[0], err));
	if (e->op == HQ_TOK_AND || e->op == HQ_TOK_OR) {
		*ret = v[0];
		if (hq_expr_true(v[0]) == (e->op == HQ_TOK_OR))
			return HQ_OK;
		return eval(s, e->kids[1], ret, err);
	}
	HQ_TRY(eval(s, e->kids[1], &v[1], err));
	return operators[e->op](s, e, v, ret, err);
}

static enum hq_rc
eval_cond(const struct scope *s, const struct hq_expr *e,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *test;

	HQ_TRY(eval(s, e->kids[0], &test, err));
	return eval(s, e->kids[hq_expr_true(test) ? 1 : 2], ret, err);
}

static eval_fn *const evals[HQ_NODE__MAX] = {
	[HQ_NODE_VALUE] = eval_value,
	[HQ_NODE_NAME] = eval_name,
	[HQ_NODE_MEMBER] = eval_member,
	[HQ_NODE_INDEX] = eval_index,
	[HQ_NODE_LIST] = eval_list,
	[HQ_NODE_CALL] = eval_call,
	[HQ_NODE_HAS] = eval_has,
	[HQ_NODE_UNARY] = eval_unary,
	[HQ_NODE_BINARY] = eval_binary,
	[HQ_NODE_COND] = eval_cond,
};

static enum hq_rc
eval(const struct scope *s, const struct hq_expr *e, struct json_object **ret,
    struct hq_err *err)
{
	return evals[e->kind](s, e, ret, err);
}

enum hq_rc
hq_expr_eval(const struct hq_expr *e, struct json_object *vars,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err)
{
	const struct scope s = { .vars = vars, .arena = a };
	struct json_object *v;

	HQ_TRY(eval(&s, e, &v, err));
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, BAD_REQUEST, "the value is too large at 0");
	*ret = v;
	return HQ_OK;
}

const char *
hq_expr_stranger(const struct hq_expr *e, const char *const *names,
    size_t *ret_at)
{
	const char *found = NULL;
	size_t i;

	if (e->kind == HQ_NODE_NAME) {
		while (*names != NULL && strcmp(*names, e->name) != 0)
			names++;
		*ret_at = e->at;
		return *names == NULL ? e->name : NULL;
	}
	for (i = 0; found == NULL && i < e->n_kids; i++)
		found = hq_expr_stranger(e->kids[i], names, ret_at);
	return found;
}

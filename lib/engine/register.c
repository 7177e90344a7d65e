/*
 * Registration: an app's functions replace the ones it had.
 */
#include "engine/register.h"

#include <string.h>

#include "base/ids.h"
#include "engine/cron.h"
#include "engine/inside.h"

struct registration {
	struct hq_db *db;
	struct hq_arena *a;
	const char *app;
	int64_t now_ms;
	struct json_object *functions;
	struct hq_fn *fns; /* read from functions, one each */
	size_t n;
	char checksum[HQ_SHA1_HEX_BYTES];
	int64_t rev;
	bool modified;
};

static enum hq_rc
read_all(struct registration *r, struct hq_err *err)
{
	size_t i, k;

	if (!json_object_is_type(r->functions, json_type_array))
		return HQ_FAIL(err, BAD_REQUEST, "functions: not a list");
	r->n = json_object_array_length(r->functions);
	r->fns = HQ_NEW(r->a, struct hq_fn, r->n + 1);
	if (r->fns == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many functions");
	for (i = 0; i < r->n; i++) {
		HQ_TRY(hq_fn_read(json_object_array_get_idx(r->functions, i),
		    r->a, &r->fns[i], err));
		for (k = 0; k < i; k++)
			if (strcmp(r->fns[i].slug, r->fns[k].slug) == 0)
				return HQ_FAIL(err, BAD_REQUEST,
				    "function %s: id: there are two of it",
				    r->fns[i].slug);
	}
	return HQ_OK;
}

static const char *
canonical(struct registration *r, struct json_object *v, size_t *ret_n)
{
	struct hq_buf b;

	hq_buf_init(&b, r->a);
	hq_json_write_canonical(&b, v);
	*ret_n = b.n;
	return hq_buf_str(&b);
}

/* What is stored of the app already. */
static enum hq_rc
compare(struct registration *r, struct hq_err *err)
{
	const char *old;
	size_t n;
	HQ_CURSOR(row);

	r->modified = true;
	r->rev = 1;
	HQ_TRY(hq_query(r->db, &hq_engine_store, Q_APP_GET,
	    HQ_BIND(hq_text(r->app)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	old = hq_cursor_peek(&row, 0, &n);
	r->modified = strcmp(old, r->checksum) != 0;
	r->rev = hq_cursor_i64(&row, 1) + 1;
	return HQ_OK;
}

static enum hq_rc
store_cron(struct registration *r, const struct hq_fn *f, const char *text,
    struct hq_err *err)
{
	struct hq_cron c;

	HQ_TRY(hq_cron_parse(text, &c, err));
	return hq_exec(r->db, &hq_engine_store, Q_CRON_ADD,
	    HQ_BIND(hq_text(f->slug), hq_text(text), hq_text(r->app),
		hq_i64(r->rev), hq_i64(hq_cron_next(&c, r->now_ms))),
	    NULL, err);
}

/* A function's id is unique among all apps: nobody takes another's. */
static enum hq_rc
check_owner(struct registration *r, const char *slug, struct hq_err *err)
{
	const char *app;
	size_t n;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(r->db, &hq_engine_store, Q_FN_OTHER,
	    HQ_BIND(hq_text(slug), hq_text(r->app)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	app = hq_cursor_peek(&row, 0, &n);
	return HQ_FAIL(err, BAD_REQUEST,
	    "function %.100s: id: the app %.60s has one of it", slug, app);
}

static enum hq_rc
store_fn(struct registration *r, size_t i, struct hq_err *err)
{
	const struct hq_fn *f = &r->fns[i];
	const struct hq_fn_trigger *t;
	bool hears = false;
	const char *text;
	size_t n;

	HQ_TRY(check_owner(r, f->slug, err));
	for (t = f->triggers; t < f->triggers + f->n_triggers; t++) {
		if (t->cron != NULL)
			HQ_TRY(store_cron(r, f, t->cron, err));
		else if (hq_trigger_matches(t->event, HQ_ENG_FINISHED))
			hears = true;
	}
	text = canonical(r, json_object_array_get_idx(r->functions, i), &n);
	return hq_exec(r->db, &hq_engine_store, Q_FN_SET,
	    HQ_BIND(hq_text(f->slug), hq_text(r->app), hq_text(text),
		hq_i64(hears)),
	    NULL, err);
}

/* The engine has to read the functions of all apps: else nothing is kept. */
static enum hq_rc
read_again(const struct registration *r, struct hq_err *err)
{
	struct hq_fns all = { 0 };
	enum hq_rc rc = hq_fns_refresh(&all, r->db, err);

	hq_arena_free(all.arena);
	return rc;
}

static enum hq_rc
store_all(void *arg, struct hq_err *err)
{
	struct registration *r = arg;
	size_t i;

	HQ_TRY(compare(r, err));
	if (!r->modified)
		return HQ_OK;
	HQ_TRY(hq_exec(r->db, &hq_engine_store, Q_FN_ARCHIVE,
	    HQ_BIND(hq_text(r->app)), NULL, err));
	for (i = 0; i < r->n; i++)
		HQ_TRY(store_fn(r, i, err));
	HQ_TRY(hq_exec(r->db, &hq_engine_store, Q_CRON_PRUNE,
	    HQ_BIND(hq_text(r->app), hq_i64(r->rev)), NULL, err));
	HQ_TRY(hq_exec(r->db, &hq_engine_store, Q_APP_SET,
	    HQ_BIND(hq_text(r->app), hq_text(r->checksum), hq_i64(r->rev)),
	    NULL, err));
	return read_again(r, err);
}

static enum hq_rc
run(struct registration *r, struct hq_err *err)
{
	const char *text;
	size_t n;

	HQ_TRY(read_all(r, err));
	text = canonical(r, r->functions, &n);
	if (!hq_arena_ok(r->a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many functions");
	hq_sha1_hex(text, n, r->checksum);
	return hq_db_tx(r->db, store_all, r, err);
}

enum hq_rc
hq_eng_register(struct hq_db *db, const struct hq_env *env, const char *app,
    struct json_object *functions, bool *ret_modified, struct hq_err *err)
{
	struct registration r = { .db = db,
		.app = app,
		.functions = functions,
		.now_ms = hq_now_ms(env) };
	enum hq_rc rc;

	r.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = run(&r, err);
	if (rc == HQ_OK)
		*ret_modified = r.modified;
	hq_arena_free(r.a);
	return rc;
}

#include "engine/outbox.h"

#include <string.h>

#include "engine/inside.h"

/* ---------------------------------------------------------------- sending -- */

/* Columns of Q_OUT_NEXT. */
enum { COL_SEQ, COL_ID, COL_CLIENT_ID, COL_NAME, COL_DATA, COL_TS_MS };

static void
write_event(struct hq_buf *b, const struct hq_cursor *row,
    const struct hq_outgoing *o)
{
	const char *data;
	size_t n;

	data = hq_cursor_peek(row, COL_DATA, &n);
	hq_buf_puts(b, "{\"data\":");
	hq_buf_put(b, data, n);
	hq_buf_puts(b, ",\"id\":");
	hq_json_write_string(b, o->client_id != NULL ? o->client_id : o->event);
	hq_buf_puts(b, ",\"name\":");
	hq_json_write_string(b, o->name);
	hq_buf_printf(b, ",\"ts\":%lld}",
	    (long long)hq_cursor_i64(row, COL_TS_MS));
}

static size_t
bytes_of(const struct hq_cursor *row)
{
	size_t n;

	(void)hq_cursor_peek(row, COL_DATA, &n);
	return n;
}

/* One more of them, if there is memory. */
static void
add_event(struct hq_buf *b, const struct hq_cursor *row, struct hq_arena *a,
    struct hq_outgoings *to)
{
	struct hq_outgoing *o = &to->v[to->n];

	o->seq = hq_cursor_i64(row, COL_SEQ);
	o->event = hq_cursor_text(row, COL_ID, a);
	o->client_id = hq_cursor_text(row, COL_CLIENT_ID, a);
	o->name = hq_cursor_text(row, COL_NAME, a);
	if (!hq_arena_ok(a))
		return;
	hq_buf_putc(b, to->n++ == 0 ? '[' : ',');
	write_event(b, row, o);
}

enum hq_rc
hq_outbox_next(struct hq_db *db, size_t most, struct hq_arena *a,
    struct hq_outgoings *ret, struct hq_err *err)
{
	bool fits = true;
	struct hq_buf b;
	HQ_CURSOR(row);

	HQ_ASSERT(most <= HQ_OUTBOX_EVENTS_MAX);
	ret->n = 0;
	hq_buf_init(&b, a);
	HQ_TRY(hq_query(db, &hq_engine_store, Q_OUT_NEXT,
	    HQ_BIND(hq_i64((int64_t)most)), &row, err));
	while (fits && hq_cursor_next(&row)) {
		fits =
		    ret->n == 0 || b.n + bytes_of(&row) <= HQ_OUTBOX_BYTES_MAX;
		if (fits)
			add_event(&b, &row, a, ret);
		fits = fits && hq_arena_ok(a);
	}
	if (fits)
		HQ_TRY(hq_cursor_done(&row, err));
	hq_buf_putc(&b, ']');
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	ret->body = hq_buf_str(&b);
	ret->body_bytes = b.n;
	return HQ_OK;
}

struct sent {
	struct hq_db *db;
	const struct hq_outgoings *o;
};

/* A number may be another event's by now: this one's was the last. */
static enum hq_rc
take_out(struct hq_db *db, const struct hq_outgoing *o, struct hq_err *err)
{
	return hq_exec(db, &hq_engine_store, Q_OUT_DROP,
	    HQ_BIND(hq_i64(o->seq), hq_text(o->event)), NULL, err);
}

static enum hq_rc
sent_tx(void *arg, struct hq_err *err)
{
	const struct sent *s = arg;
	size_t i;

	for (i = 0; i < s->o->n; i++)
		HQ_TRY(take_out(s->db, &s->o->v[i], err));
	return HQ_OK;
}

enum hq_rc
hq_outbox_sent(struct hq_db *db, const struct hq_outgoings *o,
    struct hq_err *err)
{
	struct sent s = { db, o };

	return hq_db_tx(db, sent_tx, &s, err);
}

/* ---------------------------------------------------------------- parking -- */

struct park {
	struct hq_db *db;
	const struct hq_outgoing *o;
	const char *why;
	int64_t now_ms;
	enum hq_outbox_where where;
};

static enum hq_rc
park_tx(void *arg, struct hq_err *err)
{
	struct park *p = arg;
	int64_t n = 0;
	int added;

	p->where = HQ_OUTBOX_WAITS;
	HQ_TRY(hq_query_i64(p->db, &hq_engine_store, Q_PARKED_COUNT, HQ_NO_BIND,
	    &n, err));
	if (n >= HQ_OUTBOX_PARKED_MAX)
		return HQ_OK;
	HQ_TRY(hq_exec(p->db, &hq_engine_store, Q_PARKED_ADD,
	    HQ_BIND(hq_i64(p->o->seq), hq_text(p->o->event), hq_text(p->why),
		hq_i64(p->now_ms)),
	    &added, err));
	p->where = added > 0 ? HQ_OUTBOX_PARKED : HQ_OUTBOX_GONE;
	return take_out(p->db, p->o, err);
}

enum hq_rc
hq_outbox_park(struct hq_db *db, const struct hq_env *env,
    const struct hq_outgoing *o, const char *why, enum hq_outbox_where *ret,
    struct hq_err *err)
{
	struct park p = { .db = db,
		.o = o,
		.why = why,
		.now_ms = hq_now_ms(env) };

	HQ_TRY(hq_db_tx(db, park_tx, &p, err));
	*ret = p.where;
	return HQ_OK;
}

/* ---------------------------------------------------------------- trouble -- */

struct trouble {
	struct hq_db *db;
	const char *why; /* NULL: none any more */
	int64_t now_ms;
};

static enum hq_rc
trouble_tx(void *arg, struct hq_err *err)
{
	const struct trouble *t = arg;

	if (t->why == NULL)
		return hq_exec(t->db, &hq_engine_store, Q_TROUBLE_DROP,
		    HQ_NO_BIND, NULL, err);
	return hq_exec(t->db, &hq_engine_store, Q_TROUBLE_SET,
	    HQ_BIND(hq_i64(t->now_ms), hq_text(t->why)), NULL, err);
}

enum hq_rc
hq_outbox_trouble(struct hq_db *db, const struct hq_env *env, const char *why,
    struct hq_err *err)
{
	struct trouble t = { db, why, hq_now_ms(env) };

	return hq_db_tx(db, trouble_tx, &t, err);
}

enum hq_rc
hq_outbox_mended(struct hq_db *db, struct hq_err *err)
{
	struct trouble t = { .db = db };

	return hq_db_tx(db, trouble_tx, &t, err);
}

static enum hq_rc
look_at_trouble(struct hq_db *db, struct hq_arena *a, int64_t *ret_since_ms,
    const char **ret_why, struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret_since_ms = 0;
	*ret_why = NULL;
	HQ_TRY(hq_query(db, &hq_engine_store, Q_TROUBLE_GET, HQ_NO_BIND, &row,
	    err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret_since_ms = hq_cursor_i64(&row, 0);
	*ret_why = hq_cursor_text(&row, 1, a);
	return HQ_OK;
}

/* ---------------------------------------------------------------- looking -- */

static enum hq_rc
look_at_waiting(struct hq_db *db, struct hq_outbox_look *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(
	    hq_query(db, &hq_engine_store, Q_OUT_COUNT, HQ_NO_BIND, &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	ret->waiting = hq_cursor_i64(&row, 0);
	ret->oldest_ms = hq_cursor_i64(&row, 1);
	return HQ_OK;
}

enum hq_rc
hq_outbox_look(struct hq_db *db, struct hq_arena *a, struct hq_outbox_look *ret,
    struct hq_err *err)
{
	struct hq_outbox_look l = { 0 };

	HQ_TRY(look_at_waiting(db, &l, err));
	HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_PARKED_COUNT, HQ_NO_BIND,
	    &l.parked, err));
	HQ_TRY(hq_query_i64(db, &hq_engine_store, Q_RUNS_OPEN, HQ_NO_BIND,
	    &l.own_runs, err));
	HQ_TRY(look_at_trouble(db, a, &l.trouble_ms, &l.why, err));
	*ret = l;
	return HQ_OK;
}

enum hq_rc
hq_outbox_parked(struct hq_db *db, struct hq_arena *a, struct hq_parkeds *ret,
    struct hq_err *err)
{
	struct hq_parked p, *v;
	struct hq_buf found;
	HQ_CURSOR(row);

	hq_buf_init(&found, a);
	HQ_TRY(hq_query(db, &hq_engine_store, Q_PARKED_ALL, HQ_NO_BIND, &row,
	    err));
	while (hq_cursor_next(&row)) {
		p = (struct hq_parked){
			.event = hq_cursor_text(&row, 0, a),
			.name = hq_cursor_text(&row, 1, a),
			.why = hq_cursor_text(&row, 2, a),
			.parked_ms = hq_cursor_i64(&row, 3),
		};
		hq_buf_put(&found, &p, sizeof(p));
	}
	HQ_TRY(hq_cursor_done(&row, err));
	ret->n = found.n / sizeof(p);
	v = HQ_NEW(a, struct hq_parked, ret->n + 1);
	if (!hq_arena_ok(a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many events");
	if (found.n > 0)
		memcpy(v, found.p, found.n);
	ret->v = v;
	return HQ_OK;
}

enum hq_rc
hq_outbox_resend(struct hq_db *db, const char *event, int *ret_n,
    struct hq_err *err)
{
	HQ_TRY(hq_exec(db, &hq_engine_store, Q_PARKED_BACK,
	    HQ_BIND(hq_text(event)), NULL, err));
	return hq_outbox_drop(db, event, ret_n, err);
}

enum hq_rc
hq_outbox_drop(struct hq_db *db, const char *event, int *ret_n,
    struct hq_err *err)
{
	return hq_exec(db, &hq_engine_store, Q_PARKED_DROP,
	    HQ_BIND(hq_text(event)), ret_n, err);
}

enum hq_rc
hq_outbox_where(struct hq_db *db, const char *client_id, struct hq_arena *a,
    struct hq_outbox_place *ret, struct hq_err *err)
{
	struct hq_outbox_place p = { .where = HQ_OUTBOX_GONE };
	int64_t unused;
	HQ_CURSOR(row);

	HQ_TRY(hq_query(db, &hq_engine_store, Q_OUT_WHERE,
	    HQ_BIND(hq_text(client_id)), &row, err));
	if (!hq_cursor_next(&row)) {
		HQ_TRY(hq_cursor_done(&row, err));
		*ret = p;
		return HQ_OK;
	}
	p.since_ms = hq_cursor_i64(&row, 0);
	p.why = hq_cursor_text(&row, 1, a);
	p.where = p.why == NULL ? HQ_OUTBOX_WAITS : HQ_OUTBOX_PARKED;
	hq_cursor_close(&row);
	if (p.where == HQ_OUTBOX_WAITS)
		HQ_TRY(look_at_trouble(db, a, &unused, &p.why, err));
	*ret = p;
	return HQ_OK;
}

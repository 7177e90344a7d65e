#include "engine/event.h"

#include <string.h>

#include "engine/inside.h"
#include "engine/text.h"
#include "json/value.h"

static enum hq_rc
check(const struct hq_event *e, struct hq_err *err)
{
	size_t n = e->name == NULL ? 0 : strlen(e->name);

	if (n == 0 || n > HQ_ENGINE_NAME_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "an event's name has 1 to %d bytes",
		    HQ_ENGINE_NAME_BYTES_MAX);
	if (strncmp(e->name, "inngest/", 8) == 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "event names that begin with inngest/ are reserved");
	if (e->id != NULL && strlen(e->id) > HQ_ENGINE_NAME_BYTES_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "an event's id has at most %d bytes",
		    HQ_ENGINE_NAME_BYTES_MAX);
	if (!json_object_is_type(e->data, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST,
		    "an event's data is an object");
	if (hq_js_has_bigint(e->data))
		return HQ_FAIL(err, BAD_REQUEST,
		    "an event's data holds a big integer");
	return HQ_OK;
}

/* The data's text, with what ties the run to the request that caused it. */
static enum hq_rc
data_text(const struct hq_event *e, struct hq_arena *a, const char **ret,
    struct hq_err *err)
{
	struct json_object *data = e->data, *ours;
	struct hq_buf b;

	if (e->correlation_id != NULL || e->traceparent != NULL) {
		data = hq_json_clone(e->data);
		HQ_TRY(hq_json_own(a, data, err));
		ours = hq_json_new_object();
		if (e->correlation_id != NULL)
			hq_json_put_str(ours, "correlationId",
			    e->correlation_id);
		if (e->traceparent != NULL)
			hq_json_put_str(ours, "traceparent", e->traceparent);
		hq_json_put(data, "_rawr", ours);
	}
	hq_buf_init(&b, a);
	hq_json_write(&b, data);
	*ret = hq_buf_str(&b);
	if (hq_arena_ok(a) && hq_eng_event_fits(*ret))
		return HQ_OK;
	return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
	    "an event's data has at most %d bytes, %d arrays and objects, "
	    "and %d of them within one another",
	    HQ_ENGINE_EVENT_BYTES_MAX, HQ_ENGINE_EVENT_CONTAINERS_MAX,
	    HQ_ENGINE_EVENT_DEPTH_MAX);
}

enum hq_rc
hq_event_send(struct hq_db *db, const struct hq_env *env,
    const struct hq_event *e, char *ret_id, struct hq_arena *a,
    struct hq_err *err)
{
	struct hq_eng_tx t = { .db = db,
		.env = env,
		.a = a,
		.now_ms = hq_now_ms(env) };
	struct hq_eng_event put = { .client_id = e->id,
		.name = e->name,
		.ts_ms = e->ts_ms };

	HQ_ASSERT(hq_db_in_tx(db));
	HQ_TRY(check(e, err));
	HQ_TRY(data_text(e, a, &put.data, err));
	HQ_TRY(hq_eng_event_put(&t, &put, true, err));
	if (ret_id != NULL)
		memcpy(ret_id, put.id, HQ_ULID_BYTES);
	return HQ_OK;
}

/* The ids of the open runs that the event started, in t->a. */
static enum hq_rc
runs_of(struct hq_eng_tx *t, const char *event_id, struct hq_buf *ids,
    struct hq_err *err)
{
	HQ_CURSOR(row);
	const char *id;

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_RUNS_OF_EVENT,
	    HQ_BIND(hq_text(event_id)), &row, err));
	while (hq_cursor_next(&row)) {
		id = hq_cursor_text(&row, 0, t->a);
		hq_buf_put(ids, &id, sizeof(id));
	}
	return hq_cursor_done(&row, err);
}

static enum hq_rc
cancel_runs(struct hq_eng_tx *t, const char *event_id, struct hq_err *err)
{
	struct hq_eng_tx each = *t; /* memory of one run after the other */
	enum hq_rc rc = HQ_OK;
	const char *run;
	struct hq_buf ids;
	size_t at;

	hq_buf_init(&ids, t->a);
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_INBOX_CANCEL,
	    HQ_BIND(hq_text(event_id)), NULL, err));
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_PARKED_CANCEL,
	    HQ_BIND(hq_text(event_id)), NULL, err));
	HQ_TRY(runs_of(t, event_id, &ids, err));
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE,
		    "too many runs to cancel at once");
	each.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	for (at = 0; rc == HQ_OK && at < ids.n; at += sizeof(run)) {
		memcpy(&run, ids.p + at, sizeof(run));
		rc = hq_eng_cancel(&each, run, err);
		hq_arena_reset(each.a);
	}
	hq_arena_free(each.a);
	return rc;
}

enum hq_rc
hq_event_cancel_runs(struct hq_db *db, const struct hq_env *env,
    const char *event_id, struct hq_err *err)
{
	struct hq_eng_tx t = { .db = db, .env = env, .now_ms = hq_now_ms(env) };
	enum hq_rc rc;

	HQ_ASSERT(hq_db_in_tx(db));
	t.a = hq_arena_new(HQ_ENGINE_TURN_BYTES);
	rc = cancel_runs(&t, event_id, err);
	hq_arena_free(t.a);
	return rc;
}

/* -------------------------------------------------------------- inside -- */

bool
hq_eng_event_fits(const char *data)
{
	struct hq_text_shape s = hq_text_shape(data);

	return s.bytes <= HQ_ENGINE_EVENT_BYTES_MAX &&
	    s.containers <= HQ_ENGINE_EVENT_CONTAINERS_MAX &&
	    s.depth <= HQ_ENGINE_EVENT_DEPTH_MAX;
}

/* It goes into headers: whoever sends an event may have made it up. */
static const char *
visible_str(struct json_object *o, const char *key)
{
	const char *s = hq_json_str(o, key), *p;

	if (s == NULL || strlen(s) > HQ_ENGINE_NAME_BYTES_MAX)
		return NULL;
	for (p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return NULL;
	return s;
}

struct hq_eng_trace
hq_eng_event_trace(struct hq_eng_tx *t, const char *data)
{
	struct json_object *ours = NULL;
	const char *text;
	size_t n = 0;

	text = hq_text_member(data, "_rawr", &n);
	if (text != NULL && n <= (size_t)16 * HQ_ENGINE_NAME_BYTES_MAX)
		HQ_IGNORE(hq_json_parse(t->a, text, n, &ours, NULL));
	return (struct hq_eng_trace){ visible_str(ours, "correlationId"),
		visible_str(ours, "traceparent") };
}

/* The last event's id; "" if there is none. */
static enum hq_rc
last_id(struct hq_db *db, char out[HQ_ULID_BYTES], struct hq_err *err)
{
	const char *id;
	size_t n;
	HQ_CURSOR(row);

	out[0] = '\0';
	HQ_TRY(hq_query(db, &hq_engine_store, Q_EVENT_LAST, HQ_NO_BIND, &row,
	    err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	id = hq_cursor_peek(&row, 0, &n);
	HQ_ASSERT(id != NULL && n == HQ_ULID_BYTES - 1);
	memcpy(out, id, HQ_ULID_BYTES);
	return HQ_OK;
}

enum hq_rc
hq_event_clock(struct hq_db *db, int64_t *ret_ms, struct hq_err *err)
{
	char id[HQ_ULID_BYTES];

	HQ_TRY(last_id(db, id, err));
	*ret_ms = id[0] == '\0' ? 0 : hq_ulid_ms(id);
	return HQ_OK;
}

enum hq_rc
hq_eng_event_put(struct hq_eng_tx *t, struct hq_eng_event *e, bool inbox,
    struct hq_err *err)
{
	char last[HQ_ULID_BYTES], id[HQ_ULID_BYTES];

	HQ_TRY(last_id(t->db, last, err));
	if (last[0] == '\0')
		hq_ulid(t->env, id);
	else
		hq_ulid_after(t->env, last, id);
	e->id = hq_arena_copy(t->a, id, sizeof(id) - 1);
	if (e->id == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "event too large");
	e->received_ms = t->now_ms;
	if (e->ts_ms == 0)
		e->ts_ms = t->now_ms;
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_EVENT_ADD,
	    HQ_BIND(hq_text(e->id), hq_text(e->client_id), hq_text(e->name),
		hq_text(e->data), hq_i64(e->ts_ms), hq_i64(e->received_ms)),
	    NULL, err));
	if (!inbox)
		return HQ_OK;
	return hq_exec(t->db, &hq_engine_store, Q_INBOX_ADD,
	    HQ_BIND(hq_text(e->id), hq_text(e->client_id)), NULL, err);
}

void
hq_eng_event_row(struct hq_eng_tx *t, const struct hq_cursor *row,
    struct hq_eng_event *ret)
{
	ret->id = hq_cursor_text(row, 0, t->a);
	ret->client_id = hq_cursor_text(row, 1, t->a);
	ret->name = hq_cursor_text(row, 2, t->a);
	ret->data = hq_cursor_text(row, 3, t->a);
	ret->ts_ms = hq_cursor_i64(row, 4);
	ret->received_ms = hq_cursor_i64(row, 5);
}

enum hq_rc
hq_eng_event_get(struct hq_eng_tx *t, const char *id, struct hq_eng_event *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_EVENT_GET,
	    HQ_BIND(hq_text(id)), &row, err));
	if (!hq_cursor_next(&row)) {
		HQ_TRY(hq_cursor_done(&row, err));
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "event %s is lost",
		    id);
	}
	hq_eng_event_row(t, &row, ret);
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	return HQ_OK;
}

void
hq_eng_event_write(struct hq_buf *b, const struct hq_eng_event *e)
{
	hq_buf_puts(b, "{\"data\":");
	hq_buf_puts(b, e->data);
	hq_buf_puts(b, ",\"id\":");
	hq_json_write_string(b, e->client_id != NULL ? e->client_id : e->id);
	hq_buf_puts(b, ",\"name\":");
	hq_json_write_string(b, e->name);
	hq_buf_printf(b, ",\"ts\":%lld,\"user\":{}}", (long long)e->ts_ms);
}

enum hq_rc
hq_eng_event_value(struct hq_eng_tx *t, const struct hq_eng_event *e,
    struct json_object **ret, struct hq_err *err)
{
	struct hq_buf b;

	hq_buf_init(&b, t->a);
	hq_eng_event_write(&b, e);
	if (!hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	*ret = NULL;
	/* An event within the parser's depth may exceed it in its envelope. */
	HQ_IGNORE(hq_json_parse(t->a, hq_buf_str(&b), b.n, ret, NULL));
	return HQ_OK;
}

enum hq_rc
hq_eng_event_vars(struct hq_eng_tx *t, struct json_object *event,
    struct json_object *async, struct json_object **ret, struct hq_err *err)
{
	struct json_object *vars = hq_json_new_object();

	hq_json_put(vars, "event", json_object_get(event));
	if (async != NULL)
		hq_json_put(vars, "async", json_object_get(async));
	*ret = vars;
	return hq_json_own(t->a, vars, err);
}

enum hq_rc
hq_eng_arrival_parse(struct hq_eng_arrival *in, struct hq_err *err)
{
	if (in->parsed)
		return HQ_OK;
	HQ_TRY(hq_eng_event_value(in->t, in->e, &in->value, err));
	in->parsed = true;
	return HQ_OK;
}

enum hq_rc
hq_eng_arrival_vars(struct hq_eng_arrival *in, struct hq_err *err)
{
	if (in->vars != NULL)
		return HQ_OK;
	HQ_TRY(hq_eng_arrival_parse(in, err));
	return hq_eng_event_vars(in->t, in->value, NULL, &in->vars, err);
}

/*
 * POST /e/<key>: events, one or a list of them, all recorded or none.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "engine/event.h"
#include "flow/function.h"
#include "proto/inngest/api_room.h"

enum { SEED_BYTES = 10 };

static const char own_names[] = HQ_APP_ID "/";

/* Years 1980 to 2100. */
#define TS_MIN INT64_C(315532800000)
#define TS_MAX INT64_C(4102444800000)

/*
 * What the SDK sends with each request, the same when it repeats one: so an
 * event without an id has one by which it is known again.
 */
struct seed {
	bool given;
	int64_t ms;
	unsigned char random[SEED_BYTES];
};

struct batch {
	const struct hq_api_ex *x;
	struct hq_event *v;
	size_t n;
	char (*ids)[HQ_ULID_BYTES];
};

/* ------------------------------------------------------------------ reading */

/* "<unix ms>,<base64 of ten bytes>" */
static void
read_seed(const struct hq_api_ex *x, struct seed *s)
{
	const char *text = hq_http_header(x->req, "x-inngest-event-id-seed");
	char *comma;
	size_t got;

	*s = (struct seed){ 0 };
	if (text == NULL || *text < '0' || *text > '9')
		return;
	s->ms = strtoll(text, &comma, 10);
	s->given = *comma == ',' && s->ms < INT64_C(1) << 48 &&
	    sodium_base642bin(s->random, sizeof(s->random), comma + 1,
		strlen(comma + 1), NULL, &got, NULL,
		sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    got == sizeof(s->random);
}

/* The id of the event at this place, counted from 1. */
static const char *
seeded(const struct seed *s, size_t place, struct hq_arena *a)
{
	unsigned char r[SEED_BYTES];
	char id[HQ_ULID_BYTES];
	uint32_t low;

	memcpy(r, s->random, sizeof(r));
	low = (uint32_t)r[6] << 24 | (uint32_t)r[7] << 16 |
	    (uint32_t)r[8] << 8 | r[9];
	low += (uint32_t)place;
	r[6] = (unsigned char)(low >> 24);
	r[7] = (unsigned char)(low >> 16);
	r[8] = (unsigned char)(low >> 8);
	r[9] = (unsigned char)low;
	hq_ulid_of(s->ms, r, id);
	return hq_arena_copy(a, id, sizeof(id) - 1);
}

/* Members that only the engine writes. */
static struct json_object *
own_data(const struct hq_api_ex *x, struct json_object *o, struct hq_err *err)
{
	struct json_object *data = hq_json_get(o, "data");

	if (data == NULL) {
		data = hq_json_new_object();
		return hq_json_own(x->a, data, err) == HQ_OK ? data : NULL;
	}
	if (json_object_is_type(data, json_type_object)) {
		json_object_object_del(data, "_inngest");
		json_object_object_del(data, "_rawr");
	}
	return data;
}

static enum hq_rc
read_event(const struct hq_api_ex *x, struct json_object *o,
    struct hq_event *ret, struct hq_err *err)
{
	struct hq_event e = { .name = hq_json_str(o, "name"),
		.id = hq_json_str(o, "id") };

	if (!json_object_is_type(o, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "an event is an object");
	/* What our own procedures send has passed their checks. */
	if (e.name != NULL &&
	    strncmp(e.name, own_names, strlen(own_names)) == 0)
		return HQ_FAIL(err, BAD_REQUEST,
		    "event names that begin with %s are reserved", own_names);
	if (hq_json_get(o, "id") != NULL && e.id == NULL)
		return HQ_FAIL(err, BAD_REQUEST, "an event's id is a string");
	e.ts_ms = hq_json_i64(o, "ts", 0);
	if (hq_json_get(o, "ts") != NULL && e.ts_ms != 0 &&
	    (e.ts_ms < TS_MIN || e.ts_ms > TS_MAX))
		return HQ_FAIL(err, BAD_REQUEST,
		    "an event's ts is milliseconds, of 1980 to 2100");
	if (e.id != NULL && e.id[0] == '\0')
		e.id = NULL;
	e.data = own_data(x, o, err);
	*ret = e;
	return HQ_OK;
}

static enum hq_rc
read_batch(const struct hq_api_ex *x, struct batch *b, struct hq_err *err)
{
	struct json_object *body;
	struct seed seed;
	bool list;
	size_t i;

	HQ_TRY(hq_api_body(x, &body, err));
	list = json_object_is_type(body, json_type_array);
	b->n = list ? json_object_array_length(body) : 1;
	if (b->n > HQ_INNGEST_EVENTS_MAX)
		return HQ_FAIL(err, BAD_REQUEST,
		    "more than %d events in one request",
		    HQ_INNGEST_EVENTS_MAX);
	b->v = HQ_NEW(x->a, struct hq_event, b->n + 1);
	b->ids = hq_arena_alloc(x->a, b->n + 1, sizeof(*b->ids));
	if (b->v == NULL || b->ids == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "too many events");
	read_seed(x, &seed);
	for (i = 0; i < b->n; i++) {
		HQ_TRY(read_event(x,
		    list ? json_object_array_get_idx(body, i) : body, &b->v[i],
		    err));
		if (b->v[i].id == NULL && seed.given)
			b->v[i].id = seeded(&seed, i + 1, x->a);
	}
	return HQ_OK;
}

/* ---------------------------------------------------------------- recording */

static enum hq_rc
record(void *arg, struct hq_err *err)
{
	const struct batch *b = arg;
	const struct hq_inngest_api_opts *o = &b->x->api->o;
	size_t i;

	for (i = 0; i < b->n; i++)
		HQ_TRY(hq_event_send(o->db, o->env, &b->v[i], b->ids[i],
		    b->x->a, err));
	return HQ_OK;
}

static void
refuse(const struct hq_api_ex *x, const struct hq_err *err)
{
	struct hq_buf b;
	/* The SDKs know of one status for what cannot be right. */
	int status = err->status < 500 ? 400 : err->status;

	hq_buf_init(&b, x->a);
	hq_buf_puts(&b, "{\"error\":");
	hq_json_write_string(&b,
	    err->status >= 500 ? hq_rc_text(err->code) : err->msg);
	hq_buf_printf(&b, ",\"ids\":[],\"status\":%d}", status);
	hq_api_text(x, status, hq_buf_str(&b));
}

void
hq_api_events(const struct hq_api_ex *x)
{
	struct batch b = { .x = x };
	struct hq_err err = { 0 };
	struct hq_buf out;
	size_t i;

	if (read_batch(x, &b, &err) != HQ_OK ||
	    (b.n > 0 && hq_db_tx(x->api->o.db, record, &b, &err) != HQ_OK)) {
		refuse(x, &err);
		return;
	}
	if (b.n > 0)
		hq_api_wake(x);
	hq_buf_init(&out, x->a);
	hq_buf_puts(&out, "{\"ids\":[");
	for (i = 0; i < b.n; i++)
		hq_buf_printf(&out, "%s\"%s\"", i == 0 ? "" : ",", b.ids[i]);
	hq_buf_puts(&out, "],\"status\":200}");
	hq_api_text(x, 200, hq_buf_str(&out));
}

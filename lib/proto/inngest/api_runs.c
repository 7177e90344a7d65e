/*
 * Runs and events by their ids: what an SDK fetches, checkpoints, and asks.
 */
#include <string.h>

#include "base/ids.h"
#include "base/version.h"
#include "engine/api.h"
#include "engine/functions.h"
#include "flow/function.h"
#include "proto/inngest/api_room.h"

/*
 * Runs of our own functions belong to whoever queued them, by procedures that
 * keep more of them than the engine does: here they are not.
 */
static bool
is_ours(const struct hq_run_look *run)
{
	return strncmp(run->fn, HQ_APP_ID "-", strlen(HQ_APP_ID "-")) == 0;
}

static enum hq_rc
look(const struct hq_api_ex *x, struct hq_run_look *ret, struct hq_err *err)
{
	HQ_TRY(hq_run_look(x->api->o.db, x->id, x->a, ret, err));
	if (is_ours(ret))
		return HQ_FAIL(err, NOT_FOUND, "no run %.40s", x->id);
	return HQ_OK;
}

/* ---------------------------------------------------------- what calls lack */

/* To an SDK a run that is not there has ended. */
static void
gone(const struct hq_api_ex *x, const struct hq_err *err)
{
	if (err->code == HQ_E_NOT_FOUND)
		hq_api_refuse(x, 410, err->msg);
	else
		hq_api_fail(x, err);
}

void
hq_api_actions(const struct hq_api_ex *x)
{
	struct hq_run_look run;
	struct hq_err err = { 0 };
	const char *steps;

	if (look(x, &run, &err) != HQ_OK ||
	    hq_run_steps(x->api->o.db, x->id, x->a, &steps, &err) != HQ_OK)
		gone(x, &err);
	else
		hq_api_text(x, 200, steps);
}

void
hq_api_batch(const struct hq_api_ex *x)
{
	struct hq_run_look run;
	struct hq_err err = { 0 };
	const char *events;

	if (look(x, &run, &err) != HQ_OK ||
	    hq_run_events(x->api->o.db, x->id, x->a, &events, &err) != HQ_OK)
		gone(x, &err);
	else
		hq_api_text(x, 200, events);
}

/* ------------------------------------------------------------- checkpointing */

struct recording {
	const struct hq_api_ex *x;
	struct hq_checkpoint c;
};

static enum hq_rc
record(void *arg, struct hq_err *err)
{
	const struct recording *r = arg;
	const struct hq_inngest_api_opts *o = &r->x->api->o;

	return hq_run_checkpoint(o->db, o->env, &r->c, r->x->a, err);
}

void
hq_api_checkpoint(const struct hq_api_ex *x)
{
	struct recording r = { .x = x, .c.run = x->id };
	struct json_object *body;
	struct hq_run_look run;
	struct hq_err err = { 0 };

	if (hq_api_body(x, &body, &err) != HQ_OK) {
		hq_api_fail(x, &err);
		return;
	}
	/* Of a run that is not there, this call is not. */
	if (look(x, &run, &err) != HQ_OK) {
		hq_api_refuse(x, err.code == HQ_E_NOT_FOUND ? 409 : err.status,
		    err.code == HQ_E_NOT_FOUND ? err.msg
					       : hq_rc_text(err.code));
		return;
	}
	r.c.generation = hq_json_i64(body, "generation_id", 0);
	r.c.steps = hq_json_get(body, "steps");
	if (hq_db_tx(x->api->o.db, record, &r, &err) != HQ_OK)
		hq_api_fail(x, &err);
	else
		hq_api_text(x, 200, "{\"ok\":true}");
}

/* ------------------------------------------------------------------ looking */

static void
put_time(struct hq_buf *b, const char *name, int64_t ms)
{
	char text[HQ_ISO_BYTES];

	if (ms == 0) {
		hq_buf_printf(b, ",\"%s\":null", name);
		return;
	}
	hq_iso_from_ms(ms, text);
	hq_buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static void
put_run(struct hq_buf *b, const struct hq_run_look *run)
{
	char id[HQ_UUID_BYTES];

	hq_uuid_named(run->fn, id);
	hq_buf_printf(b,
	    "{\"run_id\":\"%s\",\"function_id\":\"%s\",\"function_version\":1,"
	    "\"event_id\":\"%s\",\"status\":\"%s\"",
	    run->id, id, run->event, run->status);
	hq_buf_puts(b, ",\"function_slug\":");
	hq_json_write_string(b, run->fn);
	put_time(b, "run_started_at", run->created_ms);
	put_time(b, "ended_at", run->ended_ms);
	hq_buf_puts(b, ",\"output\":");
	hq_buf_puts(b, run->output == NULL ? "null" : run->output);
	hq_buf_putc(b, '}');
}

/* {"data": ..., "metadata": {...}}: begin, then end. */
static void
begin(const struct hq_api_ex *x, struct hq_buf *b)
{
	hq_buf_init(b, x->a);
	hq_buf_puts(b, "{\"data\":");
}

static void
end(const struct hq_api_ex *x, struct hq_buf *b)
{
	char now[HQ_ISO_BYTES];

	hq_iso_from_ms(hq_now_ms(x->api->o.env), now);
	hq_buf_printf(b,
	    ",\"metadata\":{\"fetched_at\":\"%s\",\"cached_until\":null}}",
	    now);
	hq_api_text(x, 200, hq_buf_str(b));
}

void
hq_api_run(const struct hq_api_ex *x)
{
	struct hq_run_look run;
	struct hq_err err = { 0 };
	struct hq_buf b;

	if (look(x, &run, &err) != HQ_OK) {
		hq_api_fail(x, &err);
		return;
	}
	begin(x, &b);
	put_run(&b, &run);
	end(x, &b);
}

void
hq_api_runs(const struct hq_api_ex *x)
{
	struct hq_run_looks runs;
	struct hq_err err = { 0 };
	bool first = true;
	struct hq_buf b;
	size_t i;

	if (hq_runs_look(x->api->o.db, x->id, x->a, &runs, &err) != HQ_OK) {
		hq_api_fail(x, &err);
		return;
	}
	begin(x, &b);
	hq_buf_putc(&b, '[');
	for (i = 0; i < runs.n; i++) {
		if (is_ours(&runs.v[i]))
			continue;
		if (!first)
			hq_buf_putc(&b, ',');
		first = false;
		put_run(&b, &runs.v[i]);
	}
	hq_buf_putc(&b, ']');
	end(x, &b);
}

void
hq_api_event(const struct hq_api_ex *x)
{
	struct hq_err err = { 0 };
	const char *event;
	struct hq_buf b;

	if (hq_event_look(x->api->o.db, x->id, x->a, &event, &err) != HQ_OK) {
		hq_api_fail(x, &err);
		return;
	}
	begin(x, &b);
	/* Its own id stands in it where the sender gave none. */
	hq_buf_printf(&b, "{\"internal_id\":");
	hq_json_write_string(&b, x->id);
	hq_buf_putc(&b, ',');
	hq_buf_puts(&b, event + 1);
	end(x, &b);
}

/* ---------------------------------------------------------------- cancelling */

static enum hq_rc
cancel(void *arg, struct hq_err *err)
{
	const struct hq_api_ex *x = arg;

	return hq_run_cancel(x->api->o.db, x->api->o.env, x->id, err);
}

void
hq_api_cancel(const struct hq_api_ex *x)
{
	struct hq_api_ex copy = *x;
	struct hq_run_look run;
	struct hq_err err = { 0 };

	if (look(x, &run, &err) != HQ_OK ||
	    hq_db_tx(x->api->o.db, cancel, &copy, &err) != HQ_OK) {
		hq_api_fail(x, &err);
		return;
	}
	hq_api_wake(x);
	hq_api_text(x, 200, "");
}

/* -------------------------------------------------------------------- /dev -- */

static void
put_function(struct hq_buf *b, const struct hq_fn *f)
{
	char id[HQ_UUID_BYTES];

	hq_uuid_named(f->slug, id);
	hq_buf_printf(b, "{\"id\":\"%s\",\"name\":", id);
	hq_json_write_string(b, f->slug);
	hq_buf_puts(b, ",\"slug\":");
	hq_json_write_string(b, f->slug);
	hq_buf_puts(b,
	    ",\"steps\":[{\"id\":\"step\",\"name\":\"step\",\"uri\":");
	hq_json_write_string(b, f->url);
	hq_buf_puts(b, "}]}");
}

void
hq_api_dev(const struct hq_api_ex *x)
{
	struct hq_fns fns = { .rev = -1 };
	struct hq_err err = { 0 };
	bool first = true;
	struct hq_buf b;
	size_t i;

	if (hq_fns_refresh(&fns, x->api->o.db, &err) != HQ_OK) {
		hq_arena_free(fns.arena);
		hq_api_fail(x, &err);
		return;
	}
	hq_buf_init(&b, x->a);
	hq_buf_puts(&b,
	    "{\"authed\":false,\"version\":\"" HQ_VERSION
	    "\",\"startOpts\":{},\"functions\":[");
	for (i = 0; i < fns.n; i++) {
		if (fns.v[i].archived || fns.v[i].url == NULL)
			continue;
		if (!first)
			hq_buf_putc(&b, ',');
		first = false;
		put_function(&b, &fns.v[i]);
	}
	hq_buf_puts(&b, "],\"handlers\":[]}");
	hq_arena_free(fns.arena);
	hq_api_text(x, 200, hq_buf_str(&b));
}

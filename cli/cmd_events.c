/* rawr events: what starts and resumes durable functions. */
#include <string.h>

#include "base/ids.h"
#include "cli.h"
#include "command/operator.h"
#include "engine/outbox.h"

struct send {
	struct hq_cli *c;
	struct hq_db *db;
	struct hq_event event;
	char id[HQ_ULID_BYTES];
};

static enum hq_rc
send_tx(void *arg, struct hq_err *err)
{
	struct send *s = arg;

	return hq_event_send(s->db, s->c->env, &s->event, s->id, s->c->arena,
	    err);
}

/* The event that the words describe. */
static enum hq_rc
take_event(struct hq_cli *c, struct hq_event *e, struct hq_err *err)
{
	struct json_object *data;

	HQ_TRY(hq_cli_opt_json(c, "--data", &data, err));
	if (data == NULL && hq_cli_opt(c, "--data") == NULL)
		data = hq_cli_object(c);
	if (!json_object_is_type(data, json_type_object))
		return HQ_FAIL(err, BAD_REQUEST, "--data: not an object");
	if (c->argv[0][0] == '\0')
		return HQ_FAIL(err, BAD_REQUEST, "an event needs a name");
	e->name = c->argv[0];
	e->data = data;
	e->id = hq_cli_opt(c, "--id");
	return HQ_OK;
}

static enum hq_rc
run_send(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct send s = { .c = c };
	enum hq_rc rc;

	HQ_TRY(take_event(c, &s.event, err));
	HQ_TRY(hq_cli_open(c, true, &s.db, err));
	rc = hq_db_tx(s.db, send_tx, &s, err);
	hq_db_close(s.db);
	HQ_TRY(rc);
	if (!c->dry_run)
		(void)hq_cli_ring(&c->config);
	*ret = hq_cli_object(c);
	hq_json_put_str(*ret, "name", c->argv[0]);
	if (!c->dry_run)
		hq_json_put_str(*ret, "id", s.id);
	return HQ_OK;
}

static void
print_send(const struct hq_cli *c, struct json_object *r)
{
	if (c->dry_run)
		(void)printf("%s: would be sent\n", hq_json_str(r, "name"));
	else
		(void)printf("%s: %s\n", hq_json_str(r, "name"),
		    hq_json_str(r, "id"));
}

/* ----------------------------------------------------------------- parked -- */

static enum hq_rc
run_parked(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	struct json_object *rows = hq_json_new_array(), *o;
	struct hq_parkeds p;
	char iso[HQ_ISO_BYTES];
	struct hq_db *db;
	enum hq_rc rc;
	size_t i;

	*ret = hq_cli_object(c);
	hq_json_put(*ret, "events", rows);
	HQ_TRY(hq_cli_open(c, false, &db, err));
	rc = hq_outbox_parked(db, c->arena, &p, err);
	hq_db_close(db);
	HQ_TRY(rc);
	for (i = 0; i < p.n; i++) {
		o = hq_json_new_object();
		hq_iso_from_ms(p.v[i].parked_ms, iso);
		hq_json_put_str(o, "id", p.v[i].event);
		hq_json_put_str(o, "name", p.v[i].name);
		hq_json_put_str(o, "parkedAt", iso);
		hq_json_put_str(o, "why", p.v[i].why);
		hq_json_push(rows, o);
	}
	return HQ_OK;
}

static void
print_parked(const struct hq_cli *c, struct json_object *r)
{
	struct json_object *rows = hq_json_get(r, "events"), *o;
	size_t i;

	(void)c;
	for (i = 0; i < json_object_array_length(rows); i++) {
		o = json_object_array_get_idx(rows, i);
		(void)printf("%s  %s  %s\n      %s\n", hq_json_str(o, "id"),
		    hq_json_str(o, "parkedAt"), hq_json_str(o, "name"),
		    hq_json_str(o, "why"));
	}
}

struct move {
	struct hq_db *db;
	const char *event; /* NULL: all */
	enum hq_rc (*fn)(struct hq_db *db, const char *event, int *ret_n,
	    struct hq_err *err);
	int n;
};

static enum hq_rc
move_tx(void *arg, struct hq_err *err)
{
	struct move *m = arg;

	HQ_TRY(m->fn(m->db, m->event, &m->n, err));
	if (m->n == 0 && m->event != NULL)
		return HQ_FAIL(err, NOT_FOUND, "no event %.40s is parked",
		    m->event);
	return HQ_OK;
}

static enum hq_rc
move(struct hq_cli *c, struct move *m, struct json_object **ret,
    struct hq_err *err)
{
	enum hq_rc rc;

	m->event = c->argc > 0 ? c->argv[0] : NULL;
	HQ_TRY(hq_cli_open(c, true, &m->db, err));
	rc = hq_db_tx(m->db, move_tx, m, err);
	hq_db_close(m->db);
	HQ_TRY(rc);
	if (!c->dry_run)
		(void)hq_cli_ring(&c->config);
	*ret = hq_cli_object(c);
	hq_json_put_i64(*ret, "events", m->n);
	return HQ_OK;
}

static enum hq_rc
run_resend(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return move(c, &(struct move){ .fn = hq_outbox_resend }, ret, err);
}

static enum hq_rc
run_drop(struct hq_cli *c, struct json_object **ret, struct hq_err *err)
{
	return move(c, &(struct move){ .fn = hq_outbox_drop }, ret, err);
}

static void
print_moved(const struct hq_cli *c, struct json_object *r)
{
	(void)printf("%lld events%s\n", (long long)hq_json_i64(r, "events", 0),
	    c->dry_run ? " would be" : "");
}

static const struct hq_option send_options[] = {
	{ "--data", "JSON", "an object; default {}; @FILE reads one", NULL, 0 },
	{ "--id", "ID", "yours: a repeat within 24 h starts nothing", NULL, 0 },
	{ 0 },
};

const struct hq_command hq_commands_events[] = {
	{ "events", "send", "NAME", 1, 1, "send an event", run_send, print_send,
	    HQ_CMD_MUTATES, send_options },
	{ "events", "parked", "", 0, 0,
	    "list events that the Inngest server refused", run_parked,
	    print_parked, 0, NULL },
	{ "events", "resend", "[EVENT]", 0, 1,
	    "hand it, or all that are parked, to the server again", run_resend,
	    print_moved, HQ_CMD_MUTATES, NULL },
	{ "events", "drop", "EVENT", 1, 1, "give a parked event up", run_drop,
	    print_moved, HQ_CMD_MUTATES, NULL },
	{ 0 },
};

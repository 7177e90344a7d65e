/* rawr events: what starts and resumes durable functions. */
#include <string.h>

#include "base/ids.h"
#include "cli.h"
#include "engine/event.h"
#include "operator.h"

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

static const struct hq_option send_options[] = {
	{ "--data", "JSON", "an object; default {}; @FILE reads one", NULL, 0 },
	{ "--id", "ID", "yours: a repeat within 24 h starts nothing", NULL, 0 },
	{ 0 },
};

const struct hq_command hq_commands_events[] = {
	{ "events", "send", "NAME", 1, 1, "send an event", run_send, print_send,
	    HQ_CMD_MUTATES, send_options },
	{ 0 },
};

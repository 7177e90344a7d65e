#include "command/operator.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/ids.h"

enum { ID_BYTES = 16, SPAN_BYTES = 8 };

bool
hq_cli_ring(const struct hq_config *config)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	ssize_t sent;
	int n, fd;

	n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/run/runner.sock",
	    config->s[HQ_SET_RAWR_VAR]);
	if (n < 0 || (size_t)n >= sizeof(to.sun_path) ||
	    (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return false;
	sent = sendto(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, sizeof(to));
	(void)close(fd);
	return sent == 1;
}

/* A lost ring costs a second: the runner looks by itself. */
static void
wake(void *ctx)
{
	(void)hq_cli_ring(ctx);
}

enum hq_rc
hq_cli_procs(struct hq_cli *c, struct hq_procs *ret, struct hq_err *err)
{
	return hq_procs_load(c->composition,
	    1u << HQ_KIND_API | 1u << HQ_KIND_WORKFLOWS, c->arena, ret, err);
}

enum hq_rc
hq_operator_open(struct hq_cli *c, struct hq_operator *o, struct hq_err *err)
{
	struct hq_boundary *b = &o->boundary;

	*o = (struct hq_operator){ 0 };
	*b = (struct hq_boundary){
		.arena = c->arena,
		.env = c->env,
		.config = &c->config,
		.principal = { HQ_CALLER_FIRST_PARTY, "operator" },
		.source_addr = "unix",
		.wake_runner = c->dry_run ? NULL : wake,
		.wake_ctx = &c->config,
	};
	b->request_id = hq_random_hex(c->env, c->arena, ID_BYTES);
	b->correlation_id = b->request_id;
	b->traceparent = hq_arena_printf(c->arena, "00-%s-%s-01",
	    hq_random_hex(c->env, c->arena, ID_BYTES),
	    hq_random_hex(c->env, c->arena, SPAN_BYTES));
	HQ_TRY(hq_cli_procs(c, &o->procs, err));
	return hq_cli_open(c, true, &b->db, err);
}

void
hq_operator_close(struct hq_operator *o)
{
	hq_db_close(o->boundary.db);
	o->boundary.db = NULL;
}

enum hq_rc
hq_operator_call(struct hq_operator *o, const char *proc,
    struct json_object *in, struct json_object **ret, struct hq_err *err)
{
	struct hq_boundary *b = &o->boundary;
	size_t i;

	b->deadline_ms = hq_mono_ms(b->env) +
	    b->config->i[HQ_SET_RAWR_REQUEST_TIMEOUT] * 1000;
	for (i = 0; i < o->procs.n; i++)
		if (strcmp(o->procs.v[i].name, proc) == 0)
			return hq_proc_call(&o->procs.v[i], b, in, ret, err);
	return HQ_FAIL(err, NOT_IMPLEMENTED,
	    "no linked plugin has the procedure %s", proc);
}

enum hq_rc
hq_operator_do(struct hq_cli *c, const char *proc, struct json_object *in,
    struct json_object **ret, struct hq_err *err)
{
	struct hq_operator o;
	enum hq_rc rc;

	HQ_TRY(hq_operator_open(c, &o, err));
	rc = hq_operator_call(&o, proc, in, ret, err);
	hq_operator_close(&o);
	return rc;
}

enum hq_rc
hq_operator_ask(struct hq_cli *c, const char *proc, const char *word_member,
    struct json_object **ret, struct hq_err *err)
{
	struct json_object *in;

	HQ_TRY(hq_cli_input(c, word_member, &in, err));
	return hq_operator_do(c, proc, in, ret, err);
}

enum hq_rc
hq_cli_wait_change(struct hq_db *db, int64_t *version, int64_t wait_ms,
    bool *ret_changed, struct hq_err *err)
{
	const struct timespec nap = { .tv_nsec = HQ_CLI_LOOK_MS * 1000000L };
	int64_t now;

	for (;; wait_ms -= HQ_CLI_LOOK_MS) {
		HQ_TRY(hq_db_data_version(db, &now, err));
		*ret_changed = now != *version;
		*version = now;
		if (*ret_changed || wait_ms <= 0)
			return HQ_OK;
		(void)nanosleep(&nap, NULL);
	}
}

#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/register.h"
#include "engine/turn.h"

static void *
must_calloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		HQ_BUG("out of memory");
	return p;
}

enum hq_rc
hq_engine_new(const struct hq_engine_opts *o, struct hq_engine **ret,
    struct hq_err *err)
{
	struct hq_engine *e;
	enum hq_rc rc;

	HQ_ASSERT(o->concurrency > 0 && o->lease_ms > 0 && o->owner != NULL);
	e = must_calloc(1, sizeof(*e));
	e->o = *o;
	e->owner = strdup(o->owner);
	if (e->owner == NULL)
		HQ_BUG("out of memory");
	HQ_ASSERT(o->own_app == NULL || o->app_concurrency > 0);
	e->room[false] = (size_t)o->concurrency;
	e->room[true] = (size_t)o->app_concurrency;
	e->n_slots = e->room[false] + e->room[true];
	e->sequence = e->n_slots; /* so that no ticket is 0 */
	e->slots = must_calloc(e->n_slots, sizeof(*e->slots));
	if (o->state_bytes_max == 0)
		e->o.state_bytes_max = HQ_ENGINE_STATE_BYTES_MAX;
	e->item = hq_arena_new(
	    o->memory_bytes != 0 ? o->memory_bytes : HQ_ENGINE_TURN_BYTES_MAX);
	e->keep = hq_arena_new(HQ_ENGINE_TURN_BYTES_MAX);
	e->fns.own_app = o->own_app;
	rc = hq_fns_refresh(&e->fns, o->db, err);
	if (rc != HQ_OK) {
		hq_engine_free(e);
		return rc;
	}
	*ret = e;
	return HQ_OK;
}

static void
reply_free(struct hq_eng_reply *r)
{
	if (r == NULL)
		return;
	free(r->body);
	free(r->sdk);
	free(r->no_retry);
	free(r->retry_after);
	free(r->req_version);
	free(r);
}

void
hq_eng_slot_free(struct hq_engine *e, struct hq_eng_slot *s)
{
	reply_free(s->reply);
	free(s->told);
	memset(s, 0, sizeof(*s));
	e->inflight--;
}

void
hq_engine_free(struct hq_engine *e)
{
	size_t i;

	if (e == NULL)
		return;
	for (i = 0; i < e->n_slots; i++) {
		reply_free(e->slots[i].reply);
		free(e->slots[i].told);
	}
	free(e->slots);
	hq_arena_free(e->fns.arena);
	hq_arena_free(e->item);
	hq_arena_free(e->keep);
	free(e->owner);
	free(e);
}

enum hq_rc
hq_engine_register(struct hq_engine *e, const char *app_id,
    struct json_object *functions, bool *ret_modified, struct hq_err *err)
{
	return hq_eng_register(e->o.db, e->o.env, app_id, functions,
	    ret_modified, err);
}

static char *
copy(const char *s)
{
	char *p;

	if (s == NULL)
		return NULL;
	p = strdup(s);
	if (p == NULL)
		HQ_BUG("out of memory");
	return p;
}

void
hq_engine_reply(struct hq_engine *e, uint64_t ticket,
    const struct hq_engine_reply *r)
{
	struct hq_eng_slot *s = &e->slots[ticket % e->n_slots];
	struct hq_eng_reply *mine;

	if (s->ticket != ticket || s->reply != NULL)
		return; /* given up, or answered already */
	mine = must_calloc(1, sizeof(*mine));
	mine->body = must_calloc(1, r->body_bytes + 1);
	if (r->body_bytes > 0)
		memcpy(mine->body, r->body, r->body_bytes);
	mine->sdk = copy(r->sdk);
	mine->no_retry = copy(r->no_retry);
	mine->retry_after = copy(r->retry_after);
	mine->req_version = copy(r->req_version);
	mine->view = *r;
	mine->view.body = mine->body;
	mine->view.sdk = mine->sdk;
	mine->view.no_retry = mine->no_retry;
	mine->view.retry_after = mine->retry_after;
	mine->view.req_version = mine->req_version;
	s->reply = mine;
}

void
hq_engine_checkpoint(struct hq_engine *e, uint64_t ticket, const char *op,
    size_t bytes)
{
	struct hq_eng_slot *s = &e->slots[ticket % e->n_slots];

	if (s->ticket != ticket || s->told != NULL || s->reply != NULL)
		return; /* given up, or out of turn */
	s->told = must_calloc(1, sizeof(*s->told) + bytes + 1);
	s->told->bytes = bytes;
	memcpy(s->told->op, op, bytes);
}

size_t
hq_engine_inflight(const struct hq_engine *e)
{
	return e->inflight;
}

size_t
hq_engine_lost(const struct hq_engine *e)
{
	return e->lost;
}

const int64_t *
hq_engine_counts(const struct hq_engine *e)
{
	return e->counts;
}

void
hq_engine_drain(struct hq_engine *e)
{
	e->draining = true;
}

static enum hq_rc
release(struct hq_eng_tx *t, const char *owner, const struct hq_eng_slot *s,
    struct hq_err *err)
{
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_RELEASE,
	    HQ_BIND(hq_text(s->run), hq_text(s->step), hq_i64(s->generation),
		hq_text(owner), hq_i64(t->now_ms)),
	    NULL, err));
	return hq_eng_give_back(t, s, err);
}

static enum hq_rc
release_all(void *arg, struct hq_err *err)
{
	struct hq_engine *e = arg;
	struct hq_eng_tx t = { .db = e->o.db, .now_ms = hq_now_ms(e->o.env) };
	struct hq_eng_slot *s;

	for (s = e->slots; s < e->slots + e->n_slots; s++)
		if (s->ticket != 0)
			HQ_TRY(release(&t, e->owner, s, err));
	return HQ_OK;
}

enum hq_rc
hq_engine_release(struct hq_engine *e, struct hq_err *err)
{
	size_t i;

	HQ_TRY(hq_db_tx(e->o.db, release_all, e, err));
	for (i = 0; i < e->n_slots; i++)
		if (e->slots[i].ticket != 0)
			hq_eng_slot_free(e, &e->slots[i]);
	return HQ_OK;
}

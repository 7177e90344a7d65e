/*
 * When a call that is due is made: how many of a kind may be in flight at once,
 * and how often runs may start (facts: Inngest, concurrency, throttle).  A kind is a key; a run has at most two, which stand on the job of
 * its step 'step'.  A call that is made holds a place of each, which stands on its
 * job: whatever ends the claim gives it back, and nothing has to be counted.
 *
 * A job that finds no place is held: it stands in a lane that nobody claims from,
 * at the gate of the key that was full, in the order in which it was due.  Each
 * place that is given back lets the first one there go, which then claims its
 * places like any other; that it was let go stays on it until it has them or waits
 * at another gate, so that if it ends before, the next one is let go.  So who
 * waits is not looked at again before there is a place, and one too many is no
 * harm.  One too few would be: so now and then some gates are looked at
 * (hq_eng_gates_check), which also finds that a limit has changed.
 *
 * A run that may not start yet stands at the gate of its throttle, whose next time
 * (wake.c) lets some go.
 */
#include <string.h>

#include "engine/inside.h"

/* Gates looked at in one turn. */
enum { GATES = 16 };

static enum hq_rc
places_taken(struct hq_eng_tx *t, const char *key, int64_t most, int64_t *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = 0;
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_PLACES_TAKEN,
	    HQ_BIND(hq_text(key), hq_i64(most)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	*ret = hq_cursor_i64(&row, 0);
	return HQ_OK;
}

enum hq_rc
hq_eng_gate_open(struct hq_eng_tx *t, const char *key, int64_t n,
    struct hq_err *err)
{
	return hq_exec(t->db, &hq_engine_store, Q_GATE_OPEN,
	    HQ_BIND(hq_text(key), hq_i64(t->now_ms), hq_i64(n)), NULL, err);
}

/* ---------------------------------------------------------------- passing -- */

/* What a claimed job of a function with limits has to do with gates. */
struct passing {
	const char *let_go; /* the gate that it stood at; or NULL */
	const char *keys;   /* of its run: apart by blanks; or NULL */
};

static enum hq_rc
look(struct hq_eng_tx *t, const struct hq_eng_job *j, struct passing *ret,
    struct hq_err *err)
{
	HQ_CURSOR(row);

	*ret = (struct passing){ 0 };
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_JOB_GATE,
	    HQ_BIND(hq_text(j->run), hq_text(j->step)), &row, err));
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	ret->let_go = hq_cursor_text(&row, 0, t->a);
	ret->keys = hq_cursor_text(&row, 1, t->a);
	return HQ_OK;
}

static bool
is_throttle(const char *key)
{
	return key[0] == HQ_ENG_THROTTLE;
}

/* The i-th key, in a; NULL if there are not so many. */
static const char *
key_at(const char *keys, size_t i, struct hq_arena *a)
{
	for (; keys != NULL && i > 0; i--) {
		keys = strchr(keys, ' ');
		keys = keys == NULL ? NULL : keys + 1;
	}
	return keys == NULL || *keys == '\0' || is_throttle(keys)
	    ? NULL
	    : hq_arena_copy(a, keys, strcspn(keys, " "));
}

/* The last one; NULL if there is none. */
static const char *
throttle_of(const char *keys)
{
	const char *last = keys == NULL ? NULL : strrchr(keys, ' ');

	last = last == NULL ? keys : last + 1;
	return last != NULL && is_throttle(last) ? last : NULL;
}

/* *ret: the key that has no place left; or NULL. */
static enum hq_rc
find_full(struct hq_eng_tx *t, const struct hq_fn_options *o,
    const char *const *keys, const char **ret, struct hq_err *err)
{
	int64_t taken, most;
	size_t i;

	*ret = NULL;
	for (i = 0; i < o->n_places && keys[i] != NULL; i++) {
		most = o->places[i].limit;
		HQ_TRY(places_taken(t, keys[i], most, &taken, err));
		if (taken < most)
			continue;
		*ret = keys[i];
		return HQ_OK;
	}
	return HQ_OK;
}

static enum hq_rc
hold(struct hq_eng_tx *t, const struct hq_eng_job *j, const char *gate,
    const char *let_go, struct hq_err *err)
{
	HQ_TRY(hq_exec(t->db, &hq_engine_store, Q_JOB_HOLD,
	    HQ_BIND(hq_text(j->run), hq_text(j->step), hq_text(gate)), NULL,
	    err));
	if (let_go == NULL || is_throttle(let_go) || strcmp(let_go, gate) == 0)
		return HQ_OK;
	return hq_eng_gate_open(t, let_go, 1, err); /* it took none there */
}

/* *ret: the gate of the throttle that it has to wait at; or NULL. */
static enum hq_rc
start_one(struct hq_eng_tx *t, const struct hq_fn *fn, const char *key,
    const char **ret, struct hq_err *err)
{
	int64_t wait_ms;

	*ret = NULL;
	if (key == NULL || fn->options->throttle.limit == 0)
		return HQ_OK;
	HQ_TRY(hq_eng_rate_take(t, fn->slug, &fn->options->throttle, key,
	    &wait_ms, err));
	if (wait_ms == 0)
		return HQ_OK;
	*ret = key;
	return hq_exec(t->db, &hq_engine_store, Q_WAKE_SOONER,
	    HQ_BIND(hq_text(key), hq_i64(t->now_ms + wait_ms)), NULL, err);
}

static enum hq_rc
take_places(struct hq_eng_tx *t, struct hq_eng_job *j, struct hq_err *err)
{
	if (j->place[0] == NULL)
		return HQ_OK;
	if (j->place[1] != NULL && strcmp(j->place[0], j->place[1]) == 0)
		j->place[1] = NULL;
	return hq_exec(t->db, &hq_engine_store, Q_PLACES_TAKE,
	    HQ_BIND(hq_text(j->run), hq_text(j->step), hq_text(j->place[0]),
		hq_text(j->place[1])),
	    NULL, err);
}

enum hq_rc
hq_eng_gate_pass(struct hq_eng_tx *t, const struct hq_fn *fn,
    struct hq_arena *keep, struct hq_eng_job *j, bool *ret, struct hq_err *err)
{
	const struct hq_fn_options *o = fn->options;
	const char *gate;
	struct passing p;
	size_t i;

	*ret = true;
	if (o->n_places == 0 && (o->throttle.limit == 0 || !j->first))
		return HQ_OK;
	HQ_TRY(look(t, j, &p, err));
	for (i = 0; i < HQ_ENGINE_PLACES_MAX; i++)
		j->place[i] = key_at(p.keys, i, keep);
	if (!hq_arena_ok(keep) || !hq_arena_ok(t->a))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "out of memory");
	HQ_TRY(find_full(t, o, j->place, &gate, err));
	if (gate == NULL && j->first)
		HQ_TRY(start_one(t, fn, throttle_of(p.keys), &gate, err));
	*ret = gate == NULL;
	return gate == NULL ? take_places(t, j, err)
			    : hold(t, j, gate, p.let_go, err);
}

/* --------------------------------------------------------- now and then -- */

static enum hq_rc
next_gate(struct hq_eng_tx *t, char at[HQ_ENG_KEY_BYTES], struct hq_err *err)
{
	HQ_CURSOR(row);

	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_GATE_NEXT,
	    HQ_BIND(hq_text(at)), &row, err));
	at[0] = '\0';
	if (!hq_cursor_next(&row))
		return hq_cursor_done(&row, err);
	HQ_IGNORE(hq_cursor_copy(&row, 0, at, HQ_ENG_KEY_BYTES));
	return HQ_OK;
}

/* Whom the first one at a gate is a call of. */
struct first {
	const struct hq_fn_options
	    *options; /* NULL: of nobody, or it has none */
	const char *keys;
	bool any;
};

static enum hq_rc
first_at(struct hq_eng_tx *t, const char *gate, struct first *ret,
    struct hq_err *err)
{
	const struct hq_fn *fn = NULL;
	const char *slug;
	HQ_CURSOR(row);

	*ret = (struct first){ 0 };
	HQ_TRY(hq_query(t->db, &hq_engine_store, Q_GATE_FIRST,
	    HQ_BIND(hq_text(gate)), &row, err));
	ret->any = hq_cursor_next(&row);
	if (!ret->any)
		return hq_cursor_done(&row, err);
	slug = hq_cursor_text(&row, 0, t->a);
	ret->keys = hq_cursor_text(&row, 1, t->a);
	if (slug != NULL)
		fn = hq_fns_find(t->fns, slug);
	ret->options = fn == NULL ? NULL : fn->options;
	return HQ_OK;
}

/* How many may be in flight of what the first one at the gate waits for. */
static enum hq_rc
most_of(struct hq_eng_tx *t, const char *gate, int64_t *ret, struct hq_err *err)
{
	struct first f;
	const char *key;
	size_t i;

	*ret = INT64_MAX;
	HQ_TRY(first_at(t, gate, &f, err));
	for (i = 0; f.options != NULL && i < f.options->n_places; i++) {
		key = key_at(f.keys, i, t->a);
		if (key != NULL && strcmp(key, gate) == 0)
			*ret = f.options->places[i].limit;
	}
	return HQ_OK;
}

/*
 * One for each emission.  Should one not start at once, more are let
 * go in its time than may start: they come back, and keep their order.
 */
enum hq_rc
hq_eng_gate_wake(struct hq_eng_tx *t, const char *gate, int64_t due_ms,
    struct hq_err *err)
{
	int64_t n = HQ_ENGINE_BATCH, next_ms = 1, us;
	const struct hq_fn_rate *r;
	struct first f;

	HQ_TRY(first_at(t, gate, &f, err));
	if (!f.any)
		return hq_eng_wake_drop(t, gate, err);
	if (f.options != NULL && f.options->throttle.limit > 0) {
		r = &f.options->throttle;
		us = r->period_ms * 1000 / r->limit;
		next_ms = (us + 999) / 1000;
		n = (t->now_ms - due_ms + next_ms) * 1000 / us;
	}
	HQ_TRY(hq_eng_gate_open(t, gate,
	    n < HQ_ENGINE_BATCH ? n : HQ_ENGINE_BATCH, err));
	return hq_eng_wake_at(t, gate, t->now_ms + next_ms, err);
}

enum hq_rc
hq_eng_gates_check(struct hq_eng_tx *t, char at[HQ_ENG_KEY_BYTES],
    struct hq_err *err)
{
	int64_t most, taken;
	int i;

	for (i = 0; i < GATES; i++) {
		HQ_TRY(next_gate(t, at, err));
		if (at[0] == '\0')
			return HQ_OK;
		if (is_throttle(at))
			continue; /* it has its time */
		HQ_TRY(most_of(t, at, &most, err));
		HQ_TRY(places_taken(t, at, most, &taken, err));
		if (taken < most)
			HQ_TRY(hq_eng_gate_open(t, at,
			    most == INT64_MAX ? HQ_ENGINE_BATCH : most - taken,
			    err));
	}
	return HQ_OK;
}

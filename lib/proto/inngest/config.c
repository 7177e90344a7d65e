#include <string.h>

#include "proto/inngest/room.h"

static size_t
count(const struct hq_composed *rows)
{
	const struct hq_function *const *f;
	size_t n = 0;

	for (; rows->name != NULL; rows++) {
		if (rows->plugin == NULL || rows->plugin->functions == NULL)
			continue;
		for (f = rows->plugin->functions; *f != NULL; f++)
			n += 2;
	}
	return n;
}

static bool
has(const struct hq_inngest_fn *v, size_t n, const struct hq_function *f)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].f == f)
			return true;
	return false;
}

static size_t
add(struct hq_inngest_fn *v, const struct hq_function *f, struct hq_arena *a)
{
	v[0] = (struct hq_inngest_fn){ .f = f, .run = f->run, .id = f->id };
	v[0].slug = hq_arena_printf(a, HQ_APP_ID "-%s", f->id);
	if (f->on_failure == NULL)
		return 1;
	v[1] = (struct hq_inngest_fn){ .f = f,
		.run = f->on_failure,
		.on_failure = true };
	v[1].id = hq_arena_printf(a, "%s-failure", f->id);
	v[1].slug = hq_arena_printf(a, HQ_APP_ID "-%s-failure", f->id);
	return 2;
}

void
hq_inngest_list(const struct hq_composed *rows, struct hq_arena *a,
    struct hq_inngest_fns *ret)
{
	struct hq_inngest_fn *v = HQ_NEW(a, struct hq_inngest_fn, count(rows));
	const struct hq_function *const *f;
	size_t n = 0;

	*ret = (struct hq_inngest_fns){ 0 };
	for (; v != NULL && rows->name != NULL; rows++) {
		if (rows->plugin == NULL || rows->plugin->functions == NULL)
			continue;
		for (f = rows->plugin->functions; *f != NULL; f++)
			if (!has(v, n, *f))
				n += add(v + n, *f, a);
	}
	if (hq_arena_ok(a))
		*ret = (struct hq_inngest_fns){ v, n };
}

const struct hq_inngest_fn *
hq_inngest_by_slug(const struct hq_inngest_host *h, const char *slug)
{
	size_t i;

	for (i = 0; i < h->fns.n; i++)
		if (strcmp(h->fns.v[i].slug, slug) == 0)
			return &h->fns.v[i];
	return NULL;
}

const struct hq_inngest_fn *
hq_inngest_by_id(const struct hq_inngest_host *h, const char *id)
{
	size_t i;

	for (i = 0; i < h->fns.n; i++)
		if (strcmp(h->fns.v[i].id, id) == 0)
			return &h->fns.v[i];
	return NULL;
}

static void
put_trigger(struct json_object *list, const struct hq_trigger *t)
{
	struct json_object *o = hq_json_new_object();

	if (t->event != NULL)
		hq_json_put_str(o, "event", t->event);
	if (t->cron != NULL)
		hq_json_put_str(o, "cron", t->cron);
	if (t->expression != NULL)
		hq_json_put_str(o, "expression", t->expression);
	hq_json_push(list, o);
}

static struct json_object *
triggers(const struct hq_inngest_fn *fn, struct hq_arena *a)
{
	struct json_object *list = hq_json_new_array();
	const struct hq_trigger *t;
	struct hq_trigger failed = { .event = "inngest/function.failed" };

	if (fn->on_failure) {
		failed.expression = hq_arena_printf(a,
		    "event.data.function_id == '" HQ_APP_ID "-%s'", fn->f->id);
		put_trigger(list, &failed);
		return list;
	}
	for (t = fn->f->triggers; t->event != NULL || t->cron != NULL; t++)
		put_trigger(list, t);
	return list;
}

static struct json_object *
steps(const struct hq_inngest_fn *fn, const char *url, struct hq_arena *a)
{
	struct json_object *runtime = hq_json_new_object();
	struct json_object *retries = hq_json_new_object();
	struct json_object *step = hq_json_new_object();
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(runtime, "type", "http");
	hq_json_put_str(runtime, "url",
	    hq_arena_printf(a, "%s?fnId=%s&stepId=step", url, fn->slug));
	hq_json_put_i64(retries, "attempts",
	    fn->on_failure ? 1 : fn->f->retries);
	hq_json_put_str(step, "id", "step");
	hq_json_put_str(step, "name", "step");
	hq_json_put(step, "runtime", runtime);
	hq_json_put(step, "retries", retries);
	hq_json_put(o, "step", step);
	return o;
}

static struct json_object *
cancels(const struct hq_cancel *v)
{
	struct json_object *list = hq_json_new_array(), *o;

	for (; v->event != NULL; v++) {
		o = hq_json_new_object();
		hq_json_put_str(o, "event", v->event);
		hq_json_put_str(o, "if", v->expression);
		hq_json_push(list, o);
	}
	return list;
}

static struct json_object *
config(const struct hq_inngest_fn *fn, const char *url, struct hq_arena *a)
{
	struct json_object *o = hq_json_new_object();

	hq_json_put_str(o, "id", fn->slug);
	hq_json_put_str(o, "name",
	    fn->on_failure ? hq_arena_printf(a, "%s (failure)", fn->f->name)
			   : fn->f->name);
	hq_json_put(o, "triggers", triggers(fn, a));
	hq_json_put(o, "steps", steps(fn, url, a));
	return o;
}

struct json_object *
hq_inngest_functions(const struct hq_composed *rows, const char *url,
    bool with_cancels, struct hq_arena *a)
{
	struct json_object *list = hq_json_new_array(), *o;
	struct hq_inngest_fns fns;
	size_t i;

	if (hq_json_own(a, list, NULL) != HQ_OK)
		return NULL;
	hq_inngest_list(rows, a, &fns);
	for (i = 0; i < fns.n; i++) {
		o = config(&fns.v[i], url, a);
		if (with_cancels && !fns.v[i].on_failure &&
		    fns.v[i].f->cancel_on != NULL)
			hq_json_put(o, "cancel",
			    cancels(fns.v[i].f->cancel_on));
		hq_json_push(list, o);
	}
	return list;
}

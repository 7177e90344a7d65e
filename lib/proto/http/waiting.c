/*
 * Requests that wait, by what they wait for.  Of those that wait for the same
 * the oldest is asked first, and if it goes on waiting, so do the others: so a
 * commit costs as much as there are different things to wait for, and not a
 * look at every request.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/http/conn.h"

struct hq_wait_group {
	const char *key; /* its first member's; NULL: it has one member only */
	struct hq_conn_line line;
	LIST_ENTRY(hq_wait_group) bucket; /* where there is a key */
	TAILQ_ENTRY(hq_wait_group) order;
	int64_t change; /* the last one that it was looked at for */
};

/* FNV-1a. */
static size_t
bucket_of(const char *key)
{
	uint32_t h = 2166136261u;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return h % HQ_SERVE_WAIT_BUCKETS;
}

static struct hq_wait_group *
group_of(struct hq_worker *w, const char *key)
{
	struct hq_wait_group *g = NULL;

	if (key != NULL) {
		LIST_FOREACH (g, &w->buckets[bucket_of(key)], bucket) {
			if (strcmp(g->key, key) == 0)
				return g;
		}
	}
	g = calloc(1, sizeof(*g));
	HQ_ASSERT(g != NULL);
	g->key = key;
	g->change = w->change;
	TAILQ_INIT(&g->line);
	TAILQ_INSERT_TAIL(&w->groups, g, order);
	if (key != NULL)
		LIST_INSERT_HEAD(&w->buckets[bucket_of(key)], g, bucket);
	return g;
}

void
hq_waiting_add(struct hq_worker *w, struct hq_conn *c)
{
	c->group = group_of(w, c->parked.key);
	TAILQ_INSERT_TAIL(&c->group->line, c, line);
	hq_figure_add(&w->mine[HQ_SERVE_WAITING], 1);
	if (w->n_parked++ == 0 || c->parked.due_ms < w->due_ms)
		w->due_ms = c->parked.due_ms;
}

void
hq_waiting_remove(struct hq_worker *w, struct hq_conn *c)
{
	struct hq_wait_group *g = c->group;

	TAILQ_REMOVE(&g->line, c, line);
	c->group = NULL;
	w->n_parked--;
	hq_figure_add(&w->mine[HQ_SERVE_WAITING], -1);
	if (!TAILQ_EMPTY(&g->line)) {
		if (g->key != NULL) /* the memory of the one that goes */
			g->key = TAILQ_FIRST(&g->line)->parked.key;
		return;
	}
	TAILQ_REMOVE(&w->groups, g, order);
	if (g->key != NULL)
		LIST_REMOVE(g, bucket);
	free(g);
}

struct hq_conn *
hq_waiting_stale(struct hq_worker *w)
{
	struct hq_wait_group *g = TAILQ_FIRST(&w->groups);

	return g == NULL || g->change == w->change ? NULL
						   : TAILQ_FIRST(&g->line);
}

void
hq_waiting_looked(struct hq_worker *w, struct hq_conn *c)
{
	struct hq_wait_group *g = c->group;

	g->change = w->change;
	TAILQ_REMOVE(&w->groups, g, order);
	TAILQ_INSERT_TAIL(&w->groups, g, order);
}

struct hq_conn *
hq_waiting_any(struct hq_worker *w)
{
	struct hq_wait_group *g = TAILQ_FIRST(&w->groups);

	return g == NULL ? NULL : TAILQ_FIRST(&g->line);
}

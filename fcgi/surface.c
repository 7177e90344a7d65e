#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "domain/state/state.h"
#include "proto/orpc/document.h"
#include "surface.h"

enum { SURFACE_ARENA_MAX = 32 << 20 };

struct hq_surface_cache {
	struct hq_host *h;
	const char *title;
	const char *mount;      /* appended to the base URL in `servers` */
	struct hq_arena *arena; /* of the tables */
	struct hq_arena *look;  /* of one look at the switches */
	struct hq_surface now;
	bool *on; /* per procedure of h->procs */
	bool made;
	bool stale;      /* a switch differs from what the tables say */
	int64_t version; /* of the store, when last looked */
	int64_t looked_ms;
};

struct hq_surface_cache *
hq_surface_cache_new(struct hq_host *h, const char *title, const char *mount)
{
	struct hq_surface_cache *sc;

	sc = HQ_NEW(h->arena, struct hq_surface_cache, 1);
	HQ_ASSERT(sc != NULL);
	sc->h = h;
	sc->title = title;
	sc->mount = mount;
	sc->arena = hq_arena_new(SURFACE_ARENA_MAX);
	sc->look = hq_arena_new(SURFACE_ARENA_MAX);
	sc->on = HQ_NEW(h->arena, bool, h->procs.n + 1);
	HQ_ASSERT(sc->on != NULL);
	return sc;
}

void
hq_surface_cache_free(struct hq_surface_cache *sc)
{
	if (sc == NULL)
		return;
	hq_arena_free(sc->look);
	hq_arena_free(sc->arena);
}

/* Read every switch. */
static enum hq_rc
read_switches(struct hq_surface_cache *sc, struct hq_err *err)
{
	const struct hq_procs *all = &sc->h->procs;
	size_t i;
	bool on;

	hq_arena_reset(sc->look);
	for (i = 0; i < all->n; i++) {
		if (i > 0 && all->v[i].from == all->v[i - 1].from)
			on = sc->on[i - 1];
		else
			HQ_TRY(hq_host_is_on(sc->h, all->v[i].from, sc->look,
			    &on, err));
		if (on != sc->on[i])
			sc->stale = true; /* even if the next fails */
		sc->on[i] = on;
	}
	return HQ_OK;
}

/* The procedures of v that belong to one capability. */
static struct hq_procs
only(const struct hq_procs *all, const char *capability, struct hq_arena *a)
{
	struct hq_proc *v = HQ_NEW(a, struct hq_proc, all->n + 1);
	size_t i, n = 0;

	for (i = 0; v != NULL && i < all->n; i++)
		if (strcmp(all->v[i].from->capability, capability) == 0)
			v[n++] = all->v[i];
	return (struct hq_procs){ v, n };
}

/* A row for each capability, and one for all: nothing is written yet. */
static struct hq_document *
list_documents(const struct hq_procs *on, struct hq_arena *a)
{
	struct hq_document *d = HQ_NEW(a, struct hq_document, on->n + 1);
	size_t i, j, n = 0;

	for (i = 0; d != NULL && i < on->n; i++) {
		const char *capability = on->v[i].from->capability;

		for (j = 0; j < n; j++)
			if (strcmp(d[j].capability, capability) == 0)
				break;
		if (j == n)
			d[n++].capability = capability;
	}
	return d;
}

static enum hq_rc
make_tables(struct hq_surface_cache *sc, struct hq_err *err)
{
	const struct hq_procs *all = &sc->h->procs;
	struct hq_proc *v;
	size_t i, n = 0;

	hq_arena_reset(sc->arena);
	if ((v = HQ_NEW(sc->arena, struct hq_proc, all->n + 1)) != NULL)
		for (i = 0; i < all->n; i++)
			if (sc->on[i])
				v[n++] = all->v[i];
	sc->now.procs = (struct hq_procs){ v, n };
	sc->now.router = hq_openapi_new(&sc->now.procs, sc->arena);
	sc->now.documents = list_documents(&sc->now.procs, sc->arena);
	sc->now.cache = sc;
	if (!hq_arena_ok(sc->arena))
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "the contracts are too large");
	sc->made = true;
	sc->stale = false;
	return HQ_OK;
}

/* Make the tables anew if a commit has changed a switch. */
static enum hq_rc
look(struct hq_surface_cache *sc, struct hq_err *err)
{
	int64_t version;

	HQ_TRY(hq_db_data_version(sc->h->db, &version, err));
	if (!sc->made || version != sc->version) {
		HQ_TRY(read_switches(sc, err));
		if (!sc->made || sc->stale)
			HQ_TRY(make_tables(sc, err));
	}
	sc->version = version;
	return HQ_OK;
}

enum hq_rc
hq_surface_get(struct hq_surface_cache *sc, const struct hq_surface **ret,
    struct hq_err *err)
{
	int64_t now_ms = hq_mono_ms(sc->h->env);
	/* One that waits for its commit may have the tables in hand. */
	bool alone = sc->h->in_hand <= 1;

	if (!sc->made ||
	    (alone && now_ms - sc->looked_ms >= HQ_SURFACE_LOOK_MS)) {
		HQ_TRY(look(sc, err));
		sc->looked_ms = now_ms;
	}
	*ret = &sc->now;
	return HQ_OK;
}

/*
 * The text alone is kept: what it is made from is several times as large, and
 * most workers are never asked.
 */
static const char *
write_document(struct hq_surface_cache *sc, const char *capability)
{
	struct hq_arena *scratch = hq_arena_new(SURFACE_ARENA_MAX);
	struct hq_procs procs = sc->now.procs;
	const char *url, *text;

	url = hq_arena_printf(scratch, "%s%s",
	    sc->h->config->s[HQ_SET_RAWR_BASE_URL], sc->mount);
	if (capability != NULL)
		procs = only(&procs, capability, scratch);
	text = hq_openapi_document(&procs, sc->title, "1.0.0", url,
	    sc->h->responder->recorded, scratch);
	if (!hq_arena_ok(scratch))
		text = NULL;
	if (text != NULL)
		text = hq_arena_copy(sc->arena, text, strlen(text));
	hq_arena_free(scratch);
	(void)malloc_trim(0); /* the text now stands above what was freed */
	return text;
}

bool
hq_surface_document(const struct hq_surface *s, struct hq_document *d,
    const char *path, const struct hq_http_req *req, struct hq_http_res *res)
{
	if (!hq_host_is_get(req, path))
		return false;
	if (d->text == NULL)
		d->text = write_document(s->cache, d->capability);
	if (d->text == NULL) {
		hq_http_res_text(res, 500, "text/plain;charset=utf-8",
		    "INTERNAL_SERVER_ERROR");
		return true;
	}
	hq_http_res_text(res, 200, "application/json; charset=utf-8", d->text);
	hq_http_res_header(res, "cache-control", "no-store");
	return true;
}

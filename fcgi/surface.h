/*
 * fcgi/surface.h - the procedures that are switched on, ready to be served.
 *
 * The composition says what is linked; the runtime state says what is on.  A
 * worker looks at most every HQ_SURFACE_LOOK_MS whether the store changed and
 * makes its tables anew if a switch was thrown.
 */
#ifndef HQ_FCGI_SURFACE_H
#define HQ_FCGI_SURFACE_H

#include "host.h"
#include "proto/orpc/openapi.h"

enum { HQ_SURFACE_LOOK_MS = 50 };

struct hq_surface_cache;

struct hq_surface {
	struct hq_procs procs;
	const struct hq_openapi *router;
	/* Of each capability alone; the last, without one, of everything. */
	struct hq_document {
		const char *capability;
		const char *text; /* NULL until somebody asks for it */
	} * documents;
	struct hq_surface_cache *cache;
};

/* What openapi.json says of itself.  The cache is freed with the worker. */
struct hq_surface_cache *hq_surface_cache_new(struct hq_host *h,
    const char *title, const char *mount);
void hq_surface_cache_free(struct hq_surface_cache *sc);

/* The tables of now; valid until the next call. */
enum hq_rc hq_surface_get(struct hq_surface_cache *sc,
    const struct hq_surface **ret, struct hq_err *err) HQ_MUST;

/*
 * GET of the path at which one of s->documents stands.  True if it was that.
 * The first who asks waits for it to be made; it is kept as long as s.
 */
bool hq_surface_document(const struct hq_surface *s, struct hq_document *d,
    const char *path, const struct hq_http_req *req, struct hq_http_res *res);

#endif /* HQ_FCGI_SURFACE_H */

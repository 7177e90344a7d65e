/*
 * domain/state/agents.h - the pages of enabled agents plugins.
 *
 * GET /rawr/plugins/agents/<dir>/<page> answers the page as Markdown.  The
 * pages stand in the program (hq/listing.h): no file is read.  Whatever else is
 * the case, the answer is a plain 404 that does not tell why.
 */
#ifndef HQ_DOMAIN_STATE_AGENTS_H
#define HQ_DOMAIN_STATE_AGENTS_H

#include "hq/listing.h"
#include "proto/http/http.h"

/*
 * True if the path is below /rawr/plugins/agents/: res is filled in.  HEAD is
 * answered like GET, with the body: the carrier drops it.
 */
bool hq_agents_handle(const struct hq_listed *rows, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res);

#endif /* HQ_DOMAIN_STATE_AGENTS_H */

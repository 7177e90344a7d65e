/*
 * fcgi/probes.h - /livez, /readyz, /metrics: how is it going?
 *
 * Every responder answers the first two for itself, on its own socket, also as
 * /livez/<name> and /readyz/<name>.  The one that fronts the system answers
 * /readyz for all of it, and /metrics.  Nobody is told anything who is not in
 * RAWR_PROBES_FROM.
 */
#ifndef HQ_FCGI_PROBES_H
#define HQ_FCGI_PROBES_H

#include "host.h"

/*
 * True if the path was one of these: then res is the answer.  Asks for no
 * table and no key, so that it answers where nothing else does.
 */
bool hq_probes_answer(struct hq_host *h, struct hq_boundary *c,
    const struct hq_http_req *req, struct hq_http_res *res);

#endif /* HQ_FCGI_PROBES_H */

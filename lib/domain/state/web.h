/*
 * domain/state/web.h - the JavaScript modules of enabled web plugins.
 *
 * GET /rawr/plugins/web/<dir> answers the plugin's built module: the first
 * regular file of dist/web.js, dist/src/web.js, dist/web/index.js and
 * dist/src/web/index.js.  Whatever else is the case, the answer is a plain 404
 * that does not tell why.  Nothing outside the plugin's directory is ever
 * read: no symbolic link below RAWR_WEB_PLUGINS is followed.
 */
#ifndef HQ_DOMAIN_STATE_WEB_H
#define HQ_DOMAIN_STATE_WEB_H

#include "proto/contract.h"
#include "proto/http/http.h"

enum {
	HQ_WEB_MODULE_BYTES_MAX = 8 << 20,
	HQ_WEB_PACKAGE_BYTES_MAX = 64 << 10, /* of a package.json */
};

/*
 * True if the path is below /rawr/plugins/web/: res is filled in.  HEAD is
 * answered like GET, with the body: the carrier drops it.
 */
bool hq_web_handle(struct hq_boundary *c, const struct hq_http_req *req,
    struct hq_http_res *res);

#endif /* HQ_DOMAIN_STATE_WEB_H */

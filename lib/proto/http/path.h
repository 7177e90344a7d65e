/*
 * proto/http/path.h - the path of a request as a browser would name it.
 */
#ifndef HQ_PROTO_HTTP_PATH_H
#define HQ_PROTO_HTTP_PATH_H

#include "proto/http/http.h"

/*
 * The path that `new URL(text, base).pathname` gives for a text that begins
 * with a path: cut at '?' and '#', "." and ".." resolved in all spellings, "\"
 * turned to "/", and what a path may not hold percent-encoded.  NULL if the
 * arena is full.
 */
char *hq_path_resolve(struct hq_arena *a, const char *text);

/* What stands between '?' and '#'; "" if none; NULL if the arena is full. */
const char *hq_path_query(struct hq_arena *a, const char *text);

/*
 * Fill method, path, query and headers from req->params.  BAD_REQUEST without a
 * method or a path; PAYLOAD_TOO_LARGE if the arena is full.
 */
enum hq_rc hq_http_req_line(struct hq_http_req *req, struct hq_err *err)
    HQ_MUST;

#endif /* HQ_PROTO_HTTP_PATH_H */

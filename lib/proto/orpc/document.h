/*
 * proto/orpc/document.h - openapi.json from the contracts (facts:
 * @orpc/openapi 1.14 and later, OpenAPIGenerator; OpenAPI 3.1.1).
 */
#ifndef HQ_PROTO_ORPC_DOCUMENT_H
#define HQ_PROTO_ORPC_DOCUMENT_H

#include "proto/contract.h"

/*
 * The document's JSON text, in the arena.  info.title and info.version as
 * given; servers[0].url = server_url.  recorded: leave out the properties that
 * are marked HQ_SCHEMA_EXTENSION; else they are shown, without the mark.
 */
char *hq_openapi_document(const struct hq_procs *procs, const char *title,
    const char *version, const char *server_url, bool recorded,
    struct hq_arena *a);

#endif /* HQ_PROTO_ORPC_DOCUMENT_H */

/*
 * domain/state/document.h - the stored document, for this room.
 */
#ifndef HQ_DOMAIN_STATE_DOCUMENT_H
#define HQ_DOMAIN_STATE_DOCUMENT_H

#include "domain/state/state.h"

/* The stored document; NULL if there is none. */
enum hq_rc hq_state_load(struct hq_db *db, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_STATE_DOCUMENT_H */

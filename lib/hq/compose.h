/*
 * hq/compose.h - from the manifest to C: one table of the plugins that a
 * program serves, with their contracts inside.
 *
 * No dlopen, no constructors, nothing to edit in a host: the build writes
 * hq_composition[] (proto/contract.h) and links it.
 */
#ifndef HQ_HQ_COMPOSE_H
#define HQ_HQ_COMPOSE_H

#include "hq/manifest.h"

enum { HQ_REF_DEPTH_MAX = 32 };

/*
 * Replace every {"$ref": ...} of a contract by what it names: "#/types/X" in
 * the contract's own "types", "<set>#/types/X" in lib/domain/<set>/types.json.
 * The contract loses its "types".  BAD_REQUEST names a reference that leads
 * nowhere or in a circle.  *ret is owned by the arena.
 */
enum hq_rc hq_contract_resolve(const char *root, struct json_object *contract,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err) HQ_MUST;

/* The C text of hq_listing[] (hq/listing.h).  The same of the manifest. */
enum hq_rc hq_compose_listing(const char *root, struct hq_arena *a,
    const char **ret_text, struct hq_err *err) HQ_MUST;

/* The C text of hq_cli_composition[] (command/command.h).  The same of the manifest. */
enum hq_rc hq_compose_commands(const char *root, struct hq_arena *a,
    const char **ret_text, struct hq_err *err) HQ_MUST;

/*
 * The C text for the plugins whose kind is in the mask and which have code
 * (api, workflows).  root's manifest must be in step (hq_manifest_check).
 */
enum hq_rc hq_compose(const char *root, unsigned mask, struct hq_arena *a,
    const char **ret_text, struct hq_err *err) HQ_MUST;

#endif /* HQ_HQ_COMPOSE_H */

/*
 * domain/state - which plugins are switched on and off.
 *
 * One document, as a caller reads it: {"version": 1, "plugins": {"enabled":
 * [...], "disabled"?: [...], "lastUpdatedAt"}}.  What the build links (plugins
 * of kind api, workflows, cli and agents) is on unless it stands in `disabled`;
 * web modules are off until they stand in `enabled`.  A plugin is named by its package name or by
 * its directory.
 */
#ifndef HQ_DOMAIN_STATE_H
#define HQ_DOMAIN_STATE_H

#include "hq/listing.h"
#include "proto/contract.h"

extern const struct hq_module hq_state_store;

enum {
	HQ_STATE_NAME_BYTES_MAX = 214, /* of a plugin: npm's bound */
	HQ_STATE_PLUGINS_MAX = 4096,   /* names in one list */
	HQ_STATE_FILE_BYTES_MAX = 1 << 20,
};

/* Procedure getRuntimeState: {} -> {state}. */
hq_handler hq_state_get_runtime_state;

/* The document; where there is none, nobody is enabled as of now. */
enum hq_rc hq_state_read(struct hq_db *db, const struct hq_env *env,
    struct hq_arena *a, struct json_object **ret, struct hq_err *err) HQ_MUST;

/*
 * Switch a plugin: the name moves to the end of its list and out of the other
 * one.  No change, no new date.  BAD_REQUEST if the name is empty or too long.
 */
enum hq_rc hq_state_set(struct hq_db *db, const struct hq_env *env,
    struct hq_arena *a, const char *name, bool enabled, struct hq_err *err)
    HQ_MUST;

/* What one is asked about. */
struct hq_state_plugin {
	const char *name; /* package name; or NULL */
	const char *dir;  /* last part of its directory */
	bool by_default;  /* on unless disabled, or off until enabled */
};

/* Read from the store on every call: a switch takes effect at once. */
enum hq_rc hq_state_is_enabled(struct hq_db *db, struct hq_arena *a,
    const struct hq_state_plugin *plugin, bool *ret, struct hq_err *err)
    HQ_MUST;

/* The same of a plugin that the build knows. */
enum hq_rc hq_state_is_listed_on(struct hq_db *db, struct hq_arena *a,
    const struct hq_listed *plugin, bool *ret, struct hq_err *err) HQ_MUST;

/* Told of what was not taken over, and why. */
typedef void hq_state_report(void *arg, const char *path, const char *reason);

/*
 * Take over <dir>/state/state.json of a reference's .rawr directory.  A stored
 * state with a later date is kept, and that is reported; so is a file that the
 * reference would not have read.  *ret_imported: it was taken over.
 */
enum hq_rc hq_state_import(struct hq_db *db, const char *dir,
    hq_state_report *report, void *arg, bool *ret_imported, struct hq_err *err)
    HQ_MUST;

/*
 * Write <dir>/state/state.json, as hq_state_import() reads it; nothing where
 * no state is stored.  dir exists.
 */
enum hq_rc hq_state_export(struct hq_db *db, const char *dir,
    bool *ret_exported, struct hq_err *err) HQ_MUST;

#endif /* HQ_DOMAIN_STATE_H */

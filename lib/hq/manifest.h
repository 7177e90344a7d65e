/*
 * hq/manifest.h - rawr.hq.json, the only composition authority.
 *
 * The manifest is written from the plugins' plugin.json by one command
 * (`rawr hq sync`), and the build refuses to go on where the two differ.  A
 * plugin is a directory plugins/<kind>/<dir> whose plugin.json says
 *   {"name": "@acme/plugin-x", "rawr": {"kind": "api", "capability": "x"}}
 * kind is the directory's; capability names the namespace of its procedures.
 * Other members change nothing.
 *
 *   {"version": 1, "plugins": [
 *     {"name", "kind", "capability", "dir"}, ...]}    by kind, then by dir
 */
#ifndef HQ_HQ_MANIFEST_H
#define HQ_HQ_MANIFEST_H

#include "proto/contract.h"
#include "json/json.h"

#define HQ_MANIFEST_FILE "rawr.hq.json"

enum {
	HQ_MANIFEST_PLUGINS_MAX = 1024,
	HQ_MANIFEST_FILE_MAX = 4 << 20, /* bytes of any file that is read */
};

const char *hq_kind_name(enum hq_kind k); /* "api", ... */

/*
 * Read a whole file; *ret_n may be NULL.  NOT_FOUND if there is none,
 * PAYLOAD_TOO_LARGE past max bytes.
 */
enum hq_rc hq_file_read(const char *path, size_t max, struct hq_arena *a,
    char **ret, size_t *ret_n, struct hq_err *err) HQ_MUST;

/* Replace a file in one step: temporary beside it, fsync, rename. */
enum hq_rc hq_file_write(const char *path, const void *p, size_t n,
    struct hq_err *err) HQ_MUST;

/*
 * What the plugins below root say.  BAD_REQUEST names the plugin, what is
 * missing and what to write.
 */
enum hq_rc hq_manifest_scan(const char *root, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

/* Write root's manifest from its plugins; *ret_changed: the bytes differ. */
enum hq_rc hq_manifest_sync(const char *root, struct hq_arena *a,
    bool *ret_changed, struct hq_err *err) HQ_MUST;

/*
 * HQ_OK if root's manifest is what a sync would write, and then *ret is it.
 * CONFLICT says which plugin differs and that `rawr hq sync` mends it.
 */
enum hq_rc hq_manifest_check(const char *root, struct hq_arena *a,
    struct json_object **ret, struct hq_err *err) HQ_MUST;

#endif /* HQ_HQ_MANIFEST_H */

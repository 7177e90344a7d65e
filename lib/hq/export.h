/*
 * hq/export.h - JSON documents as files that survive a kill at any point.
 *
 * A file is there whole or not at all: a temporary beside it, fsync, rename.
 * What a killed writer left behind is removed by the next one.
 */
#ifndef HQ_HQ_EXPORT_H
#define HQ_HQ_EXPORT_H

#include "json/json.h"

/* Make the directory if it is not there; its parent is. */
enum hq_rc hq_export_dir(const char *path, struct hq_err *err) HQ_MUST;

/* Remove the temporaries of writers that died here. */
enum hq_rc hq_export_sweep(const char *dir, struct hq_err *err) HQ_MUST;
bool hq_export_is_temporary(const char *name);

/*
 * v with two spaces of indentation and no line end at the end.  A file that
 * says so already is left alone.
 */
enum hq_rc hq_export_file(const char *path, struct json_object *v,
    struct hq_arena *a, struct hq_err *err) HQ_MUST;

/* Make the names in a directory durable. */
enum hq_rc hq_export_sync(const char *dir, struct hq_err *err) HQ_MUST;

#endif /* HQ_HQ_EXPORT_H */

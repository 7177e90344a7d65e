/*
 * store/os.h - acts on files that more than one part of the store needs.
 */
#ifndef HQ_STORE_OS_H
#define HQ_STORE_OS_H

#include <stdint.h>

#include "base/err.h"

/* "No such file or directory" for ENOENT; static. */
const char *hq_os_error(int errnum);

/*
 * path with its directory resolved, so that a symbolic link on the way is
 * followed and only one at the end is left to be refused.  The caller frees
 * with free().  INTERNAL_SERVER_ERROR if the directory is not there.
 */
enum hq_rc hq_os_resolve(const char *path, char **ret, struct hq_err *err)
    HQ_MUST;

/* a followed by b; the caller frees with free(). */
char *hq_os_concat(const char *a, const char *b);

/*
 * An empty file (0600) that was not there before, durable in its directory.
 * CONFLICT if something has that name.
 */
enum hq_rc hq_os_create(const char *path, struct hq_err *err) HQ_MUST;

/* Flush a file, and the directory entry that leads to it. */
enum hq_rc hq_os_sync(const char *path, struct hq_err *err) HQ_MUST;
enum hq_rc hq_os_sync_dir(const char *path, struct hq_err *err) HQ_MUST;

/* Size in bytes; 0 if there is no such file. */
int64_t hq_os_bytes(const char *path);

#endif /* HQ_STORE_OS_H */

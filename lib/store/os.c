/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/os.h"

const char *
hq_os_error(int errnum)
{
	const char *s = strerrordesc_np(errnum);

	return s == NULL ? "unknown error" : s;
}

char *
hq_os_concat(const char *a, const char *b)
{
	size_t bytes = strlen(a) + strlen(b) + 1;
	char *s = malloc(bytes);

	HQ_ASSERT(s != NULL);
	(void)snprintf(s, bytes, "%s%s", a, b);
	return s;
}

/* The directory of path, "." if it names none; the caller frees. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (slash == NULL)
		return hq_os_concat(".", "");
	dir = hq_os_concat(path, "");
	dir[slash == path ? 1 : slash - path] = '\0';
	return dir;
}

enum hq_rc
hq_os_resolve(const char *path, char **ret, struct hq_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char *dir, *real, *with_slash;

	if (*base == '\0')
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "\"%s\" does not name a file", path);
	dir = directory_of(path);
	real = realpath(dir, NULL);
	free(dir);
	if (real == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "the directory of %s: %s", path, hq_os_error(errno));
	with_slash = hq_os_concat(real, strcmp(real, "/") == 0 ? "" : "/");
	*ret = hq_os_concat(with_slash, base);
	free(with_slash);
	free(real);
	return HQ_OK;
}

static enum hq_rc
sync_fd(int fd, const char *path, struct hq_err *err)
{
	enum hq_rc rc = HQ_OK;

	if (fd < 0 || fsync(fd) != 0)
		rc = HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot flush %s: %s",
		    path, hq_os_error(errno));
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

enum hq_rc
hq_os_sync(const char *path, struct hq_err *err)
{
	return sync_fd(open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), path,
	    err);
}

enum hq_rc
hq_os_sync_dir(const char *path, struct hq_err *err)
{
	char *dir = directory_of(path);
	enum hq_rc rc;

	rc = sync_fd(open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY), dir, err);
	free(dir);
	return rc;
}

enum hq_rc
hq_os_create(const char *path, struct hq_err *err)
{
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return HQ_FAIL(err, CONFLICT, "%s exists already", path);
	if (fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot make %s: %s",
		    path, hq_os_error(errno));
	(void)close(fd);
	return hq_os_sync_dir(path, err);
}

int64_t
hq_os_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hq/manifest.h"
#include "store/os.h"

static enum hq_rc
read_fd(int fd, const char *path, char *p, size_t n, struct hq_err *err)
{
	size_t at = 0;
	ssize_t got;

	while (at < n) {
		got = read(fd, p + at, n - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
			    "%s: cannot be read whole", path);
		at += (size_t)got;
	}
	return HQ_OK;
}

enum hq_rc
hq_file_read(const char *path, size_t max, struct hq_arena *a, char **ret,
    size_t *ret_n, struct hq_err *err)
{
	struct stat st;
	enum hq_rc rc;
	char *p;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return HQ_FAIL(err, NOT_FOUND, "%s: no such file",
			    path);
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s: %s", path,
		    hq_os_error(errno));
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		rc = HQ_FAIL(err, BAD_REQUEST, "%s: not a regular file", path);
		goto out;
	}
	if ((size_t)st.st_size > max) {
		rc = HQ_FAIL(err, PAYLOAD_TOO_LARGE, "%s: over %zu bytes", path,
		    max);
		goto out;
	}
	if ((p = HQ_NEW(a, char, (size_t)st.st_size + 1)) == NULL) {
		rc = HQ_FAIL(err, PAYLOAD_TOO_LARGE, "%s: no memory", path);
		goto out;
	}
	rc = read_fd(fd, path, p, (size_t)st.st_size, err);
	if (rc != HQ_OK)
		goto out;
	*ret = p;
	if (ret_n != NULL)
		*ret_n = (size_t)st.st_size;
out:
	(void)close(fd);
	return rc;
}

static bool
write_whole(int fd, const char *p, size_t n)
{
	ssize_t put;

	while (n > 0) {
		put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

/* A full disk passes. */
static enum hq_rc
not_written(const char *path, int why, struct hq_err *err)
{
	if (why == ENOSPC || why == EDQUOT)
		return HQ_FAIL(err, SERVICE_UNAVAILABLE,
		    "%s: cannot be written: the disk is full", path);
	return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "%s: cannot be written: %s",
	    path, hq_os_error(why));
}

enum hq_rc
hq_file_write(const char *path, const void *p, size_t n, struct hq_err *err)
{
	char tmp[4096];
	int fd, len, why = 0;

	len = snprintf(tmp, sizeof(tmp), "%s.new-%ld", path, (long)getpid());
	if (len < 0 || (size_t)len >= sizeof(tmp))
		return HQ_FAIL(err, BAD_REQUEST, "%s: path is too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return not_written(tmp, errno, err);
	if (!write_whole(fd, p, n) || fsync(fd) != 0)
		why = errno;
	if (close(fd) != 0 && why == 0)
		why = errno;
	if (why == 0 && rename(tmp, path) == 0)
		return HQ_OK;
	if (why == 0)
		why = errno;
	(void)unlink(tmp);
	return not_written(path, why, err);
}

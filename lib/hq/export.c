#include "hq/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hq/manifest.h"
#include "store/os.h"

enum hq_rc
hq_export_dir(const char *path, struct hq_err *err)
{
	if (mkdir(path, 0777) == 0)
		return hq_os_sync_dir(path, err);
	if (errno != EEXIST)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot make %s: %s",
		    path, hq_os_error(errno));
	return hq_export_sweep(path, err);
}

/* "<name>.new-<pid>", as hq_file_write() calls them. */
bool
hq_export_is_temporary(const char *name)
{
	const char *at = strstr(name, ".new-");

	return at != NULL && at[5] != '\0' &&
	    at[5 + strspn(at + 5, "0123456789")] == '\0';
}

enum hq_rc
hq_export_sweep(const char *dir, struct hq_err *err)
{
	struct dirent *e;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot read %s: %s",
		    dir, hq_os_error(errno));
	while ((e = readdir(d)) != NULL) /* NOLINT(concurrency-mt-unsafe) */
		if (hq_export_is_temporary(e->d_name))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	return HQ_OK;
}

enum hq_rc
hq_export_file(const char *path, struct json_object *v, struct hq_arena *a,
    struct hq_err *err)
{
	const char *text;
	struct hq_buf b;
	size_t n, had;
	char *old;

	hq_buf_init(&b, a);
	hq_json_write_pretty(&b, v);
	text = hq_buf_str(&b);
	if (text == NULL)
		return HQ_FAIL(err, PAYLOAD_TOO_LARGE, "%s: too large", path);
	n = strlen(text);
	if (hq_file_read(path, n, a, &old, &had, NULL) == HQ_OK && had == n &&
	    memcmp(old, text, n) == 0)
		return HQ_OK;
	return hq_file_write(path, text, n, err);
}

enum hq_rc
hq_export_sync(const char *dir, struct hq_err *err)
{
	int fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	int failed;

	if (fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR,
		    "cannot flush %s: %s", dir, hq_os_error(errno));
	failed = fsync(fd);
	(void)close(fd);
	return failed == 0
	    ? HQ_OK
	    : HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot flush %s", dir);
}

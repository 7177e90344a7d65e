/* For strerrordesc_np.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include "base/alive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MS = 1000 };

/* Read locks do not keep each other out: several may have the same second. */
static bool
lock(int fd, short type, int64_t at, int64_t n)
{
	struct flock fl = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)at,
		.l_len = (off_t)n };

	return fcntl(fd, F_SETLK, &fl) == 0;
}

enum hq_rc
hq_alive_open(const char *path, int64_t mono_ms, struct hq_alive *ret,
    struct hq_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int64_t at = mono_ms / MS;

	if (fd < 0)
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot open %s: %s",
		    path, strerrordesc_np(errno));
	if (!lock(fd, F_RDLCK, at, 1)) {
		(void)close(fd);
		return HQ_FAIL(err, INTERNAL_SERVER_ERROR, "cannot lock %s: %s",
		    path, strerrordesc_np(errno));
	}
	*ret = (struct hq_alive){ fd, at };
	return HQ_OK;
}

bool
hq_alive_sign(struct hq_alive *l, int64_t mono_ms)
{
	int64_t at = mono_ms / MS;

	if (at == l->at_s)
		return false;
	/* The new one first: there is no moment without. */
	if (l->fd >= 0 && lock(l->fd, F_RDLCK, at, 1))
		(void)lock(l->fd, F_UNLCK, l->at_s, 1);
	l->at_s = at;
	return true;
}

void
hq_alive_close(struct hq_alive *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	*l = HQ_ALIVE_NONE;
}

/* The newest second that somebody has locked; -1: none. */
static int64_t
newest(int fd)
{
	int64_t found = -1;
	struct flock fl;

	do {
		fl = (struct flock){ .l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (off_t)found + 1 };
		if (fcntl(fd, F_GETLK, &fl) != 0 || fl.l_type == F_UNLCK)
			return found;
		found = (int64_t)fl.l_start + (int64_t)fl.l_len - 1;
	} while (fl.l_len > 0);
	return found;
}

int64_t
hq_alive_age_ms(const char *path, int64_t mono_ms)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int64_t at;

	if (fd < 0)
		return -1;
	at = newest(fd);
	(void)close(fd);
	if (at < 0)
		return -1;
	return mono_ms / MS > at ? mono_ms - (at + 1) * MS : 0;
}

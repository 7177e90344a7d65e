/*
 * death - kills a process at the n-th thing it does to the world: preloaded
 * into a program under test (LD_PRELOAD), it counts what is written to files
 * and sockets, what is synced, truncated, renamed and removed.
 *
 * RAWR_DEATH names a file of 8 bytes, a number that all processes share.  Each
 * boundary takes one from it; whoever takes the last dies before it does what
 * it was about to.  0, and below: nothing happens.  Stores into shared memory
 * (the index of the WAL) cannot be seen from here.
 */
/* For RTLD_NEXT.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic long *left;

__attribute__((constructor)) static void
open_count(void)
{
	const char *path = getenv("RAWR_DEATH");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	(void)close(fd);
	if (p != MAP_FAILED)
		left = p;
}

static void
boundary(void)
{
	if (left == NULL || atomic_load(left) <= 0)
		return;
	if (atomic_fetch_sub(left, 1) == 1)
		(void)kill(getpid(), SIGKILL);
}

/* Not logs (stdout, stderr), not the pipe between a worker and its master. */
static void
on(int fd)
{
	struct stat st;

	if (left == NULL || atomic_load(left) <= 0 || fd <= STDERR_FILENO ||
	    fstat(fd, &st) != 0 ||
	    !(S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)))
		return;
	boundary();
}

static void *
next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	return p;
}

/* A function of libc, with what stands before it. */
#define WRAP(type, name, args, pass, before) \
	type name args \
	{ \
		static type(*real) args; \
		if (real == NULL) \
			*(void **)&real = next(#name); \
		before; \
		return real pass; \
	}

WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), on(fd))
WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n),
    on(fd))
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
    (fd, p, n, at), on(fd))
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at),
    (fd, p, n, at), on(fd))
WRAP(ssize_t, send, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags), on(fd))
WRAP(ssize_t, sendto,
    (int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
	socklen_t len),
    (fd, p, n, flags, to, len), on(fd))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
    (fd, m, flags), on(fd))
WRAP(int, fsync, (int fd), (fd), on(fd))
WRAP(int, fdatasync, (int fd), (fd), on(fd))
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), on(fd))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), on(fd))
WRAP(int, rename, (const char *from, const char *to), (from, to), boundary())
WRAP(int, unlink, (const char *path), (path), boundary())

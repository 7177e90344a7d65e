/*
 * fault - the n-th call of a kind fails: LD_PRELOAD for a program under test.
 *
 *	FAULT=KIND:N:ERROR[:forever]
 *	KIND   write, sync, truncate, open (of a store's files), malloc
 *	ERROR  EIO, ENOSPC, SHORT (half of a write, then ENOSPC)
 *	FAULT_HIT=FILE  is made when the fault has struck
 *	FAULT_WHILE=FILE  it strikes only while there is one
 *
 * Only files whose path names a store (".db") are touched.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static char kind[16], name[16];
static long at, seen;
static bool forever, ready;

static void
tell(void)
{
	const char *file = getenv("FAULT_HIT");
	int fd = -1;

	if (file != NULL)
		fd =
		    openat(AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd >= 0)
		(void)close(fd);
}

/* From main on: what a program's loader does is not under test. */
__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAULT");
	char rest[16] = "";

	if (text != NULL &&
	    sscanf(text, "%15[a-z]:%ld:%15[A-Z]:%15s", kind, &at, name, rest) >=
		3)
		forever = strcmp(rest, "forever") == 0;
	ready = at > 0;
}

static bool
may_strike(void)
{
	const char *file = getenv("FAULT_WHILE");

	return file == NULL || access(file, F_OK) == 0;
}

static bool
strikes(const char *what)
{
	if (!ready || strcmp(what, kind) != 0 || !may_strike())
		return false;
	seen++;
	if (seen != at && !(forever && seen > at))
		return false;
	if (seen == at) {
		ready = false; /* tell() opens a file */
		tell();
		ready = true;
	}
	errno = strcmp(name, "EIO") == 0 ? EIO : ENOSPC;
	return true;
}

static bool
is_store(int fd)
{
	char link[32], path[512];
	int keep = errno;
	ssize_t n;

	if (!ready)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	errno = keep;
	if (n <= 0)
		return false;
	path[n] = '\0';
	return strstr(path, ".db") != NULL;
}

ssize_t
pwrite64(int fd, const void *data, size_t n, off64_t to)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
	if (!is_store(fd) || !strikes("write"))
		return real(fd, data, n, to);
	return strcmp(name, "SHORT") == 0 ? real(fd, data, n / 2, to) : -1;
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t to)
{
	return pwrite64(fd, data, n, to);
}

ssize_t
write(int fd, const void *data, size_t n)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (!is_store(fd) || !strikes("write"))
		return real(fd, data, n);
	return strcmp(name, "SHORT") == 0 ? real(fd, data, n / 2) : -1;
}

int
fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	return is_store(fd) && strikes("sync") ? -1 : real(fd);
}

int
fsync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	return is_store(fd) && strikes("sync") ? -1 : real(fd);
}

int
ftruncate64(int fd, off64_t n)
{
	static int (*real)(int, off64_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "ftruncate64");
	return is_store(fd) && strikes("truncate") ? -1 : real(fd, n);
}

int
ftruncate(int fd, off_t n)
{
	return ftruncate64(fd, n);
}

int
open64(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "open64");
	if (strstr(path, ".db") != NULL && strikes("open"))
		return -1;
	return real(path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open64(path, flags, mode);
}

static void *
denied(void)
{
	errno = ENOMEM;
	return NULL;
}

void *
malloc(size_t n)
{
	return strikes("malloc") ? denied() : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return strikes("malloc") ? denied() : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return strikes("malloc") ? denied() : __libc_realloc(p, n);
}

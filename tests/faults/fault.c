/*
 * fault - the n-th call of a kind fails: LD_PRELOAD for a program under test.
 *
 *	FAULT=KIND:N:ERROR[:forever]
 *	KIND   read, write, sync, truncate, open, rename (of a file), malloc
 *	ERROR  EIO, ENOSPC, ENOMEM, SHORT (half of a write, then ENOSPC)
 *	FAULT_FILES=TEXT  only files whose path has it; a store's (".db") if unset
 *	FAULT_LEFT=FILE   8 bytes, a number that all processes share, instead of
 *	                  N: so a fault can be set for a process at work.  Each
 *	                  call takes one from it; 0 is none
 *	FAULT_WHILE=FILE  it strikes only while there is one
 *	FAULT_HIT=FILE    is made when the fault has struck
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

/* How many calls until the fault; below 0: it has struck, for ever. */
static _Atomic long ours, *left = &ours;
static char kind[16], name[16];
static const char *files = ".db";
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

static void
share(const char *path)
{
	int fd = openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	void *p = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);

	if (fd >= 0)
		(void)close(fd);
	if (p == MAP_FAILED)
		abort();
	left = p;
}

/* From main on: what a program's loader does is not under test. */
__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAULT"), *shared = getenv("FAULT_LEFT");
	char rest[16] = "";
	long n = 0;

	if (text != NULL &&
	    sscanf(text, "%15[a-z]:%ld:%15[A-Z]:%15s", kind, &n, name, rest) >=
		3)
		forever = strcmp(rest, "forever") == 0;
	if (getenv("FAULT_FILES") != NULL)
		files = getenv("FAULT_FILES");
	atomic_store(left, n);
	if (shared != NULL)
		share(shared);
	ready = kind[0] != '\0';
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
	long n;

	if (!ready || strcmp(what, kind) != 0 || !may_strike() ||
	    (n = atomic_load(left)) == 0)
		return false;
	if (n < 0 && !forever)
		return false;
	if (n > 0 && (n = atomic_fetch_sub(left, 1)) != 1)
		return false;
	if (n > 0) {
		if (forever)
			atomic_store(left, -1);
		ready = false; /* tell() opens a file */
		tell();
		ready = true;
	}
	errno = strcmp(name, "EIO") == 0  ? EIO
	    : strcmp(name, "ENOMEM") == 0 ? ENOMEM
					  : ENOSPC;
	return true;
}

static bool
concerns(const char *path)
{
	return strstr(path, files) != NULL;
}

static bool
is_one(int fd)
{
	char link[32], path[512];
	int keep = errno;
	ssize_t n;

	if (!ready || fd <= STDERR_FILENO)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	errno = keep;
	if (n <= 0)
		return false;
	path[n] = '\0';
	return concerns(path);
}

static void *
next(const char *function)
{
	void *p = dlsym(RTLD_NEXT, function);

	if (p == NULL)
		abort();
	return p;
}

/* A function of libc; before: what else may become of a call. */
#define WRAP(type, function, args, pass, before) \
	type function args \
	{ \
		static type(*real) args; \
		if (real == NULL) \
			*(void **)&real = next(#function); \
		before; \
		return real pass; \
	}
#define FAILS(cond, what) \
	if ((cond) && strikes(what)) \
	return -1

/* -1, or how much of a write may go through. */
static ssize_t
writable(int fd, size_t n)
{
	static bool cut; /* the last one was: this one finds no room */

	if (!is_one(fd))
		return (ssize_t)n;
	if (cut) {
		cut = forever;
		errno = ENOSPC;
		return -1;
	}
	if (!strikes("write"))
		return (ssize_t)n;
	cut = strcmp(name, "SHORT") == 0;
	return cut ? (ssize_t)(n / 2) : -1;
}
#define WRITES \
	ssize_t may = writable(fd, n); \
	if (may < 0) \
		return -1; \
	n = (size_t)may

WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t to),
    (fd, p, n, to), WRITES)
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t to),
    (fd, p, n, to), WRITES)
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), WRITES)
WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at),
    FAILS(is_one(fd), "read"))
WRAP(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at),
    FAILS(is_one(fd), "read"))
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n),
    FAILS(is_one(fd), "read"))
WRAP(int, fdatasync, (int fd), (fd), FAILS(is_one(fd), "sync"))
WRAP(int, fsync, (int fd), (fd), FAILS(is_one(fd), "sync"))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n),
    FAILS(is_one(fd), "truncate"))
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), FAILS(is_one(fd), "truncate"))
WRAP(int, rename, (const char *from, const char *to), (from, to),
    FAILS(concerns(to), "rename"))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode),
    FAILS(concerns(path), "open"))

/* These open by themselves. */
WRAP(int, scandir,
    (const char *path, struct dirent ***ret, int (*keep)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **)),
    (path, ret, keep, order), FAILS(concerns(path), "open"))
WRAP(DIR *, opendir, (const char *path), (path),
    if (concerns(path) && strikes("open")) return NULL)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode),
    if (concerns(path) && strikes("open")) return NULL)

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
		*(void **)&real = next("open64");
	FAILS(concerns(path), "open");
	return real(path, flags, mode);
}

/* The same where an offset has 64 bits anyway. */
extern __typeof__(open64) open __attribute__((alias("open64")));

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

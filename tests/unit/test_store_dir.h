/*
 * tests/unit/test_store_dir.h - a directory of a test's own, with a store in
 * it, gone afterwards.
 */
#ifndef TEST_STORE_DIR_H
#define TEST_STORE_DIR_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "hqtest.h"

static char dir[64];
static char path[96];

/* "<dir>/<name>"; the arena's. */
static __attribute__((unused)) const char *
in_dir(const char *name)
{
	return hq_arena_printf(arena, "%s/%s", dir, name);
}

static __attribute__((unused)) void
dir_open(void)
{
	arena_open();
	(void)snprintf(dir, sizeof(dir), "/tmp/hqstore.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/rawr.db", dir);
}

static __attribute__((unused)) void
dir_close(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		(void)unlink(in_dir(e->d_name));
	(void)closedir(d);
	(void)rmdir(dir);
	arena_close();
}

/* What the child's exit status is; 255 if it was killed. */
static __attribute__((unused)) int
wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#endif /* TEST_STORE_DIR_H */

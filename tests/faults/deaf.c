/*
 * deaf - a name server that never answers, for a program under test
 * (LD_PRELOAD): whoever asks for a name is noted in the file RAWR_DEAF, by one
 * byte, and hears nothing for as long as the process lives.
 */
/* For struct addrinfo.  NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **ret)
{
	const char *path = getenv("RAWR_DEAF");
	int fd =
	    path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	(void)name;
	(void)service;
	(void)hints;
	(void)ret;
	if (fd < 0 || write(fd, "?", 1) != 1)
		abort();
	(void)close(fd);
	for (;;)
		(void)pause();
}

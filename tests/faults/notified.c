/*
 * notified - what systemd would be told: a line for each datagram that comes to
 * the socket, until the end of stdin.
 *
 * usage: notified PATH
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };
	char text[256];
	ssize_t n;

	if (argc != 2 || fd < 0)
		return EXIT_FAILURE;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", argv[1]);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return EXIT_FAILURE;
	(void)printf("listening\n");
	(void)fflush(stdout);
	while (poll(p, 2, -1) > 0 && p[1].revents == 0) {
		n = recv(fd, text, sizeof(text), 0);
		(void)printf("%.*s\n", n < 0 ? 0 : (int)n, text);
		(void)fflush(stdout);
	}
	return EXIT_SUCCESS;
}

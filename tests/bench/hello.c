/*
 * bench/hello - the least that a FastCGI responder can do: one small answer,
 * from an event loop over stock libfcgi requests that keeps its connections.
 * What our reads cost is told in shares of this.
 *
 * usage: hello WORKERS, with a listening socket on fd 0; SIGTERM ends all.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgiapp.h>

enum { SLOTS = 64, WORKERS_MAX = 16, TICK_MS = 1000 };

static FCGX_Request slots[SLOTS];
static volatile sig_atomic_t stop;

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void
answer(FCGX_Request *r)
{
	static const char text[] = "Status: 200 OK\r\n"
				   "Content-Type: application/json\r\n"
				   "Content-Length: 11\r\n\r\n"
				   "{\"json\":{}}";

	(void)FCGX_PutStr(text, sizeof(text) - 1, r->out);
	FCGX_Finish_r(r);
}

/* Every open connection, and the listening socket if a slot is free. */
static nfds_t
list(struct pollfd *p, FCGX_Request **who)
{
	FCGX_Request *unused = NULL;
	nfds_t n = 0;
	int i;

	for (i = 0; i < SLOTS; i++) {
		if (slots[i].ipcFd < 0) {
			unused = &slots[i];
			continue;
		}
		p[n] = (struct pollfd){ slots[i].ipcFd, POLLIN, 0 };
		who[n++] = &slots[i];
	}
	if (unused != NULL) {
		p[n] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
		who[n++] = unused;
	}
	return n;
}

static void
serve(void)
{
	struct pollfd p[SLOTS + 1];
	FCGX_Request *who[SLOTS + 1];
	nfds_t i, n;

	while (!stop) {
		n = list(p, who);
		if (poll(p, n, TICK_MS) <= 0)
			continue;
		for (i = 0; i < n; i++)
			/* Fails if the peer closed, or a sibling accepted. */
			if (p[i].revents != 0 && FCGX_Accept_r(who[i]) == 0)
				answer(who[i]);
	}
}

int
main(int argc, char *argv[])
{
	long workers = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct sigaction sa = { .sa_handler = on_term };
	int i;

	if (workers < 1 || workers > WORKERS_MAX || FCGX_Init() != 0)
		return 2;
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0 ||
	    sigaction(SIGTERM, &sa, NULL) != 0)
		return EXIT_FAILURE;
	while (--workers > 0 && fork() != 0)
		;
	for (i = 0; i < SLOTS; i++)
		(void)FCGX_InitRequest(&slots[i], STDIN_FILENO,
		    FCGI_FAIL_ACCEPT_ON_INTR);
	serve();
	return EXIT_SUCCESS;
}

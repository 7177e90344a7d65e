/*
 * The bytes of a connection from nginx: looked at, then read by libfcgi as a
 * worker reads it.  Looking says the same of a part of them only where the rest
 * could change it.
 */
#include <fcgiapp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "proto/http/peek.h"

enum { INPUT_MAX = 1 << 15, NO_SOCKET = -1, PARAMS_MAX = 10000 };

/* It loses a few bytes of a request that breaks off in its parameters. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfcgi.so";
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	HQ_ASSERT(FCGX_Init() == 0);
	return 0;
}

/*
 * libfcgi allocates what a parameter's lengths promise, and aborts where that
 * is gigabytes; only who may write to the socket can promise it.  A length of
 * four bytes begins with 0x80 and more: without more it is below 2^24.
 */
static bool
may_promise_too_much(const uint8_t *data, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (data[i] > 0x80)
			return true;
	return false;
}

/* Once there is enough, more does not make it less. */
static void
check_growing(const uint8_t *data, size_t n)
{
	bool ready = false, now;
	size_t k;

	for (k = 1; k <= n; k += 1 + k / 16) {
		now = hq_peek_bytes(data, k) == HQ_PEEK_READY;
		HQ_ASSERT(now || !ready);
		ready = now;
	}
}

static void
serve(FCGX_Request *fr)
{
	char piece[256];
	size_t i;

	for (i = 0; fr->envp[i] != NULL; i++)
		HQ_ASSERT(i < PARAMS_MAX);
	while (FCGX_GetStr(piece, sizeof(piece), fr->in) > 0)
		;
	(void)FCGX_PutStr("Status: 200\r\n\r\n", 15, fr->out);
	FCGX_Finish_r(fr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	FCGX_Request fr;
	enum hq_peek seen;
	int ends[2];

	if (n == 0 || n > INPUT_MAX || may_promise_too_much(data, n))
		return 0;
	check_growing(data, n);
	HQ_ASSERT(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	HQ_ASSERT(send(ends[1], data, n, 0) == (ssize_t)n);
	HQ_ASSERT(shutdown(ends[1], SHUT_WR) == 0);
	seen = hq_peek(ends[0]);
	HQ_ASSERT(seen == HQ_PEEK_READY || seen == HQ_PEEK_CLOSED);
	HQ_ASSERT(FCGX_InitRequest(&fr, NO_SOCKET, 0) == 0);
	fr.ipcFd = ends[0];
	fr.keepConnection = 1;
	if (FCGX_Accept_r(&fr) == 0)
		serve(&fr);
	FCGX_Free(&fr, 1);
	(void)close(ends[1]);
	return 0;
}

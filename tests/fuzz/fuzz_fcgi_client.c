/* What a responder says and answers, as records; read from a socket. */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "proto/http/fcgi_client.h"

enum { INPUT_MAX = 1 << 16 }; /* fits the socket's buffer */

static char path[] = "/tmp/hqfuzz-XXXXXX/s";
static int listener;

static void
clean(void)
{
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *slash = strrchr(path, '/');

	(void)argc;
	(void)argv;
	*slash = '\0';
	HQ_ASSERT(mkdtemp(path) != NULL);
	*slash = '/';
	HQ_ASSERT(atexit(clean) == 0);
	memcpy(sa.sun_path, path, sizeof(path));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	HQ_ASSERT(
	    bind(listener, (const struct sockaddr *)&sa, sizeof(sa)) == 0);
	HQ_ASSERT(listen(listener, 1) == 0);
	return 0;
}

/* It may go on, unless it said that it does not want to be told. */
static void
hear(struct hq_fcgi_call *c, size_t input)
{
	size_t n = 0;
	const char *p = hq_fcgi_call_checkpoint(c, &n);

	if (p == NULL)
		return;
	HQ_ASSERT(n <= input);
	if (n > 0 && p[0] == '!')
		return;
	hq_fcgi_call_go_on(c);
	HQ_ASSERT(hq_fcgi_call_checkpoint(c, &n) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct hq_fcgi_param none[] = { { NULL, NULL } };
	struct hq_fcgi_call *c;
	enum hq_rc rc;
	size_t got;
	int fd;

	if (n > INPUT_MAX)
		return 0;
	fuzz_begin();
	HQ_ASSERT(hq_fcgi_call_new(path, none, "", 0, &c, &err) == HQ_OK);
	fd = accept(listener, NULL, NULL);
	HQ_ASSERT(fd >= 0 && send(fd, data, n, 0) == (ssize_t)n);
	HQ_ASSERT(shutdown(fd, SHUT_WR) == 0);
	while ((rc = hq_fcgi_call_step(c, &err)) == HQ_SUSPEND)
		hear(c, n);
	hear(c, n);
	HQ_ASSERT(rc == HQ_OK || rc == HQ_E_BAD_GATEWAY);
	if (rc == HQ_OK) {
		HQ_ASSERT(hq_fcgi_call_status(c) >= 100);
		(void)hq_fcgi_call_header(c, "content-type");
		HQ_ASSERT(hq_fcgi_call_body(c, &got) != NULL || got == 0);
		HQ_ASSERT(got <= n);
	}
	hq_fcgi_call_free(c);
	(void)close(fd);
	return 0;
}

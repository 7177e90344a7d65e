/*
 * What a responder says and answers, as records; read from a socket.  The first
 * byte says where it pauses: what comes in two parts is what comes in one, but
 * for what it says too early, which depends on when we told it to go on.
 */
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

static struct hq_fcgi_call *
call(int *ret_peer)
{
	static const struct hq_fcgi_param none[] = { { NULL, NULL } };
	struct hq_fcgi_call *c;

	HQ_ASSERT(hq_fcgi_call_new(path, none, "", 0, &c, &err) == HQ_OK);
	*ret_peer = accept(listener, NULL, NULL);
	HQ_ASSERT(*ret_peer >= 0);
	return c;
}

static bool has_told;

/* It may go on, unless it said that it does not want to be told. */
static void
hear(struct hq_fcgi_call *c, size_t input)
{
	size_t n = 0;
	const char *p = hq_fcgi_call_checkpoint(c, &n);

	if (p == NULL)
		return;
	has_told = true;
	HQ_ASSERT(n <= input);
	if (n > 0 && p[0] == '!')
		return;
	hq_fcgi_call_go_on(c);
	HQ_ASSERT(hq_fcgi_call_checkpoint(c, &n) == NULL);
}

/* Answer in two parts, the first of cut bytes. */
static enum hq_rc
answer(struct hq_fcgi_call *c, int peer, const uint8_t *p, size_t n, size_t cut)
{
	enum hq_rc rc = HQ_SUSPEND;

	HQ_ASSERT(send(peer, p, cut, 0) == (ssize_t)cut);
	if (cut > 0 && (rc = hq_fcgi_call_step(c, &err)) != HQ_SUSPEND)
		return rc;
	hear(c, n);
	HQ_ASSERT(send(peer, p + cut, n - cut, 0) == (ssize_t)(n - cut));
	HQ_ASSERT(shutdown(peer, SHUT_WR) == 0);
	while ((rc = hq_fcgi_call_step(c, &err)) == HQ_SUSPEND)
		hear(c, n);
	hear(c, n);
	return rc;
}

static void
check_same(const struct hq_fcgi_call *a, const struct hq_fcgi_call *b)
{
	const char *ta = hq_fcgi_call_header(a, "content-type");
	const char *tb = hq_fcgi_call_header(b, "content-type");
	const char *pa, *pb;
	size_t na, nb;

	HQ_ASSERT(hq_fcgi_call_status(a) >= 100);
	HQ_ASSERT(hq_fcgi_call_status(a) == hq_fcgi_call_status(b));
	HQ_ASSERT((ta == NULL) == (tb == NULL));
	HQ_ASSERT(ta == NULL || strcmp(ta, tb) == 0);
	pa = hq_fcgi_call_body(a, &na);
	pb = hq_fcgi_call_body(b, &nb);
	HQ_ASSERT(na == nb && (na == 0 || memcmp(pa, pb, na) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct hq_fcgi_call *whole, *parted;
	enum hq_rc rc, again;
	int peer, other;

	if (n == 0 || n > INPUT_MAX)
		return 0;
	fuzz_begin();
	has_told = false;
	whole = call(&peer);
	parted = call(&other);
	rc = answer(whole, peer, data + 1, n - 1, 0);
	HQ_ASSERT(rc == HQ_OK || rc == HQ_E_BAD_GATEWAY);
	again = answer(parted, other, data + 1, n - 1, (n - 1) * data[0] / 256);
	HQ_ASSERT(again == rc || has_told);
	if (rc == HQ_OK && again == HQ_OK)
		check_same(whole, parted);
	hq_fcgi_call_free(whole);
	hq_fcgi_call_free(parted);
	(void)close(peer);
	(void)close(other);
	return 0;
}

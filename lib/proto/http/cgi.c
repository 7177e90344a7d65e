#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/http/exchange.h"
#include "proto/http/parts.h"

extern char **environ;

struct cgi {
	size_t left; /* a server need not close stdin after the body */
};

static long
cgi_read(void *ctx, char *p, size_t n)
{
	struct cgi *c = ctx;
	ssize_t k;

	if (n > c->left)
		n = c->left;
	if (n == 0)
		return 0;
	do
		k = read(STDIN_FILENO, p, n);
	while (k < 0 && errno == EINTR);
	if (k <= 0)
		return -1;
	c->left -= (size_t)k;
	return (long)k;
}

static void
cgi_write(void *ctx, const char *p, size_t n)
{
	ssize_t k;

	(void)ctx;
	while (n > 0) {
		k = write(STDOUT_FILENO, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

static const char *const *
cgi_params(void)
{
	return (const char *const *)environ;
}

bool
hq_cgi_asked(void)
{
	struct hq_http_req req = { .params = cgi_params() };

	return hq_http_param(&req, "GATEWAY_INTERFACE") != NULL;
}

enum hq_rc
hq_cgi_run(const struct hq_serve_opts *o, struct hq_err *err)
{
	struct hq_http_req req = { .params = cgi_params() };
	const char *length = hq_http_header(&req, "content-length");
	struct cgi c = { 0 };
	const struct hq_carrier io = { &c, cgi_read, cgi_write, NULL };
	struct hq_exchange x;
	void *app = NULL;
	enum hq_exchange_end end;
	sigset_t term;

	if (length != NULL && *length >= '0' && *length <= '9')
		c.left = (size_t)strtoull(length, NULL, 10);
	HQ_TRY(o->init(o->ctx, &app, err));
	hq_exchange_init(&x, o, app);
	/* A request that is under way is answered, whoever wants the end. */
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	HQ_ASSERT(pthread_sigmask(SIG_BLOCK, &term, NULL) == 0);
	end = hq_exchange_run(&x, cgi_params(), &io, NULL);
	hq_exchange_done(&x);
	o->done(app);
	if (end == HQ_EXCHANGE_CUT)
		return HQ_FAIL(err, BAD_REQUEST, "the body was cut off");
	return HQ_OK;
}
